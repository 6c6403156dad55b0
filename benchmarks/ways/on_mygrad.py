"""MyGrad: NumPy with tensors that have a `backward`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from benchmarks.contender import Made, once
from benchmarks.optimizers import Optimizer
from benchmarks.ways.loss import Loss, Namespace, namespace, unrolled


def _namespace() -> Namespace:
    mg: Any = import_module("mygrad")
    nnet: Any = import_module("mygrad.nnet")
    mg.turn_memory_guarding_off()  # faster, and as the others have it

    def channels_first(x: Any) -> Any:
        return mg.transpose(x, (0, 3, 1, 2))

    def channels_last(x: Any) -> Any:
        return mg.transpose(x, (0, 2, 3, 1))

    def conv(x: Any, w: Any) -> Any:
        return channels_last(nnet.conv_nd(channels_first(x), mg.transpose(w, (3, 2, 0, 1)), stride=1, padding=1))

    return namespace(
        mg,
        transpose=lambda x, axes: mg.transpose(x, *axes),
        erf=_erf(),
        relu=nnet.relu,
        softplus=lambda x: mg.logaddexp(0.0, x),
        softmax=lambda x: nnet.softmax(x, axis=-1),
        cross_entropy=nnet.softmax_crossentropy,
        take=lambda table, ids: table[ids],
        conv=conv,
        max_pool=lambda x: channels_last(nnet.max_pool(channels_first(x), (2, 2), (2, 2))),
        scan=lambda step, carried, xs: mg.stack(unrolled(step, carried, xs)),
    )


def _erf() -> Any:
    """An operation that MyGrad has not, written as its own are."""
    import numpy as np
    from scipy import special

    mg: Any = import_module("mygrad")
    operation: Any = import_module("mygrad.operation_base").Operation

    class Erf(operation):  # type: ignore[misc]
        def __call__(self, x: Any) -> Any:
            self.variables = (x,)
            return special.erf(x.data)

        def backward_var(self, grad: Any, index: int, **_others: Any) -> Any:
            x = self.variables[index].data
            return grad * (2.0 / math.sqrt(math.pi) * np.exp(-x * x))

    return lambda x: mg.Tensor._op(Erf, x)


def _both(loss: Loss, xp: Namespace, parameters: Sequence[Any], rest: Sequence[Any]) -> Any:
    mg: Any = import_module("mygrad")
    tensors = [mg.tensor(each, copy=False) for each in parameters]
    value = loss(xp, *tensors, *rest)
    value.backward()
    return value.data, *(each.grad for each in tensors)


def gradients(loss: Loss, count: int, *arguments: Any) -> Made:
    """Tensors of the arrays, and `backward`."""
    xp, parameters, rest = _namespace(), arguments[:count], arguments[count:]
    return once(lambda: _both(loss, xp, parameters, rest))


def training(loss: Loss, count: int, optimizer: Optimizer, *arguments: Any) -> Made:
    """The same, and an update by hand."""
    xp, parameters, batch = _namespace(), [each.copy() for each in arguments[:count]], arguments[count:]
    update = optimizer.by_hand(parameters)
    return lambda: update(_both(loss, xp, parameters, batch)[1:]), lambda: parameters
