"""The Hessian of a logistic regression times a vector: passes over a matrix that does not fit into the caches."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.contender import Made, once
from benchmarks.contest import Contest
from benchmarks.ways import of_hessian_vector

DECAY = 0.01


def contest(rows: int = 10_000, columns: int = 200) -> Contest:
    """At a point, in a direction."""
    random = np.random.default_rng(0)
    X, y = random.normal(size=(rows, columns)), random.integers(0, 2, rows).astype(float)
    w, v = random.normal(size=(2, columns)) / np.sqrt(columns)
    return Contest(
        f"Hessian-vector product of a logistic regression, X[{rows:,}, {columns}] float64",
        {"NumPy: by hand": numpy_hand, **of_hessian_vector(loss)},
        inputs=(w, v, X, y),
    )


def loss(xp: Any, w: Any, X: Any, y: Any) -> Any:
    """The mean negative log-likelihood, and weight decay."""
    z = xp.matvec(X, w)
    return xp.mean(xp.softplus(z) - y * z) + 0.5 * DECAY * xp.sum(w * w)


def numpy_hand(w: Any, v: Any, X: Any, y: Any) -> Made:
    """`Xᵀ (p (1 - p) (X v)) / n + decay v` with `p` the sigmoid of `X w`."""

    def compute() -> Any:
        p = 1.0 / (1.0 + np.exp(-(X @ w)))
        return [(p * (1.0 - p) * (X @ v)) @ X / len(y) + DECAY * v]

    return once(compute)
