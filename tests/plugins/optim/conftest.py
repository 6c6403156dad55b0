"""What the tests of `chainrule_optim` share: the published update rules as plain NumPy loops, and a problem to run."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

import chainrule as cr

Array: TypeAlias = NDArray[Any]
Rule: TypeAlias = Callable[[Callable[[Array], Array], Array, int], Array]

WEIGHTS = [1.0, 0.5, 3.0]
START = [1.0, -2.0, 0.5]


def _stepping(start: Callable[[Array], dict[str, Any]], step: Callable[..., Array]) -> Rule:
    """A rule as a loop: `step(t, g, w, s)` gives the new `w` and changes the state `s`."""

    def run(gradient: Callable[[Array], Array], w: Array, steps: int) -> Array:
        s = start(w)
        for t in range(1, steps + 1):
            w = step(t, gradient(w), w, s)
        return w

    return run


def _zeros(*names: str) -> Callable[[Array], dict[str, Any]]:
    return lambda w: {name: np.zeros_like(w) for name in names}


def _square(g: Array) -> Array:
    return np.abs(g) ** 2


def _gradient_descent(rate: float) -> Rule:
    return _stepping(_zeros(), lambda t, g, w, s: w - rate * g)


def _momentum(rate: float, mu: float, nesterov: bool = False) -> Rule:
    def step(t: int, g: Array, w: Array, s: dict[str, Any]) -> Array:
        s["m"] = mu * s["m"] + g
        return w - rate * (g + mu * s["m"] if nesterov else s["m"])

    return _stepping(_zeros("m"), step)


def _adagrad(rate: float, initial: float = 0.0, epsilon: float = 1e-10) -> Rule:
    def step(t: int, g: Array, w: Array, s: dict[str, Any]) -> Array:
        s["sum"] = s["sum"] + _square(g)
        return w - rate * g / (np.sqrt(s["sum"]) + epsilon)

    return _stepping(lambda w: {"sum": initial}, step)


def _adadelta(rate: float, rho: float = 0.9, epsilon: float = 1e-6) -> Rule:
    def step(t: int, g: Array, w: Array, s: dict[str, Any]) -> Array:
        s["v"] = rho * s["v"] + (1 - rho) * _square(g)
        delta = np.sqrt((s["u"] + epsilon) / (s["v"] + epsilon)) * g
        s["u"] = rho * s["u"] + (1 - rho) * _square(delta)
        return w - rate * delta

    return _stepping(_zeros("v", "u"), step)


def _rmsprop(rate: float, rho: float = 0.9, mu: float = 0.0, epsilon: float = 1e-8, centered: bool = False) -> Rule:
    def step(t: int, g: Array, w: Array, s: dict[str, Any]) -> Array:
        s["v"] = rho * s["v"] + (1 - rho) * _square(g)
        s["m"] = rho * s["m"] + (1 - rho) * g
        variance = s["v"] - _square(s["m"]) if centered else s["v"]
        s["b"] = mu * s["b"] + g / (np.sqrt(np.abs(variance)) + epsilon)
        return w - rate * s["b"]

    return _stepping(_zeros("v", "m", "b"), step)


def _adam(
    rate: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    decay: float = 0.0,
    amsgrad: bool = False,
) -> Rule:
    def step(t: int, g: Array, w: Array, s: dict[str, Any]) -> Array:
        w = w * (1 - rate * decay)
        s["m"] = beta1 * s["m"] + (1 - beta1) * g
        s["v"] = beta2 * s["v"] + (1 - beta2) * _square(g)
        s["top"] = np.maximum(s["top"], np.abs(s["v"]))
        v = s["top"] if amsgrad else s["v"]
        m_hat, v_hat = s["m"] / (1 - math.pow(beta1, t)), np.abs(v) / (1 - math.pow(beta2, t))
        return w - rate * m_hat / (np.sqrt(v_hat) + epsilon)

    return _stepping(lambda w: {"m": np.zeros_like(w), "v": np.zeros_like(w), "top": 0.0}, step)


def _adamax(rate: float, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8) -> Rule:
    def step(t: int, g: Array, w: Array, s: dict[str, Any]) -> Array:
        s["m"] = beta1 * s["m"] + (1 - beta1) * g
        s["u"] = np.maximum(beta2 * s["u"], np.abs(g) + epsilon)
        return w - rate / (1 - beta1**t) * s["m"] / s["u"]

    return _stepping(lambda w: {"m": np.zeros_like(w), "u": 0.0}, step)


def _nadam(rate: float, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8, psi: float = 4e-3) -> Rule:
    def step(t: int, g: Array, w: Array, s: dict[str, Any]) -> Array:
        mu = [beta1 * (1 - 0.5 * 0.96 ** (i * psi)) for i in range(1, t + 2)]
        s["m"] = beta1 * s["m"] + (1 - beta1) * g
        s["v"] = beta2 * s["v"] + (1 - beta2) * _square(g)
        m_hat = mu[t] * s["m"] / (1 - math.prod(mu)) + (1 - mu[t - 1]) * g / (1 - math.prod(mu[:t]))
        return w - rate * m_hat / (np.sqrt(s["v"] / (1 - beta2**t)) + epsilon)

    return _stepping(_zeros("m", "v"), step)


def _ftrl(
    rate: float,
    power: float = -0.5,
    initial: float = 0.1,
    l1: float = 0.0,
    l2: float = 0.0,
    shrink: float = 0.0,
    beta: float = 0.0,
) -> Rule:
    """As `tf.raw_ops.ApplyFtrlV2` says, with Keras's `beta`."""

    def step(t: int, g: Array, w: Array, s: dict[str, Any]) -> Array:
        n = s["n"] + g * g
        s["z"] = s["z"] + (g + 2 * shrink * w) - (n**-power - s["n"] ** -power) / rate * w
        quadratic = n**-power / rate + 2 * (l2 + beta / (2 * rate))
        s["n"] = n
        return np.where(np.abs(s["z"]) > l1, (np.sign(s["z"]) * l1 - s["z"]) / quadratic, 0.0)

    return _stepping(lambda w: {"n": np.full_like(w, initial), "z": np.zeros_like(w)}, step)


