"""Products and arrangements of matrices that are made of other operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule import ArgumentError, ShapeError, Tensor, as_tensor, ops
from chainrule_linalg._solve import inv


def trace(x: Any, offset: int = 0, dtype: Any = None) -> Tensor:
    """The sums of the diagonals of matrices.

    Args:
        x: `(..., m, n)`.
        offset: which diagonal: above the main one if positive, below it if negative.
        dtype: of the result; by default that of `x`, 64 bits for small integers.

    >>> import chainrule as cr
    >>> cr.linalg.trace(cr.tensor([[1.0, 2.0], [3.0, 4.0]]), offset=1)
    Tensor(2.0, float64)
    """
    result: Tensor = ops.sum(ops.diagonal(x, offset), axis=-1, dtype=dtype)
    return result


def cross(a: Any, b: Any, axis: int = -1) -> Tensor:
    """The cross products of vectors in three dimensions.

    Args:
        a, b: arrays that broadcast, with length 3 along the axis.
        axis: counted in the shape that they broadcast to.

    Raises:
        ShapeError: an axis is not of length 3.

    >>> import chainrule as cr
    >>> cr.linalg.cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    Tensor([0., 0., 1.], float64)
    """
    a, b = as_tensor(a), as_tensor(b)
    last = axis if axis < 0 else axis - max(a.ndim, b.ndim)
    for x in (a, b):
        if not -x.ndim <= last < 0 or (type(x.shape[last]) is int and x.shape[last] != 3):
            raise ShapeError(f"cross: expected length 3 along axis {axis}, got shapes {a.shape} and {b.shape}")
    a, b = ops.broadcast_arrays(a, b)
    if type(a.shape[last]) is not int:
        at = last + a.ndim
        a, b = (ops.reshape(x, shape=(*x.shape[:at], 3, *x.shape[at + 1 :])) for x in (a, b))  # which has to be so
    a1, a2 = ops.roll(a, shift=-1, axis=axis), ops.roll(a, shift=-2, axis=axis)
    b1, b2 = ops.roll(b, shift=-1, axis=axis), ops.roll(b, shift=-2, axis=axis)
    result: Tensor = a1 * b2 - a2 * b1
    return result


def matrix_power(a: Any, n: int) -> Tensor:
    """Square matrices to an integer power, by repeated squaring; of the inverse if it is negative.

    Args:
        a: `(..., n, n)`.
        n: the exponent.

    Raises:
        ShapeError: they are not square.
        ArgumentError: `n` is not an integer, or a matrix without an inverse is to have one.

    >>> import chainrule as cr
    >>> cr.linalg.matrix_power([[1.0, 1.0], [0.0, 1.0]], 5)
    Tensor([[1., 5.],
            [0., 1.]], float64)
    """
    a = as_tensor(a)
    try:
        exponent = n.__index__()
    except AttributeError:
        raise ArgumentError(f"matrix_power: n: expected an integer, got {n!r}") from None
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ShapeError(f"matrix_power: expected square matrices, got shape {a.shape}")
    power: Tensor
    if exponent == 0:
        power = ops.tril(ops.triu(ops.ones_like(a)))
        return power
    if exponent < 0:
        a, exponent = inv(a), -exponent
    power = a
    for digit in f"{exponent:b}"[1:]:
        power = power @ power
        if digit == "1":
            power = power @ a
    return power


def multi_dot(arrays: Sequence[Any]) -> Tensor:
    """The product of several matrices, in the order of multiplication that needs the least arithmetic.

    Args:
        arrays: matrices; the first and the last may be vectors, a row and a column.

    Raises:
        ArgumentError: there are none.
        ShapeError: they do not multiply.

    >>> import chainrule as cr
    >>> cr.linalg.multi_dot([cr.ones((2, 3)), cr.ones((3, 4)), cr.ones(4)])
    Tensor([12., 12.], float64)
    """
    tensors = [as_tensor(x) for x in arrays]
    if not tensors:
        raise ArgumentError("multi_dot: expected at least one matrix, got none")
    for i, x in enumerate(tensors):
        ends = i in (0, len(tensors) - 1)
        if x.ndim != 2 and not (ends and x.ndim == 1):
            raise ShapeError(f"multi_dot: matrix {i}: expected 2 dimensions, got shape {x.shape}")
    first, last = tensors[0], tensors[-1]
    rows = [first.shape[0] if first.ndim == 2 else 1, *(x.shape[0] for x in tensors[1:])]
    lengths = [*rows, last.shape[1] if last.ndim == 2 else 1]
    return _product(tensors, _cheapest(lengths), 0, len(tensors) - 1)


def _cheapest(lengths: list[int]) -> dict[tuple[int, int], int]:
    """Where to part each run of matrices, by the cost of the best way to multiply the runs within it."""
    n = len(lengths) - 1
    cost: dict[tuple[int, int], int] = {(i, i): 0 for i in range(n)}
    parted = {}
    for span in range(1, n):
        for i in range(n - span):
            j = i + span
            parts = [
                (cost[i, k] + cost[k + 1, j] + lengths[i] * lengths[k + 1] * lengths[j + 1], k) for k in range(i, j)
            ]
            cost[i, j], parted[i, j] = min(parts)
    return parted


def _product(tensors: list[Tensor], parted: dict[tuple[int, int], int], i: int, j: int) -> Tensor:
    if i == j:
        return tensors[i]
    k = parted[i, j]
    return _product(tensors, parted, i, k) @ _product(tensors, parted, k + 1, j)


def block_diag(*arrays: Any) -> Tensor:
    """The matrix with the given ones along its diagonal and zeros elsewhere.

    Args:
        *arrays: matrices; vectors are rows, numbers single elements.

    Raises:
        ArgumentError: there are none.
        ShapeError: one has more than two dimensions.

    >>> import chainrule as cr
    >>> cr.linalg.block_diag([[1.0, 2.0]], 3.0)
    Tensor([[1., 2., 0.],
            [0., 0., 3.]], float64)
    """
    blocks = [ops.atleast_2d(x) for x in arrays]
    if not blocks:
        raise ArgumentError("block_diag: expected at least one matrix, got none")
    for x in blocks:
        if x.ndim > 2:
            raise ShapeError(f"block_diag: expected at most 2 dimensions, got shape {x.shape}")
    width = sum(x.shape[1] for x in blocks)
    rows, start = [], 0
    for x in blocks:
        left = ops.zeros_like(x, shape=(x.shape[0], start))
        right = ops.zeros_like(x, shape=(x.shape[0], width - start - x.shape[1]))
        rows.append(ops.concat([left, x, right], axis=1))
        start += x.shape[1]
    result: Tensor = ops.concat(rows, axis=0)
    return result
