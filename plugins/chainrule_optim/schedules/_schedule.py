"""`Schedule`: a rate as a function of the number of steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from numbers import Real
from typing import Any, ClassVar

from chainrule import ArgumentError, DTypeError, ShapeError, Tensor, Variable
from chainrule_optim._hyper import NOT_NEGATIVE, POSITIVE, Hyper
from chainrule_optim._numbers import precise

RATE = NOT_NEGATIVE
STEPS = POSITIVE


class Schedule(ABC):
    """A rate as a function of the number of steps taken before. Subclasses are frozen dataclasses.

    Attributes:
        checks: what each field has to be.
    """

    checks: ClassVar[Mapping[str, Hyper[Any]]] = {}

    def __post_init__(self) -> None:
        for name, check in self.checks.items():
            object.__setattr__(self, name, check.checked(f"{type(self).__name__}: {name}", getattr(self, name)))

    def __call__(self, step: Any) -> Any:
        """The rate for the step that comes after `step` others.

        Args:
            step: an integer that is not negative; or a 0-d tensor or variable, which may be symbolic.

        Returns:
            A number; of a tensor, where the rate depends on it, a 0-d tensor of float64.

        Raises:
            DTypeError, ShapeError: `step` is no number.
            ArgumentError: it is negative.
        """
        if isinstance(step, Variable):
            step = step.read()
        if isinstance(step, Tensor):
            if step.shape != ():
                raise ShapeError(f"{type(self).__name__}: expected the step as one number, got shape {step.shape}")
            return self.at(precise(step))
        if isinstance(step, bool) or not isinstance(step, Real):
            raise DTypeError(
                f"{type(self).__name__}: expected the step as a number or 0-d tensor, got {type(step).__name__} "
                f"{step!r:.60}"
            )
        t = float(step)
        if not t >= 0.0:
            raise ArgumentError(f"{type(self).__name__}: expected a step >= 0, got {step!r}")
        return self.at(t)

    @abstractmethod
    def at(self, t: Any) -> Any:
        """The rate after `t` steps: a float, or a 0-d tensor of float64."""
