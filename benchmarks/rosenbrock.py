"""Rosenbrock's function in many dimensions: shifted slices, and little arithmetic for each number."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.contender import Made, once
from benchmarks.contest import Contest
from benchmarks.ways import of_gradients


def contest(size: int = 100_000) -> Contest:
    """Value and gradient."""
    return Contest(
        f"Rosenbrock's function of {size:,} numbers, value and gradient, float64",
        {"NumPy: by hand": numpy_hand, **of_gradients(loss, 1)},
        inputs=(np.random.default_rng(0).normal(size=size),),
    )


def loss(xp: Any, x: Any) -> Any:
    """In products: some libraries are slow at powers."""
    head, tail = x[:-1], x[1:]
    miss = tail - head * head
    rest = 1.0 - head
    return xp.sum(100.0 * miss * miss + rest * rest)


def numpy_hand(x: Any) -> Made:
    """What value and gradient share is computed once, and few temporaries are made."""

    def compute() -> Any:
        head, tail = x[:-1], x[1:]
        miss = head * head
        np.subtract(tail, miss, out=miss)
        rest = 1.0 - head
        value = 100.0 * miss.dot(miss) + rest.dot(rest)
        gradient = np.empty_like(x)
        gradient[0] = 0.0
        np.multiply(miss, 200.0, out=gradient[1:])
        miss *= head
        miss *= 400.0
        rest *= 2.0
        miss += rest
        gradient[:-1] -= miss
        return value, gradient

    return once(compute)
