"""Add products of matrices to what they change, by one operation: an update of weights by gradient descent.

Only where the backend has a kernel of its own for that. It runs after products that are the same have become one.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from chainrule import _registry
from chainrule._backend import Backend
from chainrule._graph import Instruction
from chainrule._op import Op
from chainrule._passes._rewrite import Found, Producers, instead, rewrite
from chainrule._passes._shapes import is_plain
from chainrule._program import Program
from chainrule._symbol import Symbol

_NAME = "add_product"


def product_updates(program: Program, backend: Backend) -> Program:
    """The program with sums of an input and a multiple of a product as one operation."""
    function: Any = _registry.ops.get(_NAME)
    if function is None or not _registry.has_own_kernel(function.op, backend):
        return program
    return rewrite(program, partial(_of_one_operation, function.op), backend)


def _of_one_operation(op: Op, instruction: Instruction, producers: Producers) -> Found:
    """`x + factor * (a @ b)`, and `x - ...`, of an `x` that comes into the program, as this operation."""
    if instruction.op.name not in ("add", "subtract"):
        return None
    x, change = instruction.inputs
    (y,) = instruction.outputs
    if not is_plain(x, change, y) or x in producers:
        return None
    factor = -1.0 if instruction.op.name == "subtract" else 1.0
    scaled = producers.made(change, "multiply")
    if scaled is not None and producers.used_once(change):
        number, change = scaled.inputs if type(scaled.inputs[1]) is Symbol else reversed(scaled.inputs)
        if type(number) not in (int, float):
            return None
        factor *= number
    product = producers.made(change, "matmul")
    if product is None or not producers.used_once(change):
        return None
    if y.dtype.kind not in ("float", "complex") or y.dtype.bits < 32:  # a BLAS has no shorter ones
        return None
    a, b = product.inputs
    if not is_plain(a, b) or any(len(z.shape) != 2 or z.dtype != y.dtype for z in (x, a, b)) or x.shape != y.shape:
        return None
    return instead(op, (x, a, b), instruction, factor=factor)
