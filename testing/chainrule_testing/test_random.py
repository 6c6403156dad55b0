"""Random streams: reproducible by seed, going on from run to run, and with the moments of their distributions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule_testing._checks import host

N = 4000
# Each with its mean, its variance and its fourth central moment.
DISTRIBUTIONS: dict[str, tuple[Callable[[Any], Any], float, float, float]] = {
    "binomial": (lambda g: g.binomial((N,), 5, 0.4), 2.0, 1.2, 3 * 1.2**2 + 1.2 * (1 - 6 * 0.24)),
    "exponential": (lambda g: g.exponential((N,), 2.0), 2.0, 4.0, 9 * 2.0**4),
    "gamma": (lambda g: g.gamma((N,), 3.0), 3.0, 3.0, 3 * 9.0 + 6 * 3.0),
    "gumbel": (lambda g: g.gumbel((N,)), np.euler_gamma, np.pi**2 / 6, 5.4 * (np.pi**2 / 6) ** 2),
    "laplace": (lambda g: g.laplace((N,)), 0.0, 2.0, 24.0),
    "logistic": (lambda g: g.logistic((N,)), 0.0, np.pi**2 / 3, 4.2 * (np.pi**2 / 3) ** 2),
    "normal": (lambda g: g.normal((N,), 1.0, 2.0), 1.0, 4.0, 48.0),
    "poisson": (lambda g: g.poisson((N,), 2.5), 2.5, 2.5, 2.5 + 3 * 2.5**2),
    "uniform": (lambda g: g.uniform((N,)), 0.5, 1 / 12, 1 / 80),
}


@pytest.mark.parametrize(("draw", "mean", "variance", "fourth"), DISTRIBUTIONS.values(), ids=DISTRIBUTIONS)
def test_moments(backend: cr.Backend, draw: Any, mean: float, variance: float, fourth: float) -> None:
    """Mean and variance lie within four of their standard errors."""
    x = host(draw(cr.random.Generator(5)))
    assert x.shape == (N,)
    assert abs(x.mean() - mean) < 4 * (variance / N) ** 0.5
    assert abs(x.var() - variance) < 4 * ((fourth - variance**2) / N) ** 0.5


def test_neighbours_do_not_depend_on_each_other(backend: cr.Backend) -> None:
    """Neither numbers of one draw, nor draws one after the other, nor streams of other seeds."""
    generator = cr.random.Generator(0)
    x, y, z = (host(g.normal((N,))) for g in (generator, generator, cr.random.Generator(1)))
    for a, b in ((x[1:], x[:-1]), (x, y), (x, z)):
        assert abs(np.corrcoef(a, b)[0, 1]) < 4 / N**0.5


def test_permutations(backend: cr.Backend) -> None:
    generator = cr.random.Generator(2)
    orders = [host(generator.permutation(5)).tolist() for _ in range(4)]
    assert all(sorted(order) == list(range(5)) for order in orders)
    assert len({tuple(order) for order in orders}) > 1


def test_a_seed_decides_what_is_drawn_eagerly_compiled_and_in_a_session(backend: cr.Backend) -> None:
    def drawn(generator: Any) -> Any:
        return generator.normal((3,)) + generator.uniform((3,))

    eager = cr.random.Generator(7)
    expected = [host(drawn(eager)) for _ in range(2)]
    assert not np.array_equal(*expected)
    compiled = cr.random.Generator(7)
    run = cr.function(lambda x: x + drawn(compiled))
    zeros = cr.zeros(3)
    np.testing.assert_allclose([host(run(zeros)) for _ in range(2)], expected, rtol=1e-12)
    with cr.Graph().as_default() as graph:
        y = drawn(cr.random.Generator(7))
    session = cr.Session(graph)
    np.testing.assert_allclose([backend.to_numpy(session.run(y)) for _ in range(2)], expected, rtol=1e-12)
