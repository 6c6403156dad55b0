"""Pooling to a given size, over all there is, and by a norm."""

from __future__ import annotations

import math
from typing import Any

from chainrule import Tensor, composite, fronts, ops
from chainrule_nn._arguments import as_batch, as_format, as_lengths, of_rank
from chainrule_nn._pool import avg_pool, taken
from chainrule_nn._windows import Lengths, of_size


def _bounds(length: int, size: int) -> list[tuple[int, int]]:
    """Where the windows along an axis begin and end: as equal as can be, overlapping where they do not fit."""
    return [(i * length // size, -(-(i + 1) * length // size)) for i in range(size)]


@composite(name="nn.adaptive_avg_pool", infer=of_size)
def _adaptive_avg_pool(x: Any, /, size: Lengths) -> Any:
    for axis, n in enumerate(size, 1):
        bounds = _bounds(x.shape[axis], n)
        weights = [[(low <= i < high) / (high - low) for i in range(x.shape[axis])] for low, high in bounds]
        matrix = ops.asarray(weights, dtype=x.dtype)
        x = ops.moveaxis(ops.tensordot(matrix, x, axes=((1,), (axis,))), 0, axis)
    return x


@composite(name="nn.adaptive_max_pool", infer=of_size)
def _adaptive_max_pool(x: Any, /, size: Lengths) -> Any:
    for axis, n in enumerate(size, 1):
        x = ops.max(_windows(x, axis, n), axis=axis + 1)
    return x


def _windows(x: Any, axis: int, n: int) -> Any:
    """The windows along an axis, elements of a window along the next; what a shorter one lacks it has again."""
    bounds = _bounds(x.shape[axis], n)
    longest = max(high - low for low, high in bounds)
    return ops.take(
        x, ops.asarray([[min(low + i, high - 1) for i in range(longest)] for low, high in bounds]), axis=axis
    )


@fronts(_adaptive_avg_pool)
def adaptive_avg_pool(x: Any, size: int | tuple[int, ...], data_format: str = "channels_last") -> Tensor:
    """The means of windows that are laid out so that the result has a given size.

    Along an axis of length `n`, window `i` of `m` goes from `floor(i n / m)` to `ceil((i + 1) n / m)`, as in PyTorch.

    Args:
        x: shape `(batch, *lengths, channels)`.
        size: the lengths of the result: an integer, or one for each axis.
        data_format: `"channels_first"` if `x` and the result are `(batch, channels, *lengths)`.

    Returns:
        Shape `(batch, *size, channels)`.

    >>> import chainrule as cr
    >>> cr.nn.adaptive_avg_pool(cr.tensor([[[1.0], [3.0], [5.0]]]), 2)[0, :, 0]
    Tensor([2., 4.], float64)
    """
    x = as_batch("adaptive_avg_pool", x, data_format)
    sizes = as_lengths("adaptive_avg_pool", "size", size, x.ndim - 2)
    return as_format(_adaptive_avg_pool(x, size=sizes), data_format)


@fronts(_adaptive_max_pool)
def adaptive_max_pool(x: Any, size: int | tuple[int, ...], data_format: str = "channels_last") -> Tensor:
    """The largest elements of windows that are laid out so that the result has a given size.

    Args:
        x, size, data_format: as for `adaptive_avg_pool`; `x` has floating-point numbers.

    Returns:
        Shape `(batch, *size, channels)`.

    >>> import chainrule as cr
    >>> cr.nn.adaptive_max_pool(cr.tensor([[[1.0], [3.0], [5.0]]]), 2)[0, :, 0]
    Tensor([3., 5.], float64)
    """
    x = as_batch("adaptive_max_pool", x, data_format)
    sizes = as_lengths("adaptive_max_pool", "size", size, x.ndim - 2)
    return as_format(_adaptive_max_pool(x, size=sizes), data_format)


def adaptive_max_pool_with_indices(
    x: Any, size: int | tuple[int, ...], data_format: str = "channels_last"
) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool`, and where the largest elements are: of several one, which has all of the gradient.

    Args:
        x, size, data_format: as for `adaptive_max_pool`.

    Returns:
        `(y, indices)`, both of the shape of `adaptive_max_pool`'s result. An index counts the elements of a channel,
        row by row, as `max_unpool` takes them.

    >>> import chainrule as cr
    >>> y, indices = cr.nn.adaptive_max_pool_with_indices(cr.tensor([[[1.0], [3.0], [5.0]]]), 2)
    >>> y[0, :, 0], indices[0, :, 0]
    (Tensor([3., 5.], float64), Tensor([1, 2], int64))
    """
    what = "adaptive_max_pool_with_indices"
    x = as_batch(what, x, data_format)
    sizes = as_lengths(what, "size", size, x.ndim - 2)
    lengths = x.shape[1:-1]
    best: Any = ops.stop_gradient(x)
    places: Any = ops.reshape(ops.arange(math.prod(lengths)), shape=(1, *lengths, 1))
    places = ops.broadcast_to(places, shape=x.shape)
    for axis, n in enumerate(sizes, 1):
        windows = _windows(best, axis, n)
        at = ops.argmax(windows, axis=axis + 1, keepdims=True)
        best, places = (
            ops.squeeze(ops.take_along_axis(each, at, axis=axis + 1), axis=axis + 1)
            for each in (windows, _windows(places, axis, n))
        )
    return as_format(taken(x, places), data_format), as_format(places, data_format)


adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = (of_rank(adaptive_avg_pool, n) for n in (1, 2, 3))
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = (of_rank(adaptive_max_pool, n) for n in (1, 2, 3))


def global_avg_pool(x: Any, keepdims: bool = False, data_format: str = "channels_last") -> Tensor:
    """The mean of each channel: shape `(batch, *lengths, channels)` becomes `(batch, channels)`.

    Args:
        x: the batch.
        keepdims: whether the other axes stay, 1 long.
        data_format: `"channels_first"` if `x` is `(batch, channels, *lengths)`.

    >>> import chainrule as cr
    >>> cr.nn.global_avg_pool(cr.tensor([[[1.0], [3.0], [5.0]]]))
    Tensor([[3.]], float64)
    """
    x = as_batch("global_avg_pool", x, data_format)
    y: Tensor = ops.mean(x, axis=tuple(range(1, x.ndim - 1)), keepdims=keepdims)
    return as_format(y, data_format) if keepdims else y


def global_max_pool(x: Any, keepdims: bool = False, data_format: str = "channels_last") -> Tensor:
    """The largest element of each channel: shape `(batch, *lengths, channels)` becomes `(batch, channels)`.

    Args:
        x, keepdims, data_format: as for `global_avg_pool`.

    >>> import chainrule as cr
    >>> cr.nn.global_max_pool(cr.tensor([[[1.0], [3.0], [5.0]]]))
    Tensor([[5.]], float64)
    """
    x = as_batch("global_max_pool", x, data_format)
    y: Tensor = ops.max(x, axis=tuple(range(1, x.ndim - 1)), keepdims=keepdims)
    return as_format(y, data_format) if keepdims else y


def lp_pool(
    x: Any,
    window: int | tuple[int, ...] = 2,
    strides: int | tuple[int, ...] | None = None,
    padding: Any = "VALID",
    p: float = 2.0,
    data_format: str = "channels_last",
) -> Tensor:
    """The p-norm of each window, channel by channel: `sum(|x|**p)**(1 / p)`; its slope at 0 is 0.

    Args:
        x, window, strides, padding, data_format: as for `avg_pool`.
        p: which norm, above 0.

    >>> import chainrule as cr
    >>> cr.nn.lp_pool(cr.tensor([[[3.0], [4.0]]]))[0, :, 0]
    Tensor([5.], float64)
    """
    x = as_batch("lp_pool", x, data_format)
    lengths = as_lengths("lp_pool", "window", window, x.ndim - 2)
    volume = 1
    for n in lengths:
        volume *= n
    powers = ops.square(x) if p == 2 else ops.abs(x) ** p
    total = volume * avg_pool(powers, lengths, strides, padding, count_padding=True)
    above = total > 0
    root = ops.where(above, total, 1.0) ** (1 / p)
    y: Tensor = ops.where(above, root, 0.0)
    return as_format(y, data_format)
