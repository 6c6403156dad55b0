"""Adam: steps scaled by running moments of the gradient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import chainrule as cr
from chainrule import Tensor
from chainrule_optim._hyper import Flag, Number, Rate
from chainrule_optim._numbers import beside, power, real_zeros, root
from chainrule_optim._optimizer import Common, Optimizer, Update


class Adam(Optimizer):
    """Adam (Kingma and Ba, 2015, Algorithm 1), `epsilon` added to the corrected root as there.

    `m = beta1*m + (1-beta1)*g; v = beta2*v + (1-beta2)*g**2; value -= learning_rate * m' / (sqrt(v') + epsilon)` with
    `m' = m / (1-beta1**t)`, `v' = v / (1-beta2**t)` and `t` the updates of this variable, so that one that comes later
    is corrected like the first. For complex gradients `|g|**2` stands for `g**2`. Slots: `"m"` and `"v"`.

    With `amsgrad` the largest `v` so far stands for `v` (Reddi, Kale and Kumar, 2018, corrected as by PyTorch), in slot
    `"v_max"`.

    A row-sparse gradient gives what the same gradient gives when it is dense, as in TensorFlow: the moments of the
    other rows decay, and those rows move by them.

    Args:
        learning_rate: a number, a schedule or a variable; see `Optimizer`.
        beta1: decay of the first moment, from 0 up to but without 1.
        beta2: decay of the second moment, likewise.
        epsilon: what keeps the quotient finite, at least 0.
        amsgrad: whether steps are scaled by the largest second moment so far.
        name: a name for reports.
        common: `clip_value`, `clip_norm`, `global_clip_norm`, `weight_decay`, `accumulate`; see `Optimizer`.

    >>> import chainrule as cr
    >>> w = cr.Variable([1.0, -1.0], name="w")
    >>> optimizer = cr.optim.Adam(0.1)
    >>> for _ in range(200):
    ...     loss = optimizer.minimize(lambda: cr.sum(w * w))
    >>> float(loss) < 1e-4
    True
    """

    beta1 = Number(low=0.0, high=1.0, below=True)
    beta2 = Number(low=0.0, high=1.0, below=True)
    epsilon = Number(low=0.0)
    amsgrad = Flag()

    def __init__(
        self,
        learning_rate: Rate = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        amsgrad: bool = False,
        name: str | None = None,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, name, **common)
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.amsgrad = amsgrad

    def create_slots(self, value: Tensor) -> dict[str, Tensor]:
        """See `Optimizer.create_slots`; the second moment is real."""
        slots = {"m": cr.zeros_like(value), "v": real_zeros(value)}
        return slots | {"v_max": slots["v"]} if self.amsgrad else slots

    def update(
        self, gradient: Tensor, value: Tensor, slots: Mapping[str, Tensor], learning_rate: Any, step: Any
    ) -> Update:
        """See `Optimizer.update`."""
        m = self.beta1 * slots["m"] + (1 - self.beta1) * gradient
        v = self.beta2 * slots["v"] + (1 - self.beta2) * power(gradient)
        new = {"m": m, "v": v}
        if "v_max" in slots:
            v = new["v_max"] = cr.maximum(slots["v_max"], v)
        # Both corrections are numbers: moving them out of the quotient saves two passes over the arrays.
        correction = root(1 - self.beta2**step)
        scale = learning_rate * beside(correction / (1 - self.beta1**step), value)
        return value - scale * m / (cr.sqrt(v) + self.epsilon * beside(correction, value)), new
