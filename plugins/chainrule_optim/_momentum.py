"""Momentum: steps along a decaying sum of gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from chainrule import Tensor
from chainrule_optim._hyper import Flag, Number, Rate
from chainrule_optim._optimizer import Common, Optimizer, Update


class Momentum(Optimizer):
    """The heavy ball (Polyak, 1964): `m = momentum * m + gradient; value -= learning_rate * m`.

    With `nesterov` it steps along `gradient + momentum * m` of the new `m` (Sutskever et al., 2013). Slot:
    `"momentum"`.

    A row-sparse gradient gives what the same gradient gives when it is dense: the other rows keep rolling, as with
    TensorFlow's Adam. (TensorFlow's sparse momentum is another rule, which leaves them where they are.)

    Args:
        learning_rate: a number, a schedule or a variable; see `Optimizer`.
        momentum: how much of the sum stays from step to step, from 0 to 1.
        nesterov: whether to look ahead.
        name: a name for reports.
        common: `clip_value`, `clip_norm`, `global_clip_norm`, `weight_decay`, `accumulate`; see `Optimizer`.

    >>> import chainrule as cr
    >>> w = cr.Variable(1.0, name="w")
    >>> optimizer = cr.optim.Momentum(0.25, momentum=0.5)
    >>> for _ in range(2):
    ...     loss = optimizer.minimize(lambda: w * w)
    >>> w, optimizer.get_slot(w, "momentum")
    (<Variable 'w' 0.0, float64>, <Variable 'w/Momentum/momentum' 2.0, float64>)
    """

    slot_names = ("momentum",)
    counts_updates = False
    momentum = Number(low=0.0, high=1.0)
    nesterov = Flag()

    def __init__(
        self,
        learning_rate: Rate,
        momentum: float,
        nesterov: bool = False,
        name: str | None = None,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, name, **common)
        self.momentum = momentum
        self.nesterov = nesterov

    def update(
        self, gradient: Tensor, value: Tensor, slots: Mapping[str, Tensor], learning_rate: Any, step: Any
    ) -> Update:
        """See `Optimizer.update`."""
        m = self.momentum * slots["momentum"] + gradient
        direction = gradient + self.momentum * m if self.nesterov else m
        return value - learning_rate * direction, {"momentum": m}
