"""Linear equations: general, triangular, with a Cholesky factor; the inverse."""

from __future__ import annotations

from typing import Any

from chainrule import ShapeError, Tensor, fronts, infer, op, ops
from chainrule_linalg._matrices import adjoint, as_floating, explained, function_of, matrices, without_diagonal

_SINGULAR = "is singular; pinv and lstsq take such matrices"


def _solve_spec(a: Any, b: Any, **_: Any) -> Any:
    batch, _m, n = matrices("a", a, square=True)
    others, rows, columns = matrices("b", b)
    dtype = infer.result_dtype(a, b)
    if batch is None or others is None:
        return infer.Spec(None, dtype)
    if isinstance(n, int) and isinstance(rows, int) and n != rows:
        raise ShapeError(f"a of shape {a.shape} has {n} rows, b of shape {b.shape} has {rows}")
    stack = infer.broadcast_shapes(batch, others)
    assert stack is not None
    return infer.Spec((*stack, rows, columns), dtype)


def _solve_gradient(g: Any, y: Any, a: Any, _b: Any) -> tuple[Any, Any]:
    back = _solve(ops.matrix_transpose(a), g)
    return -(back @ ops.matrix_transpose(y)), back


@op(_solve_spec, _solve_gradient, name="linalg.solve", requires=("linalg.solve", "linalg.inv"), broadcasts=True)
def _solve(xp: Any, a: Any, b: Any, /) -> Any:
    compute = function_of(xp, "solve", a, b)
    return explained(lambda: compute(a, b), function_of(xp, "inv"), a, _SINGULAR)


@fronts(_solve)
def solve(a: Any, b: Any) -> Tensor:
    """The solution `x` of `a @ x = b`.

    Derivatives: `solve(a^T, g)` by `b`, and minus that times `x^T` by `a` (Giles 2008, section 2.3.1).

    Args:
        a: square matrices, `(..., n, n)`.
        b: `(..., n, k)`, stacks of which broadcast; or one vector, `(n,)`.

    Returns:
        Of the shape of `b`, with the stack of both.

    Raises:
        ShapeError: the shapes do not fit.
        ArgumentError: a matrix is singular, on a library that notices.

    >>> import chainrule as cr
    >>> cr.linalg.solve([[2.0, 0.0], [0.0, 4.0]], [2.0, 2.0])
    Tensor([1. , 0.5], float64)
    """
    a, b = as_floating(a), as_floating(b)
    result: Tensor = _solve(a, b[:, None])[..., 0] if b.ndim == 1 else _solve(a, b)
    return result


def _inv_gradient(g: Any, y: Any, _a: Any) -> Any:
    back = ops.matrix_transpose(y)
    return -(back @ g @ back)


def _square(a: Any) -> Any:
    matrices("a", a, square=True)
    return a


@op(_square, _inv_gradient, name="linalg.inv", requires=("linalg.inv",))
def _inv(xp: Any, a: Any, /) -> Any:
    compute = function_of(xp, "inv", a)
    return explained(lambda: compute(a), compute, a, _SINGULAR)


@fronts(_inv)
def inv(a: Any) -> Tensor:
    """The inverse of square matrices. To solve equations, `solve` is faster and more accurate.

    Derivative: `-inv(a)^T @ g @ inv(a)^T` (Giles 2008, section 2.2.3).

    Raises:
        ShapeError: they are not square.
        ArgumentError: one is singular, on a library that notices.

    >>> import chainrule as cr
    >>> cr.linalg.inv([[2.0, 0.0], [0.0, 4.0]])
    Tensor([[0.5 , 0.  ],
            [0.  , 0.25]], float64)
    """
    result: Tensor = _inv(as_floating(a))
    return result


def _triangle(x: Any, lower: bool, unit_diagonal: bool) -> Any:
    return ops.tril(x, k=-unit_diagonal) if lower else ops.triu(x, k=+unit_diagonal)


def _triangular_gradient(g: Any, y: Any, a: Any, _b: Any, lower: bool, unit_diagonal: bool) -> tuple[Any, Any]:
    back = _solve_triangular(ops.matrix_transpose(a), g, lower=not lower, unit_diagonal=unit_diagonal)
    return -_triangle(back @ ops.matrix_transpose(y), lower, unit_diagonal), back


@op(
    _solve_spec,
    _triangular_gradient,
    name="linalg.solve_triangular",
    requires=("linalg.solve", "linalg.inv"),
    broadcasts=True,
)
def _solve_triangular(xp: Any, a: Any, b: Any, /, lower: bool = False, unit_diagonal: bool = False) -> Any:
    a = without_diagonal(xp, a, lower) if unit_diagonal else xp.tril(a) if lower else xp.triu(a)
    compute = function_of(xp, "solve", a, b)
    return explained(lambda: compute(a, b), function_of(xp, "inv"), a, "has a zero on its diagonal")


@fronts(_solve_triangular)
def solve_triangular(a: Any, b: Any, lower: bool = False, unit_diagonal: bool = False) -> Tensor:
    """The solution `x` of `a @ x = b` for triangular `a`, of which the other triangle is not read.

    Derivatives: as of `solve`, the one by `a` in its triangle alone.

    Args:
        a: square matrices, `(..., n, n)`.
        b: as for `solve`.
        lower: whether `a` is a lower triangle; otherwise an upper one.
        unit_diagonal: whether its diagonal counts as ones and is not read either.

    Raises:
        ShapeError, ArgumentError: as `solve`.

    >>> import chainrule as cr
    >>> cr.linalg.solve_triangular([[2.0, 1.0], [0.0, 4.0]], [3.0, 4.0])
    Tensor([1., 1.], float64)
    """
    a, b = as_floating(a), as_floating(b)
    if b.ndim == 1:
        return solve_triangular(a, b[:, None], lower, unit_diagonal)[..., 0]
    result: Tensor = _solve_triangular(a, b, lower=bool(lower), unit_diagonal=bool(unit_diagonal))
    return result


def cholesky_solve(factor: Any, b: Any, upper: bool = False) -> Tensor:
    """The solution `x` of `a @ x = b`, where `factor = cholesky(a, upper=upper)`.

    Args:
        factor: triangular matrices, `(..., n, n)`.
        b: as for `solve`.
        upper: whether the factors are upper triangles.

    >>> import chainrule as cr
    >>> a = cr.tensor([[4.0, 2.0], [2.0, 5.0]])
    >>> cr.linalg.cholesky_solve(cr.linalg.cholesky(a), [6.0, 7.0])
    Tensor([1., 1.], float64)
    """
    factor = as_floating(factor)
    first, last = (adjoint(factor), factor) if upper else (factor, adjoint(factor))
    return solve_triangular(last, solve_triangular(first, b, lower=True))
