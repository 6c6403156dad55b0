"""Where derivatives are not defined: singular values and eigenvalues that repeat or vanish, norms at 0, singularity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr

linalg = cr.linalg
ROTATION = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3))).Q
ZERO = np.zeros((3, 3))
REPEATED = [
    np.eye(3),
    ZERO,
    np.diag([1.0, 1.0, 0.0]),
    ROTATION @ np.diag([2.0, 2.0, 5.0]) @ ROTATION.T,
    np.ones((3, 3)),
]
WEIGHTS = np.arange(9.0).reshape(3, 3)
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "U": lambda a: linalg.svd(a).U * WEIGHTS,
    "Vh": lambda a: linalg.svd(a).Vh * WEIGHTS,
    "eigenvectors": lambda a: linalg.eigh(a).eigenvectors * WEIGHTS,
    "nuclear norm": lambda a: linalg.matrix_norm(a, ord="nuc"),
    "spectral norm": lambda a: linalg.matrix_norm(a, ord=2),
    "svdvals": linalg.svdvals,
    "eigvalsh": linalg.eigvalsh,
    "pinv": linalg.pinv,
}


@pytest.mark.parametrize("a", REPEATED, ids=["identity", "zero", "projection", "rotated", "ones"])
@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_derivatives_are_finite(function: Callable[..., Any], a: Any) -> None:
    first = cr.grad(lambda a: cr.sum(function(a)))
    assert np.all(np.abs(first(a)) < 1e3)
    assert np.all(np.abs(cr.grad(lambda a: cr.sum(first(a)))(a)) < 1e3)


def test_what_repeated_values_leave_defined_is_exact() -> None:
    # The determinant by eigenvalues, and the Frobenius norm by singular values, depend on no choice of vectors.
    a = REPEATED[3]
    by_values = cr.grad(lambda a: cr.prod(linalg.eigvalsh(a)))(a)
    np.testing.assert_allclose(by_values, np.linalg.det(a) * np.linalg.inv(a), rtol=1e-12, atol=1e-13)
    by_norm = cr.grad(lambda a: linalg.vector_norm(linalg.svdvals(a)))(a)
    np.testing.assert_allclose(by_norm, a / np.linalg.norm(a), rtol=1e-12, atol=1e-13)
    plane = cr.grad(lambda a: cr.sum(linalg.eigh(a).eigenvectors[:, 2] ** 2 * np.arange(3.0)))(a)
    w, v = np.linalg.eigh(a)
    moved = sum(
        v[:, j] * (v[:, j] @ (2.0 * v[:, 2] * np.arange(3.0))) / (w[2] - w[j]) for j in range(2)
    )  # perturbation theory of the vector that is alone
    expected = np.outer(moved, v[:, 2])
    np.testing.assert_allclose(plane, (expected + expected.T) / 2, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("ord", ["fro", "nuc", 2, -2, 1, -1, np.inf, -np.inf])
def test_the_gradient_of_a_norm_of_matrices_at_zero_is_zero(ord: Any) -> None:
    np.testing.assert_array_equal(cr.grad(lambda a: linalg.matrix_norm(a, ord=ord))(ZERO), ZERO)


@pytest.mark.parametrize("ord", [2, 1, 3, 1.5, 0.5, 0, np.inf, -np.inf])
def test_the_gradient_of_a_norm_of_vectors_at_zero_is_zero(ord: float) -> None:
    np.testing.assert_array_equal(cr.grad(lambda x: linalg.vector_norm(x, ord=ord))(np.zeros(3)), np.zeros(3))


def test_an_element_of_zero_adds_nothing_to_the_gradient_of_a_norm() -> None:
    # (3^3 + 4^3)^(1/3): the slopes are x^2 / norm^2.
    slopes = cr.grad(lambda x: linalg.vector_norm(x, ord=3))(np.array([3.0, 0.0, 4.0]))
    np.testing.assert_allclose(slopes, np.array([9.0, 0.0, 16.0]) / 91 ** (2 / 3), rtol=1e-14)


@pytest.mark.parametrize(
    ("a", "cofactors"),
    [
        ([[1.0, 2.0], [2.0, 4.0]], [[4.0, -2.0], [-2.0, 1.0]]),
        ([[0.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]),
        ([[0.0]], [[1.0]]),
        ([[1j, 2.0], [2.0, -4j]], [[4j, -2.0], [-2.0, -1j]]),  # conjugated: the steepest ascent of the real part
    ],
    ids=["rank 1", "zero", "a number", "complex"],
)
def test_a_determinant_of_zero_has_its_cofactors_for_a_gradient(a: Any, cofactors: Any) -> None:
    found = cr.grad(lambda a: cr.real(linalg.det(a)))(np.array(a))
    np.testing.assert_allclose(found, cofactors, rtol=1e-13, atol=1e-13)


def test_second_derivatives_of_a_determinant_of_zero() -> None:
    # With the sign of permutations e, det(a) = e[i, k, p] * e[j, l, q] * a[i, j] * a[k, l] * a[p, q] / 6.
    a = np.outer([1.0, 2.0, 3.0], [1.0, -1.0, 2.0])
    signs = np.zeros((3, 3, 3))
    for i in range(3):
        signs[i, (i + 1) % 3, (i + 2) % 3], signs[i, (i + 2) % 3, (i + 1) % 3] = 1.0, -1.0
    expected = np.einsum("ikp,jlq,pq->ijkl", signs, signs, a)
    for matrix, curvature in ((a, expected), (np.zeros((3, 3)), np.zeros((3, 3, 3, 3)))):
        np.testing.assert_allclose(cr.hessian(linalg.det)(matrix), curvature, rtol=1e-12, atol=1e-13)


def test_the_pseudoinverse_of_a_rank_deficient_matrix() -> None:
    # Along scalings of a matrix its rank stays: pinv(t a) = pinv(a) / t.
    a = np.outer([1.0, 2.0, 3.0], [1.0, -1.0])
    _, tangent = cr.jvp(linalg.pinv, (a,), (a,))
    np.testing.assert_allclose(tangent, -np.linalg.pinv(a), rtol=1e-12, atol=1e-14)


def test_singular_values_of_zero_do_not_reach_others() -> None:
    a = np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
    np.testing.assert_allclose(cr.grad(lambda a: linalg.svdvals(a)[0])(a), a, atol=1e-15)
    np.testing.assert_array_equal(cr.grad(lambda a: linalg.svdvals(a)[1])(a), np.zeros((3, 2)))


def test_ranks_by_tolerances_of_each_matrix_are_numpys() -> None:
    a = np.stack([np.diag([4.0, 1.0, 0.1]), np.diag([8.0, 0.5, 0.0])])
    for tolerances in ({"rtol": [0.1, 0.01]}, {"tol": 0.7}, {"tol": [0.05, 3.0]}):
        expected = np.linalg.matrix_rank(a, **tolerances)
        np.testing.assert_array_equal(linalg.matrix_rank(a, **tolerances).numpy(), expected)
        np.testing.assert_array_equal(np.linalg.matrix_rank(cr.tensor(a), **tolerances).numpy(), expected)
    np.testing.assert_array_equal(linalg.matrix_rank(a, 0.2, tol=[0.0, 2.0]).numpy(), [2, 1])  # the larger of both
