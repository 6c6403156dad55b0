"""Leave out operations that change nothing, and do with fewer where several come to one.

The identities hold for every value, infinities and NaN among them; see the modules that they are in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from chainrule._backend import Backend
from chainrule._graph import Instruction
from chainrule._passes._algebra import ALGEBRA, OPENINGS, SPREAD
from chainrule._passes._coefficients import COEFFICIENTS
from chainrule._passes._products import PRODUCTS
from chainrule._passes._rewrite import Found, Producers, Rule, rewrite
from chainrule._passes._scatters import SCATTERS
from chainrule._passes._shapes import SHAPES, without_broadcast
from chainrule._passes._splats import splats
from chainrule._program import Program
from chainrule._symbol import Symbol


def simplification(program: Program, backend: Backend) -> Program:
    """The program without operations that change nothing, and with fewer where several come to one."""
    return rewrite(program, _simpler, backend)


def _simpler(instruction: Instruction, producers: Producers) -> Found:
    name = instruction.op.name
    makers = OPENINGS.get(name)
    opened, spread = makers is None or len(set(instruction.inputs)) < len(instruction.inputs), False
    for x in instruction.inputs:
        if type(x) is not Symbol:
            opened = True
        elif (maker := producers.get(x)) is not None:
            made_by = maker.op.name
            spread = spread or made_by in SPREAD
            opened = opened or made_by in makers  # type: ignore[operator]  # None is open already
    if opened or spread:
        for rule in _RULES.get(name, ()):
            found = rule(instruction, producers)
            if found is not None:
                return found
    if not spread or instruction.op.multiple:
        return None
    found = splats(instruction, producers)
    return found if found is not None else without_broadcast(instruction, producers)


_TABLES: Final = (ALGEBRA, COEFFICIENTS, SHAPES, PRODUCTS, SCATTERS)
_RULES: Final[Mapping[str, Sequence[Rule]]] = {
    name: tuple(rule for table in _TABLES for rule in table.get(name, ())) for table in _TABLES for name in table
}
