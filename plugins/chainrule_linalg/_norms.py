"""Norms of vectors and of matrices; the gradient of a norm at 0 is 0."""

from __future__ import annotations

from math import inf
from typing import Any

from chainrule import ArgumentError, ShapeError, Spec, Tensor, infer, op, ops
from chainrule_linalg._matrices import as_floating
from chainrule_linalg._solve import inv
from chainrule_linalg._svd import svdvals

Axis = int | tuple[int, ...] | None


def _p_norm_spec(x: Any, p: float, axis: Axis, keepdims: bool) -> Spec:
    return infer.reduced(x, axis, keepdims, infer.real(x).dtype)


def _p_norm_gradient(g: Any, y: Any, x: Any, p: float, axis: Axis, keepdims: bool) -> Any:
    if not keepdims:
        axes = infer.as_axes(axis, x.ndim)
        kept = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
        g, y = ops.reshape(g, shape=kept), ops.reshape(y, shape=kept)
    return ops.multiply_zero_wins(x, g * y ** (1.0 - p) * ops.abs(x) ** (p - 2.0))


@op(infer=_p_norm_spec, gradient=_p_norm_gradient, name="linalg.p_norm", holomorphic=False)
def p_norm(xp: Any, x: Any, /, p: float, axis: Axis = None, keepdims: bool = False) -> Any:
    """`sum(abs(x)**p)**(1/p)`, what `vector_norm` computes for most orders.

    Derivative: `x * abs(x)**(p - 2) * y**(1 - p)`, and 0 where `x` is 0.

    >>> import chainrule as cr
    >>> cr.grad(lambda x: cr.linalg.vector_norm(x, ord=3))(cr.tensor([0.0, 0.0]))
    Tensor([0., 0.], float64)
    """
    return xp.sum(xp.abs(x) ** p, axis=axis, keepdims=keepdims) ** (1.0 / p)


def vector_norm(x: Any, axis: Axis = None, keepdims: bool = False, ord: float = 2) -> Tensor:
    """The norms of vectors, whatever axes they lie along.

    Derivatives: `x / norm` of order 2; those of `abs`, `max` and `sum`, which share ties equally, of orders 1 and
    infinity; see `p_norm` for others. Order 0, a count, has none.

    Args:
        x: an array.
        axis: the axes of the vectors; all by default.
        keepdims: whether these axes stay, with length 1.
        ord: 2, 1, any other number but 0 as the exponent, `inf` or `-inf` for the largest or smallest size, 0 for how
            many elements are not 0.

    >>> import chainrule as cr
    >>> cr.linalg.vector_norm([3.0, 4.0]), cr.linalg.vector_norm([3.0, 4.0], ord=1)
    (Tensor(5.0, float64), Tensor(7.0, float64))
    """
    x = as_floating(x)
    result: Tensor
    if ord == 2:
        result = ops.vector_norm(x, axis=axis, keepdims=keepdims)
    elif ord == 1:
        result = ops.sum(ops.abs(x), axis=axis, keepdims=keepdims)
    elif ord in (inf, -inf):
        extreme = ops.max if ord > 0 else ops.min
        result = extreme(ops.abs(x), axis=axis, keepdims=keepdims)
    elif ord == 0:
        dtype = infer.real(infer.Spec(x.shape, x.dtype)).dtype
        result = ops.astype(ops.count_nonzero(x, axis=axis, keepdims=keepdims), dtype=dtype)
    else:
        result = p_norm(x, p=float(ord), axis=axis, keepdims=keepdims)
    return result


def matrix_norm(x: Any, keepdims: bool = False, ord: float | str = "fro") -> Tensor:
    """The norms of matrices.

    Derivatives: `x / norm` of Frobenius's; of the others those of sums, `abs`, `max` and `svdvals`, so that the
    gradient of the nuclear and the spectral norm at 0 is 0.

    Args:
        x: `(..., m, n)`.
        keepdims: whether the last two axes stay, with length 1.
        ord: `"fro"`, `"nuc"` for the sum of the singular values, 2 or -2 for the largest or smallest of them, 1 or -1
            for the largest or smallest sum of a column's sizes, `inf` or `-inf` for that of a row's.

    Raises:
        ShapeError: `x` has less than two axes.
        ArgumentError: there is no such norm.

    >>> import chainrule as cr
    >>> x = cr.tensor([[3.0, 0.0], [0.0, -4.0]])
    >>> cr.linalg.matrix_norm(x), cr.linalg.matrix_norm(x, ord="nuc"), cr.linalg.matrix_norm(x, ord=2)
    (Tensor(5.0, float64), Tensor(7.0, float64), Tensor(4.0, float64))
    """
    x = as_floating(x)
    if x.ndim < 2:
        raise ShapeError(f"matrix_norm: expected matrices, of at least 2 dimensions, got shape {x.shape}")
    result: Tensor
    if ord == "fro" or (ord in (1, 2, inf) and 0 in x.shape[-2:]):  # of no elements every norm is 0
        result = ops.vector_norm(x, axis=(-2, -1), keepdims=True)
    elif ord == "nuc":
        result = ops.sum(svdvals(x), axis=-1)[..., None, None]
    elif ord in (2, -2):
        result = _extreme(ord)(svdvals(x), axis=-1)[..., None, None]
    elif ord in (1, -1, inf, -inf):
        sums = ops.sum(ops.abs(x), axis=-2 if ord in (1, -1) else -1, keepdims=True)
        result = _extreme(ord)(sums, axis=(-2, -1), keepdims=True)
    else:
        raise ArgumentError(f"matrix_norm: ord: expected 'fro', 'nuc', 1, -1, 2, -2, inf or -inf, got {ord!r}")
    return result if keepdims else result[..., 0, 0]


def _extreme(ord: Any) -> Any:
    return ops.max if ord > 0 else ops.min


def cond(x: Any, p: float | str | None = None) -> Tensor:
    """The condition numbers of matrices: how much larger errors of a solution can be, relative to it, than the data's.

    Derivatives: those of `svdvals`, or of `matrix_norm` and `inv`.

    Args:
        x: `(..., m, n)`; square unless `p` is None, 2 or -2.
        p: an order of `matrix_norm`; None as 2, the ratio of the largest singular value to the smallest.

    >>> import chainrule as cr
    >>> cr.linalg.cond([[4.0, 0.0], [0.0, 2.0]]), cr.linalg.cond([[4.0, 1.0], [0.0, 2.0]], p=1)
    (Tensor(2.0, float64), Tensor(2.5, float64))
    """
    x = as_floating(x)
    result: Tensor
    if p in (None, 2, -2):
        s = svdvals(x)
        largest, smallest = ops.max(s, axis=-1), ops.min(s, axis=-1)
        result = smallest / largest if p == -2 else largest / smallest
    else:
        result = matrix_norm(x, ord=p) * matrix_norm(inv(x), ord=p)
    return result
