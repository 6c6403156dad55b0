"""Gradient descent: a step against the gradient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import chainrule as cr
from chainrule import IndexedSlices, Tensor
from chainrule_optim._hyper import Rate
from chainrule_optim._optimizer import Common, Optimizer, Update


class GradientDescent(Optimizer):
    """`value -= learning_rate * gradient`.

    A row-sparse gradient changes its rows alone and is never made dense.

    Args:
        learning_rate: a number, a schedule or a variable; see `Optimizer`.
        name: a name for reports.
        common: `clip_value`, `clip_norm`, `global_clip_norm`, `weight_decay`, `accumulate`; see `Optimizer`.

    >>> import chainrule as cr
    >>> w = cr.Variable(1.0, name="w")
    >>> cr.optim.GradientDescent(0.5).minimize(lambda: w * w)
    Tensor(1.0, float64)
    >>> w
    <Variable 'w' 0.0, float64>
    """

    counts_updates = False

    def __init__(self, learning_rate: Rate, name: str | None = None, **common: Unpack[Common]) -> None:
        super().__init__(learning_rate, name, **common)

    def update(
        self, gradient: Tensor, value: Tensor, slots: Mapping[str, Tensor], learning_rate: Any, step: Any
    ) -> Update:
        """See `Optimizer.update`."""
        return value - learning_rate * gradient, {}

    def update_rows(
        self, gradient: IndexedSlices, value: Tensor, slots: Mapping[str, Tensor], learning_rate: Any, step: Any
    ) -> Update:
        """See `Optimizer.update_rows`."""
        return cr.add_at(value, gradient.indices, -learning_rate * gradient.values), {}
