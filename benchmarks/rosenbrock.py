"""Rosenbrock's function in many dimensions: shifted slices, and little arithmetic for each number."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.contender import Made, once
from benchmarks.contest import Contest


def contest(size: int = 100_000) -> Contest:
    """Value and gradient."""
    return Contest(
        f"Rosenbrock's function of {size:,} numbers, value and gradient, float64",
        {
            "NumPy: by hand": numpy_hand,
            "chainrule: function": chainrule_function,
            "chainrule without JIT: function": chainrule_function,
            "chainrule: eager": chainrule_eager,
        },
        inputs=(np.random.default_rng(0).normal(size=size),),
    )


def rosenbrock(x: Any, total: Any) -> Any:
    """As one writes it."""
    head, tail = x[:-1], x[1:]
    return total(100.0 * (tail - head**2) ** 2 + (1.0 - head) ** 2)


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


def chainrule_function(x: Any) -> Made:
    """A compiled function with the gradient in it."""
    import chainrule as cr

    both = cr.function(cr.value_and_grad(lambda x: rosenbrock(x, cr.sum)))
    return once(lambda: both(x))


def chainrule_eager(x: Any) -> Made:
    """`cr.value_and_grad`."""
    import chainrule as cr

    both = cr.value_and_grad(lambda x: rosenbrock(x, cr.sum))
    return once(lambda: both(x))
