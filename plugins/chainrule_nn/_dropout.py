"""Dropout: numbers that are left out at random while a network learns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import chainrule as cr
from chainrule import ArgumentError, Tensor, as_tensor, composite, fronts, ops
from chainrule_nn._activations import SELU_ALPHA, SELU_SCALE


def _dropout_gradient(g: Any, _y: Any, _x: Any, kept: Any, rate: float) -> Any:
    return _dropout(g, kept, rate=rate)


@composite(gradient=(_dropout_gradient, None), name="nn.dropout")
def _dropout(x: Any, kept: Any, /, rate: float) -> Tensor:
    y: Tensor = ops.where(kept, x / (1.0 - rate), 0.0)
    return y


@fronts(_dropout)
def dropout(x: Any, rate: float = 0.5, generator: Any = None, shape: Sequence[int] | None = None) -> Tensor:
    """Each element 0 with probability `rate`, else divided by `1 - rate`, which keeps the mean.

    From https://jmlr.org/papers/v15/srivastava14a.html. A function for when a network learns; when it does not, nothing
    is to be left out.

    Derivative: 1 / (1 - rate) where an element is kept, else 0.

    Args:
        x: floating-point numbers of any shape.
        rate: the probability, from 0 to 1.
        generator: a `cr.random.Generator`; the default one of `cr.random` if it is left out.
        shape: of what is drawn, which broadcasts to that of `x`: `(batch, 1, channels)` leaves out whole channels.

    Raises:
        ArgumentError: the rate is no such number.

    >>> import chainrule as cr
    >>> y = cr.nn.dropout(cr.ones(1000), 0.25, cr.random.Generator(0))
    >>> bool(cr.all((y == 0) | (y == 1 / 0.75))), bool(200 < cr.sum(y == 0) < 300)
    (True, True)
    """
    given: Tensor = as_tensor(x)
    if not 0 <= rate <= 1:
        raise ArgumentError(f"dropout: rate: expected a probability, from 0 to 1, got {rate!r}")
    if rate in (0, 1):
        return given if rate == 0 else ops.where(False, given, 0.0)
    kept = (generator or cr.random).bernoulli(given.shape if shape is None else tuple(shape), 1.0 - rate)
    return _dropout(given, kept, rate=float(rate))


def alpha_dropout(x: Any, rate: float = 0.5, generator: Any = None, shape: Sequence[int] | None = None) -> Tensor:
    """`dropout` for what `selu` gives: elements become what it has far below 0, and mean and variance stay.

    From https://arxiv.org/abs/1706.02515, section 4: what is left out is `-scale * alpha`, and the result is moved and
    scaled so that numbers of mean 0 and variance 1 keep both.

    Args:
        x, rate, generator, shape: as for `dropout`.

    >>> import chainrule as cr
    >>> y = cr.nn.alpha_dropout(cr.random.Generator(0).normal((100000,)), 0.25, cr.random.Generator(1))
    >>> bool(abs(cr.mean(y)) < 0.02), bool(abs(cr.std(y) - 1) < 0.02)
    (True, True)
    """
    given: Tensor = as_tensor(x)
    if not 0 < rate < 1:
        return dropout(given, rate)
    kept = (generator or cr.random).bernoulli(given.shape if shape is None else tuple(shape), 1.0 - rate)
    least = -SELU_SCALE * SELU_ALPHA
    scale = ((1.0 - rate) * (1.0 + rate * least**2)) ** -0.5
    y: Tensor = ops.where(kept, scale * given - scale * rate * least, scale * (1.0 - rate) * least)
    return y
