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


@op(infer=_det_spec, gradient=_det_gradient, name="det")
def _det(xp: Any, a: Any, /) -> Any:
    return function_of(xp, "det", a)(a)


@fronts(_det)
def det(a: Any) -> Tensor:
    """The determinants of square matrices.

    Derivative: `g * cofactor(a)`, which is `g * det(a) * inv(a)^T` (Giles 2008, section 2.2.4) and exists for singular
    matrices too; only for derivatives of higher order the matrices have to be invertible.

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


def _cofactor_gradient(g: Any, y: Any, a: Any) -> Any:
    turned = ops.matrix_transpose(inv(a))
    return ops.sum(g * y, axis=(-2, -1), keepdims=True) * turned - turned @ ops.matrix_transpose(g) @ y


@op(infer=_cofactor_spec, gradient=_cofactor_gradient, name="cofactor")
def _cofactor(xp: Any, a: Any, /) -> Any:
    u, s, vh = function_of(xp, "svd", a)(a, full_matrices=False)
    n = s.shape[-1]
    others = xp.arange(n * n, device=getattr(a, "device", None)) % (n + 1) > 0  # all but the diagonal
    factors = xp.where(xp.reshape(others, (n, n)), s[..., None, :], xp.ones_like(s)[..., None, :])
    products = xp.astype(xp.prod(factors, axis=-1), a.dtype)
    found = (u * products[..., None, :]) @ vh
    if xp.isdtype(a.dtype, "complex floating"):
        found = xp.conj(found)
    return function_of(xp, "det")(u @ vh)[..., None, None] * found


@fronts(_cofactor)
def cofactor(a: Any) -> Tensor:
    """The cofactors of square matrices, `det(a) * inv(a)^T`, of singular ones too.

    Derivative: `sum(g * y) * inv(a)^T - inv(a)^T @ g^T @ y`, for which the matrices have to be invertible.

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


@op(infer=_slogdet_spec, gradient=_slogdet_gradient, name="slogdet", multiple=True, holomorphic=False)
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
