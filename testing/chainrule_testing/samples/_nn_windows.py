"""Samples of what moves over windows in `cr.nn` besides convolution and pooling."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from chainrule_testing._samples import Samples, apart, case, real

Array = Any


def _adaptive(reduce: Any, x: Array, size: Any) -> Array:
    for axis, n in enumerate(size, 1):
        edges = np.arange(n + 1) * x.shape[axis] / n
        parts = [
            reduce(np.take(x, range(int(np.floor(low)), int(np.ceil(high))), axis), axis=axis, keepdims=True)
            for low, high in itertools.pairwise(edges)
        ]
        x = np.concatenate(parts, axis)
    return x


def _places(window: int, stride: int, dilation: int, low: int, count: int) -> Array:
    """Where the elements of windows are along an axis: shape `(count, window)`."""
    return np.arange(count)[:, None] * stride - low + np.arange(window) * dilation


def _unfold(x: Array, window: Any, strides: Any, padding: Any, dilation: Any) -> Array:
    (size,), ((low, high),) = x.shape[1:-1], padding
    count = (size + low + high - (window[0] - 1) * dilation[0] - 1) // strides[0] + 1
    at = _places(window[0], strides[0], dilation[0], 0, count)
    return np.pad(x, ((0, 0), (low, high), (0, 0)))[:, at]


def _fold(y: Array, size: Any, window: Any, strides: Any, padding: Any, dilation: Any) -> Array:
    ((low, high),) = padding
    result = np.zeros((len(y), low + size[0] + high, y.shape[-1]), y.dtype)
    at = _places(window[0], strides[0], dilation[0], 0, y.shape[1])
    for batch in range(len(y)):
        np.add.at(result[batch], at, y[batch])
    return result[:, low : low + size[0]]


def _resize(x: Array, size: Any, method: str, align_corners: bool, scale: Any = None) -> Array:
    """Along one axis, linear by NumPy's interpolation and cubic by the formula of its kernel."""
    (n,), length = size, x.shape[1]
    if method == "nearest":
        return x[:, np.arange(n) * length // n]
    step = length / n if scale is None else 1 / scale[0]
    at = np.linspace(0, length - 1, n) if align_corners else (np.arange(n) + 0.5) * step - 0.5
    rows = np.moveaxis(x, 1, -1).reshape(-1, length)
    if method == "linear":
        y = np.array([np.interp(at, np.arange(length), row) for row in rows])
    else:
        places = np.arange(-3, length + 3)
        weights = _keys(np.abs(at[:, None] - places))
        y = np.pad(rows, ((0, 0), (3, 3)), mode="edge") @ weights.T
    return np.moveaxis(y.reshape(len(x), x.shape[2], n), 1, -1)


def _grid_sample(x: Array, grid: Array, method: str, padding: str, align_corners: bool) -> Array:
    """By weights of all elements of an array that continues beyond its ends."""
    reach = {"linear": _tent, "cubic": _keys}.get(method)
    more, n = 6, x.ndim - 2
    mode: Any = {"zeros": "constant", "border": "edge", "reflection": "reflect" if align_corners else "symmetric"}[
        padding
    ]
    y = np.pad(x, ((0, 0), *((more, more),) * n, (0, 0)), mode=mode)
    results = np.zeros((*grid.shape[:-1], x.shape[-1]))
    for place in np.ndindex(grid.shape[:-1]):
        part = y[place[0]]
        for i, length in enumerate(x.shape[1:-1]):
            c = grid[place][n - 1 - i]
            c = (c + 1) / 2 * (length - 1) if align_corners else ((c + 1) * length - 1) / 2
            at = np.arange(-more, length + more)
            weights = (at == np.round(c)).astype(float) if reach is None else reach(np.abs(c - at))
            part = np.tensordot(weights, part, axes=(0, 0))
        results[place] = part
    return results


def _tent(d: Array) -> Array:
    return np.maximum(1 - d, 0)


def _keys(d: Array) -> Array:
    near, far = 1.25 * d**3 - 2.25 * d**2 + 1, -0.75 * (d**3 - 5 * d**2 + 8 * d - 4)
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


def _max_indices(x: Array, window: Any, strides: Any, padding: Any, dilation: Any) -> Array:
    """Along one axis: places of the first of the largest elements."""
    ((low, high),), length = padding, x.shape[1]
    count = (length + low + high - (window[0] - 1) * dilation[0] - 1) // strides[0] + 1
    found = np.zeros((len(x), count, x.shape[-1]), np.int64)
    for i, at in enumerate(_places(window[0], strides[0], dilation[0], low, count)):
        inside = at[(at >= 0) & (at < length)]
        found[:, i] = inside[np.argmax(x[:, inside], axis=1)]
    return found


def _unpooled(y: Array, indices: Array, size: Any) -> Array:
    result = np.zeros((len(y), np.prod(size), y.shape[-1]), y.dtype)
    np.put_along_axis(result, indices.reshape(len(y), -1, y.shape[-1]), y.reshape(len(y), -1, y.shape[-1]), axis=1)
    return result.reshape(len(y), *size, y.shape[-1])


_HOW = {"window": (2,), "strides": (2,), "padding": ((1, 0),), "dilation": (2,)}

# Places between elements, inside of an array and outside.
_GRID = np.array([[[-0.83, 0.31], [0.12, -0.57], [1.19, 0.71]], [[0.47, 1.13], [-1.27, -0.21], [-0.39, -1.08]]])

SAMPLES: dict[str, Samples] = {
    "nn.grid_sample": Samples(
        _grid_sample,
        [
            case(real(2, 3, 4, 2), _GRID, method="linear", padding="zeros", align_corners=False),
            case(real(2, 3, 4, 1), _GRID, method="linear", padding="border", align_corners=True),
            case(real(2, 3, 4, 1), _GRID, method="linear", padding="reflection", align_corners=False),
            case(real(2, 3, 4, 1), _GRID, method="nearest", padding="reflection", align_corners=True),
            case(real(2, 3, 4, 1), _GRID, method="cubic", padding="zeros", align_corners=True),
            case(real(2, 5, 1), _GRID[..., :1], method="cubic", padding="border", align_corners=False),
        ],
        integers=False,
        fronted=True,
        needs_shape=True,
    ),
    "nn.max_pool_indices": Samples(
        _max_indices,
        [
            case(apart(2, 5, 2), window=(2,), strides=(2,), padding=((0, 0),), dilation=(1,)),
            case(apart(1, 6, 1), window=(3,), strides=(1,), padding=((1, 2),), dilation=(2,)),
        ],
        integers=False,
        fronted=True,
    ),
    "nn.max_unpool": Samples(
        _unpooled,
        [
            case(real(2, 2, 2), np.array([[[0, 1], [3, 2]], [[4, 0], [2, 1]]]), size=(5,)),
            case(real(1, 1, 2, 1), np.array([[[[1], [5]]]]), size=(2, 3)),
        ],
        complex=True,
        integers=False,
        fronted=True,
        needs_shape=True,
    ),
    "nn.adaptive_avg_pool": Samples(
        lambda x, size: _adaptive(np.mean, x, size),
        [case(real(1, 5, 2), size=(3,)), case(real(1, 4, 3, 1), size=(2, 2))],
        integers=False,
        fronted=True,
    ),
    "nn.adaptive_max_pool": Samples(
        lambda x, size: _adaptive(np.max, x, size),
        [case(apart(1, 5, 2), size=(3,)), case(apart(1, 4, 3, 1), size=(2, 2))],
        integers=False,
        fronted=True,
    ),
    "nn.unfold": Samples(_unfold, [case(real(2, 6, 2), **_HOW)], complex=True, integers=False, fronted=True),
    "nn.fold": Samples(_fold, [case(real(2, 3, 2, 2), size=(6,), **_HOW)], complex=True, integers=False, fronted=True),
    "nn.resize": Samples(
        _resize,
        [
            case(real(1, 3, 2), size=(5,), method="nearest", align_corners=False),
            case(real(1, 3, 2), size=(5,), method="linear", align_corners=False),
            case(real(1, 4, 1), size=(6,), method="cubic", align_corners=True),
            case(real(1, 5, 1), size=(3,), method="cubic", align_corners=False),
            case(real(1, 4, 1), size=(6,), method="linear", align_corners=False, scale=(1.7,)),
        ],
        integers=False,
        fronted=True,
    ),
}
