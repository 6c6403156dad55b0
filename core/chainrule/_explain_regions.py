"""What of a program is computed in regions, and by what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chainrule._backend import Backend
from chainrule._graph_text import counted
from chainrule._program import Program, subprograms
from chainrule.regions import FUSED


@dataclass(frozen=True)
class RegionUse:
    """A region of a plan.

    Attributes:
        instructions: how many went into it.
        space: the shape that its elementwise values have.
        executor: what computes it, in words of the backend's.
    """

    instructions: int
    space: tuple[int, ...]
    executor: str


def regions_of(program: Program, backend: Backend) -> Iterable[RegionUse]:
    """The regions of a program, and of its branches and loops' bodies."""
    for instruction in program.instructions:
        if instruction.op is FUSED:
            region = instruction.attributes["region"]
            assert backend.fusion is not None
            executor = backend.fusion.executor(region)
            yield RegionUse(len(region.program.instructions), region.space, executor)
        else:
            for holder in subprograms(instruction.attributes):
                for inner in holder.programs:
                    yield from regions_of(inner, backend)


def regions_text(regions: Sequence[RegionUse]) -> str:
    """How many instructions are in how many regions, by what computes these."""
    by: dict[str, list[int]] = {}
    for region in regions:
        by.setdefault(region.executor, []).append(region.instructions)
    return "; ".join(
        f"{counted(sum(sizes), 'instruction')} in {counted(len(sizes), 'region')} ({executor})"
        for executor, sizes in by.items()
    )
