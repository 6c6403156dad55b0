"""Adadelta: steps as large as the steps before were, relative to the gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import chainrule as cr
from chainrule import Tensor
from chainrule_optim._hyper import Number, Rate
from chainrule_optim._numbers import power, real_zeros
from chainrule_optim._optimizer import Common, Optimizer, Update


class Adadelta(Optimizer):
    """Adadelta (Zeiler, 2012, Algorithm 1).

    `v = rho*v + (1-rho)*g**2; d = sqrt(u + epsilon) / sqrt(v + epsilon) * g; u = rho*u + (1-rho)*d**2;
    value -= learning_rate * d`. For complex gradients `|g|**2` stands for `g**2`. Slots: `"v"` and `"u"`.

    A row-sparse gradient gives what the same gradient gives when it is dense: the averages of the other rows decay.

    Args:
        learning_rate: a number, a schedule or a variable; 1 is the published rule. See `Optimizer`.
        rho: decay of both averages, from 0 up to but without 1.
        epsilon: what keeps the quotient finite and lets the first step be one, at least 0.
        name: a name for reports.
        common: `clip_value`, `clip_norm`, `global_clip_norm`, `weight_decay`, `accumulate`; see `Optimizer`.

    >>> import chainrule as cr
    >>> w = cr.Variable(1.0, name="w")
    >>> optimizer = cr.optim.Adadelta(rho=0.0, epsilon=1.0)
    >>> optimizer.minimize(lambda: w * w * w)  # 3 / sqrt(9 + 1)
    Tensor(1.0, float64)
    >>> w.numpy().round(4)
    np.float64(0.0513)
    """

    slot_names = ("v", "u")
    counts_updates = False
    rho = Number(low=0.0, high=1.0, below=True)
    epsilon = Number(low=0.0)

    def __init__(
        self,
        learning_rate: Rate = 1.0,
        rho: float = 0.9,
        epsilon: float = 1e-6,
        name: str | None = None,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, name, **common)
        self.rho = rho
        self.epsilon = epsilon

    def create_slots(self, value: Tensor) -> dict[str, Tensor]:
        """See `Optimizer.create_slots`; both are real."""
        return {"v": real_zeros(value), "u": real_zeros(value)}

    def update(
        self, gradient: Tensor, value: Tensor, slots: Mapping[str, Tensor], learning_rate: Any, step: Any
    ) -> Update:
        """See `Optimizer.update`."""
        v = self.rho * slots["v"] + (1 - self.rho) * power(gradient)
        delta = cr.sqrt(slots["u"] + self.epsilon) / cr.sqrt(v + self.epsilon) * gradient
        u = self.rho * slots["u"] + (1 - self.rho) * power(delta)
        return value - learning_rate * delta, {"v": v, "u": u}
