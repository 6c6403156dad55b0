"""Gradient descent: a step against the gradient."""

from __future__ import annotations

from collections.abc import Mapping

import chainrule as cr
from chainrule import IndexedSlices, Tensor
from chainrule_optim._optimizer import Optimizer, Update


class GradientDescent(Optimizer):
    """`value -= learning_rate * gradient`.

    A row-sparse gradient changes its rows alone and is never made dense.

    Args:
        learning_rate: a number, or a function of the number of steps taken before to one.
        name: a name for reports.

    >>> import chainrule as cr
    >>> w = cr.Variable(1.0, name="w")
    >>> cr.optim.GradientDescent(0.5).minimize(lambda: w * w)
    Tensor(1.0, float64)
    >>> w
    <Variable 'w' 0.0, float64>
    """

    def update(
        self, gradient: Tensor, value: Tensor, slots: Mapping[str, Tensor], learning_rate: float, step: int
    ) -> Update:
        """See `Optimizer.update`."""
        return value - learning_rate * gradient, {}

    def update_rows(
        self, gradient: IndexedSlices, value: Tensor, slots: Mapping[str, Tensor], learning_rate: float, step: int
    ) -> Update:
        """See `Optimizer.update_rows`."""
        return cr.add_at(value, gradient.indices, -learning_rate * gradient.values), {}
