"""Ftrl: follow the regularized leader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import chainrule as cr
from chainrule import ArgumentError, DTypeError, IndexedSlices, Tensor
from chainrule_optim._hyper import Number, Rate
from chainrule_optim._optimizer import Common, Optimizer, Update
from chainrule_optim._rows import update_rows


class Ftrl(Optimizer):
    """FTRL-Proximal (McMahan et al., 2013, Algorithm 1), which makes weights exactly 0 by `l1`; for real numbers.

    With `n' = n + g**2` and `r(n) = (n**-power + beta) / learning_rate`, in TensorFlow's form:
    `z += g + 2*l2_shrinkage*value - (r(n') - r(n))*value; n = n';
    value = (sign(z)*l1 - z) / (r(n) + 2*l2)` where `|z| > l1`, and 0 elsewhere. Slots: `"n"` and `"z"`.

    The first step forgets the value that a variable starts from: the leader is found from gradients alone. A row-sparse
    gradient changes its rows alone, as in TensorFlow.

    Args:
        learning_rate: a positive number, a schedule or a variable; see `Optimizer`.
        power: `learning_rate_power` of TensorFlow, at most 0: rates fall by this power of the sum of squares.
        initial_accumulator: what the sum of squares starts from, at least 0; positive where gradients can be 0.
        l1: L1 regularization, at least 0.
        l2: L2 regularization, at least 0.
        l2_shrinkage: L2 regularization of the gradient, at least 0.
        beta: what is added to the root of the sum of squares, at least 0.
        name: a name for reports.
        common: `clip_value`, `clip_norm`, `global_clip_norm`, `weight_decay`, `accumulate`; see `Optimizer`.

    >>> import chainrule as cr
    >>> w = cr.Variable([0.0, 0.0], name="w")
    >>> cr.optim.Ftrl(0.5, l1=1.0, initial_accumulator=0.0).apply_gradients([([2.0, 0.5], w)])
    >>> w  # (1 - 2) / (2 / 0.5), and exactly 0
    <Variable 'w' [-0.25,  0.  ], float64>
    """

    counts_updates = False
    power = Number(high=0.0)
    initial_accumulator = Number(low=0.0)
    l1 = Number(low=0.0)
    l2 = Number(low=0.0)
    l2_shrinkage = Number(low=0.0)
    beta = Number(low=0.0)

    def __init__(
        self,
        learning_rate: Rate = 1e-3,
        power: float = -0.5,
        initial_accumulator: float = 0.1,
        l1: float = 0.0,
        l2: float = 0.0,
        l2_shrinkage: float = 0.0,
        beta: float = 0.0,
        name: str | None = None,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, name, **common)
        self.power = power
        self.initial_accumulator = initial_accumulator
        self.l1 = l1
        self.l2 = l2
        self.l2_shrinkage = l2_shrinkage
        self.beta = beta

    def create_slots(self, value: Tensor) -> dict[str, Tensor]:
        """See `Optimizer.create_slots`."""
        if value.dtype.kind == "complex":
            raise DTypeError(f"{self.name}: Ftrl is a rule for real numbers, got a variable of {value.dtype}")
        return {"n": cr.zeros_like(value) + self.initial_accumulator, "z": cr.zeros_like(value)}

    def update(
        self, gradient: Tensor, value: Tensor, slots: Mapping[str, Tensor], learning_rate: Any, step: Any
    ) -> Update:
        """See `Optimizer.update`."""
        if not isinstance(learning_rate, Tensor) and learning_rate == 0:
            raise ArgumentError(f"{self.name}: Ftrl divides by the learning rate, which is 0")
        n = slots["n"] + gradient * gradient
        before, after = slots["n"] ** -self.power, n**-self.power
        z = slots["z"] + gradient + 2 * self.l2_shrinkage * value - (after - before) / learning_rate * value
        moved = (cr.sign(z) * self.l1 - z) / ((after + self.beta) / learning_rate + 2 * self.l2)
        return cr.where(cr.abs(z) > self.l1, moved, 0.0), {"n": n, "z": z}

    def update_rows(
        self, gradient: IndexedSlices, value: Tensor, slots: Mapping[str, Tensor], learning_rate: Any, step: Any
    ) -> Update:
        """See `Optimizer.update_rows`."""
        return update_rows(gradient, value, slots, lambda g, v, s: self.update(g, v, s, learning_rate, step))
