"""What a loop takes element by element: numbers are taken as numbers, and sums and products of elements made inside."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from chainrule._dim import has_dim
from chainrule._graph import Instruction
from chainrule._graph_ops import FULL
from chainrule._program import Program
from chainrule._symbol import Symbol

CHEAP: Final = frozenset(
    {
        *("add", "subtract", "multiply", "negative", "square", "abs", "maximum", "minimum", "where", "logical_not"),
        *("equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_and", "logical_or"),
    }
)  # to compute these is no dearer than to read what they gave from memory
LARGE: Final = 2**11  # elements of a step, from which on the call itself is the smaller part of what it takes

Makers = Mapping[Any, tuple[int, Instruction]]
"""Where in a program a value is made, and the instruction."""


def with_elements_inside(loop: Instruction, makers: Makers) -> tuple[list[Instruction], Instruction]:
    """A scan that computes elements itself where it needs no more of them for it, and what comes before it."""
    elements = _Elements(loop, makers)
    for x in list(elements.xs):
        pending = [x]
        while pending:
            pending += elements.draw_in(pending.pop())
    return elements.before, elements.loop() if elements.inside else loop


class _Elements:
    """A scan's elements and constants, by the symbols that its body has for them, and what is computed from them."""

    def __init__(self, loop: Instruction, makers: Makers) -> None:
        self.old = loop
        self.flow = flow = loop.attributes["flow"]
        self.makers = makers
        n, stop = flow.n_carry, flow.n_carry + flow.n_xs
        self.xs = dict(zip(flow.program.inputs[n:stop], loop.inputs[n:stop], strict=True))
        self.constants = dict(zip(flow.program.inputs[stop:], loop.inputs[stop:], strict=True))
        self.before: list[Instruction] = []
        self.inside: list[tuple[int, Instruction]] = []

    def loop(self) -> Instruction:
        """The scan as it is now."""
        n, old = self.flow.n_carry, self.flow.program
        inside = [i for _, i in sorted(self.inside, key=lambda placed: placed[0])]
        program = Program([*old.inputs[:n], *self.xs, *self.constants], old.outputs, [*inside, *old.instructions])
        flow = replace(self.flow, programs=(program,), n_xs=len(self.xs))
        inputs = (*self.old.inputs[:n], *self.xs.values(), *self.constants.values())
        return Instruction(self.old.op, inputs, {**self.old.attributes, "flow": flow}, self.old.outputs, self.old.node)

    def draw_in(self, x: Symbol) -> list[Symbol]:
        """Compute an element inside if it can be; the elements that this takes."""
        whole = self.xs[x]
        place, maker = self.makers.get(whole, (0, None))
        if maker is None or x.shape is None or has_dim(x.shape):
            return []
        if maker.op is FULL:
            attributes = {**maker.attributes, "shape": x.shape}
            self.inside.append((place, Instruction(FULL, (), attributes, (x,), maker.node)))
            del self.xs[x]
            return []
        reshaped = maker if maker.op.name == "reshape" else None
        if reshaped is not None:
            place, maker = self.makers.get(reshaped.inputs[0], (0, None))
        if maker is None or maker.op.name not in CHEAP or math.prod(x.shape) < LARGE:
            return []
        kinds = [_kind(v, maker.outputs[0], whole) for v in maker.inputs]
        rows = {v for v, kind in zip(maker.inputs, kinds, strict=True) if kind == "row"}
        if "other" in kinds or not rows or len(rows - set(self.xs.values())) > 1:
            return []
        known = {v: inner for table in (self.xs, self.constants) for inner, v in table.items()}
        taken: list[Symbol] = []
        inputs: list[Any] = []
        for v, kind in zip(maker.inputs, kinds, strict=True):
            if kind != "number" and v not in known:
                if kind == "row":
                    known[v] = Symbol(v.shape[1:] if reshaped is None else x.shape, v.dtype, v.node, v.index)
                    self.xs[known[v]] = v if reshaped is None else self._reshaped(v, reshaped)
                    taken.append(known[v])
                else:
                    known[v] = v.copied()
                    self.constants[known[v]] = v
            inputs.append(v if kind == "number" else known[v])
        self.inside.append((place, Instruction(maker.op, tuple(inputs), maker.attributes, (x,), maker.node)))
        del self.xs[x]
        return taken

    def _reshaped(self, v: Symbol, reshaped: Instruction) -> Symbol:
        """A value before the loop in the shape that its elements are taken of."""
        (like,) = reshaped.outputs
        y = Symbol(like.shape, v.dtype, v.node, v.index)
        self.before.append(Instruction(reshaped.op, (v,), {"shape": like.shape}, (y,), reshaped.node))
        return y


def _kind(v: Any, y: Symbol, whole: Symbol) -> str:
    """What an input of an elementwise operation is to the steps of a loop that takes the result, or that reshaped.

    Returns:
        A "number", a "constant" in all steps, a "row" of it in each, or something "other".
    """
    if type(v) is not Symbol:
        return "number"
    if v.shape is None or y.shape is None or whole.shape is None:
        return "other"
    rank = len(v.shape)
    if y is whole:
        if rank < len(whole.shape):
            return "constant"
        return "row" if v.shape[0] == whole.shape[0] else "other"
    if v.shape == y.shape:
        return "row"
    same = not rank or (rank < len(whole.shape) and rank < len(y.shape) and y.shape[-rank:] == whole.shape[-rank:])
    return "constant" if same else "other"
