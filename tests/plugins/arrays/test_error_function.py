"""`erf` and `erfc` against Python's and SciPy's, far out and at the edges, on each way of computing them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special

import chainrule as cr
from chainrule_arrays._error_function import erf, erfc

EDGES = [0.0, -0.0, 1e-30, -1e-8, 0.46874, 0.46876, 3.9999, 4.0001, -5.9, 27.0, -27.0, 1e30, math.inf, -math.inf]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("op", "theirs"), [(erf, math.erf), (erfc, math.erfc)], ids=["erf", "erfc"])
@pytest.mark.parametrize("backend", ["numpy", "array_api_strict"])
def test_values(backend: str, op: object, theirs: object, dtype: str) -> None:
    if backend != "numpy":
        pytest.importorskip(backend)
    x = np.array([*EDGES, *np.linspace(-6.0, 26.0, 641)], dtype)
    with cr.use_backend(backend):
        y = op(cr.tensor(x)).numpy()  # type: ignore[operator]
    want = np.array([theirs(v) for v in x.tolist()])  # type: ignore[operator]
    assert y.dtype == dtype
    info = np.finfo(dtype)
    tolerance = max(16 * info.eps, 2e-13)  # SciPy's tail is 500 units in the last place off
    np.testing.assert_allclose(y, want, rtol=tolerance, atol=64 * info.smallest_normal)
    np.testing.assert_array_equal(np.signbit(y), np.signbit(want))


def test_nan_stays() -> None:
    for op in (erf, erfc):
        for backend in ("numpy", "array_api_strict"):
            with cr.use_backend(backend):
                y = op(cr.tensor([math.nan, 1.0])).numpy()
            assert np.isnan(y).tolist() == [True, False]


def test_derivatives_are_gaussian() -> None:
    x = np.linspace(-3.0, 3.0, 13)
    slope = 2 / np.sqrt(np.pi) * np.exp(-x * x)
    for op, sign in ((erf, 1), (erfc, -1)):
        first = cr.grad(op, sum=True)
        np.testing.assert_allclose(first(x), sign * slope, rtol=1e-14)
        np.testing.assert_allclose(cr.grad(first, sum=True)(x), sign * -2 * x * slope, rtol=1e-13)


def test_a_number_and_half_precision() -> None:
    assert float(erf(0.5)) == math.erf(0.5)
    half = erf(cr.tensor([0.5], dtype="float16"))
    assert half.dtype == cr.float16
    np.testing.assert_allclose(half.numpy(), special.erf(0.5), rtol=1e-3)


def test_complex_numbers_are_refused() -> None:
    with pytest.raises(cr.DTypeError, match=r"erf.*takes real numbers, got complex128; take cr\.real"):
        erf(cr.tensor([1.0 + 2.0j]))