def _lion(rate: float, beta1: float = 0.9, beta2: float = 0.99, decay: float = 0.0) -> Rule:
    def step(t: int, g: Array, w: Array, s: dict[str, Any]) -> Array:
        c = beta1 * s["m"] + (1 - beta1) * g
        s["m"] = beta2 * s["m"] + (1 - beta2) * g
        return w - rate * (np.sign(c) + decay * w)

    return _stepping(_zeros("m"), step)


@pytest.fixture(scope="session")
def published() -> dict[str, tuple[Callable[[], cr.optim.Optimizer], Rule]]:
    """Each rule as ours and as a loop in NumPy, with the same hyper-parameters."""
    optim = cr.optim
    return {
        "gradient_descent": (lambda: optim.GradientDescent(0.1), _gradient_descent(0.1)),
        "momentum": (lambda: optim.Momentum(0.1, 0.9), _momentum(0.1, 0.9)),
        "nesterov": (lambda: optim.Momentum(0.1, 0.9, nesterov=True), _momentum(0.1, 0.9, True)),
        "adagrad": (lambda: optim.Adagrad(0.1), _adagrad(0.1)),
        "adagrad_tuned": (lambda: optim.Adagrad(0.2, 0.1, 1e-3), _adagrad(0.2, 0.1, 1e-3)),
        "adadelta": (lambda: optim.Adadelta(), _adadelta(1.0)),
        "adadelta_tuned": (lambda: optim.Adadelta(0.5, 0.8, 1e-2), _adadelta(0.5, 0.8, 1e-2)),
        "rmsprop": (lambda: optim.RMSProp(0.05), _rmsprop(0.05)),
        "rmsprop_momentum": (lambda: optim.RMSProp(0.01, 0.8, 0.9, 1e-3), _rmsprop(0.01, 0.8, 0.9, 1e-3)),
        "rmsprop_centered": (
            lambda: optim.RMSProp(0.01, 0.8, 0.5, 1e-2, centered=True),
            _rmsprop(0.01, 0.8, 0.5, 1e-2, True),
        ),
        "adam": (lambda: optim.Adam(0.1), _adam(0.1)),
        "adam_tuned": (lambda: optim.Adam(0.05, 0.8, 0.95, 1e-3), _adam(0.05, 0.8, 0.95, 1e-3)),
        "adamw": (lambda: optim.AdamW(0.1, weight_decay=0.3), _adam(0.1, decay=0.3)),
        "amsgrad": (lambda: optim.Adam(0.1, 0.8, 0.5, amsgrad=True), _adam(0.1, 0.8, 0.5, amsgrad=True)),
        "adamax": (lambda: optim.Adamax(0.1), _adamax(0.1)),
        "nadam": (lambda: optim.Nadam(0.1), _nadam(0.1)),
        "nadam_tuned": (lambda: optim.Nadam(0.05, 0.8, 0.95, 1e-3, 0.5), _nadam(0.05, 0.8, 0.95, 1e-3, 0.5)),
        "lion": (lambda: optim.Lion(0.05), _lion(0.05)),
        "lion_decay": (lambda: optim.Lion(0.05, 0.8, 0.9, weight_decay=0.5), _lion(0.05, 0.8, 0.9, 0.5)),
        "ftrl": (lambda: optim.Ftrl(0.5), _ftrl(0.5)),
        "ftrl_tuned": (
            lambda: optim.Ftrl(0.5, -0.3, 0.2, 0.1, 0.05, 0.02, 0.3),
            _ftrl(0.5, -0.3, 0.2, 0.1, 0.05, 0.02, 0.3),
        ),
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


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    """A `with` block in which every tensor is taken for one of a trace: none gives its value."""

    @contextmanager
    def block() -> Iterator[None]:
        def refuse(self: Any, *_: Any) -> Any:
            raise AssertionError("a tensor of a trace was asked for its value")

        with monkeypatch.context() as patch:
            for module in ("_numbers", "_clipping", "_hyper", "_optimizer", "_pairs"):
                patch.setattr(f"chainrule_optim.{module}.is_symbolic", lambda x: isinstance(x, cr.Tensor))
            for name in ("item", "numpy", "tolist", "__bool__", "__float__", "__int__", "__index__", "__array__"):
                patch.setattr(cr.Tensor, name, refuse)
            yield

    return block
