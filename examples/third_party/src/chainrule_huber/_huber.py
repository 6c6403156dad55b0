"""The operation `huber`: its shape rule, its gradient and its kernels, in one place."""

from __future__ import annotations

from typing import Any

from chainrule import Spec, infer, op, ops


def _rule(x: Spec, delta: float) -> Spec:
    """The result has the shape of `x`; integers are computed as floating-point numbers."""
    return infer.floating(x)


def _gradient(g: Any, _y: Any, x: Any, delta: float) -> Any:
    """The slope is `x`, held between `-delta` and `delta`. Written in operations, so it differentiates again."""
    return g * ops.clip(x, -delta, delta)


@op(infer=_rule, gradient=_gradient, elementwise=True)
def huber(xp: Any, x: Any, /, delta: float = 1.0) -> Any:
    """Huber's loss, element by element: `x**2 / 2` up to `delta`, and beyond that the line that continues it.

    Args:
        x: an array, or a number.
        delta: where the line begins, a positive number.

    Derivative: x between -delta and delta, and the bound beyond.

    >>> import chainrule as cr
    >>> cr.huber(cr.tensor([0.5, -3.0]))
    Tensor([0.125, 2.5  ], float64)
    """
    size = xp.abs(x)
    return xp.where(size <= delta, 0.5 * x * x, delta * (size - 0.5 * delta))


def huber_numpy(x: Any, *, delta: float) -> Any:
    """For NumPy: with `c`, the clipped `x`, both branches are `c * (x - c / 2)`."""
    c = x.clip(-delta, delta)
    return c * (x - 0.5 * c)
