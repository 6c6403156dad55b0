"""Let a loop give what a later loop over the same would compute again.

The gradient of a loop begins each of its steps with what the loop did in that step, from what was carried into it. What
it needs of that the loop gives as further results, for all steps, and the gradient takes as elements.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from chainrule._backend import Backend
from chainrule._graph import Instruction
from chainrule._passes._tidied import tidied
from chainrule._passes.common_subexpressions import key_of
from chainrule._program import Program, substituted
from chainrule._symbol import Symbol

_LOOPS: Final = frozenset({"scan", "while_loop"})
_VIEWS: Final = frozenset(
    {"identity", "stop_gradient", "reshape", "broadcast_to", "matrix_transpose", "permute_dims", "getitem"}
)  # cost nothing, so what they show is kept


def loop_residuals(program: Program, backend: Backend) -> Program:
    """The program where no step of a loop computes what the same step of an earlier one has computed."""
    if sum(i.op.name in _LOOPS for i in program.instructions) < 2:
        return program
    instructions = list(program.instructions)
    origins: dict[Any, int] = {}  # results of loops to where these are
    changed = False
    for place, instruction in enumerate(instructions):
        if instruction.op.name not in _LOOPS:
            continue
        if instruction.op.name == "scan":
            later = _Loop(instruction, backend)
            for origin in sorted({origins[x] for x in later.elements if x in origins}):
                earlier = _Loop(instructions[origin], backend)
                if _share(earlier, later):
                    instructions[origin], instructions[place] = earlier.instruction(), later.instruction()
                    later = _Loop(instructions[place], backend)
                    origins.update(dict.fromkeys(instructions[origin].outputs, origin))
                    changed = True
        origins.update(dict.fromkeys(instructions[place].outputs, place))
    return Program(program.inputs, program.outputs, instructions) if changed else program


class _Loop:
    """A loop that results, or elements, are added to."""

    def __init__(self, instruction: Instruction, backend: Backend) -> None:
        self.old = instruction
        self.flow = flow = instruction.attributes["flow"]
        self.body = tidied(flow.program, backend)
        n, stop = flow.n_carry, flow.n_carry + flow.n_xs
        self.carry, self.xs, self.constants = self.body.inputs[:n], self.body.inputs[n:stop], self.body.inputs[stop:]
        self.elements = list(instruction.inputs[n:stop])
        self.around = instruction.inputs[stop:]
        n_ys = len(self.body.outputs) - n
        first = len(instruction.outputs) - len(flow.history) - n_ys
        self.last = instruction.outputs[:first]  # what is carried, and a count of steps
        self.results = list(instruction.outputs[first : first + n_ys])
        self.history = instruction.outputs[first + n_ys :]
        self.ys = list(self.body.outputs[n:])

    def stacked(self) -> Iterator[tuple[Any, Any]]:
        """Each array of values of all steps around it, and what it holds of one step."""
        yield from zip(self.history, (self.carry[i] for i in self.flow.history), strict=True)
        yield from zip(self.results, self.ys, strict=True)
        yield from zip(self.elements, self.xs, strict=True)

    def given(self, y: Symbol) -> Any:
        """A value of the body, for all steps."""
        for array, held in self.stacked():
            if held is y:
                return array
        length = self.old.attributes.get("length")
        if length is None:  # of a while_loop, which gives something for all steps already
            length = ((*self.history, *self.results)[0].shape or (None,))[0]
        shape = None if y.shape is None else (length, *y.shape)
        self.ys.append(y)
        self.results.append(Symbol(shape, y.dtype, self.old.node, len(self.old.outputs) + len(self.ys)))
        return self.results[-1]

    def take(self, arrays: Mapping[Any, Any]) -> None:
        """Take values of all steps for what the body computes."""
        xs = {y: y.copied() for y in arrays}
        self.body = Program(
            self.body.inputs,
            substituted(self.body.outputs, xs),
            [
                Instruction(i.op, substituted(i.inputs, xs), i.attributes, i.outputs, i.node)
                for i in self.body.instructions
            ],
        )
        self.ys = list(self.body.outputs[self.flow.n_carry :])
        self.xs = (*self.xs, *xs.values())
        self.elements.extend(arrays.values())

    def instruction(self) -> Instruction:
        """The loop as it is now, with what it needs alone."""
        n = self.flow.n_carry
        body = Program(
            (*self.carry, *self.xs, *self.constants), (*self.body.outputs[:n], *self.ys), self.body.instructions
        )
        flow = replace(self.flow, programs=(*self.flow.programs[:-1], body))
        if self.old.op.name == "scan":
            flow = replace(flow, n_xs=len(self.xs))
        old = self.old
        outputs = (*self.last, *self.results, *self.history)
        inputs = (*old.inputs[:n], *self.elements, *self.around)
        whole = Instruction(old.op, inputs, {**old.attributes, "flow": flow}, outputs, old.node)
        made: Instruction = flow.pruned(whole, [True] * len(outputs))
        return made


def _share(earlier: _Loop, later: _Loop) -> bool:
    """Give one loop what it needs of what another has computed; whether there is anything."""
    found = _same_values(earlier, later)
    moving: set[Any] = set(earlier.carry)
    for i in earlier.body.instructions:
        if not moving.isdisjoint(i.inputs):
            moving.update(i.outputs)
    makers = {y: i for i in later.body.instructions for y in i.outputs}
    pending = [x for i in later.body.instructions if not found.keys() >= set(i.outputs) for x in i.inputs]
    pending += later.body.outputs
    needed: dict[Any, Any] = {}
    while pending:
        x = pending.pop()
        if x not in found or found[x] not in moving or x in needed:
            continue  # its own, or depends on elements alone: then it can be computed for all steps at once
        if makers[x].op.name in _VIEWS or x.weak:
            pending.extend(makers[x].inputs)
        else:
            needed[x] = found[x]
    if needed:
        later.take({x: earlier.given(y) for x, y in needed.items()})
    return bool(needed)


def _same_values(earlier: _Loop, later: _Loop) -> dict[Any, Any]:
    """What the body of one loop computes as that of another does: its values to the other's."""
    held: dict[Any, Any] = {}
    for array, y in (*earlier.stacked(), *zip(earlier.around, earlier.constants, strict=True)):
        held.setdefault(array, y)
    given = zip((*later.elements, *later.around), (*later.xs, *later.constants), strict=True)
    same = {x: held[array] for array, x in given if type(array) is Symbol and array in held}
    known = {key_of(i): i.outputs for i in earlier.body.instructions}
    found: dict[Any, Any] = {}
    for i in later.body.instructions:
        if all(x in same for x in i.inputs if type(x) is Symbol):
            key = key_of(Instruction(i.op, substituted(i.inputs, same), i.attributes, i.outputs, i.node))
            if key is not None and key in known:
                found.update(zip(i.outputs, known[key], strict=True))
                same.update(found)
    return found
