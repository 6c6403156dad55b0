"""Lengths, dtypes, casts and constants of elementwise regions."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr

RANDOM = np.random.default_rng(0)
LENGTHS = [1, 2, 7, 8, 9, 15, 16, 17, 31, 64, 65, 1000, 4097]


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.int32])
def test_every_element_is_computed_and_none_beyond(n, dtype, kernel):
    x = RANDOM.integers(-9, 9, n).astype(dtype)
    out = np.full(n + 2, 77).astype(dtype)
    made = kernel(lambda x: x * 3 - 1, x)
    (y,) = made(x, out=(out[1:-1],))
    assert y.base is out
    assert np.array_equal(out[1:-1], x * 3 - 1)
    assert out[0] == out[-1] == 77


@pytest.mark.parametrize("n", LENGTHS)
def test_booleans(n, computed):
    a, b = RANDOM.random(n) < 0.5, RANDOM.random(n) < 0.5
    both, either, neither, chosen, counted = computed(
        lambda a, b: (
            cr.logical_and(a, b),
            a | b,
            ~cr.logical_xor(a, b),
            cr.where(a, 1.0, cr.astype(b, "float64") * 5.0),
            cr.sum(a),
        ),
        *(a, b),
    )
    assert np.array_equal(both, a & b)
    assert np.array_equal(either, a | b)
    assert np.array_equal(neither, ~(a ^ b))
    assert np.array_equal(chosen, np.where(a, 1.0, b * 5.0))
    assert counted == a.sum()
    assert counted.dtype == np.int64
    assert both.dtype == bool


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "maximum", "minimum", "less", "equal"])
@pytest.mark.parametrize("dtype", [np.int64, np.int32])
def test_integers_wrap(name, dtype, computed):
    ends = np.iinfo(dtype)
    a = np.array([ends.max, ends.min, 5, -7, 0, ends.max], dtype)
    b = np.array([1, -1, -3, ends.min, 0, ends.max], dtype)
    (y,) = computed(getattr(cr, name), a, b)
    with np.errstate(over="ignore"):
        wanted = getattr(np, name)(a, b)
    assert np.array_equal(y, wanted)
    assert y.dtype == wanted.dtype


def test_more_operations_on_integers(computed):
    a = RANDOM.integers(-9, 9, 100)
    results = computed(
        lambda a: (abs(a), -a, cr.sign(a), cr.floor(a), a**3, cr.relu(a), a & 3, a | 8, a ^ 5, ~a, a / 4, cr.exp(a)), a
    )
    wanted = (abs(a), -a, np.sign(a), a, a**3, np.maximum(a, 0), a & 3, a | 8, a ^ 5, ~a, a / 4, np.exp(a))
    for y, w in zip(results, wanted, strict=True):
        np.testing.assert_allclose(y, w, rtol=1e-15)
        assert y.dtype == w.dtype


@pytest.mark.parametrize("n", [5, 100])
def test_casts_are_numpys(n, computed):
    x = np.concatenate([[0.0, -0.0, np.nan, 1e9, -1e9], RANDOM.normal(size=n) * 100])
    dtypes = ("float64", "float32", "int64", "int32", "bool")
    numbers = x[~np.isnan(x)]
    for start in dtypes:
        have = (x if start.startswith("f") else numbers).astype(start)
        targets = [t for t in dtypes if not (np.isnan(have).any() and t.startswith("int"))]
        results = computed(lambda v, targets=targets: tuple(cr.astype(v, t) + 0 for t in targets), have)
        for y, target in zip(results, targets, strict=True):
            assert np.array_equal(y, have.astype(target) + 0, equal_nan=True)


def test_dtypes_mix_as_in_numpy(computed):
    f, d = RANDOM.normal(size=33).astype("f"), RANDOM.normal(size=33)
    i, b = RANDOM.integers(-5, 5, 33), RANDOM.random(33) < 0.5
    results = computed(lambda f, d, i, b: (f * d, f + i, cr.where(b, f, d), f * 2 + True, i < f, cr.sin(f)), f, d, i, b)
    wanted = (f * d, f + i, np.where(b, f, d), f * 2 + True, i < f, np.sin(f))
    for y, w in zip(results, wanted, strict=True):
        np.testing.assert_allclose(y, w, rtol=1e-6)
        assert y.dtype == w.dtype


def test_constants_take_the_arrays_dtype(computed):
    x = np.ones(5, "f")
    (y,) = computed(lambda x: x * 0.1 + 1e300, x)
    assert y.dtype == np.float32
    assert np.all(np.isinf(y))
    (y,) = computed(lambda x: x * 0.1, x)
    assert np.array_equal(y, x * 0.1)


def test_a_long_region(computed):
    x = RANDOM.normal(size=100)

    def f(x):
        y = x
        for i in range(60):
            y = cr.sin(y) * 0.4 + x / (i + 1) + cr.exp(-x * y) * 0.1
        return y

    y = x
    for i in range(60):
        y = np.sin(y) * 0.4 + x / (i + 1) + np.exp(-x * y) * 0.1
    np.testing.assert_allclose(computed(f, x)[0], y, rtol=1e-9)
