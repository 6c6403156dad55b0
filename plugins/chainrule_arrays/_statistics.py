"""Weighted means, covariances and counts."""

from __future__ import annotations

from typing import Any

from chainrule import (
    ArgumentError,
    DTypeError,
    ShapeError,
    Tensor,
    as_tensor,
    composite,
    default_dtype,
    fronts,
    infer,
    ops,
)

Axis = int | tuple[int, ...] | None


@composite(name="average")
def _average(x: Any, weights: Any, /, axis: Axis = None, keepdims: bool = False) -> Any:
    total = ops.sum(weights * ops.ones_like(x), axis=axis, keepdims=keepdims)
    return ops.sum(x * weights, axis=axis, keepdims=keepdims) / total


@fronts(_average)
def average(x: Any, axis: Axis = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False) -> Any:
    """The weighted mean.

    Args:
        x: an array.
        axis: the axes to average over, all by default.
        weights: of the shape of `x`, or a vector along one axis; all alike if None.
        returned: whether to give the sums of the weights too.
        keepdims: whether to keep the axes with length 1.

    Derivatives: `w / sum(w)` and `(x - y) / sum(w)`.

    >>> import chainrule as cr
    >>> cr.average(cr.tensor([1.0, 3.0]), weights=cr.tensor([3.0, 1.0]))
    Tensor(1.5, float64)
    """
    x = as_tensor(x)
    if weights is None:
        weights = ops.ones_like(x, dtype=infer.floating(infer.Spec(x.shape, x.dtype)).dtype)
        mean = ops.mean(x, axis=axis, keepdims=keepdims)
    else:
        weights = as_tensor(weights)
        if weights.shape != x.shape:
            if not isinstance(axis, int) or weights.ndim != 1:
                raise ShapeError(
                    f"average: weights: expected shape {x.shape}, or a vector along one axis, got {weights.shape}"
                )
            weights = ops.reshape(weights, shape=(-1, *[1] * (x.ndim - 1 - axis % x.ndim)))
        mean = _average(x, weights, axis=axis, keepdims=keepdims)
    if not returned:
        return mean
    return mean, ops.sum(ops.broadcast_to(weights, shape=x.shape), axis=axis, keepdims=keepdims)


@composite(name="cov")
def _cov(x: Any, counts: Any, importance: Any, /, correction: float = 1) -> Any:
    if x.ndim != 2:
        raise ShapeError(f"cov: expected a matrix of observations, got shape {x.shape}")
    weights = counts if importance is None else importance if counts is None else counts * importance
    if weights is None:
        left: Any = x.shape[1] - correction
        mean = ops.mean(x, axis=1, keepdims=True)
    else:
        total = ops.sum(weights)
        mean = ops.sum(x * weights, axis=1, keepdims=True) / total
        plain = importance is None or correction == 0
        left = total - (correction if plain else correction * ops.sum(weights * importance) / total)
    centred = x - mean
    other = centred if weights is None else centred * weights
    return (centred @ ops.conj(ops.matrix_transpose(other))) / left


@fronts(_cov)
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: float | None = None,
    fweights: Any = None,
    aweights: Any = None,
) -> Tensor:
    """The covariances of variables.

    Args:
        m: the observations of each variable, `(n_variables, n)`, or `(n,)` of one.
        y: more variables.
        rowvar: whether variables are rows; columns otherwise.
        bias: whether to divide by the number of observations instead of one less.
        ddof: what to take off that number; goes before `bias`.
        fweights: how often each observation was made.
        aweights: how much each counts.

    Returns:
        A matrix, or one number for one variable.

    >>> import chainrule as cr
    >>> cr.cov(cr.tensor([[1.0, 2.0, 3.0], [1.0, 0.0, -1.0]]))
    Tensor([[ 1., -1.],
            [-1.,  1.]], float64)
    """
    parts = []
    for part in (m, y):
        if part is not None:
            x = ops.atleast_2d(part)
            if x.ndim > 2:
                raise ShapeError(f"cov: expected one dimension or two, got shape {x.shape}")
            parts.append(x if rowvar or as_tensor(part).ndim < 2 else ops.matrix_transpose(x))
    x = ops.concat(parts) if y is not None else parts[0]
    if not x.dtype.is_inexact:
        x = ops.astype(x, dtype=infer.floating(infer.Spec(x.shape, x.dtype)).dtype)
    correction = (0 if bias else 1) if ddof is None else ddof
    matrix: Tensor = _cov(x, _weights(fweights, x), _weights(aweights, x), correction=correction)
    return matrix[0, 0] if matrix.shape == (1, 1) else matrix


def _weights(given: Any, x: Tensor) -> Any:
    """Weights of observations; integers in the dtype of these."""
    if given is None:
        return None
    weights = as_tensor(given, x.backend, x.device)
    return weights if weights.dtype.is_inexact else ops.astype(weights, dtype=infer.real(infer.Spec((), x.dtype)).dtype)


