"""The exponential, the logarithm and the square root of matrices, triangles with ones, and factors that solve."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg

import chainrule as cr
from chainrule import linalg

RNG = np.random.default_rng(5)
A, B = RNG.normal(size=(3, 3)), RNG.normal(size=(3, 2))
DEFINITE = A @ A.T + np.eye(3)
STACK = np.stack([A, A[::-1], A.T])


@pytest.mark.parametrize("size", [1e-3, 1.0, 30.0])
def test_the_exponential_on_a_library_that_has_none(size: float) -> None:
    pytest.importorskip("array_api_strict", reason="array_api_strict is not installed")
    with cr.use_backend("array_api_strict"):
        found = linalg.expm(np.stack([size * A, size * A.T])).numpy()
    np.testing.assert_allclose(found, scipy.linalg.expm(np.stack([size * A, size * A.T])), rtol=1e-11)


def test_the_derivative_of_the_exponential_is_scipys() -> None:
    direction = RNG.normal(size=(3, 3))
    _, moved = cr.jvp(linalg.expm, (A,), (direction,))
    np.testing.assert_allclose(moved, scipy.linalg.expm_frechet(A, direction)[1], rtol=1e-12)


@pytest.mark.parametrize(("function", "inverse"), [(linalg.expm, linalg.logm), (lambda a: a @ a, linalg.sqrtm)])
def test_an_inverse_has_the_inverse_derivative(function: Callable[..., Any], inverse: Callable[..., Any]) -> None:
    there = cr.jacobian(inverse)(DEFINITE).reshape(9, 9)
    back = cr.jacobian(function)(inverse(cr.tensor(DEFINITE)).numpy()).reshape(9, 9)
    np.testing.assert_allclose(back @ there, np.eye(9), atol=1e-9)


@pytest.mark.parametrize("function", [linalg.logm, linalg.sqrtm])
def test_a_result_that_is_not_real_is_refused(function: Callable[..., Any]) -> None:
    with pytest.raises(cr.ArgumentError, match=r"matrix \[1\] of the stack has no real .*cr.astype\(a, 'complex128'\)"):
        function(np.stack([np.eye(2), -np.eye(2)]))
    assert function(np.array(-np.eye(2) + 0j)).dtype == cr.complex128


def test_a_library_without_it_is_named() -> None:
    pytest.importorskip("array_api_strict", reason="array_api_strict is not installed")
    with cr.use_backend("array_api_strict"), pytest.raises(cr.MissingKernelError, match=r"no 'linalg\.sqrtm'"):
        linalg.sqrtm(np.eye(2))


@pytest.mark.parametrize("lower", [True, False])
def test_triangles_with_ones(lower: bool) -> None:
    expected = scipy.linalg.solve_triangular(A, B, lower=lower, unit_diagonal=True)
    np.testing.assert_allclose(linalg.solve_triangular(A, B, lower, unit_diagonal=True).numpy(), expected, rtol=1e-12)
    slope = cr.grad(lambda a: cr.sum(linalg.solve_triangular(a, B, lower, unit_diagonal=True)))(A)
    unread = np.triu(np.ones((3, 3))) if lower else np.tril(np.ones((3, 3)))
    assert not np.any(slope * unread)


@pytest.mark.parametrize("a", [A, A[:, :2], A[:2], STACK], ids=lambda a: str(a.shape))
def test_packed_factors_are_scipys(a: np.ndarray) -> None:
    lu, piv = linalg.lu_factor(a)
    assert piv.dtype == "int32"
    for place in np.ndindex(a.shape[:-2]):
        expected = scipy.linalg.lu_factor(a[place])
        np.testing.assert_allclose(lu.numpy()[place], expected[0], rtol=1e-12)
        np.testing.assert_array_equal(piv.numpy()[place], expected[1])


@pytest.mark.parametrize("trans", [0, 1, 2])
@pytest.mark.parametrize("factorize", [linalg.lu, linalg.lu_factor])
def test_factors_solve_with_transposes_too(factorize: Any, trans: int) -> None:
    a, b = STACK + 1j * STACK[::-1], B + 2j
    turned = {0: a, 1: a.mT, 2: a.conj().mT}[trans]
    np.testing.assert_allclose(linalg.lu_solve(factorize(a), b, trans).numpy(), np.linalg.solve(turned, b), rtol=1e-10)

    def slope(solve: Any) -> Any:
        return cr.grad(lambda a: cr.sum(cr.abs(solve(a)) ** 3))(a)

    turns = {0: lambda a: a, 1: cr.matrix_transpose, 2: lambda a: cr.conj(cr.matrix_transpose(a))}
    expected = slope(lambda a: linalg.solve(turns[trans](a), b))
    np.testing.assert_allclose(
        slope(lambda a: linalg.lu_solve(factorize(a), b, trans)), expected, rtol=1e-8, atol=1e-10
    )


def test_derivatives_of_packed_factors_are_pytorchs() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed; this compares with it")
    for a in (STACK, STACK[..., :2], STACK[:, :2], STACK[:, :, :2] * 1j):
        theirs = torch.tensor(a, requires_grad=True)
        torch.linalg.lu_factor(theirs).LU.abs().pow(3).sum().backward()
        ours = cr.grad(lambda a: cr.sum(cr.abs(linalg.lu_factor(a).lu) ** 3))(a)
        np.testing.assert_allclose(ours, theirs.grad.resolve_conj().numpy(), rtol=1e-9, atol=1e-9)


def test_a_way_to_turn_that_is_none() -> None:
    with pytest.raises(cr.ArgumentError, match="lu_solve: trans: expected 0, 1 or 2, got 3"):
        linalg.lu_solve(linalg.lu_factor(A), B, 3)


def test_equal_eigenvalues_give_no_nan() -> None:
    slope = cr.grad(lambda a: cr.sum(abs(linalg.eig(a).eigenvectors) ** 3))(np.eye(3))
    np.testing.assert_array_equal(slope, np.zeros((3, 3)))
