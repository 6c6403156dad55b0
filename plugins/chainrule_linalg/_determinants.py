"""Determinants, and the logarithms of their sizes."""

from __future__ import annotations

from typing import Any, NamedTuple

from chainrule import Spec, Tensor, fronts, infer, op, ops
from chainrule_linalg._matrices import as_floating, function_of, matrices
from chainrule_linalg._solve import inv


class SlogdetResult(NamedTuple):
    """A determinant as `sign * exp(logabsdet)`."""

    sign: Any
    logabsdet: Any


def _det_spec(a: Any) -> Any:
    batch, _, _ = matrices("a", a, square=True)
    return infer.Spec(batch, a.dtype)


def _det_gradient(g: Any, _y: Any, a: Any) -> Any:
    return g[..., None, None] * _cofactor(a)


@op(_det_spec, _det_gradient, name="linalg.det", requires=("linalg.det",))
def _det(xp: Any, a: Any, /) -> Any:
    return function_of(xp, "det", a)(a)


@fronts(_det)
def det(a: Any) -> Tensor:
    """The determinants of square matrices.

    Derivative: `g * cofactor(a)`, which is `g * det(a) * inv(a)^T` (Giles 2008, section 2.2.4) and exists for singular
    matrices too, as its own derivative does; only for those of third order the matrices have to be invertible.

    Raises:
        ShapeError: they are not square.

    >>> import chainrule as cr
    >>> cr.grad(cr.linalg.det)(cr.tensor([[2.0, 0.0], [0.0, 0.0]]))
    Tensor([[0., 0.],
            [0., 2.]], float64)
    """
    result: Tensor = _det(as_floating(a))
    return result


def _cofactor_spec(a: Any) -> Any:
    matrices("a", a, square=True)
    return a


def _products_without(xp: Any, s: Any) -> Any:
    """Along the last axis, for each number the product of all others; not divided for, because some may be 0."""
    if not s.shape[-1]:
        return s
    before = [xp.ones_like(s[..., 0])]
    after = before[:]
    for i in range(s.shape[-1] - 1):
        before.append(before[-1] * s[..., i])
        after.append(after[-1] * s[..., -1 - i])
    return xp.stack([a * b for a, b in zip(before, reversed(after), strict=True)], axis=-1)


def _turned_back(xp: Any, u: Any, middle: Any, vh: Any) -> Any:
    """The derivative by `u @ x @ vh` of its determinant, given that by `x` of the determinant of `x`."""
    sign = function_of(xp, "det")(u @ vh)[..., None, None]
    if xp.isdtype(u.dtype, "complex floating"):
        u, vh = xp.conj(u), xp.conj(vh)
    return sign * (u @ middle @ vh)


def _diagonals(xp: Any, x: Any) -> Any:
    """An array that is true on the diagonal of matrices."""
    n = x.shape[-1]
    places = xp.arange(n, device=getattr(x, "device", None))
    return xp.reshape(places, (n, 1)) == xp.reshape(places, (1, n))


def _cofactor_gradient(g: Any, _y: Any, a: Any) -> Any:
    return cofactor_slope(g, a)


@op(_cofactor_spec, _cofactor_gradient, name="linalg.cofactor", requires=("linalg.det", "linalg.svd"))
def _cofactor(xp: Any, a: Any, /) -> Any:
    u, s, vh = function_of(xp, "svd", a)(a, full_matrices=False)
    products = xp.astype(_products_without(xp, s), a.dtype)[..., None, :]
    return _turned_back(xp, u, xp.where(_diagonals(xp, a), products, xp.zeros_like(a)), vh)


def _slope_spec(g: Any, a: Any) -> Any:
    for name, x in (("g", g), ("a", a)):
        matrices(name, x, square=True)
    return infer.same(g, a)


def _slope_gradient(t: Any, _y: Any, g: Any, a: Any) -> tuple[Any, Any]:
    # What it is linear in, sum(t * y), is det(a) * (tr(mg) tr(mt) - tr(mg mt)) with the inverse m.
    m = inv(a)
    mg, mt = m @ g, m @ t
    both = mg @ mt
    trace_g, trace_t, trace_both = (ops.trace(x)[..., None, None] for x in (mg, mt, both))
    slope = (trace_g * trace_t - trace_both) * m - trace_t * (mg @ m) - trace_g * (mt @ m) + (both + mt @ mg) @ m
    return cofactor_slope(t, a), det(a)[..., None, None] * ops.matrix_transpose(slope)


