"""Samples of the engine's own operations, which no plugin has."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule_testing._samples import Samples, binary, real, unary

Array = Any


def _zero_wins(g: Array, d: Array) -> Array:
    with np.errstate(invalid="ignore"):
        return np.where(np.asarray(g) == 0, 0.0, np.multiply(g, d))


def _sum_to(x: Array, shape: tuple[int, ...]) -> Array:
    lead = x.ndim - len(shape)
    kept = tuple(i + lead for i, n in enumerate(shape) if n == 1)
    return np.sum(x, axis=(*range(lead), *kept)).reshape(shape)


SAMPLES: dict[str, Samples] = {
    "identity": unary(lambda x: x, complex=True),
    "stop_gradient": unary(lambda x: x),
    "multiply_zero_wins": binary(_zero_wins, complex=True),
    "sum_to": Samples(
        _sum_to,
        [
            ((real(2, 3),), {"shape": (3,)}),
            ((real(2, 3),), {"shape": (2, 1)}),
            ((real(2, 3),), {"shape": ()}),
            ((real(2, 3),), {"shape": (2, 3)}),
            ((real(0, 3),), {"shape": (1, 3)}),
        ],
        complex=True,
        integers=False,
    ),
}

# Operations whose checks have nothing to do with values, and where they are.
ELSEWHERE = {
    "prevent_gradient": "test_conventions.py: its gradient is an error",
    "read_variable": "test_programs.py: its input is a variable",
    "to_backend": "test_devices.py: it moves values between backends",
}
