"""The singular value decomposition, and what is computed by it: pseudoinverses, least squares, ranks."""

from __future__ import annotations

from typing import Any, NamedTuple

from chainrule import NoGradient, Spec, Tensor, as_tensor, fronts, infer, int64, op, ops
from chainrule_linalg._matrices import (
    adjoint,
    as_floating,
    as_rtol,
    explained,
    function_of,
    matrices,
    reciprocal,
    rounding,
    shorter,
    tolerated,
)

_FAULT = "has singular values that do not converge; it may hold infinities or NaN"


class SVDResult(NamedTuple):
    """`a = U @ diag(S) @ Vh`."""

    U: Any
    S: Any
    Vh: Any


def _svd_spec(a: Any, full_matrices: bool) -> tuple[Spec, Spec, Spec]:
    batch, m, n = matrices("a", a)
    if batch is None:
        return infer.Spec(None, a.dtype), infer.Spec(None, infer.real(a).dtype), infer.Spec(None, a.dtype)
    k = shorter(m, n)
    return (
        infer.Spec((*batch, m, m if full_matrices else k), a.dtype),
        infer.Spec((*batch, k), infer.real(a).dtype),
        infer.Spec((*batch, n if full_matrices else k, n), a.dtype),
    )


def _svd_gradient(g: Any, y: Any, _a: Any, full_matrices: bool) -> Any:
    to_u, to_s, to_vh = g
    u, s, vh = y
    k = s.shape[-1]
    u, to_u = _first(u, to_u, k)
    v, to_v = _first(adjoint(vh), adjoint(to_vh), k)
    inner_u, inner_v = adjoint(u) @ to_u, adjoint(v) @ to_v

    m, n = _a.shape[-2:]
    floor = rounding(s[..., :1], _a.shape)
    inverse = reciprocal(s, floor)
    columns, rows = s[..., None, :], s[..., :, None]
    gaps = reciprocal(columns - rows, floor[..., None]) * reciprocal(columns + rows, floor[..., None])
    middle = gaps * (inner_u - adjoint(inner_u)) * columns + rows * gaps * (inner_v - adjoint(inner_v))
    diagonal = ops.where(s <= floor, 0.0, to_s)
    if _a.dtype.kind == "complex":  # of the phases only the difference is determined; each side moves by half
        phases = ops.imag(ops.diagonal(inner_u) - ops.diagonal(inner_v))
        diagonal = diagonal + 0.5j * phases * inverse
    part = u @ middle + u * diagonal[..., None, :]
    if m > k:
        part = part + (to_u - u @ inner_u) * inverse[..., None, :]
    part = part @ adjoint(v)
    if n > k:
        part = part + (u * inverse[..., None, :]) @ adjoint(to_v - v @ inner_v)
    return part


def _first(u: Any, to_u: Any, k: int) -> tuple[Any, Any]:
    """The first `k` columns and their cotangent, with what those of the others, which move along with them, add."""
    if u.shape[-1] == k:
        return u, to_u
    first, others = u[..., :k], u[..., k:]
    return first, to_u[..., :k] - others @ (adjoint(to_u[..., k:]) @ first)


@op(
    _svd_spec,
    _svd_gradient,
    name="linalg.svd",
    requires=("linalg.svd", "linalg.svdvals"),
    multiple=True,
    holomorphic=False,
)
def _svd(xp: Any, a: Any, /, full_matrices: bool) -> Any:
    function = function_of(xp, "svd", a)
    u, s, vh = explained(lambda: function(a, full_matrices=full_matrices), function_of(xp, "svdvals"), a, _FAULT)
    return u, s, vh


@fronts(_svd)
def svd(a: Any, full_matrices: bool = True) -> SVDResult:
    """The singular value decomposition `a = U @ diag(S) @ Vh`.

    Derivative: that of Giles 2008, section 3.2, and for complex numbers of Wan and Zhang 2019:
    `U @ (F * skew(U^H @ gU) @ S + S @ F * skew(V^H @ gV) + diag(gS)) @ V^H`, where `F[i, j] = 1 / (s[j]^2 - s[i]^2)`
    and `skew(x) = x - x^H`, and what moves out of the spaces of `U` and `V`. It is 0 where it is not defined: in `F`
    between singular values that are equal up to rounding, and for a singular value of 0. `U` and `V` have signs or
    phases that are arbitrary; the gradient is right for what does not depend on them.

    Args:
        a: `(..., m, n)`.
        full_matrices: whether `U` is `(..., m, m)` and `Vh` `(..., n, n)`, else both have `min(m, n)` vectors.

    Returns:
        The named tuple `(U, S, Vh)`; the singular values in falling order.

    >>> import chainrule as cr
    >>> cr.linalg.svd([[3.0, 0.0], [0.0, -2.0]]).S
    Tensor([3., 2.], float64)
    """
    return SVDResult(*_svd(as_floating(a), full_matrices=bool(full_matrices)))


def _svdvals_spec(a: Any) -> Spec:
    return _svd_spec(a, False)[1]


def _svdvals_gradient(g: Any, _y: Any, a: Any) -> Any:
    u, s, vh = _svd(a, full_matrices=False)
    g = ops.where(s <= rounding(s[..., :1], a.shape), 0.0, g)
    return (u * g[..., None, :]) @ vh


@op(_svdvals_spec, _svdvals_gradient, name="linalg.svdvals", requires=("linalg.svdvals",), holomorphic=False)
def _svdvals(xp: Any, a: Any, /) -> Any:
    function = function_of(xp, "svdvals", a)
    return explained(lambda: function(a), function, a, _FAULT)


