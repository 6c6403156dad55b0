"""Pooling: a number for each window of each channel, over any number of axes."""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

import chainrule as cr
from chainrule import (
    DTypeError,
    NoGradient,
    Tensor,
    UnknownSizeError,
    composite,
    default_dtype,
    fronts,
    infer,
    int64,
    op,
    ops,
)
from chainrule_nn._arguments import as_batch, as_format, as_lengths, as_padding, of_rank
from chainrule_nn._patches import unfold
from chainrule_nn._windows import Along, Lengths, Padding, fold, offsets, padded, pooled, taps, volume, windows


def _pool_spec(x: Any, window: Lengths, strides: Lengths, padding: Padding, **_: Any) -> Any:
    if x.shape is None:
        return x
    axes = pooled(x.shape, window, strides, padding)
    return infer.Spec((x.shape[0], *(a.count for a in axes), x.shape[-1]), x.dtype)


def lowest(xp: Any, x: Any) -> Any:
    """What is below every number of a dtype, or equal to the lowest."""
    return -float("inf") if xp.isdtype(x.dtype, "real floating") else int(xp.iinfo(x.dtype).min)


def _max_pool_gradient(g: Any, y: Any, x: Any, **how: Any) -> Any:
    return max_pool_spread(g, x, y, **how)


@op(infer=_pool_spec, gradient=_max_pool_gradient, name="nn.max_pool")
def _max_pool(xp: Any, x: Any, /, window: Lengths, strides: Lengths, padding: Padding) -> Any:
    axes = pooled(x.shape, window, strides, padding)
    first, *rest = taps(padded(xp, x, axes, lowest(xp, x)), axes)
    return reduce(xp.maximum, rest, first) if rest else xp.asarray(first, copy=True)


def _hits(xp: Any, x: Any, y: Any, axes: tuple[Along, ...], dtype: Any) -> list[Any]:
    """For each element of a window 1 where it is the largest, else 0."""
    return [xp.astype(tap == y, dtype) for tap in taps(padded(xp, x, axes, lowest(xp, x)), axes)]


def _spread_gradient(t: Any, _r: Any, _g: Any, x: Any, y: Any, **how: Any) -> Any:
    return max_pool_gather(t, x, y, **how)


@op(
    infer=lambda g, x, y, **_: infer.Spec(x.shape, g.dtype),
    gradient=(_spread_gradient, None, None),
    name="nn.max_pool_spread",
)
def max_pool_spread(xp: Any, g: Any, x: Any, y: Any, /, window: Lengths, strides: Lengths, padding: Padding) -> Any:
    """`g` in equal shares at the largest elements of the windows of `x`, where `y = max_pool(x)`.

    Derivative: by `g`, `max_pool_gather(t, y, x)` for the cotangent `t`; a constant otherwise.
    """
    axes = pooled(x.shape, window, strides, padding)
    hits = _hits(xp, x, y, axes, g.dtype)
    share = g / sum(hits[1:], hits[0])
    return fold(xp, [share * hit for hit in hits], axes)


def _gather_gradient(g: Any, _r: Any, _t: Any, x: Any, y: Any, **how: Any) -> Any:
    return max_pool_spread(g, x, y, **how)


@op(
    infer=lambda t, x, y, **_: infer.Spec(y.shape, t.dtype),
    gradient=(_gather_gradient, None, None),
    name="nn.max_pool_gather",
)
def max_pool_gather(xp: Any, t: Any, x: Any, y: Any, /, window: Lengths, strides: Lengths, padding: Padding) -> Any:
    """The mean of `t` over the largest elements of each window of `x`, where `y = max_pool(x)`.

    Derivative: by `t`, `max_pool_spread(g, y, x)`; a constant otherwise.
    """
    axes = pooled(x.shape, window, strides, padding)
    hits = _hits(xp, x, y, axes, t.dtype)
    picked = [tap * hit for tap, hit in zip(taps(padded(xp, t, axes), axes), hits, strict=True)]
    return sum(picked[1:], picked[0]) / sum(hits[1:], hits[0])


