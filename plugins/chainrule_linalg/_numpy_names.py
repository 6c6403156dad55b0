"""What answers to the names of `numpy.linalg`, where it is not ours or NumPy's arguments differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import chainrule_linalg as linalg
from chainrule import ArgumentError, as_tensor, ops


def _triangle(function: Callable[..., Any]) -> Callable[..., Any]:
    """`eigh` or `eigvalsh`, which NumPy computes of one triangle."""

    def called(a: Any, UPLO: str = "L") -> Any:
        if UPLO.upper() not in ("L", "U"):
            raise ArgumentError(f"np.linalg.{function.__name__}: UPLO: expected 'L' or 'U', got {UPLO!r}")
        return function(_mirrored(as_tensor(a), UPLO.upper() == "L"))

    return called


def _mirrored(a: Any, lower: bool) -> Any:
    """The Hermitian matrix that has a triangle of `a`."""
    within = ops.tril(a, k=-1) if lower else ops.triu(a, k=1)
    diagonal = ops.real(ops.tril(ops.triu(a)))
    return within + ops.conj(ops.matrix_transpose(within)) + diagonal


def _cholesky(a: Any, *, upper: bool = False) -> Any:
    return linalg.cholesky(_mirrored(as_tensor(a), not upper), upper=upper)


def _qr(a: Any, mode: str = "reduced") -> Any:
    return linalg.qr(a, "reduced").R if mode == "r" else linalg.qr(a, mode)


def _svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    return linalg.svd(a, full_matrices) if compute_uv else linalg.svdvals(a)


def _pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    return linalg.pinv(a, rcond if rtol is None else rtol)


def _matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    if tol is not None:
        raise ArgumentError(
            "np.linalg.matrix_rank: tol is not supported on tensors; give rtol, relative to the largest"
        )
    return linalg.matrix_rank(A, rtol)


def _lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    """The solution, the sums of squares that are left, the rank and the singular values."""
    a, b = as_tensor(a), as_tensor(b)
    x = linalg.lstsq(a, b, rcond)
    left = ops.sum(ops.square(ops.abs(b - a @ x)), axis=0, keepdims=b.ndim == 1)
    rank = linalg.matrix_rank(a, rcond)
    full = a.shape[0] > a.shape[1] and int(rank) == a.shape[1]
    return x, left if full else left[:0], rank, linalg.svdvals(a)


def numpy_functions() -> Mapping[str, Callable[..., Any]]:
    """Functions by NumPy's name."""
    same = ("cross", "det", "diagonal", "inv", "matrix_norm", "matrix_power", "matrix_transpose", "multi_dot", "outer")
    more = ("slogdet", "solve", "svdvals", "tensordot", "trace", "vecdot", "matmul")
    return {f"linalg.{name}": getattr(linalg, name) for name in (*same, *more)} | {
        "linalg.cholesky": _cholesky,
        "linalg.eigh": _triangle(linalg.eigh),
        "linalg.eigvalsh": _triangle(linalg.eigvalsh),
        "linalg.lstsq": _lstsq,
        "linalg.matrix_rank": _matrix_rank,
        "linalg.pinv": _pinv,
        "linalg.qr": _qr,
        "linalg.svd": _svd,
    }
