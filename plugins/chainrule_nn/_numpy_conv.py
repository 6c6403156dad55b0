"""Convolution on NumPy: products of matrices for some of the batch at a time, which stay in cache.

The matrices have a row for each window. Mostly they hold what windows have along the last axis alone, so that little is
copied: a window's elements along the other axes are rows further down, and their products are added up. Where such rows
would be short or few, they hold whole windows. With a channel a group, nothing is multiplied but numbers.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from chainrule_nn import _numpy_channels_code, _numpy_conv_code, _numpy_weights_code
from chainrule_nn._conv import leading_to
from chainrule_nn._windows import Along, Lengths, Padding, convolved, cropped, offsets, spread, taps
from chainrule_numpy.machine_code import matmul

_AT_ONCE: Final = 1 << 20  # bytes of windows, which the second-level cache holds
_SHORT: Final = 24  # elements of a row
_FEW: Final = 64  # rows of a matrix, or windows of a channel


def parts(n: int, size: int) -> Iterator[slice]:
    """`n` items of so many bytes, as many at once as fit."""
    step = max(1, _AT_ONCE // max(size, 1))
    return (slice(i, min(i + step, n)) for i in range(0, n, step))


def _blocks(n: int, size: int, count: int) -> Iterator[tuple[slice, slice]]:
    """Some of a batch of `n` at a time or, where one of them does not fit, some of its windows along the first axis.

    Args:
        n: how many there are.
        size: the bytes of the windows of one.
        count: how many windows there are along the first axis.
    """
    if size <= _AT_ONCE:
        yield from ((part, slice(0, count)) for part in parts(n, size))
        return
    step = max(1, count * _AT_ONCE // size)
    for i, first in itertools.product(range(n), range(0, count, step)):
        yield slice(i, i + 1), slice(first, min(first + step, count))


def padded(x: Any, axes: tuple[Along, ...], value: Any = 0) -> Any:
    """An array with its padding, written once."""
    if not any(a.low or a.high for a in axes):
        return x
    result = np.full((len(x), *(a.low + a.size + a.high for a in axes), x.shape[-1]), value, x.dtype)
    cropped(result, axes)[...] = x
    return result


def _windows(x: Any, axes: tuple[Along, ...]) -> Any:
    """A view of a padded array: batch, windows, elements of a window, channels; of the last axes, if there are more."""
    n = x.ndim - 1 - len(axes)
    steps = x.strides[n:-1]
    return as_strided(
        x,
        (*x.shape[:n], *(a.count for a in axes), *(a.window for a in axes), x.shape[-1]),
        (
            *x.strides[:n],
            *(step * a.stride for step, a in zip(steps, axes, strict=True)),
            *(step * a.dilation for step, a in zip(steps, axes, strict=True)),
            x.strides[-1],
        ),
        writeable=False,
    )


def _by_rows(axes: tuple[Along, ...], channels: int, ratio: int = 0) -> bool:
    """Whether to take windows apart, but for the last axis: matrices have rows enough, `ratio` times their columns.

    Transposed ones have a product each, as large as they are wide.
    """
    rows: int = axes[-1].count * (axes[-2].count if len(axes) > 1 and axes[-2].stride == 1 else 1)
    columns: int = axes[-1].window * channels
    return math.prod(a.window for a in axes[:-1]) > 1 and columns >= _SHORT and rows >= max(_FEW, ratio * columns)


_Part = tuple[slice, slice]  # of the batch, and of the windows along the first axis


def _columns(x: Any, axes: tuple[Along, ...], by_rows: bool) -> Iterator[tuple[_Part, list[Any]]]:
    """For a part of the result at a time, for each element of a window along the first axes: a stack of matrices.

    They have a row for each window. Their memory is used again.
    """
    return _columns_by_rows(x, axes) if by_rows else _columns_of_windows(x, axes)


def _columns_by_rows(x: Any, axes: tuple[Along, ...]) -> Iterator[tuple[_Part, list[Any]]]:
    view = _windows(padded(x, axes), axes[-1:])
    size = 2 * view.itemsize * view.size // max(len(x), 1)  # the other half for the products
    buffer = np.empty(0, x.dtype)
    for some, at in _blocks(len(x), size, axes[0].count):
        first = axes[0]._replace(count=at.stop - at.start)
        begin = at.start * first.stride
        reach = spread(first.count, first.stride) + (first.window - 1) * first.dilation
        windows = view[some, begin : begin + reach]
        if buffer.size < windows.size:
            buffer = np.empty(windows.size, x.dtype)
        rows = buffer[: windows.size].reshape(windows.shape)
        np.copyto(rows, windows)
        rows = rows.reshape(*windows.shape[:-2], windows.shape[-2] * windows.shape[-1])
        matrices = []
        for start in offsets(axes[:-1]):
            pairs = zip(start, (first, *axes[1:-1]), strict=True)
            tap = rows[(slice(None), *(slice(i, i + spread(a.count, a.stride), a.stride) for i, a in pairs))]
            if axes[-2].stride == 1:
                tap = tap.reshape(*tap.shape[:-3], tap.shape[-3] * tap.shape[-2], tap.shape[-1])
            matrices.append(tap)
        yield (some, at), matrices


def _columns_of_windows(x: Any, axes: tuple[Along, ...]) -> Iterator[tuple[_Part, list[Any]]]:
    view = _windows(padded(x, axes), axes)
    n = len(axes)
    length = math.prod(view.shape[n + 1 :])
    # What is copied in one run: along a window and its channels, or, where that is short, along windows.
    transposed = axes[-1].window * x.shape[-1] < axes[-1].count
    if transposed:
        view = np.moveaxis(view, range(n + 1), range(-n - 1, 0))
    buffer = np.empty(0, x.dtype)
    for part in _blocks(len(x), view.itemsize * view.size // max(len(x), 1), axes[0].count):
        windows = view[(..., *part, *[slice(None)] * (n - 1))] if transposed else view[part]
        if buffer.size < windows.size:
            buffer = np.empty(windows.size, x.dtype)
        filled = buffer[: windows.size]
        np.copyto(filled.reshape(windows.shape), windows)
        yield part, [filled.reshape(length, -1).T if transposed else filled.reshape(-1, length)]


def _by_group(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """A kernel for any number of groups: of both inputs and of the result each has a part of the last axis."""

    @functools.wraps(kernel)
    def grouped(a: Any, b: Any, *, groups: int, out: Any = None, **how: Any) -> Any:
        if groups == 1:
            return kernel(a, b, out=out, **how)
        pairs = zip(np.split(a, groups, axis=-1), np.split(b, groups, axis=-1), strict=True)
        return np.concatenate([kernel(p, q, out=None, **how) for p, q in pairs], axis=-1, out=out)

    return grouped


def _promoted(a: Any, b: Any) -> tuple[Any, Any]:
    """Both arrays in the dtype of the result."""
    if a.dtype == b.dtype:
        return a, b
    dtype = np.result_type(a, b)
    return a.astype(dtype, copy=False), b.astype(dtype, copy=False)


def conv(x: Any, w: Any, *, strides: Lengths, padding: Padding, dilation: Lengths, groups: int, out: Any = None) -> Any:
    """The kernel of `conv`."""
    x, w = _promoted(x, w)
    if groups == x.shape[-1] == w.shape[-1] > 1:
        return _conv_of_channels(x, w, convolved(x.shape, w.shape, strides, padding, dilation, groups), out)
    return _conv(x, w, strides=strides, padding=padding, dilation=dilation, groups=groups, out=out)


@_by_group
def _conv(x: Any, w: Any, *, strides: Lengths, padding: Padding, dilation: Lengths, out: Any) -> Any:
    return _convolution(x, w, convolved(x.shape, w.shape, strides, padding, dilation, 1), out)


def _convolution(x: Any, w: Any, axes: tuple[Along, ...], out: Any = None) -> Any:
    shape = (len(x), *(a.count for a in axes), w.shape[-1])
    if not (math.prod(shape) and w.size):
        return zeros(shape, x.dtype, out)
    made = _numpy_conv_code.conv(x, w, axes, out)
    if made is not None:
        return made
    y = np.empty(shape, x.dtype) if out is None else out
    more = np.empty(0, x.dtype)
    for part, columns in _columns(x, axes, _by_rows(axes, x.shape[-1])):
        weights = w.reshape(len(columns), -1, w.shape[-1])
        result = y[part].reshape(*columns[0].shape[:-1], w.shape[-1])
        matmul(columns[0], weights[0], result)
        if len(columns) > 1 and more.shape != result.shape:
            more = np.empty(result.shape, x.dtype)
        for matrices, weight in zip(columns[1:], weights[1:], strict=True):
            result += matmul(matrices, weight, more)
    return y


def zeros(shape: Lengths, dtype: Any, out: Any = None) -> Any:
    """Zeros, in `out` if that is given."""
    if out is None:
        return np.zeros(shape, dtype)
    out[...] = 0
    return out


def _conv_of_channels(x: Any, w: Any, axes: tuple[Along, ...], out: Any = None) -> Any:
    made = _numpy_channels_code.conv(x, w, axes, out)
    if made is not None:
        return made
    y = zeros((len(x), *(a.count for a in axes), w.shape[-1]), x.dtype, out)
    x, weights = padded(x, axes), w.reshape(-1, w.shape[-1])
    for part in parts(len(x), 2 * x[:1].nbytes):
        more = np.empty(y[part].shape, x.dtype)
        for tap, weight in zip(taps(x[part], axes), weights, strict=True):
            y[part] += np.multiply(tap, weight, out=more)
    return y


def conv_transpose(
    y: Any,
    w: Any,
    *,
    strides: Lengths,
    padding: Padding,
    dilation: Lengths,
    groups: int,
    size: Lengths | None,
    out: Any = None,
) -> Any:
    """The kernel of `conv_transpose`."""
    y, w = _promoted(y, w)
    if groups == y.shape[-1] > 1 and w.shape[-2] == 1:
        axes = leading_to(y.shape, w.shape, strides, padding, dilation, groups, size)
        x = _transpose_of_channels(y, w, axes, out)
    else:
        how = {"strides": strides, "padding": padding, "dilation": dilation, "groups": groups, "size": size}
        x = _conv_transpose(y, w, out=out, **how)
    if out is not None and x is not out:
        out[...] = x
    return x if out is None else out


@_by_group
def _conv_transpose(
    y: Any, w: Any, *, strides: Lengths, padding: Padding, dilation: Lengths, size: Lengths | None, out: Any
) -> Any:
    axes = leading_to(y.shape, w.shape, strides, padding, dilation, 1, size)
    made = _by_convolutions(y, w.swapaxes(-2, -1), axes, _faster, _convolution, out)
    if made is not None:
        return made
    x = np.zeros((len(y), *(a.low + a.size + a.high for a in axes), w.shape[-2]), y.dtype)
    if y.size and w.size:
        matrices = w.reshape(-1, *w.shape[-2:]).swapaxes(1, 2)
        for part in parts(len(y), x.itemsize * math.prod(y.shape[1:-1]) * w.shape[-2]):
            rows = y[part].reshape(-1, y.shape[-1])
            product = np.empty((len(rows), w.shape[-2]), y.dtype)
            for tap, matrix in zip(taps(x[part], axes), matrices, strict=True):
                matmul(rows, matrix, product)
                tap += product.reshape(tap.shape)
    return cropped(x, axes)


class _Place(NamedTuple):
    """Results at one place in a stride.

    Attributes:
        results: where they are.
        weights: those that lead there.
        windows: of the convolution with these that gives the results, and others before and after them.
        kept: which of what it gives the results are.
    """

    results: slice
    weights: slice
    windows: Along
    kept: slice


def _places(a: Along) -> Iterator[_Place]:
    """All of them along an axis, that with the longest windows first."""
    for i in range(a.stride):
        first, last = -((i - a.low) // a.stride), (a.low + a.size - 1 - i) // a.stride
        window = -((i - a.window) // a.stride)
        reach = spread(window, a.dilation) - 1
        start, stop = min(first, reach), max(last, a.count - 1)
        windows = Along(a.count, window, 1, a.dilation, reach - start, stop - (a.count - 1), stop - start + 1)
        results = slice(first * a.stride + i - a.low, None, a.stride)
        yield _Place(results, slice(i, None, a.stride), windows, slice(first - start, last - start + 1))


_Convolution = Callable[[Any, Any, tuple[Along, ...], Any], Any]


def _by_convolutions(
    y: Any, w: Any, axes: tuple[Along, ...], first: _Convolution, others: _Convolution, out: Any
) -> Any:
    """The transpose as a convolution for each place in a stride, of reversed weights.

    Args:
        y: what it is of.
        w: its weights, the channels of its result last.
        axes: the windows of the convolution that it transposes.
        first: convolves, or gives None where this is not the way to go; then this gives None too.
        others: convolves, for other places than the first.
        out: the array for the result, which it may go into, or None.
    """
    if not (y.size and w.size) or any(a.stride > 1 and a.dilation > 1 for a in axes):
        return None
    ways = [places for places in itertools.product(*map(_places, axes)) if all(p.windows.window for p in places)]
    x = None
    for places in ways:
        weights = w[tuple(p.weights for p in places)][(slice(None, None, -1),) * len(axes)]
        convolve = first if x is None else others
        is_all = out is not None and tuple(p.windows.count for p in places) == out.shape[1:-1]
        windows = tuple(p.windows for p in places)
        made = convolve(y, np.ascontiguousarray(weights), windows, out if is_all else None)
        if made is None:
            return None
        if made is out:
            return out
        made = made[(slice(None), *(p.kept for p in places))]
        if all(a.stride == 1 for a in axes):
            return made
        if x is None:
            x = zeros((len(y), *(a.size for a in axes), w.shape[-1]), y.dtype, out)
        x[(slice(None), *(p.results for p in places))] = made
    return x


def _faster(y: Any, w: Any, axes: tuple[Along, ...], out: Any) -> Any:
    """A convolution, if it takes less time than its result's parts added up where they belong."""
    if w.shape[-1] >= _FEW // 8 and _by_rows(axes, w.shape[-2]):
        return _convolution(y, w, axes, out)
    return _numpy_conv_code.conv(y, w, axes, out)


