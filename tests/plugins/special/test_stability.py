"""Derivatives where their formulas cancel, overflow or divide by 0."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr

special = cr.special

# A function, a point, and the derivative there: mpmath's, to 17 digits.
SLOPES = [
    ("erfcx", 29.5, -0.00064719322582890553),
    ("erfcx", 31, -0.0005861719430369727),
    ("erfcx", 1e8, -5.641895835477562e-17),
    ("erfcx", -3, -97237.061503164615),
    ("dawsn", 29.5, -0.00057554071486507348),
    ("dawsn", 1e3, -5.0000075000187501e-7),
    ("dawsn", -40, -0.00031279342751785595),
    ("log_ndtr", -1e4, 10000.000099999998),
    ("log_ndtr", -30, 30.033259667433677),
    ("log_ndtr", 12, 2.1463837356630603e-32),
    ("rgamma", 0, 1.0),
    ("rgamma", -3, -6.0),
    ("rgamma", -2.5, 1.1669802856379655),
    ("rgamma", 170, -1.2023360523319435e-304),
    ("i0e", 49, -0.00058608693397431385),
    ("i0e", 51, -0.00055178065101328843),
    ("i0e", 1e4, -1.9947862106984188e-7),
    ("i0e", -60, 0.00043191898458112283),
    ("i1e", 49, -0.00056805102846682685),
    ("i1e", 51, -0.00053546981243439322),
    ("i1e", -60, -0.00042107485190268914),
    ("k0e", 49, -0.0018132663399604115),
    ("k0e", 1e4, -6.266335712204455e-7),
    ("k1e", 49, -0.001868499601215085),
    ("k1e", 51, -0.0017581545872886835),
    ("ellipk", 1e-9, 0.39269908214051062),
    ("ellipk", 0.05, 0.41600074399178691),
    ("ellipk", -1e6, 3.6470222097848342e-9),
    ("ellipk", 0.9999, 4998.8770051835797),
    ("ellipe", 1e-9, -0.39269908184598631),
    ("ellipe", -1e6, -0.00049999805148826598),
    ("ellipe", 0.9999, -2.4959069697351402),
    ("exprel", 1e-9, 0.50000000033333333),
    ("exprel", 0.4, 0.65565738384523631),
    ("exprel", 709, 1.1575198749865064e305),
    ("exprel", -1e5, 1e-10),
    ("expi", 715, 4.6371219673382019e307),
    ("expi", -30, -3.1192076562800582e-15),
    ("spence", 1.001, -0.99950033308353317),
    ("spence", 0.995, -1.0025083647088564),
    ("spence", 1e6, -1.3815524373488648e-5),
    ("log_expit", -800, 1.0),
    ("log_expit", 50, 1.9287498479639178e-22),
]


@pytest.mark.parametrize(("name", "x", "slope"), SLOPES)
def test_slopes(name: str, x: float, slope: float) -> None:
    assert float(cr.grad(getattr(special, name))(float(x))) == pytest.approx(slope, rel=2e-12)


# The same of functions of several numbers; the derivative with respect to the last.
PARTIALS: dict[str, tuple[Callable[[Any], Any], float, float]] = {
    "gammainc of a large shape": (lambda x: special.gammainc(1e6, x), 1.001e6, 0.00024180950473148183),
    "gammainc far from the middle": (lambda x: special.gammainc(25.0, x), 1e-3, 1.610126639125252e-96),
    "betainc of large shapes": (lambda x: special.betainc(1e6, 2e6, x), 0.3334, 1422.346875867668),
    "boxcox near the logarithm": (lambda lmbda: special.boxcox(3.0, lmbda), 1e-9, 0.60347448084828064),
    "boxcox at the logarithm": (lambda lmbda: special.boxcox(3.0, lmbda), 0.0, math.log(3.0) ** 2 / 2),
    "ellipkinc of a small parameter": (lambda m: special.ellipkinc(2.5, m), 1e-7, 0.74486562135018214),
    "ellipkinc where the series ends": (lambda m: special.ellipkinc(2.5, m), 0.009, 0.75277197907900601),
    "ellipkinc beyond": (lambda m: special.ellipkinc(2.5, m), 0.3, 1.1247296761683939),
    "ellipkinc of a negative one": (lambda m: special.ellipkinc(2.5, m), -5.0, 0.08186234989849251),
    "ellipeinc of a small parameter": (lambda m: special.ellipeinc(2.5, m), 1e-7, -0.74486556333865436),
    "ellipeinc where the series ends": (lambda m: special.ellipeinc(2.5, m), 0.009, -0.74749099100930691),
    "ellipeinc of a negative one": (lambda m: special.ellipeinc(2.5, m), -5.0, -0.34637840618430254),
    "rel_entr of what no number is the quotient of": (
        lambda x: special.rel_entr(x, 1e-200),
        1e200,
        400 * math.log(10) + 1,
    ),
    "kl_div of what is nearly equal": (lambda x: special.kl_div(x, 1.0), 1.0 + 2**-40, math.log1p(2**-40)),
    "pseudo_huber of a small residual": (lambda delta: special.pseudo_huber(delta, 1e-5), 1.0, 2.5e-21),
    "voigt_profile": (lambda sigma: special.voigt_profile(0.3, sigma, 0.5), 0.7, -0.23786221330494456),
    "voigt_profile far out": (lambda sigma: special.voigt_profile(30.0, sigma, 0.2), 0.5, 2.3640684355630545e-7),
    "voigt_profile of a narrow normal part": (
        *(lambda sigma: special.voigt_profile(-2.0, sigma, 0.01), 0.001, 1.1935655902126643e-6),
    ),
    "wofz far out": (lambda x: cr.imag(special.wofz(x)), 31.0, -0.00058800469485041223),
    "wofz farther out": (lambda x: cr.imag(special.wofz(x)), 1e3, -5.6419042983424733e-7),
    "ellipj near 1": (lambda m: special.ellipj(1.2, m)[0], 0.999, -0.11687468022229698),
    "ellipj beyond a quarter": (lambda m: special.ellipj(3.0, m)[2], 0.9, -2.251322668787753),
    "ellipj of a small parameter": (lambda m: special.ellipj(1.0, m)[1], 1e-9, 0.11472432103468411),
    "agm of what differs": (lambda a: special.agm(a, 1.0), 1e-8, 400390.31661142651),
    "log of a weighted sum": (lambda a: special.logsumexp(cr.stack([a, a]), b=[1.0, 2.0]), 1000.0, 1.0),
}


@pytest.mark.parametrize(("function", "x", "slope"), PARTIALS.values(), ids=PARTIALS)
def test_partial_slopes(function: Callable[[Any], Any], x: float, slope: float) -> None:
    assert float(cr.grad(function)(x)) == pytest.approx(slope, rel=5e-12)


# Values and first derivatives at points where a formula would give NaN or an infinity, by the limits there.
LIMITS: dict[str, tuple[Callable[[Any], Any], float, float, float]] = {
    "j1": (special.j1, 0.0, 0.5, 0.0),
    "i1": (special.i1, 0.0, 0.5, 0.0),
    "exprel": (special.exprel, 0.0, 1 / 2, 1 / 3),
    "ellipk": (special.ellipk, 0.0, math.pi / 8, 9 * math.pi / 64),
    "ellipkm1": (special.ellipkm1, 1.0, -math.pi / 8, 9 * math.pi / 64),
    "ellipe": (special.ellipe, 0.0, -math.pi / 8, -3 * math.pi / 64),
    "spence": (special.spence, 1.0, -1.0, 0.5),
    "sine integral": (lambda x: special.sici(x)[0], 0.0, 1.0, 0.0),
    "hyperbolic sine integral": (lambda x: special.shichi(x)[0], 0.0, 1.0, 0.0),
    "spherical_jn": (lambda x: special.spherical_jn(0, x), 0.0, 0.0, -1 / 3),
    "spherical_jn of order 1": (lambda x: special.spherical_jn(1, x), 0.0, 1 / 3, 0.0),
    "lambertw": (lambda x: cr.real(special.lambertw(x)), 0.0, 1.0, -2.0),
    "eval_legendre": (lambda x: special.eval_legendre(3, x), 1.0, 6.0, 15.0),
    "rgamma": (special.rgamma, 0.0, 1.0, 2 * 0.57721566490153286),
    "gammainc": (lambda x: special.gammainc(1.0, x), 0.0, 1.0, -1.0),
    "agm": (lambda a: special.agm(a, 2.0), 2.0, 0.5, -0.0625),
    "voigt_profile": (
        # Without a normal part it is Cauchy's density, whose second derivative by x is the one by sigma.
        *(lambda sigma: special.voigt_profile(0.3, sigma, 0.5), 0.0, 0.0),
        (2 * 0.5 * (3 * 0.3**2 - 0.5**2)) / (math.pi * (0.3**2 + 0.5**2) ** 3),
    ),
    "xlogy": (lambda x: special.xlogy(0.0, x), 0.0, 0.0, 0.0),
    "hermite": (lambda x: special.eval_hermite(0, x), 0.3, 0.0, 0.0),
}


@pytest.mark.parametrize(("function", "x", "slope", "curvature"), LIMITS.values(), ids=LIMITS)
def test_limits(function: Callable[[Any], Any], x: float, slope: float, curvature: float) -> None:
    assert float(cr.grad(function)(x)) == pytest.approx(slope, rel=1e-13, abs=1e-15)
    assert float(cr.grad(cr.grad(function))(x)) == pytest.approx(curvature, rel=1e-12, abs=1e-14)


def test_no_slope_is_0() -> None:
    """Where the function jumps from one infinity to the other, as PyTorch and TensorFlow have it."""
    assert float(cr.grad(special.xlogy)(0.0, 0.0)) == 0.0
    assert float(cr.grad(special.xlog1py)(0.0, -1.0)) == 0.0


def test_a_zero_cotangent_wins_over_an_infinite_slope() -> None:
    points = {"erfinv": 1.0, "ndtri": 0.0, "logit": 1.0, "entr": 0.0, "exp1": 0.0, "spence": 0.0}
    for name, x in points.items():
        function = getattr(special, name)
        slope = cr.grad(lambda x, f=function: cr.where(x < 2.0, 0.0, f(x)))(x)
        assert float(slope) == 0.0, name


def test_tails_do_not_overflow() -> None:
    """The function is finite at these points, and so is its derivative."""
    points = {"log_ndtr": -1e150, "gammaln": 1e300, "log_expit": -1e300, "erfcx": 1e300, "i0e": 1e300, "k1e": 1e300}
    for name, x in (points | {"exprel": -1e300, "wrightomega": 1e300, "ellipk": -1e300, "dawsn": 1e200}).items():
        y, slope = cr.value_and_grad(getattr(special, name))(x)
        assert np.isfinite([float(y), float(slope)]).all(), name
