"""Put elementwise operations, and reductions of their results, together into regions that are computed in one go.

A region is a set of instructions that can run at one place of the program: no path leads out of it and back into it.
The pass goes through the program once and keeps, for each region that still grows, which others it waits for.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from chainrule._backend import Backend, Fusion
from chainrule._dim import Dim, has_dim
from chainrule._dtypes import PYTHON_NUMBERS
from chainrule._graph import Instruction
from chainrule._passes.dead_code import has_effect
from chainrule._program import Program, reads, size_owners
from chainrule._settings import strict_math
from chainrule._symbol import Symbol
from chainrule.regions import FUSED, REDUCTIONS, Region, is_pointwise

_OPEN: Final = 48  # regions that grow at once; then all are closed, which bounds the work for each instruction
_LARGEST: Final = 10_000  # instructions in a region


def fusion(program: Program, backend: Backend) -> Program:
    """The program with regions in place of the instructions that the backend computes faster together."""
    how = backend.fusion
    if how is None or strict_math():
        return program
    program = _expanded(program, how)
    owners = size_owners(program)
    grouping = _Grouping(how, owners)
    for i, instruction in enumerate(program.instructions):
        grouping.add(i, instruction)
    used = _uses(program)
    regions = []
    for group in grouping.groups:
        if len(group.members) > 1:
            region = _region(group, used)
            if how.pays(region):
                regions.append((group, region))
    return _with_regions(program, regions, owners) if regions else program


def _expanded(program: Program, how: Fusion) -> Program:
    """The program with several instructions in place of those that a region computes so."""
    instructions: list[Instruction] = []
    for instruction in program.instructions:
        found = how.expanded(instruction)
        if found and all(map(_is_plain, (*instruction.inputs, *instruction.outputs))):
            instructions.extend(found)
        else:
            instructions.append(instruction)
    if len(instructions) == len(program.instructions):
        return program
    return Program(program.inputs, program.outputs, instructions)


class _Group:
    """A region that grows.

    Attributes:
        space: the shape of its elementwise values.
        members: the instructions in it, by their place in the program.
        inner: its values of that shape.
        rows: its values that are reduced along the last axes, which are 1 long, and further ones of that shape.
        scattered: its values that are put at a slice of an array of zeros, and sums of such.
        after: the open groups that it waits for, directly or through others.
    """

    __slots__ = ("after", "inner", "into", "members", "rows", "scattered", "space")

    def __init__(self, space: tuple[int, ...]) -> None:
        self.space = space
        self.members: dict[int, Instruction] = {}
        self.inner: set[Symbol] = set()
        self.rows: set[Symbol] = set()
        self.scattered: set[Symbol] = set()
        self.after: set[_Group] = set()
        self.into: _Group = self  # the group that it has become part of

    @property
    def row(self) -> Any:
        """The shape of what is reduced along its last axes."""
        return next((x.shape for x in self.rows), None)

    def has(self, x: Symbol, space: tuple[int, ...], pointwise: bool) -> bool:
        """Whether it computes a value that an instruction of its space, or a pointwise one of its rows, can use in it.

        What reduces rows would reduce each as often as there are elements in it.
        """
        if space == self.space:
            return x in self.inner or x in self.rows
        return pointwise and x in self.rows and x.shape == space


class _Grouping:
    """Which instructions go together.

    Attributes:
        groups: what was found so far.
    """

    def __init__(self, how: Fusion, owners: Mapping[Dim, Symbol]) -> None:
        self.groups: list[_Group] = []
        self._how = how
        self._owners = owners
        self._close()

    def _close(self) -> None:
        """Let no group grow any more. What comes later can wait for them all."""
        self._open: list[_Group] = []
        self._of: dict[Symbol, _Group] = {}  # the open group that a value is computed in
        self._needs: dict[Symbol, set[_Group]] = {}  # the open groups that a value waits for
        self._effects: set[_Group] = set()  # those that the last effect waits for

    def add(self, i: int, instruction: Instruction) -> None:
        """Take in the next instruction: into a group, a new one, or none."""
        space = self._space(instruction)
        if space is not None:
            chosen, after = self._chosen(instruction, space)
            if chosen or (is_pointwise(instruction.op) and instruction.op.name != "broadcast_to"):
                self._join(i, instruction, chosen or [self._opened(space)], after)
                return
        after = self._after(reads(instruction, self._owners))
        if has_effect(instruction):
            after |= self._effects
            self._effects = after
        if after:
            self._needs.update(dict.fromkeys(instruction.outputs, after))

    def _space(self, instruction: Instruction) -> tuple[int, ...] | None:
        """The space of the region that an instruction could be in."""
        op, outputs = instruction.op, instruction.outputs
        if op.multiple or op.effect or len(outputs) != 1 or not all(map(_is_plain, (*instruction.inputs, *outputs))):
            return None
        if is_pointwise(op):
            shape = outputs[0].shape
        elif op.name in REDUCTIONS or (op.name == "scatter_add" and len(instruction.inputs) == 1):
            shape = instruction.inputs[0].shape or None  # of a single number there is nothing to reduce
        else:
            return None
        return tuple(shape) if shape is not None and self._how.takes(instruction) else None

    def _chosen(self, instruction: Instruction, space: tuple[int, ...]) -> tuple[list[_Group], set[_Group]]:
        """The groups that an instruction can join, which become one, and those that it waits for then."""
        symbols = [x for x in instruction.inputs if type(x) is Symbol]
        pointwise = is_pointwise(instruction.op)
        if instruction.op.name == "add" and len(symbols) == 2:
            a, b = map(self._group_of, symbols)
            if a is not None and a is b and a.scattered.issuperset(symbols):
                return [a], set()
        groups = [self._group_of(x) for x in symbols]
        first = groups[0] if groups else None
        if first and groups.count(first) == len(groups) and all([first.has(x, space, pointwise) for x in symbols]):
            return ([first], first.after) if len(first.members) < _LARGEST else ([], self._after(symbols))
        chosen = {g: None for g, x in zip(groups, symbols, strict=True) if g and g.has(x, space, pointwise)}
        for group in [g for g in chosen if len(g.members) >= _LARGEST]:
            del chosen[group]
        length = next((group.row for group in chosen if group.row), None)
        for group in [g for g in chosen if g.row and g.row != length]:
            del chosen[group]
        while True:
            outside = [
                x for x, g in zip(symbols, groups, strict=True) if g not in chosen or not g.has(x, space, pointwise)
            ]
            after = self._after(outside).union(*(group.after for group in chosen))
            back = [group for group in chosen if group in after]
            if not back:
                return list(chosen), after
            for group in back:
                del chosen[group]

    def _group_of(self, x: Symbol) -> _Group | None:
        """The open group that a value is computed in."""
        group = self._of.get(x)
        while group is not None and group.into is not group:
            group = group.into
        return group

    def _after(self, values: Iterable[Symbol]) -> set[_Group]:
        """The open groups that some values wait for."""
        found: set[_Group] = set()
        for x in values:
            group = self._group_of(x)
            for direct in (group,) if group is not None else self._needs.get(x, ()):
                while direct.into is not direct:
                    direct = direct.into
                found.add(direct)
                found |= direct.after
        return found

    def _opened(self, space: tuple[int, ...]) -> _Group:
        if len(self._open) >= _OPEN:
            self._close()
        group = _Group(space)
        self._open.append(group)
        self.groups.append(group)
        return group

    def _join(self, i: int, instruction: Instruction, chosen: list[_Group], after: set[_Group]) -> None:
        group, *others = sorted(chosen, key=lambda group: -math.prod(group.space))
        for other in others:
            self._merge(group, other)
        if after is not group.after:
            after = after & set(self._open)  # opening a group may have closed them
            group.after |= after
            for later in self._open:
                if group in later.after:
                    later.after |= after
        group.members[i] = instruction
        (y,) = instruction.outputs
        self._of[y] = group
        name = instruction.op.name
        if name == "scatter_add" or (group.scattered and group.scattered.issuperset(instruction.inputs)):
            group.scattered.add(y)
        elif name not in REDUCTIONS:
            (group.inner if y.shape == group.space else group.rows).add(y)
        elif self._how.rows and _is_along_rows(instruction) and group.row in (None, y.shape):
            group.rows.add(y)

    def _merge(self, group: _Group, other: _Group) -> None:
        """Make another group part of one, whose space is the same, or whose rows have the other's space."""
        other.into = group
        group.members |= other.members
        (group.inner if other.space == group.space else group.rows).update(other.inner)
        group.rows |= other.rows
        group.scattered |= other.scattered
        group.after |= other.after
        self._open.remove(other)
        self.groups.remove(other)
        for later in self._open:
            if other in later.after:
                later.after.discard(other)
                later.after.add(group)
                later.after |= group.after
            elif group in later.after:
                later.after |= group.after


