"""Large products of matrices on several threads, against sums of products that no BLAS computes."""

from __future__ import annotations

import ctypes
import itertools
import threading

import numpy as np
import pytest

import chainrule as cr
from chainrule_numpy import _products, _threads, _tiles
from chainrule_numpy._matmul import matmul

pytest.importorskip("llvmlite", reason="without machine code products are left to BLAS")

RANDOM = np.random.default_rng(0)


@pytest.fixture(params=[2, 3, 5], autouse=True)
def threads(request, monkeypatch):
    monkeypatch.setattr(_products, "_WORTH", 1)
    monkeypatch.setattr(_products, "_SHARE", 1)
    monkeypatch.setattr(_products, "_SHARE_BY_VECTOR", 1)
    monkeypatch.setattr("chainrule_numpy._matmul.SEVERAL", 1)
    monkeypatch.setattr("chainrule_numpy._matmul.SEVERAL_BY_VECTOR", 1)
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


def test_numbers_in_another_order_of_bytes():
    a, b = (RANDOM.normal(size=shape).astype(np.dtype("float64").newbyteorder()) for shape in ((30, 20), (20, 40)))
    np.testing.assert_allclose(matmul(a, b), np.einsum("ik,kj->ij", a, b), rtol=1e-12, atol=1e-12)


def test_shapes_that_do_not_fit():
    for a, b in (((30, 20), (30, 20)), ((30, 20), (30,)), ((3, 30, 20), (2, 20, 30))):
        with pytest.raises(ValueError, match=r"matmul|broadcast"):
            matmul(np.ones(a), np.ones(b))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("left", "right"), list(itertools.product(["rows", "columns"], repeat=2)))
def test_tiles(left, right, dtype, monkeypatch):
    monkeypatch.setattr(_tiles, "_DIRECT_KERNELS", True)
    for rows, depth, columns in ((600, 100, 130), (1031, 250, 67)):
        check(lain((rows, depth), dtype, left), lain((depth, columns), dtype, right))


def test_tiles_of_stacks_and_of_columns(monkeypatch):
    monkeypatch.setattr(_tiles, "_DIRECT_KERNELS", True)
    heads = RANDOM.normal(size=(2, 300, 3, 64)).transpose(0, 2, 1, 3)
    check(heads, RANDOM.normal(size=(64, 150)))
    check(heads, RANDOM.normal(size=(2, 3, 64, 130)))
    a, b = RANDOM.normal(size=(130, 100)), RANDOM.normal(size=(515, 100)).T
    place = np.full((515, 130), np.nan).T
    assert matmul(a, b, place) is place
    np.testing.assert_allclose(place, np.einsum("ik,kj->ij", a, b), rtol=1e-12, atol=1e-12)


def test_many_threads_multiply_at_once(threads):
    def work(k):
        a, b = (np.random.default_rng(k).integers(-3, 4, shape).astype("float64") for shape in ((90, 70), (70, 50 + k)))
        want = np.einsum("ik,kj->ij", a, b)
        with cr.use_num_threads(threads):
            done.extend(np.array_equal(matmul(a, b), want) for _ in range(100))

    done = []
    workers = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert done == [True] * 400


def test_sums_along_rows_and_columns():
    x = RANDOM.normal(size=(300, 200))
    np.testing.assert_allclose(cr.sum(x, axis=0), np.einsum("ij->j", x), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(cr.sum(x, axis=1), np.einsum("ij->i", x), rtol=1e-12, atol=1e-12)


@pytest.fixture
def library(monkeypatch):
    """A library that writes down how many threads it has whenever it is to multiply, and multiplies nothing."""
    from chainrule_numpy._jit import _blas

    class Library:
        threads = 4
        seen = ()
        also_sets: int | None = None

    def multiply(*_):
        Library.seen = (*Library.seen, Library.threads)
        Library.threads = Library.also_sets or Library.threads

    number, real, pointer = ctypes.c_int64, ctypes.c_double, ctypes.c_void_p
    sizes = *[ctypes.c_int] * 3, number, number, number
    rest = real, pointer, number, pointer, number, real, pointer, number
    functions = (
        ctypes.CFUNCTYPE(None, *sizes, *rest)(multiply),
        ctypes.CFUNCTYPE(ctypes.c_int)(lambda: Library.threads),
        ctypes.CFUNCTYPE(None, ctypes.c_int)(lambda n: setattr(Library, "threads", n)),
    )
    monkeypatch.setattr(_threads, "openblas", lambda *_: (functions, True))
    for cache in (_blas._code, _blas._of_matrices):
        cache.cache_clear()
    yield Library
    for cache in (_blas._code, _blas._of_matrices):
        cache.cache_clear()


def test_blas_has_one_thread_meanwhile_and_as_many_as_before_afterwards(library, threads):
    matmul(np.ones((30, 20)), np.ones((20, 30)))
    assert library.seen == (1,) * threads
    assert library.threads == 4
    with pytest.raises(ValueError, match="matmul"):
        matmul(np.ones((30, 20)), np.ones((30, 20)))
    assert library.threads == 4


def test_who_sets_the_threads_of_blas_meanwhile_has_the_last_word(library):
    library.also_sets = 3
    matmul(np.ones((30, 20)), np.ones((20, 30)))
    assert library.threads == 3


def test_with_one_thread_and_without_machine_code_blas_is_left_alone(monkeypatch):
    monkeypatch.setattr(_products, "_on_team", lambda *_: pytest.fail("it was divided"))
    x = np.ones((30, 20))
    with cr.use_num_threads(1):
        np.testing.assert_array_equal(matmul(x, x.T), np.full((30, 30), 20.0))
    with cr.use_jit("off"):
        np.testing.assert_array_equal(matmul(x, x.T), np.full((30, 30), 20.0))


def test_one_thread_has_machine_code_compute_large_products(monkeypatch):
    monkeypatch.setattr(_tiles, "_DIRECT_KERNELS", True)
    monkeypatch.setattr(_products, "LARGE", 1)
    with cr.use_num_threads(1):
        for left, right in itertools.product(["rows", "columns"], repeat=2):
            check(lain((600, 100), "float64", left), lain((100, 130), "float64", right))
        monkeypatch.setattr(_products, "_on_team", lambda *_: None)  # as where NumPy calls another BLAS
        check(lain((600, 100), "float64", "rows"), lain((100, 130), "float64", "rows"))
