"""The parts of CuPy's wheel that are GPU machine code: sorting gets NumPy's, the rest refuses.

They have a CUDA runtime of their own inside, which finds no driver; what they launch fails without a word and leaves
memory as it was. Nothing of them may be reached.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from .refusals import refuse


def replace(cupy: ModuleType) -> None:
    """Replace them in CuPy's modules."""
    from cupy._core import _accelerator
    from cupy.cuda import cub, thrust

    thrust.sort, thrust.argsort, thrust.lexsort = _sort, _argsort, _lexsort
    for name in ("Generator", "default_rng"):
        setattr(cupy.random, name, _refusing(f"cupy.random.{name}"))
    for name in dir(cub):
        if name.startswith(("device_", "cub_")):
            setattr(cub, name, _refusing(f"cupy.cuda.cub.{name}"))
    for module in (_accelerator, cupy._core):
        for name in ("set_reduction_accelerators", "set_routine_accelerators"):
            if hasattr(module, name):
                setattr(module, name, _without_accelerators(getattr(module, name)))


def _refusing(what: str) -> Callable[..., None]:
    def refusing(*args: Any, **kwargs: Any) -> None:
        refuse(f"{what}, which is GPU machine code")

    return refusing


def _without_accelerators(setter: Callable[[Sequence[Any]], None]) -> Callable[[Sequence[Any]], None]:
    def checked(accelerators: Sequence[Any]) -> None:
        if list(accelerators):
            refuse(f"the accelerators {list(accelerators)}, whose kernels are GPU machine code")
        setter(accelerators)

    return checked


def _view(address: int, dtype: Any, *shape: int) -> np.ndarray[Any, Any]:
    """The array at an address, which is ordinary memory here."""
    dtype = np.dtype(dtype)
    size = math.prod(shape)
    if not size:
        return np.empty(shape, dtype)
    return np.frombuffer((ctypes.c_char * (size * dtype.itemsize)).from_address(address), dtype).reshape(shape)


def _sort(dtype: Any, data: int, keys: int, shape: Sequence[int]) -> None:
    _view(data, dtype, *shape).sort(axis=-1, kind="stable")


def _argsort(dtype: Any, indices: int, data: int, keys: int, shape: Sequence[int]) -> None:
    _view(indices, np.intp, *shape)[...] = np.argsort(_view(data, dtype, *shape), axis=-1, kind="stable")


def _lexsort(dtype: Any, indices: int, keys: int, count: int, size: int) -> None:
    _view(indices, np.intp, size)[...] = np.lexsort(_view(keys, dtype, count, size))
