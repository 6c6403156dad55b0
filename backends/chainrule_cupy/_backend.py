"""Arrays and devices of CuPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from chainrule import DTYPES, Backend, Kernel
from chainrule_cupy._kernels import kernels


def cupy_backend(cupy: Any, xp: Any) -> Backend:
    """CuPy as a backend.

    Args:
        cupy: the module.
        xp: its array API namespace.
    """
    count = cupy.cuda.runtime.getDeviceCount()
    on_device = _on_device(cupy.ndarray) if count > 1 else _as_it_is

    def device(name: str | None) -> AbstractContextManager[Any]:
        """The device of a name made current; what is current stays for None."""
        return nullcontext() if name is None else cupy.cuda.Device(int(name))

    def asarray(data: Any, dtype: Any, name: str | None) -> Any:
        own = name is None and isinstance(data, cupy.ndarray)
        with data.device if own else device(name):
            return cupy.array(data, dtype=dtype)

    def full(shape: tuple[int, ...], value: complex, dtype: Any, name: str | None) -> Any:
        with device(name):
            return cupy.full(shape, value, dtype)

    def synchronize(name: str | None) -> None:
        with device(name):
            cupy.cuda.Device().synchronize()

    def memory(name: str | None) -> Mapping[str, int]:
        with device(name):
            free, total = cupy.cuda.runtime.memGetInfo()
            pool = cupy.get_default_memory_pool()
            return {"total": total, "free": free, "pool": pool.total_bytes(), "used": pool.used_bytes()}

    return Backend(
        name="cupy",
        version=cupy.__version__,
        xp=xp,
        array_types=(cupy.ndarray,),
        dtypes={dtype: np.dtype(name) for name, dtype in DTYPES.items() if name != "bfloat16"},
        asarray=asarray,
        full=full,
        to_numpy=cupy.asnumpy,
        kernels={name: on_device(kernel) for name, kernel in kernels(cupy, xp).items()},
        wrap_generic=lambda op, kernel: on_device(kernel),
        devices=lambda: tuple(map(str, range(count))),
        device_of=lambda array: str(array.device.id),
        synchronize=synchronize,
        memory=memory,
    )


def _as_it_is(kernel: Kernel) -> Kernel:
    return kernel


def _on_device(ndarray: Any) -> Callable[[Kernel], Kernel]:
    """Where there are several devices, what makes a kernel run on that of its arrays: CuPy uses the current one."""

    def on_device(kernel: Kernel) -> Kernel:
        def placed(*arrays: Any, **attributes: Any) -> Any:
            for x in arrays:
                if type(x) is ndarray:
                    with x.device:
                        return kernel(*arrays, **attributes)
            return kernel(*arrays, **attributes)

        return placed

    return on_device
