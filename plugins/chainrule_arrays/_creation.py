"""Tensors from nothing but a shape."""

from __future__ import annotations

import math
from typing import Any

from chainrule import (
    Dim,
    DType,
    Tensor,
    UnknownSizeError,
    as_dtype,
    as_tensor,
    default_dtype,
    get_backend,
    get_device,
    int64,
    ops,
    scalar_dtype,
)
from chainrule_arrays._conversion import asarray


def full(shape: Any, fill_value: Any, dtype: Any = None, device: str | None = None) -> Tensor:
    """A tensor of one value.

    Args:
        shape: an integer or a tuple of them; in a graph also sizes that are not known yet.
        fill_value: a number, or an array that broadcasts to the shape.
        dtype: what the value becomes by itself, by default.
        device: a device of the backend in force.

    >>> import chainrule as cr
    >>> cr.full((2,), 7.0)
    Tensor([7., 7.], float64)
    """
    shape = tuple(map(_number, shape if isinstance(shape, tuple | list) else (shape,)))
    if not _is_plain(fill_value):
        value = asarray(fill_value, dtype)
        filled: Tensor = ops.set_at(full(shape, 0, value.dtype, device), ..., value)
        return filled
    chosen = scalar_dtype(fill_value) if dtype is None else as_dtype(dtype)
    unknown = [n for n in shape if type(n) is Dim]
    if unknown:
        return full_like(unknown[0], fill_value, chosen, shape)
    backend = get_backend()
    return Tensor(backend.full(shape, fill_value, backend.native(chosen), device or get_device()), backend)


def _is_plain(value: Any) -> bool:
    return type(value) in (bool, int, float, complex)


def _number(x: Any) -> Any:
    """A Python number or a size that is not known yet as it is; an array's only element as a Python number."""
    if type(x) in (int, float, Dim):
        return x
    return float(x) if as_tensor(x).dtype.is_inexact else int(x)


def empty(shape: Any, dtype: Any = None, device: str | None = None) -> Tensor:
    """Zeros, too: tensors cannot be filled later, and nothing depends on what was in memory."""
    return zeros(shape, dtype, device)


def zeros(shape: Any, dtype: Any = None, device: str | None = None) -> Tensor:
    """Zeros, of the default dtype if none is given."""
    return full(shape, 0, dtype or default_dtype(), device)


def ones(shape: Any, dtype: Any = None, device: str | None = None) -> Tensor:
    """Ones, of the default dtype if none is given."""
    return full(shape, 1, dtype or default_dtype(), device)


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None, device: str | None = None) -> Tensor:
    """Evenly spaced values from `start` (0 if there is only a stop) up to, but without, `stop`.

    In a graph, integers among them can be sizes that are not known yet.

    Args:
        start: the first value; the stop, if no other is given.
        stop: where the values end.
        step: the distance between two.
        dtype: 64-bit integers if all three are whole, the default dtype if not.
        device: a device of the backend in force.

    Raises:
        UnknownSizeError: a size that is not known yet beside a fraction.
    """
    start, stop, step = (_number(v) for v in ((0, start, step) if stop is None else (start, stop, step)))
    whole = not any(v.is_float if type(v) is Dim else type(v) is float for v in (start, stop, step))
    dtype = as_dtype(dtype) if dtype is not None else int64 if whole else default_dtype()
    if any(type(v) is Dim for v in (start, stop, step)):
        if not whole:
            raise UnknownSizeError(
                "arange: how many fractions there are is not known yet; scale it: cr.arange(n) * 0.5"
            )
        counted = ops.cumulative_sum(full((-((start - stop) // step),), 1, int64)) - 1
        return asarray(counted * step + start, dtype, device)
    count = -((start - stop) // step) if whole else math.ceil((stop - start) / step)
    return _from_list([start + i * step for i in range(max(0, count))], dtype, device)


def linspace(
    start: Any, stop: Any, /, num: Any = 50, endpoint: bool = True, dtype: Any = None, device: str | None = None
) -> Tensor:
    """`num` evenly spaced values from `start` to `stop`, which is the last one unless `endpoint` is false.

    `start` and `stop` can be tensors of one element, `num` in a graph a size that is not known yet.

    Args:
        start: the first value.
        stop: where the values end.
        num: how many there are.
        endpoint: whether `stop` is one of them.
        dtype: the default dtype, or that of `start` and `stop`, if none is given.
        device: a device of the backend in force.
    """
    if type(num) is Dim or not all(type(v) in (int, float) for v in (start, stop)):
        counted = arange(num, device=device)
        last = ops.maximum(num - 1 if endpoint else num, 1)
        spaced = start + counted * ((stop - start) / last)
        if endpoint:
            spaced = ops.where(ops.logical_and(counted > 0, counted == num - 1), stop, spaced)
        return asarray(spaced, dtype)
    step = (stop - start) / max(num - 1 if endpoint else num, 1)
    values = [start + i * step for i in range(num)]
    if endpoint and num > 1:
        values[-1] = stop
    return _from_list(values, default_dtype() if dtype is None else as_dtype(dtype), device)


def _from_list(values: list[Any], dtype: DType, device: str | None) -> Tensor:
    backend = get_backend()
    if dtype.kind in ("int", "uint"):
        values = [int(v) for v in values]
    return Tensor(backend.asarray(values, backend.native(dtype), device or get_device()), backend)


_FAR = 2**30  # a diagonal that no array reaches, and that can be added to any index


def eye(n_rows: Any, n_cols: Any = None, /, k: int = 0, dtype: Any = None, device: str | None = None) -> Tensor:
    """Ones on diagonal `k`, zeros elsewhere. In a graph, its lengths can be sizes that are not known yet."""
    if isinstance(k, int):
        k = max(-_FAR, min(k, _FAR))
    columns = arange(n_rows if n_cols is None else n_cols, device=device)
    ones: Tensor = ops.astype(arange(n_rows, device=device)[:, None] + k == columns, dtype=dtype or default_dtype())
    return ones


def full_like(x: Any, fill_value: Any, dtype: Any = None, shape: Any = None, device: str | None = None) -> Tensor:
    """One value, or what broadcasts from `fill_value`, with the shape, dtype, backend and device of `x`."""
    x = as_tensor(x)
    backend = x.backend
    chosen = as_dtype(dtype) if dtype is not None else x.dtype
    shape = x.shape if shape is None else tuple(shape)
    filled: Tensor
    if not _is_plain(fill_value):
        filled = ops.set_at(full_like(x, 0, chosen, shape, device), ..., asarray(fill_value, chosen, device))
        return filled
    if shape is None:  # of a graph, with any number of axes
        filled = ops.astype(ops.where(ops.equal(x, x), fill_value, fill_value), dtype=chosen)
        return filled
    return Tensor(backend.full(shape, fill_value, backend.native(chosen), device or x.device), backend)


def empty_like(x: Any, dtype: Any = None, shape: Any = None, device: str | None = None) -> Tensor:
    """Zeros, too; see `empty`."""
    return full_like(x, 0, dtype, shape, device)


def zeros_like(x: Any, dtype: Any = None, shape: Any = None, device: str | None = None) -> Tensor:
    """Zeros with the shape, dtype and backend of `x`."""
    return full_like(x, 0, dtype, shape, device)


def ones_like(x: Any, dtype: Any = None, shape: Any = None, device: str | None = None) -> Tensor:
    """Ones with the shape, dtype and backend of `x`."""
    return full_like(x, 1, dtype, shape, device)
