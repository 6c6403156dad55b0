"""Arrays between the device, host memory and other libraries."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

_PINNED: Final = range(1 << 16, (1 << 28) + 1)  # bytes of arrays that go to pinned memory, which is scarce
_ON_DEVICE: Final = frozenset({2, 13})  # DLPack's numbers of CUDA's memory, and of memory that CUDA moves by itself


def to_numpy(cupy: Any, array: Any) -> Any:
    """A copy in host memory; of a larger array in pinned memory, which the device writes to directly.

    On the way to the device CuPy takes pinned memory by itself.
    """
    if not array.size:
        return np.empty(array.shape, array.dtype)
    return array.get(out=_host_array(cupy, array.shape, array.dtype))


def _host_array(cupy: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    n_bytes = math.prod(shape) * dtype.itemsize
    if n_bytes in _PINNED:
        try:
            return np.ndarray(shape, dtype, cupy.cuda.alloc_pinned_memory(n_bytes))
        except (cupy.cuda.runtime.CUDARuntimeError, MemoryError):  # there is none left: any other memory will do
            pass
    return np.empty(shape, dtype)


def from_elsewhere(cupy: Any, data: Any) -> Any:
    """An array of another library that lies on a CUDA device, as an array of CuPy's; anything else as it is."""
    place = getattr(data, "__dlpack_device__", None)
    if place is None or place()[0] not in _ON_DEVICE:
        return data
    return cupy.from_dlpack(data)
