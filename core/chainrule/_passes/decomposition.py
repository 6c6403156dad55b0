"""Expand operations that are programs of others."""

from __future__ import annotations

from typing import Any

from chainrule._backend import Backend
from chainrule._graph import Instruction
from chainrule._program import Program, substituted


def decomposition(program: Program, backend: Backend) -> Program:
    """The program with the instructions of what is only a name for several: functions with gradients of their own."""
    if not any(_expansion(instruction) for instruction in program.instructions):
        return program
    values: dict[Any, Any] = {}
    instructions: list[Instruction] = []
    pending = list(reversed(program.instructions))
    while pending:
        old = pending.pop()
        inputs = substituted(old.inputs, values)
        inner = _expansion(old)
        if inner is None:
            instructions.append(Instruction(old.op, inputs, old.attributes, old.outputs, old.node))
            continue
        given = dict(zip(inner.inputs, inputs, strict=True))
        for instruction in inner.instructions:
            outputs = tuple([symbol.copied() for symbol in instruction.outputs])
            given_inputs = substituted(instruction.inputs, given)
            given.update(zip(instruction.outputs, outputs, strict=True))
            instructions.append(
                Instruction(instruction.op, given_inputs, instruction.attributes, outputs, instruction.node)
            )
        values.update(zip(old.outputs, substituted(inner.outputs, given), strict=True))
    return Program(program.inputs, substituted(program.outputs, values), instructions)


def _expansion(instruction: Instruction) -> Program | None:
    flow: Any = instruction.attributes.get("flow")
    found: Program | None = flow.expansion() if hasattr(flow, "expansion") else None
    return found
