"""Values and first and second derivatives of an operation at the kit's samples, by chainrule and by other libraries.

Derivatives are those of a sum of all real results with weights; the second along a direction.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import chainrule as cr
from chainrule_testing import Sample

Array = Any


def outputs(y: Any) -> list[Any]:
    """The results of an operation."""
    return list(y) if isinstance(y, tuple | list) else [y]


def random_like(x: Array, of: str) -> Array:
    """Numbers that depend on nothing but the shape and a text."""
    return np.random.default_rng(zlib.crc32(of.encode())).normal(size=np.shape(x))


class Ours:
    """chainrule, on NumPy."""

    def __init__(self, sample: Sample) -> None:
        self.sample = sample

    def value(self) -> list[Array]:
        return [y.numpy() for y in outputs(self.sample.run(*self.sample.inputs))]

    def _loss(self, weights: Sequence[Array]) -> Callable[..., Any]:
        def loss(*xs: Any) -> Any:
            ys = outputs(self.sample.run(*self.sample.replaced(self.sample.wrt, xs)))
            parts = [cr.sum(cr.real(y) * w) for y, w in zip(ys, weights, strict=True) if y.dtype.is_inexact]
            return sum(parts[1:], parts[0])

        return loss

    def derivatives(self, weights: Sequence[Array], directions: Sequence[Array]) -> tuple[list[Array], list[Array]]:
        places = tuple(range(len(directions)))
        first = cr.grad(self._loss(weights), argnums=places)
        xs = [self.sample.inputs[i] for i in self.sample.wrt]

        def along(*xs: Any) -> Any:
            parts = [cr.sum(g * d) for g, d in zip(first(*xs), directions, strict=True)]
            return sum(parts[1:], parts[0])

        return list(map(np.asarray, first(*xs))), list(map(np.asarray, cr.grad(along, argnums=places)(*xs)))


class Jax:
    """JAX, in 64 bits."""

    def __init__(self, sample: Sample, function: Callable[..., Any]) -> None:
        import jax

        jax.config.update("jax_enable_x64", True)
        self.jax, self.sample, self.function = jax, sample, function

    def _call(self, inputs: Sequence[Any]) -> list[Any]:
        arrays = [self.jax.numpy.asarray(x) if isinstance(x, np.ndarray | np.generic) else x for x in inputs]
        return outputs(self.function(*arrays, **self.sample.attributes))

    def value(self) -> list[Array]:
        return list(map(np.asarray, self._call(self.sample.inputs)))

    def derivatives(self, weights: Sequence[Array], directions: Sequence[Array]) -> tuple[list[Array], list[Array]]:
        jnp = self.jax.numpy

        def loss(*xs: Any) -> Any:
            ys = self._call(self.sample.replaced(self.sample.wrt, xs))
            floating = [(y, w) for y, w in zip(ys, weights, strict=True) if y.dtype.kind in "fc"]
            return sum(jnp.sum(jnp.real(y) * w) for y, w in floating)

        places = tuple(range(len(directions)))
        first = self.jax.grad(loss, argnums=places)
        xs = [jnp.asarray(self.sample.inputs[i]) for i in self.sample.wrt]

        def along(*xs: Any) -> Any:
            return sum(jnp.sum(g * d) for g, d in zip(first(*xs), directions, strict=True))

        second = self.jax.grad(along, argnums=places)
        return list(map(np.asarray, first(*xs))), list(map(np.asarray, second(*xs)))


class Torch:
    """PyTorch, on the CPU."""

    def __init__(self, sample: Sample, function: Callable[..., Any]) -> None:
        import torch

        self.torch, self.sample, self.function = torch, sample, function

    def _call(self, inputs: Sequence[Any]) -> list[Any]:
        arrays = [self._tensor(x) if isinstance(x, np.ndarray | np.generic) else x for x in inputs]
        return outputs(self.function(*arrays, **self.sample.attributes))

    def _tensor(self, x: Array) -> Any:
        return self.torch.tensor(np.asarray(x))

    def value(self) -> list[Array]:
        return [y.numpy(force=True) for y in self._call(self.sample.inputs)]

    def derivatives(self, weights: Sequence[Array], directions: Sequence[Array]) -> tuple[list[Array], list[Array]]:
        xs = [self._tensor(self.sample.inputs[i]).requires_grad_() for i in self.sample.wrt]
        ys = self._call(self.sample.replaced(self.sample.wrt, xs))
        parts = [
            (self.torch.real(y) * self._tensor(w)).sum()
            for y, w in zip(ys, weights, strict=True)
            if y.requires_grad and (y.is_floating_point() or y.is_complex())
        ]
        first = self._gradients(sum(parts), xs, keep=True)
        along = sum((g * self._tensor(d)).sum() for g, d in zip(first, directions, strict=True))
        second = self._gradients(along, xs, keep=False)
        return [g.numpy(force=True) for g in first], [g.numpy(force=True) for g in second]

    def _gradients(self, y: Any, xs: Sequence[Any], keep: bool) -> list[Any]:
        """Gradients, of zeros where nothing depends on anything any more."""
        if not getattr(y, "requires_grad", False):
            return [self.torch.zeros_like(x) for x in xs]
        found = self.torch.autograd.grad(y, xs, create_graph=keep, allow_unused=True)
        return [self.torch.zeros_like(x) if g is None else g for g, x in zip(found, xs, strict=True)]
