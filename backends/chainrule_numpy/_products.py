"""Large products of matrices: on one thread in tiles, on several by chainrule's own where they are machine code."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import numpy as np

from chainrule import get_num_threads
from chainrule_numpy import _jit
from chainrule_numpy._tiles import LARGE, tiled

SEVERAL: Final = 1 << 18  # multiplications, from which on BLAS would take several threads
SEVERAL_BY_VECTOR: Final = 9216
_SHARE: Final = 1 << 17  # multiplications that are worth a thread
_SHARE_BY_VECTOR: Final = 1 << 17
_DTYPES: Final = (("d", "d"), ("f", "f"))


def multiply(a: Any, b: Any, out: Any, size: int) -> Any:
    """What `np.matmul` gives, by so many multiplications."""
    if get_num_threads() == 1:
        product = tiled(a, b, out) if size >= LARGE and a.ndim > 1 and b.ndim > 1 else None
    else:
        product = _on_team(a, b, out, size) if _jit.is_on() else None
    return np.matmul(a, b, out) if product is None else product


def _on_team(a: Any, b: Any, out: Any, size: int) -> Any | None:
    """The product, or None where it is left to NumPy."""
    from chainrule_numpy._jit._blas import product, product_by_vector
    from chainrule_numpy._jit._work import threads_for

    depth = b.shape[0] if b.ndim == 1 else b.shape[-2]
    if a.ndim < 2 or a.shape[-1] != depth or (a.dtype.char, b.dtype.char) not in _DTYPES:
        return None
    stack, other = a.shape[:-2], b.shape[:-2]
    if (stack and other and stack != other) or (stack and b.ndim == 1):
        return None
    if np.may_share_memory(a, b):  # of a matrix by itself BLAS computes half
        return None
    if out is None:
        out = np.empty((*(stack or other), a.shape[-2], *b.shape[1:][-1:]), a.dtype)
    if b.ndim == 1:
        return out if product_by_vector(a, b, out, threads_for(max(1, size // _SHARE_BY_VECTOR))) else None
    parts = threads_for(max(1, size // _SHARE))
    if size >= LARGE and tiled(a, b, out, partial(product, parts=parts)) is not None:
        return out
    return out if product(a, b, out, parts) else None
