"""Adamax: Adam with the largest gradient in place of the second moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import chainrule as cr
from chainrule import Tensor
from chainrule_optim._hyper import Number, Rate
from chainrule_optim._numbers import beside, real_zeros
from chainrule_optim._optimizer import Common, Optimizer, Update


class Adamax(Optimizer):
    """Adamax (Kingma and Ba, 2015, Algorithm 2), with `epsilon` added to the gradient's magnitude as by PyTorch.

    `m = beta1*m + (1-beta1)*g; u = max(beta2*u, |g| + epsilon); value -= learning_rate / (1-beta1**t) * m / u` with `t`
    the updates of this variable. Slots: `"m"` and `"u"`.

    A row-sparse gradient gives what the same gradient gives when it is dense: the moments of the other rows decay, and
    those rows move by them.

    Args:
        learning_rate: a number, a schedule or a variable; see `Optimizer`.
        beta1: decay of the first moment, from 0 up to but without 1.
        beta2: decay of the largest magnitude, likewise.
        epsilon: what keeps the quotient finite, at least 0.
        name: a name for reports.
        common: `clip_value`, `clip_norm`, `global_clip_norm`, `weight_decay`, `accumulate`; see `Optimizer`.

    >>> import chainrule as cr
    >>> w = cr.Variable([1.0, -1.0], name="w")
    >>> cr.optim.Adamax(0.5, epsilon=0.0).apply_gradients([([3.0, -4.0], w)])
    >>> w.numpy().round(6)
    array([ 0.5, -0.5])
    """

    beta1 = Number(low=0.0, high=1.0, below=True)
    beta2 = Number(low=0.0, high=1.0, below=True)
    epsilon = Number(low=0.0)

    def __init__(
        self,
        learning_rate: Rate = 2e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        name: str | None = None,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, name, **common)
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon

    def create_slots(self, value: Tensor) -> dict[str, Tensor]:
        """See `Optimizer.create_slots`; the largest magnitude is real."""
        return {"m": cr.zeros_like(value), "u": real_zeros(value)}

    def update(
        self, gradient: Tensor, value: Tensor, slots: Mapping[str, Tensor], learning_rate: Any, step: Any
    ) -> Update:
        """See `Optimizer.update`."""
        m = self.beta1 * slots["m"] + (1 - self.beta1) * gradient
        u = cr.maximum(self.beta2 * slots["u"], cr.abs(gradient) + self.epsilon)
        scale = learning_rate * beside(1 / (1 - self.beta1**step), value)
        return value - scale * m / u, {"m": m, "u": u}
