"""Broadcasting, reductions, rows that are used again, and scatters: against NumPy."""

from __future__ import annotations

import math

import numpy as np
import pytest

import chainrule as cr
from chainrule import ops

RANDOM = np.random.default_rng(0)
SPACES = [
    (1,),
    (9,),
    (4097,),
    (3, 5),
    (37, 10),
    (5, 101),
    (100, 1),
    (1, 33),
    (4, 3, 7),
    (2, 1, 40),
    (3, 2, 5, 4),
    (1, 1),
]


def check(results, wanted, tolerance):
    assert len(results) == len(wanted)
    for y, w in zip(results, wanted, strict=True):
        assert np.shape(y) == np.shape(w)
        assert y.dtype == np.asarray(w).dtype
        assert isinstance(y, np.ndarray) == bool(np.shape(w))
        np.testing.assert_allclose(y, w, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("space", SPACES)
def test_operands_of_every_shape(space, dtype, computed):
    shapes = {
        space,
        (),
        space[-1:],
        *[tuple(1 if i == a else n for i, n in enumerate(space)) for a in range(len(space))],
    }
    x = RANDOM.normal(size=space).astype(dtype)
    others = [dtype(RANDOM.normal()) if not s else RANDOM.normal(size=s).astype(dtype) for s in sorted(shapes)]

    def f(x, *others):
        y = x
        for i, other in enumerate(others):
            y = y * other + i if i % 2 else cr.tanh(other) - y
        return y, ops.broadcast_to(others[-1], shape=space)

    def plain(x, *others):
        y = x
        for i, other in enumerate(others):
            y = y * other + i if i % 2 else np.tanh(other) - y
        return y, np.broadcast_to(others[-1], space)

    check(computed(f, x, *others), plain(x, *others), 1e-12 if dtype is np.float64 else 1e-4)


def all_axes(n):
    return [None, *range(-n, n), *[axes for k in range(2, n + 1) for axes in combinations(n, k)]]


def combinations(n, k):
    return [tuple(i for i in range(n) if m >> i & 1) for m in range(1 << n) if m.bit_count() == k]


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.int32])
@pytest.mark.parametrize("space", SPACES)
def test_reductions_over_all_sets_of_axes(space, dtype, computed):
    x = (RANDOM.normal(size=space) * 10).astype(dtype)
    cases = [(axis, keep) for axis in all_axes(len(space)) for keep in (False, True)]

    def f(x):
        y = x * 2
        return tuple(
            how(y, axis=axis, keepdims=keep) for axis, keep in cases for how in (cr.sum, cr.mean, cr.max, cr.min)
        )

    y = x * 2
    wanted = tuple(
        how(y, axis=axis, keepdims=keep) for axis, keep in cases for how in (np.sum, np.mean, np.max, np.min)
    )
    check(computed(f, x), wanted, 1e-4 if dtype is np.float32 else 1e-12)


@pytest.mark.parametrize("shape", [(), (5,), (1, 5), (3, 1), (1, 1)])
def test_sums_that_undo_broadcasting(shape, computed):
    x = RANDOM.normal(size=(3, 5))
    axes = tuple(i for i in range(2) if i < 2 - len(shape) or shape[i - 2 + len(shape)] == 1)
    (y,) = computed(lambda x: ops.sum_to(x + 1.0, shape=shape), x)
    np.testing.assert_allclose(y, (x + 1.0).sum(axes).reshape(shape), rtol=1e-14)


