"""Prices of a million options by Black and Scholes: elementwise arithmetic with costly functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from benchmarks.contender import Made, once
from benchmarks.contest import Contest
from benchmarks.ways import of_gradients

RATE = 0.03
HALF = math.sqrt(0.5)


def contest(size: int = 1_000_000) -> Contest:
    """The sum of call prices, and its gradient by spot and volatility."""
    random = np.random.default_rng(0)
    ranges = {"spot": (50.0, 150.0), "volatility": (0.1, 0.6), "strike": (50.0, 150.0), "years": (0.1, 2.0)}
    return Contest(
        f"Black-Scholes, {size:,} options, value and gradient by spot and volatility, float64",
        {"NumPy: by hand": numpy_hand, **of_gradients(loss, 2)},
        inputs=tuple(random.uniform(low, high, size) for low, high in ranges.values()),
    )


def loss(xp: Any, spot: Any, volatility: Any, strike: Any, years: Any) -> Any:
    """The sum of call prices, as one writes it."""

    def normal(z: Any) -> Any:
        return 0.5 * (1.0 + xp.erf(z * HALF))

    spread = volatility * xp.sqrt(years)
    d1 = (xp.log(spot / strike) + (RATE + 0.5 * volatility * volatility) * years) / spread
    d2 = d1 - spread
    return xp.sum(spot * normal(d1) - strike * xp.exp(-RATE * years) * normal(d2))


def numpy_hand(spot: Any, volatility: Any, strike: Any, years: Any) -> Made:
    """Delta and vega in closed form, SciPy's error function."""
    from scipy.special import erf

    def compute() -> Any:
        root = np.sqrt(years)
        spread = volatility * root
        d1 = (np.log(spot / strike) + (RATE + 0.5 * volatility * volatility) * years) / spread
        d2 = d1 - spread
        delta = 0.5 * (1.0 + erf(d1 * HALF))
        below = 0.5 * (1.0 + erf(d2 * HALF))
        value = spot.dot(delta) - np.sum(strike * np.exp(-RATE * years) * below)
        vega = spot * np.exp(-0.5 * d1 * d1) * root * (1.0 / math.sqrt(2.0 * math.pi))
        return value, delta, vega

    return once(compute)
