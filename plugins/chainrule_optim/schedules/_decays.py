"""Rates that fall by a formula, or at given steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from chainrule import ArgumentError
from chainrule_optim._hyper import Flag, Integer
from chainrule_optim._numbers import choose
from chainrule_optim.schedules._arithmetic import at_least, at_most, ceil, exp, floor
from chainrule_optim.schedules._schedule import RATE, STEPS, Schedule


@dataclass(frozen=True)
class Constant(Schedule):
    """The same rate at every step.

    Args:
        rate: the rate.

    >>> import chainrule as cr
    >>> cr.optim.schedules.Constant(0.1)(7)
    0.1
    """

    rate: float

    checks = {"rate": RATE}  # noqa: RUF012  # a constant of the class

    def at(self, t: Any) -> Any:
        """See `Schedule.at`."""
        return self.rate


def _periods(t: Any, decay_steps: float, staircase: bool) -> Any:
    return floor(t / decay_steps) if staircase else t / decay_steps


@dataclass(frozen=True)
class Exponential(Schedule):
    """`initial * decay_rate ** (t / decay_steps)`: TensorFlow's `exponential_decay`.

    Args:
        initial: the rate at step 0.
        decay_steps: how many steps multiply the rate by `decay_rate` once.
        decay_rate: the factor.
        staircase: whether the exponent is rounded down, so that the rate falls every `decay_steps` steps.

    >>> import chainrule as cr
    >>> rate = cr.optim.schedules.Exponential(0.8, 10, 0.25)
    >>> rate(0), rate(5), rate(10)
    (0.8, 0.4, 0.2)
    """

    initial: float
    decay_steps: float
    decay_rate: float
    staircase: bool = False

    checks = {"initial": RATE, "decay_steps": STEPS, "decay_rate": STEPS, "staircase": Flag()}  # noqa: RUF012

    def at(self, t: Any) -> Any:
        """See `Schedule.at`."""
        return self.initial * self.decay_rate ** _periods(t, self.decay_steps, self.staircase)


@dataclass(frozen=True)
class NaturalExp(Schedule):
    """`initial * exp(-decay_rate * t / decay_steps)`: TensorFlow's `natural_exp_decay`.

    Args:
        initial: the rate at step 0.
        decay_steps: how many steps make one unit of time.
        decay_rate: how fast it falls, in that unit.
        staircase: whether time is rounded down to whole units.

    >>> import chainrule as cr
    >>> round(cr.optim.schedules.NaturalExp(1.0, 10, 0.5)(20), 6)  # exp(-1)
    0.367879
    """

    initial: float
    decay_steps: float
    decay_rate: float
    staircase: bool = False

    checks = {"initial": RATE, "decay_steps": STEPS, "decay_rate": RATE, "staircase": Flag()}  # noqa: RUF012

    def at(self, t: Any) -> Any:
        """See `Schedule.at`."""
        return self.initial * exp(-self.decay_rate * _periods(t, self.decay_steps, self.staircase))


@dataclass(frozen=True)
class InverseTime(Schedule):
    """`initial / (1 + decay_rate * t / decay_steps)`: TensorFlow's `inverse_time_decay`.

    Args:
        initial: the rate at step 0.
        decay_steps: how many steps make one unit of time.
        decay_rate: how fast it falls, in that unit.
        staircase: whether time is rounded down to whole units.

    >>> import chainrule as cr
    >>> cr.optim.schedules.InverseTime(1.0, 10, 0.5)(20)
    0.5
    """

    initial: float
    decay_steps: float
    decay_rate: float
    staircase: bool = False

    checks = {"initial": RATE, "decay_steps": STEPS, "decay_rate": RATE, "staircase": Flag()}  # noqa: RUF012

    def at(self, t: Any) -> Any:
        """See `Schedule.at`."""
        return self.initial / (1.0 + self.decay_rate * _periods(t, self.decay_steps, self.staircase))


@dataclass(frozen=True)
class Polynomial(Schedule):
    """`end + (initial - end) * (1 - t / decay_steps) ** power`, then `end`: TensorFlow's `polynomial_decay`.

    Args:
        initial: the rate at step 0.
        decay_steps: how many steps it takes to `end`.
        end: the last rate.
        power: 1 for a line.
        cycle: whether, instead of staying at `end`, it decays over twice `decay_steps`, then three times, and so on.

    >>> import chainrule as cr
    >>> rate = cr.optim.schedules.Polynomial(1.0, 10, end=0.5)
    >>> rate(0), rate(5), rate(10), rate(99)
    (1.0, 0.75, 0.5, 0.5)
    """

    initial: float
    decay_steps: float
    end: float = 0.0
    power: float = 1.0
    cycle: bool = False

    checks = {"initial": RATE, "decay_steps": STEPS, "end": RATE, "power": STEPS, "cycle": Flag()}  # noqa: RUF012

    def at(self, t: Any) -> Any:
        """See `Schedule.at`."""
        if self.cycle:
            steps = self.decay_steps * at_least(ceil(t / self.decay_steps), 1.0)
        else:
            t, steps = at_most(t, self.decay_steps), self.decay_steps
        return self.end + (self.initial - self.end) * (1.0 - t / steps) ** self.power


@dataclass(frozen=True)
class PiecewiseConstant(Schedule):
    """`values[i]` from step `boundaries[i - 1]` on, as PyTorch's `MultiStepLR` changes at its milestones.

    (TensorFlow's `piecewise_constant` changes one step later: its boundaries are the last steps of their values.)

    Args:
        boundaries: the steps at which the rate changes, rising.
        values: the rates, one more than boundaries.

    >>> import chainrule as cr
    >>> rate = cr.optim.schedules.PiecewiseConstant([2, 4], [1.0, 0.5, 0.25])
    >>> [rate(step) for step in range(6)]
    [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    """

    boundaries: Sequence[int]
    values: Sequence[float]

    def __post_init__(self) -> None:
        values = tuple(RATE.checked(f"PiecewiseConstant: values[{i}]", value) for i, value in enumerate(self.values))
        object.__setattr__(self, "boundaries", checked_boundaries(type(self).__name__, self.boundaries, len(values)))
        object.__setattr__(self, "values", values)

    def at(self, t: Any) -> Any:
        """See `Schedule.at`."""
        rate: Any = self.values[0]
        for boundary, value in zip(self.boundaries, self.values[1:], strict=True):
            rate = choose(t >= boundary, value, rate)
        return rate


_STEP = Integer(low=1)


def checked_boundaries(what: str, boundaries: Sequence[int], parts: int) -> tuple[int, ...]:
    """The steps between so many parts.

    Raises:
        ArgumentError: there are not one fewer, or they do not rise.
        DTypeError: something else than integers.
    """
    found = tuple(_STEP.checked(f"{what}: boundaries[{i}]", boundary) for i, boundary in enumerate(boundaries))
    if len(found) != parts - 1:
        raise ArgumentError(f"{what}: expected one boundary between each two parts, got {len(found)} for {parts}")
    if any(a >= b for a, b in pairwise(found)):
        raise ArgumentError(f"{what}: expected boundaries that rise, got {list(found)}")
    return found
