"""`Region`: elementwise operations over one space, and reductions of their results, that are computed in one go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from chainrule._backend import Backend, Kernel
from chainrule._graph import Instruction
from chainrule._op import REQUIRED, Op
from chainrule._owner import ENGINE
from chainrule._program import Program
from chainrule._symbol import Symbol

REDUCTIONS: Final = frozenset({"sum", "sum_to", "mean", "max", "min"})  # that a region may end in


def is_pointwise(op: Op) -> bool:
    """Whether each element of an operation's result comes from the same element of its inputs, and a region has it.

    Those that only choose between their inputs are not called elementwise: their derivatives follow another rule.
    """
    return op.elementwise or op.name in ("where", "broadcast_to")


@dataclass(frozen=True, eq=False)
class Region:
    """A part of a program that a backend computes without making arrays of what lies between.

    Attributes:
        program: from what comes in, which broadcasts to the space, to what others need. Its instructions are
            elementwise and give values of the space's shape; repeat a smaller value over the space (`broadcast_to`);
            reduce a value of the space (`sum`, `sum_to`, `mean`, `max`, `min`); or put one at a slice of a larger
            array of zeros (`scatter_add`), and add up several of these.
        space: the shape that its elementwise values have.
    """

    program: Program
    space: tuple[int, ...]

    @property
    def programs(self) -> tuple[Program, ...]:
        """The program, as control flow shows those it holds."""
        return (self.program,)

    def may_replace(self, y: Symbol, x: Symbol) -> bool:
        """Whether a result can be written into the array of an input.

        Each of its elements comes from the same element of the input, which is not read any more when it is written.
        """
        if not x.shape == y.shape == self.space or x.dtype != y.dtype or x.weak:
            return False
        made = False
        for instruction in self.program.instructions:
            if instruction.op.name == "scatter_add" or (made and x in instruction.inputs):
                return False
            if y in instruction.outputs:
                made = True
                if not is_pointwise(instruction.op):
                    return False
        return made

    @property
    def names(self) -> tuple[str, ...]:
        """What to call it."""
        return ("region",)


def _kernel(instruction: Instruction, backend: Backend) -> Kernel:
    assert backend.fusion is not None, "only a backend that computes regions gets any"
    return backend.fusion.compile(instruction.attributes["region"], backend)


FUSED: Final = Op(
    "fused",
    None,
    lambda *specs, region: region.program.specs,
    attributes={"region": REQUIRED},
    multiple=True,
    build=_kernel,
    owner=ENGINE,
)
