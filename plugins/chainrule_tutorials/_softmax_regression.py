"""Softmax regression on MNIST: a linear model, trained in the mode of the settings and measured."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

import chainrule as cr
from chainrule_datasets import Mnist
from chainrule_optim import Adam, GradientDescent, Momentum, Optimizer
from chainrule_tutorials._modes import LEARN
from chainrule_tutorials._modes._types import Floats
from chainrule_tutorials._settings import Settings


@dataclass(frozen=True, eq=False)
class Trained:
    """What was learned, on the host.

    Attributes:
        weights: shape (784, 10), a column for each digit.
        biases: shape (10,).
        losses: the cross-entropy of each step's batch, before the step.
        accuracy: the share of test images whose digit is recognised.
    """

    weights: Floats
    biases: Floats
    losses: list[float]
    accuracy: float


def train(
    digits: Mnist, settings: Settings | None = None, on_step: Callable[[int, float], object] | None = None
) -> Trained:
    """Learn from the training images and measure on the test images, on the backend in force.

    Args:
        digits: what `cr.datasets.mnist()` gives.
        settings: how to train; the tutorial's numbers by default.
        on_step: called after each step with its number, from 1, and its loss.

    Raises:
        ArgumentError: a batch larger than the training set.
        NumericsError: the loss is no longer a number.
    """
    settings = settings or Settings()
    train_x, train_y, test_x, test_y = digits.flat("float32")
    if settings.batch > len(train_x):
        raise cr.ArgumentError(f"batch: expected at most {len(train_x):,}, the training images, got {settings.batch:,}")
    optimizer = _optimizer(settings)
    losses: list[float] = []

    def report(loss: float) -> None:
        losses.append(loss)
        if not math.isfinite(loss):
            raise cr.NumericsError(
                f"the loss is {loss} at step {len(losses)}: the learning rate {settings.rate:g} of "
                f"{settings.optimizer} is too large; try {settings.rate / 10:g}"
            )
        if on_step is not None:
            on_step(len(losses), loss)

    rows = islice(shuffled(len(train_x), settings.batch, settings.seed), settings.steps)
    W, b = LEARN[settings.mode](((train_x[i], train_y[i]) for i in rows), optimizer, report)

    guesses = cr.argmax(cr.tensor(test_x) @ cr.tensor(W) + cr.tensor(b), axis=1)
    right = int(cr.count_nonzero(guesses == cr.tensor(test_y)))
    return Trained(W, b, losses, right / len(test_y))


def shuffled(n: int, size: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Indices of one batch after another, without end.

    Each pass over the `n` examples takes them in a new random order; what does not fill a batch at its end is left out.
    """
    rng = np.random.default_rng(seed)
    while True:
        order = rng.permutation(n)
        for start in range(0, n - size + 1, size):
            yield order[start : start + size]


def _optimizer(settings: Settings) -> Optimizer:
    match settings.optimizer:
        case "momentum":
            return Momentum(settings.rate, 0.9)
        case "adam":
            return Adam(settings.rate)
        case _:
            return GradientDescent(settings.rate)
