"""Functions are exact to 4 units in the last place, and treat infinities, NaN and zeros as NumPy does."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.special

import chainrule as cr

RANDOM = np.random.default_rng(0)
N = 4000


def both(x):
    return np.concatenate([x, -x])


def scales(low, high):
    return np.exp(RANDOM.uniform(math.log(low), math.log(high), N))


TINY, HUGE = scales(1e-300, 1e-3), scales(1.0, 1e300)
NEAR = RANDOM.uniform(-3.0, 3.0, N)
PI = np.pi * np.arange(1, 400) / 2
LN2, LN10 = (np.log(np.longdouble(n)) for n in (2, 10))


def exactly(function):
    """A function of Python's, an element at a time."""
    return lambda x: np.array([function(float(v)) for v in x], np.longdouble)


# The operation, where, and what it should give there in long double, or correct to a unit.
FUNCTIONS = {
    "acos": (np.concatenate([RANDOM.uniform(-1.0, 1.0, N), 1.0 - scales(1e-15, 1.0)]), np.arccos),
    "acosh": (1.0 + scales(1e-15, 1e300), np.arccosh),
    "asin": (np.concatenate([RANDOM.uniform(-1.0, 1.0, N), both(TINY)]), np.arcsin),
    "asinh": (np.concatenate([NEAR, both(TINY), both(HUGE)]), np.arcsinh),
    "atan": (np.concatenate([NEAR, both(TINY), both(HUGE)]), np.arctan),
    "atanh": (both(scales(1e-300, 0.999999)), np.arctanh),
    "cbrt": (np.concatenate([NEAR, both(TINY), both(HUGE)]), np.cbrt),
    "cos": (np.concatenate([NEAR, both(HUGE), PI]), np.cos),
    "cosh": (np.concatenate([NEAR, RANDOM.uniform(-700.0, 700.0, N)]), np.cosh),
    "erf": (np.concatenate([NEAR, both(TINY)]), exactly(math.erf)),
    "erfc": (RANDOM.uniform(-6.0, 26.0, N), exactly(math.erfc)),
    "exp": (np.concatenate([NEAR, RANDOM.uniform(-745.0, 709.0, N)]), np.exp),
    "exp2": (np.concatenate([NEAR, RANDOM.uniform(-1074.0, 1023.0, N)]), np.exp2),
    "expm1": (np.concatenate([NEAR, both(TINY), RANDOM.uniform(-40.0, 700.0, N)]), np.expm1),
    "log": (np.concatenate([HUGE, TINY, 1.0 + both(scales(1e-10, 1e-2)), scales(5e-324, 1e-308)]), np.log),
    "log10": (np.concatenate([HUGE, TINY, 1.0 + both(scales(1e-10, 1e-2))]), lambda x: np.log(x) / LN10),
    "log1p": (np.concatenate([HUGE, both(TINY), both(scales(1e-5, 0.9))]), np.log1p),
    "log2": (np.concatenate([HUGE, TINY, 1.0 + both(scales(1e-10, 1e-2))]), lambda x: np.log(x) / LN2),
    "sigmoid": (np.concatenate([NEAR, RANDOM.uniform(-744.0, 700.0, N)]), lambda x: 1 / (1 + np.exp(-x))),
    "sin": (np.concatenate([NEAR, both(TINY), both(HUGE), PI]), np.sin),
    "sinh": (np.concatenate([NEAR, both(TINY), RANDOM.uniform(-700.0, 700.0, N)]), np.sinh),
    "softplus": (np.concatenate([NEAR, RANDOM.uniform(-744.0, 700.0, N)]), lambda x: np.log1p(np.exp(x))),
    "tan": (np.concatenate([NEAR, both(TINY), both(HUGE), PI]), np.tan),
    "tanh": (np.concatenate([NEAR, both(TINY), both(HUGE)]), np.tanh),
}
LARGEST_SINGLE = {"cosh": 88.0, "exp": 88.0, "exp2": 127.0, "expm1": 88.0, "sinh": 88.0}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_to_four_units_in_the_last_place(name, dtype, computed):
    x, exact = FUNCTIONS[name]
    with np.errstate(over="ignore", under="ignore"):
        x = x.astype(dtype)
    x = x[np.isfinite(x) & (np.abs(x) < LARGEST_SINGLE.get(name, np.inf))] if dtype is np.float32 else x
    if dtype is np.float32 and name in ("log", "log2", "log10"):
        x = x[x > 0]
    (y,) = computed(getattr(cr, name), x)
    with np.errstate(all="ignore"):
        wanted = exact(x.astype(np.longdouble))
        rounded = wanted.astype(dtype)
        errors = np.abs(y.astype(np.longdouble) - wanted) / np.abs(np.spacing(rounded))
    finite = np.isfinite(rounded)
    assert y.dtype == dtype
    assert errors[finite].max() <= 4.0
    assert np.array_equal(y[~finite], rounded[~finite], equal_nan=True)


