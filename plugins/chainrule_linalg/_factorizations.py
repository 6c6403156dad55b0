"""The factorizations of Cholesky, and into an orthonormal and a triangular matrix."""

from __future__ import annotations

from typing import Any, NamedTuple

from chainrule import ArgumentError, NoGradient, Spec, Tensor, fronts, infer, op, ops
from chainrule_linalg._matrices import (
    adjoint,
    as_floating,
    explained,
    function_of,
    hermitian,
    hermitian_part,
    matrices,
    shorter,
)
from chainrule_linalg._solve import solve_triangular


def _cholesky_spec(a: Any) -> Any:
    matrices("a", a, square=True)
    return a


def _cholesky_gradient(g: Any, y: Any, _a: Any) -> Any:
    inner = ops.tril(adjoint(y) @ g)
    inner = hermitian_part(inner - 0.5 * (inner - ops.tril(inner, k=-1)))  # half of the diagonal
    back = solve_triangular(adjoint(y), inner)
    return adjoint(solve_triangular(adjoint(y), adjoint(back)))


@op(_cholesky_spec, _cholesky_gradient, name="linalg.cholesky", requires=("linalg.cholesky",), holomorphic=False)
def _cholesky(xp: Any, a: Any, /) -> Any:
    compute = function_of(xp, "cholesky", a)
    a = hermitian(xp, a)
    return explained(lambda: compute(a), compute, a, "is not positive definite")


@fronts(_cholesky)
def cholesky(a: Any, upper: bool = False) -> Tensor:
    """The triangular matrix `L` with `a = L @ L^H`, of positive definite matrices.

    Computed of `(a + a^H) / 2`, so that the gradient, which is Hermitian, is the derivative of what is computed.

    Derivative: `L^-H @ P(L^H @ g) @ L^-1`, where `P` is the Hermitian part of the lower triangle with half the diagonal
    (Murray 2016, equation 10).

    Args:
        a: Hermitian matrices, `(..., n, n)`.
        upper: whether to give `L^H`, an upper triangle.

    Raises:
        ShapeError: they are not square.
        ArgumentError: one is not positive definite, on a library that notices.

    >>> import chainrule as cr
    >>> cr.linalg.cholesky([[4.0, 2.0], [2.0, 5.0]])
    Tensor([[2., 0.],
            [1., 2.]], float64)
    """
    result: Tensor = _cholesky(as_floating(a))
    return adjoint(result) if upper else result


class QRResult(NamedTuple):
    """`a = Q @ R`."""

    Q: Any
    R: Any


def _qr_spec(a: Any) -> tuple[Spec, Spec]:
    batch, m, n = matrices("a", a)
    k = shorter(m, n)
    if batch is None:
        return infer.Spec(None, a.dtype), infer.Spec(None, a.dtype)
    return infer.Spec((*batch, m, k), a.dtype), infer.Spec((*batch, k, n), a.dtype)


def _qr_gradient(g: Any, y: Any, _a: Any) -> Any:
    to_q, to_r = g
    q, r = y
    m, n = _a.shape[-2:]
    if m >= n:
        return _tall_gradient(to_q, to_r, q, r)
    # The first columns are a square matrix; the others, Y, come as q^H @ Y in r.
    to_rest = to_r[..., m:]
    to_q = to_q + q @ r[..., m:] @ adjoint(to_rest)
    return ops.concat([_tall_gradient(to_q, to_r[..., :m], q, r[..., :m]), q @ to_rest], axis=-1)


def _tall_gradient(to_q: Any, to_r: Any, q: Any, r: Any) -> Any:
    upper = ops.triu(to_r @ adjoint(r) - adjoint(q) @ to_q)
    diagonal = upper - ops.triu(upper, k=1)
    both = upper + adjoint(upper) - hermitian_part(diagonal)
    return adjoint(solve_triangular(r, adjoint(to_q + q @ both)))


@op(_qr_spec, _qr_gradient, name="linalg.qr", requires=("linalg.qr",), multiple=True, holomorphic=False)
def _qr(xp: Any, a: Any, /) -> Any:
    q, r = function_of(xp, "qr", a)(a, mode="reduced")
    return q, r


def _complete_spec(a: Any) -> tuple[Spec, Spec]:
    batch, m, _ = matrices("a", a)
    return infer.Spec(None if batch is None else (*batch, m, m), a.dtype), a


@op(
    _complete_spec,
    NoGradient("the last columns of Q can be any basis of what the others leave; take mode='reduced'"),
    name="linalg.qr_complete",
    requires=("linalg.qr",),
    multiple=True,
)
def qr_complete(xp: Any, a: Any, /) -> Any:
    """`qr` with `mode="complete"`, of matrices with more rows than columns."""
    q, r = function_of(xp, "qr", a)(a, mode="complete")
    return q, r


@fronts(_qr)
def qr(a: Any, mode: str = "reduced") -> QRResult:
    """The factorization `a = Q @ R` into orthonormal columns and an upper triangle.

    Derivative: `(gQ + Q @ S(gR @ R^H - Q^H @ gQ)) @ R^-H`, where `S` is the upper triangle mirrored, if there are at
    least as many rows as columns; else by that for the first columns (Walter and Lehmann 2018; Roberts and Roberts
    2020). The first columns have to be linearly independent. With `mode="complete"` and more rows than columns there is
    none, because the last columns of `Q` are arbitrary.

    Args:
        a: `(..., m, n)`.
        mode: `"reduced"` for `min(m, n)` columns of `Q`, `"complete"` for `m`.

    Returns:
        The named tuple `(Q, R)`.

    Raises:
        ArgumentError: there is no such mode.

    >>> import chainrule as cr
    >>> q, r = cr.linalg.qr([[3.0, 1.0], [4.0, 2.0]])
    >>> cr.round(q @ r)
    Tensor([[3., 1.],
            [4., 2.]], float64)
    """
    if mode not in ("reduced", "complete"):
        raise ArgumentError(f"qr: mode: expected 'reduced' or 'complete', got {mode!r}")
    a = as_floating(a)
    if mode == "complete" and a.ndim >= 2 and a.shape[-2] > a.shape[-1]:
        return QRResult(*qr_complete(a))
    return QRResult(*_qr(a))
