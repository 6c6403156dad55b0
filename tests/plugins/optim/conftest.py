"""What the tests of `chainrule_optim` share: the published update rules as plain NumPy loops, and a problem to run."""

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

import chainrule as cr

Array: TypeAlias = NDArray[Any]
Rule: TypeAlias = Callable[[Callable[[Array], Array], Array, int], Array]

WEIGHTS = [1.0, 0.5, 3.0]
START = [1.0, -2.0, 0.5]


def _gradient_descent(rate: float) -> Rule:
    def run(gradient: Callable[[Array], Array], w: Array, steps: int) -> Array:
        for _ in range(steps):
            w = w - rate * gradient(w)
        return w

    return run


def _momentum(rate: float, mu: float, nesterov: bool = False) -> Rule:
    def run(gradient: Callable[[Array], Array], w: Array, steps: int) -> Array:
        m = np.zeros_like(w)
        for _ in range(steps):
            g = gradient(w)
            m = mu * m + g
            w = w - rate * (g + mu * m if nesterov else m)
        return w

    return run


def _adam(rate: float, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8) -> Rule:
    def run(gradient: Callable[[Array], Array], w: Array, steps: int) -> Array:
        m, v = np.zeros_like(w), np.zeros(w.shape, w.real.dtype)
        for t in range(1, steps + 1):
            g = gradient(w)
            m = beta1 * m + (1 - beta1) * g
            v = beta2 * v + (1 - beta2) * np.abs(g) ** 2
            m_hat, v_hat = m / (1 - math.pow(beta1, t)), v / (1 - math.pow(beta2, t))
            w = w - rate * m_hat / (np.sqrt(v_hat) + epsilon)
        return w

    return run


@pytest.fixture
def published() -> dict[str, tuple[Callable[[], cr.optim.Optimizer], Rule]]:
    """Each rule as ours and as a loop in NumPy, with the same hyper-parameters."""
    return {
        "gradient_descent": (lambda: cr.optim.GradientDescent(0.1), _gradient_descent(0.1)),
        "momentum": (lambda: cr.optim.Momentum(0.1, 0.9), _momentum(0.1, 0.9)),
        "nesterov": (lambda: cr.optim.Momentum(0.1, 0.9, nesterov=True), _momentum(0.1, 0.9, True)),
        "adam": (lambda: cr.optim.Adam(0.1), _adam(0.1)),
        "adam_tuned": (lambda: cr.optim.Adam(0.05, 0.8, 0.95, 1e-3), _adam(0.05, 0.8, 0.95, 1e-3)),
    }


@pytest.fixture
def bowl() -> Callable[[Any], Any]:
    """A loss with curvature that differs by direction: `sum(a*w**2)/2 + sum(cos(w))`."""
    return lambda w: 0.5 * cr.sum(np.array(WEIGHTS, w.dtype) * w * w) + cr.sum(cr.cos(w))


@pytest.fixture
def bowl_gradient() -> Callable[[Array], Array]:
    """The gradient of `bowl`, by hand."""
    return lambda w: np.array(WEIGHTS, w.dtype) * w - np.sin(w)


@pytest.fixture
def start() -> list[float]:
    """Where to start in the bowl."""
    return START
