"""What is in a region: its arrays and where they lie, its reductions, and in which pass over a row each value is known.

A row is the space's last axis, after axes were put together. A value that needs a reduction along the row, as the
quotient in a softmax does, is computed in another pass over the same row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from chainrule import Instruction, Symbol, infer
from chainrule.regions import Region
from chainrule_numpy._jit import _operations
from chainrule_numpy._jit._layout import Layout, Place, Steps, broadcast, reduced, sliced

REDUCTIONS: Final = {"sum": "sum", "sum_to": "sum", "mean": "sum", "max": "max", "min": "min"}


class UnsupportedRegion(Exception):
    """The region is of a kind that there is no code for."""


class Reduction(NamedTuple):
    """A reduction of a value over some axes.

    Attributes:
        result: the value it gives.
        source: what it reduces.
        how: "sum", "max" or "min".
        axes: the axes it takes together, of the layout's.
        divisor: what a sum is divided by at the end.
    """

    result: Symbol
    source: Any
    how: str
    axes: frozenset[int]
    divisor: int


def takes(instruction: Instruction) -> bool:
    """Whether an instruction can be part of a region that is compiled."""
    op, (y,) = instruction.op, instruction.outputs
    if op.name in REDUCTIONS:
        (x,) = instruction.inputs
        if type(x) is not Symbol or str(x.dtype) not in _operations.DTYPES or str(y.dtype) not in _operations.DTYPES:
            return False
        return y.dtype != "bool" and (op.name not in ("max", "min") or x.dtype != "bool")
    if op.name == "scatter_add":
        x = instruction.inputs[0]
        if len(instruction.inputs) > 1 or type(x) is not Symbol or str(y.dtype) not in _operations.DTYPES - {"bool"}:
            return False
        place = sliced(instruction.attributes["key"], x.shape or (), instruction.attributes["shape"])
        return place is not None and place.steps[-1:] == (1,)  # elements that lie side by side
    return _operations.takes(instruction)


@dataclass
class Analysis:
    """A region, sorted out.

    Attributes:
        region: the region.
        layout: its space.
        places: where arrays lie: inputs, and results as they are written.
        steps: their steps along the layout's axes.
        elementwise: the instructions that compute element by element, in order.
        reductions: what is reduced.
        scattered: values that go to a place in a larger array, with what else goes into the same.
        vary: along which axes a value differs.
        level: in which pass over a row a value is known; that of what comes in is 0.
    """

    region: Region
    layout: Layout
    steps: dict[Symbol, Steps]
    elementwise: list[Instruction]
    reductions: dict[Symbol, Reduction]
    scattered: dict[Symbol, list[tuple[Symbol, Place]]]
    vary: dict[Symbol, frozenset[int]]
    level: dict[Symbol, int]

    @property
    def row(self) -> int:
        """The axis that rows lie along."""
        return len(self.layout.lengths) - 1

    def is_vector(self, x: Any) -> bool:
        """Whether a value differs along a row."""
        return type(x) is Symbol and self.row in self.vary[x]


def analysed(region: Region) -> Analysis:
    """Sort out a region.

    Raises:
        UnsupportedRegion: there is no code for it.
    """
    space, program = region.space, region.program
    if 0 in space:
        raise UnsupportedRegion("it is empty")
    axes: dict[Symbol, tuple[int, ...]] = {}
    scattered: dict[Symbol, list[tuple[Symbol, Place]]] = {}
    elementwise: list[Instruction] = []
    for instruction in program.instructions:
        name, (y,) = instruction.op.name, instruction.outputs
        if not takes(instruction):
            raise UnsupportedRegion(name)
        if name in REDUCTIONS and any(space[i] != 1 for i in _axes(instruction, space)):
            axes[y] = _axes(instruction, space)
        elif name == "scatter_add":
            place = sliced(instruction.attributes["key"], space, y.shape or ())
            if place is None:
                raise UnsupportedRegion("an index")
            scattered[y] = [(instruction.inputs[0], place)]
        elif name == "add" and all(type(x) is Symbol and x in scattered for x in instruction.inputs):
            scattered[y] = [term for x in instruction.inputs for term in scattered[x]]
        else:
            elementwise.append(instruction)
    reused = {x for i in program.instructions for x in i.inputs if type(x) is Symbol}
    if any(x in scattered for i in elementwise for x in i.inputs if type(x) is Symbol):
        raise UnsupportedRegion("what is scattered is used again")
    places = {x: broadcast(x.shape or (), space) for x in program.inputs}
    for y in program.outputs:
        if y not in axes and y not in scattered:
            places[y] = _place(y, region)
    places |= {y: reduced(space, gone) for y, gone in axes.items()}
    terms = [place for y in scattered for _, place in scattered[y]]
    layout = Layout(space, [*places.values(), *terms], any(y in reused for y in axes))
    self = Analysis(
        region, layout, {x: layout.steps(place) for x, place in places.items()}, elementwise, {}, scattered, {}, {}
    )
    if any(layout.steps(place)[-1] != 1 for place in terms):
        raise UnsupportedRegion("elements that lie apart")
    _follow(self, axes, reused)
    return self


def _place(y: Symbol, region: Region) -> Place:
    """Where a result that is computed element by element lies."""
    for instruction in region.program.instructions:
        if y in instruction.outputs and instruction.op.name in REDUCTIONS:  # over axes of length 1, which may be gone
            return reduced(region.space, _axes(instruction, region.space))
    return broadcast(y.shape or (), region.space)


def _axes(instruction: Instruction, space: tuple[int, ...]) -> tuple[int, ...]:
    """The axes of the space that a reduction takes together."""
    if instruction.op.name != "sum_to":
        return infer.as_axes(instruction.attributes["axis"], len(space))
    shape = instruction.attributes["shape"]
    lead = len(space) - len(shape)
    return (*range(lead), *(i for i in range(lead, len(space)) if shape[i - lead] == 1))


def _follow(self: Analysis, axes: Mapping[Symbol, tuple[int, ...]], reused: set[Symbol]) -> None:
    """Find along which axes each value differs, and in which pass over a row it is known."""
    lengths = self.layout.lengths
    for x in self.region.program.inputs:
        self.level[x] = 0
        self.vary[x] = frozenset(i for i, step in enumerate(self.steps[x]) if step)
    for instruction in self.region.program.instructions:
        (y,) = instruction.outputs
        if y in self.scattered:
            continue
        symbols = [x for x in instruction.inputs if type(x) is Symbol]
        level = max((self.level[x] for x in symbols), default=0)
        if y not in axes:
            self.level[y] = level
            self.vary[y] = frozenset().union(*(self.vary[x] for x in symbols))
            continue
        gone = self.layout.axes(axes[y])
        divisor = 1
        if instruction.op.name == "mean":
            for i in gone:
                divisor *= lengths[i]
        if not gone <= {self.row} and y in reused:
            raise UnsupportedRegion("a reduction that is used again, not along the last axis")
        self.level[y] = level + 1
        self.vary[y] = frozenset(range(len(lengths))) - gone
        self.reductions[y] = Reduction(y, instruction.inputs[0], REDUCTIONS[instruction.op.name], gone, divisor)
