#include "status.h"

#include "faults.h"

namespace cupy_on_cpu {
namespace {

thread_local cudaError_t last_error = cudaSuccess;

struct Text {
    const char* name;
    const char* meaning;
};

Text describe(cudaError_t error) {
    switch (error) {
        case cudaSuccess:
            return {"cudaSuccess", "no error"};
        case cudaErrorInvalidValue:
            return {"cudaErrorInvalidValue", "invalid argument"};
        case cudaErrorMemoryAllocation:
            return {"cudaErrorMemoryAllocation", "out of memory"};
        case cudaErrorNoDevice:
            return {"cudaErrorNoDevice", "no CUDA-capable device is detected"};
        case cudaErrorInvalidDevice:
            return {"cudaErrorInvalidDevice", "invalid device ordinal"};
        case cudaErrorIllegalAddress:
            return {"cudaErrorIllegalAddress", "an illegal memory access was encountered"};
        case cudaErrorLaunchFailure:
            return {"cudaErrorLaunchFailure", "unspecified launch failure"};
        case cudaErrorNotSupported:
            return {"cudaErrorNotSupported", "the CPU stand-in refuses"};
        default:
            return {"cudaErrorUnknown", "unknown error"};
    }
}

}  // namespace

cudaError_t fail(cudaError_t error) { return last_error = error; }

cudaError_t take_last_error() {
    const cudaError_t error = last_error;
    last_error = cudaSuccess;
    return error;
}

cudaError_t device_status() {
    const Fault broken = fault();
    return broken == no_fault ? cudaSuccess : fail(static_cast<cudaError_t>(broken));
}

}  // namespace cupy_on_cpu

extern "C" {

const char* cudaGetErrorName(cudaError_t error) { return cupy_on_cpu::describe(error).name; }

const char* cudaGetErrorString(cudaError_t error) { return cupy_on_cpu::describe(error).meaning; }

cudaError_t cudaGetLastError() { return cupy_on_cpu::take_last_error(); }

}  // extern "C"
