"""Rates along a cosine: once, again and again, and up and down once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from chainrule import ArgumentError
from chainrule_optim._hyper import Number
from chainrule_optim._numbers import choose
from chainrule_optim.schedules._arithmetic import at_most, cos, floor, log
from chainrule_optim.schedules._schedule import RATE, STEPS, Schedule

_FACTOR = Number(low=1.0)
_NUDGE = 1e-9  # periods: a quotient of logarithms that is whole but for rounding is whole


def _along(start: Any, end: Any, fraction: Any) -> Any:
    """From `start` to `end` along half a cosine."""
    return end + (start - end) * 0.5 * (1.0 + cos(math.pi * fraction))


@dataclass(frozen=True)
class Cosine(Schedule):
    """`end + (initial - end) * (1 + cos(pi * t / decay_steps)) / 2`, then `end` (Loshchilov and Hutter, 2017, eq. 5).

    It is PyTorch's `CosineAnnealingLR` and TensorFlow's `cosine_decay`, whose `alpha` is `end / initial`.

    Args:
        initial: the rate at step 0.
        decay_steps: how many steps it takes to `end`.
        end: the last rate.

    >>> import chainrule as cr
    >>> rate = cr.optim.schedules.Cosine(1.0, 10)
    >>> rate(0), round(rate(5), 6), rate(10), rate(99)
    (1.0, 0.5, 0.0, 0.0)
    """

    initial: float
    decay_steps: float
    end: float = 0.0

    checks = {"initial": RATE, "decay_steps": STEPS, "end": RATE}  # noqa: RUF012  # a constant of the class

    def at(self, t: Any) -> Any:
        """See `Schedule.at`."""
        return _along(self.initial, self.end, at_most(t, self.decay_steps) / self.decay_steps)


@dataclass(frozen=True)
class CosineRestarts(Schedule):
    """`Cosine` again and again, each time longer and lower (SGDR: Loshchilov and Hutter, 2017).

    It is TensorFlow's `cosine_decay_restarts` and PyTorch's `CosineAnnealingWarmRestarts`.

    Args:
        initial: the rate at step 0.
        first_steps: how many steps the first period takes.
        longer: how many times as long each period is as the one before, at least 1.
        lower: how much of the height above `end` each period has of the one before, above 0.
        end: what each period comes down to.

    >>> import chainrule as cr
    >>> rate = cr.optim.schedules.CosineRestarts(1.0, 10, longer=2.0, lower=0.5)
    >>> [round(rate(step), 6) for step in (0, 5, 10, 20, 30)]
    [1.0, 0.5, 0.5, 0.25, 0.25]
    """

    initial: float
    first_steps: float
    longer: float = 2.0
    lower: float = 1.0
    end: float = 0.0

    checks = {"initial": RATE, "first_steps": STEPS, "longer": _FACTOR, "lower": STEPS, "end": RATE}  # noqa: RUF012

    def at(self, t: Any) -> Any:
        """See `Schedule.at`."""
        done = t / self.first_steps
        if self.longer == 1.0:
            period = floor(done)
            fraction = done - period
        else:
            # Periods of 1, q, q**2, ... begin at (q**i - 1) / (q - 1).
            period = floor(log(1.0 + done * (self.longer - 1.0)) / math.log(self.longer) + _NUDGE)
            length = self.longer**period
            fraction = (done - (length - 1.0) / (self.longer - 1.0)) / length
        return self.end + (_along(self.initial, self.end, fraction) - self.end) * self.lower**period


@dataclass(frozen=True)
class OneCycle(Schedule):
    """Up to `highest` and far down again (Smith and Topin, 2018), in PyTorch's two phases of `OneCycleLR`.

    Along half a cosine from `highest / start_factor` to `highest` at step `rising * total_steps - 1`, and on to
    `highest / start_factor / end_factor` at step `total_steps - 1`, where it stays.

    Args:
        highest: the highest rate.
        total_steps: how many steps the cycle takes.
        rising: what part of them goes up.
        start_factor: how many times as high the highest rate is as the first.
        end_factor: how many times as high the first rate is as the last.

    >>> import chainrule as cr
    >>> rate = cr.optim.schedules.OneCycle(1.0, 100, rising=0.31, start_factor=10.0, end_factor=100.0)
    >>> [round(rate(step), 6) for step in (0, 15, 30, 99, 100)]
    [0.1, 0.55, 1.0, 0.001, 0.001]
    """

    highest: float
    total_steps: float
    rising: float = 0.3
    start_factor: float = 25.0
    end_factor: float = 1e4

    checks = {  # noqa: RUF012  # a constant of the class
        "highest": RATE,
        "total_steps": STEPS,
        "rising": Number(low=0.0, high=1.0, above=True, below=True),
        "start_factor": STEPS,
        "end_factor": STEPS,
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.rising * self.total_steps <= 1.0:
            raise ArgumentError(
                f"OneCycle: {self.rising:g} of {self.total_steps:g} steps is less than the two that a rise takes"
            )

    def at(self, t: Any) -> Any:
        """See `Schedule.at`."""
        top, last = self.rising * self.total_steps - 1.0, self.total_steps - 1.0
        first = self.highest / self.start_factor
        t = at_most(t, last)
        up = _along(first, self.highest, t / top)
        down = _along(self.highest, first / self.end_factor, (t - top) / (last - top))
        return choose(t <= top, up, down)
