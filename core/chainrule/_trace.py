"""`Trace`: the graph of a function that is traced for one call, and then done with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from chainrule import _backends, _context
from chainrule._graph import Body
from chainrule._passes.dead_code import has_effect
from chainrule._program import Program, reads, size_owners
from chainrule._replay import building
from chainrule._symbol import Symbol
from chainrule._symbolic import SYMBOLIC
from chainrule._tensor import Tensor
from chainrule._variable import Variable
from chainrule.infer import Spec


class Trace(Body):
    """The graph of a function that is traced for one call: tensors from outside come in as they are, with histories."""

    def __init__(self, what: str) -> None:
        self._around = _context.current()
        super().__init__(what, outer=self._around.graph)
        self._outside: dict[Any, tuple[Tensor, Symbol]] = {}

    @contextmanager
    def under_way(self, like: Sequence[Tensor]) -> Iterator[None]:
        """While the function runs; arrays that it makes are of the backend of these tensors."""
        concrete = next((x for x in like if x._backend is not SYMBOLIC), None)
        home = nullcontext() if concrete is None else _backends.use(concrete._backend, concrete.device)
        with building(self), home:
            yield

    def constant(self, value: Tensor, own: bool = False) -> Tensor:
        """See `Graph.constant`: it comes in as it is."""
        key = (id(value._value), id(value._node), value._index)
        known = self._outside.get(key)
        if known is None:
            symbol = self.input(Spec(value.shape, value.dtype), "outside")._value
            known = self._outside[key] = value, symbol
        return known[1].tensor

    def read(self, variable: Variable) -> Tensor:
        """See `Graph.read`: its value comes in."""
        if id(variable) not in self._state:
            token = _context.enter(self._around)
            try:
                value = variable.read()
            finally:
                _context.leave(token)
            self._state[id(variable)] = self.lifted(value)
        return super().read(variable)

    def program(self, outputs: Sequence[Tensor]) -> Program:
        """The program of some results: from all that comes in. Loops keep what their gradients need."""
        whole = Program(self.inputs, [y._value for y in outputs], self.nodes)
        owners = size_owners(whole)
        needed = set(whole.outputs)
        kept = []
        for instruction in reversed(whole.instructions):
            if not needed.isdisjoint(instruction.outputs) or has_effect(instruction):
                kept.append(instruction)
                needed.update(reads(instruction, owners))
        return Program(whole.inputs, whole.outputs, reversed(kept))

    def given(self, own: Sequence[Tensor], values: Sequence[Any]) -> list[Any]:
        """What the program is given: values for its own inputs, and what comes in from outside."""
        found = {x._value: value for x, value in zip(own, values, strict=True)}
        found |= {symbol: value for value, symbol in self._outside.values()}
        found |= {inner: outer.tensor for outer, inner in self.captures.items()}
        return [found[x] for x in self.inputs]

    def end(self) -> None:
        """Let go of what was traced, whose parts hold each other: none of it is left for the garbage collector."""
        for node in self.nodes:
            for symbol in node.outputs:
                del symbol.tensor
            del node.outputs, node.node
        for held in (self.nodes, self._by_name, self._reads, self.inputs, self.captures, self._state, self._outside):
            held.clear()
