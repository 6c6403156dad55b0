"""Medians, quantiles and the like: elements of the sorted array, and what lies between two of them."""

from __future__ import annotations

from typing import Any

from chainrule import ArgumentError, ShapeError, Tensor, as_tensor, infer, op, ops

Axis = int | tuple[int, ...] | None


def _taken(x: Any, ranks: Any) -> Any:
    if x.shape is None or ranks.shape is None:
        return infer.Spec(None, x.dtype)
    if not x.shape or not ranks.shape:
        raise ShapeError(f"takes arrays of at least one dimension, got shapes {x.shape} and {ranks.shape}")
    lead = infer.broadcast_shapes(x.shape[:-1], ranks.shape[:-1])
    assert lead is not None
    return infer.Spec((*lead, ranks.shape[-1]), x.dtype)


def _share(g: Any, y: Any, x: Any, _ranks: Any) -> Any:
    """To the elements that are of the size taken, in equal shares."""
    hit = ops.astype(ops.equal(x[..., :, None], y[..., None, :]), dtype=x.dtype)
    share = hit / ops.maximum(ops.sum(hit, axis=-2, keepdims=True), 1)
    return ops.sum_to(ops.sum(g[..., None, :] * share, axis=-1), shape=x.shape)


@op(infer=_taken, gradient=(_share, None))
def order_statistics(xp: Any, x: Any, ranks: Any, /) -> Any:
    """The elements of these ranks among those of each last axis, 0 for the smallest.

    Args:
        x: `(..., n)`.
        ranks: integers, `(..., k)`; the other axes broadcast.

    Returns:
        `(..., k)`.

    Derivative: 1 for the element of that rank; equal ones share it.

    >>> import chainrule as cr
    >>> cr.order_statistics(cr.tensor([3.0, 1.0, 2.0]), cr.tensor([0, 2]))
    Tensor([1., 3.], float64)
    """
    ordered = xp.sort(x, axis=-1)
    lead = (*([1] * (ranks.ndim - x.ndim)), *x.shape[:-1])
    other = (*([1] * (x.ndim - ranks.ndim)), *ranks.shape[:-1])
    shape = tuple(max(m, n) if m and n else 0 for m, n in zip(lead, other, strict=True))
    ordered = xp.broadcast_to(ordered, (*shape, x.shape[-1]))
    return xp.take_along_axis(ordered, xp.broadcast_to(ranks, (*shape, ranks.shape[-1])), axis=-1)


# The place of quantile q of n elements is q * (n + 1 - a - b) + a - 1: Hyndman and Fan, Sample quantiles in statistical
# packages (1996). The pairs (a, b):
_PLACES = {
    **dict.fromkeys(("linear", "lower", "higher", "midpoint", "nearest"), (1.0, 1.0)),
    "interpolated_inverted_cdf": (0.0, 1.0),
    "hazen": (0.5, 0.5),
    "weibull": (0.0, 0.0),
    "median_unbiased": (1.0 / 3.0, 1.0 / 3.0),
    "normal_unbiased": (3.0 / 8.0, 3.0 / 8.0),
}


def _lines(x: Tensor, axis: Axis) -> tuple[Tensor, tuple[int, ...]]:
    """The array with the axes of a reduction as one, the last; and those axes."""
    axes = infer.as_axes(axis if axis is None or isinstance(axis, int) else tuple(axis), x.ndim)
    rest = [i for i in range(x.ndim) if i not in axes]
    moved = ops.permute_dims(x, axes=(*rest, *axes))
    return ops.reshape(moved, shape=(*(x.shape[i] for i in rest), infer.size([x.shape[i] for i in axes]))), axes


def _quantiles(name: str, x: Any, q: Any, axis: Axis, method: str, keepdims: bool, skip_nan: bool) -> Tensor:
    x, q = as_tensor(x), as_tensor(q)
    if method not in _PLACES:
        raise ArgumentError(f"{name}: method: expected one of {', '.join(_PLACES)}, got {method!r}")
    if x.dtype.kind == "complex":
        raise ArgumentError(f"{name}: expected real numbers, got {x.dtype}")
    if not x.dtype.is_inexact:
        x = ops.astype(x, dtype=infer.floating(infer.Spec(x.shape, x.dtype)).dtype)
    if q.dtype != x.dtype:
        q = ops.astype(q, dtype=x.dtype)
    if q.name is None and not bool(ops.all(ops.logical_and(q >= 0, q <= 1))):
        raise ArgumentError(f"{name}: q: expected probabilities from 0 to 1, or percentages up to 100")
    lines, axes = _lines(x, axis)
    flat = ops.reshape(q, shape=(-1,))
    missing = ops.isnan(lines)
    n: Any = lines.shape[-1]
    if n == 0:
        raise ShapeError(f"{name}: shape {x.shape} has no elements along axis {axis}")
    if skip_nan:
        n = ops.astype(n - ops.count_nonzero(missing, axis=-1, keepdims=True), dtype=x.dtype)
    found = _between(lines, flat, n, method)
    undefined = ops.equal(n, 0) if skip_nan else ops.any(missing, axis=-1, keepdims=True)
    found = ops.where(undefined, float("nan"), found)
    found = ops.moveaxis(found, -1, 0)
    if keepdims:
        found = ops.expand_dims(found, axis=tuple(a + 1 for a in axes))
    result: Tensor = ops.reshape(found, shape=(*q.shape, *found.shape[1:]))
    return result


