"""What passes share: walking a program once, each instruction with its inputs rewritten already."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from chainrule import _registry
from chainrule._backend import Backend
from chainrule._dim import Dim, resolve
from chainrule._errors import MissingKernelError
from chainrule._graph import Instruction, specs_of
from chainrule._op import Op
from chainrule._program import Program, pair_sizes, resolved, substituted
from chainrule._symbol import Symbol

Found = Instruction | Sequence[Any] | None
Rule = Callable[[Instruction, "Producers"], Found]
Rules = Mapping[str, Mapping[Rule, frozenset[str] | None]]
"""By operation, rules and what they start from: operations that make an input, or a "number", or twice the "same"."""
ALWAYS: Final = None
SPREAD: Final = frozenset({"full", "constant", "broadcast_to", "reshape"})  # what may repeat one number
NUMBERS: Final = SPREAD | {"number"}


class Producers(dict[Any, Instruction]):
    """The instructions that made the values so far, by value.

    Attributes:
        backend: the backend that the program will run on.
    """

    def __init__(self, program: Program, values: dict[Any, Any], backend: Backend) -> None:
        super().__init__()
        self.backend = backend
        self._program = program
        self._values = values
        self._uses: dict[Any, int] | None = None

    def made(self, x: Any, name: str) -> Instruction | None:
        """The instruction that made a value, if it is of this operation."""
        maker = self.get(x) if type(x) is Symbol else None
        return maker if maker is not None and maker.op.name == name else None

    def used_once(self, x: Any) -> bool:
        """Whether one instruction, or one result, takes a value."""
        if self._uses is None:
            self._uses = {}
            for taken in (*(i.inputs for i in self._program.instructions), self._program.outputs):
                for y in substituted(taken, self._values):
                    self._uses[y] = self._uses.get(y, 0) + 1
        return self._uses.get(x, 1) == 1

    def op(self, name: str) -> Op | None:
        """An operation of which the backend has a kernel."""
        function: Any = _registry.ops.find(name)
        if function is None:
            return None
        op: Op = function.op
        if op.decomposition is None:
            try:
                op.kernels[self.backend]
            except MissingKernelError:
                return None
        return op


def rewrite(program: Program, rule: Rule, backend: Backend) -> Program:
    """A program with each instruction as a rule leaves it; the same object if the rule changes none.

    The rule gets an instruction and the instructions that made the values so far. It gives None to leave it, or what
    takes its place: another instruction with the same outputs, a list of instructions of which the last has these
    outputs, or a tuple of the values that take the place of the outputs. What it gives it is asked about again.
    """
    values: dict[Any, Any] = {}
    sizes: dict[Dim, Any] = {}
    producers = Producers(program, values, backend)
    instructions: list[Instruction] = []
    changed = False
    pending = list(reversed(program.instructions))
    while pending:
        instruction = pending.pop()
        if sizes or (values and not values.keys().isdisjoint(instruction.inputs)):
            inputs = substituted(instruction.inputs, values)
            attributes = instruction.attributes
            if sizes:  # lengths of values that others have taken the place of
                inputs = tuple([resolve(x, sizes) for x in inputs])
                attributes = {name: resolved(value, inputs, sizes) for name, value in attributes.items()}
            instruction = Instruction(instruction.op, inputs, attributes, instruction.outputs, instruction.node)
        found = rule(instruction, producers)
        if found is None:
            instructions.append(instruction)
            for symbol in instruction.outputs:
                producers[symbol] = instruction
            continue
        changed = True
        if isinstance(found, Instruction):
            pending.append(found)
        elif type(found) is list:
            pending.extend(reversed(found))
        else:
            for old, new in zip(instruction.outputs, found, strict=True):
                values[old] = new
                pair_sizes(sizes, old, new)
    if not changed:
        return program
    return Program(program.inputs, substituted(program.outputs, values), instructions)


def made(op: Op, inputs: tuple[Any, ...], instruction: Instruction, **attributes: Any) -> Instruction:
    """A new instruction on the way to the result of another."""
    node = instruction.node
    outputs = [Symbol(s.shape, s.dtype, node, i, s.weak) for i, s in enumerate(specs_of(op, inputs, attributes))]
    return Instruction(op, inputs, attributes, tuple(outputs), node)


def instead(op: Op, inputs: tuple[Any, ...], instruction: Instruction, **attributes: Any) -> Instruction:
    """An instruction that gives the results of another."""
    return Instruction(op, inputs, attributes, instruction.outputs, instruction.node)
