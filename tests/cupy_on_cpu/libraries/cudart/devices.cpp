// The devices: what they are called, how large they are, which is current.

#include <cuda_runtime_api.h>

#include <cstdio>
#include <cstring>

#include "context.h"
#include "launch.h"
#include "memory.h"
#include "options.h"
#include "status.h"

using namespace cupy_on_cpu;

namespace {

constexpr int compute_major = 9;
constexpr int compute_minor = 0;
constexpr int registers = 65536;
constexpr int multiprocessors = 2;
constexpr int threads_per_multiprocessor = 2048;
constexpr int max_block[3] = {1024, 1024, 64};
constexpr int max_grid[3] = {0x7fffffff, 65535, 65535};

bool exists(int device) { return device >= 0 && device < options().devices; }

int attribute(cudaDeviceAttr which) {
    switch (which) {
        case cudaDevAttrComputeCapabilityMajor:
            return compute_major;
        case cudaDevAttrComputeCapabilityMinor:
            return compute_minor;
        case cudaDevAttrWarpSize:
            return warp_size;
        case cudaDevAttrMaxThreadsPerBlock:
            return max_threads_per_block;
        case cudaDevAttrMaxBlockDimX:
            return max_block[0];
        case cudaDevAttrMaxBlockDimY:
            return max_block[1];
        case cudaDevAttrMaxBlockDimZ:
            return max_block[2];
        case cudaDevAttrMaxGridDimX:
            return max_grid[0];
        case cudaDevAttrMaxGridDimY:
            return max_grid[1];
        case cudaDevAttrMaxGridDimZ:
            return max_grid[2];
        case cudaDevAttrMaxRegistersPerBlock:
            return registers;
        case cudaDevAttrMultiProcessorCount:
            return multiprocessors;
        case cudaDevAttrMaxThreadsPerMultiProcessor:
            return threads_per_multiprocessor;
        case cudaDevAttrMaxSharedMemoryPerBlock:
        case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
        case cudaDevAttrMaxSharedMemoryPerBlockOptin:
            return max_shared_memory;
        default:
            return 0;  // the many abilities that a device may lack
    }
}

}  // namespace

extern "C" {

cudaError_t cudaDriverGetVersion(int* version) {
    *version = CUDART_VERSION;
    return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
    *version = CUDART_VERSION;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int* count) {
    *count = options().devices;
    return *count ? cudaSuccess : fail(cudaErrorNoDevice);
}

cudaError_t cudaGetDevice(int* device) {
    if (!options().devices) return fail(cudaErrorNoDevice);
    *device = current_device();
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
    if (!options().devices) return fail(cudaErrorNoDevice);
    if (!exists(device)) return fail(cudaErrorInvalidDevice);
    set_current_device(device);
    return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() { return device_status(); }

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr which, int device) {
    if (!exists(device)) return fail(cudaErrorInvalidDevice);
    *value = attribute(which);
    return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
    if (!exists(device)) return fail(cudaErrorInvalidDevice);
    std::memset(properties, 0, sizeof *properties);
    std::strcpy(properties->name, "CPU stand-in (no GPU)");
    properties->totalGlobalMem = options().memory;
    properties->sharedMemPerBlock = max_shared_memory;
    properties->regsPerBlock = registers;
    properties->warpSize = warp_size;
    properties->maxThreadsPerBlock = max_threads_per_block;
    for (int i = 0; i < 3; ++i) {
        properties->maxThreadsDim[i] = max_block[i];
        properties->maxGridSize[i] = max_grid[i];
    }
    properties->major = compute_major;
    properties->minor = compute_minor;
    properties->multiProcessorCount = multiprocessors;
    properties->maxThreadsPerMultiProcessor = threads_per_multiprocessor;
    return cudaSuccess;
}

cudaError_t cudaDeviceGetPCIBusId(char* id, int size, int device) {
    std::snprintf(id, size, "0000:%02x:00.0", device);
    return cudaSuccess;
}

cudaError_t cudaDeviceCanAccessPeer(int* can, int, int) {
    *can = 0;
    return cudaSuccess;
}

}  // extern "C"
