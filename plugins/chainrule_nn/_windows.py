"""Windows that move over the axes between the first (the batch) and the last (the channels): where they stand."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

from chainrule import ShapeError, infer

Lengths = tuple[int, ...]
Padding = str | tuple[tuple[int, int], ...]


def of_size(x: Any, size: Lengths, **_: Any) -> Any:
    """The shape rule of what makes a batch of given lengths."""
    return infer.Spec(None if x.shape is None else (x.shape[0], *size, x.shape[-1]), x.dtype)


class Along(NamedTuple):
    """The windows along one axis.

    A length that is not known yet makes those unknown that follow from it.
    """

    size: Any
    window: Any
    stride: int
    dilation: int
    low: Any
    high: Any
    count: Any


def along(size: Any, window: Any, stride: int, dilation: int, padding: str | tuple[int, int]) -> Along:
    """The windows along an axis of length `size`.

    `"SAME"` gives one for each stride begun, and pads as evenly as it can, the odd element at the end:
    https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2

    Raises:
        ShapeError: the window is empty, or longer than the axis with its padding.
    """
    if isinstance(window, int) and window < 1:
        raise ShapeError(f"a window of length {window} has no elements")
    if isinstance(padding, str):
        count = None if size is None else -(-size // stride)
        if not (isinstance(size, int) and isinstance(window, int)):
            return Along(size, window, stride, dilation, None, None, count)
        total = max(spread(count, stride) - 1 + _reach(window, dilation) - size, 0) if count else 0
        return Along(size, window, stride, dilation, total // 2, total - total // 2, count)
    low, high = padding
    if size is None or window is None:
        return Along(size, window, stride, dilation, low, high, None)
    room = size + low + high - _reach(window, dilation)
    if isinstance(room, int) and room < 0:
        apart = f" and dilation {dilation}" if dilation > 1 else ""
        padded = f" and {low} + {high} of padding" if low or high else ""
        raise ShapeError(f"a window of length {window}{apart} is longer than an axis of length {size}{padded}")
    return Along(size, window, stride, dilation, low, high, room // stride + 1)


def _reach(window: Any, dilation: int) -> Any:
    """How many elements a window spans."""
    return (window - 1) * dilation + 1


def windows(
    sizes: Sequence[Any], window: Sequence[Any], strides: Lengths, padding: Padding, dilation: Lengths
) -> tuple[Along, ...]:
    """`Along` for each of these axes."""
    paddings = (padding,) * len(strides) if isinstance(padding, str) else padding
    return tuple(map(along, sizes, window, strides, dilation, paddings))


def convolved(x: Any, w: Any, strides: Lengths, padding: Padding, dilation: Lengths, groups: int) -> tuple[Along, ...]:
    """The windows of a convolution of shapes `x` and `w`, any length of which may be unknown.

    Raises:
        ShapeError: the shapes do not fit each other.
    """
    n = len(strides)
    if len(x) != n + 2 or len(w) != n + 2:
        raise ShapeError(
            f"x of shape {x} and w of shape {w}: expected {n + 2} dimensions each, (batch, *lengths, channels) and "
            "(*window, channels / groups, channels of the result)"
        )
    channels, each, results = x[-1], w[-2], w[-1]
    if isinstance(channels, int) and isinstance(each, int) and channels != each * groups:
        of = f"{groups} groups of {each}" if groups > 1 else f"{each}"
        raise ShapeError(f"channels: x of shape {x} has {channels}, w of shape {w} is for {of}")
    if isinstance(results, int) and results % groups:
        raise ShapeError(f"channels of the result: w of shape {w} has {results}, not a multiple of {groups} groups")
    return windows(x[1:-1], w[:-2], strides, padding, dilation)


def pooled(x: Any, window: Lengths, strides: Lengths, padding: Padding) -> tuple[Along, ...]:
    """The windows of a pooling of shape `x`, each of which has an element that is no padding.

    Raises:
        ShapeError: the shapes do not fit each other, or a window would lie in the padding alone.
    """
    n = len(window)
    if len(x) != n + 2:
        raise ShapeError(f"x of shape {tuple(x)}: expected {n + 2} dimensions, (batch, *lengths, channels)")
    axes = windows(x[1:-1], window, strides, padding, (1,) * n)
    for a in axes:
        if padding != "SAME" and (max(a.low, a.high) >= a.window or (isinstance(a.size, int) and not a.size)):
            raise ShapeError(
                f"a window of length {a.window} with {a.low} + {a.high} of padding can lie outside of an axis of "
                f"length {a.size}, where there is nothing to pool; pad by less than the window"
            )
    return axes


def offsets(axes: tuple[Along, ...]) -> Iterator[Lengths]:
    """Where the elements of a window are, counted from its first; where there are no windows, all at 0."""
    return product(*(range(0, a.window * a.dilation, a.dilation) if a.count else (0,) * a.window for a in axes))


def taps(x: Any, axes: tuple[Along, ...]) -> Iterator[Any]:
    """For each element of a window, those of the padded array `x` that all windows have there."""
    for at in offsets(axes):
        places = (slice(start, start + spread(a.count, a.stride), a.stride) for start, a in zip(at, axes, strict=True))
        yield x[(slice(None), *places, slice(None))]


def spread(count: int, stride: int) -> int:
    """How many elements there are from the first of `count`, a stride apart, to the last."""
    return (count - 1) * stride + 1 if count else 0


def padded(xp: Any, x: Any, axes: tuple[Along, ...], value: Any = 0) -> Any:
    """An array with its padding."""
    for i, a in enumerate(axes, 1):
        x = pad(xp, x, i, a.low, a.high, value)
    return x


def pad(xp: Any, x: Any, axis: int, low: int, high: int, value: Any = 0) -> Any:
    """An array with so many elements more at the two ends of an axis."""
    if not (low or high):
        return x
    ends = (
        xp.full((*x.shape[:axis], n, *x.shape[axis + 1 :]), value, dtype=x.dtype, device=getattr(x, "device", None))
        for n in (low, high)
    )
    before, after = ends
    return xp.concat((before, x, after), axis=axis)


def fold(xp: Any, parts: Sequence[Any], axes: tuple[Along, ...]) -> Any:
    """The transpose of `taps` of the padded array: each part added to where it was taken from."""
    total: Any = None
    for at, part in zip(offsets(axes), parts, strict=True):
        for i, (start, a) in enumerate(zip(at, axes, strict=True), 1):
            part = _apart(xp, part, i, a)
            part = pad(xp, part, i, start, a.low + a.size + a.high - start - part.shape[i])
        total = part if total is None else total + part
    return cropped(total, axes)


def cropped(x: Any, axes: tuple[Along, ...]) -> Any:
    """A padded array without its padding."""
    return x[(slice(None), *(slice(a.low, a.low + a.size) for a in axes), slice(None))]


def _apart(xp: Any, x: Any, axis: int, a: Along) -> Any:
    """The elements along an axis a stride apart, zeros between them."""
    if a.stride > 1:
        x = xp.stack([x, *[xp.zeros_like(x)] * (a.stride - 1)], axis=axis + 1)
        x = xp.reshape(x, (*x.shape[:axis], a.count * a.stride, *x.shape[axis + 2 :]))
        x = x[(*[slice(None)] * axis, slice(spread(a.count, a.stride)), ...)]
    return x


def volume(axes: tuple[Along, ...]) -> int:
    """How many elements a window has."""
    return math.prod(a.window for a in axes)
