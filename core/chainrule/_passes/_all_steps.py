"""What operations of a loop's body come to for all its steps at once, and for the sum over its steps.

A value that differs from step to step has the steps along a new first axis: it is *stacked*. Others are as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from chainrule import ops
from chainrule._dim import has_dim
from chainrule._dispatch import apply
from chainrule._graph import Instruction
from chainrule._symbol import Symbol
from chainrule._tensor import Tensor

Length = Any  # an int, or a size that is not known yet
AllSteps = Callable[[Sequence[Any], Length], Tensor]
Sum = Callable[["Values", Length], Tensor]
_Rule = Callable[[Instruction, Sequence[bool]], AllSteps | None]


def for_all_steps(instruction: Instruction, stacked: Sequence[bool]) -> AllSteps | None:
    """How to compute what an instruction gives in all steps, stacked; None if only step by step.

    Args:
        instruction: of a loop's body.
        stacked: which of its inputs differ from step to step.

    Returns:
        A function of the inputs, those stacked that are, and the number of steps.
    """
    op = instruction.op
    symbols = [x for x in (*instruction.inputs, *instruction.outputs) if type(x) is Symbol]
    if op.multiple or any(s.shape is None or has_dim(s.shape) for s in symbols):
        return None
    if any(map(has_dim, (*instruction.attributes.values(), *instruction.inputs))):
        return None
    rule = _RULES.get(op.name)
    if rule is None and op.elementwise and not op.effect and (op.broadcasts or len(instruction.inputs) == 1):
        rule = _elementwise
    return None if rule is None else rule(instruction, stacked)


def _rank(x: Any) -> int:
    return len(x.shape or ()) if type(x) is Symbol else 0


def _raised(value: Any, shape: Sequence[int], rank: int, n: Length) -> Any:
    """A stacked value with axes of length 1 after that of the steps, so that it broadcasts as in one step."""
    lead = rank - len(shape)
    return value if lead <= 0 else ops.reshape(value, shape=(n, *(1,) * lead, *shape))


def _elementwise(instruction: Instruction, stacked: Sequence[bool]) -> AllSteps:
    rank = _rank(instruction.outputs[0])

    def run(values: Sequence[Any], n: Length) -> Any:
        raised = [
            _raised(v, x.shape, rank, n) if s else v
            for v, x, s in zip(values, instruction.inputs, stacked, strict=True)
        ]
        return apply(instruction.op, tuple(raised), instruction.attributes)

    return run


def _matmul(instruction: Instruction, stacked: Sequence[bool]) -> AllSteps:
    a, b = instruction.inputs
    shape = instruction.outputs[0].shape
    assert shape is not None

    def rows(values: Sequence[Any], n: Length) -> Any:
        """One product: the rows of all steps below each other."""
        x, w = values
        if _rank(a) > 1:
            x = ops.reshape(x, shape=(n * math.prod(a.shape[:-1]), a.shape[-1]))
        y = ops.matmul(x, w)
        return y if y.ndim == 1 + len(shape) else ops.reshape(y, shape=(n, *shape))

    def products(values: Sequence[Any], n: Length) -> Any:
        """A stack of products."""
        rank = max(_rank(a), _rank(b), 2)
        sides = []
        for value, x, s, row in zip(values, (a, b), stacked, (True, False), strict=True):
            full = x.shape if len(x.shape) > 1 else (1, *x.shape) if row else (*x.shape, 1)
            lead = (n, *(1,) * (rank - len(full))) if s else ()
            sides.append(ops.reshape(value, shape=(*lead, *full)))
        return ops.reshape(ops.matmul(*sides), shape=(n, *shape))

    return rows if tuple(stacked) == (True, False) and _rank(b) <= 2 else products


def _reduction(instruction: Instruction, stacked: Sequence[bool]) -> AllSteps | None:
    rank = _rank(instruction.inputs[0])
    axis = instruction.attributes["axis"]
    if axis is None:
        axis = tuple(range(rank))
    if not rank or axis == ():
        return None
    return _with(instruction, axis=tuple(_later(a) for a in axis) if type(axis) is tuple else _later(axis))


def _along_an_axis(instruction: Instruction, stacked: Sequence[bool]) -> AllSteps | None:
    axis = instruction.attributes["axis"]
    if axis is None or not _rank(instruction.inputs[0]):
        return None
    return _with(instruction, axis=tuple(map(_later, axis)) if type(axis) is tuple else _later(axis))


def _later(axis: int) -> int:
    return axis if axis < 0 else axis + 1


def _with(instruction: Instruction, **attributes: Any) -> AllSteps:
    return lambda values, n: apply(instruction.op, tuple(values), {**instruction.attributes, **attributes})


def _joined(instruction: Instruction, stacked: Sequence[bool]) -> AllSteps:
    axis = instruction.attributes["axis"]

    def run(values: Sequence[Any], n: Length) -> Any:
        full = [
            v if s else ops.broadcast_to(v, shape=(n, *x.shape))
            for v, x, s in zip(values, instruction.inputs, stacked, strict=True)
        ]
        return apply(instruction.op, tuple(full), {"axis": _later(axis)})

    return run


def _matrices(instruction: Instruction, stacked: Sequence[bool]) -> AllSteps | None:
    """Of matrices, and of stacks of matrices."""
    return _with(instruction)


def _reshape(instruction: Instruction, stacked: Sequence[bool]) -> AllSteps:
    return lambda values, n: ops.reshape(values[0], shape=(n, *(instruction.outputs[0].shape or ())))


def _broadcast(instruction: Instruction, stacked: Sequence[bool]) -> AllSteps:
    (x,), shape = instruction.inputs, instruction.outputs[0].shape or ()
    return lambda values, n: ops.broadcast_to(_raised(values[0], x.shape, len(shape), n), shape=(n, *shape))


def _sum_to(instruction: Instruction, stacked: Sequence[bool]) -> AllSteps:
    """Sums over the same axes; the shape that is left has no axes of length 1 in front of others that stay."""
    (x,), shape = instruction.inputs, instruction.outputs[0].shape or ()
    lead = _rank(x) - len(shape)
    full = (*(1,) * lead, *shape)

    def run(values: Sequence[Any], n: Length) -> Any:
        return ops.reshape(ops.sum_to(values[0], shape=(n, *full)), shape=(n, *shape))

    return run


def _permuted(instruction: Instruction, stacked: Sequence[bool]) -> AllSteps:
    rank = _rank(instruction.inputs[0])
    return _with(instruction, axes=(0, *(a % rank + 1 for a in instruction.attributes["axes"])))


def _taken(instruction: Instruction, stacked: Sequence[bool]) -> AllSteps | None:
    key = instruction.attributes["key"]
    if len(instruction.inputs) == 1:
        return _with(instruction, key=((None, None, None), *key))
    if key == ("array",) and tuple(stacked) == (False, True):  # rows of a table
        return _with(instruction) if instruction.inputs[1].dtype.kind != "bool" else None
    return None


_RULES: Final[Mapping[str, _Rule]] = {
    "where": _elementwise,
    "clip": _elementwise,
    "matmul": _matmul,
    "matrix_transpose": _matrices,
    "tril": _matrices,
    "triu": _matrices,
    "reshape": _reshape,
    "broadcast_to": _broadcast,
    "sum_to": _sum_to,
    "permute_dims": _permuted,
    "getitem": _taken,
    **dict.fromkeys(("concat", "stack"), _joined),
    **dict.fromkeys(("sum", "mean", "max", "min", "prod", "all", "any", "logsumexp", "var", "std"), _reduction),
    **dict.fromkeys(
        ("argmax", "argmin", "softmax", "log_softmax", "cumulative_sum", "cumulative_prod", "sort", "flip", "roll"),
        _along_an_axis,
    ),
}


# Sums over the steps


class Values(Protocol):
    """Values of a loop's body outside of it."""

    def value(self, x: Any) -> Any:
        """One stacked, or as it is in all steps."""

    def transposed(self, x: Any) -> Any:
        """The same with the last two axes changed round."""

    def total(self, x: Any) -> Any:
        """The sum of one over all steps."""


