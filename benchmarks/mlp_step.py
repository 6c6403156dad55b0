"""A training step of a network of three dense layers with Adam: products of matrices, and passes over parameters."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.contender import Made
from benchmarks.contest import Contest
from benchmarks.mnist_step import slope_of_cross_entropy
from benchmarks.optimizers import Adam
from benchmarks.ways import of_training

OPTIMIZER = Adam(1e-3)


def contest(batch: int = 128, widths: Sequence[int] = (784, 512, 256, 10)) -> Contest:
    """Whole steps; the parameters after two."""
    random = np.random.default_rng(0)
    parameters: list[Any] = []
    for rows, columns in pairwise(widths):
        parameters += [random.normal(size=(rows, columns)) * np.sqrt(2.0 / rows), np.zeros(columns)]
    x, y = random.uniform(size=(batch, widths[0])), random.integers(0, widths[-1], batch)
    return Contest(
        f"MLP training step with Adam, {'-'.join(map(str, widths))}, batch of {batch}, float32",
        {"NumPy: by hand": numpy_hand, **of_training(loss, len(parameters), OPTIMIZER)},
        inputs=(*(each.astype(np.float32) for each in (*parameters, x)), y),
        steps=2,
        tolerance=1e-2,  # Adam makes much of gradients that are rounding errors; wrong ones are 4e-2 away
        traced=True,
    )


def loss(xp: Any, W1: Any, b1: Any, W2: Any, b2: Any, W3: Any, b3: Any, x: Any, y: Any) -> Any:
    """Mean cross-entropy of rectified layers."""
    h = xp.relu(x @ W1 + b1)
    h = xp.relu(h @ W2 + b2)
    return xp.cross_entropy(h @ W3 + b3, y)


def numpy_hand(*arguments: Any) -> Made:
    """Backwards through the layers; temporaries are changed in place."""
    *parameters, x, y = arguments
    W1, b1, W2, b2, W3, b3 = parameters = [each.copy() for each in parameters]
    update = OPTIMIZER.by_hand(parameters)

    def layer(h: Any, W: Any, b: Any) -> Any:
        h = h @ W
        h += b
        return h

    def step() -> None:
        h1 = layer(x, W1, b1)
        np.maximum(h1, 0, out=h1)
        h2 = layer(h1, W2, b2)
        np.maximum(h2, 0, out=h2)
        g3 = slope_of_cross_entropy(layer(h2, W3, b3), y)
        g2 = g3 @ W3.T
        g2 *= h2 > 0
        g1 = g2 @ W2.T
        g1 *= h1 > 0
        update([x.T @ g1, g1.sum(axis=0), h1.T @ g2, g2.sum(axis=0), h2.T @ g3, g3.sum(axis=0)])

    return step, lambda: parameters