def _indices_spec(x: Any, window: Lengths, strides: Lengths, padding: Padding, dilation: Lengths) -> Any:
    if x.shape is None:
        return infer.Spec(None, int64)
    axes = windows(x.shape[1:-1], window, strides, padding, dilation)
    return infer.Spec((x.shape[0], *(a.count for a in axes), x.shape[-1]), int64)


@op(infer=_indices_spec, gradient=NoGradient("its result is an index"), name="nn.max_pool_indices")
def max_pool_indices(xp: Any, x: Any, /, window: Lengths, strides: Lengths, padding: Padding, dilation: Lengths) -> Any:
    """Where in its channel, counted row by row, the first of the largest elements of each window is."""
    axes = windows(x.shape[1:-1], window, strides, padding, dilation)
    device = getattr(x, "device", None)
    best = places = None
    for at, tap in zip(offsets(axes), taps(padded(xp, x, axes, lowest(xp, x)), axes), strict=True):
        place: Any = 0
        for i, (start, a) in enumerate(zip(at, axes, strict=True)):
            # Where the padding is, that of the window's first element that is none.
            along = [
                min(max(j * a.stride + start - a.low, (j * a.stride - a.low) % a.dilation), a.size - 1)
                for j in range(a.count)
            ]
            shape = (1,) * (i + 1) + (a.count,) + (1,) * (len(axes) - i)
            place = place * a.size + xp.reshape(xp.asarray(along, dtype=xp.int64, device=device), shape)
        place = xp.broadcast_to(place, tap.shape)
        if best is None:
            best, places = tap, place
        else:
            places = xp.where(tap > best, place, places)
            best = xp.maximum(tap, best)
    return xp.asarray(places, copy=True)


def _max_unpool_gradient(g: Any, _r: Any, _y: Any, indices: Any, size: Lengths) -> Any:
    return taken(g, indices)


@composite(gradient=(_max_unpool_gradient, None), name="nn.max_unpool")
def _max_unpool(y: Any, indices: Any, /, size: Lengths) -> Any:
    batch, channels = y.shape[0], y.shape[-1]
    flat = (batch, math.prod(y.shape[1:-1]), channels)
    values, places = ops.reshape(y, shape=flat), ops.reshape(indices, shape=flat)
    images = ops.reshape(ops.arange(batch), shape=(batch, 1, 1))
    zeros = ops.zeros((batch, math.prod(size), channels), dtype=y.dtype)
    filled = cr.set_at(zeros, (images, places, ops.arange(channels)), values)
    return ops.reshape(filled, shape=(batch, *size, channels))


def shares(xp: Any, x: Any, axes: tuple[Along, ...], count_padding: bool) -> Any:
    """How many elements are averaged in each window: one number, or an array that broadcasts against the result."""
    if count_padding:
        return volume(axes)
    total: Any = 1
    for i, a in enumerate(axes):
        counts = [
            min(start + a.window, a.low + a.size) - max(start, a.low)
            for start in range(0, a.count * a.stride, a.stride)
        ]
        if set(counts) <= {a.window}:
            total = total * a.window
        else:
            shape = (1,) * (i + 1) + (a.count,) + (1,) * (len(axes) - i)
            total = xp.reshape(xp.asarray(counts, dtype=x.dtype, device=getattr(x, "device", None)), shape) * total
    return total


def _avg_pool_gradient(g: Any, _y: Any, _x: Any, **how: Any) -> Any:
    return avg_pool_transpose(g, size=_x.shape[1:-1], **how)