def _transpose_of_channels(y: Any, w: Any, axes: tuple[Along, ...], out: Any) -> Any:
    made = _by_convolutions(y, w, axes, _numpy_channels_code.conv, _conv_of_channels, out)
    if made is not None:
        return made
    x = np.zeros((len(y), *(a.low + a.size + a.high for a in axes), w.shape[-1]), y.dtype)
    for part in parts(len(y), 2 * x[:1].nbytes):
        more = np.empty(y[part].shape, y.dtype)
        for tap, weight in zip(taps(x[part], axes), w.reshape(-1, w.shape[-1]), strict=True):
            tap += np.multiply(y[part], weight, out=more)
    return cropped(x, axes)


def conv_weight_gradient(
    x: Any, y: Any, *, window: Lengths, strides: Lengths, padding: Padding, dilation: Lengths, groups: int
) -> Any:
    """The kernel of `conv_weight_gradient`."""
    x, y = _promoted(x, y)
    if groups == x.shape[-1] == y.shape[-1] > 1:
        axes = convolved(x.shape, (*window, 1, groups), strides, padding, dilation, groups)
        return _weights_of_channels(x, y, axes)
    how = {"window": window, "strides": strides, "padding": padding, "dilation": dilation, "groups": groups}
    return _conv_weight_gradient(x, y, **how)


