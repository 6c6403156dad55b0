"""Tensors from nothing but a shape."""

from __future__ import annotations

import math
from typing import Any

from chainrule import DType, Tensor, as_dtype, as_tensor, default_dtype, get_backend, get_device, int64, scalar_dtype


def full(shape: Any, fill_value: Any, dtype: Any = None, device: str | None = None) -> Tensor:
    """A tensor of one value.

    Args:
        shape: an integer or a tuple of them.
        fill_value: a Python number.
        dtype: what the number becomes by itself, by default.
        device: a device of the backend in force.

    >>> import chainrule as cr
    >>> cr.full((2,), 7.0)
    Tensor([7., 7.], float64)
    """
    chosen = scalar_dtype(fill_value) if dtype is None else as_dtype(dtype)
    backend = get_backend()
    shape = (int(shape),) if hasattr(shape, "__index__") else tuple(int(n) for n in shape)
    return Tensor(backend.full(shape, fill_value, backend.native(chosen), device or get_device()), backend)


def zeros(shape: Any, dtype: Any = None, device: str | None = None) -> Tensor:
    """Zeros, of the default dtype if none is given."""
    return full(shape, 0, dtype or default_dtype(), device)


def ones(shape: Any, dtype: Any = None, device: str | None = None) -> Tensor:
    """Ones, of the default dtype if none is given."""
    return full(shape, 1, dtype or default_dtype(), device)


def arange(start: float, stop: float | None = None, step: float = 1, dtype: Any = None) -> Tensor:
    """Evenly spaced values from `start` (0 if there is only a stop) up to, but without, `stop`."""
    if stop is None:
        start, stop = 0, start
    if dtype is None:
        dtype = int64 if all(type(v) is int for v in (start, stop, step)) else default_dtype()
    return _from_list([start + i * step for i in range(max(0, math.ceil((stop - start) / step)))], as_dtype(dtype))


def linspace(start: float, stop: float, num: int = 50, endpoint: bool = True, dtype: Any = None) -> Tensor:
    """`num` evenly spaced values from `start` to `stop`, which is the last one unless `endpoint` is false."""
    step = (stop - start) / max(num - 1 if endpoint else num, 1)
    values = [start + i * step for i in range(num)]
    if endpoint and num > 1:
        values[-1] = stop
    return _from_list(values, default_dtype() if dtype is None else as_dtype(dtype))


def _from_list(values: list[Any], dtype: DType) -> Tensor:
    backend = get_backend()
    return Tensor(backend.asarray(values, backend.native(dtype), get_device()), backend)


def eye(n_rows: int, n_cols: int | None = None, k: int = 0, dtype: Any = None) -> Tensor:
    """Ones on diagonal `k`, zeros elsewhere."""
    rows = [[1 if j - i == k else 0 for j in range(n_cols or n_rows)] for i in range(n_rows)]
    return _from_list(rows, default_dtype() if dtype is None else as_dtype(dtype))


def full_like(x: Any, fill_value: Any, dtype: Any = None, shape: Any = None) -> Tensor:
    """A constant of one value with the shape, dtype, backend and device of `x`."""
    x = as_tensor(x)
    backend = x.backend
    chosen = backend.native(as_dtype(dtype) if dtype is not None else x.dtype)
    return Tensor(backend.full(x.shape if shape is None else tuple(shape), fill_value, chosen, x.device), backend)


def zeros_like(x: Any, dtype: Any = None, shape: Any = None) -> Tensor:
    """Zeros with the shape, dtype and backend of `x`."""
    return full_like(x, 0, dtype, shape)


def ones_like(x: Any, dtype: Any = None, shape: Any = None) -> Tensor:
    """Ones with the shape, dtype and backend of `x`."""
    return full_like(x, 1, dtype, shape)


def asarray(data: Any, dtype: Any = None) -> Tensor:
    """A tensor of `data`, without a copy where that can be; sequences that hold tensors are stacked, with gradients."""
    from chainrule import ops

    x = as_tensor(data)
    result: Tensor = x if dtype is None or x.dtype == as_dtype(dtype) else ops.astype(x, dtype=dtype)
    return result


def copy(x: Any) -> Tensor:
    """The tensor itself: tensors are immutable."""
    return as_tensor(x)
