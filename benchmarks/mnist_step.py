"""A step of the tutorial's softmax regression: small arrays, where what is between the kernels counts."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.contender import Made
from benchmarks.contest import Contest
from benchmarks.optimizers import Sgd
from benchmarks.ways import of_training

OPTIMIZER = Sgd(0.5)


def contest(batch: int = 100) -> Contest:
    """Whole steps from zero parameters; the parameters after ten."""
    from chainrule import datasets

    images, labels, *_ = datasets.mnist().flat("float32")
    return Contest(
        f"MNIST softmax training step, batch of {batch}, float32",
        {"NumPy: by hand": numpy_hand, **of_training(loss, 2, OPTIMIZER)},
        inputs=(np.zeros((784, 10), np.float32), np.zeros(10, np.float32), images[:batch], labels[:batch]),
        steps=10,
        tolerance=1e-4,
        traced=True,
    )


def loss(xp: Any, W: Any, b: Any, x: Any, y: Any) -> Any:
    """Mean cross-entropy."""
    return xp.cross_entropy(x @ W + b, y)


def slope_of_cross_entropy(scores: Any, y: Any) -> Any:
    """Of the mean cross-entropy by the scores, (softmax - one-hot) / n, in their place."""
    scores -= scores.max(axis=1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1, keepdims=True)
    scores[np.arange(len(y)), y] -= 1
    scores /= np.float32(len(y))
    return scores


def numpy_hand(W: Any, b: Any, x: Any, y: Any) -> Made:
    """Parameters change in place."""
    W, b = W.copy(), b.copy()
    rate = np.float32(OPTIMIZER.rate)

    def step() -> None:
        nonlocal W, b
        slope = slope_of_cross_entropy(x @ W + b, y)
        W -= rate * (x.T @ slope)
        b -= rate * slope.sum(axis=0)

    return step, lambda: [W, b]
