"""advect: NumPy with a tape, or staged into a program."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.contender import Made, once
from benchmarks.optimizers import Optimizer
from benchmarks.ways.loss import Loss, Namespace
from benchmarks.ways.numpy_like import numpy_like


def _logsumexp(x: Any, axis: int) -> Any:
    largest = np.max(x, axis=axis)
    return largest + np.log(np.sum(np.exp(x - np.expand_dims(largest, axis)), axis=axis))


def _cross_entropy(scores: Any, labels: Any) -> Any:
    picked = np.take_along_axis(scores, np.expand_dims(labels, 1), axis=1)  # it stages no index arrays in brackets
    return np.mean(_logsumexp(scores, axis=1) - picked[:, 0])


def _namespace() -> Namespace:
    return numpy_like(np, _logsumexp, cross_entropy=_cross_entropy, take=lambda table, ids: np.take(table, ids, axis=0))


def gradients(loss: Loss, count: int, *arguments: Any) -> Made:
    """`advect.value_and_grad`."""
    return _gradients(partial(loss, _namespace()), count, arguments)


def staged(loss: Loss, count: int, *arguments: Any) -> Made:
    """The same of a staged program."""
    advect: Any = import_module("advect")
    return _gradients(advect.stage(partial(loss, _namespace()), *arguments), count, arguments)


def _gradients(function: Any, count: int, arguments: Any) -> Made:
    advect: Any = import_module("advect")
    both = advect.value_and_grad(function, argnums=tuple(range(count)))

    def compute() -> Any:
        value, found = both(*arguments)
        return value, *found

    return once(compute)


def training(loss: Loss, count: int, optimizer: Optimizer, *arguments: Any) -> Made:
    """Gradients, and an update by hand."""
    return _training(partial(loss, _namespace()), count, optimizer, arguments)


def staged_training(loss: Loss, count: int, optimizer: Optimizer, *arguments: Any) -> Made:
    """The same of a staged program."""
    advect: Any = import_module("advect")
    return _training(advect.stage(partial(loss, _namespace()), *arguments), count, optimizer, arguments)


def _training(function: Any, count: int, optimizer: Optimizer, arguments: Any) -> Made:
    advect: Any = import_module("advect")
    gradient = advect.grad(function, argnums=tuple(range(count)))
    parameters = [each.copy() for each in arguments[:count]]
    update, batch = optimizer.by_hand(parameters), arguments[count:]
    return lambda: update(gradient(*parameters, *batch)), lambda: parameters


def hvp(loss: Loss, *arguments: Any) -> Made:
    """`advect.hvp`, which gives the value too."""
    advect: Any = import_module("advect")
    xp = _namespace()
    w, v, *rest = arguments
    product = advect.hvp(lambda w: loss(xp, w, *rest))
    return once(lambda: [product(w, vectors=v)[1]])
