"""Kernels of a user's own: every way that CuPy has of compiling one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest


def test_elementwise() -> None:
    import cupy

    kernel = cupy.ElementwiseKernel("T x, T y", "T z", "z = x * y + i", "own_elementwise")
    x = cupy.arange(4, dtype="f4")
    assert kernel(x, cupy.full(4, 2, "f4")).tolist() == [0, 3, 6, 9]


def test_reduction() -> None:
    import cupy

    kernel = cupy.ReductionKernel("T x", "T y", "x * x", "a + b", "y = sqrt(a)", "0", "own_norm")
    assert kernel(cupy.asarray([3.0, 4.0])).item() == pytest.approx(5.0)


def test_shared_memory_and_barriers() -> None:
    import cupy

    source = r"""
    extern "C" __global__ void reversed(const float* x, float* y) {
        __shared__ float block[64];
        block[threadIdx.x] = x[threadIdx.x];
        __syncthreads();
        y[threadIdx.x] = block[63 - threadIdx.x];
    }"""
    y = cupy.zeros(64, "f4")
    cupy.RawKernel(source, "reversed")((1,), (64,), (cupy.arange(64, dtype="f4"), y))
    assert y.tolist() == list(range(63, -1, -1))


def test_a_missing_barrier_shows() -> None:
    import cupy

    source = r"""
    extern "C" __global__ void unreversed(const float* x, float* y) {
        __shared__ float block[64];
        block[threadIdx.x] = x[threadIdx.x];
        y[threadIdx.x] = block[63 - threadIdx.x];
    }"""
    y = cupy.zeros(64, "f4")
    cupy.RawKernel(source, "unreversed")((1,), (64,), (cupy.arange(64, dtype="f4"), y))
    assert y.tolist() != list(range(63, -1, -1))


def test_dynamic_shared_memory() -> None:
    import cupy

    source = r"""
    extern "C" __global__ void shifted(const int* x, int* y) {
        extern __shared__ int block[];
        block[threadIdx.x] = x[threadIdx.x];
        __syncthreads();
        y[threadIdx.x] = block[(threadIdx.x + 1) % blockDim.x];
    }"""
    y = cupy.zeros(40, "i4")
    cupy.RawKernel(source, "shifted")((1,), (40,), (cupy.arange(40, dtype="i4"), y), shared_mem=160)
    assert y.tolist() == [*range(1, 40), 0]


def test_lanes_exchange_values() -> None:
    import cupy

    source = r"""
    extern "C" __global__ void sums(const int* x, int* y) {
        int sum = x[threadIdx.x];
        for (int distance = 16; distance; distance /= 2) sum += __shfl_down_sync(~0u, sum, distance);
        unsigned odd = __ballot_sync(~0u, x[threadIdx.x] & 1);
        if (threadIdx.x % 32 == 0) { y[threadIdx.x / 32] = sum; y[2 + threadIdx.x / 32] = __popc(odd); }
    }"""
    y = cupy.zeros(4, "i4")
    cupy.RawKernel(source, "sums")((1,), (64,), (cupy.arange(64, dtype="i4"), y))
    assert y.tolist() == [sum(range(32)), sum(range(32, 64)), 16, 16]


def test_half_a_warp_exchanges_while_the_other_waits() -> None:
    import cupy

    source = r"""
    extern "C" __global__ void halves(int* y) {
        int value = threadIdx.x;
        if (threadIdx.x < 16) value = __shfl_sync(0xffffu, value, 3);
        __syncthreads();
        y[threadIdx.x] = value;
    }"""
    y = cupy.zeros(32, "i4")
    cupy.RawKernel(source, "halves")((1,), (32,), (y,))
    assert y.tolist() == [3] * 16 + list(range(16, 32))


def test_templates() -> None:
    import cupy

    source = "template <class T> __global__ void increment(T* x) { x[threadIdx.x] += T(1); }"
    module = cupy.RawModule(code=source, name_expressions=["increment<float>", "increment<int>"])
    x = cupy.zeros(3, "i4")
    module.get_function("increment<int>")((1,), (3,), (x,))
    assert x.tolist() == [1, 1, 1]


def test_fused_functions() -> None:
    import cupy

    def own_fused(x: Any, y: Any) -> Any:
        return cupy.exp(x) * y + 1

    assert cupy.fuse(own_fused)(cupy.asarray([1.0]), cupy.asarray([2.0])).item() == pytest.approx(2 * math.e + 1)


def test_what_does_not_compile() -> None:
    import cupy

    kernel = cupy.ElementwiseKernel("T x", "T y", "y = sigmiod(x)", "own_misspelt")
    with pytest.raises(cupy.cuda.compiler.CompileException, match="sigmiod"):
        kernel(cupy.ones(2))


def test_bounds_of_launches() -> None:
    import cupy

    kernel = cupy.RawKernel('extern "C" __global__ void nothing() {}', "nothing")
    with pytest.raises(cupy.cuda.driver.CUDADriverError, match="INVALID_VALUE"):
        kernel((1,), (1025,), ())


def test_atomics() -> None:
    import cupy

    source = r"""
    extern "C" __global__ void counted(int* x, double* sum) {
        atomicAdd(x, 1);
        atomicMax(x + 1, (int)threadIdx.x);
        atomicAdd(sum, 0.5);
        atomicCAS(x + 2, 0, 7);
    }"""
    x, total = cupy.zeros(3, "i4"), cupy.zeros(1)
    cupy.RawKernel(source, "counted")((2,), (32,), (x, total))
    assert x.tolist() == [64, 31, 7]
    assert total.item() == np.float64(32.0)
