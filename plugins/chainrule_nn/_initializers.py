"""Random first values of weights: drawn by NumPy, on the backend in force."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from chainrule import ArgumentError, ShapeError, Tensor, as_dtype, default_dtype, tensor


def glorot_uniform(shape: Sequence[int], seed: Any = None, dtype: Any = None) -> Tensor:
    """Uniform between `-sqrt(6 / (inputs + outputs))` and its opposite: for layers that are about linear.

    Keeps the variance of values and of gradients about the same from layer to layer (Glorot and Bengio, 2010,
    equation 16: https://proceedings.mlr.press/v9/glorot10a.html).

    Args:
        shape: `(*window, inputs, outputs)`: that of a matrix, or of weights of `conv`, each of whose windows takes all
            elements of all channels in.
        seed: an integer, or a `cr.random.Generator` or `numpy.random.Generator`, which moves on; unlike each time if
            left out.
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


def glorot_normal(shape: Sequence[int], seed: Any = None, dtype: Any = None) -> Tensor:
    """Normal with standard deviation `sqrt(2 / (inputs + outputs))`: as `glorot_uniform`, in another distribution.

    Args:
        shape, seed, dtype: as for `glorot_uniform`.

    >>> import chainrule as cr
    >>> round(float(cr.std(cr.nn.glorot_normal((300, 100), seed=0)) * 200**0.5), 1)
    1.0
    """
    inputs, outputs = _fans("glorot_normal", shape)
    return _scaled_normal("glorot_normal", shape, seed, dtype, 2 / max(inputs + outputs, 1))


def he_uniform(shape: Sequence[int], seed: Any = None, dtype: Any = None) -> Tensor:
    """Uniform between `-sqrt(6 / inputs)` and its opposite: as `he_normal`, in another distribution.

    Args:
        shape, seed, dtype: as for `glorot_uniform`.

    >>> import chainrule as cr
    >>> bool(cr.max(cr.abs(cr.nn.he_uniform((6, 100), seed=0))) <= 1)
    True
    """
    inputs, _ = _fans("he_uniform", shape)
    limit = math.sqrt(6 / max(inputs, 1))
    return _drawn("he_uniform", seed, dtype, lambda rng: rng.uniform(-limit, limit, shape))


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
    return _scaled_normal("he_normal", shape, seed, dtype, 2 / max(inputs, 1))


def lecun_normal(shape: Sequence[int], seed: Any = None, dtype: Any = None) -> Tensor:
    """Normal with standard deviation `sqrt(1 / inputs)`: for layers that `selu` follows.

    Args:
        shape, seed, dtype: as for `glorot_uniform`.

    >>> import chainrule as cr
    >>> round(float(cr.std(cr.nn.lecun_normal((100, 300), seed=0)) * 10), 1)
    1.0
    """
    inputs, _ = _fans("lecun_normal", shape)
    return _scaled_normal("lecun_normal", shape, seed, dtype, 1 / max(inputs, 1))


def normal(shape: Sequence[int], seed: Any = None, dtype: Any = None, deviation: float = 1.0) -> Tensor:
    """Normal around 0.

    Args:
        shape: any shape.
        seed, dtype: as for `glorot_uniform`.
        deviation: the standard deviation.

    >>> import chainrule as cr
    >>> cr.nn.normal((3,), seed=0).shape
    (3,)
    """
    return _scaled_normal("normal", shape, seed, dtype, deviation**2)


def truncated_normal(shape: Sequence[int], seed: Any = None, dtype: Any = None, deviation: float = 1.0) -> Tensor:
    """Normal around 0 without what is more than two standard deviations away.

    Args:
        shape: any shape.
        seed, dtype: as for `glorot_uniform`.
        deviation: the standard deviation of what is cut off; what is left has 0.88 of it.

    >>> import chainrule as cr
    >>> bool(cr.max(cr.abs(cr.nn.truncated_normal((1000,), seed=0))) <= 2)
    True
    """

    def draw(rng: Any) -> Any:
        from scipy.special import ndtr, ndtri

        return deviation * ndtri(rng.uniform(ndtr(-2.0), ndtr(2.0), shape))

    return _drawn("truncated_normal", seed, dtype, draw)


def orthogonal(shape: Sequence[int], seed: Any = None, dtype: Any = None, gain: float = 1.0) -> Tensor:
    """An orthogonal matrix of inputs and outputs, any of them alike, times `gain` (https://arxiv.org/abs/1312.6120).

    Args:
        shape: `(*window, inputs, outputs)`; of windows all inputs are rows. The shorter side is orthonormal.
        seed, dtype: as for `glorot_uniform`.
        gain: see there.

    >>> import chainrule as cr
    >>> w = cr.nn.orthogonal((4, 3), seed=0)
    >>> bool(cr.max(cr.abs(w.T @ w - cr.eye(3))) < 1e-12)
    True
    """
    _fans("orthogonal", shape)
    return _drawn("orthogonal", seed, dtype, lambda rng: gain * _orthogonal(rng, *_matrix(shape)).reshape(shape))


def delta_orthogonal(shape: Sequence[int], seed: Any = None, dtype: Any = None, gain: float = 1.0) -> Tensor:
    """Weights of a convolution that multiply each place by an orthogonal matrix (https://arxiv.org/abs/1806.05393).

    They are 0 but for the middle of the window.

    Args:
        shape: `(*window, inputs, outputs)` with no more inputs than outputs.
        seed, dtype, gain: as for `orthogonal`.

    Raises:
        ShapeError: there are more inputs than outputs.

    >>> import chainrule as cr
    >>> w = cr.nn.delta_orthogonal((3, 2, 2), seed=0)
    >>> float(cr.max(cr.abs(w[0]))), bool(cr.max(cr.abs(w[1].T @ w[1] - cr.eye(2))) < 1e-12)
    (0.0, True)
    """
    _fans("delta_orthogonal", shape)
    *window, inputs, outputs = shape
    if inputs > outputs:
        raise ShapeError(f"delta_orthogonal: shape: expected no more inputs than outputs, got {tuple(shape)}")

    def draw(rng: Any) -> Any:
        import numpy as np

        weights = np.zeros(shape)
        weights[tuple((n - 1) // 2 for n in window)] = gain * _orthogonal(rng, inputs, outputs)
        return weights

    return _drawn("delta_orthogonal", seed, dtype, draw)


def _matrix(shape: Sequence[int]) -> tuple[int, int]:
    return math.prod(shape[:-1]), shape[-1]


def _orthogonal(rng: Any, rows: int, columns: int) -> Any:
    """A matrix whose shorter side is orthonormal. The signs of R decide those of Q, or not all would be alike."""
    import numpy as np

    q, r = np.linalg.qr(rng.normal(size=(max(rows, columns), min(rows, columns))))
    q = q * np.where(np.diagonal(r) < 0, -1.0, 1.0)
    return q if rows >= columns else q.T


def _fans(what: str, shape: Sequence[int]) -> tuple[int, int]:
    """How many numbers one number of the result is computed from, and how many results each takes part in."""
    if len(shape) < 2:
        raise ShapeError(f"{what}: shape: expected (*window, inputs, outputs), got {shape}")
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


def _scaled_normal(what: str, shape: Sequence[int], seed: Any, dtype: Any, variance: float) -> Tensor:
    return _drawn(what, seed, dtype, lambda rng: rng.normal(0.0, math.sqrt(variance), shape))


def _drawn(what: str, seed: Any, dtype: Any, draw: Callable[[Any], Any]) -> Tensor:
    import numpy as np

    dtype = default_dtype() if dtype is None else as_dtype(dtype)
    if dtype.kind != "float":
        raise ArgumentError(f"{what}: dtype: expected a real floating dtype, got {dtype}")
    if hasattr(seed, "draw"):  # a generator of `cr.random` seeds NumPy's: one seed gives the same on every backend
        seed = (seed.uniform((4,)).numpy() * 2.0**32).astype(np.uint32).tolist()
    return tensor(draw(np.random.default_rng(seed)), dtype=dtype)
