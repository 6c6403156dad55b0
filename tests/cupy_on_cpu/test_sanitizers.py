"""Kernels under the compiler's sanitizers, and with multiplication and addition fused as NVRTC fuses them."""

from __future__ import annotations

import subprocess

from tests.cupy_on_cpu.conftest import Run
from tests.cupy_on_cpu.test_faults import lines

# One element is read past the end of an array.
OVER_READ = """
source = '''extern "C" __global__ void shift(const float* x, float* y, int n) {
    int i = threadIdx.x;
    if (i < n) y[i] = x[i + 1];
}'''
x, y = cp.arange(8, dtype='f4'), cp.zeros(8, 'f4')
cp.RawKernel(source, 'shift')((1,), (8,), (x, y, np.int32(8)))
print('unnoticed')
"""
CAST = "print(cp.asarray([-1.0], 'f4').astype('u4').get())"
FUSED = """
x = cp.asarray([1.000244140625], 'f4')
print(float(cp.ElementwiseKernel('T a, T c', 'T z', 'z = a * a + c', 'square_plus')(x, cp.asarray([-1.0], 'f4'))[0]))
"""


def library(name: str) -> str:
    """The path of a sanitizer's library."""
    command = ["g++", f"-print-file-name={name}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_reading_past_an_array(run_program: Run) -> None:
    assert lines(run_program, OVER_READ) == ["unnoticed"]
    done = run_program(
        OVER_READ,
        CUPY_ON_CPU_CXXFLAGS="-fsanitize=address",
        CUPY_ON_CPU_POOL="off",
        LD_PRELOAD=library("libasan.so"),
        ASAN_OPTIONS="detect_leaks=0",
    )
    assert done.returncode != 0
    assert "heap-buffer-overflow" in done.stderr
    assert "READ of size 4" in done.stderr


def test_casts_that_differ_on_a_gpu(run_program: Run) -> None:
    done = run_program(CAST, CUPY_ON_CPU_CXXFLAGS="-fsanitize=float-cast-overflow -fno-sanitize-recover=all")
    assert done.returncode != 0
    assert "-1 is outside the range of representable values" in done.stderr


def test_fused_multiplication_and_addition(run_program: Run) -> None:
    exact = 1.000244140625**2 - 1
    (rounded,) = lines(run_program, FUSED)
    (fused,) = lines(run_program, FUSED, CUPY_ON_CPU_CXXFLAGS="-O2 -mfma -ffp-contract=fast")
    assert abs(float(fused) - exact) < 1e-11 < abs(float(rounded) - exact)
