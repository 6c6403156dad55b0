"""Gradients of samples: pathwise at the same state, of quantiles, and of expectations; where there are none, why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special, stats

import chainrule as cr
from chainrule_random._implicit import von_mises_slope
from chainrule_special._slopes import gamma_slope

PATHWISE: dict[str, tuple[Callable[..., Any], tuple[float, ...]]] = {
    "cauchy": (lambda g, loc, scale: g.cauchy((5,), loc, scale), (0.5, 1.5)),
    "exponential": (lambda g, scale: g.exponential((5,), scale), (1.5,)),
    "gumbel": (lambda g, loc, scale: g.gumbel((5,), loc, scale), (0.5, 1.5)),
    "gumbel_softmax": (lambda g, a, b: g.gumbel_softmax(cr.stack([a, b, a * b]), 0.7), (0.3, -0.8)),
    "laplace": (lambda g, loc, scale: g.laplace((5,), loc, scale), (0.5, 1.5)),
    "logistic": (lambda g, loc, scale: g.logistic((5,), loc, scale), (0.5, 1.5)),
    "lognormal": (lambda g, mean, sigma: g.lognormal((5,), mean, sigma), (0.5, 0.4)),
    "multivariate_normal": (
        lambda g, a, b: g.multivariate_normal(
            cr.stack([a, b]), cr.stack([cr.stack([a, 0.3 * b]), cr.stack([0.3 * b, b])])
        ),
        (2.0, 1.5),
    ),
    "normal": (lambda g, loc, scale: g.normal((5,), loc, scale), (0.5, 1.5)),
    "pareto": (lambda g, a, scale: g.pareto((5,), a, scale), (2.5, 1.5)),
    "permutation": (lambda g, a, b: g.permutation(cr.stack([a, b, a * b])), (2.0, 3.0)),
    "choice": (lambda g, a, b: g.choice(cr.stack([a, b, a * b]), (4,)), (2.0, 3.0)),
    "power": (lambda g, a: g.power((5,), a), (2.5,)),
    "rayleigh": (lambda g, scale: g.rayleigh((5,), scale), (1.5,)),
    "triangular": (lambda g, a, b, c: g.triangular((5,), a, b, c), (-1.0, 0.2, 2.0)),
    "truncated_normal": (lambda g, *bounds: g.truncated_normal((5,), *bounds), (-0.5, 1.2, 0.3, 0.8)),
    "uniform": (lambda g, low, high: g.uniform((5,), low, high), (-1.0, 2.0)),
    "weibull": (lambda g, a, scale: g.weibull((5,), a, scale), (1.7, 1.5)),
}


@pytest.mark.parametrize(("draw", "parameters"), PATHWISE.values(), ids=PATHWISE)
def test_samples_at_the_same_state_move_as_their_gradient_says(draw: Any, parameters: tuple[float, ...]) -> None:
    cotangent = np.array([0.7, -1.1, 0.4, 1.3, -0.2])

    def loss(*parameters: Any) -> Any:
        y = draw(cr.random.Generator(12), *parameters)
        return cr.sum(cotangent[: y.size] * y * y)

    found = cr.grad(loss, argnums=tuple(range(len(parameters))))(*parameters)
    for i, g in enumerate(found):
        h = 1e-5
        up, down = (loss(*(p + s * h * (i == j) for j, p in enumerate(parameters))) for s in (1, -1))
        np.testing.assert_allclose(g, (float(up) - float(down)) / (2 * h), rtol=2e-7, atol=1e-9)


A, U = (x.ravel() for x in np.meshgrid([0.05, 0.3, 1.0, 2.5, 40.0, 1e4], [0.01, 0.3, 0.7, 0.99], indexing="ij"))
Z = special.gammaincinv(A, U)


def test_a_gamma_variable_moves_with_its_shape_as_its_quantile_does() -> None:
    h = 1e-3 * np.minimum(A, 10.0) * np.minimum(A, 1.0)
    near = [special.gammaincinv(A + k * h, U) - special.gammaincinv(A - k * h, U) for k in (1, 2)]
    np.testing.assert_allclose(gamma_slope(A, Z).numpy(), (8 * near[0] - near[1]) / (12 * h), rtol=2e-8)


def test_the_second_derivative_along_a_quantile() -> None:
    """What the second derivatives of the sample are: d/da and d/dz of the slope, the latter times the slope."""
    a, z = A[4:20], Z[4:20]
    slope = gamma_slope(a, z)
    by_a, by_z = cr.grad(lambda a, z: cr.sum(gamma_slope(a, z)), argnums=(0, 1))(a, z)
    h = 1e-2 * np.minimum(a, 10.0)
    f = [special.gammaincinv(a + k * h, U[4:20]) for k in (-2, -1, 0, 1, 2)]
    second = (-f[0] + 16 * f[1] - 30 * f[2] + 16 * f[3] - f[4]) / (12 * h * h)
    np.testing.assert_allclose(by_a + by_z * slope.numpy(), second, rtol=2e-5)


def test_the_slope_is_pytorchs() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    theirs = torch._standard_gamma_grad(torch.tensor(A), torch.tensor(Z)).numpy()
    np.testing.assert_allclose(gamma_slope(A, Z).numpy(), theirs, rtol=2e-3)  # which is a rational approximation


def test_the_slope_at_the_ends() -> None:
    a = np.array([1e-3, 0.5, 1e6])
    assert gamma_slope(a, np.zeros(3)).tolist() == [0.0, 0.0, 0.0]
    assert np.isfinite(gamma_slope(a, np.array([1e-300, 1e-200, 1e6 + 9e3])).numpy()).all()
    assert np.isfinite(gamma_slope(np.float32([1e-3, 0.5, 1e6]), np.float32([1e-30, 20.0, 1e6])).numpy()).all()


EXPECTATIONS: dict[str, tuple[Callable[..., Any], float, float]] = {
    "gamma, of the logarithm": (lambda g, a: cr.log(g.gamma((20000,), a)), 2.5, special.polygamma(1, 2.5)),
    "gamma, of the square": (lambda g, a: g.gamma((20000,), a) ** 2, 2.5, 2 * 2.5 + 1),
    "beta, of the mean": (lambda g, a: g.beta((20000,), a, 2.0), 0.7, 2.0 / 2.7**2),
    "chi2, of the mean": (lambda g, df: g.chi2((20000,), df), 3.0, 1.0),
    "dirichlet, of the mean": (
        lambda g, a: g.dirichlet(cr.stack([a, 1.0 * a, a + 1.0]), (20000, 3))[:, 2],
        0.8,
        -2.0 / (3 * 0.8 + 1.0) ** 2,
    ),
    "f, of the mean": (lambda g, dfd: g.f((20000,), 3.0, dfd), 9.0, -2.0 / 7.0**2),
    "wald, of the square": (lambda g, mean: g.wald((20000,), mean, 3.0) ** 2, 1.5, 2 * 1.5 + 3 * 1.5**2 / 3.0),
    "student_t, of the absolute value's logarithm": (
        lambda g, df: cr.log(cr.abs(g.student_t((20000,), df))),
        4.0,
        0.5 / 4.0 - 0.25 * special.polygamma(1, 2.0),
    ),
}


@pytest.mark.parametrize(("draw", "at", "expected"), EXPECTATIONS.values(), ids=EXPECTATIONS)
def test_gradients_of_expectations(draw: Any, at: float, expected: float) -> None:
    """Each sample's gradient, whose mean is that of the expectation but for its standard error."""
    _, tangent = cr.jvp(lambda a: draw(cr.random.Generator(31), a), (at,), (1.0,))
    slopes = np.asarray(tangent)
    assert abs(slopes.mean() - expected) < 4 * slopes.std() / len(slopes) ** 0.5
    assert slopes.std() / len(slopes) ** 0.5 < 0.05 * abs(expected)


