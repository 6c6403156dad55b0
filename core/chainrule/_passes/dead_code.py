"""Leave out what nothing needs: no result, no effect."""

from __future__ import annotations

from chainrule._backend import Backend
from chainrule._graph import Instruction
from chainrule._program import Program, reads, size_owners
from chainrule._symbol import Symbol


def dead_code(program: Program, backend: Backend) -> Program:
    """The program without instructions whose results nobody uses. Control flow keeps only the results that are used."""
    owners = size_owners(program)
    needed = {y for y in program.outputs if type(y) is Symbol}
    kept: list[Instruction] = []
    changed = False
    for instruction in reversed(program.instructions):
        if needed.isdisjoint(instruction.outputs) and not has_effect(instruction):
            changed = True
            continue
        if "flow" in instruction.attributes:
            pruned = _pruned(instruction, [symbol in needed for symbol in instruction.outputs])
            changed = changed or pruned is not instruction
            instruction = pruned
        kept.append(instruction)
        needed.update(reads(instruction, owners) if owners else instruction.inputs)
    return Program(program.inputs, program.outputs, reversed(kept)) if changed else program


def has_effect(instruction: Instruction) -> bool:
    """Whether an instruction does more than give results, itself or inside of its sub-programs."""
    if not instruction.attributes:
        return instruction.op.effect
    return instruction.op.effect or any(
        has_effect(inner)
        for value in instruction.attributes.values()
        if hasattr(value, "programs")
        for program in value.programs
        for inner in program.instructions
    )


def _pruned(instruction: Instruction, used: list[bool]) -> Instruction:
    """Control flow without the results, and what comes in for them, that nobody uses."""
    if all(used):
        return instruction
    made: Instruction = instruction.attributes["flow"].pruned(instruction, used)
    return made
