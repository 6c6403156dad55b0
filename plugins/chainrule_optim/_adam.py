"""Adam: steps scaled by running moments of the gradient."""

from __future__ import annotations

import math
from collections.abc import Mapping

import chainrule as cr
from chainrule import Tensor
from chainrule_optim._hyper import Number, Rate
from chainrule_optim._optimizer import Optimizer, Update


class Adam(Optimizer):
    """Adam (Kingma and Ba, 2015, Algorithm 1), `epsilon` added to the corrected root as there.

    `m = beta1*m + (1-beta1)*g; v = beta2*v + (1-beta2)*g**2; value -= learning_rate * m' / (sqrt(v') + epsilon)` with
    `m' = m / (1-beta1**t)`, `v' = v / (1-beta2**t)` and `t` the updates of this variable, so that one that comes later
    is corrected like the first. For complex gradients `|g|**2` stands for `g**2`. Slots: `"m"` and `"v"`.

    A row-sparse gradient gives what the same gradient gives when it is dense, as in TensorFlow: the moments of the
    other rows decay, and those rows move by them.

    Args:
        learning_rate: a number, or a function of the number of steps taken before to one.
        beta1: decay of the first moment, from 0 up to but without 1.
        beta2: decay of the second moment, likewise.
        epsilon: what keeps the quotient finite, at least 0.
        name: a name for reports.

    >>> import chainrule as cr
    >>> w = cr.Variable([1.0, -1.0], name="w")
    >>> optimizer = cr.optim.Adam(0.1)
    >>> for _ in range(200):
    ...     loss = optimizer.minimize(lambda: cr.sum(w * w))
    >>> float(loss) < 1e-4
    True
    """

    slot_names = ("m", "v")
    beta1 = Number(low=0.0, high=1.0, below=True)
    beta2 = Number(low=0.0, high=1.0, below=True)
    epsilon = Number(low=0.0)

    def __init__(
        self,
        learning_rate: Rate = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        name: str | None = None,
    ) -> None:
        super().__init__(learning_rate, name)
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon

    def create_slots(self, value: Tensor) -> dict[str, Tensor]:
        """See `Optimizer.create_slots`; the second moment is real."""
        return {"m": cr.zeros_like(value), "v": cr.zeros_like(cr.real(value))}

    def update(
        self, gradient: Tensor, value: Tensor, slots: Mapping[str, Tensor], learning_rate: float, step: int
    ) -> Update:
        """See `Optimizer.update`."""
        power = gradient * gradient if gradient.dtype.kind == "float" else cr.real(gradient * cr.conj(gradient))
        m = self.beta1 * slots["m"] + (1 - self.beta1) * gradient
        v = self.beta2 * slots["v"] + (1 - self.beta2) * power
        # Both corrections are numbers: moving them out of the quotient saves two passes over the arrays.
        root = math.sqrt(1 - self.beta2**step)
        scale = learning_rate * root / (1 - self.beta1**step)
        return value - scale * m / (cr.sqrt(v) + self.epsilon * root), {"m": m, "v": v}
