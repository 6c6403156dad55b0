"""What operations that hold programs share: leaving out what nobody uses, and overrides that reach inside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from chainrule._graph import Instruction
from chainrule._op import REQUIRED, Op
from chainrule._owner import ENGINE
from chainrule._passes.dead_code import dead_code
from chainrule._program import Program, once
from chainrule._symbol import Symbol

Overrides = Mapping[Any, Any]


def inexact(symbols: Sequence[Symbol]) -> tuple[int, ...]:
    return tuple(i for i, symbol in enumerate(symbols) if symbol.dtype.is_inexact)


def narrowed(program: Program, outputs: Sequence[bool], backend: Any = None) -> Program:
    """A program with some of its outputs alone."""
    kept = [y for y, used in zip(program.outputs, outputs, strict=True) if used]
    return dead_code(Program(program.inputs, kept, program.instructions), backend)


def used_inputs(program: Program) -> list[bool]:
    """Which inputs a program reads."""
    read = {x for i in program.instructions for x in i.inputs if type(x) is Symbol} | set(program.outputs)
    return [x in read for x in program.inputs]


def taking(program: Program, inputs: Sequence[bool]) -> Program:
    """A program without the inputs it does not read."""
    return Program(chosen(program.inputs, inputs), program.outputs, program.instructions)


def chosen(things: Sequence[Any], which: Sequence[bool]) -> list[Any]:
    return [thing for thing, chosen in zip(things, which, strict=True) if chosen]


def again(instruction: Instruction, inputs: Sequence[Any], attributes: Mapping[str, Any], outputs: Any) -> Instruction:
    return Instruction(instruction.op, tuple(inputs), attributes, tuple(outputs), instruction.node)


class Flow:
    """What all of them share."""

    programs: tuple[Program, ...]
    label: str

    def __repr__(self) -> str:
        return f"<{self.label}>"

    def silent(self) -> Any:
        """The same without effects: it has run once already."""
        programs = tuple(once(program, frozenset(program.instructions)) for program in self.programs)
        return replace(self, programs=programs)  # type: ignore[type-var]  # all are dataclasses with this field


class Overridable(Flow):
    """Those whose programs gradient-time overrides reach into."""

    def overridden(self, overrides: Overrides) -> Any:
        """The same, with these in force when its gradient is taken."""
        return replace(self, overrides=overrides)  # type: ignore[type-var]  # all are dataclasses with this field


def reaching(program: Program, overrides: Overrides | None) -> Overrides | None:
    """Those of gradient-time overrides that select something in a program."""
    if not overrides:
        return None
    from chainrule._overrides import selects_in

    return {selector: gradient for selector, gradient in overrides.items() if selects_in(selector, program)} or None


def placed(wanted: Sequence[int], found: Sequence[Any], count: int, first: int = 0) -> list[Any]:
    """Cotangents at the places of the inputs they belong to, which are counted from `first`; None for the others."""
    parts: list[Any] = [None] * count
    for i, part in zip(wanted, found, strict=True):
        parts[first + i] = part
    return parts


def flow_op(name: str, gradient: Callable[..., Any], infer: Callable[..., Any], *more: str) -> Op:
    """An operation that holds programs, in its attribute `flow`, and further attributes."""
    return Op(
        name,
        None,
        infer,
        gradient,
        attributes=dict.fromkeys(("flow", *more), REQUIRED),
        multiple=True,
        holomorphic=False,
        build=lambda instruction, backend: instruction.attributes["flow"].kernel(backend),
        owner=ENGINE,
    )
