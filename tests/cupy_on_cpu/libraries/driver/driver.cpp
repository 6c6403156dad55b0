// The part of the driver API that CuPy asks for: modules, functions and launches. A module is a shared library.

#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>

#include "context.h"
#include "faults.h"
#include "fibers.h"
#include "journal.h"
#include "launch.h"

using namespace cupy_on_cpu;

namespace {

enum Result {
    success = 0,
    invalid_value = 1,
    invalid_image = 200,
    not_found = 500,
    not_supported = 801,
};

struct Module {
    void* library;
    Context* context;
    std::map<std::string, std::unique_ptr<Kernel>> kernels;
};

void* const only_context = reinterpret_cast<void*>(1);

template <class T>
T symbol(void* library, const std::string& name) {
    return reinterpret_cast<T>(dlsym(library, name.c_str()));
}

bool write_all(int file, const char* bytes, size_t size) {
    while (size) {
        const ssize_t written = write(file, bytes, size);
        if (written <= 0) return false;
        bytes += written;
        size -= written;
    }
    return true;
}

// Loads a shared library from memory: the loader wants a file, whose name may be gone at once.
void* load(const char* bytes, size_t size) {
    char path[] = "/tmp/cupy_on_cpu_XXXXXX";
    const int file = mkstemp(path);
    if (file < 0) return nullptr;
    const bool written = write_all(file, bytes, size);
    close(file);
    void* library = written ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : nullptr;
    if (!library) std::fprintf(stderr, "[cupy_on_cpu] a kernel cannot be loaded: %s\n", dlerror());
    unlink(path);
    return library;
}

const char* name_of(int result) {
    switch (result) {
        case success:
            return "CUDA_SUCCESS";
        case invalid_value:
            return "CUDA_ERROR_INVALID_VALUE";
        case invalid_image:
            return "CUDA_ERROR_INVALID_IMAGE";
        case not_found:
            return "CUDA_ERROR_NOT_FOUND";
        case illegal_address:
            return "CUDA_ERROR_ILLEGAL_ADDRESS";
        case launch_failure:
            return "CUDA_ERROR_LAUNCH_FAILED";
        case not_supported:
            return "CUDA_ERROR_NOT_SUPPORTED";
        default:
            return "CUDA_ERROR_UNKNOWN";
    }
}

}  // namespace

extern "C" {

int cuInit(unsigned) { return success; }

int cuDriverGetVersion(int* version) {
    *version = 13000;
    return success;
}

int cuGetErrorName(int result, const char** name) {
    *name = name_of(result);
    return success;
}

int cuGetErrorString(int result, const char** meaning) {
    *meaning = result == not_supported ? "the CPU stand-in refuses" : name_of(result);
    return success;
}

int cuCtxGetCurrent(void** context) {
    *context = only_context;
    return success;
}

int cuCtxSetCurrent(void*) { return success; }

int cuStreamGetCtx(void*, void** context) {
    *context = only_context;
    return success;
}

int cuModuleLoadData(void** module, const void* image) {
    const auto* header = static_cast<const ImageHeader*>(image);
    if (std::memcmp(header->magic, image_magic, sizeof header->magic) != 0) {
        return refuse("an image of GPU machine code", not_supported);
    }
    void* library = load(reinterpret_cast<const char*>(header + 1), header->size);
    if (!library) return invalid_image;
    const auto get_context = symbol<Context* (*)()>(library, CUPY_ON_CPU_CONTEXT);
    auto loaded = std::make_unique<Module>(Module{library, get_context(), {}});
    install_synchronisation(loaded->context);
    *module = loaded.release();
    return success;
}

int cuModuleUnload(void* module) {
    std::unique_ptr<Module> unloaded(static_cast<Module*>(module));
    dlclose(unloaded->library);
    return success;
}

int cuModuleGetFunction(void** function, void* module, const char* name) {
    auto* owner = static_cast<Module*>(module);
    auto& kernel = owner->kernels[name];
    if (!kernel) {
        const auto entry = symbol<void (*)(void**)>(owner->library, std::string(CUPY_ON_CPU_ENTRY) + name);
        if (!entry) return not_found;
        const bool synchronises = *symbol<bool*>(owner->library, CUPY_ON_CPU_SYNCHRONISES);
        kernel = std::make_unique<Kernel>(Kernel{name, entry, owner->context, synchronises});
    }
    *function = kernel.get();
    return success;
}

int cuModuleGetGlobal_v2(void** pointer, size_t* size, void* module, const char* name) {
    *pointer = symbol<void*>(static_cast<Module*>(module)->library, name);
    if (size) *size = 0;
    return *pointer ? success : not_found;
}

int cuLaunchKernel(void* function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                   unsigned block_y, unsigned block_z, unsigned shared_memory, void*, void** arguments, void**) {
    if (fault() != no_fault) return fault();
    const auto& kernel = *static_cast<Kernel*>(function);
    switch (launch(kernel, {grid_x, grid_y, grid_z}, {block_x, block_y, block_z}, shared_memory, arguments)) {
        case LaunchStatus::success:
            return success;
        case LaunchStatus::invalid:
            return invalid_value;
        case LaunchStatus::refused:
            return not_supported;
    }
    return invalid_value;
}

int cuLaunchCooperativeKernel(void* function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                              unsigned block_y, unsigned block_z, unsigned shared_memory, void* stream,
                              void** arguments) {
    if (grid_x * grid_y * grid_z > 1) return refuse("cuLaunchCooperativeKernel of several blocks", not_supported);
    return cuLaunchKernel(function, grid_x, grid_y, grid_z, block_x, block_y, block_z, shared_memory, stream, arguments,
                          nullptr);
}

int cuFuncGetAttribute(int* value, int, void*) {
    *value = 0;
    return success;
}

int cuFuncSetAttribute(void*, int, int) { return success; }

int cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, void*, int, size_t) {
    *blocks = 2;
    return success;
}

int cuOccupancyMaxPotentialBlockSize(int* grid, int* block, void*, void*, size_t, int limit) {
    *grid = 2;
    *block = limit ? limit : 256;
    return success;
}

}  // extern "C"
