"""Large products of matrices: in tiles on one thread; on chainrule's own where they are machine code, BLAS on one each.

BLAS's own threads look for more to do for a while after a product, and keep the processors from the threads that
compute what comes next.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import numpy as np

from chainrule import get_num_threads, run_tasks
from chainrule_numpy import _jit, _tiles
from chainrule_numpy._threads import alone, has_openblas, restored

LARGE: Final = 1 << 18  # multiplications, from which on BLAS may take several threads
_WORTH: Final = 1 << 20  # multiplications of matrices that are worth another thread; those by a vector always are
_THIN: Final = 16  # rows of a part
_DTYPES: Final = (("d", "d"), ("f", "f"))


def multiply(a: Any, b: Any, out: Any, size: int) -> Any:
    """What `np.matmul` gives, by so many multiplications."""
    if get_num_threads() == 1:
        product = _tiles.tiled(a, b, out) if size >= _tiles.LARGE and a.ndim > 1 and b.ndim > 1 else None
    elif not _jit.is_on() or (size < _WORTH and b.ndim > 1):
        product = None
    else:
        held = alone()
        try:
            product = _in_parts(a, b, out, size)
        finally:
            restored(held)
    return np.matmul(a, b, out) if product is None else product


def _in_parts(a: Any, b: Any, out: Any, size: int) -> Any | None:
    """The product, or None where it is left to NumPy."""
    from chainrule_numpy._jit._blas import product
    from chainrule_numpy._jit._work import threads_for

    depth = b.shape[0] if b.ndim == 1 else b.shape[-2]
    if a.ndim < 2 or a.shape[-1] != depth or (a.dtype.char, b.dtype.char) not in _DTYPES:
        return None
    if np.may_share_memory(a, b):  # of a matrix by itself BLAS computes half
        return None
    stack, other = a.shape[:-2], b.shape[:-2]
    is_stack = bool(stack or other)
    if is_stack and (size < _tiles.LARGE or b.ndim < 2 or (stack and other and stack != other) or not has_openblas()):
        return None
    if out is None:
        out = np.empty((*(stack or other), a.shape[-2], *b.shape[1:][-1:]), a.dtype)
    if is_stack:
        rows = a.shape[-2]
        each = max(-(-rows // get_num_threads()), _THIN)
        parts = [slice(start, start + each) for start in range(0, rows, each)]
        run_tasks([partial(np.matmul, a[..., part, :], b, out[..., part, :]) for part in parts])
        return out
    return out if product(a, b, out, threads_for(max(out.shape))) else None
