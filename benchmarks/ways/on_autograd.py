"""autograd: NumPy with a tape."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

from benchmarks.contender import Made, once
from benchmarks.optimizers import Optimizer
from benchmarks.ways.loss import Loss, Namespace
from benchmarks.ways.numpy_like import numpy_like


def _namespace() -> Namespace:
    np: Any = import_module("autograd.numpy")
    special: Any = import_module("autograd.scipy.special")
    return numpy_like(np, special.logsumexp, erf=special.erf)


def gradients(loss: Loss, count: int, *arguments: Any) -> Made:
    """`value_and_grad`."""
    autograd: Any = import_module("autograd")
    both = autograd.value_and_grad(partial(loss, _namespace()), argnum=tuple(range(count)))

    def compute() -> Any:
        value, found = both(*arguments)
        return value, *found

    return once(compute)


def training(loss: Loss, count: int, optimizer: Optimizer, *arguments: Any) -> Made:
    """Gradients, and an update by hand."""
    autograd: Any = import_module("autograd")
    gradient = autograd.grad(partial(loss, _namespace()), argnum=tuple(range(count)))
    parameters = [each.copy() for each in arguments[:count]]
    update, batch = optimizer.by_hand(parameters), arguments[count:]
    return lambda: update(gradient(*parameters, *batch)), lambda: parameters


def hvp(loss: Loss, *arguments: Any) -> Made:
    """`hessian_vector_product`, which is backwards twice."""
    autograd: Any = import_module("autograd")
    w, v, *rest = arguments
    product = autograd.hessian_vector_product(lambda w: loss(xp, w, *rest))
    xp = _namespace()
    return once(lambda: [product(w, v)])
