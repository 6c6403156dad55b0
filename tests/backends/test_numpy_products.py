"""Large products of matrices on several threads, against sums of products that no BLAS computes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import chainrule as cr
from chainrule_numpy import _products, _threads
from chainrule_numpy._matmul import matmul

pytest.importorskip("llvmlite", reason="without machine code products are left to BLAS")

RANDOM = np.random.default_rng(0)


@pytest.fixture(params=[2, 3, 5], autouse=True)
def threads(request, monkeypatch):
    monkeypatch.setattr(_products, "LARGE", 1)
    monkeypatch.setattr(_products, "_WORTH", 1)
    monkeypatch.setattr(_products._tiles, "LARGE", 1 << 12)
    monkeypatch.setattr("chainrule_numpy._matmul.LARGE", 1)
    with cr.use_num_threads(request.param):
        yield request.param


def lain(shape, dtype, how):
    """A matrix whose elements lie in rows, in columns, apart from each other, or backwards."""
    x = RANDOM.normal(size=shape).astype(dtype)
    wide = RANDOM.normal(size=[2 * n + 3 for n in shape]).astype(dtype)
    if how == "rows apart":
        wide[tuple(slice(1, 1 + n) for n in shape)] = x
        return wide[tuple(slice(1, 1 + n) for n in shape)]
    if how == "elements apart":
        wide[tuple(slice(0, 2 * n, 2) for n in shape)] = x
        return wide[tuple(slice(0, 2 * n, 2) for n in shape)]
    return {"rows": x, "columns": np.asfortranarray(x), "backwards": x[::-1]}[how]


def check(a, b):
    subscripts = "...ik,k->...i" if b.ndim == 1 else "...ik,...kj->...ij"
    want = np.einsum(subscripts, a.astype("float64"), b.astype("float64"))
    tolerance = 1e-12 if a.dtype == "float64" else 1e-4
    got = matmul(a, b)
    assert got.dtype == a.dtype
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)
    out = np.full(want.shape, np.nan, a.dtype)
    assert matmul(a, b, out) is out
    np.testing.assert_allclose(out, want, rtol=tolerance, atol=tolerance)


LAYOUTS = ("rows", "columns", "rows apart", "elements apart", "backwards")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("left", "right"), list(itertools.product(LAYOUTS, LAYOUTS)))
def test_matrices_in_any_order(left, right, dtype):
    for rows, depth, columns in ((37, 21, 11), (7, 30, 41), (1, 9, 20), (20, 9, 1), (2, 3, 2)):
        check(lain((rows, depth), dtype, left), lain((depth, columns), dtype, right))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("left", "right"), list(itertools.product(LAYOUTS, LAYOUTS[::3] + LAYOUTS[4:])))
def test_matrices_by_vectors(left, right, dtype):
    for rows, depth in ((301, 17), (5, 203), (2, 2)):
        check(lain((rows, depth), dtype, left), lain((depth,), dtype, right))


@pytest.mark.parametrize("shapes", [((3, 50, 40), (40, 30)), ((3, 50, 40), (3, 40, 30)), ((50, 40), (2, 40, 30))])
def test_stacks(shapes):
    check(*[RANDOM.normal(size=shape) for shape in shapes])


def test_a_matrix_by_itself_turned():
    x = RANDOM.normal(size=(40, 30))
    check(x, x.T)
    check(x.T, x)


def test_shapes_that_do_not_fit():
    for a, b in (((30, 20), (30, 20)), ((30, 20), (30,)), ((3, 30, 20), (2, 20, 30))):
        with pytest.raises(ValueError, match=r"matmul|broadcast"):
            matmul(np.ones(a), np.ones(b))


def test_blas_computes_on_one_thread_meanwhile_and_on_as_many_as_before_afterwards(monkeypatch):
    if not _threads.has_openblas():
        pytest.skip("threadpoolctl is not installed, or NumPy's BLAS is no OpenBLAS")

    def numbers():
        return [get() for get, _ in _threads._openblas()]

    seen = []
    monkeypatch.setattr(_products, "_WORTH", 1)
    monkeypatch.setattr(_products, "_in_parts", lambda *_: seen.append(numbers()))
    _threads.set_threads(2)
    try:
        matmul(np.ones((30, 20)), np.ones((20, 30)))
        assert set(numbers()) == {2}
        with pytest.raises(ValueError, match="matmul"):
            matmul(np.ones((30, 20)), np.ones((30, 20)))
        assert set(numbers()) == {2}
    finally:
        _threads.set_threads(None)
    assert seen == [[1] * len(numbers())] * 2


def test_with_one_thread_and_without_machine_code_blas_is_left_alone(monkeypatch):
    monkeypatch.setattr(_products, "alone", lambda: pytest.fail("BLAS was told"))
    x = np.ones((30, 20))
    with cr.use_num_threads(1):
        np.testing.assert_array_equal(matmul(x, x.T), np.full((30, 30), 20.0))
    with cr.use_jit("off"):
        np.testing.assert_array_equal(matmul(x, x.T), np.full((30, 30), 20.0))