SPECIAL = np.array(
    [
        *(0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 2.5, 5e-324, -5e-324),
        *(1e-310, 1e22, 1e308, -1e308, 750.0, -750.0, 1e5),
    ]
)
NUMPY = {
    "abs": np.abs,
    "acos": np.arccos,
    "acosh": np.arccosh,
    "asin": np.arcsin,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "atanh": np.arctanh,
    "ceil": np.ceil,
    "deg2rad": np.deg2rad,
    "erf": scipy.special.erf,
    "erfc": scipy.special.erfc,
    "isfinite": np.isfinite,
    "isinf": np.isinf,
    "isnan": np.isnan,
    "logical_not": np.logical_not,
    "negative": np.negative,
    "positive": np.positive,
    "rad2deg": np.rad2deg,
    "reciprocal": np.reciprocal,
    "relu": lambda x: np.where(x <= 0, 0, x).astype(x.dtype),
    "round": np.round,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "sign": np.sign,
    "softplus": lambda x: np.logaddexp(x, 0),
    "sqrt": np.sqrt,
    "square": np.square,
    "trunc": np.trunc,
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", sorted({*FUNCTIONS, *NUMPY, "floor"}))
def test_special_values_are_numpys(name, dtype, computed):
    with np.errstate(all="ignore"):
        x = SPECIAL.astype(dtype)
        wanted = NUMPY.get(name, getattr(np, name, None))(x)
    (y,) = computed(getattr(cr, name), x)
    assert y.dtype == wanted.dtype
    np.testing.assert_allclose(y, wanted, rtol=4 * np.finfo(dtype).eps, atol=0)
    zero = wanted == 0
    assert np.array_equal(np.signbit(y[zero]), np.signbit(wanted[zero]))


PAIRS = [a.reshape(-1) for a in np.meshgrid(SPECIAL, SPECIAL)]
OF_TWO = {
    "add": np.add,
    "atan2": np.arctan2,
    "copysign": np.copysign,
    "divide": np.divide,
    "equal": np.equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "hypot": np.hypot,
    "less": np.less,
    "less_equal": np.less_equal,
    "logaddexp": np.logaddexp,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_xor": np.logical_xor,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "multiply": np.multiply,
    "not_equal": np.not_equal,
    "pow": np.power,
    "subtract": np.subtract,
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", OF_TWO)
def test_pairs_of_special_values(name, dtype, computed):
    with np.errstate(all="ignore"):
        a, b = (x.astype(dtype) for x in PAIRS)
        wanted = OF_TWO[name](a, b)
    (y,) = computed(getattr(cr, name), a, b)
    assert y.dtype == wanted.dtype
    np.testing.assert_allclose(y, wanted, rtol=8 * np.finfo(dtype).eps, atol=0)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_powers_of_random_numbers(dtype, computed):
    a, b = scales(1e-3, 1e3).astype(dtype), RANDOM.uniform(-5.0, 5.0, N).astype(dtype)
    (y,) = computed(cr.pow, a, b)
    wanted = np.power(a.astype(np.longdouble), b.astype(np.longdouble))
    assert (np.abs(y - wanted) / np.spacing(wanted.astype(dtype))).max() <= 4.0


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 4, 7, 8, -1, -1.0, 0.5, 2.0, 3.5, -2, 9])
def test_constant_powers(exponent, computed):
    x = np.concatenate([scales(1e-3, 1e3), SPECIAL])
    (y,) = computed(lambda x: x**exponent, x)
    with np.errstate(all="ignore"):
        wanted = x**exponent
    np.testing.assert_allclose(y, wanted, rtol=4 * np.finfo(float).eps)


def test_a_zero_cotangent_wins(computed):
    g, d = np.array([0.0, -0.0, 1.0, 0.0, np.nan]), np.array([np.inf, np.nan, np.inf, 3.0, 0.0])
    (y,) = computed(cr.ops.multiply_zero_wins, g, d)
    assert np.array_equal(y, [0.0, 0.0, np.inf, 0.0, np.nan], equal_nan=True)


def test_clip_and_where(computed):
    x = np.array([-2.0, 0.5, np.nan, 3.0, -np.inf])
    y, z, w = computed(lambda x: (cr.clip(x, 0.0, 1.0), cr.clip(x, None, 1.0), cr.where(x > 0.0, x, -1.0)), x)
    assert np.array_equal(y, np.clip(x, 0.0, 1.0), equal_nan=True)
    assert np.array_equal(z, np.clip(x, None, 1.0), equal_nan=True)
    assert np.array_equal(w, [-1.0, 0.5, -1.0, 3.0, -1.0])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("divisor", [3, -0.1, 7.25, 1e6, 2.0**0.5, 4.0, 1e-30, 0, math.inf, math.nan])
def test_division_by_a_constant_is_rounded_as_division(dtype, divisor, computed):
    with np.errstate(all="ignore"):
        x = np.concatenate([both(HUGE), both(TINY), NEAR, SPECIAL, np.arange(500) * 3.0]).astype(dtype)
        x = x[(np.abs(x) > 1e-30) | (x == 0) | np.isnan(x)]
        wanted = x / divisor
    (y,) = computed(lambda x: x / divisor, x)
    assert np.array_equal(y, wanted, equal_nan=True)
    assert np.array_equal(np.signbit(y[wanted == 0]), np.signbit(wanted[wanted == 0]))
