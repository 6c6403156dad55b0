"""Kernels on the device of their arrays: CuPy works on the one that is current for the thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule import Kernel


def on_device(cupy: Any) -> Callable[[Kernel], Kernel]:
    """What makes a kernel run on the device of its arrays; nothing where there is one device."""
    if cupy.cuda.runtime.getDeviceCount() == 1:
        return lambda kernel: kernel
    ndarray = cupy.ndarray

    def placed(kernel: Kernel) -> Kernel:
        def run(*arrays: Any, **attributes: Any) -> Any:
            for x in arrays:
                if type(x) is ndarray:
                    with x.device:
                        return kernel(*arrays, **attributes)
            return kernel(*arrays, **attributes)

        return run

    return placed
