"""Leave out operations that change nothing, and do with fewer where several come to one.

The identities hold for every value, infinities and NaN among them; see the modules that they are in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from chainrule._backend import Backend
from chainrule._graph import Instruction
from chainrule._passes._algebra import ALGEBRA
from chainrule._passes._coefficients import COEFFICIENTS
from chainrule._passes._products import PRODUCTS
from chainrule._passes._rewrite import SPREAD, Found, Producers, Rule, rewrite
from chainrule._passes._scatters import SCATTERS
from chainrule._passes._shapes import SHAPES, without_broadcast
from chainrule._passes._splats import splats
from chainrule._program import Program
from chainrule._symbol import Symbol


def simplification(program: Program, backend: Backend) -> Program:
    """The program without operations that change nothing, and with fewer where several come to one."""
    return rewrite(program, _simpler, backend)


def _simpler(instruction: Instruction, producers: Producers) -> Found:
    inputs = instruction.inputs
    rules = _RULES.get(instruction.op.name, ())
    makers = set()
    for x in inputs:
        if type(x) is not Symbol:
            makers.add("number")
        elif (maker := producers.get(x)) is not None:
            makers.add(maker.op.name)
    if len(inputs) == 2 and inputs[0] is inputs[1]:
        makers.add("same")
    for rule, openings in rules:
        if openings is None or not openings.isdisjoint(makers):
            found = rule(instruction, producers)
            if found is not None:
                return found
    if instruction.op.multiple or SPREAD.isdisjoint(makers):
        return None
    found = splats(instruction, producers)
    return found if found is not None else without_broadcast(instruction, producers)


_TABLES: Final = (ALGEBRA, COEFFICIENTS, SHAPES, PRODUCTS, SCATTERS)
_RULES: Final[Mapping[str, Sequence[tuple[Rule, frozenset[str] | None]]]] = {
    name: tuple(pair for table in _TABLES for pair in table.get(name, {}).items())
    for table in _TABLES
    for name in table
}
