"""Adagrad: steps scaled by all gradients so far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import chainrule as cr
from chainrule import IndexedSlices, Tensor
from chainrule_optim._hyper import Number, Rate
from chainrule_optim._numbers import power, real_zeros
from chainrule_optim._optimizer import Common, Optimizer, Update
from chainrule_optim._rows import update_rows


class Adagrad(Optimizer):
    """Adagrad (Duchi, Hazan and Singer, 2011, the diagonal form).

    `sum += g**2; value -= learning_rate * g / (sqrt(sum) + epsilon)`. For complex gradients `|g|**2` stands for `g**2`.
    Slot: `"sum"`.

    A row-sparse gradient changes its rows alone, which is what the same gradient does when it is dense.

    Args:
        learning_rate: a number, a schedule or a variable; see `Optimizer`.
        initial_accumulator: what the sum starts from, at least 0. TensorFlow's Adagrad starts from 0.1 and has no
            epsilon.
        epsilon: what keeps the quotient finite, at least 0.
        name: a name for reports.
        common: `clip_value`, `clip_norm`, `global_clip_norm`, `weight_decay`, `accumulate`; see `Optimizer`.

    >>> import chainrule as cr
    >>> w = cr.Variable([1.0, -1.0], name="w")
    >>> cr.optim.Adagrad(0.5).apply_gradients([([3.0, -4.0], w)])
    >>> w
    <Variable 'w' [ 0.5, -0.5], float64>
    """

    slot_names = ("sum",)
    counts_updates = False
    initial_accumulator = Number(low=0.0)
    epsilon = Number(low=0.0)

    def __init__(
        self,
        learning_rate: Rate = 0.01,
        initial_accumulator: float = 0.0,
        epsilon: float = 1e-10,
        name: str | None = None,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, name, **common)
        self.initial_accumulator = initial_accumulator
        self.epsilon = epsilon

    def create_slots(self, value: Tensor) -> dict[str, Tensor]:
        """See `Optimizer.create_slots`."""
        return {"sum": real_zeros(value) + self.initial_accumulator}

    def update(
        self, gradient: Tensor, value: Tensor, slots: Mapping[str, Tensor], learning_rate: Any, step: Any
    ) -> Update:
        """See `Optimizer.update`."""
        total = slots["sum"] + power(gradient)
        return value - learning_rate * gradient / (cr.sqrt(total) + self.epsilon), {"sum": total}

    def update_rows(
        self, gradient: IndexedSlices, value: Tensor, slots: Mapping[str, Tensor], learning_rate: Any, step: Any
    ) -> Update:
        """See `Optimizer.update_rows`."""
        return update_rows(gradient, value, slots, lambda g, v, s: self.update(g, v, s, learning_rate, step))
