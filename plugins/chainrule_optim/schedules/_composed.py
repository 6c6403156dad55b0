"""Schedules of schedules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chainrule import DTypeError
from chainrule_optim._hyper import Integer
from chainrule_optim._numbers import choose
from chainrule_optim.schedules._arithmetic import at_least, at_most
from chainrule_optim.schedules._decays import Constant, checked_boundaries
from chainrule_optim.schedules._schedule import RATE, Schedule


@dataclass(frozen=True)
class WarmUp(Schedule):
    """A line from `start` up to where another schedule begins, and then that one.

    Args:
        steps: how many steps the line takes.
        after: the rate, or the schedule, from then on; it counts its steps from there.
        start: the rate at step 0.

    >>> import chainrule as cr
    >>> rate = cr.optim.schedules.WarmUp(4, 0.8)
    >>> [rate(step) for step in range(6)]
    [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 0.8]
    """

    steps: int
    after: Schedule | float
    start: float = 0.0

    checks = {"steps": Integer(low=1), "start": RATE}  # noqa: RUF012  # a constant of the class

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "after", _part("WarmUp: after", self.after))

    def at(self, t: Any) -> Any:
        """See `Schedule.at`."""
        assert isinstance(self.after, Schedule)
        line = self.start + (self.after.at(0.0) - self.start) * (at_most(t, self.steps) / self.steps)
        return choose(t < self.steps, line, self.after.at(at_least(t - self.steps, 0.0)))


@dataclass(frozen=True)
class Join(Schedule):
    """One schedule after the other; each counts its steps from where it begins.

    Args:
        schedules: the schedules, or constant rates.
        boundaries: the steps at which the second and each further one begins.

    >>> import chainrule as cr
    >>> Join, Polynomial = cr.optim.schedules.Join, cr.optim.schedules.Polynomial
    >>> rate = Join([Polynomial(1.0, 2), 0.5, Polynomial(0.5, 2)], [2, 4])
    >>> [rate(step) for step in range(7)]
    [1.0, 0.5, 0.5, 0.5, 0.5, 0.25, 0.0]
    """

    schedules: Sequence[Schedule | float]
    boundaries: Sequence[int]

    def __post_init__(self) -> None:
        parts = tuple(_part(f"Join: schedules[{i}]", part) for i, part in enumerate(self.schedules))
        object.__setattr__(self, "boundaries", checked_boundaries("Join", self.boundaries, len(parts)))
        object.__setattr__(self, "schedules", parts)

    def at(self, t: Any) -> Any:
        """See `Schedule.at`."""
        rate: Any = None
        for part, begin in zip(self.schedules, (0, *self.boundaries), strict=True):
            assert isinstance(part, Schedule)
            now = part.at(at_least(t - begin, 0.0))
            rate = now if rate is None else choose(t >= begin, now, rate)
        return rate


def _part(what: str, part: Any) -> Schedule:
    if isinstance(part, Schedule):
        return part
    if callable(part):
        raise DTypeError(f"{what}: expected a schedule of cr.optim.schedules or a number, got {part!r:.60}")
    return Constant(RATE.checked(what, part))
