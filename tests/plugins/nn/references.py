"""Convolution and pooling in other words, and finite differences: what the operations are compared with."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.signal import correlate

import chainrule as cr


def per_axis(value: Any, n: int) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, tuple | list) else (value,) * n


def pairs(padding: Any, sizes: Sequence[int], window: Sequence[int], strides: Any, dilation: Any = 1) -> list[Any]:
    """Padding as pairs; "SAME" by the formula that TensorFlow documents."""
    n = len(sizes)
    if padding == "VALID":
        return [(0, 0)] * n
    if padding != "SAME":
        return [per_axis(p, 2) for p in per_axis(padding, n)]
    found = []
    for size, k, s, d in zip(sizes, window, per_axis(strides, n), per_axis(dilation, n), strict=True):
        reach = d * (k - 1) + 1
        total = max(reach - s, 0) if size % s == 0 else max(reach - size % s, 0)
        found.append((total // 2, total - total // 2))
    return found


def convolution(x: Any, w: Any, strides: Any = 1, padding: Any = "VALID", dilation: Any = 1, groups: int = 1) -> Any:
    """By SciPy's correlation, channel by channel, with zeros between the weights for dilation."""
    n = x.ndim - 2
    strides, dilation = per_axis(strides, n), per_axis(dilation, n)
    x = np.pad(x, [(0, 0), *pairs(padding, x.shape[1:-1], w.shape[:-2], strides, dilation), (0, 0)])
    wide = np.zeros((*(d * (k - 1) + 1 for k, d in zip(w.shape, dilation, strict=False)), *w.shape[-2:]), w.dtype)
    wide[tuple(slice(None, None, d) for d in dilation)] = w
    each, per_group = w.shape[-2], w.shape[-1] // groups
    results = []
    for image in x:
        channels = []
        for f in range(w.shape[-1]):
            first = f // per_group * each
            parts = [
                correlate(image[..., first + c], np.conj(wide[..., c, f]), mode="valid", method="direct")
                for c in range(each)
            ]
            channels.append(sum(parts)[tuple(slice(None, None, s) for s in strides)])
        results.append(np.stack(channels, axis=-1))
    return np.stack(results)


def pool(reduce: Any, x: Any, window: Any, strides: Any = None, padding: Any = "VALID", counted: bool = False) -> Any:
    """A reduction of each window's elements, those of the padding left out, or counted as zeros."""
    n = x.ndim - 2
    window = per_axis(window, n)
    strides = window if strides is None else per_axis(strides, n)
    edges = pairs(padding, x.shape[1:-1], window, strides)
    counts = [
        (m + low + high - k) // s + 1
        for m, k, s, (low, high) in zip(x.shape[1:-1], window, strides, edges, strict=True)
    ]
    if counted:
        x, edges = np.pad(x, [(0, 0), *edges, (0, 0)]), [(0, 0)] * n
    result = np.empty((len(x), *counts, x.shape[-1]), x.dtype)
    for at in itertools.product(*map(range, counts)):
        starts = [i * s - low for i, s, (low, _) in zip(at, strides, edges, strict=True)]
        part = tuple(slice(max(a, 0), a + k) for a, k in zip(starts, window, strict=True))
        result[(slice(None), *at)] = reduce(x[(slice(None), *part)], axis=tuple(range(1, n + 1)))
    return result


def differences(function: Callable[..., Any], xs: Sequence[Any], step: float = 1e-6) -> list[Any]:
    """Central finite differences of a scalar function of NumPy arrays."""
    gradients = []
    for k, x in enumerate(xs):
        gradient = np.zeros_like(x)
        for at in np.ndindex(x.shape):
            ends = []
            for sign in (1.0, -1.0):
                moved = x.copy()
                moved[at] += sign * step
                ends.append(function(*xs[:k], moved, *xs[k + 1 :]))
            gradient[at] = (ends[0] - ends[1]) / (2 * step)
        gradients.append(gradient)
    return gradients


def weights(shape: Sequence[int]) -> Any:
    return np.cos(1.0 + np.arange(np.prod(shape, dtype=int))).reshape(shape)


def check_gradients(call: Callable[..., Any], reference: Callable[..., Any], *xs: Any) -> None:
    """First and second derivatives against finite differences, the first of the reference; forward against reverse."""
    tensors = [cr.tensor(x) for x in xs]
    argnums = tuple(range(len(xs)))

    def loss(*inputs: Any) -> Any:
        y = call(*inputs)
        return cr.sum(y * y * cr.tensor(weights(y.shape)))

    def slope(*inputs: Any) -> Any:
        return sum(cr.sum(g * cr.tensor(weights(g.shape))) for g in cr.grad(loss, argnums=argnums)(*inputs))

    def expected(*inputs: Any) -> Any:
        y = reference(*inputs)
        return np.sum(y * y * weights(y.shape))

    first = cr.grad(loss, argnums=argnums)(*tensors)
    for have, want, x in zip(first, differences(expected, xs), tensors, strict=True):
        assert have.dtype == x.dtype
        np.testing.assert_allclose(have.numpy(), want, rtol=1e-6, atol=1e-7)
    second = cr.grad(slope, argnums=argnums)(*tensors)
    with cr.use_backend("numpy"):
        wanted = differences(lambda *inputs: float(slope(*map(cr.tensor, inputs))), xs)
    for have, want in zip(second, wanted, strict=True):
        np.testing.assert_allclose(have.numpy(), want, rtol=1e-5, atol=1e-6)

    directions = [cr.tensor(np.sin(2.0 + np.arange(x.size)).reshape(x.shape)) for x in xs]
    for function, gradients in ((loss, first), (slope, second)):
        _, moved = cr.jvp(function, tuple(tensors), tuple(directions))
        along = sum(float(cr.sum(g * d)) for g, d in zip(gradients, directions, strict=True))
        np.testing.assert_allclose(float(moved), along, rtol=1e-10)