@fronts(_svdvals)
def svdvals(a: Any) -> Tensor:
    """The singular values of matrices, in falling order.

    Derivative: `U @ diag(g) @ Vh`, with 0 for a singular value of 0.

    >>> import chainrule as cr
    >>> cr.linalg.svdvals([[3.0, 0.0], [0.0, -2.0]])
    Tensor([3., 2.], float64)
    """
    result: Tensor = _svdvals(as_floating(a))
    return result


def _pinv_spec(a: Any, rtol: Any) -> Spec:
    batch, m, n = tolerated(a, rtol)
    return infer.Spec(None if batch is None else (*batch, n, m), a.dtype)


def _pinv_gradient(g: Any, y: Any, a: Any, _rtol: Any) -> Any:
    turned, back = adjoint(y), adjoint(g)
    within = -(turned @ g @ turned)
    left = back @ y @ turned
    right = turned @ y @ back
    return within + left - a @ (y @ left) + right - (right @ y) @ a


@op(
    _pinv_spec,
    (_pinv_gradient, None),
    name="linalg.pinv",
    requires=("linalg.pinv", "linalg.svdvals"),
    holomorphic=False,
)
def _pinv(xp: Any, a: Any, rtol: Any, /) -> Any:
    function = function_of(xp, "pinv", a)
    tolerance = _tolerance(xp, a, rtol)
    return explained(lambda: function(a, rtol=tolerance), function_of(xp, "svdvals"), a, _FAULT)


def _tolerance(xp: Any, a: Any, rtol: Any) -> Any:
    if rtol is None:
        return max(a.shape[-2:]) * float(xp.finfo(a.dtype).eps)
    is_complex = hasattr(rtol, "dtype") and xp.isdtype(rtol.dtype, "complex floating")
    return xp.real(rtol) if is_complex else rtol  # it was given the dtype of `a`


@fronts(_pinv)
def pinv(a: Any, rtol: Any = None) -> Tensor:
    """The pseudoinverses of matrices, by Moore and Penrose.

    Derivative: with `P = pinv(a)`, `-P^H g P^H + (I - a P) g^H P P^H + P^H P g^H (I - P a)`, while the rank stays what
    it is (Golub and Pereyra 1973, theorem 4.3).

    Args:
        a: `(..., m, n)`.
        rtol: singular values that are smaller, relative to the largest, count as 0; by default the dtype's precision
            times the longer side. A number, or an array with one for each matrix of the stack.

    Returns:
        `(..., n, m)`.

    >>> import chainrule as cr
    >>> cr.linalg.pinv([[2.0, 0.0], [0.0, 0.0]])
    Tensor([[0.5, 0. ],
            [0. , 0. ]], float64)
    """
    result: Tensor = _pinv(as_floating(a), as_rtol("pinv", rtol))
    return result


def lstsq(a: Any, b: Any, rtol: Any = None) -> Tensor:
    """The `x` for which `a @ x` is nearest to `b`, the shortest where there are several: `pinv(a) @ b`.

    Args:
        a: `(..., m, n)`.
        b: `(..., m, k)`; or one vector, `(m,)`.
        rtol: as for `pinv`.

    Returns:
        `(..., n, k)`, or `(..., n)` for a vector.

    >>> import chainrule as cr
    >>> cr.round(cr.linalg.lstsq([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]], [1.0, 3.0, 5.0]), 6)
    Tensor([1., 2.], float64)
    """
    return pinv(a, rtol) @ as_floating(b)


def _rank_spec(a: Any, rtol: Any) -> Spec:
    return infer.Spec(tolerated(a, rtol)[0], int64)


@op(_rank_spec, NoGradient("its result is a count"), name="linalg.matrix_rank", requires=("linalg.svdvals",))
def _matrix_rank(xp: Any, a: Any, rtol: Any, /) -> Any:
    s = function_of(xp, "svdvals", a)(a)
    tolerance = _tolerance(xp, a, rtol)
    if type(tolerance) is not float:
        tolerance = tolerance[..., None]
    return xp.sum(xp.astype(s > tolerance * s[..., :1], xp.int64), axis=-1)


@fronts(_matrix_rank)
def matrix_rank(a: Any, rtol: Any = None, *, tol: Any = None) -> Tensor:
    """How many singular values of matrices are not 0. No gradient passes: it is a count.

    Args:
        a: `(..., m, n)`.
        rtol: as for `pinv`.
        tol: singular values up to it count as 0 as well; a number, or an array of one for each matrix. Without `rtol`
            it alone decides.

    >>> import chainrule as cr
    >>> cr.linalg.matrix_rank([[1.0, 1.0], [1.0, 1.0]])
    Tensor(1, int64)
    >>> cr.linalg.matrix_rank([[2.0, 0.0], [0.0, 0.5]], tol=1.0)
    Tensor(1, int64)
    """
    a, relative = as_floating(a), as_rtol("matrix_rank", rtol)
    result: Tensor
    if tol is None:
        result = _matrix_rank(a, relative)
        return result
    s = svdvals(a)
    least = ops.maximum(ops.zeros_like(s[..., :1]), as_tensor(tol)[..., None])
    if relative is not None:
        least = ops.maximum(least, as_tensor(relative)[..., None] * s[..., :1])
    result = ops.count_nonzero(s > least, axis=-1)
    return result
