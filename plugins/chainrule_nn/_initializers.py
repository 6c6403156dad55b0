"""Random first values of weights: drawn by NumPy, on the backend in force."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from chainrule import ArgumentError, ShapeError, Tensor, as_dtype, default_dtype, tensor


def glorot_uniform(shape: Sequence[int], seed: Any = None, dtype: Any = None) -> Tensor:
    """Uniform between `-sqrt(6 / (inputs + outputs))` and its opposite: for layers that are about linear.

    Keeps the variance of values and of gradients about the same from layer to layer (Glorot and Bengio, 2010,
    equation 16: https://proceedings.mlr.press/v9/glorot10a.html).

    Args:
        shape: `(*window, inputs, outputs)`: that of a matrix, or of weights of `conv`, each of whose windows takes all
            elements of all channels in.
        seed: an integer, or a `numpy.random.Generator`, which moves on; unlike each time if left out.
        dtype: a real floating dtype; the default one if left out.

    Raises:
        ShapeError, ArgumentError: the shape has fewer than two dimensions, or the dtype is another.

    >>> import chainrule as cr
    >>> w = cr.nn.glorot_uniform((784, 10), seed=0, dtype="float32")
    >>> w.shape, bool(cr.max(cr.abs(w)) <= (6 / 794) ** 0.5)
    ((784, 10), True)
    """
    inputs, outputs = _fans("glorot_uniform", shape)
    limit = math.sqrt(6 / max(inputs + outputs, 1))
    return _drawn("glorot_uniform", seed, dtype, lambda rng: rng.uniform(-limit, limit, shape))


def he_normal(shape: Sequence[int], seed: Any = None, dtype: Any = None) -> Tensor:
    """Normal with standard deviation `sqrt(2 / inputs)`: for layers that `relu` follows, which halves the variance.

    From He, Zhang, Ren and Sun, 2015, equation 10: https://arxiv.org/abs/1502.01852.

    Args:
        shape, seed, dtype: as for `glorot_uniform`.

    Raises:
        ShapeError, ArgumentError: as `glorot_uniform`.

    >>> import chainrule as cr
    >>> w = cr.nn.he_normal((3, 3, 16, 32), seed=0)
    >>> round(float(cr.std(w) / (2 / 144) ** 0.5), 1)
    1.0
    """
    inputs, _ = _fans("he_normal", shape)
    deviation = math.sqrt(2 / max(inputs, 1))
    return _drawn("he_normal", seed, dtype, lambda rng: rng.normal(0.0, deviation, shape))


def _fans(what: str, shape: Sequence[int]) -> tuple[int, int]:
    """How many numbers one number of the result is computed from, and how many results each takes part in."""
    if len(shape) < 2:
        raise ShapeError(f"{what}: shape: expected (*window, inputs, outputs), got {shape}")
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


def _drawn(what: str, seed: Any, dtype: Any, draw: Any) -> Tensor:
    import numpy as np

    dtype = default_dtype() if dtype is None else as_dtype(dtype)
    if dtype.kind != "float":
        raise ArgumentError(f"{what}: dtype: expected a real floating dtype, got {dtype}")
    return tensor(draw(np.random.default_rng(seed)), dtype=dtype)
