// Handles of cuBLAS, and the statuses that its functions give.
#pragma once

namespace cupy_on_cpu::blas {

enum Status { success = 0, invalid_value = 7, not_supported = 15 };

struct Handle {
    void* stream;
    int pointer_mode, math_mode;
};

}  // namespace cupy_on_cpu::blas
