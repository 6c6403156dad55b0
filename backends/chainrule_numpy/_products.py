"""Large products of matrices: in machine code, where there is any, on chainrule's threads; otherwise by NumPy."""

from __future__ import annotations

from functools import cache, partial
from typing import Any, Final

import numpy as np

from chainrule import get_num_threads
from chainrule_numpy import _jit
from chainrule_numpy._tiles import LARGE, tiled

SEVERAL: Final = 1 << 18  # multiplications, from which on BLAS would take several threads
SEVERAL_BY_VECTOR: Final = 9216
_WORTH: Final = 1 << 20  # multiplications for which it is worth to load what makes machine code
_SHARE: Final = 1 << 17  # multiplications that are worth a thread
_SHARE_BY_VECTOR: Final = 1 << 17
_DTYPES: Final = (np.dtype("float32"), np.dtype("float64"))  # in the processor's order of bytes


def multiply(a: Any, b: Any, out: Any, size: int) -> Any:
    """What `np.matmul` gives, by so many multiplications."""
    threads, product = get_num_threads(), None
    if threads > 1 or size >= LARGE:
        if _jit.is_on() and (_jit.is_loaded() or (threads > 1 and size >= _WORTH)):
            product = _on_team(a, b, out, size)
        if product is None and threads == 1 and a.ndim > 1 and b.ndim > 1:
            product = tiled(a, b, out)
    return np.matmul(a, b, out) if product is None else product


def _on_team(a: Any, b: Any, out: Any, size: int) -> Any | None:
    """The product, or None where it is left to NumPy."""
    depth = b.shape[0] if b.ndim == 1 else b.shape[-2]
    if a.ndim < 2 or a.shape[-1] != depth or a.dtype != b.dtype or a.dtype not in _DTYPES:
        return None
    stack, other = a.shape[:-2], b.shape[:-2]
    if (stack and other and stack != other) or (stack and b.ndim == 1):
        return None
    if a.strides[::-1] == b.strides and np.may_share_memory(a, b):  # of a matrix by itself BLAS computes half
        return None
    if out is None:
        out = np.empty((*(stack or other), a.shape[-2], *b.shape[1:][-1:]), a.dtype)
    blas = _blas()
    if b.ndim == 1:
        return out if blas.product_by_vector(a, b, out, max(1, size // _SHARE_BY_VECTOR)) else None
    most = max(1, size // _SHARE)
    if size >= LARGE and tiled(a, b, out, partial(blas.product, most=most)) is not None:
        return out
    return out if blas.product(a, b, out, most) else None


@cache
def _blas() -> Any:
    """What the team does, which takes llvmlite."""
    from chainrule_numpy._jit import _blas

    return _blas
