"""Sums of products, which BLAS computes without making the products."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from chainrule import Instruction, Symbol
from chainrule.regions import Region
from chainrule_numpy._space import reduced_axes


class Dot(NamedTuple):
    """A multiple of a sum of products."""

    number: float
    a: Symbol
    b: Symbol


def with_dots(region: Region) -> tuple[Sequence[Instruction], dict[Symbol, list[Dot]]]:
    """A region's instructions without products that are only summed, and what gives these sums: they take the factors.

    Of float64 alone: BLAS sums shorter floats less accurately than NumPy. What is the sum of several sums has squares
    in it, and nothing that cancels.
    """
    instructions = region.program.instructions
    finder = _Finder(region)
    found: dict[Symbol, list[Dot]] = {}
    made: list[Instruction] = []
    for step in instructions:
        (y,) = step.outputs
        if step.op.name in ("sum", "sum_to", "mean") and y.dtype.name == "float64" and reduced_axes(step):
            x = step.inputs[0]
            dots = finder.dots(x) if x.dtype == y.dtype else None
            if dots is not None:
                found[y] = dots
                factors = tuple([x for dot in dots for x in (dot.a, dot.b)])
                step = Instruction(step.op, factors, step.attributes, step.outputs, step.node)
        made.append(step)
    if not found:
        return instructions, {}
    return _needed(made, region), found


class _Finder:
    """Finds products in a region."""

    def __init__(self, region: Region) -> None:
        self._space = region.space
        self._makers = {y: step for step in region.program.instructions for y in step.outputs}
        self._uses: dict[Any, int] = {}
        for x in (*region.program.outputs, *(x for step in region.program.instructions for x in step.inputs)):
            if type(x) is Symbol:
                self._uses[x] = self._uses.get(x, 0) + 1

    def dots(self, x: Symbol) -> list[Dot] | None:
        """What adds up to the sum of a value that nobody else needs."""
        step = self._makers.get(x)
        if step is None or self._uses[x] > 1:
            return None
        if step.op.name == "add":
            parts = [self.dots(y) if type(y) is Symbol else None for y in step.inputs]
            dots = [dot for part in parts for dot in part or ()]
            return dots if all(parts) and all(dot.a is dot.b for dot in dots) else None
        number, inner = self._multiple(x)
        if number != 1:
            return [Dot(number * dot.number, dot.a, dot.b) for dot in self.dots(inner) or ()] or None
        if step.op.name == "square":
            return self._dot(*step.inputs, *step.inputs)
        return self._dot(*step.inputs) if step.op.name == "multiply" else None

    def _dot(self, a: Any, b: Any) -> list[Dot] | None:
        if not all(type(x) is Symbol and x.shape == self._space for x in (a, b)):
            return None
        number, a = self._multiple(a)
        other, b = self._multiple(b)
        return [Dot(number * other, a, b)]

    def _multiple(self, x: Symbol) -> tuple[float, Symbol]:
        """The number and the value of a multiple that nobody else needs, and that is larger than the value."""
        step = self._makers.get(x)
        if step is not None and step.op.name == "multiply" and self._uses[x] == 1:
            for number, inner in (step.inputs, step.inputs[::-1]):
                if type(number) in (int, float) and type(inner) is Symbol and 1 < number < math.inf:
                    return number, inner
        return 1, x


def _needed(instructions: Sequence[Instruction], region: Region) -> list[Instruction]:
    needed = set(region.program.outputs)
    kept: list[Instruction] = []
    for step in reversed(instructions):
        if not needed.isdisjoint(step.outputs):
            needed.update(x for x in step.inputs if type(x) is Symbol)
            kept.append(step)
    return kept[::-1]
