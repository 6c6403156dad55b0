"""Finite differences, and the derivatives that are compared with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import chainrule as cr


def differences(function: Callable[..., Any], xs: Sequence[Any], step: float = 1e-6) -> list[Any]:
    """Central finite differences of a scalar function of NumPy arrays."""
    gradients = []
    for k, x in enumerate(xs):
        gradient = np.zeros_like(x)
        for at in np.ndindex(x.shape):
            ends = []
            for sign in (1.0, -1.0):
                moved = x.copy()
                moved[at] += sign * step
                ends.append(function(*xs[:k], moved, *xs[k + 1 :]))
            gradient[at] = (ends[0] - ends[1]) / (2 * step)
        gradients.append(gradient)
    return gradients


def weights(shape: Sequence[int]) -> Any:
    return np.cos(1.0 + np.arange(np.prod(shape, dtype=int))).reshape(shape)


def check_gradients(call: Callable[..., Any], reference: Callable[..., Any], *xs: Any) -> None:
    """First and second derivatives against finite differences, the first of the reference; forward against reverse."""
    tensors = [cr.tensor(x) for x in xs]
    argnums = tuple(range(len(xs)))

    def loss(*inputs: Any) -> Any:
        y = call(*inputs)
        return cr.sum(y * y * cr.tensor(weights(y.shape)))

    def slope(*inputs: Any) -> Any:
        return sum(cr.sum(g * cr.tensor(weights(g.shape))) for g in cr.grad(loss, argnums=argnums)(*inputs))

    def expected(*inputs: Any) -> Any:
        y = reference(*inputs)
        return np.sum(y * y * weights(y.shape))

    first = cr.grad(loss, argnums=argnums)(*tensors)
    for have, want, x in zip(first, differences(expected, xs), tensors, strict=True):
        assert have.dtype == x.dtype
        np.testing.assert_allclose(have.numpy(), want, rtol=1e-6, atol=1e-7)
    second = cr.grad(slope, argnums=argnums)(*tensors)
    with cr.use_backend("numpy"):
        wanted = differences(lambda *inputs: float(slope(*map(cr.tensor, inputs))), xs)
    for have, want in zip(second, wanted, strict=True):
        np.testing.assert_allclose(have.numpy(), want, rtol=1e-5, atol=1e-6)

    directions = [cr.tensor(np.sin(2.0 + np.arange(x.size)).reshape(x.shape)) for x in xs]
    for function, gradients in ((loss, first), (slope, second)):
        _, moved = cr.jvp(function, tuple(tensors), tuple(directions))
        along = sum(float(cr.sum(g * d)) for g, d in zip(gradients, directions, strict=True))
        np.testing.assert_allclose(float(moved), along, rtol=1e-10)
