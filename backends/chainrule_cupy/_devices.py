"""Kernels on the device of their arrays: CuPy works on the one that is current for the thread."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from chainrule import Kernel


def on_device(ndarray: Any, count: int) -> Callable[[Kernel], Kernel]:
    """What makes a kernel run on the device of its arrays: nothing, unless there are several.

    Args:
        ndarray: the class of arrays.
        count: how many devices there are.
    """
    if count <= 1:
        return lambda kernel: kernel

    def placed(kernel: Kernel) -> Kernel:
        @wraps(kernel)
        def run(*arrays: Any, **attributes: Any) -> Any:
            for x in arrays:
                if type(x) is ndarray:
                    with x.device:
                        return kernel(*arrays, **attributes)
            return kernel(*arrays, **attributes)

        return run

    return placed
