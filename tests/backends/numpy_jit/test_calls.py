"""What kernels are called with: arrays of every kind, places for results, wrong arguments, several threads."""

from __future__ import annotations

import gc
import sys
import threading
from contextlib import suppress

import numpy as np
import pytest

import chainrule as cr

X = np.random.default_rng(0).normal(size=(6, 10))


def double(x):
    return x * 2.0 + 1.0


def misaligned(x):
    raw = np.zeros(x.nbytes + 1, np.uint8)
    array = raw[1:].view(x.dtype).reshape(x.shape)
    array[...] = x
    return array


def readonly(x):
    x = x.copy()
    x.flags.writeable = False
    return x


class Mine(np.ndarray):
    pass


KINDS = {
    "transposed": lambda x: x.T.copy().T,
    "strided": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "reversed": lambda x: x[::-1].copy()[::-1],
    "misaligned": misaligned,
    "read-only": readonly,
    "big-endian": lambda x: x.astype(">f8"),
    "broadcast": lambda x: np.broadcast_to(x[:1], x.shape),
    "subclass": lambda x: x.view(Mine),
    "list": lambda x: x.tolist(),
}


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_of_every_kind(kind, kernel):
    x = KINDS[kind](X)
    before = np.array(x)
    (y,) = kernel(double, X)(x)
    assert type(y) is np.ndarray
    assert y.dtype == np.float64
    assert np.array_equal(y, before * 2.0 + 1.0)
    assert np.array_equal(x, before)


NUMBERS = [2.5, np.float64(2.5), np.array(2.5), 2, np.float32(2.5), np.int64(2)]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda x: type(x).__name__)
def test_numbers_of_every_kind(number, kernel):
    (y,) = kernel(lambda x, s: x * s, X, np.float64(2.5))(X, number)
    assert np.array_equal(y, X * float(number))


def test_scalars_of_every_dtype(kernel):
    for s in (np.float32(1.5), np.int64(-3), np.int32(7), np.bool_(True)):
        (y,) = kernel(lambda x, s: cr.where(x > 0.0, s, s), X, s)(X, s)
        assert np.array_equal(y, np.full(X.shape, s))
        assert y.dtype == s.dtype


def test_python_numbers_are_weak(kernel):
    x = X.astype("f")
    (y,) = kernel(lambda x, s: x * s, x, 0.1)(x, 0.3)
    assert y.dtype == np.float32
    assert np.array_equal(y, x * 0.3)


def test_equal_dtypes_that_are_other_objects(kernel):
    x = np.arange(5, dtype=np.longlong)
    (y,) = kernel(lambda x: x + 1, np.arange(5))(x)
    assert np.array_equal(y, x + 1)
    other = np.dtype("f8", metadata={"unit": "m"})
    assert np.array_equal(kernel(double, X)(X.astype(other))[0], double(X))


def test_results_go_where_they_are_wanted(kernel):
    made = kernel(lambda x: (x * 2.0, cr.sum(x), cr.sum(x, axis=0)), X)
    a, c = np.empty_like(X), np.empty(10)
    doubled, total, columns = made(X, out=(a, None, c))
    assert doubled is a
    assert columns is c
    assert np.array_equal(a, X * 2.0)
    np.testing.assert_allclose(total, X.sum())
    np.testing.assert_allclose(c, X.sum(0))
    fresh = made(X, out=(None, None, None))
    assert fresh[0] is not a
    assert np.array_equal(fresh[0], a)
    assert made(X, out=())[0] is not a


@pytest.mark.parametrize("n", [5, 8, 13, 1000])
def test_results_in_place_of_an_input(n, kernel):
    x, y = np.arange(n) * 1.0, np.ones(n)
    made = kernel(lambda x, y: (cr.exp(-x) * y, x + y), x, y)
    wanted = (np.exp(-x) * y, x + y)
    got = made(x, y, out=(x, y))
    assert got[0] is x
    assert got[1] is y
    np.testing.assert_allclose(x, wanted[0], rtol=1e-15)
    assert np.array_equal(y, wanted[1])