@op(infer=_pool_spec, gradient=_avg_pool_gradient, name="nn.avg_pool", linear="joint")
def _avg_pool(
    xp: Any, x: Any, /, window: Lengths, strides: Lengths, padding: Padding, count_padding: bool = False
) -> Any:
    axes = pooled(x.shape, window, strides, padding)
    return reduce(xp.add, taps(padded(xp, x, axes), axes)) / shares(xp, x, axes, count_padding)


@op(
    infer=lambda g, size, **_: infer.Spec(None if g.shape is None else (g.shape[0], *size, g.shape[-1]), g.dtype),
    gradient=lambda g, _y, _g, size, **how: _avg_pool(g, **how),
    name="nn.avg_pool_transpose",
    linear="joint",
)
def avg_pool_transpose(
    xp: Any,
    g: Any,
    /,
    size: Lengths,
    window: Lengths,
    strides: Lengths,
    padding: Padding,
    count_padding: bool = False,
) -> Any:
    """The transpose of `avg_pool` of lengths `size`: each element in equal shares at those of its window."""
    axes = pooled((g.shape[0], *size, g.shape[-1]), window, strides, padding)
    return fold(xp, [g / shares(xp, g, axes, count_padding)] * volume(axes), axes)


@fronts(_max_pool)
def max_pool(
    x: Any,
    window: int | tuple[int, ...] = 2,
    strides: int | tuple[int, ...] | None = None,
    padding: Any = "VALID",
    data_format: str = "channels_last",
    ceil_mode: bool = False,
    dilation: int | tuple[int, ...] = 1,
) -> Tensor:
    """The largest element of each window, channel by channel; where several are, they share the gradient equally.

    Derivative: the sum of `g` over the windows in which an element is the largest.

    Args:
        x: real numbers of shape `(batch, *lengths, channels)`.
        window: its lengths: an integer, or one for each axis.
        strides: how far it moves at a time; as far as it is long, by default.
        padding: as for `conv`, by less than the window. What is padded is never the largest.
        data_format: `"channels_first"` if `x` and the result are `(batch, channels, *lengths)`.
        ceil_mode: whether a last window counts that goes beyond the padding, if it begins before its end.
        dilation: how far apart the elements are that a window takes; where that is more than 1, of real numbers.

    Returns:
        Shape `(batch, *lengths, channels)`, of the dtype of `x`.

    Raises:
        ShapeError: a window is longer than the padded axis, or dimensions are too few.
        DTypeError: `x` is complex or boolean.
        ArgumentError: an argument has no meaning.

    >>> import chainrule as cr
    >>> x = cr.tensor([[[1.0], [3.0], [2.0], [2.0]]])
    >>> cr.nn.max_pool(x)[0, :, 0]
    Tensor([3., 2.], float64)
    >>> cr.grad(lambda x: cr.sum(cr.nn.max_pool(x)))(x)[0, :, 0]
    Tensor([0. , 1. , 0.5, 0.5], float64)
    """
    x, how, apart = _of_largest("max_pool", x, window, strides, padding, data_format, ceil_mode, dilation)
    return as_format(_max_pool(x, **how) if {*apart} == {1} else _dilated(x, apart, **how), data_format)


def _of_largest(
    what: str, x: Any, window: Any, strides: Any, padding: Any, data_format: str, ceil_mode: bool, dilation: Any
) -> tuple[Tensor, dict[str, Any], Lengths]:
    """A batch of what has a largest, how windows move over it, and how far apart they take elements."""
    x = as_batch(what, x, data_format)
    if x.dtype.kind == "complex":
        raise DTypeError(f"{what}: x: expected real numbers, which have a largest, got {x.dtype}")
    apart = as_lengths(what, "dilation", dilation, x.ndim - 2)
    return x, _how(what, x, window, strides, padding, ceil_mode, apart), apart