def _along_the_quantile(quantile: Callable[[Any], Any], at: float) -> Any:
    h = 1e-3 * at
    return (8 * (quantile(at + h) - quantile(at - h)) - (quantile(at + 2 * h) - quantile(at - 2 * h))) / (12 * h)


@pytest.mark.parametrize("kappa", [0.05, 1.5, 40.0])
def test_a_von_mises_variable_moves_with_its_concentration_as_its_quantile_does(kappa: float) -> None:
    generator = cr.random.Generator(8)
    y, tangent = cr.jvp(lambda kappa: generator.von_mises((6,), 0.0, kappa), (kappa,), (1.0,))
    share = stats.vonmises.cdf(y, kappa)
    expected = _along_the_quantile(lambda kappa: stats.vonmises.ppf(share, kappa), kappa)
    np.testing.assert_allclose(tangent, expected, rtol=1e-5, atol=1e-7)
    slope = lambda kappa: von_mises_slope(kappa, 0.7)  # noqa: E731
    second = float(cr.grad(slope)(kappa))
    assert second == pytest.approx(float(_along_the_quantile(lambda kappa: slope(kappa).numpy(), kappa)), rel=1e-7)
    with pytest.raises(cr.MissingGradientError, match="no third derivatives by kappa"):
        cr.grad(cr.grad(slope))(kappa)


