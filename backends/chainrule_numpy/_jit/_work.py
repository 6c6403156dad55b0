"""`Work`: a function in machine code that computes a part of something, as Python calls it."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any, Final

from chainrule import get_num_threads
from chainrule_numpy._jit._machine import Code

_SHARE: Final = 40_000  # nanoseconds that a part takes at least
_Function: Final = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_ssize_t)


class Work:
    """The function `work(table of pointers, low, high)` of a module; other threads run Python while it computes."""

    def __init__(self, code: Code) -> None:
        self._code = code
        self._call = _Function(code.address("work"))

    def __call__(self, arrays: Sequence[Any], low: int, high: int) -> None:
        """Compute the part from `low` to `high`, of contiguous arrays."""
        pointers = [x.ctypes.data for x in arrays]
        table = (ctypes.c_void_p * len(pointers))(*pointers)
        self._call(ctypes.addressof(table), low, high)


def most_parts(nanoseconds: float) -> int:
    """Into how many parts to divide what takes so long, however many threads there are."""
    return max(1, int(nanoseconds // _SHARE))


def ends(length: int, nanoseconds: float, step: int = 1) -> list[int]:
    """Where the parts of a length begin that threads compute at the same time, and where the last one ends.

    Args:
        length: what to divide.
        nanoseconds: about how long one thread takes.
        step: what the beginnings are multiples of.
    """
    n = max(1, min(get_num_threads(), most_parts(nanoseconds), length // step))
    return [length * i // n // step * step for i in range(n)] + [length]
