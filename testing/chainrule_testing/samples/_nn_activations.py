"""Samples of the activations of `cr.nn`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special
import scipy.stats

from chainrule_testing._samples import Samples, apart, case, real

Array = Any


def points(*shape: int) -> Array:
    """Elements of both signs, none near where a slope jumps: 0, 0.2, 0.25, 0.5, 1, 1.1, 1.7, 2.5, 3 or 6 from 0."""
    return np.resize([0.41, -2.3, 0.73, -0.37, -3.4, 1.45, 6.6, -0.81], shape)


def _activation(reference: Callable[..., Array], *attributes: dict[str, Any], extremes: bool = True) -> Samples:
    """A function of one input, with other attributes than the defaults."""
    cases = [case(points(2, 4)), *(case(points(7), **given) for given in attributes)]
    return Samples(reference, cases, extremes=extremes)


def _elu(x: Array, alpha: float = 1.0) -> Array:
    return np.maximum(x, 0) + np.minimum(alpha * (np.exp(np.minimum(x, 0)) - 1), 0)


def _gelu(x: Array, approximate: bool = False) -> Array:
    if approximate:
        return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    return x * scipy.stats.norm.cdf(x)


def _halves(x: Array, axis: int = -1) -> Array:
    value, gate = np.split(x, 2, axis=axis)
    return value * scipy.special.expit(gate)


def _sparsemax(x: Array, axis: int = -1) -> Array:
    """By bisection for the number that is taken off."""
    low, high = (np.max(x, axis=axis, keepdims=True) - n for n in (1.0, 0.0))
    for _ in range(60):
        middle = (low + high) / 2
        more = np.sum(np.maximum(x - middle, 0), axis=axis, keepdims=True) > 1
        low, high = np.where(more, middle, low), np.where(more, high, middle)
    return np.maximum(x - low, 0)


SAMPLES: dict[str, Samples] = {
    "nn.relu6": _activation(lambda x: np.clip(x, 0, 6)),
    "nn.hard_tanh": _activation(lambda x, low=-1.0, high=1.0: np.clip(x, low, high), {"low": -2.5, "high": 0.25}),
    "nn.leaky_relu": _activation(lambda x, slope=0.01: np.where(x > 0, x, slope * x), {"slope": 0.3}),
    "nn.prelu": Samples(
        lambda x, slope: np.where(x > 0, x, slope * x),
        [case(real(2, 3), real(3)), case(real(0, 2), 0.5)],
        integers=False,
    ),
    "nn.elu": _activation(_elu, {"alpha": 0.7}),
    "nn.selu": _activation(lambda x: 1.0507009873554805 * _elu(x, 1.6732632423543772)),
    "nn.celu": _activation(lambda x, alpha=1.0: _elu(x / alpha) * alpha, {"alpha": 0.7}),
    "nn.gelu": _activation(_gelu, {"approximate": True}, extremes=False),
    "nn.silu": _activation(lambda x, beta=1.0: x * scipy.special.expit(beta * x), {"beta": 1.7}),
    "nn.mish": Samples(lambda x: x * np.tanh(np.logaddexp(x, 0)), [case(real()), case(real(0, 2))], extremes=True),
    "nn.softsign": _activation(lambda x: x / (1 + np.abs(x))),
    "nn.tanh_shrink": _activation(lambda x: x - np.tanh(x)),
    "nn.hard_sigmoid": _activation(lambda x: np.clip(x / 6 + 0.5, 0, 1)),
    "nn.hard_swish": _activation(lambda x: x * np.clip(x / 6 + 0.5, 0, 1)),
    "nn.log_sigmoid": _activation(scipy.special.log_expit),
    "nn.soft_shrink": _activation(lambda x, limit=0.5: x - np.clip(x, -limit, limit), {"limit": 1.1}, extremes=False),
    "nn.hard_shrink": _activation(lambda x, limit=0.5: x * (np.abs(x) > limit), {"limit": 1.1}, extremes=False),
    "nn.threshold": _activation(
        lambda x, limit=0.0, value=0.0: np.where(x > limit, x, value), {"limit": 0.2, "value": -3.0}, extremes=False
    ),
    "nn.glu": Samples(_halves, [case(real(2, 4)), case(real(2, 3), axis=0)], needs_rank=True),
    "nn.softmin": Samples(
        lambda x, axis=-1: scipy.special.softmax(-x, axis=axis), [case(real(4)), case(real(2, 3), axis=0)]
    ),
    "nn.sparsemax": Samples(
        _sparsemax, [case(2.0 * apart(5)), case(apart(3, 2), axis=0), case(4.0 * apart(2, 3))], integers=False
    ),
}