@pytest.mark.parametrize("shape", [(3, 10), (4, 100)])
def test_a_softmax_in_place(shape, kernel):
    x = np.random.default_rng(0).normal(size=shape)

    def f(x):
        e = cr.exp(x - cr.max(x, axis=1, keepdims=True))
        return e / cr.sum(e, axis=1, keepdims=True), x * 2.0

    e = np.exp(x - x.max(1, keepdims=True))
    wanted = e / e.sum(1, keepdims=True)
    (y, _) = kernel(f, x)(x, out=(x, None))
    assert y is x
    np.testing.assert_allclose(x, wanted, rtol=1e-13)


WRONG_OUT = [
    np.empty((10, 6)),
    np.empty((6, 10), "f"),
    np.empty((10, 6)).T,
    readonly(X),
    [0.0],
    np.empty((6, 10), ">f8"),
]


@pytest.mark.parametrize("out", WRONG_OUT, ids=["shape", "dtype", "order", "read-only", "list", "bytes"])
def test_places_that_do_not_fit_are_refused(out, kernel):
    with pytest.raises(cr.ArgumentError, match=r"out\[0\]: expected a contiguous, writeable float64\[6, 10\]"):
        kernel(double, X)(X, out=(out,))


def test_wrong_inputs_are_refused(kernel):
    made = kernel(double, X)
    with pytest.raises(cr.ArgumentError, match=r"input 0: expected float64\[6, 10\], got float64\[10, 6\]"):
        made(X.T.copy())
    with pytest.raises(cr.ArgumentError, match=r"expected float64\[6, 10\], got float32\[6, 10\]"):
        made(X.astype("f"))
    with pytest.raises(cr.ArgumentError, match="expected 1 inputs, got 2"):
        made(X, X)
    with pytest.raises(cr.ArgumentError, match="expected 1 arrays in out, got 2"):
        made(X, out=(None, None))


def test_references_are_kept_in_balance(kernel):
    s, out = np.float64(2.0), np.empty_like(X)
    made = kernel(lambda x, s: (x * s, cr.sum(x * s)), X, s)
    dtype, transposed = X.dtype, X.T.copy().T
    made(X, s)
    held = [X, s, out, dtype, None, made, transposed]
    gc.collect()
    before = [sys.getrefcount(x) for x in held]
    blocks = sys.getallocatedblocks()
    for _ in range(1000):
        made(X, s)
        made(X, s, out=(out, None))
        made(transposed, s)
        with suppress(cr.ArgumentError):
            made(X, s, out=(X.T, None))
    gc.collect()
    after = [sys.getrefcount(x) for x in held]
    assert all(abs(a - b) < 50 for a, b in zip(after, before, strict=True))
    assert sys.getallocatedblocks() - blocks < 500


def test_results_belong_to_the_caller(kernel):
    made = kernel(double, X)
    (a,) = made(X)
    (b,) = made(X + 1.0)
    assert np.array_equal(a, double(X))
    assert a.flags.owndata
    assert a.flags.writeable
    assert not np.shares_memory(a, b)


def test_regions_of_the_same_structure_share_code(region):
    from chainrule_numpy import _jit

    a, b = (_jit.compile(region(double, X)) for _ in range(2))
    assert a is b
    assert _jit.compile(region(double, X[:5])) is not a
    assert _jit.compile(region(lambda x: x * 2 + 1.0, X)) is not None


def test_several_threads_at_once(kernel):
    x = np.random.default_rng(0).normal(size=30_000)
    made = kernel(lambda x: (cr.exp(x) * cr.sin(x), cr.sum(x * x)), x)
    wanted = (np.exp(x) * np.sin(x), np.sum(x * x))
    wrong = []

    def work(i):
        for _ in range(30):
            y, total = made(x * i)
            if i == 1 and not (np.allclose(y, wanted[0], rtol=1e-13) and np.isclose(total, wanted[1])):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in (1, 2, 1, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_compiling_in_several_threads_at_once(region):
    from chainrule_numpy import _jit

    regions = [region(lambda x, i=i: cr.exp(x) + float(i), X) for i in range(8)]
    results = [None] * 8

    def work(i):
        results[i] = _jit.compile(regions[i])(X)[0]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i, y in enumerate(results):
        np.testing.assert_allclose(y, np.exp(X) + i, rtol=1e-15)
