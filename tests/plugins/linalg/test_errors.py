"""What does not fit is refused with the operation, the matrix and what was expected, on each library that notices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr

linalg = cr.linalg
SINGULAR = np.array([[1.0, 2.0], [2.0, 4.0]])
STACK = np.stack([np.eye(2), SINGULAR])
UNFIT: dict[str, tuple[Callable[[], Any], str]] = {
    "solve": (
        lambda: linalg.solve(cr.tensor(STACK), np.ones((2, 1))),
        r"^linalg\.solve\(.*: matrix \[1\] of the stack is sing",
    ),
    "inv": (
        lambda: linalg.inv(cr.tensor(SINGULAR)),
        r"^linalg\.inv\(float64\[2, 2\]\): the matrix is singular; pinv and lstsq",
    ),
    "cholesky": (
        lambda: linalg.cholesky(cr.tensor(-STACK)),
        r"^linalg\.cholesky\(.*: matrix \[0\] of the stack is not positive",
    ),
    "solve_triangular": (
        lambda: linalg.solve_triangular(cr.tensor([[0.0, 1.0], [0.0, 1.0]]), [1.0, 1.0]),
        r"^linalg\.solve_triangular\(.*: the matrix has a zero on its diagonal",
    ),
    "gradient": (
        lambda: cr.grad(lambda a: linalg.slogdet(a).logabsdet)(cr.tensor(SINGULAR)),
        r"^linalg\.inv\(.*: the matrix is singular.*in the gradient of op 'linalg.slogdet'",
    ),
    "svd": (
        lambda: linalg.svd(cr.full((2, 2), float("nan"))),
        r"^linalg\.svd\(.*: the matrix has singular values that do not",
    ),
}


@pytest.mark.parametrize("backend", ["numpy", "array_api_strict", "torch"])
@pytest.mark.parametrize(("call", "message"), UNFIT.values(), ids=UNFIT)
def test_unfit_matrices(call: Callable[[], Any], message: str, backend: str) -> None:
    try:
        scope = cr.use_backend(backend)
        scope.__enter__()
    except cr.BackendUnavailableError as error:
        pytest.skip(str(error))
    try:
        with pytest.raises((cr.ArgumentError, cr.GradientDefinitionError), match=message):
            call()
    finally:
        scope.__exit__(None, None, None)


REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "not square": (lambda: linalg.inv(np.ones((2, 3))), cr.ShapeError, r"inv\(.*square matrices, got shape \(2, 3\)"),
    "no matrix": (lambda: linalg.det(np.ones(3)), cr.ShapeError, r"det\(.*at least 2 dimensions, got shape \(3,\)"),
    "rows": (lambda: linalg.solve(np.eye(2), np.ones(3)), cr.ShapeError, r"has 2 rows, b of shape \(3, 1\) has 3"),
    "mode": (lambda: linalg.qr(np.eye(2), mode="r"), cr.ArgumentError, "qr: mode: expected 'reduced' or 'complete'"),
    "order": (lambda: linalg.matrix_norm(np.eye(2), ord=3), cr.ArgumentError, "matrix_norm: ord: expected 'fro'"),
    "norm of a vector": (lambda: linalg.matrix_norm(np.ones(2)), cr.ShapeError, r"matrix_norm: .*got shape \(2,\)"),
    "tolerances": (
        lambda: linalg.pinv(np.eye(2), rtol=np.ones(2)),
        cr.ShapeError,
        "rtol: expected one for each matrix",
    ),
    "tolerance": (lambda: linalg.matrix_rank(np.eye(2), 1j), cr.DTypeError, "matrix_rank: rtol: expected real numbers"),
    "exponent": (lambda: linalg.matrix_power(np.eye(2), 1.5), cr.ArgumentError, "matrix_power: n: expected an integer"),
    "power": (lambda: linalg.matrix_power(np.ones((2, 3)), 2), cr.ShapeError, r"matrix_power: .*got shape \(2, 3\)"),
    "cross": (lambda: linalg.cross(np.ones(2), np.ones(2)), cr.ShapeError, r"cross: expected length 3 along axis -1"),
    "cross of one": (lambda: linalg.cross(np.ones(1), np.ones(3)), cr.ShapeError, r"cross: .*shapes \(1,\) and \(3,\)"),
    "multi_dot": (lambda: linalg.multi_dot([]), cr.ArgumentError, "multi_dot: expected at least one matrix, got none"),
    "a stack": (lambda: linalg.multi_dot([np.ones((1, 2, 2))]), cr.ShapeError, "multi_dot: matrix 0: expected 2 dim"),
    "block_diag": (lambda: linalg.block_diag(), cr.ArgumentError, "block_diag: expected at least one matrix, got none"),
    "short": (lambda: linalg.inv(np.eye(2, dtype="float16")), cr.DTypeError, "at least 32 bits, got float16"),
}


@pytest.mark.parametrize(("call", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_arguments(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_a_complete_factorization_of_a_tall_matrix_says_why_it_has_no_gradient() -> None:
    with cr.GradientTape() as tape:
        a = tape.watch(cr.tensor(np.ones((3, 2)) + np.eye(3, 2)))
        loss = cr.sum(linalg.qr(a, mode="complete").R)
    assert tape.gradient(loss, a) is None
    assert "the last columns of Q can be any basis" in str(cr.why_no_gradient(loss, a))