def sum_over_steps(instruction: Instruction, stacked: Sequence[bool]) -> Sum | None:
    """How to sum what an instruction gives over all steps, if there is a better way than to stack that.

    Args:
        instruction: of a loop's body, that `for_all_steps` has a rule for.
        stacked: which of its inputs differ from step to step.

    Returns:
        A function of the values outside of the loop and the number of steps.
    """
    rule = _SUM_RULES.get(instruction.op.name)
    return None if rule is None else rule(instruction, stacked)


def _sum_of_products(instruction: Instruction, stacked: Sequence[bool]) -> Sum | None:
    a, b = instruction.inputs
    if not _rank(a) == _rank(b) == 2:
        return None
    if not stacked[1]:
        return lambda values, n: ops.matmul(values.total(a), values.value(b))
    if not stacked[0]:
        return lambda values, n: ops.matmul(values.value(a), values.total(b))
    rows, inner = a.shape
    columns = b.shape[1]

    def one_product(values: Values, n: Length) -> Any:
        """The columns of all steps beside each other, times the rows below each other."""
        left = ops.matrix_transpose(ops.reshape(values.transposed(a), shape=(n * inner, rows)))
        return ops.matmul(left, ops.reshape(values.value(b), shape=(n * inner, columns)))

    return one_product


def _sum_of_sums(instruction: Instruction, stacked: Sequence[bool]) -> Sum | None:
    shape = instruction.outputs[0].shape
    if len(stacked) > 1 and not all(s and x.shape == shape for x, s in zip(instruction.inputs, stacked, strict=True)):
        return None
    return lambda values, n: apply(instruction.op, tuple(map(values.total, instruction.inputs)), instruction.attributes)


def _sum_to_less(instruction: Instruction, stacked: Sequence[bool]) -> Sum:
    x, y = instruction.inputs[0], instruction.outputs[0]
    return lambda values, n: ops.sum_to(values.value(x), shape=y.shape)


def _sum_of_scattered(instruction: Instruction, stacked: Sequence[bool]) -> Sum | None:
    """Rows added to a table: those of all steps at once."""
    values, *indices = instruction.inputs
    rows = instruction.attributes["shape"][1:]
    if instruction.attributes["key"] != ("array",) or not all(stacked) or values.shape != (*indices[0].shape, *rows):
        return None
    return lambda outside, n: apply(
        instruction.op, tuple(map(outside.value, instruction.inputs)), instruction.attributes
    )


def _sum_of_rows(instruction: Instruction, stacked: Sequence[bool]) -> Sum | None:
    """The same for rows of a table in one long list."""
    if not all(stacked):
        return None

    def at_once(values: Values, n: Length) -> Any:
        lists = [ops.reshape(values.value(x), shape=(n * x.shape[0], *x.shape[1:])) for x in instruction.inputs]
        return apply(instruction.op, tuple(lists), instruction.attributes)

    return at_once


SUMS: Final = frozenset({"add", "subtract", "negative", "matrix_transpose", "permute_dims"})  # of the inputs' sums
_SUM_RULES: Final[Mapping[str, Callable[[Instruction, Sequence[bool]], Sum | None]]] = {
    "matmul": _sum_of_products,
    **dict.fromkeys(SUMS, _sum_of_sums),
    "sum_to": _sum_to_less,
    "scatter_add": _sum_of_scattered,
    "scatter_add_rows": _sum_of_rows,
}
