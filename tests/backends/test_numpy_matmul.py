"""NumPy's products of matrices in layouts that are rearranged, against sums in longer floating-point numbers."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule_numpy._out import OUT

SHAPES = [(100, 784, 10), (784, 100, 10), (300, 40, 3), (300, 1, 200), (1, 1, 1), (5, 1, 1), (40, 33, 15), (0, 5, 3)]


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "bool"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values(shape: tuple[int, int, int], dtype: str) -> None:
    m, k, n = shape
    rng = np.random.default_rng(0)
    for a in (rng.integers(-3, 4, (m, k)).astype(dtype), rng.integers(-3, 4, (k, m)).astype(dtype).T):
        for b in (rng.integers(-3, 4, (k, n)).astype(dtype), rng.integers(-3, 4, (n, k)).astype(dtype).T):
            want = (a.astype("int64") @ b.astype("int64")).astype(dtype)  # exact
            before = a.copy(), b.copy()
            got = cr.matmul(a, b).numpy()
            assert got.dtype == want.dtype
            assert got.flags.c_contiguous
            np.testing.assert_array_equal(got, want)
            np.testing.assert_array_equal(OUT["matmul"](a, b, out=np.ones_like(want)), want)
            np.testing.assert_array_equal(a, before[0])
            np.testing.assert_array_equal(b, before[1])


def test_mixed_dtypes() -> None:
    a, b = np.ones((300, 40), "float32"), np.ones((40, 10))
    assert cr.matmul(a, b).numpy().dtype == "float64"
    assert cr.matmul(np.ones((300, 1), "float32"), np.ones((1, 10), "int64")).numpy().dtype == "float64"
