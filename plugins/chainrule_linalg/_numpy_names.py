"""What answers to the names of `numpy.linalg` whose arguments differ from ours."""

from __future__ import annotations

from typing import Any

import chainrule_linalg as linalg
from chainrule import ArgumentError, ShapeError, as_tensor, infer, ops


def eigh(a: Any, UPLO: str = "L") -> Any:
    """NumPy computes it of one triangle."""
    return linalg.eigh(_mirrored("eigh", a, UPLO))


def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    """NumPy computes it of one triangle."""
    return linalg.eigvalsh(_mirrored("eigvalsh", a, UPLO))


def cholesky(a: Any, *, upper: bool = False) -> Any:
    """NumPy computes it of one triangle."""
    return linalg.cholesky(_mirrored("cholesky", a, "U" if upper else "L"), upper=upper)


def _mirrored(name: str, a: Any, triangle: str) -> Any:
    """The Hermitian matrix that has a triangle of `a`."""
    if triangle.upper() not in ("L", "U"):
        raise ArgumentError(f"np.linalg.{name}: UPLO: expected 'L' or 'U', got {triangle!r}")
    a = as_tensor(a)
    within = ops.tril(a, k=-1) if triangle.upper() == "L" else ops.triu(a, k=1)
    diagonal = ops.real(ops.tril(ops.triu(a)))
    return within + ops.conj(ops.matrix_transpose(within)) + diagonal


def qr(a: Any, mode: str = "reduced") -> Any:
    """One more mode."""
    return linalg.qr(a, "reduced").R if mode == "r" else linalg.qr(a, mode)


def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    """The values alone on request."""
    return linalg.svd(a, full_matrices) if compute_uv else linalg.svdvals(a)


def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    """The tolerance under two names."""
    return linalg.pinv(a, rcond if rtol is None else rtol)


def matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    """The absolute tolerance before the relative one."""
    return linalg.matrix_rank(A, rtol, tol=tol)


def lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    """The solution, the sums of squares that are left, the rank and the singular values.

    There are no such sums where columns depend on each other; a trace, which has no values, takes it that none do.
    """
    a, b = as_tensor(a), as_tensor(b)
    x = linalg.lstsq(a, b, rcond)
    left = ops.sum(ops.square(ops.abs(b - a @ x)), axis=0, keepdims=b.ndim == 1)
    rank = linalg.matrix_rank(a, rcond)
    independent = rank.backend.name == "symbolic" or int(rank) == a.shape[1]
    full = a.shape[0] > a.shape[1] and independent
    return x, left if full else left[:0], rank, linalg.svdvals(a)


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Of vectors or of matrices, as the number of axes says."""
    x = as_tensor(x)
    axes = infer.as_axes(axis, x.ndim)
    if ord is None or (axis is None and x.ndim == 1) or (axis is not None and len(axes) == 1):
        return linalg.vector_norm(x, axis=axis, keepdims=keepdims, ord=2 if ord is None else ord)
    if len(axes) != 2:
        raise ShapeError(f"np.linalg.norm: order {ord!r} is that of vectors or matrices, got shape {x.shape}")
    found = linalg.matrix_norm(ops.moveaxis(x, axes, (-2, -1)), ord=ord)
    return ops.expand_dims(found, axis=tuple(sorted(i % x.ndim for i in axes))) if keepdims else found