def test_nan_and_infinity_pass_through_reductions(computed):
    for n in (5, 3000):
        x = RANDOM.normal(size=n)
        for value in (np.nan, np.inf, -np.inf):
            x[n // 2] = value
            total, largest, least = computed(lambda x: (cr.sum(x + 0.0), cr.max(x + 0.0), cr.min(x + 0.0)), x)
            assert np.array_equal([total, largest, least], [x.sum(), x.max(), x.min()], equal_nan=True)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n", [3, 10, 100, 5000])
def test_what_is_computed_again_in_another_pass_is_the_same_number(n, dtype, computed):
    x = (RANDOM.normal(size=(50, n)) * 1000).astype(dtype)
    row = RANDOM.normal(size=n).astype(dtype)

    def f(x, row):
        y = x * row + 0.1
        highest = cr.max(y, axis=-1, keepdims=True)
        scaled = x * row * 3.0
        return cr.sqrt(highest - y), y == highest, cr.max(scaled, axis=-1, keepdims=True) - scaled

    root, is_highest, below = computed(f, x, row)
    at = is_highest.argmax(-1)
    assert (is_highest.sum(-1) == 1).all()
    assert (root[np.arange(50), at] == 0.0).all()
    assert np.isfinite(root).all()
    assert (below.min(-1) == 0.0).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_log_softmax_of_large_numbers(dtype, computed):
    x = RANDOM.permuted(np.linspace(-7.1, 7.3, 2800).reshape(70, 40).T, axis=1).astype(dtype)  # 0.2 apart

    def f(x):
        y = x * 1000.0
        shifted = y - cr.max(y, axis=-1, keepdims=True)
        return shifted - cr.log(cr.sum(cr.exp(shifted), axis=-1, keepdims=True))

    (y,) = computed(f, x)
    assert (y[np.arange(40), x.argmax(-1)] == 0.0).all()


def test_sums_are_at_least_as_exact_as_numpys(computed):
    for dtype in (np.float64, np.float32):
        x = RANDOM.uniform(size=1_000_003).astype(dtype)
        (y,) = computed(lambda x: cr.sum(x * 1.0), x)
        exact = math.fsum(x.tolist())
        assert abs(y - exact) <= max(abs(x.sum() - exact), np.spacing(dtype(exact)))


def test_integers_are_summed_in_64_bits(computed):
    x = np.full(100, 2**31 - 1, np.int32)
    (y,) = computed(lambda x: cr.sum(x + 0), x)
    assert y == 100 * (2**31 - 1)
    assert y.dtype == np.int64
    (z,) = computed(lambda x: cr.sum(x * 1.0, dtype="float64"), np.full(10, 0.1, "f"))
    assert z.dtype == np.float64


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(7, 10), (3, 33), (5, 3000), (2, 3, 70), (1, 50), (40,), (2000,), (2, 40_000)])
def test_softmax_in_passes_over_each_row(shape, dtype, computed):
    x = RANDOM.normal(size=shape).astype(dtype) * 3

    def f(x):
        top = cr.max(x, axis=-1, keepdims=True)
        e = cr.exp(x - top)
        total = cr.sum(e, axis=-1, keepdims=True)
        return e / total, cr.log(total) + top, cr.sum(e / total * x, axis=-1)

    top = x.max(-1, keepdims=True)
    e = np.exp(x - top)
    total = e.sum(-1, keepdims=True)
    check(
        computed(f, x),
        (e / total, np.log(total) + top, (e / total * x).sum(-1)),
        1e-12 if dtype is np.float64 else 1e-4,
    )


def test_layer_norm_with_its_gradient(computed):
    x, g = RANDOM.normal(size=(6, 50)), RANDOM.normal(size=50)

    def f(x, g):
        def norm(x, g):
            c = x - cr.mean(x, axis=1, keepdims=True)
            return c / cr.sqrt(cr.mean(c * c, axis=1, keepdims=True) + 1e-5) * g

        return norm(x, g)

    c = x - x.mean(1, keepdims=True)
    check(computed(f, x, g), (c / np.sqrt((c * c).mean(1, keepdims=True) + 1e-5) * g,), 1e-13)


def put(values, key, shape):
    array = np.zeros(shape, values.dtype)
    array[key] = values
    return array


def key_of(slices):
    return tuple((s.start, s.stop, s.step) if isinstance(s, slice) else s for s in slices)


SCATTERS = [
    ((11,), (12,), [(slice(1, None),), (slice(None, -1),)]),
    ((1,), (3,), [(slice(1, 2),), (slice(None, 1),), (slice(2, 3),)]),
    ((10,), (13,), [(slice(2, 12),), (slice(3, None),), (slice(None, 10),), (slice(2, 12),)]),
    ((1000,), (1009,), [(slice(1, 1001),), (slice(9, None),)]),
    ((1003,), (1033,), [(slice(30, None),), (slice(None, -30),)]),
    ((4096,), (4097,), [(slice(1, None),)]),
    ((6, 7), (8, 9), [(slice(i, i - 2 or None), slice(j, j - 2 or None)) for i in range(3) for j in range(3)]),
    ((6, 7), (6, 9), [(slice(None), slice(1, -1)), (slice(None), slice(2, None))]),
    ((6, 7), (8, 7), [(slice(1, -1), slice(None)), (slice(2, None),), (slice(None, -2), Ellipsis)]),
    ((7,), (4, 7), [(0,), (-1, slice(None))]),
]


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
@pytest.mark.parametrize(("space", "shape", "keys"), SCATTERS)
def test_scatters_to_slices_and_their_sums(space, shape, keys, dtype, computed):
    x = (RANDOM.normal(size=space) * 10).astype(dtype)

    def f(x):
        total = None
        for i, key in enumerate(keys):
            term = ops.scatter_add(x * (i + 1), key=tuple(... if k is ... else k for k in key_of(key)), shape=shape)
            total = term if total is None else total + term
        return total, x * 2

    wanted = sum(put(x * (i + 1), key, shape) for i, key in enumerate(keys))
    check(computed(f, x), (wanted.astype(dtype), x * 2), 1e-5 if dtype is np.float32 else 1e-12)


@pytest.mark.parametrize("n", [2, 3, 9, 10, 17, 100, 1026])
def test_rosenbrock_with_its_gradient(n, computed):
    x = RANDOM.normal(size=n)

    def f(a, b):
        r = b - a * a
        gradient = ops.scatter_add(-400.0 * a * r - 2.0 * (1.0 - a), key=((None, -1, None),), shape=(n,))
        return (
            cr.sum(100.0 * r * r + (1.0 - a) ** 2),
            gradient + ops.scatter_add(200.0 * r, key=((1, None, None),), shape=(n,)),
        )

    from scipy.optimize import rosen, rosen_der

    check(computed(f, x[:-1], x[1:]), (rosen(x), rosen_der(x)), 1e-11)
