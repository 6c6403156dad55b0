"""Lion: steps of one size, along the sign of a moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import chainrule as cr
from chainrule import Tensor
from chainrule_optim._hyper import Number, Rate
from chainrule_optim._optimizer import Common, Optimizer, Update


class Lion(Optimizer):
    """Lion (Chen et al., 2023, Algorithm 2).

    `value -= learning_rate * sign(beta1*m + (1-beta1)*g); m = beta2*m + (1-beta2)*g`. The sign of a complex number is
    the number of its direction and magnitude 1. Slot: `"m"`.

    A row-sparse gradient gives what the same gradient gives when it is dense: the other rows move by their moments.

    Args:
        learning_rate: a number, a schedule or a variable; some tenth of what Adam takes. See `Optimizer`.
        beta1: how much of the moment is in the direction, from 0 up to but without 1.
        beta2: decay of the moment, likewise.
        name: a name for reports.
        common: `clip_value`, `clip_norm`, `global_clip_norm`, `weight_decay`, `accumulate`; see `Optimizer`.

    >>> import chainrule as cr
    >>> w = cr.Variable([1.0, -1.0], name="w")
    >>> cr.optim.Lion(0.25).apply_gradients([([3.0, -0.1], w)])
    >>> w
    <Variable 'w' [ 0.75, -0.75], float64>
    """

    slot_names = ("m",)
    counts_updates = False
    beta1 = Number(low=0.0, high=1.0, below=True)
    beta2 = Number(low=0.0, high=1.0, below=True)

    def __init__(
        self,
        learning_rate: Rate = 1e-4,
        beta1: float = 0.9,
        beta2: float = 0.99,
        name: str | None = None,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, name, **common)
        self.beta1 = beta1
        self.beta2 = beta2

    def update(
        self, gradient: Tensor, value: Tensor, slots: Mapping[str, Tensor], learning_rate: Any, step: Any
    ) -> Update:
        """See `Optimizer.update`."""
        m = slots["m"]
        direction = cr.sign(self.beta1 * m + (1 - self.beta1) * gradient)
        return value - learning_rate * direction, {"m": self.beta2 * m + (1 - self.beta2) * gradient}
