"""Arrays at places between their elements: grids of places, and what an array has there."""

from __future__ import annotations

import itertools
from typing import Any

from chainrule import ArgumentError, ShapeError, Tensor, as_tensor, composite, fronts, ops
from chainrule_nn._arguments import as_batch, as_format, as_lengths
from chainrule_nn._resize import cubic

_METHODS = ("linear", "nearest", "cubic")
_PADDINGS = ("zeros", "border", "reflection")


def affine_grid(transform: Any, size: int | tuple[int, ...], align_corners: bool = False) -> Tensor:
    """The places that an affine map takes those of a regular grid to, for `grid_sample`: a spatial transformer.

    From https://arxiv.org/abs/1506.02025.

    Args:
        transform: shape `(batch, n, n + 1)`: a matrix and, in its last column, what is added.
        size: the lengths of the grid: an integer, or one for each of `n` axes.
        align_corners: whether -1 and 1 are the first and last elements of an axis, rather than its edges.

    Returns:
        Shape `(batch, *size, n)`. A place is given from -1 to 1, and along the last axis first, as `(x, y)` of images.

    >>> import chainrule as cr
    >>> cr.nn.affine_grid(cr.tensor([[[2.0, 0.5]]]), 2)[0, :, 0]
    Tensor([-0.5,  1.5], float64)
    """
    transform = as_tensor(transform)
    n = transform.shape[-2]
    if transform.ndim != 3 or transform.shape[-1] != n + 1:
        raise ShapeError(f"affine_grid: transform: expected shape (batch, n, n + 1), got {transform.shape}")
    sizes = as_lengths("affine_grid", "size", size, n)
    axes = [ops.asarray(_centres(m, align_corners), dtype=transform.dtype) for m in reversed(sizes)]
    places = [ops.reshape(axis, shape=(-1, *(1,) * i)) for i, axis in enumerate(axes)]
    grid = ops.stack(ops.broadcast_arrays(*places), axis=-1)
    matrices = ops.reshape(transform, shape=(-1, *(1,) * (n - 1), n, n + 1))
    y: Tensor = grid @ ops.matrix_transpose(matrices[..., :n]) + ops.matrix_transpose(matrices[..., n:])
    return y


def _centres(n: int, align_corners: bool) -> list[float]:
    """Where the elements of an axis are that goes from -1 to 1."""
    if align_corners:
        return [2 * i / (n - 1) - 1 if n > 1 else 0.0 for i in range(n)]
    return [(2 * i + 1) / n - 1 for i in range(n)]


def _reflected(c: Any, low: float, high: float) -> Any:
    """Places turned back at two ends, as often as it takes."""
    if low == high:
        return 0.0 * c
    span = high - low
    away = ops.abs(c - low)
    times = ops.floor(away / span)
    rest = away - times * span
    return low + ops.where(times % 2 == 0, rest, span - rest)


def _clipped(c: Any, n: int) -> Any:
    """Places held between the first and the last of so many; the slope there is 0."""
    return ops.where(c <= 0, 0.0, ops.where(c >= n - 1, float(n - 1), c))


def _inside(c: Any, n: int, padding: str, align_corners: bool) -> Any:
    """Places where the padding has them; with zeros they stay outside."""
    if padding == "reflection":
        c = _reflected(c, 0.0, n - 1.0) if align_corners else _reflected(c, -0.5, n - 0.5)
    return c if padding == "zeros" else _clipped(c, n)


def _along(c: Any, n: int, method: str, padding: str, align_corners: bool) -> list[tuple[Any, Any]]:
    """For each element that counts at places along an axis: where it is, and its weight."""
    c = (c + 1.0) * (0.5 * (n - 1)) if align_corners else ((c + 1.0) * n - 1.0) * 0.5
    if method != "cubic":
        c = _inside(c, n, padding, align_corners)
    start = ops.stop_gradient(ops.round(c) if method == "nearest" else ops.floor(c))
    t = c - start
    weights = [None] if method == "nearest" else [1.0 - t, t] if method == "linear" else cubic(t)
    first = -1 if method == "cubic" else 0
    found = []
    for k, weight in enumerate(weights, first):
        place = start + float(k)
        if method == "cubic":
            place = _inside(place, n, padding, align_corners)
        index = ops.astype(_clipped(place, n), dtype="int64")
        if padding == "zeros":
            within = ops.astype((place >= 0) & (place <= n - 1), dtype=c.dtype)
            weight = within if weight is None else weight * within
        found.append((index, weight))
    return found


@composite(name="nn.grid_sample")
def _grid_sample(x: Any, grid: Any, /, method: str, padding: str, align_corners: bool) -> Any:
    lengths = x.shape[1:-1]
    n = len(lengths)
    axes = [_along(grid[..., n - 1 - i], length, method, padding, align_corners) for i, length in enumerate(lengths)]
    images = ops.reshape(ops.arange(x.shape[0]), shape=(-1, *(1,) * (grid.ndim - 2)))
    total: Any = None
    for taps in itertools.product(*axes):
        part = x[(images, *(index for index, _ in taps))]
        for _, weight in taps:
            part = part if weight is None else part * weight[..., None]
        total = part if total is None else total + part
    return total


@fronts(_grid_sample)
def grid_sample(
    x: Any,
    grid: Any,
    method: str = "linear",
    padding: str = "zeros",
    align_corners: bool = False,
    data_format: str = "channels_last",
) -> Tensor:
    """What arrays have at places between their elements, by interpolation.

    Args:
        x: floating-point numbers of shape `(batch, *lengths, channels)`, with lengths that are known.
        grid: shape `(batch, *size, n)`: places in arrays of `n` axes, as `affine_grid` gives them: each from -1 to 1,
            and along the last axis first.
        method: `"linear"`, `"nearest"` or `"cubic"`.
        padding: what there is outside: `"zeros"`; `"border"`, the element at the border; or `"reflection"`, the array
            turned over.
        align_corners: whether -1 and 1 are the first and last elements of an axis, rather than its edges.
        data_format: `"channels_first"` if `x` and the result are `(batch, channels, *lengths)`; `grid` stays as it is.

    Returns:
        Shape `(batch, *size, channels)`.

    Raises:
        ArgumentError: there is no such method or padding.
        ShapeError: the shapes do not fit each other.

    >>> import chainrule as cr
    >>> cr.nn.grid_sample(cr.tensor([[[0.0], [1.0], [4.0]]]), cr.tensor([[[0.0], [0.5]]]), align_corners=True)[0, :, 0]
    Tensor([1. , 2.5], float64)
    """
    what = "grid_sample"
    for name, value, known in (("method", method, _METHODS), ("padding", padding, _PADDINGS)):
        if value not in known:
            raise ArgumentError(f"{what}: {name}: expected one of {', '.join(map(repr, known))}, got {value!r}")
    x, grid = as_batch(what, x, data_format), as_tensor(grid)
    if grid.ndim < 3 or grid.shape[-1] != x.ndim - 2 or not _fit(x.shape[0], grid.shape[0]):
        raise ShapeError(
            f"{what}: grid: expected shape (batch, *size, {x.ndim - 2}) for x of shape (batch, *lengths, channels), "
            f"got {grid.shape} for {x.shape}"
        )
    y = _grid_sample(x, grid, method=method, padding=padding, align_corners=bool(align_corners))
    return as_format(y, data_format)


def _fit(a: Any, b: Any) -> bool:
    return not (isinstance(a, int) and isinstance(b, int)) or a == b