@_by_group
def _conv_weight_gradient(
    x: Any, y: Any, *, window: Lengths, strides: Lengths, padding: Padding, dilation: Lengths, out: None
) -> Any:
    axes = convolved(x.shape, (*window, x.shape[-1], y.shape[-1]), strides, padding, dilation, 1)
    made = _numpy_weights_code.conv_weight_gradient(x, y, axes)
    if made is not None:
        return made
    w = np.zeros((*window, x.shape[-1], y.shape[-1]), x.dtype)
    if y.size and w.size:
        for part, columns in _columns(x, axes, _by_rows(axes, x.shape[-1], ratio=2)):
            results = y[part].reshape(*columns[0].shape[:-1], y.shape[-1])
            for matrices, weight in zip(columns, w.reshape(len(columns), -1, y.shape[-1]), strict=True):
                products = matmul(matrices.swapaxes(-1, -2), results)
                weight += np.add.reduce(products, axis=tuple(range(products.ndim - 2)))
    return w


def _weights_of_channels(x: Any, y: Any, axes: tuple[Along, ...]) -> Any:
    made = _numpy_channels_code.conv_weight_gradient(x, y, axes)
    if made is not None:
        return made
    w = np.zeros((*(a.window for a in axes), 1, y.shape[-1]), x.dtype)
    x, weights = padded(x, axes), w.reshape(-1, y.shape[-1])
    over = tuple(range(y.ndim - 1))
    for part in parts(len(x), 2 * x[:1].nbytes):
        product = np.empty(y[part].shape, x.dtype)
        for tap, weight in zip(taps(x[part], axes), weights, strict=True):
            weight += np.add.reduce(np.multiply(tap, y[part], out=product), axis=over)
    return w