def _between(lines: Any, q: Any, n: Any, method: str) -> Any:
    a, b = _PLACES[method]
    last = ops.maximum(n - 1, 0) if type(n) is Tensor else n - 1  # all may be NaN
    place = q * (n + (1.0 - a - b)) + (a - 1.0)
    place = ops.minimum(ops.maximum(place, 0), last)
    if method in ("lower", "higher", "nearest"):
        place = {"lower": ops.floor, "higher": ops.ceil, "nearest": ops.round}[method](place)
    below, above = ops.floor(place), ops.ceil(place)
    low, high = (ops.order_statistics(lines, _rank(rank, lines)) for rank in (below, above))
    if method == "midpoint":
        return 0.5 * (low + high)
    if method in ("lower", "higher", "nearest"):
        return low
    return low + (place - below) * ops.where(ops.equal(low, high), 0, high - low)


def _rank(place: Any, lines: Any) -> Any:
    rank = ops.astype(ops.stop_gradient(place), dtype="int64")
    return ops.reshape(rank, shape=(*[1] * (lines.ndim - rank.ndim), *rank.shape))


def quantile(x: Any, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False) -> Tensor:
    """The values below which given parts of the elements lie.

    Args:
        x: real numbers; where one is NaN, so is the result.
        q: probabilities, a number or an array of them.
        axis: the axes to reduce, all by default.
        method: what lies between two elements: `"linear"`, `"lower"`, `"higher"`, `"midpoint"`, `"nearest"`, or one of
            `"interpolated_inverted_cdf"`, `"hazen"`, `"weibull"`, `"median_unbiased"`, `"normal_unbiased"`.
        keepdims: whether to keep the reduced axes with length 1.

    Returns:
        The shape of `q`, then that of the reduction.

    Derivatives: the weights of the two elements between which it lies, equal elements sharing theirs; by `q` the slope
    between the two.

    >>> import chainrule as cr
    >>> cr.grad(cr.quantile)(cr.tensor([3.0, 1.0, 2.0]), 0.25)
    Tensor([0. , 0.5, 0.5], float64)
    """
    return _quantiles("quantile", x, q, axis, method, keepdims, False)


def nanquantile(x: Any, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False) -> Tensor:
    """`quantile` of the elements that are not NaN.

    >>> import chainrule as cr
    >>> cr.nanquantile(cr.tensor([3.0, 1.0, float("nan")]), 0.5)
    Tensor(2.0, float64)
    """
    return _quantiles("nanquantile", x, q, axis, method, keepdims, True)


def percentile(x: Any, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False) -> Tensor:
    """`quantile` with probabilities in percent.

    >>> import chainrule as cr
    >>> cr.percentile(cr.tensor([1.0, 2.0, 3.0]), [0, 50])
    Tensor([1., 2.], float64)
    """
    return _quantiles("percentile", x, as_tensor(q) / 100.0, axis, method, keepdims, False)


def nanpercentile(x: Any, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False) -> Tensor:
    """`percentile` of the elements that are not NaN."""
    return _quantiles("nanpercentile", x, as_tensor(q) / 100.0, axis, method, keepdims, True)


def median(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The element in the middle, or the mean of the two that are.

    Derivative: 1 for that element, 1/2 for each of two; equal elements share theirs.

    >>> import chainrule as cr
    >>> cr.grad(cr.median)(cr.tensor([5.0, 1.0, 2.0, 2.0]))
    Tensor([0. , 0. , 0.5, 0.5], float64)
    """
    return _quantiles("median", x, 0.5, axis, "midpoint", keepdims, False)


def nanmedian(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """`median` of the elements that are not NaN."""
    return _quantiles("nanmedian", x, 0.5, axis, "midpoint", keepdims, True)


def ptp(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The distance from the smallest element to the largest.

    >>> import chainrule as cr
    >>> cr.ptp(cr.tensor([3.0, 1.0, 2.0]))
    Tensor(2.0, float64)
    """
    result: Tensor = ops.max(x, axis=axis, keepdims=keepdims) - ops.min(x, axis=axis, keepdims=keepdims)
    return result
