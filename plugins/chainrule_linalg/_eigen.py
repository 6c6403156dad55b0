"""Eigenvalues and eigenvectors: of Hermitian matrices, and of any square ones."""

from __future__ import annotations

from typing import Any, NamedTuple

from chainrule import Spec, Tensor, as_dtype, fronts, infer, op, ops
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
from chainrule_linalg._solve import solve

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


@op(_eigh_spec, _eigh_gradient, name="linalg.eigh", requires=("linalg.eigh",), multiple=True, holomorphic=False)
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


@op(_eigvalsh_spec, _eigvalsh_gradient, name="linalg.eigvalsh", requires=("linalg.eigvalsh",), holomorphic=False)
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


class EigResult(NamedTuple):
    """`a @ eigenvectors = eigenvectors @ diag(eigenvalues)`."""

    eigenvalues: Any
    eigenvectors: Any


def _complex(dtype: Any) -> Any:
    return {"float32": as_dtype("complex64"), "float64": as_dtype("complex128")}.get(str(dtype), dtype)


def _eigvals_spec(a: Any) -> Spec:
    batch, n, _ = matrices("a", a, square=True)
    return infer.Spec(None if batch is None else (*batch, n), _complex(a.dtype))


def _eig_spec(a: Any) -> tuple[Spec, Spec]:
    return _eigvals_spec(a), infer.Spec(a.shape, _complex(a.dtype))


def _eig_gradient(g: Any, y: Any, _a: Any) -> Any:
    to_values, to_vectors = g
    w, v = y
    turned = adjoint(v)
    inner = turned @ to_vectors
    # Vectors stay of length 1, so that what would make them longer is taken away; their phases are arbitrary.
    inner = inner - (turned @ v) * ops.real(ops.diagonal(inner))[..., None, :]
    floor = rounding(ops.vector_norm(w, axis=-1, keepdims=True), _a.shape)
    inner = inner * ops.conj(reciprocal(w[..., None, :] - w[..., :, None], floor[..., None]))
    back = _turned_back(v, inner, to_values)
    return back if _a.dtype.kind == "complex" else ops.real(back)


def _turned_back(v: Any, inner: Any, to_values: Any) -> Any:
    """`v^-H @ (inner + diag(to_values)) @ v^H`."""
    turned = adjoint(v)
    return solve(turned, inner @ turned + to_values[..., :, None] * turned)


def _in_complex(xp: Any, x: Any, a: Any) -> Any:
    """A result of matrices `a` as complex numbers, where a library gives real ones for real eigenvalues."""
    return xp.astype(x, xp.complex64 if a.dtype in (xp.float32, xp.complex64) else xp.complex128, copy=False)


@op(_eig_spec, _eig_gradient, name="linalg.eig", requires=("linalg.eig",), multiple=True, holomorphic=False)
def _eig(xp: Any, a: Any, /) -> Any:
    compute = function_of(xp, "eig", a)
    w, v = explained(lambda: compute(a), compute, a, _FAULT)
    return _in_complex(xp, w, a), _in_complex(xp, v, a)


@fronts(_eig)
def eig(a: Any) -> EigResult:
    """The eigenvalues of square matrices, in no order, and their eigenvectors, as columns of length 1; all complex.

    Derivative: `V^-H @ (diag(gw) + conj(F) * (V^H @ gV - (V^H @ V) @ real(diag(V^H @ gV)))) @ V^H`, where `F[i, j] =
    1 / (w[j] - w[i])` and 0 on the diagonal and between eigenvalues that are equal up to rounding (Boeddeker and
    others 2017); its real part if `a` is real. Eigenvectors have a phase that is arbitrary; the gradient is right for
    what does not depend on it. The eigenvectors have to be linearly independent.

    Returns:
        The named tuple `(eigenvalues, eigenvectors)`.

    Raises:
        ShapeError: they are not square.
        MissingKernelError: the library has none, as the array API standard has none.

    >>> import chainrule as cr
    >>> cr.linalg.eig([[0.0, 1.0], [-1.0, 0.0]]).eigenvalues
    Tensor([0.+1.j, 0.-1.j], complex128)
    """
    return EigResult(*_eig(as_floating(a)))


def _eigvals_gradient(g: Any, _y: Any, a: Any) -> Any:
    _, v = _eig(a)
    back = _turned_back(v, ops.zeros_like(v), g)
    return back if a.dtype.kind == "complex" else ops.real(back)


@op(_eigvals_spec, _eigvals_gradient, name="linalg.eigvals", requires=("linalg.eigvals",), holomorphic=False)
def _eigvals(xp: Any, a: Any, /) -> Any:
    compute = function_of(xp, "eigvals", a)
    return _in_complex(xp, explained(lambda: compute(a), compute, a, _FAULT), a)


@fronts(_eigvals)
def eigvals(a: Any) -> Tensor:
    """The eigenvalues of square matrices, in no order and complex; see `eig`.

    Derivative: `V^-H @ diag(g) @ V^H`; its real part if `a` is real.

    >>> import chainrule as cr
    >>> cr.grad(lambda a: cr.sum(abs(cr.linalg.eigvals(a)) ** 2))(cr.tensor([[0.0, 1.0], [-4.0, 0.0]]))
    Tensor([[ 0.,  8.],
            [-2.,  0.]], float64)
    """
    result: Tensor = _eigvals(as_floating(a))
    return result
