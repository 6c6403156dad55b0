// The words of CUDA C++ that C++ lacks: qualifiers, vector types, the place of a thread in its grid.
#pragma once

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <initializer_list>
#include <tuple>
#include <type_traits>
#include <utility>

#include "context.h"

#define __CUDACC__ 1
#define __CUDACC_VER_MAJOR__ 13
#define __CUDACC_VER_MINOR__ 0
#define __CUDA_ARCH__ 900

#define __global__
#define __device__
#define __host__
#define __constant__ __attribute__((visibility("default"), used))
#define __shared__ static  // one block runs at a time
#define __managed__ static
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __align__(...) alignas(__VA_ARGS__)
#define __restrict__

struct dim3 {
    unsigned x, y, z;
    dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};
struct uint3 {
    unsigned x, y, z;
};
struct int2 {
    int x, y;
};
struct alignas(16) int4 {
    int x, y, z, w;
};
struct float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
struct double2 {
    double x, y;
};
inline int2 make_int2(int x, int y) { return {x, y}; }
inline int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline double2 make_double2(double x, double y) { return {x, y}; }
typedef unsigned long long cudaTextureObject_t;

static cupy_on_cpu::Context cupy_on_cpu_this;
#define threadIdx cupy_on_cpu_this.thread_index
#define blockIdx cupy_on_cpu_this.block_index
#define blockDim cupy_on_cpu_this.block_size
#define gridDim cupy_on_cpu_this.grid_size
#define warpSize 32

namespace cupy_on_cpu {

template <class... Parameters, size_t... I>
void call_with(void (*kernel)(Parameters...), void** arguments, std::index_sequence<I...>) {
    kernel(*reinterpret_cast<std::remove_reference_t<std::remove_const_t<Parameters>>*>(arguments[I])...);
}

// Calls a kernel with arguments as the driver passes them: pointers to the values.
template <class... Parameters>
void call(void (*kernel)(Parameters...), void** arguments) {
    call_with(kernel, arguments, std::index_sequence_for<Parameters...>{});
}

}  // namespace cupy_on_cpu