def _dilated(x: Tensor, dilation: Lengths, window: Lengths, strides: Lengths, padding: Padding) -> Tensor:
    """The largest elements of windows that are taken apart."""
    axes = windows(x.shape[1:-1], window, strides, padding, dilation)
    if any(a.low is None for a in axes):
        raise UnknownSizeError(f"max_pool: padding 'SAME' has to know lengths, and x is of shape {x.shape}")
    ends = ((0, 0), *((a.low, a.high) for a in axes), (0, 0))
    parts = unfold(cr.pad(x, ends, constant_values=-float("inf")), window, strides, dilation=dilation)
    y: Tensor = ops.max(parts, axis=tuple(range(len(axes) + 1, 2 * len(axes) + 1)))
    return y


@fronts(_avg_pool)
def avg_pool(
    x: Any,
    window: int | tuple[int, ...] = 2,
    strides: int | tuple[int, ...] | None = None,
    padding: Any = "VALID",
    count_padding: bool = False,
    data_format: str = "channels_last",
    ceil_mode: bool = False,
    divisor: int | None = None,
) -> Tensor:
    """The mean of each window, channel by channel.

    Derivative: each element's share of the cotangents of its windows.

    Args:
        x, window, strides, padding, data_format, ceil_mode: as for `max_pool`; `x` may be complex.
        count_padding: whether what is padded counts as zeros, as in PyTorch, or not at all, as in TensorFlow. What
            `ceil_mode` adds never counts.
        divisor: what sums are divided by in place of how many elements count.

    Returns:
        Shape `(batch, *lengths, channels)`, of the dtype of `x`, or the default one for integers.

    Raises:
        ShapeError, DTypeError, ArgumentError: as `max_pool`.

    >>> import chainrule as cr
    >>> x = cr.tensor([[[1.0], [3.0], [5.0]]])
    >>> cr.nn.avg_pool(x, padding="SAME")[0, :, 0]
    Tensor([2., 5.], float64)
    >>> cr.nn.avg_pool(x, padding="SAME", count_padding=True)[0, :, 0]
    Tensor([2. , 2.5], float64)
    """
    x = as_batch("avg_pool", x, data_format)
    if not x.dtype.is_inexact:
        x = ops.astype(x, dtype=default_dtype())
    how = _how("avg_pool", x, window, strides, padding, ceil_mode)
    y = _avg_pool(x, count_padding=bool(count_padding) or divisor is not None, **how)
    if divisor is not None:
        y = y * (math.prod(how["window"]) / divisor)
    elif count_padding and ceil_mode and how["padding"] != "SAME":
        y = y * _shares_of_padded(x, y, how, as_padding("avg_pool", padding, x.ndim - 2))
    return as_format(y, data_format)


def _shares_of_padded(x: Tensor, y: Tensor, how: dict[str, Any], padding: Any) -> Any:
    """By how much means grow if what `ceil_mode` adds to the padding does not count."""
    shares: Any = 1.0
    for i, (window, stride, (low, high)) in enumerate(zip(how["window"], how["strides"], padding, strict=True), 1):
        end = low + x.shape[i] + high
        each = [window / (min(j * stride + window, end) - j * stride) for j in range(y.shape[i])]
        shares = shares * ops.reshape(ops.asarray(each, dtype=y.dtype), shape=(-1, *(1,) * (y.ndim - 1 - i)))
    return shares


def _how(
    what: str, x: Tensor, window: Any, strides: Any, padding: Any, ceil_mode: bool, dilation: Lengths | None = None
) -> dict[str, Any]:
    n = x.ndim - 2
    how: dict[str, Any] = {
        "window": as_lengths(what, "window", window, n),
        "strides": as_lengths(what, "strides", window if strides is None else strides, n),
        "padding": as_padding(what, padding, n),
    }
    if ceil_mode and how["padding"] != "SAME":
        reach = [(w - 1) * d + 1 for w, d in zip(how["window"], dilation or (1,) * n, strict=True)]
        each = zip(x.shape[1:-1], reach, how["strides"], how["padding"], strict=True)
        how["padding"] = tuple(_ceiled(what, *axis) for axis in each)
    return how


