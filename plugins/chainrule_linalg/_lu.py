"""The factorization into triangles, by elimination with exchanges of rows."""

from __future__ import annotations

from typing import Any, NamedTuple

from chainrule import Spec, Tensor, fronts, infer, op, ops
from chainrule_linalg._matrices import adjoint, as_floating, function_of, matrices, shorter
from chainrule_linalg._solve import solve_triangular


class LUResult(NamedTuple):
    """`a = P @ L @ U`."""

    P: Any
    L: Any
    U: Any


def _lu_spec(a: Any) -> tuple[Spec, Spec, Spec]:
    batch, m, n = matrices("a", a)
    dtype = infer.real(a).dtype
    if batch is None:
        return infer.Spec(None, dtype), infer.Spec(None, a.dtype), infer.Spec(None, a.dtype)
    k = shorter(m, n)
    return (
        infer.Spec((*batch, m, m), dtype),
        infer.Spec((*batch, m, k), a.dtype),
        infer.Spec((*batch, k, n), a.dtype),
    )


def _lu_gradient(g: Any, y: Any, _a: Any) -> Any:
    _, to_l, to_u = g
    p, l, u = y  # noqa: E741  # their names everywhere
    m, n = _a.shape[-2:]
    k = min(m, n)
    # The first k rows and columns are a square matrix; what is below or beside it is solved for with its factors.
    square_l, square_u = l[..., :k, :], u[..., :, :k]
    to_square_l, to_square_u = to_l[..., :k, :], to_u[..., :, :k]
    below = beside = None
    if m > k:
        below = adjoint(solve_triangular(square_u, adjoint(to_l[..., k:, :])))
        to_square_u = to_square_u - adjoint(l[..., k:, :]) @ below
    if n > k:
        beside = solve_triangular(adjoint(square_l), to_u[..., :, k:], unit_diagonal=True)
        to_square_l = to_square_l - beside @ adjoint(u[..., :, k:])
    inner = ops.tril(adjoint(square_l) @ to_square_l, k=-1) + ops.triu(to_square_u @ adjoint(square_u))
    back = solve_triangular(adjoint(square_l), inner, unit_diagonal=True)
    back = adjoint(solve_triangular(square_u, adjoint(back)))
    if below is not None:
        back = ops.concat([back, below], axis=-2)
    if beside is not None:
        back = ops.concat([back, beside], axis=-1)
    return ops.astype(p, dtype=_a.dtype) @ back


@op(infer=_lu_spec, gradient=_lu_gradient, name="linalg.lu", multiple=True, holomorphic=False)
def _lu(xp: Any, a: Any, /) -> Any:
    p, l, u = function_of(xp, "lu", a)(a)  # noqa: E741  # as above
    return p, l, u


@fronts(_lu)
def lu(a: Any) -> LUResult:
    """The factorization `a = P @ L @ U` into a permutation, a lower triangle with a diagonal of ones and an upper one.

    Derivative: `P @ L^-H @ (tril(L^H @ gL, -1) + triu(gU @ U^H)) @ U^-H` of square matrices; else by that for the first
    columns or rows, whose factors solve for the others. The first `min(m, n)` columns have to be linearly independent.
    None passes through `P`.

    Args:
        a: `(..., m, n)`, on NumPy, PyTorch and JAX.

    Returns:
        The named tuple `(P, L, U)`, of shapes `(..., m, m)`, `(..., m, k)` and `(..., k, n)`, `k = min(m, n)`.

    >>> import chainrule as cr
    >>> p, l, u = cr.linalg.lu([[1.0, 2.0], [4.0, 4.0]])
    >>> l, u
    (Tensor([[1.  , 0.  ],
            [0.25, 1.  ]], float64), Tensor([[4., 4.],
            [0., 1.]], float64))
    """
    return LUResult(*_lu(as_floating(a)))


def lu_solve(factors: Any, b: Any) -> Tensor:
    """The solution `x` of `a @ x = b`, where `factors = lu(a)` of square matrices.

    Args:
        factors: the named tuple `(P, L, U)`.
        b: as for `solve`.

    >>> import chainrule as cr
    >>> cr.linalg.lu_solve(cr.linalg.lu([[1.0, 2.0], [4.0, 4.0]]), [5.0, 12.0])
    Tensor([1., 2.], float64)
    """
    p, l, u = factors  # noqa: E741  # as above
    b = as_floating(b)
    turned = ops.matrix_transpose(ops.astype(p, dtype=l.dtype)) @ b
    return solve_triangular(u, solve_triangular(l, turned, lower=True, unit_diagonal=True))
