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
        used = [symbol in needed for symbol in instruction.outputs]
        if not any(used) and not has_effect(instruction):
            changed = True
            continue
        pruned = _pruned(instruction, used)
        if pruned is not instruction:
            changed = True
        kept.append(pruned)
        needed.update(reads(pruned, owners))
    return Program(program.inputs, program.outputs, reversed(kept)) if changed else program


def has_effect(instruction: Instruction) -> bool:
    """Whether an instruction does more than give results, itself or inside of its sub-programs."""
    return instruction.op.effect or any(
        has_effect(inner)
        for value in instruction.attributes.values()
        if hasattr(value, "programs")
        for program in value.programs
        for inner in program.instructions
    )


def _pruned(instruction: Instruction, used: list[bool]) -> Instruction:
    """Control flow without the results, and what comes in for them, that nobody uses."""
    flow = instruction.attributes.get("flow")
    if flow is None or all(used):
        return instruction
    made: Instruction = flow.pruned(instruction, used)
    return made
