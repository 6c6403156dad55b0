"""Products and decompositions against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .comparing import ALL, COMPLEX, agree, matrix, tolerance


@pytest.mark.parametrize("dtype", ALL)
def test_products(dtype: str) -> None:
    x, within = matrix(dtype), tolerance(dtype) * 20
    agree(lambda xp: xp.asarray(x) @ xp.asarray(x).T, within)
    agree(lambda xp: xp.dot(xp.asarray(x), xp.asarray(x[0])), within)
    agree(lambda xp: xp.matmul(xp.asarray(np.stack([x] * 3)), xp.asarray(np.stack([x.T] * 3))), within)
    agree(lambda xp: xp.tensordot(xp.asarray(x), xp.asarray(x), axes=([0], [0])), within)
    agree(lambda xp: xp.einsum("ij,kj->ik", xp.asarray(x), xp.asarray(x)), within)
    agree(lambda xp: xp.outer(xp.asarray(x[0]), xp.asarray(x[1])), within)
    agree(lambda xp: xp.vdot(xp.asarray(x[0]), xp.asarray(x[1])), within)


def test_small_products() -> None:
    x: Any = matrix("f8")
    agree(lambda xp: xp.trace(xp.asarray(x)))
    agree(lambda xp: xp.kron(xp.eye(2), xp.asarray(x)))
    agree(lambda xp: xp.cross(xp.asarray(x[:, :3]), xp.asarray(x[:, 2:])))


def square(dtype: str, *batch: int) -> Any:
    """Well-conditioned matrices, of no symmetry."""
    random = np.random.default_rng(1)
    x = random.standard_normal((*batch, 5, 5)) + 4 * np.eye(5)
    return (x + 1j * random.standard_normal(x.shape) if dtype in COMPLEX else x).astype(dtype)


def positive(dtype: str, *batch: int) -> Any:
    """Positive definite matrices."""
    x = square(dtype, *batch)
    return x @ x.swapaxes(-1, -2).conj()


BATCHES = pytest.mark.parametrize("batch", [(), (3,), (2, 3)], ids=str)
DTYPES = pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "c16"])


@BATCHES
@DTYPES
def test_linear_systems(dtype: str, batch: tuple[int, ...]) -> None:
    a, b = square(dtype, *batch), matrix(dtype)[:1, :5].T
    agree(lambda xp: xp.linalg.solve(xp.asarray(a), xp.asarray(np.broadcast_to(b, (*batch, 5, 1)).copy())), 1e-3)
    agree(lambda xp: xp.linalg.inv(xp.asarray(a)), 1e-3)
    agree(lambda xp: xp.linalg.det(xp.asarray(a)), 1e-3)
    agree(lambda xp: tuple(xp.linalg.slogdet(xp.asarray(a))), 1e-3)


@BATCHES
@DTYPES
def test_cholesky(dtype: str, batch: tuple[int, ...]) -> None:
    agree(lambda xp: xp.linalg.cholesky(xp.asarray(positive(dtype, *batch))), 1e-3)


@pytest.mark.parametrize("mode", ["reduced", "complete", "r"])
@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4)], ids=str)
@BATCHES
@DTYPES
def test_qr(dtype: str, batch: tuple[int, ...], shape: tuple[int, int], mode: str) -> None:
    a = square(dtype, *batch)[..., : shape[0], : shape[1]]
    agree(lambda xp: xp.linalg.qr(xp.asarray(a), mode=mode), 1e-3)


@BATCHES
@DTYPES
@pytest.mark.parametrize("triangle", ["L", "U"])
def test_symmetric_eigenvalues(triangle: str, dtype: str, batch: tuple[int, ...]) -> None:
    import cupy

    a = positive(dtype, *batch)
    agree(lambda xp: xp.linalg.eigvalsh(xp.asarray(a), UPLO=triangle), 1e-3)
    values, vectors = (x.get() for x in cupy.linalg.eigh(cupy.asarray(a), UPLO=triangle))
    np.testing.assert_allclose(a @ vectors, vectors * values[..., None, :], rtol=1e-3, atol=1e-3)


@DTYPES
def test_eigenvalues(dtype: str) -> None:
    import cupy

    a = square(dtype)
    agree(lambda xp: xp.sort(xp.linalg.eigvals(xp.asarray(a))), 1e-3)
    values, vectors = (x.get() for x in cupy.linalg.eig(cupy.asarray(a)))
    np.testing.assert_allclose(a @ vectors, vectors * values, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("full", [False, True], ids=["economical", "full"])
@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (40, 35)], ids=str)
@pytest.mark.parametrize("batch", [(), (3,)], ids=str)
@DTYPES
def test_singular_values(dtype: str, batch: tuple[int, ...], shape: tuple[int, int], full: bool) -> None:
    import cupy

    a = np.random.default_rng(2).standard_normal((*batch, *shape)).astype(dtype)
    u, s, vh = (x.get() for x in cupy.linalg.svd(cupy.asarray(a), full_matrices=full))
    np.testing.assert_allclose(s, np.linalg.svd(a, compute_uv=False), rtol=1e-3, atol=1e-4)
    assert u.shape[-1] == (shape[0] if full else min(shape))
    k = min(shape)
    np.testing.assert_allclose((u[..., :k] * s[..., None, :]) @ vh[..., :k, :], a, rtol=1e-3, atol=1e-4)
    agree(lambda xp: xp.linalg.svd(xp.asarray(a), compute_uv=False), 1e-3)


@DTYPES
def test_what_rests_on_decompositions(dtype: str) -> None:
    a, b = square(dtype)[:, :3], square(dtype)[:, 3]
    agree(lambda xp: xp.linalg.lstsq(xp.asarray(a), xp.asarray(b), rcond=None)[0], 1e-3)
    agree(lambda xp: xp.linalg.pinv(xp.asarray(a)), 1e-3)
    agree(lambda xp: xp.linalg.matrix_rank(xp.asarray(a)))
    agree(lambda xp: xp.linalg.matrix_power(xp.asarray(square(dtype)), -2), 1e-3)
    agree(lambda xp: xp.linalg.norm(xp.asarray(a), 2), 1e-3)


@BATCHES
@DTYPES
@pytest.mark.parametrize("lower", [False, True])
def test_triangular_systems(lower: bool, dtype: str, batch: tuple[int, ...]) -> None:
    import cupy
    import cupyx.scipy.linalg
    import scipy.linalg

    a, b = square(dtype), matrix(dtype)[:1, :5].T.copy()
    expected = scipy.linalg.solve_triangular(a, b, lower=lower)
    a, b = np.broadcast_to(a, (*batch, 5, 5)).copy(), np.broadcast_to(b, (*batch, 5, 1)).copy()
    x = cupyx.scipy.linalg.solve_triangular(cupy.asarray(a), cupy.asarray(b), lower=lower)
    np.testing.assert_allclose(x.get(), np.broadcast_to(expected, (*batch, 5, 1)), rtol=1e-3, atol=1e-4)


def test_singular_matrices_are_noticed() -> None:
    import cupy
    import cupyx

    singular = cupy.ones((2, 2))
    with cupyx.errstate(linalg="raise"), pytest.raises(np.linalg.LinAlgError):
        cupy.linalg.solve(singular, cupy.ones(2))
    with cupyx.errstate(linalg="raise"), pytest.raises(np.linalg.LinAlgError):
        cupy.linalg.cholesky(-cupy.eye(2))