@pytest.mark.parametrize(("mean", "scale"), [(1.0, 0.3), (2.0, 3.0), (0.5, 40.0)])
def test_a_wald_variable_moves_with_its_parameters_as_its_quantile_does(mean: float, scale: float) -> None:
    def draw(mean: Any, scale: Any) -> Any:
        return cr.random.Generator(8).wald((6,), mean, scale)

    y = draw(mean, scale).numpy()
    share = stats.invgauss.cdf(y, mean / scale, scale=scale)
    by_mean = _along_the_quantile(lambda mean: stats.invgauss.ppf(share, mean / scale, scale=scale), mean)
    by_scale = _along_the_quantile(lambda scale: stats.invgauss.ppf(share, mean / scale, scale=scale), scale)
    for tangents, expected in (((1.0, 0.0), by_mean), ((0.0, 1.0), by_scale)):
        np.testing.assert_allclose(cr.jvp(draw, (mean, scale), tangents)[1], expected, rtol=1e-6, atol=1e-9)


def test_counts_have_no_gradient_and_say_why() -> None:
    with cr.GradientTape() as tape:
        lam = tape.watch(cr.tensor([2.0, 3.0]))
        y = cr.sum(cr.random.poisson(lam=lam, dtype="float64"))
    assert tape.gradient(y, lam) is None
    assert "whole numbers jump" in str(cr.why_no_gradient(y, lam))


def test_the_straight_through_gradient_is_that_of_the_weights() -> None:
    def loss(hard: bool) -> Any:
        return lambda x: cr.sum(cr.random.Generator(5).gumbel_softmax(x, 0.5, hard) * np.array([1.0, 2.0, 4.0]))

    x = np.array([0.1, 0.5, -0.3])
    np.testing.assert_allclose(cr.grad(loss(True))(x), cr.grad(loss(False))(x), rtol=1e-12)
    assert float(loss(True)(x)) in (1.0, 2.0, 4.0)


def test_gradients_in_compiled_functions_and_sessions() -> None:
    def loss(generator: Any, a: Any) -> Any:
        return cr.sum(generator.gamma((3,), a) * generator.normal((3,), a))

    expected = cr.grad(lambda a: loss(cr.random.Generator(2), a))(1.5)
    generator = cr.random.Generator(2)
    np.testing.assert_allclose(cr.function(cr.grad(lambda a: loss(generator, a)))(1.5), expected, rtol=1e-12)
    generator = cr.random.Generator(2)
    np.testing.assert_allclose(cr.grad(cr.function(lambda a: loss(generator, a)))(1.5), expected, rtol=1e-12)
    generator = cr.random.Generator(2)
    with cr.Graph().as_default() as graph:
        a = cr.placeholder("float64", ())
        (slope,) = cr.gradients(loss(generator, a), a)
    np.testing.assert_allclose(cr.Session(graph).run(slope, {a: 1.5}), expected, rtol=1e-12)
