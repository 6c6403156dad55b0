"""autograd: NumPy with a tape."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

from benchmarks.contender import Made, once
from benchmarks.optimizers import Optimizer
from benchmarks.ways.loss import Loss, Namespace, namespace, unrolled


def _namespace() -> Namespace:
    np: Any = import_module("autograd.numpy")
    special: Any = import_module("autograd.scipy.special")

    def softmax(x: Any) -> Any:
        e = np.exp(x - np.max(x, axis=-1, keepdims=True))
        return e / np.sum(e, axis=-1, keepdims=True)

    def cross_entropy(scores: Any, labels: Any) -> Any:
        return np.mean(special.logsumexp(scores, axis=1) - scores[np.arange(len(labels)), labels])

    def conv(x: Any, w: Any) -> Any:
        n, height, width, _ = x.shape
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="constant")
        shifts = [padded[:, i : i + height, j : j + width] for i in range(3) for j in range(3)]
        columns = np.reshape(np.concatenate(shifts, axis=3), (n * height * width, -1))
        return np.reshape(np.dot(columns, np.reshape(w, (-1, w.shape[3]))), (n, height, width, -1))

    def max_pool(x: Any) -> Any:
        n, height, width, channels = x.shape
        return np.max(np.reshape(x, (n, height // 2, 2, width // 2, 2, channels)), axis=(2, 4))

    return namespace(
        np,
        erf=special.erf,
        relu=lambda x: np.maximum(x, 0),
        softplus=lambda x: np.logaddexp(0.0, x),
        softmax=softmax,
        cross_entropy=cross_entropy,
        take=lambda table, ids: table[ids],
        conv=conv,
        max_pool=max_pool,
        scan=lambda step, carried, xs: np.stack(unrolled(step, carried, xs)),
    )


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
