"""Functions of complex numbers, and real ones whose results are complex."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.special

import chainrule as cr

special = cr.special
Z = np.array([0.5 + 1.0j, 2.0 - 0.3j, 3.0 + 4.0j])


@pytest.mark.parametrize("name", ["gamma", "loggamma"])
def test_the_gamma_function(name: str) -> None:
    found = cr.grad(lambda z: cr.sum(cr.real(getattr(special, name)(z))))(Z)
    slope = scipy.special.psi(Z) * (scipy.special.gamma(Z) if name == "gamma" else 1.0)
    np.testing.assert_allclose(found, slope.conj(), rtol=1e-13)


# An order, a point, and the polygamma function there: mpmath's.
POLYGAMMA = [
    (1, 0.5 + 1j, 0.036724551941014545 - 1.1170686578296j),
    (1, -3.3 + 0.2j, 6.163292578794619 + 6.202655364511735j),
    (1, 2 - 30j, 0.001662969811019641 + 0.033253249382031544j),
    (1, -7.7 - 200j, -0.00020465724742333452 + 0.004991619417227514j),
    (1, -2.5 + 0j, 9.539246644989124),
    (2, 0.5 + 1j, 1.351641900841261 + 0.2298869573245098j),
    (2, -3.3 + 0.2j, -11.239565221382355 + 46.328762813228316j),
    (2, 2 - 30j, 0.0011031135618242089 - 0.00011061865285270727j),
    (5, 0.5 + 1j, 54.066002782408525 - 20.61670514604612j),
    (5, -3.3 + 0.2j, -50653.233087170534 - 21371.540446110248j),
    (5, -7.7 - 200j, -1.519583165977279e-11 + 7.31258706300934e-11j),
    (5, -2.5 + 0j, 15382.140048026304),
]


def test_polygamma_functions() -> None:
    n, z, expected = (np.array(column) for column in zip(*POLYGAMMA, strict=True))
    np.testing.assert_allclose(special.polygamma(n, z).numpy(), expected, rtol=1e-12)
    for order in (1, 2, 5):
        found = special.polygamma(order, z[n == order]).numpy()
        np.testing.assert_allclose(found, expected[n == order], rtol=1e-12)


def test_digamma_and_its_derivative() -> None:
    z, slope = (np.array(column) for column in zip(*[row[1:] for row in POLYGAMMA[:5]], strict=True))
    found = cr.grad(lambda z: cr.sum(cr.real(special.digamma(z))))(z)
    np.testing.assert_allclose(found, slope.conj(), rtol=1e-13)


def test_digamma_where_a_library_has_none() -> None:
    """By the series, right and left of 0."""
    pytest.importorskip("array_api_strict", reason="array_api_strict is not installed")
    x = np.array([0.5, 3.0, 200.0, -0.3, -20.7])
    with cr.use_backend("array_api_strict"):
        np.testing.assert_allclose(special.digamma(cr.tensor(x)).numpy(), scipy.special.psi(x), rtol=1e-13)
        n = np.array([0, 1, 2, 1, 4])
        found = special.polygamma(cr.tensor(n), cr.tensor(x)).numpy()[:3]
        np.testing.assert_allclose(found, scipy.special.polygamma(n[:3], x[:3]), rtol=1e-13)


def slopes(function: Any, z: Any) -> Any:
    """Central differences along the real axis, of order 4."""
    h = 1e-3
    return (8 * (function(z + h) - function(z - h)) - (function(z + 2 * h) - function(z - 2 * h))) / (12 * h)


@pytest.mark.parametrize("name", ["hankel1", "hankel1e", "hankel2", "hankel2e", "wofz"])
def test_results_are_complex(name: str) -> None:
    others = () if name == "wofz" else (1.5,)
    for z in (Z, Z.real):
        y = getattr(special, name)(*others, cr.tensor(z))
        assert y.dtype == "complex128"
        np.testing.assert_array_equal(y.numpy(), getattr(scipy.special, name)(*others, z))
        found = cr.grad(lambda z: cr.sum(cr.real(getattr(special, name)(*others, z))))(z)
        expected = slopes(lambda z: getattr(scipy.special, name)(*others, z), z)
        np.testing.assert_allclose(found, expected.conj() if z is Z else expected.real, rtol=1e-9)


@pytest.mark.parametrize("name", ["jve", "yve", "ive"])
def test_scaled_by_a_part(name: str) -> None:
    """Not complex-differentiable: by either part of z."""
    function, theirs = getattr(special, name), getattr(scipy.special, name)
    np.testing.assert_array_equal(function(1.5, Z).numpy(), theirs(1.5, Z))
    found = cr.grad(lambda z: cr.sum(cr.real(function(1.5, z))))(Z)
    expected = slopes(lambda z: theirs(1.5, z).real, Z) + 1j * slopes(lambda t: theirs(1.5, Z + 1j * t).real, 0.0)
    np.testing.assert_allclose(found, expected, rtol=1e-8)
    np.testing.assert_allclose(
        cr.grad(lambda x: cr.sum(function(1.5, x)))(Z.real), slopes(lambda x: theirs(1.5, x), Z.real), rtol=1e-8
    )


def test_scaled_airy_functions() -> None:
    for z in (Z, Z.real, -Z.real):
        for i in range(4 if (z.real > 0).all() else 2, 4):
            found = cr.grad(lambda z, i=i: cr.sum(cr.real(special.airye(z)[i])))(z)
            expected = slopes(lambda z, i=i: scipy.special.airye(z)[i].real, z)
            if z is Z:
                expected = expected + 1j * slopes(lambda t, i=i: scipy.special.airye(Z + 1j * t)[i].real, 0.0)
            np.testing.assert_allclose(found, expected, rtol=1e-8)
    large = special.airye(1e5)
    np.testing.assert_allclose([float(y) for y in large], scipy.special.airye(1e5), rtol=1e-14)


@pytest.mark.parametrize(("n", "m"), [(0, 0), (2, -2), (3, 1), (5, 4)])
def test_spherical_harmonics(n: int, m: int) -> None:
    theta, phi = np.array([0.7, 2.1]), np.array([0.4, -1.3])
    harmonics = getattr(scipy.special, "sph_harm_y", None)  # of SciPy from 1.15 on
    if harmonics is not None:
        np.testing.assert_allclose(special.sph_harm_y(n, m, theta, phi).numpy(), harmonics(n, m, theta, phi))
    for i in (0, 1):
        found = cr.grad(lambda *angles: cr.sum(cr.real(special.sph_harm_y(n, m, *angles))), i)(theta, phi)

        def along(step: float, i: int = i) -> Any:
            angles = (theta + step * (i == 0), phi + step * (i == 1))
            return special.sph_harm_y(n, m, *angles).numpy().real

        np.testing.assert_allclose(found, slopes(along, 0.0), rtol=1e-8, atol=1e-11)


def test_spherical_harmonics_at_the_pole() -> None:
    """Where a formula with the cotangent of the angle would divide by 0: `Y = -sqrt(15/(8 pi)) sin cos exp(i phi)`."""
    slope = cr.grad(lambda theta: cr.real(special.sph_harm_y(2, 1, theta, 0.0)))(0.0)
    assert float(slope) == pytest.approx(-math.sqrt(15 / (8 * math.pi)), rel=1e-14)