@op(_slope_spec, _slope_gradient, name="linalg.cofactor_slope", requires=("linalg.det", "linalg.svd"), broadcasts=True)
def cofactor_slope(xp: Any, g: Any, a: Any, /) -> Any:
    """The derivative of `sum(g * cofactor(a))` by `a`, of singular matrices too.

    Derivative: by `g`, `cofactor_slope(t, a)` for the cotangent `t`; by `a`, that of the formula of `cofactor`, which
    needs an inverse.
    """
    u, s, vh = function_of(xp, "svd", a)(a, full_matrices=False)
    diagonal = _diagonals(xp, a)
    rows = xp.where(diagonal, xp.ones_like(s)[..., None, :], s[..., None, :])
    products = xp.astype(_products_without(xp, rows), a.dtype)  # of all singular values but two
    zeros = xp.zeros_like(a)
    products = xp.where(diagonal, zeros, products)
    left, right = xp.matrix_transpose(u), xp.matrix_transpose(vh)
    if xp.isdtype(a.dtype, "complex floating"):
        left, right = xp.conj(left), xp.conj(right)
    inner = left @ g @ right
    weights = xp.sum(xp.where(diagonal, inner, zeros), axis=-1)[..., None, :] @ products
    middle = xp.where(diagonal, weights, -xp.matrix_transpose(products * inner))
    return _turned_back(xp, u, middle, vh)


@fronts(_cofactor)
def cofactor(a: Any) -> Tensor:
    """The cofactors of square matrices, `det(a) * inv(a)^T`, of singular ones too.

    Derivative: `sum(g * y) * inv(a)^T - inv(a)^T @ g^T @ y` of invertible matrices; computed by singular values, of
    which it is a polynomial, for all.

    Raises:
        ShapeError: they are not square.

    >>> import chainrule as cr
    >>> cr.round(cr.linalg.cofactor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor([[ 4., -3.],
            [-2.,  1.]], float64)
    """
    result: Tensor = _cofactor(as_floating(a))
    return result


def _slogdet_spec(a: Any) -> tuple[Spec, Spec]:
    batch, _, _ = matrices("a", a, square=True)
    return infer.Spec(batch, a.dtype), infer.Spec(batch, infer.real(a).dtype)


def _slogdet_gradient(g: Any, y: Any, a: Any) -> Any:
    # The logarithm of the determinant moves by t = sum(inv(a)^T * da), its real part is that of the size.
    to_sign, to_size = g
    sign, _ = y
    back = ops.matrix_transpose(inv(a))
    if a.dtype.kind != "complex":
        return to_size[..., None, None] * back
    to_phase = -ops.imag(ops.conj(to_sign) * sign)
    return (to_size + to_phase * 1j)[..., None, None] * ops.conj(back)


@op(
    _slogdet_spec,
    _slogdet_gradient,
    name="linalg.slogdet",
    requires=("linalg.slogdet",),
    multiple=True,
    holomorphic=False,
)
def _slogdet(xp: Any, a: Any, /) -> Any:
    sign, size = function_of(xp, "slogdet", a)(a)
    return sign, size


@fronts(_slogdet)
def slogdet(a: Any) -> SlogdetResult:
    """The sign of the determinants of square matrices, a complex one's phase, and the logarithm of their size.

    Derivatives: `g * inv(a)^H` of the logarithm; of a phase `i * sign * imag(sum(inv(a)^T * da))`, of a real sign none.
    For both the matrices have to be invertible.

    Returns:
        The named tuple `(sign, logabsdet)`.

    Raises:
        ShapeError: they are not square.

    >>> import chainrule as cr
    >>> cr.linalg.slogdet([[1.0, 0.0], [0.0, -1.0]])
    SlogdetResult(sign=Tensor(-1.0, float64), logabsdet=Tensor(0.0, float64))
    """
    return SlogdetResult(*_slogdet(as_floating(a)))
