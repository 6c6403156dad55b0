"""What memory a plan uses: the arrays that its values share, and what it writes over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from chainrule._dim import has_dim
from chainrule._plan import Plan
from chainrule._program import Program
from chainrule._symbol import Symbol


@dataclass(frozen=True)
class Buffer:
    """A stretch of memory that a plan keeps from call to call.

    Attributes:
        bytes: how long it is.
        values: what lies in it, one after another, by the names that the plan's program has when it is printed.
    """

    bytes: int
    values: tuple[str, ...]


@dataclass(frozen=True)
class MemoryUse:
    """The memory of a plan, but for that of the plans of branches and loops' bodies in it.

    Attributes:
        peak: the bytes that are alive at once at most: results and values on the way, not what comes in.
        workspace: the memory that is kept from call to call, in which values share.
        overwritten: inputs whose arrays their new values are written over, unless somebody else holds these.
        known: whether the peak is all; not where sizes are not known yet.
    """

    peak: int
    workspace: tuple[Buffer, ...]
    overwritten: Mapping[str, str]
    known: bool

    @classmethod
    def of(cls, plan: Plan, variables: Mapping[int, int]) -> MemoryUse:
        """That of a plan, of which some inputs are variables and some outputs their new values."""
        program = plan.program
        names = _names(program)
        values: list[list[str]] = [[] for _ in plan.memory.slots]
        for y, place in plan.memory.places.items():
            values[plan.memory.arrays[place][0]].append(names[y])
        buffers = [Buffer(size, tuple(held)) for size, held in zip(plan.memory.slots, values, strict=True)]
        written = {names[program.inputs[i]]: names[program.outputs[variables[i]]] for i in sorted(plan.overwrites)}
        made = [y.shape for instruction in program.instructions for y in instruction.outputs]
        known = not any(shape is None or has_dim(shape) for shape in made)
        return cls(plan.memory.peak, tuple(buffers), written, known)

    @property
    def kept(self) -> int:
        """The bytes of the workspace."""
        return sum(buffer.bytes for buffer in self.workspace)

    def __str__(self) -> str:
        known = "" if self.known else ", and what is not known yet"
        kept = f"; a workspace of {self.kept:,} bytes is kept for the next call" if self.workspace else ""
        return f"{self.peak:,} bytes alive at once{known}{kept}"

    def lines(self) -> Iterator[str]:
        """What shares memory, a line each."""
        for buffer in self.workspace:
            yield f"{buffer.bytes:,} bytes for {', then '.join(buffer.values)}"
        for old, new in self.overwritten.items():
            yield f"{old} is written over with {new}, if nobody else holds it"


def _names(program: Program) -> dict[Symbol, str]:
    """The names that values have where a program is printed."""
    made = [y for instruction in program.instructions for y in instruction.outputs]
    return {y: f"v{i}" for i, y in enumerate(made)} | {x: f"a{i}" for i, x in enumerate(program.inputs)}
