// Handles and what they remember.

#include "handle.h"

using cupy_on_cpu::blas::Handle;
using cupy_on_cpu::blas::success;

extern "C" {

int cublasCreate_v2(Handle** handle) {
    *handle = new Handle{};
    return success;
}

int cublasDestroy_v2(Handle* handle) {
    delete handle;
    return success;
}

int cublasGetVersion_v2(Handle*, int* version) {
    *version = 130000;
    return success;
}

int cublasSetStream_v2(Handle* handle, void* stream) {
    handle->stream = stream;
    return success;
}

int cublasGetStream_v2(Handle* handle, void** stream) {
    *stream = handle->stream;
    return success;
}

int cublasSetPointerMode_v2(Handle* handle, int mode) {
    handle->pointer_mode = mode;
    return success;
}

int cublasGetPointerMode_v2(Handle* handle, int* mode) {
    *mode = handle->pointer_mode;
    return success;
}

int cublasSetMathMode(Handle* handle, int mode) {
    handle->math_mode = mode;
    return success;
}

int cublasGetMathMode(Handle* handle, int* mode) {
    *mode = handle->math_mode;
    return success;
}

}  // extern "C"
