"""A training step of a small convolutional network: where libraries have kernels that NumPy has not."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.contender import Made
from benchmarks.contest import Contest
from benchmarks.mnist_step import slope_of_cross_entropy
from benchmarks.optimizers import Sgd
from benchmarks.ways import of_training

OPTIMIZER = Sgd(0.1)
CORNERS = [(i, j) for i in range(2) for j in range(2)]


def contest(batch: int = 64, size: int = 28, channels: tuple[int, int] = (16, 32)) -> Contest:
    """Whole steps; the parameters after three."""
    random = np.random.default_rng(0)
    first, second = channels
    inner = (size // 4) ** 2 * second
    shapes = (3, 3, 1, first), (first,), (3, 3, first, second), (second,), (inner, 10), (10,)
    parameters = [random.normal(size=shape) / np.sqrt(np.prod(shape[:-1])) for shape in shapes]
    x, y = random.uniform(size=(batch, size, size, 1)), random.integers(0, 10, batch)
    return Contest(
        f"CNN training step, 3x3 convolutions of {first} and {second} channels, {size}x{size}, "
        f"batch of {batch}, float32",
        {"NumPy: by hand": numpy_hand, **of_training(loss, len(shapes), OPTIMIZER)},
        inputs=(*(each.astype(np.float32) for each in (*parameters, x)), y),
        steps=3,
        tolerance=1e-4,
        traced=True,
    )


def loss(xp: Any, w1: Any, b1: Any, w2: Any, b2: Any, w3: Any, b3: Any, x: Any, y: Any) -> Any:
    """Mean cross-entropy of two convolutions, each rectified and pooled, and a dense layer."""
    h = xp.max_pool(xp.relu(xp.conv(x, w1) + b1))
    h = xp.max_pool(xp.relu(xp.conv(h, w2) + b2))
    return xp.cross_entropy(xp.reshape(h, (h.shape[0], -1)) @ w3 + b3, y)


def numpy_hand(*arguments: Any) -> Made:
    """Convolutions are products with patches laid out as rows."""
    *parameters, x, y = arguments
    w1, b1, w2, b2, w3, b3 = parameters = [each.copy() for each in parameters]
    update = OPTIMIZER.by_hand(parameters)

    def step() -> None:
        rows1 = _patches(x)
        h1 = _rectified(rows1, w1, b1, x.shape)
        p1 = _pool(h1)
        rows2 = _patches(p1)
        h2 = _rectified(rows2, w2, b2, p1.shape)
        p2 = _pool(h2)
        flat = p2.reshape(len(x), -1)
        g3 = slope_of_cross_entropy(flat @ w3 + b3, y)
        g2 = _unpool((g3 @ w3.T).reshape(p2.shape), h2, p2)
        g1 = _unpool(_spread(g2 @ w2.reshape(-1, w2.shape[3]).T, p1.shape), h1, p1)
        update(
            [
                (rows1.T @ g1).reshape(w1.shape),
                g1.sum(axis=0),
                (rows2.T @ g2).reshape(w2.shape),
                g2.sum(axis=0),
                flat.T @ g3,
                g3.sum(axis=0),
            ]
        )

    return step, lambda: parameters


def _patches(x: Any) -> Any:
    """The 3x3 neighbourhood of each pixel as a row."""
    n, height, width, channels = x.shape
    padded = np.zeros((n, height + 2, width + 2, channels), x.dtype)
    padded[:, 1:-1, 1:-1] = x
    rows = np.empty((n, height, width, 3, 3, channels), x.dtype)
    for i in range(3):
        for j in range(3):
            rows[:, :, :, i, j] = padded[:, i : i + height, j : j + width]
    return rows.reshape(n * height * width, -1)


def _spread(rows: Any, shape: Any) -> Any:
    """Rows added up where their pixels were."""
    n, height, width, channels = shape
    rows = rows.reshape(n, height, width, 3, 3, channels)
    padded = np.zeros((n, height + 2, width + 2, channels), rows.dtype)
    for i in range(3):
        for j in range(3):
            padded[:, i : i + height, j : j + width] += rows[:, :, :, i, j]
    return padded[:, 1:-1, 1:-1]


def _rectified(rows: Any, w: Any, b: Any, shape: Any) -> Any:
    h = rows @ w.reshape(-1, w.shape[3])
    h += b
    np.maximum(h, 0, out=h)
    return h.reshape(*shape[:3], -1)


def _pool(h: Any) -> Any:
    """The largest of each 2x2."""
    a, b, c, d = [h[:, i::2, j::2] for i, j in CORNERS]
    return np.maximum(np.maximum(a, b), np.maximum(c, d))


def _unpool(g: Any, h: Any, pooled: Any) -> Any:
    """Back through pooling and rectifying, as rows: what is 0 after both has no slope, so that ties do not matter."""
    g = g * (pooled > 0)
    result = np.empty_like(h)
    for i, j in CORNERS:
        np.multiply(g, h[:, i::2, j::2] == pooled, out=result[:, i::2, j::2])
    return result.reshape(-1, h.shape[3])
