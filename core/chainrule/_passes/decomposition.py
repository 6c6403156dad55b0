"""Expand operations that are programs of others."""

from __future__ import annotations

from typing import Any

from chainrule._backend import Backend
from chainrule._composite import program_of
from chainrule._graph import Instruction, input_specs
from chainrule._program import Program, substituted
from chainrule._registry import has_own_kernel


def decomposition(program: Program, backend: Backend) -> Program:
    """The program with the instructions of what is only a name for several.

    These are functions with gradients of their own, and composite operations that the backend has no kernel for.
    """
    if not any(_is_made_of_others(instruction, backend) for instruction in program.instructions):
        return program
    values: dict[Any, Any] = {}
    instructions: list[Instruction] = []
    pending = list(reversed(program.instructions))
    while pending:
        old = pending.pop()
        inputs = substituted(old.inputs, values)
        if not _is_made_of_others(old, backend):
            instructions.append(Instruction(old.op, inputs, old.attributes, old.outputs, old.node))
            continue
        inner = _expansion(old, inputs)
        given = dict(zip(inner.inputs, [x for x in inputs if x is not None], strict=True))
        for instruction in inner.instructions:
            outputs = tuple([symbol.copied() for symbol in instruction.outputs])
            given_inputs = substituted(instruction.inputs, given)
            given.update(zip(instruction.outputs, outputs, strict=True))
            instructions.append(
                Instruction(instruction.op, given_inputs, instruction.attributes, outputs, instruction.node)
            )
        values.update(zip(old.outputs, substituted(inner.outputs, given), strict=True))
    return Program(program.inputs, substituted(program.outputs, values), instructions)


def _is_made_of_others(instruction: Instruction, backend: Backend) -> bool:
    op = instruction.op
    if hasattr(instruction.attributes.get("flow"), "expansion"):
        return True
    return op.decomposition is not None and op.kernel is None and not has_own_kernel(op, backend)


def _expansion(instruction: Instruction, inputs: tuple[Any, ...]) -> Program:
    op, attributes = instruction.op, instruction.attributes
    if op.decomposition is not None:
        return program_of(op, input_specs(inputs), attributes)
    found: Program = attributes["flow"].expansion()
    return found
