"""Arrays, devices and the exceptions to the array API namespace, for NumPy."""

from __future__ import annotations

import itertools
import math
import operator
import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import numpy as np

from chainrule import DTYPES, Backend, DType, DTypeError
from chainrule_numpy import _threads
from chainrule_numpy._fusion import NumpyFusion
from chainrule_numpy._kernels import KERNELS, in_floating
from chainrule_numpy._memory import keep_memory
from chainrule_numpy._notes import notes
from chainrule_numpy._out import into
from chainrule_numpy._overwriting import overwriting

_ALIGNED = 64  # bytes: a cache line, and the longest vector


def numpy_backend() -> Backend:
    """NumPy as a backend."""
    freed = f"freed memory {keep_memory()}"
    return Backend(
        name="numpy",
        version=np.__version__,
        xp=np,
        array_types=(np.ndarray, np.generic),
        dtypes=_dtypes(),
        asarray=_asarray,
        full=_full,
        to_numpy=np.array,
        kernels=KERNELS,
        wrap_generic=in_floating,
        scalar_type=np.float64,
        memory=_memory,
        into=into,
        overwriting=overwriting,
        workspace=_workspace,
        fusion=NumpyFusion(),
        add_into=operator.iadd,
        notes=lambda: [freed, *notes()],
        quiet=partial(np.errstate, all="ignore"),
        set_threads=_threads.set_threads,
        admit=_admit,
    )


def _dtypes() -> Mapping[DType, np.dtype[Any]]:
    return {dtype: np.dtype(str(dtype)) for name, dtype in DTYPES.items() if name != "bfloat16"}


_DTYPES: Final = {dtype: dtype for dtype in _dtypes().values()}


# Subclasses of NumPy's array that compute something else, and what to do instead.
_OTHERS: Final = {
    "MaskedArray": "fill what is missing, x.filled(value), or choose a backend that has masks",
    "matrix": "make an array of it, numpy.asarray(x)",
}


def _admit(array: Any) -> None:
    """Refuse arrays that would not be computed with as they are meant.

    Raises:
        DTypeError: it is one.
    """
    if type(array) is np.ndarray:
        return
    for kind in type(array).__mro__:
        if kind.__name__ in _OTHERS and kind.__module__.partition(".")[0] == "numpy":
            raise DTypeError(f"backend 'numpy': a {kind.__name__} cannot be a tensor; {_OTHERS[kind.__name__]}")


def _asarray(data: Any, dtype: Any, device: str | None) -> Any:
    _admit(data)
    array = np.array(data, dtype=dtype)
    usual = _DTYPES.get(array.dtype)
    if usual is not array.dtype and usual is not None:  # unpickled arrays have another object for the same dtype
        array = array.view(usual)
    return array if array.shape or array.dtype.hasobject else array[()]


def _full(shape: tuple[int, ...], value: complex, dtype: Any, device: str | None) -> Any:
    # A NumPy scalar is a legal 0-d value, and many times cheaper to compute with than a 0-d array.
    return np.full(shape, value, dtype) if shape else dtype.type(value)


def _workspace(sizes: Sequence[int], arrays: Sequence[tuple[int, tuple[int, ...], Any, Any]]) -> list[Any]:
    # All in one, which the system gives large pages for if it is large; NumPy asks it to.
    starts = [0, *itertools.accumulate(size + -size % _ALIGNED for size in sizes)]
    whole = np.empty(starts[-1] + _ALIGNED, np.uint8)
    whole = whole[-whole.ctypes.data % _ALIGNED :]
    stretches = [whole[start : start + size] for start, size in zip(starts, sizes, strict=False)]
    views = []
    for slot, shape, dtype, order in arrays:
        stretch = stretches[slot][: math.prod(shape) * dtype.itemsize].view(dtype)
        if order is None:
            views.append(stretch.reshape(shape))
        else:
            views.append(stretch.reshape([shape[axis] for axis in order]).transpose(np.argsort(order)))
    return views


def _memory(device: str | None) -> Mapping[str, int]:
    """Bytes of the machine's memory, where the system tells."""
    try:
        page, total, free = (os.sysconf(name) for name in ("SC_PAGE_SIZE", "SC_PHYS_PAGES", "SC_AVPHYS_PAGES"))
    except (AttributeError, ValueError):
        return {}
    return {"total": page * total, "free": page * free}
