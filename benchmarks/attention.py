"""A block of self-attention: products of many matrices, transposes between them, and softmax over rows."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from benchmarks.contender import Made, once
from benchmarks.contest import Contest
from benchmarks.ways import of_gradients


def contest(batch: int = 8, length: int = 128, width: int = 256, heads: int = 4) -> Contest:
    """Value and gradients by the input and all weights."""
    random = np.random.default_rng(0)
    x = random.normal(size=(batch, length, width))
    weights = random.normal(size=(4, width, width)) / np.sqrt(width)
    return Contest(
        f"self-attention, {batch} of length {length}, width {width}, {heads} heads, value and gradients, float32",
        {"NumPy: by hand": partial(numpy_hand, heads), **of_gradients(partial(loss, heads), 5)},
        inputs=tuple(each.astype(np.float32) for each in (x, *weights)),
        tolerance=1e-4,
        traced=True,
    )


def loss(heads: int, xp: Any, x: Any, Wq: Any, Wk: Any, Wv: Any, Wo: Any) -> Any:
    """Mean square of what the block gives."""
    batch, length, width = x.shape

    def split(z: Any) -> Any:
        return xp.transpose(xp.reshape(z, (batch, length, heads, width // heads)), (0, 2, 1, 3))

    q, k, v = split(x @ Wq), split(x @ Wk), split(x @ Wv)
    weights = xp.softmax(q @ xp.transpose(k, (0, 1, 3, 2)) * (1.0 / math.sqrt(width // heads)))
    attended = xp.reshape(xp.transpose(weights @ v, (0, 2, 1, 3)), (batch, length, width))
    out = attended @ Wo
    return xp.mean(out * out)


def numpy_hand(heads: int, x: Any, Wq: Any, Wk: Any, Wv: Any, Wo: Any) -> Made:
    """One product for queries, keys and values together, softmax in place."""
    batch, length, width = x.shape
    rows, size = batch * length, width // heads
    scale = np.float32(1.0 / math.sqrt(size))
    flat = x.reshape(rows, width)

    def split(z: Any) -> Any:
        return z.reshape(batch, length, heads, size).transpose(0, 2, 1, 3)

    def joined(z: Any) -> Any:
        return z.transpose(0, 2, 1, 3).reshape(rows, width)

    def compute() -> Any:
        W = np.concatenate([Wq, Wk, Wv], axis=1)
        q, k, v = [split(z) for z in np.split(flat @ W, 3, axis=1)]
        p = q @ k.swapaxes(2, 3)
        p *= scale
        p -= p.max(axis=-1, keepdims=True)
        np.exp(p, out=p)
        p /= p.sum(axis=-1, keepdims=True)
        attended = joined(p @ v)
        out = attended @ Wo
        value = np.vdot(out, out) / out.size

        out *= np.float32(2.0 / out.size)
        back = split(out @ Wo.T)
        dp = back @ v.swapaxes(2, 3)
        dp -= np.sum(dp * p, axis=-1, keepdims=True)
        dp *= p
        dp *= scale
        parts = dp @ k, dp.swapaxes(2, 3) @ q, p.swapaxes(2, 3) @ back
        slopes = np.concatenate([joined(part) for part in parts], axis=1)
        dW = flat.T @ slopes
        return value, (slopes @ W.T).reshape(x.shape), *np.split(dW, 3, axis=1), attended.T @ out

    return once(compute)
