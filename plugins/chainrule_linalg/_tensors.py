"""Linear equations whose unknowns are arrays of any number of axes."""

from __future__ import annotations

from math import prod
from typing import Any

from chainrule import ArgumentError, ShapeError, Tensor, as_tensor, ops
from chainrule_linalg._solve import inv, solve


def tensorsolve(a: Any, b: Any, axes: tuple[int, ...] | None = None) -> Tensor:
    """The solution `x` of `tensordot(a, x, x.ndim) = b`.

    Derivatives: those of `solve`.

    Args:
        a: of the shape of `b`, followed by that of `x`, of as many elements.
        b: an array.
        axes: axes of `a` to move to its end first.

    Raises:
        ShapeError: the shapes do not fit.

    >>> import chainrule as cr
    >>> cr.linalg.tensorsolve(cr.reshape(cr.eye(4), (4, 2, 2)), [1.0, 2.0, 3.0, 4.0])
    Tensor([[1., 2.],
            [3., 4.]], float64)
    """
    a, b = as_tensor(a), as_tensor(b)
    if axes is not None:
        last = [i % a.ndim for i in axes]
        a = ops.permute_dims(a, axes=(*(i for i in range(a.ndim) if i not in last), *last))
    shape = a.shape[b.ndim :]
    if prod(shape) != b.size or a.size != b.size**2:
        raise ShapeError(f"tensorsolve: a of shape {a.shape} has no square matrix for b of shape {b.shape}")
    solved = solve(ops.reshape(a, shape=(b.size, b.size)), ops.ravel(b))
    result: Tensor = ops.reshape(solved, shape=shape)
    return result


def tensorinv(a: Any, ind: int = 2) -> Tensor:
    """The inverse `x` for which `tensordot(x, a, ind)` is the identity.

    Derivative: that of `inv`.

    Args:
        a: the product of its first `ind` lengths is that of the others.
        ind: a positive number of axes.

    Raises:
        ShapeError: it is not.
        ArgumentError: `ind` is not positive.

    >>> import chainrule as cr
    >>> cr.linalg.tensorinv(cr.reshape(2.0 * cr.eye(4), (4, 2, 2)), ind=1).shape
    (2, 2, 4)
    """
    a = as_tensor(a)
    if ind <= 0:
        raise ArgumentError(f"tensorinv: ind: expected a positive number of axes, got {ind}")
    first, last = a.shape[:ind], a.shape[ind:]
    n = prod(first)
    if prod(last) != n:
        raise ShapeError(f"tensorinv: a of shape {a.shape} has no square matrix at ind={ind}")
    result: Tensor = ops.reshape(inv(ops.reshape(a, shape=(n, n))), shape=(*last, *first))
    return result
