"""Expand operations that are programs of others."""

from __future__ import annotations

from typing import Any

from chainrule._backend import Backend
from chainrule._composite import program_of
from chainrule._graph import Instruction, input_specs
from chainrule._op import Op
from chainrule._program import Program, substituted
from chainrule._registry import has_own_kernel


def decomposition(program: Program, backend: Backend) -> Program:
    """The program with the instructions of what is only a name for several.

    These are functions with gradients of their own, and composite operations that the backend has no kernel for.
    """
    return _expanded(program, {op for op in {i.op for i in program.instructions} if _is_name(op, backend)})


def inlined(program: Program) -> Program:
    """The program with what is inside of functions with gradients of their own in their place."""
    return _expanded(program, set())


def _expanded(program: Program, made_of_others: set[Op]) -> Program:
    if not made_of_others and not any(i.attributes and _has_expansion(i) for i in program.instructions):
        return program
    values: dict[Any, Any] = {}
    instructions: list[Instruction] = []
    pending = list(reversed(program.instructions))
    while pending:
        old = pending.pop()
        inputs = substituted(old.inputs, values)
        if old.op not in made_of_others and not _has_expansion(old):
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


def _is_name(op: Op, backend: Backend) -> bool:
    """Whether an operation is only a name for others on a backend."""
    return op.decomposition is not None and op.kernel is None and not has_own_kernel(op, backend)


def _has_expansion(instruction: Instruction) -> bool:
    """Whether an instruction is a function with a gradient of its own."""
    return hasattr(instruction.attributes.get("flow"), "expansion")


def _expansion(instruction: Instruction, inputs: tuple[Any, ...]) -> Program:
    op, attributes = instruction.op, instruction.attributes
    if op.decomposition is not None:
        return program_of(op, input_specs(inputs), attributes)
    found: Program = attributes["flow"].expansion()
    return found
