"""Functions made of operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import chainrule as cr
from chainrule_huber._huber import huber


def huber_loss(predictions: Any, targets: Any, delta: float = 1.0) -> Any:
    """The mean of Huber's loss over the differences of predictions and targets.

    >>> import chainrule as cr
    >>> cr.huber_loss(cr.tensor([1.0, 5.0]), cr.tensor([1.5, 2.0]))
    Tensor(1.3125, float64)
    """
    return cr.mean(huber(cr.subtract(predictions, targets), delta=delta))


def location(values: Sequence[float], delta: float = 1.0, tolerance: float = 1e-12, max_steps: int = 10_000) -> float:
    """The number with the smallest Huber loss to all values: a mean that outliers hardly move.

    Gradient descent with step 1, which cannot overshoot: the mean of the slopes changes by at most 1 for 1.

    Raises:
        chainrule.ArgumentError: there are no values.
    """
    if not len(values):
        raise cr.ArgumentError("location: expected at least one value")
    data = cr.tensor([float(value) for value in values])
    slope = cr.grad(lambda centre: huber_loss(centre, data, delta))
    centre = float(cr.mean(data))
    for _ in range(max_steps):
        step = float(slope(centre))
        centre -= step
        if abs(step) <= tolerance * max(1.0, abs(centre)):
            break
    return centre
