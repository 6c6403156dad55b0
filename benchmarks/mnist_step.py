"""One step of the tutorial's softmax regression, beside NumPy with the gradient worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

import chainrule as cr
from benchmarks.harness import Workload

RATE = np.float32(0.5)


def workload() -> Workload:
    """A whole step on a batch of 100 images, from zero parameters: their new values."""
    images, labels, *_ = cr.datasets.mnist().flat("float32")
    x, y = images[:100], labels[:100]
    W, b = np.zeros((784, 10), np.float32), np.zeros(10, np.float32)
    return Workload(
        "MNIST softmax step, batch of 100, float32",
        {
            "by hand": lambda: by_hand(W, b, x, y),
            "functional": lambda: functional(W, b, x, y),
            "tape": lambda: tape(W, b, x, y),
        },
        tolerance=1e-4,
    )


def by_hand(W: Any, b: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """NumPy alone: of the mean cross-entropy, the slope by the scores is (softmax - one-hot) / n."""
    scores = x @ W + b
    slope = np.exp(scores - scores.max(axis=1, keepdims=True))
    slope /= slope.sum(axis=1, keepdims=True)
    slope[np.arange(len(y)), y] -= 1
    slope /= np.float32(len(y))
    return W - RATE * (x.T @ slope), b - RATE * slope.sum(axis=0)


_gradient = cr.value_and_grad(lambda W, b, x, y: cr.cross_entropy(x @ W + b, y), argnums=(0, 1))


def functional(W: Any, b: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """The same with `cr.value_and_grad`."""
    _, (dW, db) = _gradient(W, b, x, y)
    return W - RATE * dW, b - RATE * db


_weights, _biases = cr.Variable(cr.zeros((784, 10), dtype="float32")), cr.Variable(cr.zeros((10,), dtype="float32"))
_optimizer = cr.optim.GradientDescent(float(RATE))


def tape(W: Any, b: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """The same with variables and an optimizer, which starts a tape."""
    _weights.assign(W)
    _biases.assign(b)
    _optimizer.minimize(lambda: cr.cross_entropy(cr.tensor(x) @ _weights + _biases, cr.tensor(y)))
    return _weights.numpy(), _biases.numpy()
