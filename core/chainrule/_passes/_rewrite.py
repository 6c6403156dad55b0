"""What passes share: walking a program once, each instruction with its inputs rewritten already."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chainrule._dim import Dim, resolve
from chainrule._graph import Instruction
from chainrule._program import Program, pair_sizes, resolved, substituted
from chainrule._symbol import Symbol

Producers = Mapping[Any, Instruction]
Rule = Callable[[Instruction, Producers], Instruction | Sequence[Any] | None]


def rewrite(program: Program, rule: Rule) -> Program:
    """A program with each instruction as a rule leaves it; the same object if the rule changes none.

    The rule gets an instruction and the instructions that made the values so far. It gives None to leave it, another
    instruction with the same outputs, or the values that take the place of its outputs.
    """
    values: dict[Any, Any] = {}
    sizes: dict[Dim, Any] = {}
    producers: dict[Any, Instruction] = {}
    instructions = []
    changed = False
    for instruction in program.instructions:
        if values:
            inputs = substituted(instruction.inputs, values)
            attributes = instruction.attributes
            if sizes:  # lengths of values that others have taken the place of
                inputs = tuple([resolve(x, sizes) for x in inputs])
                attributes = {name: resolved(value, inputs, sizes) for name, value in attributes.items()}
            if inputs != instruction.inputs or sizes:
                instruction = Instruction(instruction.op, inputs, attributes, instruction.outputs, instruction.node)
        found = rule(instruction, producers)
        if found is not None:
            changed = True
            if not isinstance(found, Instruction):
                values.update(zip(instruction.outputs, found, strict=True))
                for old, new in zip(instruction.outputs, found, strict=True):
                    pair_sizes(sizes, old, new)
                continue
            instruction = found
        instructions.append(instruction)
        for symbol in instruction.outputs:
            producers[symbol] = instruction
    if not changed:
        return program
    return Program(program.inputs, substituted(program.outputs, values), instructions)


def made_by(x: Any, name: str, producers: Producers) -> Instruction | None:
    """The instruction that made a value, if it is of this operation."""
    maker = producers.get(x) if type(x) is Symbol else None
    return maker if maker is not None and maker.op.name == name else None
