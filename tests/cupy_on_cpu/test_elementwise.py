"""CuPy's elementwise kernels against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .comparing import ALL, COMPLEX, FLOATS, REALS, agree, matrix, tolerance

ARITHMETIC = ("add", "subtract", "multiply", "equal")
ORDERED = ("maximum", "minimum", "less", "greater_equal")
SMOOTH = ("exp", "sin", "cos", "tan", "tanh", "sinh", "cosh", "arctan", "negative", "abs", "square", "sign")
OF_POSITIVES = ("log", "sqrt")
REAL_ONLY = ("floor", "ceil", "rint", "log1p", "expm1", "arcsinh", "exp2", "cbrt", "isnan", "isfinite", "signbit")
BINARY = ("power", "arctan2", "hypot", "fmod", "remainder", "floor_divide", "true_divide", "logaddexp", "copysign")


@pytest.mark.parametrize("dtype", ALL)
@pytest.mark.parametrize("name", ARITHMETIC)
def test_arithmetic(name: str, dtype: str) -> None:
    if (name, dtype) == ("subtract", "?"):
        dtype = "i4"  # NumPy and CuPy refuse to subtract truth values
    x = matrix(dtype)
    agree(lambda xp: getattr(xp, name)(xp.asarray(x), xp.asarray(x[::-1].copy())), tolerance(dtype))
    agree(lambda xp: getattr(xp, name)(xp.asarray(x), xp.asarray(x[0])), tolerance(dtype))


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("name", ORDERED)
def test_order(name: str, dtype: str) -> None:
    x = matrix(dtype)
    agree(lambda xp: getattr(xp, name)(xp.asarray(x), xp.asarray(x[::-1].copy())))


@pytest.mark.parametrize("dtype", FLOATS + COMPLEX)
@pytest.mark.parametrize("name", SMOOTH + OF_POSITIVES)
def test_functions(name: str, dtype: str) -> None:
    def compute(xp: Any) -> Any:
        x = xp.asarray(matrix(dtype))
        return getattr(xp, name)(xp.abs(x) + xp.asarray(1, dtype) if name in OF_POSITIVES else x)

    agree(compute, tolerance(dtype) * (10 if dtype == "f2" else 1))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", REAL_ONLY)
def test_real_functions(name: str, dtype: str) -> None:
    agree(lambda xp: getattr(xp, name)(xp.abs(xp.asarray(matrix(dtype)))), tolerance(dtype) * 5)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", BINARY)
def test_functions_of_two(name: str, dtype: str) -> None:
    def compute(xp: Any) -> Any:
        x = matrix(dtype)
        return getattr(xp, name)(xp.abs(xp.asarray(x)) + xp.asarray(1, dtype), xp.asarray(x[::-1].copy()))

    agree(compute, tolerance(dtype) * 20)


@pytest.mark.parametrize("to", ["f4", "f8", "i4", "?"])
@pytest.mark.parametrize("dtype", REALS)
def test_casts(dtype: str, to: str) -> None:
    agree(lambda xp: xp.asarray(matrix(dtype)).astype(to))


@pytest.mark.parametrize("dtype", ALL)
def test_choices(dtype: str) -> None:
    x = matrix(dtype)
    agree(lambda xp: xp.where(xp.asarray(matrix("?")), xp.asarray(x), xp.asarray(x[::-1].copy())))


def test_what_a_number_and_a_nan_give() -> None:
    x, y = np.array([np.nan, 1.0, np.nan]), np.array([1.0, np.nan, np.nan])
    agree(lambda xp: [getattr(xp, f)(xp.asarray(x), xp.asarray(y)) for f in ("maximum", "minimum", "fmax", "fmin")])


@pytest.mark.parametrize("name", ["erf", "erfc", "erfinv", "ndtr", "ndtri", "gammaln", "digamma", "expit", "i0"])
def test_special_functions(name: str) -> None:
    import cupy
    import cupyx.scipy.special
    import scipy.special

    x = np.linspace(0.01, 0.99, 50)
    actual = getattr(cupyx.scipy.special, name)(cupy.asarray(x))
    np.testing.assert_allclose(actual.get(), getattr(scipy.special, name)(x), rtol=1e-10)


def test_bessel_functions_have_no_negative_orders_as_on_a_gpu() -> None:
    import cupy
    import cupyx.scipy.special
    import scipy.special

    orders = np.array([-1, 0, 1, 5])
    actual = cupyx.scipy.special.yn(cupy.asarray(orders, "i4"), cupy.asarray(1.5)).get()
    assert np.isnan(actual[0])
    np.testing.assert_allclose(actual[1:], scipy.special.yn(orders[1:], 1.5), rtol=1e-14)
