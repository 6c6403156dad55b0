"""Convolution and pooling in other words: what the operations are compared with."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.signal import correlate


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
    at: Any
    for at in itertools.product(*map(range, counts)):
        starts = [i * s - low for i, s, (low, _) in zip(at, strides, edges, strict=True)]
        part = tuple(slice(max(a, 0), a + k) for a, k in zip(starts, window, strict=True))
        result[(slice(None), *at)] = reduce(x[(slice(None), *part)], axis=tuple(range(1, n + 1)))
    return result