def _is_plain(x: Any) -> bool:
    """Whether a value is a number, or an array whose lengths are known."""
    if type(x) is not Symbol:
        return type(x) in PYTHON_NUMBERS
    return x.shape == () or (x.shape is not None and not has_dim(x.shape))


def _is_along_rows(instruction: Instruction) -> bool:
    """Whether a reduction is along the last axes alone, and keeps them."""
    x, y = instruction.inputs[0].shape, instruction.outputs[0].shape
    assert y is not None
    kept = len(x) - len([n for n in itertools.takewhile(lambda n: n == 1, reversed(y))])
    return len(x) == len(y) and x[:kept] == y[:kept] and math.prod(x[kept:]) > 1


def _uses(program: Program) -> dict[Symbol, int]:
    """How often each value is an input, or a result."""
    used: dict[Symbol, int] = {}
    for x in (*(x for i in program.instructions for x in i.inputs), *program.outputs):
        if type(x) is Symbol:
            used[x] = used.get(x, 0) + 1
    return used


def _region(group: _Group, used: Mapping[Symbol, int]) -> Region:
    """What a group has become, once it grows no more."""
    instructions = [instruction for _, instruction in sorted(group.members.items())]
    made = dict.fromkeys(y for instruction in instructions for y in instruction.outputs)
    inside: dict[Symbol, int] = {}
    for instruction in instructions:
        for x in instruction.inputs:
            if type(x) is Symbol:
                inside[x] = inside.get(x, 0) + 1
    inputs = [x for x in inside if x not in made]
    outputs = [y for y in made if used.get(y, 0) > inside.get(y, 0)]
    return Region(Program(inputs, outputs, instructions), group.space)


