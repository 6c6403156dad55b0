"""Arrays and devices of CuPy."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import numpy as np

from chainrule import DTYPES, Backend, Kernel, Op
from chainrule_cupy._devices import on_device
from chainrule_cupy._fusion import CupyFusion
from chainrule_cupy._kernels import checked, in_one_kernel, kernels, of_one_stack
from chainrule_cupy._transfers import from_elsewhere, to_numpy
from chainrule_cupy._updates import overwriting
from chainrule_numpy._kernels import in_floating


def cupy_backend(cupy: Any, xp: Any, count: int) -> Backend:
    """CuPy as a backend.

    Args:
        cupy: the module.
        xp: its array API namespace.
        count: how many devices there are.
    """
    placed = on_device(cupy.ndarray, count)

    def device(name: str | None) -> AbstractContextManager[Any]:
        """The device of a name made current; what is current stays for None."""
        return nullcontext() if name is None else cupy.cuda.Device(int(name))

    def asarray(data: Any, dtype: Any, name: str | None) -> Any:
        if isinstance(data, np.ndarray | np.generic) and dtype is None:
            backend.dtype(data.dtype)  # of those that CuPy has not, it says less
        if not isinstance(data, cupy.ndarray):
            data = from_elsewhere(cupy, data)
        with data.device if name is None and isinstance(data, cupy.ndarray) else device(name):
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

    def notes() -> list[str]:
        found = [cupy.cuda.runtime.getDeviceProperties(i) for i in range(count)]
        return [
            f"device {i} is {device['name'].decode()}, compute capability {device['major']}.{device['minor']}"
            for i, device in enumerate(found)
        ]

    def wrapped(op: Op, kernel: Kernel) -> Kernel:
        kernel = in_one_kernel(cupy, op, in_floating(op, kernel))
        return checked(op, of_one_stack(cupy, op, kernel))

    backend = Backend(
        name="cupy",
        version=cupy.__version__,
        xp=xp,
        array_types=(cupy.ndarray,),
        dtypes={dtype: np.dtype(name) for name, dtype in DTYPES.items() if name != "bfloat16"},
        asarray=asarray,
        full=full,
        to_numpy=lambda array: to_numpy(cupy, array),
        kernels=kernels(cupy, xp),
        wrap_generic=wrapped,
        on_device=placed,
        devices=lambda: tuple(map(str, range(count))),
        device_of=lambda array: str(array.device.id),
        synchronize=synchronize,
        memory=memory,
        overwriting=partial(overwriting, cupy),
        add_into=placed(operator.iadd),
        notes=notes,
        fusion=CupyFusion(cupy),
    )
    return backend
