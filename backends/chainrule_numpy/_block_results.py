"""The results of a region, and how its blocks give them: written into an array, or in parts that are added up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule import Symbol
from chainrule_numpy._space import Slices


class Written:
    """A result of the space's shape, or reduced along some axes but the first, that blocks are written into."""

    def __init__(self, y: Symbol, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.final = tuple(y.shape or ())
        self.dtype = np.dtype(str(y.dtype))

    def started(self, given: Any) -> Any:
        return np.empty(self.final, self.dtype) if given is None else given

    def places(self, y: Any) -> list[Any]:
        return [y.reshape(self.shape)]

    def finished(self, y: Any, totals: Any) -> Any:
        return y


class Total(Written):
    """A result that is reduced along the first axis: each block gives a part of it."""

    def __init__(self, y: Symbol, ufunc: np.ufunc, count: int) -> None:
        super().__init__(y, ())
        self.ufunc = ufunc
        self.count = count  # of what a mean is of; 1 for what is none

    def started(self, given: Any) -> Any:
        return given

    def places(self, y: Any) -> list[Any]:
        return []

    def finished(self, y: Any, totals: Any) -> Any:
        total = self.ufunc.reduce(np.array(next(totals)), axis=0)
        if self.count != 1:
            total = total / total.dtype.type(self.count)
        if y is not None:
            y[...] = total.reshape(self.final)
            return y
        return total.reshape(self.final) if self.final else total[()]


class Scattered(Written):
    """Values at slices of an array of zeros, added up. The first of them are written, the others are added."""

    def __init__(self, y: Symbol, contributions: Sequence[Slices], shape: tuple[int, ...]) -> None:
        super().__init__(y, shape)
        self.contributions = contributions
        self.outside = [  # of the first
            (*(slice(None),) * axis, rest)
            for axis, (part, n) in enumerate(zip(contributions[0], self.final, strict=True))
            for rest in (slice(0, part.start), slice(part.stop, n))
            if rest.start < rest.stop
        ]

    def started(self, given: Any) -> Any:
        y = super().started(given)
        for rest in self.outside:
            y[rest] = 0
        return y

    def places(self, y: Any) -> list[Any]:
        return [y[part].reshape(self.shape) for part in self.contributions]
