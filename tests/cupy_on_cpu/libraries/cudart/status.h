// The status of the last call of each thread, and how calls fail.
#pragma once

#include <cuda_runtime_api.h>

namespace cupy_on_cpu {

cudaError_t fail(cudaError_t error);
cudaError_t take_last_error();
// What a device that a kernel broke says to every call.
cudaError_t device_status();

}  // namespace cupy_on_cpu
