"""Eigenvalues and eigenvectors of Hermitian matrices."""

from __future__ import annotations

from typing import Any, NamedTuple

from chainrule import Spec, Tensor, fronts, infer, op, ops
from chainrule_linalg._matrices import (
    adjoint,
    as_floating,
    explained,
    function_of,
    hermitian,
    hermitian_part,
    matrices,
    reciprocal,
    rounding,
)

_FAULT = "has eigenvalues that do not converge; it may hold infinities or NaN"


class EighResult(NamedTuple):
    """`a = eigenvectors @ diag(eigenvalues) @ eigenvectors^H`."""

    eigenvalues: Any
    eigenvectors: Any


def _eigvalsh_spec(a: Any) -> Spec:
    batch, n, _ = matrices("a", a, square=True)
    return infer.Spec(None if batch is None else (*batch, n), infer.real(a).dtype)


def _eigh_spec(a: Any) -> tuple[Spec, Spec]:
    return _eigvalsh_spec(a), a


def _eigh_gradient(g: Any, y: Any, _a: Any) -> Any:
    to_values, to_vectors = g
    w, v = y
    largest = ops.maximum(ops.abs(w[..., :1]), ops.abs(w[..., -1:]))
    floor = rounding(largest, _a.shape)
    gaps = reciprocal(w[..., None, :] - w[..., :, None], floor[..., None])
    return hermitian_part((v * to_values[..., None, :] + v @ (gaps * (adjoint(v) @ to_vectors))) @ adjoint(v))


@op(infer=_eigh_spec, gradient=_eigh_gradient, name="eigh", multiple=True, holomorphic=False)
def _eigh(xp: Any, a: Any, /) -> Any:
    compute = function_of(xp, "eigh", a)
    a = hermitian(xp, a)
    w, v = explained(lambda: compute(a), compute, a, _FAULT)
    return w, v


@fronts(_eigh)
def eigh(a: Any) -> EighResult:
    """The eigenvalues of Hermitian matrices, in rising order, and their eigenvectors, as columns.

    Computed of `(a + a^H) / 2`, so that the gradient, which is Hermitian, is the derivative of what is computed.

    Derivative: the Hermitian part of `V @ (diag(gw) + (V^H @ gV) * F) @ V^H`, where `F[i, j] = 1 / (w[j] - w[i])` and 0
    on the diagonal and between eigenvalues that are equal up to rounding (Giles 2008, section 3.1). Eigenvectors have
    a sign or a phase that is arbitrary; the gradient is right for what does not depend on it.

    Returns:
        The named tuple `(eigenvalues, eigenvectors)`.

    Raises:
        ShapeError: they are not square.

    >>> import chainrule as cr
    >>> cr.linalg.eigh([[2.0, 0.0], [0.0, 1.0]]).eigenvalues
    Tensor([1., 2.], float64)
    """
    return EighResult(*_eigh(as_floating(a)))


def _eigvalsh_gradient(g: Any, _y: Any, a: Any) -> Any:
    _, v = _eigh(a)
    return hermitian_part((v * g[..., None, :]) @ adjoint(v))


@op(infer=_eigvalsh_spec, gradient=_eigvalsh_gradient, name="eigvalsh", holomorphic=False)
def _eigvalsh(xp: Any, a: Any, /) -> Any:
    compute = function_of(xp, "eigvalsh", a)
    a = hermitian(xp, a)
    return explained(lambda: compute(a), compute, a, _FAULT)


@fronts(_eigvalsh)
def eigvalsh(a: Any) -> Tensor:
    """The eigenvalues of Hermitian matrices, in rising order; see `eigh`.

    Derivative: `V @ diag(g) @ V^H`.

    >>> import chainrule as cr
    >>> cr.grad(lambda a: cr.linalg.eigvalsh(a)[-1])(cr.tensor([[2.0, 0.0], [0.0, 1.0]]))
    Tensor([[1., 0.],
            [0., 0.]], float64)
    """
    result: Tensor = _eigvalsh(as_floating(a))
    return result
