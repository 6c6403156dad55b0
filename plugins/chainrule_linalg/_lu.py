"""The factorization into triangles, by elimination with exchanges of rows."""

from __future__ import annotations

from typing import Any, NamedTuple

from chainrule import ArgumentError, DTypeError, NoGradient, Spec, Tensor, as_tensor, fronts, infer, int32, op, ops
from chainrule_linalg._matrices import adjoint, as_floating, check_integers, function_of, matrices, shorter
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
    (p, l, u), (_, to_l, to_u) = y, g  # noqa: E741  # their names everywhere
    return _of_factors(p, l, u, to_l, to_u)


def _of_factors(p: Any, l: Any, u: Any, to_l: Any, to_u: Any) -> Any:  # noqa: E741  # as above
    """The cotangent of `p @ l @ u`, given those of `l` and `u`."""
    m, n = l.shape[-2], u.shape[-1]
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
    return ops.astype(p, dtype=l.dtype) @ back


@op(_lu_spec, _lu_gradient, name="linalg.lu", requires=("linalg.lu",), multiple=True, holomorphic=False)
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
        a: `(..., m, n)`, on NumPy, CuPy, PyTorch and JAX.

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


class LUFactorResult(NamedTuple):
    """The triangles `L` and `U` in one matrix, without the ones on the diagonal of `L`, and the exchanges of rows."""

    lu: Any
    piv: Any


def _lu_factor_spec(a: Any) -> tuple[Spec, Spec]:
    batch, m, n = matrices("a", a)
    return a, infer.Spec(None if batch is None else (*batch, shorter(m, n)), int32)


def _lu_factor_gradient(g: Any, y: Any, _a: Any) -> Any:
    to_lu, _ = g
    k = min(_a.shape[-2:])
    return _of_factors(*_unpacked(*y), ops.tril(to_lu[..., :k], k=-1), ops.triu(to_lu[..., :k, :]))


@op(
    _lu_factor_spec,
    _lu_factor_gradient,
    name="linalg.lu_factor",
    requires=("linalg.lu_factor",),
    multiple=True,
    holomorphic=False,
)
def _lu_factor(xp: Any, a: Any, /) -> Any:
    factors, exchanges = function_of(xp, "lu_factor", a)(a)
    return factors, exchanges


@fronts(_lu_factor)
def lu_factor(a: Any) -> LUFactorResult:
    """The factorization of `lu`, packed, for `lu_solve`.

    Derivative: that of `lu`.

    Args:
        a: `(..., m, n)`, on NumPy, CuPy, PyTorch and JAX.

    Returns:
        The named tuple `(lu, piv)`: `L` below the diagonal of `(..., m, n)` and `U` above it; for each of `min(m, n)`
        rows in turn the one that it changes places with, counted from 0.

    >>> import chainrule as cr
    >>> cr.linalg.lu_factor([[1.0, 2.0], [4.0, 4.0]])
    LUFactorResult(lu=Tensor([[4.  , 4.  ],
            [0.25, 1.  ]], float64), piv=Tensor([1, 1], int32))
    """
    return LUFactorResult(*_lu_factor(as_floating(a)))


def _order_spec(piv: Any, n: int) -> Spec:
    if piv.dtype.kind not in ("int", "uint"):
        raise DTypeError(f"piv: expected integers, got {piv.dtype}")
    return infer.Spec(None if piv.shape is None else (*piv.shape[:-1], n), piv.dtype)


@op(infer=_order_spec, gradient=NoGradient("its result is an order of rows"), name="linalg.row_order")
def row_order(xp: Any, piv: Any, /, n: int) -> Any:
    """The order that `n` rows are in after the exchanges of `lu_factor`."""
    check_integers(piv)
    places = xp.arange(n, dtype=piv.dtype, device=getattr(piv, "device", None))
    order = xp.broadcast_to(places, (*piv.shape[:-1], n))
    for i in range(piv.shape[-1]):
        first, other = order[..., i : i + 1], piv[..., i : i + 1]
        second = xp.sum(xp.where(places == other, order, xp.zeros_like(order)), axis=-1, keepdims=True, dtype=piv.dtype)
        order = xp.where(places == i, second, xp.where(places == other, first, order))
    return order


def _unpacked(factors: Any, piv: Any) -> LUResult:
    """What `lu` gives, of what `lu_factor` gives."""
    m, n = factors.shape[-2:]
    k = min(m, n)
    order = row_order(piv, n=m)
    below = ops.tril(factors[..., :k], k=-1)
    p = ops.equal(ops.arange(m)[:, None], order[..., None, :])
    return LUResult(
        ops.astype(p, dtype=factors.dtype),
        below + ops.eye(m, k, dtype=below.dtype),
        ops.triu(factors[..., :k, :]),
    )


def lu_solve(factors: Any, b: Any, trans: int = 0) -> Tensor:
    """The solution `x` of `a @ x = b`, where `factors` are those of square matrices, `lu_factor(a)` or `lu(a)`.

    Args:
        factors: the named tuple `(lu, piv)` or `(P, L, U)`.
        b: as for `solve`.
        trans: 0 to solve with `a`, 1 with its transpose, 2 with its conjugate transpose.

    Raises:
        ArgumentError: `trans` is none of these.

    >>> import chainrule as cr
    >>> cr.linalg.lu_solve(cr.linalg.lu_factor([[1.0, 2.0], [4.0, 4.0]]), [5.0, 12.0])
    Tensor([1., 2.], float64)
    """
    if trans not in (0, 1, 2):
        raise ArgumentError(f"lu_solve: trans: expected 0, 1 or 2, got {trans!r}")
    p, l, u = _unpacked(*map(as_tensor, factors)) if len(factors) == 2 else factors  # noqa: E741  # as above
    b = as_floating(b)
    p = ops.astype(p, dtype=l.dtype)
    if trans == 0:
        return solve_triangular(u, solve_triangular(l, ops.matrix_transpose(p) @ b, lower=True, unit_diagonal=True))
    turned = ops.matrix_transpose if trans == 1 else adjoint
    result: Tensor = p @ solve_triangular(turned(l), solve_triangular(turned(u), b, lower=True), unit_diagonal=True)
    return result