def _with_regions(program: Program, regions: Sequence[tuple[_Group, Region]], owners: Mapping[Dim, Symbol]) -> Program:
    """The program with each region where the last of its instructions was, or later, after all that it takes.

    Instructions with effects stay in their order.
    """
    place: dict[int, int] = {}  # of an instruction that goes into a region, the last one's of that region
    units: dict[int, Instruction] = {}
    for group, region in regions:
        last = max(group.members)
        place.update(dict.fromkeys(group.members, last))
        node = group.members[last].node
        units[last] = Instruction(FUSED, region.program.inputs, {"region": region}, region.program.outputs, node)
    for i, instruction in enumerate(program.instructions):
        if i not in place:
            units[i] = instruction
    maker = {y: i for i, unit in units.items() for y in unit.outputs}
    waits: dict[int, int] = {}  # for how many others a unit still waits
    followers: dict[int, list[int]] = {i: [] for i in units}
    effect: int | None = None
    for i in sorted(units):
        before = {maker[x] for x in reads(units[i], owners) if x in maker}
        if has_effect(units[i]):
            before |= {effect} if effect is not None else set()
            effect = i
        waits[i] = len(before)
        for j in before:
            followers[j].append(i)
    ready = [i for i in sorted(units) if not waits[i]]
    order = []
    while ready:
        i = heapq.heappop(ready)
        order.append(units[i])
        for j in followers[i]:
            waits[j] -= 1
            if not waits[j]:
                heapq.heappush(ready, j)
    assert len(order) == len(units), "the regions wait for each other"
    return Program(program.inputs, program.outputs, order)
