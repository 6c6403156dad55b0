"""What is drawn has the distribution that is asked for: Kolmogorov-Smirnov tests and frequencies at a fixed seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

import chainrule as cr

N = 4000
CONTINUOUS: dict[str, tuple[Callable[..., Any], Any]] = {
    "beta": (lambda g: g.beta((N,), 2.0, 0.7), stats.beta(2.0, 0.7)),
    "beta, small shapes": (lambda g: g.beta((N,), 0.3, 0.2), stats.beta(0.3, 0.2)),
    "cauchy": (lambda g: g.cauchy((N,), 1.0, 2.0), stats.cauchy(1.0, 2.0)),
    "chi2": (lambda g: g.chi2((N,), 3.0), stats.chi2(3.0)),
    "dirichlet, its first": (lambda g: g.dirichlet([0.5, 1.0, 2.0], (N, 3))[:, 0], stats.beta(0.5, 3.0)),
    "exponential": (lambda g: g.exponential((N,), 2.0), stats.expon(scale=2.0)),
    "f": (lambda g: g.f((N,), 3.0, 5.0), stats.f(3.0, 5.0)),
    "gamma": (lambda g: g.gamma((N,), 0.6, 3.0), stats.gamma(0.6, scale=3.0)),
    "gumbel": (lambda g: g.gumbel((N,), 1.0, 2.0), stats.gumbel_r(1.0, 2.0)),
    "laplace": (lambda g: g.laplace((N,), 1.0, 2.0), stats.laplace(1.0, 2.0)),
    "logistic": (lambda g: g.logistic((N,), 1.0, 2.0), stats.logistic(1.0, 2.0)),
    "lognormal": (lambda g: g.lognormal((N,), 1.0, 0.5), stats.lognorm(0.5, scale=np.e)),
    "normal": (lambda g: g.normal((N,), 1.0, 2.0), stats.norm(1.0, 2.0)),
    "normal, complex": (lambda g: cr.real(g.normal((N,), dtype="complex128")), stats.norm(0.0, 0.5**0.5)),
    "normal, float32": (lambda g: g.normal((N,), dtype="float32"), stats.norm),
    "pareto": (lambda g: g.pareto((N,), 3.0, 2.0), stats.pareto(3.0, scale=2.0)),
    "power": (lambda g: g.power((N,), 3.0), stats.powerlaw(3.0)),
    "rayleigh": (lambda g: g.rayleigh((N,), 2.0), stats.rayleigh(scale=2.0)),
    "student_t": (lambda g: g.student_t((N,), 3.0, 1.0, 2.0), stats.t(3.0, 1.0, 2.0)),
    "triangular": (lambda g: g.triangular((N,), -1.0, 0.0, 3.0), stats.triang(0.25, -1.0, 4.0)),
    "truncated_normal": (
        lambda g: g.truncated_normal((N,), 0.0, 3.0, 1.0, 2.0),
        stats.truncnorm(-0.5, 1.0, 1.0, 2.0),
    ),
    "truncated_normal, far out": (
        lambda g: g.truncated_normal((N,), 8.0, float("inf")),
        stats.truncnorm(8.0, np.inf),
    ),
    "uniform": (lambda g: g.uniform((N,), -1.0, 3.0), stats.uniform(-1.0, 4.0)),
    "von_mises": (lambda g: g.von_mises((N,), 0.5, 2.0), stats.vonmises(2.0, 0.5)),
    "wald": (lambda g: g.wald((N,), 2.0, 3.0), stats.invgauss(2.0 / 3.0, scale=3.0)),
    "weibull": (lambda g: g.weibull((N,), 1.7, 2.0), stats.weibull_min(1.7, scale=2.0)),
}
DISCRETE: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "bernoulli": (lambda g: g.bernoulli((N,), 0.3, dtype="int64"), stats.bernoulli(0.3).pmf),
    "binomial": (lambda g: g.binomial((N,), 5, 0.4), stats.binom(5, 0.4).pmf),
    "categorical": (lambda g: g.categorical(np.log([0.2, 0.3, 0.5]), (N,)), lambda k: np.array([0.2, 0.3, 0.5])[k]),
    "choice": (lambda g: g.choice(3, (N,), p=[2.0, 3.0, 5.0]), lambda k: np.array([0.2, 0.3, 0.5])[k]),
    "choice, the first without replacement": (
        lambda g: cr.stack([g.choice(3, (2,), replace=False, p=[2.0, 3.0, 5.0])[0] for _ in range(600)]),
        lambda k: np.array([0.2, 0.3, 0.5])[k],
    ),
    "geometric": (lambda g: g.geometric((N,), 0.4), stats.geom(0.4).pmf),
    "gumbel_softmax, hard": (
        lambda g: cr.argmax(g.gumbel_softmax(np.log([0.2, 0.3, 0.5]), 0.7, True, (N, 3)), axis=-1),
        lambda k: np.array([0.2, 0.3, 0.5])[k],
    ),
    "integers": (lambda g: g.integers(-2, 3, (N,)), stats.randint(-2, 3).pmf),
    "multinomial, its last": (lambda g: g.multinomial(5, [0.2, 0.3, 0.5], (N, 3))[:, 2], stats.binom(5, 0.5).pmf),
    "negative_binomial": (lambda g: g.negative_binomial((N,), 3, 0.5), stats.nbinom(3, 0.5).pmf),
    "permutation, its first": (lambda g: cr.stack([g.permutation(4)[0] for _ in range(600)]), stats.randint(0, 4).pmf),
    "poisson": (lambda g: g.poisson((N,), 2.5), stats.poisson(2.5).pmf),
}


@pytest.mark.parametrize(("draw", "expected"), CONTINUOUS.values(), ids=CONTINUOUS)
def test_the_distribution(draw: Callable[..., Any], expected: Any) -> None:
    x = draw(cr.random.Generator(20)).numpy()
    assert x.shape == (N,)
    assert stats.kstest(x, expected.cdf).pvalue > 1e-3


@pytest.mark.parametrize(("draw", "pmf"), DISCRETE.values(), ids=DISCRETE)
def test_the_frequencies(draw: Callable[..., Any], pmf: Callable[..., Any]) -> None:
    k, counts = np.unique(draw(cr.random.Generator(20)).numpy(), return_counts=True)
    expected = counts.sum() * pmf(k)
    assert stats.chi2.sf(np.sum((counts - expected) ** 2 / expected), len(k) - 1) > 1e-3


def test_multivariate_normal() -> None:
    mean, cov = np.array([1.0, -2.0]), np.array([[2.0, 0.8], [0.8, 1.0]])
    x = cr.random.Generator(3).multivariate_normal(mean, cov, (N, 2)).numpy()
    white = np.linalg.solve(np.linalg.cholesky(cov), (x - mean).T)
    assert stats.kstest(white.ravel(), "norm").pvalue > 1e-3
    assert abs(np.corrcoef(white)[0, 1]) < 4 / N**0.5
    factor = np.linalg.cholesky(cov)
    again = cr.random.Generator(3).multivariate_normal(mean, shape=(N, 2), factor=factor)
    np.testing.assert_allclose(again.numpy(), x, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_uniform_numbers_stay_below_one(dtype: str) -> None:
    x = cr.random.Generator(0).uniform((N,), dtype=dtype)
    assert x.dtype == dtype
    assert bool(cr.all((x >= 0.0) & (x < 1.0)))


def test_half_precision_on_a_library_that_has_bfloat16() -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed, the one library here with bfloat16")
    with cr.use_backend("torch"):
        x = cr.random.Generator(0).uniform((N,), dtype="bfloat16")
        assert x.dtype == "bfloat16"
        assert bool(cr.all((x >= 0.0) & (x < 1.0)))


def test_dtypes_are_those_of_the_parameters_else_the_default() -> None:
    loc = cr.tensor([0.0, 1.0], dtype="float32")
    assert cr.random.normal(loc=loc).dtype == "float32"
    assert cr.random.normal(loc=loc, dtype="float64").dtype == "float64"
    assert cr.random.gamma(a=cr.tensor([1, 2])).dtype == cr.random.normal(3).dtype == "float64"
    assert cr.random.binomial(n=[3, 4]).dtype == "int64"


def test_shapes_are_those_of_the_parameters_or_one_they_broadcast_to() -> None:
    loc = np.zeros((3, 1))
    assert cr.random.normal().shape == ()
    assert cr.random.normal(loc=loc, scale=np.ones(4)).shape == (3, 4)
    assert cr.random.normal((2, 3, 4), loc).shape == (2, 3, 4)
    assert cr.random.choice(np.zeros((5, 2)), (3, 4)).shape == (3, 4, 2)
    assert cr.random.choice(np.zeros((2, 5)), 3, axis=-1).shape == (2, 3)
    with pytest.raises(cr.ShapeError, match=r"normal: shape \(2, 4\) was asked for, to which loc of shape \(3, 1\)"):
        cr.random.normal((2, 4), loc)


def test_lengths_that_are_not_known_yet() -> None:
    generator = cr.random.Generator(1)
    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float64", (None,))
        noisy = x + generator.normal(x.shape)
    run = cr.Session(graph).run
    assert run(noisy, {x: np.zeros(3)}).shape == (3,)
    np.testing.assert_array_equal(cr.Session(graph).run(noisy, {x: np.zeros(5)}), generator.normal((5,)).numpy())


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: cr.random.binomial(n=3, p=1.5), r"random\.binomial.*p > 1"),
        (lambda: cr.random.poisson(lam=-1.0), r"random\.poisson.*lam"),
        (lambda: cr.random.integers(3, 3), r"random\.integers.*low >= high"),
        (lambda: cr.random.normal(3, dtype="int64"), "normal: dtype: expected a floating-point one, got int64"),
        (lambda: cr.random.choice(3, 4, replace=False), "cannot pick 4 of 3 without replacement"),
        (lambda: cr.random.choice(3, 1, p=[0.5, 0.5]), "expected 3 probabilities in one dimension"),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw: Callable[..., Any], message: str) -> None:
    with pytest.raises(cr.ChainruleError, match=message):
        draw()
