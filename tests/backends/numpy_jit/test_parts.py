"""Large regions in several threads give what one gives."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule import ops

RANDOM = np.random.default_rng(0)


@pytest.fixture(params=[1, 2, 3, 7])
def threads(request):
    with cr.use_num_threads(request.param):
        yield request.param


def test_flat_regions_with_scatters_and_reductions(threads, computed):
    n = 200_003
    x = RANDOM.normal(size=n)

    def f(a, b):
        left = ops.scatter_add(cr.exp(-a * a), key=((None, -2, None),), shape=(n,))
        return (
            left + ops.scatter_add(b * 2.0, key=((2, None, None),), shape=(n,)),
            *(cr.sin(a), cr.sum(a * b), cr.mean(a), cr.max(a), cr.min(b)),
        )

    a, b = x[:-2], x[2:]
    scattered = np.zeros(n)
    scattered[:-2] += np.exp(-a * a)
    scattered[2:] += b * 2.0
    wanted = (scattered, np.sin(a), np.sum(a * b), np.mean(a), np.max(a), np.min(b))
    for y, w in zip(computed(f, a, b), wanted, strict=True):
        np.testing.assert_allclose(y, w, rtol=1e-12, atol=1e-10)


@pytest.mark.parametrize("shape", [(3000, 70), (3001, 7), (5, 60, 700)])
def test_rows_and_columns(shape, threads, computed):
    x, row = RANDOM.normal(size=shape), RANDOM.normal(size=shape[-1])

    def f(x, row):
        e = cr.exp(x - cr.max(x, axis=-1, keepdims=True))
        y = e / cr.sum(e, axis=-1, keepdims=True) * row
        return y, cr.sum(y, axis=0), cr.mean(y), cr.max(y, axis=-1), cr.mean(x, axis=tuple(range(x.ndim - 1)))

    e = np.exp(x - x.max(-1, keepdims=True))
    y = e / e.sum(-1, keepdims=True) * row
    wanted = (y, y.sum(0), y.mean(), y.max(-1), x.mean(tuple(range(x.ndim - 1))))
    for got, w in zip(computed(f, x, row), wanted, strict=True):
        np.testing.assert_allclose(got, w, rtol=1e-11, atol=1e-10)


def test_the_same_for_the_same_number_of_threads(threads, kernel):
    x = RANDOM.normal(size=400_000)
    made = kernel(lambda x: cr.sum(cr.exp(x)), x)
    assert len({float(made(x)[0]) for _ in range(5)}) == 1


def test_results_go_where_they_are_wanted(threads, kernel):
    x = RANDOM.normal(size=(2000, 100))
    out = np.empty_like(x), np.empty(100)
    y, columns = kernel(lambda x: (cr.exp(x), cr.sum(x, axis=0)), x)(x, out=out)
    assert y is out[0]
    assert columns is out[1]
    np.testing.assert_allclose(y, np.exp(x), rtol=1e-14)
    np.testing.assert_allclose(columns, x.sum(0), rtol=1e-11, atol=1e-11)
    (y, _) = kernel(lambda x: (cr.exp(x), cr.sum(x, axis=0)), x)(x.T.copy().T, out=(x, None))
    assert y is x


def test_arguments_are_checked(threads, kernel):
    x = RANDOM.normal(size=200_000)
    made = kernel(cr.exp, x)
    with pytest.raises(cr.ArgumentError, match="expected float64"):
        made(x[1:])
    with pytest.raises(cr.ArgumentError, match=r"out\[0\]"):
        made(x, out=(x[1:],))