def corrcoef(x: Any, y: Any = None, rowvar: bool = True) -> Tensor:
    """The correlations of variables: their covariances over the products of their standard deviations.

    >>> import chainrule as cr
    >>> cr.corrcoef(cr.tensor([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]))
    Tensor([[ 1., -1.],
            [-1.,  1.]], float64)
    """
    c = cov(x, y, rowvar)
    if c.ndim == 0:
        return c / c
    deviations = ops.sqrt(ops.real(ops.diagonal(c)))
    result: Tensor = c / deviations[:, None] / deviations[None, :]
    return result


def digitize(x: Any, bins: Any, right: bool = False) -> Tensor:
    """The number of the interval between growing or falling `bins` that each element lies in; 0 before the first.

    >>> import chainrule as cr
    >>> cr.digitize(cr.tensor([0.5, 1.0, 9.0]), cr.tensor([0.0, 1.0, 2.0]))
    Tensor([1, 2, 3], int64)
    """
    bins = as_tensor(bins)
    falls = bins.shape[0] > 1 and bool(bins[0] > bins[-1])
    result: Tensor
    if falls:
        result = bins.shape[0] - ops.searchsorted(ops.flip(bins), x, side="right" if right else "left")
    else:
        result = ops.searchsorted(bins, x, side="left" if right else "right")
    return result


def bincount(x: Any, weights: Any = None, minlength: int = 0) -> Tensor:
    """How often each number from 0 on occurs, or the sum of the weights of its occurrences.

    Args:
        x: integers that are not negative, `(n,)`. How many results there are depends on the largest.
        weights: of each, `(n,)`; integers are counted as floating-point numbers.
        minlength: how many results there are at least.

    Derivative: by a weight, 1 in its place.

    >>> import chainrule as cr
    >>> cr.bincount(cr.tensor([0, 2, 2]), cr.tensor([1.0, 0.5, 0.25]))
    Tensor([1.  , 0.  , 0.75], float64)
    """
    x = as_tensor(x)
    if x.dtype.is_inexact:
        raise DTypeError(f"bincount: expected integers, got {x.dtype}")
    if x.ndim != 1:
        raise ShapeError(f"bincount: expected one dimension, got shape {x.shape}")
    if x.size and int(ops.min(x)) < 0:
        raise ArgumentError("bincount: expected numbers that are not negative")
    n = max(int(ops.max(x)) + 1 if x.size else 0, minlength)
    if weights is None:
        weights = ops.ones_like(x, dtype="int64")
    else:
        weights = as_tensor(weights)
        if weights.shape != x.shape:
            raise ShapeError(f"bincount: weights: expected shape {x.shape}, got {weights.shape}")
        if not weights.dtype.is_inexact:
            weights = ops.astype(weights, dtype=default_dtype())
    result: Tensor = ops.scatter_add_rows(weights, x, rows=n)
    return result


def histogram(
    x: Any, bins: Any = 10, range: Any = None, density: bool = False, weights: Any = None
) -> tuple[Tensor, Tensor]:
    """How many elements lie in each of some intervals, or the sums of their weights; and the intervals' edges.

    Args:
        x: numbers, of any shape.
        bins: how many intervals of equal length, or their growing edges.
        range: the first edge and the last; those of `x` by default.
        density: whether to divide by the total and by the lengths of the intervals.
        weights: of each element.

    Derivatives: 0 by `x`, for elements do not move between intervals; by a weight, 1 in its interval.

    >>> import chainrule as cr
    >>> cr.histogram(cr.tensor([0.1, 0.2, 0.7]), 2, (0.0, 1.0))
    (Tensor([2, 1], int64), Tensor([0. , 0.5, 1. ], float64))
    """
    x = ops.stop_gradient(ops.ravel(x))
    if isinstance(bins, str):
        raise ArgumentError(f"histogram: bins: expected a number or edges, got {bins!r}; compute them with NumPy first")
    if isinstance(bins, int):
        low, high = (float(end) for end in range or ((ops.min(x), ops.max(x)) if x.size else (0.0, 1.0)))
        if low == high:
            low, high = low - 0.5, high + 0.5
        edges = ops.linspace(low, high, bins + 1, dtype=x.dtype if x.dtype.is_inexact else None)
    else:
        edges = as_tensor(bins)
    n = edges.shape[0] - 1
    place = ops.searchsorted(edges, ops.astype(x, dtype=edges.dtype), side="right") - 1
    place = ops.where(ops.equal(x, edges[-1]), n - 1, place)
    inside = ops.logical_and(place >= 0, place < n)
    if weights is None:
        given = ops.astype(inside, dtype="int64")
    else:
        weights = ops.ravel(weights)
        given = ops.where(inside, weights, 0)
    counts = ops.scatter_add_rows(given, ops.clip(place, 0, n - 1), rows=n)
    if density:
        counts = counts / (ops.sum(counts) * ops.diff(edges))
    return counts, edges
