"""RMSProp: steps scaled by a running mean of squared gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import chainrule as cr
from chainrule import Tensor
from chainrule_optim._hyper import Flag, Number, Rate
from chainrule_optim._numbers import power, real_zeros
from chainrule_optim._optimizer import Common, Optimizer, Update


class RMSProp(Optimizer):
    """RMSProp (Tieleman and Hinton, 2012, lecture 6.5), with momentum and centred on request (Graves, 2013, eq. 38-45).

    `v = rho*v + (1-rho)*g**2; value -= learning_rate * g / (sqrt(v) + epsilon)`.
    Centred, `m = rho*m + (1-rho)*g` and `sqrt(v - |m|**2)` stands for `sqrt(v)`. With momentum, of the quotient `q` by
    which the value would move, `b = momentum*b + q; value -= learning_rate * b`. For complex gradients `|g|**2` stands
    for `g**2`. Slots: `"v"`, then `"m"` if centred and `"momentum"` if there is any.

    (TensorFlow adds epsilon under the root, and the learning rate to the momentum.)

    A row-sparse gradient gives what the same gradient gives when it is dense: the averages of the other rows decay.

    Args:
        learning_rate: a number, a schedule or a variable; see `Optimizer`.
        rho: decay of the averages, from 0 up to but without 1.
        momentum: how much of the last step is taken again, from 0 up to but without 1.
        epsilon: what keeps the quotient finite, at least 0.
        centered: whether the mean is taken off, which makes the scale a standard deviation.
        name: a name for reports.
        common: `clip_value`, `clip_norm`, `global_clip_norm`, `weight_decay`, `accumulate`; see `Optimizer`.

    >>> import chainrule as cr
    >>> w = cr.Variable([1.0, -1.0], name="w")
    >>> cr.optim.RMSProp(0.5, rho=0.75).apply_gradients([([3.0, -4.0], w)])  # 0.5 / sqrt(0.25)
    >>> w.numpy().round(6) + 0.0
    array([0., 0.])
    """

    counts_updates = False
    rho = Number(low=0.0, high=1.0, below=True)
    momentum = Number(low=0.0, high=1.0, below=True)
    epsilon = Number(low=0.0)
    centered = Flag()

    def __init__(
        self,
        learning_rate: Rate = 0.01,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-8,
        centered: bool = False,
        name: str | None = None,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, name, **common)
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered

    def create_slots(self, value: Tensor) -> dict[str, Tensor]:
        """See `Optimizer.create_slots`; the mean of squares is real."""
        slots = {"v": real_zeros(value)}
        if self.centered:
            slots["m"] = cr.zeros_like(value)
        if self.momentum:
            slots["momentum"] = cr.zeros_like(value)
        return slots

    def update(
        self, gradient: Tensor, value: Tensor, slots: Mapping[str, Tensor], learning_rate: Any, step: Any
    ) -> Update:
        """See `Optimizer.update`."""
        new = {"v": self.rho * slots["v"] + (1 - self.rho) * power(gradient)}
        spread = new["v"]
        if "m" in slots:
            new["m"] = self.rho * slots["m"] + (1 - self.rho) * gradient
            # Rounding can make a variance of nothing a little less than nothing.
            spread = cr.maximum(new["v"] - power(new["m"]), 0.0)
        direction = gradient / (cr.sqrt(spread) + self.epsilon)
        if "momentum" in slots:
            direction = new["momentum"] = self.momentum * slots["momentum"] + direction
        return value - learning_rate * direction, new
