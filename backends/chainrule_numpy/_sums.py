"""Sums along the first or along the last axes, where NumPy's own loops would be short."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import numpy as np

from chainrule_numpy._matmul import matmul
from chainrule_numpy._products import SEVERAL_BY_VECTOR

_LARGE: Final = 512  # elements of the array; below, NumPy's own sum is as fast
_NARROW: Final = 128  # of what is left by a sum along the first axes
_ROW: Final = 512  # of the rows that narrow ones are folded into
_LONG: Final = 1024  # of rows; BLAS sums longer ones less accurately than NumPy


def add_reduce(x: Any, axis: Any, keepdims: bool = False, dtype: Any = None, out: Any = None) -> Any:
    """`np.add.reduce`, by BLAS along rows, and along columns by several rows at once."""
    if axis is not None and x.size >= _LARGE and x.dtype.char in "fd" and (dtype is None or dtype == x.dtype):
        n = x.ndim
        axes = sorted(a % n for a in ((axis,) if type(axis) is int else axis))
        summed = len(axes)
        if 0 < summed < n and x.flags.c_contiguous and (out is None or out.flags.c_contiguous):
            result = None
            if axes[0] == n - summed:
                width = math.prod(x.shape[n - summed :])
                if 2 <= width <= _LONG:
                    place = None if out is None else out.reshape(-1)
                    result = matmul(x.reshape(-1, width), _ones(width, x.dtype.char), place)
            elif axes[-1] == summed - 1:
                width = math.prod(x.shape[summed:])
                rows = x.size // width
                if 2 <= rows <= _LONG:
                    place = None if out is None else out.reshape(-1)
                    result = matmul(x.reshape(rows, width).T, _ones(rows, x.dtype.char), place)
                elif width <= _NARROW and width * 8 <= x.size:
                    result = _folded(x.reshape(-1, width), None if out is None else out.reshape(-1))
            if result is not None:
                if out is not None:
                    return out
                kept = [1 if i in axes else length for i, length in enumerate(x.shape) if keepdims or i not in axes]
                return result.reshape(kept)
    return np.add.reduce(x, axis=axis, keepdims=keepdims, dtype=dtype, out=out)


def of_rows(shape: tuple[Any, ...], dtype: str) -> Callable[..., Any] | None:
    """A kernel for the sum of a matrix's rows, which decides nothing at a call; None where BLAS is not the way."""
    if len(shape) != 2 or not all(type(n) is int for n in shape) or dtype not in ("float32", "float64"):
        return None
    if not 2 <= shape[0] <= _LONG or math.prod(shape) < _LARGE:
        return None
    ones = _ones(shape[0], np.dtype(dtype).char)
    short = math.prod(shape) < SEVERAL_BY_VECTOR

    def kernel(x: Any, *, out: Any, **attributes: Any) -> Any:
        if not x.flags.c_contiguous:
            return add_reduce(x, 0, out=out)
        return np.dot(ones, x, out) if short else matmul(x.T, ones, out)

    return kernel


def row_sums(x: Any) -> Any:
    """The sums along the last axis, which stays with length 1."""
    width = x.shape[-1]
    if x.dtype.char in "fd" and 2 <= width <= _LONG and x.flags.c_contiguous:
        total = matmul(x.reshape(-1, width), _ones(width, x.dtype.char))
        return total.reshape(*x.shape[:-1], 1)
    return np.add.reduce(x, axis=-1, keepdims=True)


@lru_cache(maxsize=64)
def _ones(length: int, dtype: str) -> Any:
    return np.ones(length, dtype)


def _folded(x: Any, out: Any) -> Any:
    """The sum of the rows: of so many at once that they are long."""
    rows, width = x.shape
    fold = max(1, min(_ROW // width, math.isqrt(rows)))
    whole = rows - rows % fold
    wide = np.add.reduce(x[:whole].reshape(-1, fold * width), axis=0)
    total = np.add.reduce(wide.reshape(fold, width), axis=0, out=out)
    if whole < rows:
        total += np.add.reduce(x[whole:], axis=0)
    return total
