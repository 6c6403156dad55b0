"""Identities of matrix products: transposes, axes of length 1, and stacks of matrices that are one large matrix."""

from __future__ import annotations

import math
from typing import Any, Final

from chainrule._graph import Instruction
from chainrule._passes._rewrite import ALWAYS, Found, Producers, Rules, instead, made
from chainrule._passes._shapes import is_plain
from chainrule._symbol import Symbol


def _transposed_product(instruction: Instruction, producers: Producers) -> Found:
    """`(A.T @ B).T` is `B.T @ A`: a transpose fewer, and none of the result, which would be read against its order."""
    (x,) = instruction.inputs
    inner = producers.made(x, "matmul")
    if inner is None or not producers.used_once(x) or not is_plain(*inner.inputs, x):
        return None
    a, b = inner.inputs
    if len(a.shape) < 2 or len(b.shape) < 2:
        return None
    if producers.made(a, "matrix_transpose") is None and producers.made(b, "matrix_transpose") is None:
        return None
    left, right = made(instruction.op, (b,), instruction), made(instruction.op, (a,), instruction)
    return [left, right, instead(inner.op, (left.outputs[0], right.outputs[0]), instruction)]


def _matrix_of_a_vector(instruction: Instruction, producers: Producers) -> Found:
    """A product with a vector that was made a matrix of one column is the product with the vector."""
    a, b = instruction.inputs
    (y,) = instruction.outputs
    inner = producers.made(b, "reshape")
    reshape = producers.op("reshape")
    if inner is None or reshape is None or not is_plain(a, b, y) or len(a.shape) != 2:
        return None
    (v,) = inner.inputs
    if not is_plain(v) or len(b.shape) != 2 or b.shape[1] != 1 or len(v.shape) != 1:
        return None
    step = made(instruction.op, (a, v), instruction)
    return [step, instead(reshape, step.outputs, instruction, shape=y.shape)]


def _stack_by_matrix(instruction: Instruction, producers: Producers) -> Found:
    """A stack of matrices times one matrix is one product of a taller matrix."""
    a, b = instruction.inputs
    (y,) = instruction.outputs
    reshape = producers.op("reshape")
    if reshape is None or not is_plain(a, b, y) or len(a.shape) < 3 or len(b.shape) != 2 or 0 in a.shape:
        return None
    if producers.made(a, "matrix_transpose") is not None:  # its rows do not lie one after the other
        return None
    flat = made(reshape, (a,), instruction, shape=_flat(a))
    step = made(instruction.op, (flat.outputs[0], b), instruction)
    return [flat, step, instead(reshape, step.outputs, instruction, shape=y.shape)]


def _sum_of_products(instruction: Instruction, producers: Producers) -> Found:
    """The sum of `A[i].T @ B[i]` over a stack is one product, of all rows."""
    (x,), (y,) = instruction.inputs, instruction.outputs
    inner = producers.made(x, "matmul")
    turn = None if inner is None else producers.made(inner.inputs[0], "matrix_transpose")
    reshape = producers.op("reshape")
    if inner is None or turn is None or reshape is None or not producers.used_once(x) or not is_plain(x, y):
        return None
    (a,), b = turn.inputs, inner.inputs[1]
    if not is_plain(a, b) or len(a.shape) < 3 or 0 in a.shape:
        return None
    if a.shape[:-1] != b.shape[:-1] or y.shape != x.shape[-2:]:
        return None
    left = made(reshape, (a,), instruction, shape=_flat(a))
    right = made(reshape, (b,), instruction, shape=_flat(b))
    left_turned = made(turn.op, left.outputs, instruction)
    return [left, right, left_turned, instead(inner.op, (*left_turned.outputs, *right.outputs), instruction)]


def _flat(x: Symbol) -> tuple[Any, ...]:
    """The shape of a stack of matrices as one matrix of all their rows."""
    assert x.shape is not None
    return math.prod(x.shape[:-1]), x.shape[-1]


PRODUCTS: Final[Rules] = {
    "matrix_transpose": {_transposed_product: frozenset({"matmul"})},
    "matmul": {_matrix_of_a_vector: frozenset({"reshape"}), _stack_by_matrix: ALWAYS},
    "sum_to": {_sum_of_products: frozenset({"matmul"})},
}
