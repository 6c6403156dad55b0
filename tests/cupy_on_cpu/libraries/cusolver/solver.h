// What the parts of cuSOLVER share: statuses, and how they hand a failure of LAPACK on.
#pragma once

#include "blas.h"

namespace cupy_on_cpu::solver {

enum Status { success = 0, not_supported = 9 };

// LAPACK's routines take their workspace from here, so that of cuSOLVER is a formality.
constexpr int workspace = 1;

// Whether eigenvectors or singular vectors are wanted, as cuSOLVER says it.
constexpr int with_vectors = 1;

template <class Call>
int for_each(int batch, Call call) {
    for (int i = 0; i < batch; ++i) call(i);
    return success;
}

}  // namespace cupy_on_cpu::solver

// Defines what asks for the size of a routine's workspace.
#define DEFINE_WORKSPACE(NAME, PARAMETERS)         \
    int cusolverDn##NAME##_bufferSize PARAMETERS { \
        *size = cupy_on_cpu::solver::workspace;    \
        return cupy_on_cpu::solver::success;       \
    }
