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


def _resize(x: Array, size: Any, method: str, align_corners: bool) -> Array:
    """Along one axis, linear by NumPy's interpolation and cubic by the formula of its kernel."""
    (n,), length = size, x.shape[1]
    if method == "nearest":
        return x[:, np.arange(n) * length // n]
    at = np.linspace(0, length - 1, n) if align_corners else (np.arange(n) + 0.5) * length / n - 0.5
    rows = np.moveaxis(x, 1, -1).reshape(-1, length)
    if method == "linear":
        y = np.array([np.interp(at, np.arange(length), row) for row in rows])
    else:
        places = np.arange(-3, length + 3)
        d = np.abs(at[:, None] - places)
        near, far = 1.25 * d**3 - 2.25 * d**2 + 1, -0.75 * (d**3 - 5 * d**2 + 8 * d - 4)
        weights = np.where(d <= 1, near, np.where(d < 2, far, 0.0))
        y = np.pad(rows, ((0, 0), (3, 3)), mode="edge") @ weights.T
    return np.moveaxis(y.reshape(len(x), x.shape[2], n), 1, -1)


_HOW = {"window": (2,), "strides": (2,), "padding": ((1, 0),), "dilation": (2,)}

SAMPLES: dict[str, Samples] = {
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
        ],
        integers=False,
        fronted=True,
    ),
}
