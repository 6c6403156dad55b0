"""What training steps do with gradients, as every library is asked for it, and by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Sgd:
    """Stochastic gradient descent."""

    rate: float

    def by_hand(self, parameters: Sequence[Any]) -> Callable[[Sequence[Any]], None]:
        """What updates NumPy's arrays in place."""
        rate = np.float32(self.rate)

        def update(gradients: Sequence[Any]) -> None:
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter -= rate * gradient

        return update


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma and Ba, 2015)."""

    rate: float
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def by_hand(self, parameters: Sequence[Any]) -> Callable[[Sequence[Any]], None]:
        """What updates NumPy's arrays in place; gradients are overwritten."""
        ms, vs = [[np.zeros_like(parameter) for parameter in parameters] for _ in range(2)]
        steps = 0

        def update(gradients: Sequence[Any]) -> None:
            nonlocal steps
            steps += 1
            rate = self.rate / (1.0 - self.beta1**steps)
            correction = 1.0 / np.sqrt(1.0 - self.beta2**steps)
            for parameter, m, v, gradient in zip(parameters, ms, vs, gradients, strict=True):
                squared = gradient * gradient
                squared *= 1.0 - self.beta2
                v *= self.beta2
                v += squared
                gradient *= 1.0 - self.beta1
                m *= self.beta1
                m += gradient
                step = np.sqrt(v, out=squared)
                step *= float(correction)
                step += self.epsilon
                np.divide(m, step, out=step)
                step *= rate
                parameter -= step

        return update


Optimizer = Sgd | Adam
