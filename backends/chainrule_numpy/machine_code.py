"""Machine code for operations of plugins: a function for arrays of each shape, where there is a JIT.

Beside it `matmul(a, b, out=None)`, products of matrices on the same threads.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from chainrule_numpy import _jit
from chainrule_numpy._matmul import matmul as matmul

if TYPE_CHECKING:
    from chainrule_numpy._jit._work import Work
    from chainrule_numpy._jit._writer import Writer as Writer

_KEPT: Final = 512  # functions of an operation; the one that was not asked for longest goes first
_MANY: Final = (
    64  # shapes, after which one more is compiled when it comes again: some programs have a new one each time
)


class Kernels:
    """The functions of one operation: `Kernels(write)(dtype, length, *key)`."""

    def __init__(self, write: Callable[..., None]) -> None:
        """Prepare them.

        Args:
            write: `write(writer, *key)` writes a function with a `Writer` of a dtype and a length of vectors.
        """
        self._write = write
        self._lock = threading.RLock()  # one compiles at a time; what is collected meanwhile may come here again
        self._made: OrderedDict[Hashable, Work] = OrderedDict()
        self._new: OrderedDict[Hashable, None] = OrderedDict()

    def __call__(self, dtype: str, length: int, *key: Hashable) -> Work | None:
        """The function for a key, compiled at the first call; None where there is to be none.

        That is where there is no JIT, or it is switched off, and at the first call for a key after many others.

        Raises:
            BackendUnavailableError: there is none, and it was asked for.
        """
        if not _jit.is_on():
            return None
        whole = (dtype, length, key)
        with self._lock:
            work = self._made.get(whole)
            if work is None:
                if len(self._made) >= _MANY and whole not in self._new:
                    self._new[whole] = None
                    if len(self._new) > _KEPT:
                        self._new.popitem(last=False)
                    return None
                work = self._made[whole] = self._compiled(dtype, length, key)
                if len(self._made) > _KEPT:
                    self._made.popitem(last=False)
            self._made.move_to_end(whole)
            return work

    def _compiled(self, dtype: str, length: int, key: Sequence[Hashable]) -> Work:
        from chainrule_numpy._jit._machine import Code
        from chainrule_numpy._jit._work import Work
        from chainrule_numpy._jit._writer import Writer

        writer = Writer(dtype, length)
        self._write(writer, *key)
        return Work(Code(writer.module()))


def contiguous(x: Any) -> Any:
    """An array as machine code reads it: `x`, or a copy whose elements lie in order."""
    x = np.ascontiguousarray(x)
    return x if x.flags.aligned else x.copy()


def in_parts(work: Work, length: int, nanoseconds: float, arrays: Callable[[], Sequence[Any]]) -> list[Sequence[Any]]:
    """Have threads compute parts at the same time.

    Args:
        work: the function.
        length: of what it is to compute.
        nanoseconds: about how long one thread takes.
        arrays: makes what to call it with, for one part: some of them may be of that part alone.

    Returns:
        The arrays of each part.
    """
    from chainrule_numpy._jit._work import most_parts, threads_for

    given = [arrays() for _ in range(threads_for(most_parts(length, nanoseconds)))]
    work(given, length)
    return given
