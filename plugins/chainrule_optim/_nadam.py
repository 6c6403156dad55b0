"""Nadam: Adam that looks ahead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import chainrule as cr
from chainrule import Tensor
from chainrule_optim._hyper import Number, Rate
from chainrule_optim._numbers import beside, number, power, real_zeros, root
from chainrule_optim._optimizer import Common, Optimizer, Update


class Nadam(Optimizer):
    """Nadam (Dozat, 2016), with the published schedule of the momentum, as in PyTorch.

    With `b(t) = beta1 * (1 - 0.96**(t * momentum_decay) / 2)` and `p(t) = b(1) * ... * b(t)`:
    `m = beta1*m + (1-beta1)*g; v = beta2*v + (1-beta2)*g**2;
    m' = b(t+1)*m / (1 - p(t+1)) + (1 - b(t))*g / (1 - p(t));
    value -= learning_rate * m' / (sqrt(v / (1-beta2**t)) + epsilon)`, and `t` the updates of this variable. For complex
    gradients `|g|**2` stands for `g**2`. Slots: `"m"`, `"v"` and `"product"`, which is `p(t)`.

    A row-sparse gradient gives what the same gradient gives when it is dense: the moments of the other rows decay, and
    those rows move by them.

    Args:
        learning_rate: a number, a schedule or a variable; see `Optimizer`.
        beta1: decay of the first moment, from 0 up to but without 1.
        beta2: decay of the second moment, likewise.
        epsilon: what keeps the quotient finite, at least 0.
        momentum_decay: how fast the momentum comes to `beta1`, at least 0.
        name: a name for reports.
        common: `clip_value`, `clip_norm`, `global_clip_norm`, `weight_decay`, `accumulate`; see `Optimizer`.

    >>> import chainrule as cr
    >>> w = cr.Variable([1.0, -1.0], name="w")
    >>> optimizer = cr.optim.Nadam(0.1)
    >>> for _ in range(100):
    ...     loss = optimizer.minimize(lambda: cr.sum(w * w))
    >>> float(loss) < 1e-2
    True
    """

    beta1 = Number(low=0.0, high=1.0, below=True)
    beta2 = Number(low=0.0, high=1.0, below=True)
    epsilon = Number(low=0.0)
    momentum_decay = Number(low=0.0)

    def __init__(
        self,
        learning_rate: Rate = 2e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        momentum_decay: float = 4e-3,
        name: str | None = None,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, name, **common)
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.momentum_decay = momentum_decay

    def create_slots(self, value: Tensor) -> dict[str, Tensor]:
        """See `Optimizer.create_slots`; the second moment is real, and the product one number of float64."""
        one = cr.ones_like(value, dtype="float64", shape=())
        return {"m": cr.zeros_like(value), "v": real_zeros(value), "product": one}

    def _momentum(self, step: Any) -> Any:
        return self.beta1 * (1 - 0.5 * 0.96 ** (step * self.momentum_decay))

    def update(
        self, gradient: Tensor, value: Tensor, slots: Mapping[str, Tensor], learning_rate: Any, step: Any
    ) -> Update:
        """See `Optimizer.update`."""
        m = self.beta1 * slots["m"] + (1 - self.beta1) * gradient
        v = self.beta2 * slots["v"] + (1 - self.beta2) * power(gradient)
        now, ahead = self._momentum(step), self._momentum(step + 1)
        product = slots["product"] * now
        so_far = number(product)
        of_gradient = beside((1 - now) / (1 - so_far), value)
        of_moment = beside(ahead / (1 - so_far * ahead), value)
        spread = cr.sqrt(v) / beside(root(1 - self.beta2**step), value) + self.epsilon
        moved = learning_rate * (of_gradient * gradient + of_moment * m) / spread
        return value - moved, {"m": m, "v": v, "product": product}
