"""Leave out operations that change nothing, and do with fewer where several come to one.

The identities hold for every value, infinities and NaN among them; see the modules that they are in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from chainrule._backend import Backend
from chainrule._graph import Instruction
from chainrule._passes._algebra import ALGEBRA
from chainrule._passes._products import PRODUCTS
from chainrule._passes._rewrite import Found, Producers, Rule, rewrite
from chainrule._passes._scatters import SCATTERS
from chainrule._passes._shapes import SHAPES, without_broadcast
from chainrule._passes._splats import splats
from chainrule._program import Program


def simplification(program: Program, backend: Backend) -> Program:
    """The program without operations that change nothing, and with fewer where several come to one."""
    return rewrite(program, _simpler, backend)


def _simpler(instruction: Instruction, producers: Producers) -> Found:
    if not instruction.inputs:
        return None
    for rule in _RULES.get(instruction.op.name, ()):
        found = rule(instruction, producers)
        if found is not None:
            return found
    if instruction.op.multiple:
        return None
    found = splats(instruction, producers)
    return found if found is not None else without_broadcast(instruction, producers)


_TABLES: Final = (ALGEBRA, SHAPES, PRODUCTS, SCATTERS)
_RULES: Final[Mapping[str, Sequence[Rule]]] = {
    name: tuple(rule for table in _TABLES for rule in table.get(name, ())) for table in _TABLES for name in table
}
