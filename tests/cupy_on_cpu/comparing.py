"""Computations on CuPy beside the same on NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

FLOATS = ("f2", "f4", "f8")
COMPLEX = ("c8", "c16")
INTEGERS = ("i4", "i8", "u1")
REALS = (*FLOATS, *INTEGERS, "?")
ALL = (*REALS, *COMPLEX)


def matrix(dtype: str) -> np.ndarray[Any, Any]:
    """A matrix of 4 rows and 5 columns, with both signs and zeros where the dtype has them."""
    random = np.random.default_rng(0)
    if dtype in INTEGERS:
        low = 0 if dtype.startswith("u") else -5
        return random.integers(low, 6, (4, 5)).astype(dtype)
    if dtype == "?":
        return random.integers(0, 2, (4, 5)).astype(dtype)
    real = random.standard_normal((4, 5)) * 2
    return (real + 1j * random.standard_normal((4, 5)) if dtype in COMPLEX else real).astype(dtype)


def tolerance(*dtypes: str) -> float:
    """How far results in the least precise of these dtypes may differ."""
    return 2e-2 if "f2" in dtypes else 1e-4


def agree(compute: Callable[[Any], Any], within: float = 1e-4) -> None:
    """Assert that `compute(cupy)` and `compute(numpy)` have the same values, dtypes and shapes."""
    import cupy

    actual, expected = compute(cupy), compute(np)
    if not isinstance(actual, (tuple, list)):
        actual, expected = (actual,), (expected,)
    assert len(actual) == len(expected)
    for ours, theirs in zip(actual, expected, strict=True):
        ours, theirs = cupy.asnumpy(ours), np.asarray(theirs)
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
        np.testing.assert_allclose(ours, theirs, rtol=within, atol=within)
