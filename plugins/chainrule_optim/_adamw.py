"""AdamW: Adam with weights that decay by themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Unpack

from chainrule import Variable
from chainrule_optim._adam import Adam
from chainrule_optim._hyper import Rate
from chainrule_optim._optimizer import Shared


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019, Algorithm 2).

    `value -= learning_rate * weight_decay * value`, then Adam's step, whose moments know nothing of the decay. It is
    `Adam` with another default for `weight_decay`.

    Args:
        learning_rate, beta1, beta2, epsilon, amsgrad, name: see `Adam`.
        weight_decay: a number, or a function of a variable to one: `lambda v: 1e-2 if v.ndim > 1 else 0.0`.
        common: `clip_value`, `clip_norm`, `global_clip_norm`, `accumulate`; see `Optimizer`.

    >>> import chainrule as cr
    >>> w = cr.Variable(2.0, name="w")
    >>> cr.optim.AdamW(0.5, weight_decay=0.5).apply_gradients([(1.0, w)])
    >>> w.numpy().round(6)  # 2 * (1 - 0.25) - 0.5
    np.float64(1.0)
    """

    def __init__(
        self,
        learning_rate: Rate = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        amsgrad: bool = False,
        name: str | None = None,
        weight_decay: float | Callable[[Variable], float] = 0.01,
        **common: Unpack[Shared],
    ) -> None:
        super().__init__(learning_rate, beta1, beta2, epsilon, amsgrad, name, weight_decay=weight_decay, **common)
