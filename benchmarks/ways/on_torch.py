"""PyTorch: eager, on its own tensors."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.contender import Made, once
from benchmarks.optimizers import Optimizer, Sgd
from benchmarks.ways.loss import Loss, Namespace, namespace, unrolled


def _namespace() -> Namespace:
    torch: Any = import_module("torch")
    f = torch.nn.functional

    def channels_first(x: Any) -> Any:
        return x.permute(0, 3, 1, 2)  # a view

    def channels_last(x: Any) -> Any:
        return x.permute(0, 2, 3, 1)

    return namespace(
        torch,
        transpose=torch.permute,
        erf=torch.erf,
        relu=torch.relu,
        softplus=f.softplus,
        softmax=lambda x: torch.softmax(x, -1),
        cross_entropy=f.cross_entropy,
        take=lambda table, ids: f.embedding(ids, table, sparse=True),
        conv=lambda x, w: channels_last(f.conv2d(channels_first(x), w.permute(3, 2, 0, 1), padding=1)),
        max_pool=lambda x: channels_last(f.max_pool2d(channels_first(x), 2)),
        scan=lambda step, carried, xs: torch.stack(unrolled(step, carried, xs)),
    )


def _tensors(arguments: Sequence[Any], count: int) -> Any:
    torch: Any = import_module("torch")
    tensors = [torch.tensor(each) for each in map(np.asarray, arguments)]
    return [each.requires_grad_() for each in tensors[:count]], tensors[count:]


def gradients(loss: Loss, count: int, *arguments: Any) -> Made:
    """`torch.autograd.grad`."""
    torch: Any = import_module("torch")
    xp, (parameters, rest) = _namespace(), _tensors(arguments, count)

    def compute() -> Any:
        value = loss(xp, *parameters, *rest)
        return value.detach(), *torch.autograd.grad(value, parameters)

    return once(compute)


def training(loss: Loss, count: int, optimizer: Optimizer, *arguments: Any) -> Made:
    """`backward`, and an optimizer of `torch.optim`."""
    torch: Any = import_module("torch")
    xp, (parameters, batch) = _namespace(), _tensors(arguments, count)
    if isinstance(optimizer, Sgd):
        chosen = torch.optim.SGD(parameters, optimizer.rate)
    else:
        betas = optimizer.beta1, optimizer.beta2
        chosen = torch.optim.Adam(parameters, optimizer.rate, betas, optimizer.epsilon, fused=True)

    def step() -> None:
        chosen.zero_grad()
        loss(xp, *parameters, *batch).backward()
        chosen.step()

    return step, lambda: [each.detach() for each in parameters]


def hvp(loss: Loss, *arguments: Any) -> Made:
    """Backwards twice."""
    torch: Any = import_module("torch")
    xp, ([w], [v, *rest]) = _namespace(), _tensors(arguments, 1)

    def compute() -> Any:
        (slope,) = torch.autograd.grad(loss(xp, w, *rest), w, create_graph=True)
        return torch.autograd.grad(slope, w, v)

    return once(compute)
