"""Derivatives of incomplete gamma and beta functions, and of Student's t, by their shapes: mpmath's, to 17 digits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.special

import chainrule as cr
from chainrule_special._slopes import beta_slope, gamma_slope

special = cr.special

# A shape, a point, and the first and second derivative by the shape.
GAMMA = [
    (2.5, 1.3, -0.22962689833555939, 0.15826392630864443),
    (0.01, 0.5, -0.56554591171525777, -0.56772031689329352),
    (10000.0, 10100.0, -0.0024156880031763667, -2.4037093166337313e-5),
    (3.0, 1e-05, -2.1281579984929336e-15, 2.7127239188455103e-14),
    (0.5, 40.0, -2.1253415656995287e-18, -1.0217098153657405e-17),
]


@pytest.mark.parametrize(("a", "x", "slope", "curvature"), GAMMA)
def test_incomplete_gamma_functions(a: float, x: float, slope: float, curvature: float) -> None:
    for function, sign in ((special.gammainc, 1.0), (special.gammaincc, -1.0)):
        assert float(cr.grad(function)(a, x)) == pytest.approx(sign * slope, rel=1e-12)
        assert float(cr.grad(cr.grad(function))(a, x)) == pytest.approx(sign * curvature, rel=1e-11)


# Shapes, a point, and the derivatives by a, b, twice by a, by both, twice by b.
BETA = [
    (
        2.5,
        1.3,
        0.3,
        -0.080669878713073773,
        0.081092604386713105,
        0.088458387968761059,
        -0.071231174864612825,
        0.031534012315853264,
    ),
    (
        0.01,
        0.5,
        0.2,
        -2.7763469043893211,
        0.045004533413444536,
        10.78639497564491,
        4.2954028384758634,
        -0.15659259795776396,
    ),
    (
        300.0,
        200.0,
        0.61,
        -0.013019268712332675,
        0.019946917236122257,
        -0.00018914806908144705,
        0.00032313589297055259,
        -0.00054511700396512415,
    ),
    (
        3.0,
        50.0,
        1e-05,
        -1.9459070035129951e-10,
        1.2996898668711501e-12,
        1.7081535964068241e-9,
        -1.1027216207326725e-11,
        5.0961764990002385e-14,
    ),
    (
        30000.0,
        0.01,
        0.999,
        -3.1988386698207446e-20,
        3.2218774787672703e-15,
        3.3060025738230149e-23,
        -3.325578252282608e-18,
        2.5188107215554649e-14,
    ),
    (
        0.01,
        0.02,
        0.99,
        -20.287050954826064,
        11.531671779865411,
        1350.5511768013454,
        430.71166607525702,
        -775.14503465828536,
    ),
]


@pytest.mark.parametrize(("a", "b", "x", "slopes", "curvatures"), [(*row[:3], row[3:5], row[5:]) for row in BETA])
def test_incomplete_beta_functions(a: float, b: float, x: float, slopes: Any, curvatures: Any) -> None:
    for function, sign in ((special.betainc, 1.0), (special.betaincc, -1.0)):
        np.testing.assert_allclose(cr.grad(function, (0, 1))(a, b, x), sign * np.array(slopes), rtol=1e-12)
        (aa, ab), (ba, bb) = cr.hessian(function, (0, 1))(a, b, x)
        np.testing.assert_allclose([aa, ab, bb], sign * np.array(curvatures), rtol=1e-11)
        assert ba == pytest.approx(ab, rel=1e-11)


# Degrees of freedom, a point, and the derivatives by the first, and by both.
STUDENT = [
    (3.0, 1.2, 0.012922298331009138, 0.0078322542389652998),
    (0.3, -40.0, -0.49680901129642649, -0.00083721162703155049),
    (100.0, 2.0, 1.3619167991435326e-5, -8.9106242337160273e-6),
    (2.0, 10000.0, 4.2784569250762238e-8, -8.0569137455487414e-12),
    (5.0, 1e-09, 3.7254020601178399e-12, 0.0037254020601178396),
    (5.0, 0.0, 0.0, 0.0037254020601178059),
]


@pytest.mark.parametrize(("df", "t", "slope", "mixed"), STUDENT)
def test_students_t(df: float, t: float, slope: float, mixed: float) -> None:
    assert float(cr.grad(special.stdtr)(df, t)) == pytest.approx(slope, rel=1e-12)
    assert float(cr.grad(cr.grad(special.stdtr), 1)(df, t)) == pytest.approx(mixed, rel=1e-11)
    assert float(cr.grad(cr.grad(special.stdtr, 1))(df, t)) == pytest.approx(mixed, rel=1e-11)


def test_students_t_of_many_degrees_of_freedom() -> None:
    """It is nearly a normal distribution, and its derivative the small difference of two terms."""
    assert float(cr.grad(special.stdtr)(1e4, 0.5)) == pytest.approx(5.5008505219627333e-10, rel=1e-11)


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        *((name, (a,)) for name in ("gammaincinv", "gammainccinv", "stdtrit", "chdtri") for a in (0.4, 7.5)),
        *((name, ab) for name in ("betaincinv", "betainccinv", "fdtri") for ab in ((0.7, 2.5), (6.0, 4.5))),
    ],
)
def test_a_quantile_moves_so_that_its_probability_stays(name: str, shapes: tuple[float, ...]) -> None:
    """Against differences of quantiles of SciPy's, which come from a search."""
    function, theirs, h = getattr(special, name), getattr(scipy.special, name), 1e-3
    p = 0.3
    for i in range(len(shapes)):

        def moved(step: float, i: int = i) -> Any:
            return theirs(*(a + step * h * (i == j) for j, a in enumerate(shapes)), p)

        differences = (8 * (moved(1) - moved(-1)) - (moved(2) - moved(-2))) / (12 * h)
        assert float(cr.grad(function, i)(*shapes, p)) == pytest.approx(differences, rel=3e-7)


def test_the_ends() -> None:
    assert cr.grad(special.gammainc)(0.5, 0.0) == 0.0
    assert cr.grad(special.gammainc, (0, 1))(0.5, np.inf) == (0.0, 0.0)
    for x in (0.0, 1.0):
        assert cr.grad(special.betainc, (0, 1))(0.5, 0.7, x) == (0.0, 0.0)
    for dtype in ("float32", "float64"):
        shapes = np.array([1e-3, 0.5, 1e5], dtype)
        assert np.isfinite(gamma_slope(shapes, np.array([1e-30, 20.0, 1e5], dtype)).numpy()).all()
        assert np.isfinite(beta_slope(shapes, shapes[::-1], np.array([1e-30, 0.9, 1.0], dtype)).numpy()).all()


def test_a_beta_variable_moves_with_its_shapes_as_its_quantile_does() -> None:
    a, b, p = np.meshgrid([0.05, 0.7, 3.0, 200.0], [0.1, 1.0, 40.0], [0.1, 0.5, 0.95])
    x = scipy.special.betaincinv(a, b, p)
    inside = (x > 1e-10) & (x < 1 - 1e-6)
    a, b, p, x = a[inside], b[inside], p[inside], x[inside]
    quantile, h = scipy.special.betaincinv, 1e-4
    by_a = (quantile(a * (1 + h), b, p) - quantile(a * (1 - h), b, p)) / (2 * h * a)
    by_b = (quantile(a, b * (1 + h), p) - quantile(a, b * (1 - h), p)) / (2 * h * b)
    np.testing.assert_allclose(beta_slope(a, b, x).numpy(), by_a, rtol=1e-5)
    np.testing.assert_allclose(beta_slope(a, b, x, orders=(0, 1)).numpy(), by_b, rtol=1e-5)
