"""The space of a region with as few axes as will do, and what its values are in it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from chainrule import Instruction, Symbol
from chainrule.regions import REDUCTIONS, Region

Shape = tuple[int, ...]
Slices = tuple[slice, ...]
Axes = Sequence[tuple[int, ...]]  # for each axis that is left, those of the space that it is made of


def collapsed(region: Region) -> tuple[Shape, Axes]:
    """The space's shape where neighbouring axes that nothing tells apart are one, and which they are.

    Axes of length 1 are left out. There is always one axis.
    """
    space = region.space
    marks: list[list[bool]] = [_is_full(x, space) for x in region.program.inputs]
    for instruction in region.program.instructions:
        if instruction.op.name in REDUCTIONS:
            reduced = reduced_axes(instruction)
            marks.append([axis in reduced for axis in range(len(space))])
        elif instruction.op.name == "scatter_add":
            places = zip(slices_of(instruction) or (), instruction.attributes["shape"], strict=True)
            for axis, (part, n) in enumerate(places):
                if (part.start, part.stop) != (0, n):
                    marks.append([other == axis for other in range(len(space))])
    groups: list[list[int]] = []
    for axis, n in enumerate(space):
        if n == 1:
            continue
        if groups and all(mark[groups[-1][-1]] == mark[axis] for mark in marks):
            groups[-1].append(axis)
        else:
            groups.append([axis])
    shape = tuple(math.prod(space[axis] for axis in group) for group in groups)
    return (shape, list(map(tuple, groups))) if groups else ((1,), [()])


def wide(x: Symbol, space: Shape, axes: Axes, shape: Shape) -> Shape | None:
    """An input's shape in the collapsed space; None for one number."""
    full = _is_full(x, space)
    found = tuple(n if group and full[group[0]] else 1 for n, group in zip(shape, axes, strict=True))
    return None if math.prod(x.shape or ()) == 1 and not x.shape else found


def _is_full(x: Symbol, space: Shape) -> list[bool]:
    """For each axis of the space, whether a value has all of it and is not repeated along it."""
    lengths = (1,) * (len(space) - len(x.shape or ())) + tuple(x.shape or ())
    return [n == m for n, m in zip(lengths, space, strict=True)]


def reduced_axes(instruction: Instruction) -> frozenset[int]:
    """The axes of the space that a reduction is along."""
    x, y, attributes = instruction.inputs[0], instruction.outputs[0], instruction.attributes
    rank = len(x.shape)
    if instruction.op.name == "sum_to":
        lengths = (1,) * (rank - len(y.shape or ())) + tuple(y.shape or ())
        lead = rank - len(y.shape or ())
        return frozenset(i for i in range(rank) if i < lead or lengths[i] != x.shape[i])
    axis = attributes["axis"]
    if axis is None:
        return frozenset(range(rank))
    return frozenset(a % rank for a in (axis if isinstance(axis, tuple) else (axis,)))


def slices_of(instruction: Instruction) -> Slices | None:
    """Where a `scatter_add` puts its values, if that is at slices that step by one."""
    key, shape = instruction.attributes["key"], instruction.attributes["shape"]
    if not all(isinstance(part, tuple) and part[2] in (None, 1) for part in key):
        return None
    found = [slice(*slice(*part).indices(n)) for part, n in zip(key, shape, strict=False)]
    return tuple([*found, *(slice(0, n, 1) for n in shape[len(found) :])])
