"""Samples of random numbers. What is drawn from a state is compared with NumPy's generator at that state."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import scipy.integrate
import scipy.special
import scipy.stats

import chainrule as cr
from chainrule_testing._samples import Samples, case, positive, real, uniform

Array = Any
STATES = (np.array([11, -5, 0]), np.array([-1, 96, 7]))
SHAPES = ((), (3,), (2, 0), (2, 1, 3))
SINGLE = frozenset({"random", "standard_exponential", "standard_gamma", "standard_normal"})  # drawn as float32 too


def generator(state: Array) -> np.random.Generator:
    """NumPy's generator at a state: a key of two words, and the last word of the counter."""
    words = [int(word) % 2**64 for word in state]
    return np.random.Generator(np.random.Philox(key=words[0] + (words[1] << 64), counter=words[2] << 192))


def _drawn(name: str) -> Samples:
    """The samples of a draw without parameters, by the name of NumPy's function."""

    def reference(state: Array, shape: Any, dtype: str) -> Array:
        how = {"dtype": dtype} if name in SINGLE else {}
        return getattr(generator(state), name)(size=shape, **how).astype(dtype)

    cases = [case(STATES[i % 2], shape=shape, dtype=cr.float64) for i, shape in enumerate(SHAPES)]
    return Samples(reference, [*cases, case(STATES[0], shape=(4,), dtype=cr.float32)], drawn=True)


def _counted(name: str, *points: Callable[..., Array]) -> Samples:
    """The samples of a draw of whole numbers with parameters."""

    def reference(state: Array, *parameters: Array, shape: Any, dtype: str) -> Array:
        return getattr(generator(state), name)(*parameters, size=shape)

    return Samples(
        reference,
        [
            case(STATES[i % 2], *(make(*shape) for make in points), shape=shape, dtype=cr.int64)
            for i, shape in enumerate(SHAPES)
        ],
        drawn=True,
    )


def _moved(draw: Callable[..., Array]) -> Samples:
    """The samples of a draw with a parameter that it has a gradient by."""
    return Samples(
        lambda state, a, shape, dtype: draw(generator(state), a, shape),
        [case(STATES[i % 2], positive(*shape), shape=shape, dtype=cr.float64) for i, shape in enumerate(SHAPES)],
        drawn=True,
    )


@partial(np.vectorize, otypes=[float])
def _von_mises_slope(kappa: float, theta: float, order: int) -> float:
    """Minus the integral from 0 on of the density times the cosine without its mean, over the density."""
    mean = scipy.special.ive(1, kappa) / scipy.special.ive(0, kappa)
    density = lambda t: np.exp(kappa * (np.cos(t) - np.cos(theta))) * (np.cos(t) - mean)  # noqa: E731
    return -float(scipy.integrate.quad(density, 0.0, theta, epsabs=1e-13)[0])


def _sixteenths(low: float, high: float) -> Callable[..., Array]:
    """Points that bfloat16 holds: what is counted is the same in all dtypes."""
    points = uniform(low, high)
    return lambda *shape: np.round(points(*shape) * 16.0) / 16.0


def _trials(*shape: int) -> Array:
    return np.full(shape, 7)


PROBABILITY = _sixteenths(0.2, 0.8)
PAIRS = (((), ()), ((3,), (3,)), ((2, 1), (1, 3)), ((0, 3), (1, 3)))

SAMPLES: dict[str, Samples] = {
    "random.binomial": _counted("binomial", _trials, PROBABILITY),
    "random.geometric": _counted("geometric", PROBABILITY),
    "random.integers": _counted("integers", lambda *shape: np.full(shape, -3), _trials),
    "random.multinomial": Samples(
        lambda state, n, p, shape, dtype: generator(state).multinomial(n[..., 0], p) if p.size else n,
        [
            case(STATES[0], np.full((3,), 7), np.array([0.25, 0.5, 0.25]), shape=(3,), dtype=cr.int64),
            case(STATES[1], np.full((2, 2), 9), np.full((2, 2), 0.5), shape=(2, 2), dtype=cr.int64),
            case(STATES[1], np.full((0, 2), 9), np.full((0, 2), 0.5), shape=(0, 2), dtype=cr.int64),
        ],
        integers=False,
        drawn=True,
    ),
    "random.negative_binomial": _counted("negative_binomial", _trials, PROBABILITY),
    "random.next_state": Samples(lambda state: np.add(state, [0, 0, 1]), [case(state) for state in STATES]),
    "random.permutation": Samples(
        lambda state, shape, dtype: generator(state).permutation(shape[0]),
        [case(STATES[0], shape=(n,), dtype=cr.int64) for n in (0, 1, 6)],
        drawn=True,
    ),
    "random.poisson": _counted("poisson", _sixteenths(0.5, 7.0)),
    "random.standard_cauchy": _drawn("standard_cauchy"),
    "random.standard_exponential": _drawn("standard_exponential"),
    "random.standard_gamma": _moved(lambda rng, a, shape: rng.standard_gamma(a, shape)),
    "random.standard_gumbel": _drawn("gumbel"),
    "random.standard_laplace": _drawn("laplace"),
    "random.standard_logistic": _drawn("logistic"),
    "random.standard_normal": _drawn("standard_normal"),
    "random.standard_uniform": _drawn("random"),
    "random.standard_von_mises": _moved(lambda rng, kappa, shape: rng.vonmises(0.0, kappa, shape)),
    "random.standard_wald": _moved(lambda rng, ratio, shape: rng.wald(1.0, ratio, shape)),
    "random.von_mises_slope": Samples(
        _von_mises_slope,
        [
            case(positive(2, 1), real(1, 3), order=1),
            case(positive(0, 3), real(1, 3), order=1),
        ],
        integers=False,
        fixed=(0,),
    ),
    "random.truncated_quantile": Samples(
        scipy.stats.truncnorm.ppf,
        [
            *(case(PROBABILITY(*u), -positive(*b), positive(*b)) for u, b in PAIRS),
            case(PROBABILITY(3), np.array([2.0, -4.0, -0.5]), np.array([3.0, -1.0, 6.0])),
        ],
        integers=False,
    ),
}
