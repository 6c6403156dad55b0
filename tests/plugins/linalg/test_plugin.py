"""The package as chainrule sees it: operations, a namespace, NumPy's names, samples, documentation."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
import chainrule_linalg
from chainrule_testing.samples.linalg import SAMPLES

RNG = np.random.default_rng(8)
A, B = RNG.normal(size=(3, 3)), RNG.normal(size=(3, 2))
TALL = RNG.normal(size=(4, 2))
CALLS: dict[str, Callable[..., Any]] = {
    "solve": lambda a: np.linalg.solve(a, B),
    "inv": np.linalg.inv,
    "det": np.linalg.det,
    "slogdet": np.linalg.slogdet,
    "cholesky": lambda a: np.linalg.cholesky(a @ a.T),
    "cholesky, upper": lambda a: np.linalg.cholesky(a @ a.T, upper=True),
    "qr": np.linalg.qr,
    "qr, R alone": lambda a: np.linalg.qr(a, mode="r"),
    "svd": np.linalg.svd,
    "svd, values alone": lambda a: np.linalg.svd(a, compute_uv=False),
    "svdvals": np.linalg.svdvals,
    "eigh of the upper triangle": lambda a: abs(np.linalg.eigh(a, UPLO="U").eigenvectors),
    "eigvalsh of the lower triangle": np.linalg.eigvalsh,
    "pinv": np.linalg.pinv,
    "matrix_power": lambda a: np.linalg.matrix_power(a, -3),
    "matrix_rank": np.linalg.matrix_rank,
    "matrix_norm": np.linalg.matrix_norm,
    "cross": lambda a: np.linalg.cross(a, a[::-1]),
    "eig": lambda a: abs(np.linalg.eig(a).eigenvectors),
    "eigvals": lambda a: abs(np.linalg.eigvals(a)),
    "cond": np.linalg.cond,
    "cond by sums of rows": lambda a: np.linalg.cond(a, np.inf),
    "cond, smallest over largest": lambda a: np.linalg.cond(a, -2),
    "norm": np.linalg.norm,
    "norm of rows": lambda a: np.linalg.norm(a, ord=3, axis=1, keepdims=True),
    "norm of a vector": lambda a: np.linalg.norm(a[0], ord=np.inf),
    "norm of matrices": lambda a: np.linalg.norm(a[None], ord="nuc", axis=(0, -1), keepdims=True),
    "norm by sums of columns": lambda a: np.linalg.norm(a, ord=1),
    "vector_norm": lambda a: np.linalg.vector_norm(a, ord=3, axis=0),
    "tensorinv": lambda a: np.linalg.tensorinv(a[None], ind=2),
    "tensorsolve": lambda a: np.linalg.tensorsolve(a[:, :, None], a[0]),
    "tensorsolve, moved": lambda a: np.linalg.tensorsolve(a[:, None, :], a[:1], axes=(0,)),
    "diagonal": lambda a: np.linalg.diagonal(a, offset=1),
    "matmul": lambda a: np.linalg.matmul(a, B),
    "matrix_transpose": np.linalg.matrix_transpose,
    "outer": lambda a: np.linalg.outer(a[0], a[1]),
    "tensordot": lambda a: np.linalg.tensordot(a, B, axes=1),
    "vecdot": lambda a: np.linalg.vecdot(a, a[::-1]),
    "multi_dot": lambda a: np.linalg.multi_dot([a, B]),
    "trace": lambda a: np.linalg.trace(a, offset=1),
    "lstsq": lambda a: np.linalg.lstsq(a[:, :2], B),
    "lstsq of a vector": lambda a: np.linalg.lstsq(a, B[:, 0]),
}
PAGE = Path(__file__).parents[3] / "docs/reference/operations/linalg.md"


def test_what_is_registered() -> None:
    assert cr.linalg is chainrule_linalg
    registered = cr.plugins()["linalg"].registered
    assert {f"linalg.{name}" for name in ("det", "eigh", "inv", "qr", "solve", "svd")} <= set(registered["ops"])
    assert not hasattr(cr, "det")
    assert set(registered["ops"]) == set(SAMPLES)


def test_no_array_library_is_imported() -> None:
    program = "import sys, chainrule_linalg.plugin\nassert not {'numpy', 'scipy', 'cupy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_public_functions_are_documented() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name in chainrule_linalg.__all__:
        assert inspect.getdoc(getattr(chainrule_linalg, name))
        assert f"`{name}(" in page, name


def pairs(found: Any, expected: Any) -> list[tuple[Any, Any]]:
    """Each result with what it should be."""
    return list(zip(found, expected, strict=True)) if isinstance(found, tuple) else [(found, expected)]


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_numpys_names(call: Callable[..., Any]) -> None:
    for ours, theirs in pairs(call(cr.tensor(A)), call(A)):
        assert isinstance(ours, cr.Tensor)
        np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_numpys_names_in_a_trace(call: Callable[..., Any]) -> None:
    for ours, theirs in pairs(cr.function(call)(A), call(A)):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-13)


def test_all_of_numpys_names_are_tried() -> None:
    functions = {name for name in np.linalg.__all__ if name != "LinAlgError"}
    assert functions == {call.partition(",")[0].partition(" ")[0] for call in CALLS}


@pytest.mark.parametrize("n", [0, 1, 2, 3, 7, -1, -4])
def test_matrix_power(n: int) -> None:
    np.testing.assert_allclose(cr.linalg.matrix_power(A, n).numpy(), np.linalg.matrix_power(A, n), rtol=1e-10)


def test_matrices_of_integers_are_computed_in_the_default_dtype() -> None:
    assert cr.linalg.inv([[2, 0], [0, 4]]).tolist() == [[0.5, 0.0], [0.0, 0.25]]
    assert cr.linalg.matrix_power(cr.tensor([[1, 1], [0, 1]]), 3).tolist() == [[1, 3], [0, 1]]


def test_named_results() -> None:
    assert cr.linalg.svd(TALL)._fields == ("U", "S", "Vh")
    assert cr.linalg.svd(TALL).U.shape == (4, 4)
    assert cr.linalg.svd(TALL, full_matrices=False).U.shape == (4, 2)
    assert cr.linalg.qr(TALL, mode="complete").Q.shape == (4, 4)
    assert cr.linalg.eigh(A)._fields == ("eigenvalues", "eigenvectors")
    assert cr.linalg.slogdet(A)._fields == ("sign", "logabsdet")


def test_block_diag_and_kron() -> None:
    import scipy.linalg

    np.testing.assert_array_equal(
        cr.linalg.block_diag(A, TALL, [1.0, 2.0], 5.0).numpy(), scipy.linalg.block_diag(A, TALL, [1.0, 2.0], 5.0)
    )
    np.testing.assert_array_equal(cr.linalg.kron(A, TALL).numpy(), np.kron(A, TALL))
