"""NumPy kernels: windows as strided views, copied and multiplied by BLAS a few at a time so that they stay in cache."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import as_strided

from chainrule_nn._conv import leading_to
from chainrule_nn._pool import lowest, shares
from chainrule_nn._windows import Along, Lengths, Padding, convolved, cropped, pooled, taps, volume

_AT_ONCE: Final = 1 << 20  # bytes of windows, which the second-level cache holds


def _parts(n: int, size: int) -> Iterator[slice]:
    """`n` items of so many bytes, as many at once as fit."""
    step = max(1, _AT_ONCE // max(size, 1))
    return (slice(i, min(i + step, n)) for i in range(0, n, step))


def _padded(x: Any, axes: tuple[Along, ...], value: Any = 0) -> Any:
    """An array with its padding, written once."""
    if not any(a.low or a.high for a in axes):
        return x
    result = np.full((len(x), *(a.low + a.size + a.high for a in axes), x.shape[-1]), value, x.dtype)
    cropped(result, axes)[...] = x
    return result


def _windows(x: Any, axes: tuple[Along, ...]) -> Any:
    """A view of the padded array: batch, windows, elements of a window, channels."""
    x = _padded(x, axes)
    batch, *steps, channel = x.strides
    return as_strided(
        x,
        (len(x), *(a.count for a in axes), *(a.window for a in axes), x.shape[-1]),
        (
            batch,
            *(step * a.stride for step, a in zip(steps, axes, strict=True)),
            *(step * a.dilation for step, a in zip(steps, axes, strict=True)),
            channel,
        ),
        writeable=False,
    )


def _columns(x: Any, axes: tuple[Along, ...]) -> Iterator[tuple[slice, Any]]:
    """Matrices with a row for each window, for some of the batch at a time; their memory is used again."""
    view = _windows(x, axes)
    n = len(axes)
    length = math.prod(view.shape[n + 1 :])
    # What is copied in one run: along a window and its channels, or, where that is short, along windows.
    transposed = axes[-1].window * x.shape[-1] < axes[-1].count
    if transposed:
        view = np.moveaxis(view, range(n + 1), range(-n - 1, 0))
    buffer = np.empty(0, x.dtype)
    for part in _parts(len(x), view.itemsize * view.size // max(len(x), 1)):
        windows = view[..., part, *[slice(None)] * n] if transposed else view[part]
        if buffer.size < windows.size:
            buffer = np.empty(windows.size, x.dtype)
        filled = buffer[: windows.size]
        np.copyto(filled.reshape(windows.shape), windows)
        yield part, filled.reshape(length, -1).T if transposed else filled.reshape(-1, length)


def _by_group(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """A kernel for any number of groups: of both inputs and of the result each has a part of the last axis."""

    @functools.wraps(kernel)
    def grouped(a: Any, b: Any, *, groups: int, **how: Any) -> Any:
        if groups == 1:
            return kernel(a, b, **how)
        parts = zip(np.split(a, groups, axis=-1), np.split(b, groups, axis=-1), strict=True)
        return np.concatenate([kernel(p, q, **how) for p, q in parts], axis=-1)

    return grouped


@_by_group
def conv(x: Any, w: Any, *, strides: Lengths, padding: Padding, dilation: Lengths) -> Any:
    """A product of matrices for some of the batch at a time."""
    axes = convolved(x.shape, w.shape, strides, padding, dilation, 1)
    y = np.zeros((len(x), *(a.count for a in axes), w.shape[-1]), x.dtype)
    if y.size and w.size:
        matrix = w.reshape(-1, w.shape[-1])
        for part, columns in _columns(x, axes):
            np.matmul(columns, matrix, out=y[part].reshape(-1, w.shape[-1]))
    return y


@_by_group
def conv_transpose(
    y: Any, w: Any, *, strides: Lengths, padding: Padding, dilation: Lengths, size: Lengths | None
) -> Any:
    """A product of matrices for each element of the window, added in place."""
    axes = leading_to(y.shape, w.shape, strides, padding, dilation, 1, size)
    x = np.zeros((len(y), *(a.low + a.size + a.high for a in axes), w.shape[-2]), y.dtype)
    if y.size and w.size:
        matrices = w.reshape(-1, *w.shape[-2:]).swapaxes(1, 2)
        for part in _parts(len(y), x.itemsize * math.prod(y.shape[1:-1]) * w.shape[-2]):
            rows = y[part].reshape(-1, y.shape[-1])
            product = np.empty((len(rows), w.shape[-2]), y.dtype)
            for tap, matrix in zip(taps(x[part], axes), matrices, strict=True):
                np.matmul(rows, matrix, out=product)
                tap += product.reshape(tap.shape)
    return cropped(x, axes)


@_by_group
def conv_weight_gradient(
    x: Any, y: Any, *, window: Lengths, strides: Lengths, padding: Padding, dilation: Lengths
) -> Any:
    """A sum of products of matrices, for some of the batch at a time."""
    axes = convolved(x.shape, (*window, x.shape[-1], y.shape[-1]), strides, padding, dilation, 1)
    w = np.zeros((*window, x.shape[-1], y.shape[-1]), x.dtype)
    if y.size and w.size:
        matrix = w.reshape(-1, y.shape[-1])
        for part, columns in _columns(x, axes):
            matrix += columns.T @ y[part].reshape(-1, y.shape[-1])
    return w


def _place(axes: tuple[Along, ...], shape: tuple[int, ...], dtype: Any) -> tuple[Any, bool]:
    """An array to put something in for each window, and whether no two windows have an element in common.

    Its elements are zeros, but for those of such windows.
    """
    disjoint = all(a.stride >= a.window for a in axes)
    covered = disjoint and all(a.window * a.count == n for a, n in zip(axes, shape[1:-1], strict=True))
    return (np.empty if covered else np.zeros)(shape, dtype), disjoint


def max_pool(x: Any, *, window: Lengths, strides: Lengths, padding: Padding) -> Any:
    """Each element of the windows at a time, in place."""
    axes = pooled(x.shape, window, strides, padding)
    first, *rest = taps(_padded(x, axes, lowest(np, x)), axes)
    if not rest:
        return first.copy()
    y = np.maximum(first, rest[0])
    for tap in rest[1:]:
        np.maximum(y, tap, out=y)
    return y


def max_pool_spread(g: Any, x: Any, y: Any, *, window: Lengths, strides: Lengths, padding: Padding) -> Any:
    """Each element of the windows at a time, in place."""
    axes = pooled(x.shape, window, strides, padding)
    x = _padded(x, axes, lowest(np, x))
    result, disjoint = _place(axes, x.shape, g.dtype)
    few = np.uint8 if volume(axes) < 256 else np.int64
    for part in _parts(len(x), x[:1].nbytes):
        hits = [tap == y[part] for tap in taps(x[part], axes)]
        count = hits[0].astype(few)
        for hit in hits[1:]:
            count += hit
        share = np.divide(g[part], count, dtype=g.dtype)
        for tap, hit in zip(taps(result[part], axes), hits, strict=True):
            if disjoint:
                np.multiply(share, hit, out=tap)
            else:
                tap += share * hit
    return cropped(result, axes)


def avg_pool_transpose(
    g: Any, *, size: Lengths, window: Lengths, strides: Lengths, padding: Padding, count_padding: bool
) -> Any:
    """Each element of the windows at a time, in place."""
    axes = pooled((len(g), *size, g.shape[-1]), window, strides, padding)
    result, disjoint = _place(axes, (len(g), *(a.low + a.size + a.high for a in axes), g.shape[-1]), g.dtype)
    share = g / shares(np, g, axes, count_padding)
    for tap in taps(result, axes):
        if disjoint:
            tap[...] = share
        else:
            tap += share
    return cropped(result, axes)
