"""Pooling on NumPy: an element of the windows at a time, in place, for some of the batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule_nn import _numpy_pool_code
from chainrule_nn._numpy_conv import padded, parts, zeros
from chainrule_nn._pool import lowest, shares
from chainrule_nn._windows import Along, Lengths, Padding, cropped, pooled, spread, taps, volume


def _place(axes: tuple[Along, ...], shape: tuple[int, ...], dtype: Any, out: Any = None) -> tuple[Any, bool]:
    """An array to put something in for each window, and whether no two windows have an element in common.

    Its elements are zeros, but for those of such windows. It is `out`, if that has the shape.
    """
    disjoint = all(a.stride >= a.window for a in axes)
    covered = disjoint and all(a.window * a.count == n for a, n in zip(axes, shape[1:-1], strict=True))
    if out is not None and out.shape == shape:
        return out if covered else zeros(shape, dtype, out), disjoint
    return np.empty(shape, dtype) if covered else np.zeros(shape, dtype), disjoint


def max_pool(x: Any, *, window: Lengths, strides: Lengths, padding: Padding, out: Any = None) -> Any:
    """Each element of the windows at a time, in place."""
    axes = pooled(x.shape, window, strides, padding)
    x = padded(x, axes, lowest(np, x))
    y = _numpy_pool_code.max_pool(x, axes, out)
    if y is not None:
        return y
    y = np.empty((len(x), *(a.count for a in axes), x.shape[-1]), x.dtype) if out is None else out
    for part in parts(len(x), x[:1].nbytes):
        _largest(x[part], axes, y[part])
    return y


def _largest(x: Any, axes: tuple[Along, ...], out: Any) -> None:
    """Write the largest elements of windows: along one axis, then of what is left along the next."""
    for i, a in enumerate(axes, 1):
        before = (slice(None),) * i
        first, *rest = (x[(*before, slice(k, k + spread(a.count, a.stride), a.stride))] for k in range(a.window))
        place = out if i == len(axes) else None
        x = np.maximum(first, rest[0], out=place) if rest else np.positive(first, out=place)
        for each in rest[1:]:
            np.maximum(x, each, out=x)


def max_pool_spread(
    g: Any, x: Any, y: Any, *, window: Lengths, strides: Lengths, padding: Padding, out: Any = None
) -> Any:
    """Each element of the windows at a time, in place."""
    axes = pooled(x.shape, window, strides, padding)
    x = padded(x, axes, lowest(np, x))
    result, disjoint = _place(axes, x.shape, g.dtype, out)
    if not _numpy_pool_code.max_pool_spread(g, x, y, result, disjoint, axes):
        _spread(g, x, y, result, disjoint, axes)
    if out is None:
        return cropped(result, axes)
    if result is not out:
        out[...] = cropped(result, axes)
    return out


def _spread(g: Any, x: Any, y: Any, result: Any, disjoint: bool, axes: tuple[Along, ...]) -> None:
    """Write shares of `g` into a result; see `_numpy_pool_code.max_pool_spread`."""
    few = np.uint8 if volume(axes) < 256 else np.int64
    *others, last = axes
    if last.stride == last.window and last.count * last.window == x.shape[-2]:
        axes, repeats = tuple(others), last.window  # windows fill rows, which are compared as a whole
    else:
        repeats = 1
    for part in parts(len(x), x[:1].nbytes // 2):
        largest = _repeated(y[part], repeats)
        hits = [(tap == largest).view(np.uint8) for tap in taps(x[part], axes)]
        rows = hits[0].astype(few)
        for hit in hits[1:]:
            rows += hit
        count = rows[..., ::repeats, :]
        for i in range(1, repeats):
            count = count + rows[..., i::repeats, :]
        share = _repeated(np.divide(g[part], count, dtype=g.dtype), repeats)
        for tap, hit in zip(taps(result[part], axes), hits, strict=True):
            if disjoint:
                np.multiply(share, hit, out=tap)
            else:
                tap += share * hit


def _repeated(x: Any, n: int) -> Any:
    """An array with each element so many times along its last axis but one."""
    return x if n == 1 else np.repeat(x, n, axis=-2)


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
