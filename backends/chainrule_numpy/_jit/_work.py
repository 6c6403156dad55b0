"""How much work is worth another thread, and `Work`: a function of plugins that has threads compute parts of it."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any, Final

from chainrule import get_num_threads
from chainrule_numpy._jit._machine import Code
from chainrule_numpy._jit._objects import address_of_data
from chainrule_numpy._jit._team import MOST, team

_SHARE: Final = 40_000  # nanoseconds that a part takes at least: its numbers may be in another cache
_Run: Final = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, *[ctypes.c_ssize_t] * 2)


def most_parts(length: int, nanoseconds: float) -> int:
    """Into how many parts to divide a length that takes so long, however many threads there are."""
    return max(1, min(int(nanoseconds // _SHARE), length, MOST))


def threads_for(most: int) -> int:
    """How many threads compute so many parts, of which the team has those that are needed."""
    n = min(get_num_threads(), most)
    if n > 1 + team().size:
        team().grow(n - 1)
    return n


class Work:
    """The function `work(table of pointers, low, high)` of a module; other threads run Python while it computes."""

    def __init__(self, code: Code) -> None:
        self._code = code
        self._address = code.address("work")
        self._run = _Run(team().run)

    def __call__(self, arrays: Sequence[Sequence[Any]], length: int) -> None:
        """Compute parts of a length at the same time, each with contiguous arrays of its own.

        Args:
            arrays: those of each part; some may be the same.
            length: what to divide.
        """
        tables = [(ctypes.c_void_p * len(part))(*map(address_of_data, part)) for part in arrays]
        self.run([ctypes.addressof(table) for table in tables], length)

    def run(self, tables: Sequence[int], length: int) -> None:
        """Compute parts with the tables at these addresses."""
        n = len(tables)
        starts = (ctypes.c_void_p * n)(*tables)
        marks = (ctypes.c_ssize_t * (n + 1))(*[length * i // n for i in range(n + 1)])
        self._run(self._address, ctypes.addressof(starts), ctypes.addressof(marks), n, n - 1)
