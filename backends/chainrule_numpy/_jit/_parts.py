"""A kernel that has threads compute parts of a large space."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from chainrule_numpy._jit._work import threads_for

Kernel = Callable[..., tuple[Any, ...]]


class Parts:
    """The kernel: one for each number of parts that was needed so far."""

    def __init__(self, kernel: Callable[[int], Kernel], most: int) -> None:
        """Prepare it; one thread at a time does, as the first kernel of all makes what the others share.

        Args:
            kernel: makes the one for so many parts.
            most: parts.
        """
        self._make = kernel
        self._most = most
        self._kernels = {1: kernel(1)}

    @property
    def native(self) -> Kernel:
        """The compiled function for as many threads as are to compute now."""
        n = threads_for(self._most)
        return self._kernels.get(n) or self._kernels.setdefault(n, self._make(n))

    def __call__(self, *inputs: Any, out: Sequence[Any] = ()) -> tuple[Any, ...]:
        return self.native(*inputs, out=out) if out else self.native(*inputs)
