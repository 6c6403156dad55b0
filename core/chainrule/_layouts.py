"""How values lie in memory, where it is better than in order of their axes.

A stack of products whose axes are exchanged, and then joined in a reshape, is computed right into the order that the
reshape needs: no copy puts it there afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chainrule._graph import Instruction
from chainrule._program import Program
from chainrule._symbol import Symbol

Order = tuple[int, ...]
"""Axes of an array, in the order in which it lies in memory: the last varies fastest."""


def layouts(program: Program, body: Sequence[Instruction]) -> Mapping[Symbol, Order]:
    """The order of axes of values that are better not in order."""
    if not any(i.op.name == "permute_dims" for i in body):
        return {}
    uses: dict[Any, list[Instruction | None]] = {}
    for i in body:
        for x in i.inputs:
            uses.setdefault(x, []).append(i)
    for y in program.outputs:
        uses.setdefault(y, []).append(None)
    return {i.outputs[0]: order for i in body if i.op.name == "matmul" if (order := _order(i, uses)) is not None}


def _order(product: Instruction, uses: Mapping[Any, Sequence[Instruction | None]]) -> Order | None:
    """The order of axes that a product is read in, if that is another, and one that BLAS can write."""
    (y,) = product.outputs
    turn = _only(y, uses)
    if turn is None or turn.op.name != "permute_dims":
        return None
    reshape = _only(turn.outputs[0], uses)
    if reshape is None or reshape.op.name != "reshape":
        return None
    rank = len(turn.attributes["axes"])
    order = tuple([axis % rank for axis in turn.attributes["axes"]])
    return order if order[-1] >= rank - 2 and order != tuple(range(rank)) else None


def _only(x: Any, uses: Mapping[Any, Sequence[Instruction | None]]) -> Instruction | None:
    """The instruction that alone takes a value."""
    found = uses.get(x, ())
    return found[0] if len(found) == 1 else None
