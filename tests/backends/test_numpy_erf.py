"""The error function of large arrays, beside Python's: near the grid's points and between them, at the edges."""

from __future__ import annotations

import math

import numpy as np
import pytest

import chainrule as cr

N = 1 << 12
RANDOM = np.random.default_rng(0)
TINY = 10.0 ** RANDOM.uniform(-300.0, -2.0, N)
PLACES = {
    "all over": RANDOM.normal(size=5 * N),  # more than a block
    "small": RANDOM.normal(size=N) * 1e-3,
    "tiny": np.concatenate([TINY, -TINY]),
    "half-way between points": (np.arange(N) + 0.5) / 2048,
    "points": np.arange(-N, N) / 2048,
    "far": RANDOM.uniform(-7.0, 7.0, N),
    "edges": np.tile([0.0, -0.0, 5e-324, -1e-310, 5.9999, -6.0, 6.0001, 1e6, -1e7, 1e300, math.inf, -math.inf], N // 8),
}


@pytest.mark.parametrize(("dtype", "bits"), [("float64", "int64"), ("float32", "int32")])
@pytest.mark.parametrize("x", PLACES.values(), ids=PLACES)
def test_within_4_units_in_the_last_place(x: np.ndarray, dtype: str, bits: str) -> None:
    with np.errstate(over="ignore"):
        x = x.astype(dtype)
    y = cr.erf(cr.tensor(x)).numpy()
    want = np.array([math.erf(v) for v in x.tolist()], dtype)
    assert y.dtype == dtype
    assert np.array_equal(np.signbit(y), np.signbit(want))
    assert np.abs(np.abs(y).view(bits) - np.abs(want).view(bits)).max() <= 4


def test_nan_stays_where_it_is() -> None:
    x = RANDOM.normal(size=N)
    x[::7] = math.nan
    y = cr.erf(cr.tensor(x)).numpy()
    assert np.array_equal(np.isnan(y), np.isnan(x))
    assert np.array_equal(y[1::7], cr.erf(cr.tensor(np.where(np.isnan(x), 0.0, x)))[1::7].numpy())


@pytest.mark.filterwarnings("error")
def test_infinity_among_others_changes_none_of_them_and_warns_of_nothing() -> None:
    x = RANDOM.normal(size=N)
    y = cr.erf(cr.tensor(x)).numpy()
    x[[3, 4]] = math.inf, -1e300
    far = cr.erf(cr.tensor(x)).numpy()
    assert far[[3, 4]].tolist() == [1.0, -1.0]
    assert np.array_equal(far[5:], y[5:])


def test_arrays_that_do_not_lie_in_order() -> None:
    x = RANDOM.normal(size=(40, 70))
    np.testing.assert_array_equal(cr.erf(cr.tensor(x.T)).numpy(), cr.erf(cr.tensor(x)).numpy().T)
    np.testing.assert_array_equal(cr.erf(cr.tensor(x[:, ::-1])).numpy(), cr.erf(cr.tensor(x)).numpy()[:, ::-1])
