"""Tensors from other arrays and numbers, and as copies of others."""

from __future__ import annotations

from typing import Any

from chainrule import PYTHON_NUMBERS, ArgumentError, Tensor, as_dtype, as_tensor, get_backend, ops, tensor


def asarray(data: Any, /, dtype: Any = None, device: str | None = None, copy: bool | None = None) -> Tensor:
    """A tensor of `data`, without a copy where that can be; sequences that hold tensors are stacked, with gradients.

    Args:
        data: a number, nested sequences, an array of any library, a tensor.
        dtype: that of the data by default.
        device: where it is to be; where the data is, or the device in force, by default.
        copy: whether to copy. None copies where that has to be; False is an error there.

    Raises:
        ArgumentError: `copy` is False, and it takes a copy.

    >>> import chainrule as cr
    >>> cr.asarray([1, 2], dtype="float32")
    Tensor([1., 2.], float32)
    """
    if _is_plain(data):
        if copy is False:
            raise ArgumentError(f"asarray: {_COPIES.format(type(data).__name__)}")
        return tensor(data, dtype, device)
    x = as_tensor(data)
    y: Tensor = x if dtype is None or x.dtype == as_dtype(dtype) else ops.astype(x, dtype=dtype)
    if device is not None and device != y.device:
        y = y.to_device(device)
    is_same = y is x and (x is data or x.value is data)
    if copy is False and not is_same:
        raise ArgumentError(f"asarray: {_COPIES.format(f'{type(data).__name__} of {x.dtype} on {x.device}')}")
    if copy and is_same:
        return ops.identity(x) if x is data else tensor(data)
    return y


_COPIES = "copy=False was given, and {} becomes this tensor by a copy alone; leave copy out"


def _is_plain(data: Any) -> bool:
    """Whether it is a Python number, or nested sequences of nothing else."""
    if isinstance(data, list | tuple):
        return all(map(_is_plain, data))
    return type(data) in PYTHON_NUMBERS


def copy(x: Any) -> Tensor:
    """A tensor of its own with the same value."""
    y: Tensor = ops.identity(x)
    return y


def from_dlpack(x: Any, /, device: str | None = None, copy: bool | None = None) -> Tensor:
    """The tensor of another library's array, read by DLPack: in the same memory where that can be.

    Args:
        x: an array with `__dlpack__`, or a tensor; what no backend knows becomes a tensor of the one in force.
        device: where it is to be; where it is by default.
        copy: whether to copy; None copies where that has to be, False is an error there.

    Raises:
        ArgumentError: `x` has no `__dlpack__`, or `copy` is False, and it takes a copy.

    >>> import chainrule as cr, numpy as np
    >>> cr.from_dlpack(np.array([1.0, 2.0]))
    Tensor([1., 2.], float64)
    """
    if not hasattr(x, "__dlpack__"):
        raise ArgumentError(f"from_dlpack: expected an array with __dlpack__, got {type(x).__name__}; see cr.asarray")
    backend = get_backend()
    if not isinstance(x, (Tensor, *backend.array_types)):
        x = backend.xp.from_dlpack(x)
    return asarray(x, None, device, copy)
