"""Products of matrices: by BLAS, in the layout that it is fastest in."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from chainrule_numpy._products import SEVERAL, SEVERAL_BY_VECTOR, multiply
from chainrule_numpy._tiles import DIRECT

_NARROW: Final = 16  # columns of a right side that BLAS has no fast way for where its rows lie in memory in order
_SHORT: Final = 32  # rows of a right side, below which it is not worth a look


def matmul(a: Any, b: Any, out: Any = None) -> Any:
    """The kernel of `matmul`; `out` is an array to write to."""
    shape = b.shape
    if len(shape) == 2 and a.ndim == 2:
        if shape[0] == 1:
            if a.shape[1] == 1 and a.dtype.char != "?":
                return np.multiply(a, b, out=out)
        elif shape[1] < _NARROW and shape[0] >= _SHORT and _pays(a, b, shape[1]):
            b = b.copy("F")
    if len(shape) < 2:
        if a.size >= SEVERAL_BY_VECTOR:
            return multiply(a, b, out, a.size)
    elif a.size * shape[-1] >= SEVERAL:
        return multiply(a, b, out, a.size * shape[-1])
    return np.matmul(a, b) if out is None else np.matmul(a, b, out)


def _pays(a: Any, b: Any, columns: int) -> bool:
    """Whether the right side is better copied into columns: measured with OpenBLAS."""
    rows, dtype = len(a), b.dtype.char
    if dtype not in "fd" or not b.flags.c_contiguous or a.size * columns > DIRECT:
        return False
    return columns >= 8 and (rows >= 256 if a.flags.f_contiguous else dtype == "f" and rows >= 64)
