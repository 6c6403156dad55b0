"""Hyper-parameters: attributes that are checked whenever they are set, at construction and after."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from numbers import Real
from typing import Any, Generic, Self, TypeAlias, TypeVar, cast, overload

from chainrule import ArgumentError, DTypeError

T = TypeVar("T")
Rate: TypeAlias = float | Callable[[int], Any]


class Hyper(ABC, Generic[T]):
    """An attribute that is checked when it is set."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> Self | T:
        if instance is None:
            return self
        value: T = instance.__dict__[self.name]
        return value

    def __set__(self, instance: object, value: Any) -> None:
        instance.__dict__[self.name] = self.checked(f"{type(instance).__name__}: {self.name}", value)

    @abstractmethod
    def checked(self, what: str, value: Any) -> T:
        """The value as it is kept.

        Raises:
            DTypeError: it is of the wrong type.
            ArgumentError: it is out of range.
        """


class Number(Hyper[float]):
    """A finite number in a range.

    Kept as a Python float, which takes the dtype of whatever it meets.

    Args:
        low: the smallest value allowed.
        high: the largest one.
        below: whether `high` itself is out of range.
    """

    def __init__(self, low: float = -math.inf, high: float = math.inf, below: bool = False) -> None:
        self.low = low
        self.high = high
        self.below = below

    def checked(self, what: str, value: Any) -> float:
        """See `Hyper.checked`."""
        if hasattr(value, "item") and getattr(value, "shape", None) == ():
            value = value.item()
        if isinstance(value, bool) or not isinstance(value, Real):
            raise DTypeError(f"{what}: expected a number, got {type(value).__name__} {value!r:.60}")
        number = float(value)
        if not (math.isfinite(number) and self.low <= number <= self.high) or (self.below and number == self.high):
            raise ArgumentError(f"{what}: expected {self._range()}, got {number!r}")
        return number

    def _range(self) -> str:
        bounds = [f">= {self.low:g}"] if self.low > -math.inf else []
        bounds += [f"{'<' if self.below else '<='} {self.high:g}"] if self.high < math.inf else []
        return " ".join(["a finite number", " and ".join(bounds)]).rstrip()


_NOT_NEGATIVE = Number(low=0.0)


class LearningRate(Hyper[Rate]):
    """A finite number, not negative, or a function of the number of steps taken before to one."""

    def checked(self, what: str, value: Any) -> Rate:
        """See `Hyper.checked`; what a function gives is checked when it is used."""
        return cast(Rate, value) if callable(value) else _NOT_NEGATIVE.checked(what, value)

    def at(self, rate: Rate, step: int) -> float:
        """The rate for the step that comes after `step` others."""
        return _NOT_NEGATIVE.checked(f"{self.name}({step})", rate(step)) if callable(rate) else rate


class Flag(Hyper[bool]):
    """True or False."""

    def checked(self, what: str, value: Any) -> bool:
        """See `Hyper.checked`."""
        if not isinstance(value, bool):
            raise DTypeError(f"{what}: expected True or False, got {type(value).__name__} {value!r:.60}")
        return value
