"""Samples of linear algebra, for the checks that are generated for every operation.

Singular vectors and eigenvectors have a sign or a phase that is arbitrary; they are compared turned so that their first
elements are positive.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg

from chainrule_testing._samples import Samples, case, real, uniform

Array = Any
SQUARES = ((1, 1), (3, 3), (2, 2, 2), (0, 2, 2))
ANY = ((1, 1), (3, 2), (2, 3), (2, 3, 3), (0, 3, 2))


def invertible(*shape: int) -> Array:
    """Matrices whose diagonal outweighs the rest."""
    return np.asarray(real(*shape) + 5.0 * np.eye(shape[-2], shape[-1]))


def definite(*shape: int) -> Array:
    """Matrices whose Hermitian part is positive definite, and stays so with imaginary parts."""
    return np.asarray(real(*shape) + 9.0 * np.eye(shape[-1]))


def graded(*shape: int) -> Array:
    """Matrices whose singular values and eigenvalues are far apart."""
    return np.asarray(0.3 * real(*shape) + np.eye(shape[-2], shape[-1]) * np.arange(1.0, shape[-1] + 1.0) * 2.0)


def _hermitian(a: Array) -> Array:
    return (a + np.conj(np.swapaxes(a, -1, -2))) / 2


def _triangular(a: Array, b: Array, lower: bool = False, unit_diagonal: bool = False) -> Array:
    if not a.size:
        return a @ b
    solve: Callable[..., Any] = np.vectorize(
        lambda a, b: scipy.linalg.solve_triangular(a, b, lower=lower, unit_diagonal=unit_diagonal),
        signature="(n,n),(n,k)->(n,k)",
    )
    return solve(a, b)


def _cofactor(a: Array) -> Array:
    result = np.zeros(a.shape, a.dtype)
    for *stack, i, j in np.ndindex(a.shape):
        minor = np.delete(np.delete(a[tuple(stack)], i, axis=0), j, axis=1)
        result[(*stack, i, j)] = (-1) ** (i + j) * np.linalg.det(minor)
    return result


def _cofactor_slope(g: Array, a: Array) -> Array:
    inverse = np.swapaxes(np.linalg.inv(a), -1, -2)
    cofactors = np.linalg.det(a)[..., None, None] * inverse
    return np.sum(g * cofactors, axis=(-2, -1), keepdims=True) * inverse - inverse @ np.swapaxes(g, -1, -2) @ cofactors


def _turn(vectors: Any) -> Any:
    """The signs or phases that make the first elements of columns positive."""
    first = np.conj(vectors[..., 0, :])
    return first / np.abs(first)


def _settled_eigh(w: Any, v: Any) -> tuple[Any, Any]:
    return w, v * _turn(v)[..., None, :]


def _settled_svd(u: Any, s: Any, vh: Any) -> tuple[Any, Any, Any]:
    turn = _turn(u)
    return u * turn[..., None, :], s, np.conj(turn)[..., None] * vh


def _p_norm(x: Array, p: float, axis: Any = None, keepdims: bool = False) -> Array:
    return np.sum(np.abs(x) ** p, axis=axis, keepdims=keepdims) ** (1 / p)


def _of(reference: Callable[..., Any], points: Callable[..., Array], shapes: Any, **options: Any) -> Samples:
    return Samples(
        reference, [case(points(*shape)) for shape in shapes], **{"integers": False, "fronted": True, **options}
    )


def _tolerated() -> list[Any]:
    tolerance = uniform(1e-4, 1e-3)
    return [
        *(case(invertible(*shape), None) for shape in ANY),
        case(invertible(3, 2), 1e-3),
        case(invertible(2, 3, 3), tolerance(2)),
        case(invertible(2, 2, 3, 2), tolerance(2, 1)),
    ]


def _each(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """A function of one matrix, of stacks."""

    def run(a: Array) -> Array:
        return np.reshape([function(x) for x in np.reshape(a, (-1, *a.shape[-2:]))], a.shape).astype(a.dtype)

    return run


def _in_complex(reference: Callable[[Array], Any]) -> Callable[[Array], Any]:
    """The reference of a complex result, which NumPy makes real where it can."""

    def run(a: Array) -> Any:
        dtype = np.result_type(a.dtype, np.complex64)
        found = reference(a)
        return tuple(x.astype(dtype) for x in found) if isinstance(found, tuple) else found.astype(dtype)

    return run


def _lu(a: Array) -> tuple[Array, Array, Array]:
    p, l, u = scipy.linalg.lu(a)  # noqa: E741  # their names everywhere
    return p.real.astype(a.real.dtype), l, u


def _lu_factor(a: Array) -> tuple[Array, Array]:
    found = [scipy.linalg.lu_factor(x) for x in np.reshape(a, (-1, *a.shape[-2:]))]
    factors, piv = (np.stack(x) for x in zip(*found, strict=True))
    return np.reshape(factors, a.shape), np.reshape(piv, (*a.shape[:-2], -1)).astype(np.int32)


def _row_order(piv: Array, n: int) -> Array:
    order = np.tile(np.arange(n, dtype=piv.dtype), (*piv.shape[:-1], 1))
    for *place, i in np.ndindex(piv.shape):
        row, j = order[tuple(place)], int(piv[(*place, i)])
        row[[i, j]] = row[[j, i]]
    return order


def _equations(reference: Callable[..., Any], **attributes: Any) -> Samples:
    pairs = (((1, 1), (1, 1)), ((3, 3), (3, 2)), ((2, 2, 2), (2, 1)), ((2, 2), (3, 2, 1)), ((0, 2, 2), (2, 3)))
    return Samples(
        reference,
        [case(invertible(*a), real(*b), **attributes) for a, b in pairs],
        complex=True,
        integers=False,
        fronted=True,
    )


SAMPLES: dict[str, Samples] = {
    "linalg.solve": _equations(np.linalg.solve),
    "linalg.solve_triangular": Samples(
        _triangular,
        [*_equations(_triangular, lower=True).cases, *_equations(_triangular, unit_diagonal=True).cases[1:4]],
        complex=True,
        integers=False,
        fronted=True,
    ),
    "linalg.inv": _of(np.linalg.inv, invertible, SQUARES, complex=True),
    "linalg.det": _of(np.linalg.det, real, SQUARES, complex=True),
    "linalg.cofactor": _of(_cofactor, invertible, SQUARES[1:], complex=True),
    "linalg.cofactor_slope": Samples(
        _cofactor_slope,
        [case(real(*shape), invertible(*shape)) for shape in ((3, 3), (2, 3, 3), (0, 2, 2))],
        complex=True,
        integers=False,
    ),
    "linalg.slogdet": _of(np.linalg.slogdet, invertible, SQUARES, complex=True),
    "linalg.cholesky": _of(lambda a: np.linalg.cholesky(_hermitian(a)), definite, SQUARES, complex=True),
    "linalg.qr": _of(np.linalg.qr, invertible, ANY, complex=True),
    "linalg.qr_complete": _of(
        lambda a: np.linalg.qr(a, mode="complete"), invertible, ((3, 2), (2, 3, 1)), complex=True, fronted=False
    ),
    "linalg.eigh": _of(lambda a: np.linalg.eigh(_hermitian(a)), graded, SQUARES, complex=True, settled=_settled_eigh),
    "linalg.eigvalsh": _of(lambda a: np.linalg.eigvalsh(_hermitian(a)), graded, SQUARES, complex=True),
    "linalg.svd": Samples(
        np.linalg.svd,
        [case(graded(*shape), full_matrices=False) for shape in ANY]
        + [case(graded(*shape), full_matrices=True) for shape in SQUARES],
        complex=True,
        integers=False,
        fronted=True,
        settled=_settled_svd,
    ),
    "linalg.svdvals": _of(np.linalg.svdvals, graded, ANY, complex=True),
    "linalg.pinv": Samples(
        lambda a, rtol=None: np.linalg.pinv(a, rtol=1e-12 if rtol is None else rtol),
        _tolerated(),
        complex=True,
        integers=False,
        fronted=True,
        fixed=(1,),
    ),
    "linalg.matrix_rank": Samples(
        lambda a, rtol=None: np.linalg.matrix_rank(a, rtol=rtol),
        _tolerated(),
        complex=True,
        integers=False,
        fronted=True,
        fixed=(1,),
    ),
    "linalg.eig": _of(
        _in_complex(lambda a: tuple(np.linalg.eig(a))), graded, SQUARES, complex=True, settled=_settled_eigh
    ),
    "linalg.eigvals": _of(_in_complex(np.linalg.eigvals), graded, SQUARES, complex=True),
    "linalg.expm": _of(_each(scipy.linalg.expm), real, SQUARES, complex=True),
    "linalg.logm": _of(_each(scipy.linalg.logm), definite, SQUARES, complex=True),
    "linalg.lu": _of(_lu, invertible, ((1, 1), (3, 3), (3, 2), (2, 3), (2, 2, 2)), complex=True),
    "linalg.lu_factor": _of(_lu_factor, invertible, ((1, 1), (3, 3), (3, 2), (2, 3), (2, 2, 2)), complex=True),
    "linalg.row_order": Samples(
        _row_order,
        [case(np.array([2, 2, 3, 3]), n=4), case(np.array([[1, 1], [0, 2]]), n=3), case(np.zeros((0,), np.int64), n=2)],
    ),
    "linalg.sqrtm": _of(_each(scipy.linalg.sqrtm), definite, SQUARES, complex=True),
    "linalg.p_norm": Samples(
        _p_norm,
        [
            case(real(3), p=3.0),
            case(real(2, 3), p=2.5, axis=-1),
            case(real(2, 3, 2), p=0.5, axis=(0, 2), keepdims=True),
            case(real(2, 3), p=-1.0, axis=0),
            case(real(0, 3), p=3.0, axis=1),
        ],
        complex=True,
        integers=False,
    ),
}
