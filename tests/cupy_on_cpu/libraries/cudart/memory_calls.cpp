// Allocation, copies and what is known of a pointer. Copies are done when they are asked for, whatever the stream.

#include <cuda_runtime_api.h>

#include <cstring>

#include "journal.h"
#include "memory.h"
#include "options.h"
#include "status.h"

using namespace cupy_on_cpu;

namespace {

cudaError_t allocate_as(Kind kind, void** pointer, size_t size) {
    if (const cudaError_t broken = device_status()) return broken;
    return allocate(pointer, size, kind) == MemoryStatus::success ? cudaSuccess : fail(cudaErrorMemoryAllocation);
}

cudaError_t release_known(void* pointer) {
    return release(pointer) == MemoryStatus::success ? cudaSuccess : fail(cudaErrorInvalidValue);
}

// What is said to be a device's memory, or is known to be, must hold the whole range.
bool may_be_accessed(const void* pointer, size_t size, bool is_device_memory) {
    Allocation found;
    return is_device_memory || find(pointer, &found) ? is_within_one(pointer, size) : true;
}

cudaError_t copy(void* to, const void* from, size_t size, cudaMemcpyKind kind) {
    if (const cudaError_t broken = device_status()) return broken;
    if (!size) return cudaSuccess;
    const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
    const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
    if (!may_be_accessed(to, size, to_device) || !may_be_accessed(from, size, from_device)) {
        return fail(cudaErrorInvalidValue);
    }
    note_work();
    std::memmove(to, from, size);
    return cudaSuccess;
}

cudaError_t fill(void* pointer, int value, size_t size) {
    if (const cudaError_t broken = device_status()) return broken;
    if (!is_within_one(pointer, size)) return fail(cudaErrorInvalidValue);
    note_work();
    std::memset(pointer, value, size);
    return cudaSuccess;
}

}  // namespace

extern "C" {

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
    *total = options().memory;
    *free = *total - used_memory(current_device());
    return cudaSuccess;
}

cudaError_t cudaMalloc(void** pointer, size_t size) { return allocate_as(Kind::device, pointer, size); }

cudaError_t cudaMallocAsync(void** pointer, size_t size, cudaStream_t) {
    return allocate_as(Kind::device, pointer, size);
}

cudaError_t cudaMallocManaged(void** pointer, size_t size, unsigned) {
    return allocate_as(Kind::managed, pointer, size);
}

cudaError_t cudaHostAlloc(void** pointer, size_t size, unsigned) { return allocate_as(Kind::pinned, pointer, size); }

cudaError_t cudaFree(void* pointer) { return release_known(pointer); }

cudaError_t cudaFreeAsync(void* pointer, cudaStream_t) { return release_known(pointer); }

cudaError_t cudaFreeHost(void* pointer) { return release_known(pointer); }

cudaError_t cudaHostRegister(void*, size_t, unsigned) { return cudaSuccess; }

cudaError_t cudaHostUnregister(void*) { return cudaSuccess; }

cudaError_t cudaMemcpy(void* to, const void* from, size_t size, cudaMemcpyKind kind) {
    return copy(to, from, size, kind);
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t size, cudaMemcpyKind kind, cudaStream_t) {
    return copy(to, from, size, kind);
}

cudaError_t cudaMemcpyPeer(void* to, int, const void* from, int, size_t size) {
    return copy(to, from, size, cudaMemcpyDeviceToDevice);
}

cudaError_t cudaMemcpyPeerAsync(void* to, int, const void* from, int, size_t size, cudaStream_t) {
    return copy(to, from, size, cudaMemcpyDeviceToDevice);
}

cudaError_t cudaMemset(void* pointer, int value, size_t size) { return fill(pointer, value, size); }

cudaError_t cudaMemsetAsync(void* pointer, int value, size_t size, cudaStream_t) { return fill(pointer, value, size); }

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer) {
    std::memset(attributes, 0, sizeof *attributes);
    auto* address = const_cast<void*>(pointer);
    Allocation found;
    if (!find(pointer, &found)) {
        attributes->type = cudaMemoryTypeUnregistered;
        attributes->device = cudaInvalidDeviceId;
        attributes->hostPointer = address;
        return cudaSuccess;
    }
    attributes->type = static_cast<cudaMemoryType>(found.kind);
    attributes->device = found.device;
    attributes->devicePointer = address;
    attributes->hostPointer = found.kind == Kind::device ? nullptr : address;
    return cudaSuccess;
}

}  // extern "C"
