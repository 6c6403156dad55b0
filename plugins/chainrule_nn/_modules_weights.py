"""Modules around a layer that compute its weights: from directions and lengths, or by their largest singular value."""

from __future__ import annotations

import copy
import math
from typing import Any

from chainrule import Tensor, Variable, as_tensor, infer, ops
from chainrule_nn._initializers import normal
from chainrule_nn._module import Module, fresh_name
from chainrule_nn._normalization import normalize


def weight_norm(w: Any, length: Any, axis: int = -1) -> Tensor:
    """Weights in the direction of `w` and of a length that is given for each place along an axis.

    From https://arxiv.org/abs/1602.07868: `length * w / |w|`, with the norm along all other axes.

    Args:
        w: weights of any shape.
        length: shape `(n,)`, with `n` the length of the axis.
        axis: that of a layer's outputs.

    >>> import chainrule as cr
    >>> cr.nn.weight_norm(cr.tensor([[3.0, 0.0], [4.0, 2.0]]), cr.tensor([1.0, 5.0]))
    Tensor([[0.6, 0. ],
            [0.8, 5. ]], float64)
    """
    w = as_tensor(w)
    (at,) = infer.as_axes(axis, w.ndim)
    scale = ops.asarray(length) / _lengths(w, at)
    y: Tensor = w * ops.reshape(scale, shape=(-1, *(1,) * (w.ndim - 1 - at)))
    return y


def _lengths(w: Any, at: int) -> Any:
    """The norm of what is at each place along an axis."""
    return ops.sqrt(ops.sum(ops.square(w), axis=tuple(i for i in range(w.ndim) if i != at)))


class _Around(Module):
    """A layer that is called with other weights than its own."""

    layer: Any
    name: str

    def _with(self, w: Tensor, x: Any, **modes: Any) -> Any:
        layer = copy.copy(self.layer)
        setattr(layer, self.name, w)
        return layer(x, **{mode: value for mode, value in modes.items() if mode in layer._modes})


class WeightNorm(_Around):
    """A layer whose weights are learnt as directions and lengths; see `weight_norm`.

    Args:
        layer: a module. Its own weights become the directions; lengths are at first those that they have.
        name: which of its attributes are its weights.
        axis: that of its outputs.

    >>> import chainrule as cr
    >>> layer = cr.nn.WeightNorm(cr.nn.Linear(3, 2, seed=0))
    >>> sorted(layer.variables())
    ['layer.b', 'layer.w', 'length']
    """

    def __init__(self, layer: Module, name: str = "w", axis: int = -1) -> None:
        w = as_tensor(getattr(layer, name))
        self.layer, self.name, self.axis = layer, name, axis
        lengths = _lengths(w, infer.as_axes(axis, w.ndim)[0])
        self.length = Variable(lengths, name=f"{fresh_name(self)}/length")

    def __call__(self, x: Any, training: bool = False, generator: Any = None) -> Any:
        w = weight_norm(getattr(self.layer, self.name), self.length, self.axis)
        return self._with(w, x, training=training, generator=generator)


class SpectralNorm(_Around):
    """A layer whose weights are divided by their largest singular value, which power iteration follows as it learns.

    From https://arxiv.org/abs/1802.05957. The singular vectors are variables that are not trainable, and brought up to
    date in training, as the statistics of `BatchNorm` are. No gradient passes them.

    Args:
        layer, name, axis: as for `WeightNorm`. Weights are a matrix with a row for each place along the axis.
        steps: how many steps of the iteration each call in training takes, at least one.
        eps: the least length that a vector is divided by.
        seed: what the first vectors are drawn from.

    >>> import chainrule as cr
    >>> layer = cr.nn.SpectralNorm(cr.nn.Linear(3, 2, bias=False, seed=0), seed=0)
    >>> ys = [layer(cr.eye(3), training=True) for _ in range(20)]
    >>> cr.round(cr.linalg.svdvals(ys[-1])[0], 6)
    Tensor(1.0, float64)
    """

    def __init__(
        self, layer: Module, name: str = "w", axis: int = -1, steps: int = 1, eps: float = 1e-12, seed: Any = None
    ) -> None:
        self.layer, self.name, self.axis, self.steps, self.eps = layer, name, axis, steps, eps
        own = fresh_name(self)
        w = self._matrix()
        u, v = _iterated(w, normal((w.shape[1],), seed, w.dtype), 15, eps)  # as often as PyTorch does at first
        self.u, self.v = (Variable(x, trainable=False, name=f"{own}/{k}") for k, x in (("u", u), ("v", v)))

    def __call__(self, x: Any, training: bool = False, generator: Any = None) -> Any:
        w = self._matrix()
        u, v = as_tensor(self.u), as_tensor(self.v)
        if training:
            u, v = _iterated(ops.stop_gradient(w), v, self.steps, self.eps)
            self.updated("u", u)
            self.updated("v", v)
        largest = ops.vecdot(u, w @ v)
        return self._with(
            as_tensor(getattr(self.layer, self.name)) / largest, x, training=training, generator=generator
        )

    def _matrix(self) -> Any:
        w = ops.moveaxis(as_tensor(getattr(self.layer, self.name)), self.axis, 0)
        return ops.reshape(w, shape=(w.shape[0], math.prod(w.shape[1:])))


def _iterated(w: Any, v: Any, steps: int, eps: float) -> tuple[Any, Any]:
    """Vectors nearer to the first singular ones of a matrix, from one that is near the right one."""
    for _ in range(steps):
        u = normalize(w @ v, eps=eps)
        v = normalize(u @ w, eps=eps)
    return u, v
