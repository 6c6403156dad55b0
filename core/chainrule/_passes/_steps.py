"""Which values of a loop's body differ from step to step, and which need to be computed in the loop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from chainrule._graph import Instruction
from chainrule._graph_ops import CONSTANT, FULL
from chainrule._passes._all_steps import SUMS, Length, for_all_steps, sum_over_steps
from chainrule._passes._elements import CHEAP, LARGE
from chainrule._passes.dead_code import has_effect
from chainrule._program import Program
from chainrule._symbol import Symbol

_SMALL: Final = 2**22  # elements: what is kept for all steps may be as many,
_TIMES: Final = 4  # or as many times what is kept anyway


class Steps:
    """The body of a scan, with its values sorted.

    Attributes:
        body: the program of a step.
        length: how many steps there are.
        carry: what is carried into a step.
        results: what is given for all steps: the results, and what was carried.
        fixed: the values that are the same in all steps.
        early: those that depend on elements alone, so that they can be known for all steps beforehand.
        late: those that no later step needs, so that they can be computed for all steps afterwards.
        sums: the carried values, by number, that do nothing but add something up, and what they add.
        state: the others that change, by number.
    """

    def __init__(self, body: Program, flow: Any, length: Length) -> None:
        self.body = body
        self.length = length
        n, stop = flow.n_carry, flow.n_carry + flow.n_xs
        self.carry = body.inputs[:n]
        self.results = (*body.outputs[n:], *(self.carry[i] for i in flow.history))
        self.places = {y: place for place, i in enumerate(body.instructions) for y in i.outputs}
        self.fixed: set[Any] = {*body.inputs[stop:], *(x for x, y in self._carried() if x is y)}
        self.early: set[Any] = set(body.inputs[n:stop])
        self.late: set[Any] = set()
        have = sum(map(_size, (*self.early, *self.results)))
        self._budget = _TIMES * have + (_SMALL // max(length, 1) if type(length) is int else 0)
        self._sort()
        self.sums = self._sums()
        self._find_late()
        self.sums = {k: f for k, f in self.sums.items() if self.is_outside(f) or _size(f) <= self._budget}
        self._leave()
        self.state = [k for k, (x, y) in enumerate(self._carried()) if x is not y and k not in self.sums]

    def _carried(self) -> Iterable[tuple[Symbol, Any]]:
        return zip(self.carry, self.body.outputs, strict=False)

    def maker(self, x: Any) -> Instruction | None:
        """The instruction that computes a value."""
        place = self.places.get(x)
        return None if place is None else self.body.instructions[place]

    def stacked(self, instruction: Instruction) -> list[bool]:
        """Which inputs of an instruction differ from step to step."""
        return [type(x) is Symbol and x not in self.fixed for x in instruction.inputs]

    def is_outside(self, x: Any) -> bool:
        """Whether a value can be computed outside of the loop."""
        return type(x) is not Symbol or x in self.fixed or x in self.early or x in self.late

    def inner(self) -> list[Instruction]:
        """The instructions that stay in the loop."""
        ys, _, state = self.kept()
        needed = {*(self.body.outputs[k] for k in state), *ys}
        staying = []
        for i in reversed(self.body.instructions):
            if has_effect(i) or any(y in needed and (not self.is_outside(y) or _is_constant(i)) for y in i.outputs):
                staying.append(i)
                needed.update(x for x in i.inputs if type(x) is Symbol)
        return staying[::-1]

    def kept(self) -> tuple[list[Any], list[int], list[int]]:
        """The values that the loop gives for all steps, the numbers of the carried ones among them, and its state."""
        edge = dict.fromkeys(x for x in (*self.results, *self._edge(), *self.sums.values()) if not self.is_outside(x))
        past = [k for k in self.state if self.carry[k] in edge]
        return [x for x in edge if x not in self.carry], past, self.state

    # Sorting

    def _sort(self) -> None:
        certain = type(self.length) is int and self.length > 0  # it runs in any case, and may fail before the loop too
        for i in self.body.instructions:
            symbols = [x for x in i.inputs if type(x) is Symbol]
            if has_effect(i) or not all(x in self.fixed or x in self.early for x in symbols):
                continue
            if not any(self.stacked(i)):
                if certain or _is_constant(i) or for_all_steps(i, [True] * len(i.inputs)) is not None:
                    self.fixed.update(i.outputs)
            elif sum(map(_size, i.outputs)) <= self._budget and for_all_steps(i, self.stacked(i)) is not None:
                self.early.update(i.outputs)

    def _sums(self) -> dict[int, Any]:
        uses: dict[Any, int] = {}
        for x in (
            *(x for i in self.body.instructions for x in i.inputs),
            *(y for _, y in self._carried()),
            *self.results,
        ):
            uses[x] = uses.get(x, 0) + 1
        found = {}
        for k, (x, y) in enumerate(self._carried()):
            maker = self.maker(y)
            if maker is None or maker.op.name != "add" or uses.get(x) != 1 or uses[y] != 1 or x not in maker.inputs:
                continue
            (f,) = (a for a in maker.inputs if a is not x)
            if _is_like(f, x) and f not in self.fixed:
                found[k] = f
        return found

    def _leave(self) -> None:
        """Leave sums and products in the loop where they take no more elements than they give.

        What is computed right before it is used is in the cache, or never in memory in a region with what uses it. Of
        small steps an operation for all at once is better: one call instead of many.
        """
        kept = {x for x in (*self.results, *self.sums.values()) if type(x) is Symbol}
        for i in reversed(self.body.instructions):
            if not i.outputs or not self.is_outside(i.outputs[0]):
                continue
            takes = {x for x in i.inputs if x in self.early}
            y = i.outputs[0]
            if y in self.early and y not in kept and i.op.name in CHEAP and LARGE <= _size(y) >= sum(map(_size, takes)):
                self.early.discard(y)
            else:
                kept.update(i.inputs)

    def _uses(self) -> dict[Any, int]:
        uses: dict[Any, int] = {}
        for x in (
            *(x for i in self.body.instructions for x in i.inputs),
            *(y for _, y in self._carried()),
            *self.results,
        ):
            uses[x] = uses.get(x, 0) + 1
        return uses

    def _summands(self) -> set[Any]:
        """The values of which nothing but the sum over all steps is needed, and which can be summed without each."""
        uses = self._uses()
        asked = set(self.sums.values())
        found = set()
        for i in reversed(self.body.instructions):
            if i.op.multiple or asked.isdisjoint(i.outputs) or uses[i.outputs[0]] > 1:
                continue
            if sum_over_steps(i, self.stacked(i)) is None:
                continue
            found.add(i.outputs[0])
            if i.op.name in SUMS:
                asked.update(i.inputs)
        return found

    def _find_late(self) -> None:
        sums = {self.body.outputs[k] for k in self.sums}
        needed = {y for k, (_, y) in enumerate(self._carried()) if k not in self.sums}
        summands = self._summands()
        for i in reversed(self.body.instructions):
            if i.outputs and i.outputs[0] in sums:
                continue
            if i.outputs and self.is_outside(i.outputs[0]):
                continue
            possible = not has_effect(i) and needed.isdisjoint(i.outputs)
            if possible and (not summands.isdisjoint(i.outputs) or for_all_steps(i, self.stacked(i)) is not None):
                self.late.update(i.outputs)
            else:
                needed.update(i.inputs)
        while True:
            edge = [x for x in self._edge() if x not in self.results]
            if sum(map(_size, edge)) <= self._budget:
                break
            self._bring_back(max(edge, key=_size), sums)

    def _edge(self) -> list[Any]:
        """The values of the loop that those computed after it take."""
        asked = (x for i in self.body.instructions if not self.late.isdisjoint(i.outputs) for x in i.inputs)
        return [x for x in dict.fromkeys(asked) if not self.is_outside(x)]

    def _bring_back(self, large: Any, sums: set[Any]) -> None:
        """Compute in the loop what takes a value that is too large to be kept, and what that needs."""
        for i in self.body.instructions:
            if any(x is large for x in i.inputs):
                self.late -= set(i.outputs)
        for i in reversed(self.body.instructions):
            if sums.isdisjoint(i.outputs) and not any(map(self.is_outside, i.outputs)):
                self.late -= set(i.inputs)


def _is_like(f: Any, x: Symbol) -> bool:
    return type(f) is Symbol and f.shape == x.shape and f.dtype == x.dtype


def _is_constant(i: Instruction) -> bool:
    return i.op in (CONSTANT, FULL)


def _size(x: Any) -> int:
    """The number of elements of a value; 0 where it is not known, and then nothing is moved."""
    n = 1
    for length in x.shape or () if type(x) is Symbol else ():
        n *= length if type(length) is int else 0
    return n
