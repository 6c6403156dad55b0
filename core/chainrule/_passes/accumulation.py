"""Add up many parts of an array at the cost of the parts, not of as many whole arrays.

The gradient of `x[0]`, `x[1]` and so on is a sum of arrays that are zero but for one place. Where the places cover the
array and none another, it is the parts side by side; else one array that they are added to, one after the other.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any, Final

from chainrule._backend import Backend
from chainrule._graph import Instruction
from chainrule._passes._boxes import side_by_side
from chainrule._passes._rewrite import Producers, instead, made
from chainrule._passes._shapes import is_plain, size_of
from chainrule._passes.dead_code import dead_code
from chainrule._program import Program
from chainrule._symbol import Symbol

_LARGEST: Final = 0.4  # how much of the array a part takes on average; with more, a region adds up whole arrays as fast


def accumulation(program: Program, backend: Backend) -> Program:
    """The program with sums of parts of an array as these parts side by side, or added one after the other."""
    if sum(i.op.name == "scatter_add" for i in program.instructions) < 2:
        return program
    producers = Producers(program, {}, backend)
    producers.update((y, i) for i in program.instructions for y in i.outputs)
    sums = [i for i in program.instructions if i.op.name == "add"]
    inner = {x for i in sums for x in i.inputs if _is_of_sum(x, i.outputs[0], producers)}
    found = {i: _added_up(i, inner, producers) for i in sums if i.outputs[0] not in inner}
    if not any(found.values()):
        return program
    instructions = [step for i in program.instructions for step in found.get(i) or [i]]
    return dead_code(Program(program.inputs, program.outputs, instructions), backend)


def _is_of_sum(x: Any, y: Symbol, producers: Producers) -> bool:
    """Whether an input of a sum is a sum itself, of the same shape, that nobody else needs."""
    maker = producers.made(x, "add")
    return maker is not None and x.shape == y.shape and x.dtype == y.dtype and producers.used_once(x)


def _added_up(total: Instruction, inner: Container[Any], producers: Producers) -> list[Instruction] | None:
    """The instructions that give a sum, the last of which does, if several of its terms are parts of an array."""
    (y,) = total.outputs
    rest: list[Any] = []
    parts: list[Instruction] = []
    pending = list(reversed(total.inputs))
    while pending:
        x = pending.pop()
        maker = producers.get(x)
        if maker is not None and x in inner:
            pending.extend(reversed(maker.inputs))
        elif maker is not None and _is_part(maker, producers):
            parts.append(maker)
        else:
            rest.append(x)
    terms = (*rest, *(part.outputs[0] for part in parts))
    if len(parts) < 2 or not is_plain(y, *terms) or any(x.shape != y.shape or x.dtype != y.dtype for x in terms):
        return None
    if sum(size_of(part.inputs[0]) for part in parts) > _LARGEST * len(parts) * size_of(y):
        return None
    add_at = producers.op("add_at")
    steps = side_by_side(parts, total, producers)
    if steps:
        parts = []
    elif add_at is None:
        return None
    elif not rest:
        first = parts.pop(0)
        steps = [made(first.op, first.inputs, total, **first.attributes)]
    rest += steps[-1].outputs if steps else ()
    for x in rest[1:]:
        steps.append(made(total.op, (steps[-1].outputs[0] if x is not rest[1] else rest[0], x), total))
    for part in parts:
        at = steps[-1].outputs[0] if steps else rest[0]
        assert add_at is not None
        steps.append(made(add_at, (at, *part.inputs), total, key=part.attributes["key"]))
    last = steps.pop()
    return [*steps, instead(last.op, last.inputs, total, **last.attributes)]


def _is_part(scatter: Instruction, producers: Producers) -> bool:
    """Whether an array is zero but for a place that is known, and one sum alone needs it."""
    return (
        scatter.op.name == "scatter_add"
        and len(scatter.inputs) == 1
        and is_plain(*scatter.inputs)
        and producers.used_once(scatter.outputs[0])
    )