def _ceiled(what: str, length: Any, reach: int, stride: int, padding: tuple[int, int]) -> tuple[int, int]:
    """Padding that the last window that begins before the end of what is padded fits into."""
    if not isinstance(length, int):
        raise UnknownSizeError(f"{what}: ceil_mode has to know lengths, and x is of shape (batch, *lengths, channels)")
    low, high = padding
    more = -(low + length + high - reach) % stride
    begins_inside = low + length + high + more - reach < low + length
    return (low, high + more) if begins_inside else padding


def max_pool_with_indices(
    x: Any,
    window: int | tuple[int, ...] = 2,
    strides: int | tuple[int, ...] | None = None,
    padding: Any = "VALID",
    data_format: str = "channels_last",
    ceil_mode: bool = False,
    dilation: int | tuple[int, ...] = 1,
) -> tuple[Tensor, Tensor]:
    """`max_pool`, and where the largest elements are: of several the first, which has all of the gradient.

    Args:
        x, window, strides, padding, data_format, ceil_mode, dilation: as for `max_pool`.

    Returns:
        `(y, indices)`, both of the shape of `max_pool`'s result. An index counts the elements of a channel, row by
        row, as `max_unpool` takes them.

    >>> import chainrule as cr
    >>> y, indices = cr.nn.max_pool_with_indices(cr.tensor([[[1.0], [3.0], [2.0], [2.0]]]))
    >>> y[0, :, 0], indices[0, :, 0]
    (Tensor([3., 2.], float64), Tensor([1, 2], int64))
    """
    what = "max_pool_with_indices"
    x, how, apart = _of_largest(what, x, window, strides, padding, data_format, ceil_mode, dilation)
    indices = max_pool_indices(x, dilation=apart, **how)
    return as_format(taken(x, indices), data_format), as_format(indices, data_format)


def taken(x: Tensor, indices: Tensor) -> Tensor:
    """The elements of each channel at indices that count them row by row."""
    flat = ops.reshape(x, shape=(x.shape[0], math.prod(x.shape[1:-1]), x.shape[-1]))
    places = ops.reshape(indices, shape=(x.shape[0], math.prod(indices.shape[1:-1]), x.shape[-1]))
    y: Tensor = ops.reshape(ops.take_along_axis(flat, places, axis=1), shape=indices.shape)
    return y


@fronts(_max_unpool)
def max_unpool(y: Any, indices: Any, size: int | tuple[int, ...], data_format: str = "channels_last") -> Tensor:
    """Numbers at the places that they came from, and zeros elsewhere: what `max_pool_with_indices` leaves of an array.

    Args:
        y: shape `(batch, *lengths, channels)`.
        indices: of the same shape: for each number its place among the elements of its channel, row by row. Numbers
            that have one place are the same number; all have the gradient at that place.
        size: the lengths of the result: an integer, or one for each axis.
        data_format: `"channels_first"` if `y`, `indices` and the result are `(batch, channels, *lengths)`.

    Returns:
        Shape `(batch, *size, channels)`.

    >>> import chainrule as cr
    >>> y, indices = cr.nn.max_pool_with_indices(cr.tensor([[[1.0], [3.0], [2.0], [2.0]]]))
    >>> cr.nn.max_unpool(y, indices, 4)[0, :, 0]
    Tensor([0., 3., 2., 0.], float64)
    """
    y, indices = as_batch("max_unpool", y, data_format), as_batch("max_unpool", indices, data_format)
    sizes = as_lengths("max_unpool", "size", size, y.ndim - 2)
    return as_format(_max_unpool(y, indices, size=sizes), data_format)


max_pool1d, max_pool2d, max_pool3d = (of_rank(max_pool, n) for n in (1, 2, 3))
avg_pool1d, avg_pool2d, avg_pool3d = (of_rank(avg_pool, n) for n in (1, 2, 3))
