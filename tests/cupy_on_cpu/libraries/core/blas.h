// What cuBLAS and cuSOLVER share: CUDA's enumerations as the letters of BLAS, and a way to write four types once.
#pragma once

#include "lapack.h"

namespace cupy_on_cpu::blas {

constexpr char operation_letters[] = {'N', 'T', 'C'};
constexpr char fill_letters[] = {'L', 'U'};
constexpr char side_letters[] = {'L', 'R'};
constexpr char diagonal_letters[] = {'N', 'U'};

inline const char* operation(int value) { return &operation_letters[value]; }
inline const char* fill(int value) { return &fill_letters[value]; }
inline const char* side(int value) { return &side_letters[value]; }
inline const char* diagonal(int value) { return &diagonal_letters[value]; }

}  // namespace cupy_on_cpu::blas

// Defines one entry point for each of the four types: `F(S, float)` and so on.
#define FOR_EACH_TYPE(F) F(S, float) F(D, double) F(C, cupy_on_cpu::Complex) F(Z, cupy_on_cpu::DoubleComplex)
