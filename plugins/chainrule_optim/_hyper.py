"""Hyper-parameters: attributes that are checked whenever they are set, at construction and after."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from numbers import Real
from typing import TYPE_CHECKING, Any, Generic, Self, TypeAlias, TypeVar, cast, overload

from chainrule import ArgumentError, DTypeError, ShapeError, Tensor, Variable
from chainrule_optim._numbers import is_symbolic, number

T = TypeVar("T")
Rate: TypeAlias = float | Callable[[Any], Any] | Variable | Tensor


class Hyper(ABC, Generic[T]):
    """An attribute that is checked when it is set.

    It is read as any other: without a `__get__`, Python finds the instance's own, and the class's is this object.
    """

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: type) -> Self: ...
        @overload
        def __get__(self, instance: object, owner: type) -> T: ...
        def __get__(self, instance: object | None, owner: type) -> Self | T: ...

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

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
        above: whether `low` itself is out of range.
    """

    def __init__(
        self, low: float = -math.inf, high: float = math.inf, below: bool = False, above: bool = False
    ) -> None:
        self.low = low
        self.high = high
        self.below = below
        self.above = above

    def checked(self, what: str, value: Any) -> float:
        """See `Hyper.checked`."""
        if hasattr(value, "item") and getattr(value, "shape", None) == ():
            value = value.item()
        if isinstance(value, bool) or not isinstance(value, Real):
            raise DTypeError(f"{what}: expected a number, got {type(value).__name__} {value!r:.60}")
        real = float(value)
        outside = not (math.isfinite(real) and self.low <= real <= self.high)
        if outside or (self.below and real == self.high) or (self.above and real == self.low):
            raise ArgumentError(f"{what}: expected {self._range()}, got {real!r}")
        return real

    def _range(self) -> str:
        bounds = [f"{'>' if self.above else '>='} {self.low:g}"] if self.low > -math.inf else []
        bounds += [f"{'<' if self.below else '<='} {self.high:g}"] if self.high < math.inf else []
        return " ".join(["a finite number", " and ".join(bounds)]).rstrip()


class Limit(Hyper[float | None]):
    """A positive number, or None for no limit."""

    def checked(self, what: str, value: Any) -> float | None:
        """See `Hyper.checked`."""
        return None if value is None else POSITIVE.checked(what, value)


class Integer(Hyper[int]):
    """An integer that is not smaller than a bound.

    Args:
        low: the bound.
    """

    def __init__(self, low: int) -> None:
        self.low = low

    def checked(self, what: str, value: Any) -> int:
        """See `Hyper.checked`."""
        if isinstance(value, bool) or not hasattr(value, "__index__"):
            raise DTypeError(f"{what}: expected an integer, got {type(value).__name__} {value!r:.60}")
        if value.__index__() < self.low:
            raise ArgumentError(f"{what}: expected an integer >= {self.low}, got {value!r}")
        return int(value.__index__())


class Flag(Hyper[bool]):
    """True or False."""

    def checked(self, what: str, value: Any) -> bool:
        """See `Hyper.checked`."""
        if not isinstance(value, bool):
            raise DTypeError(f"{what}: expected True or False, got {type(value).__name__} {value!r:.60}")
        return value


NOT_NEGATIVE = Number(low=0.0)
POSITIVE = Number(low=0.0, above=True)


class LearningRate(Hyper[Rate]):
    """A finite number, not negative; a function of the number of steps taken before; a variable; a symbolic tensor."""

    def checked(self, what: str, value: Any) -> Rate:
        """See `Hyper.checked`; what a function gives and a variable holds is checked when it is used."""
        if isinstance(value, Variable) or is_symbolic(value):
            if value.shape != ():
                raise ShapeError(f"{what}: expected one number, got shape {value.shape}")
            if value.dtype.kind != "float":
                raise DTypeError(f"{what}: expected a real floating-point number, got {value.dtype}")
            return cast(Rate, value)
        return value if callable(value) else NOT_NEGATIVE.checked(what, value)

    def at(self, rate: Rate, count: Callable[[], Any]) -> Any:
        """The rate for the step that comes after `count()` others, a number or a 0-d tensor."""
        if isinstance(rate, float | Tensor):
            return rate
        if isinstance(rate, Variable):
            what, now = f"{self.name}, variable {rate.name!r}", number(rate.read())
        else:
            before = count()
            now = rate(before)
            if isinstance(now, Tensor) and not now.shape:
                now = number(now)
            what = self.name if is_symbolic(before) else f"{self.name}({before})"
        return now if is_symbolic(now) else NOT_NEGATIVE.checked(what, now)


class Decay(Hyper[float | Callable[[Variable], Any]]):
    """A finite number, not negative, or a function of a variable to one."""

    def checked(self, what: str, value: Any) -> float | Callable[[Variable], Any]:
        """See `Hyper.checked`; what a function gives is checked when it is used."""
        return cast(Callable[[Variable], Any], value) if callable(value) else NOT_NEGATIVE.checked(what, value)

    def of(self, decay: float | Callable[[Variable], Any], variable: Variable) -> float:
        """The decay of a variable."""
        if isinstance(decay, float):
            return decay
        return NOT_NEGATIVE.checked(f"{self.name} of variable {variable.name!r}", decay(variable))
