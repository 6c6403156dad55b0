"""Sampled functions: interpolation, convolution, sums and differences along a grid."""

from __future__ import annotations

from typing import Any

from chainrule import ArgumentError, ShapeError, Tensor, as_tensor, composite, fronts, infer, op, ops


@composite(name="interp")
def _interp(x: Any, points: Any, values: Any, left: Any, right: Any, /, period: float | None = None) -> Any:
    if points.ndim != 1:
        raise ShapeError(f"takes points in a vector, got shape {points.shape}")
    if period is not None:
        x, points = ops.remainder(x, period), ops.remainder(points, period)
        order = ops.argsort(points)
        points, values = points[order], values[order]
        points = ops.concat([points[-1:] - period, points, points[:1] + period])
        values = ops.concat([values[-1:], values, values[:1]])
    n = points.shape[0]
    if n == 1:
        inside = ops.broadcast_to(values[0], shape=x.shape)
    else:
        upper = ops.clip(ops.searchsorted(points, x, side="right"), 1, n - 1)
        start, low = points[upper - 1], values[upper - 1]
        inside = low + (x - start) * ((values[upper] - low) / (points[upper] - start))
    below = values[0] if left is None or period is not None else left
    above = values[n - 1] if right is None or period is not None else right
    return ops.where(x < points[0], below, ops.where(x > points[n - 1], above, inside))


@fronts(_interp)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: float | None = None) -> Tensor:
    """The piecewise linear function through given points.

    Args:
        x: where to evaluate it, of any shape.
        xp: the points, `(n,)`, growing unless there is a period.
        fp: the function's values at the points, `(n,)`.
        left: its value before the first point, `fp[0]` by default.
        right: its value after the last point, `fp[-1]` by default.
        period: of the function; then `left` and `right` do not matter.

    Derivatives: by `x` the slope of the piece, that on the right at a point; by `xp` and `fp` those of the piece.

    >>> import chainrule as cr
    >>> cr.grad(cr.interp)(1.5, cr.tensor([0.0, 1.0, 2.0]), cr.tensor([0.0, 1.0, 4.0]))
    Tensor(3.0, float64)
    """
    xp, fp = as_tensor(xp), as_tensor(fp)
    if xp.ndim != 1 or xp.shape != fp.shape:
        raise ShapeError(f"interp: xp and fp: expected two vectors of one length, got shapes {xp.shape} and {fp.shape}")
    if xp.shape[0] == 0:
        raise ShapeError("interp: xp and fp: expected one point at least, got none")
    if period is not None:
        period = float(period)
        if period == 0:
            raise ArgumentError("interp: period: expected another number than 0")
        period = abs(period)
    left, right = (e if e is None or type(e) is Tensor else ops.full_like(fp, e, shape=()) for e in (left, right))
    result: Tensor = _interp(x, xp, fp, left, right, period=period)
    return result


def _convolved(a: Any, v: Any) -> Any:
    for x in (a, v):
        if x.shape is not None and len(x.shape) != 1:
            raise ShapeError(f"takes vectors, got shapes {a.shape} and {v.shape}")
        if x.shape == (0,):
            raise ShapeError(f"takes vectors with one element at least, got shapes {a.shape} and {v.shape}")
    known = a.shape is not None and v.shape is not None
    return infer.Spec((a.shape[0] + v.shape[0] - 1,) if known else (None,), infer.result_dtype(a, v))


def _back(g: Any, other: Any) -> Any:
    return convolve(g, ops.flip(other), "valid")


@op(
    infer=_convolved,
    gradient=(lambda g, _y, _a, v: _back(g, v), lambda g, _y, a, _v: _back(g, a)),
    name="convolve",
    linear="each",
)
def _convolve(xp: Any, a: Any, v: Any, /) -> Any:
    library = getattr(xp, "convolve", None)
    if library is not None:
        return library(a, v)
    if a.shape[0] < v.shape[0]:
        a, v = v, a
    dtype = xp.result_type(a, v)
    a, v = xp.astype(a, dtype), xp.astype(v, dtype)
    n, m = a.shape[0], v.shape[0]
    device = getattr(a, "device", None)  # Dask's arrays have none
    gap = xp.zeros((m - 1,), dtype=dtype, device=device)
    rows = xp.reshape(xp.arange(n + m - 1, device=device), (-1, 1))
    places = rows + xp.reshape(xp.arange(m, device=device), (1, -1))
    windows = xp.reshape(xp.take(xp.concat([gap, a, gap]), xp.reshape(places, (-1,)), axis=0), (n + m - 1, m))
    return xp.sum(windows * xp.flip(v), axis=1, dtype=dtype)


@fronts(_convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Tensor:
    """The discrete convolution of two vectors, `y[k] = sum(a[i] * v[k - i])`.

    Args:
        a, v: vectors.
        mode: `"full"`, where they overlap at all; `"same"`, as much of its middle as the longer one has elements;
            `"valid"`, where they overlap completely.

    Derivatives: the correlations of the cotangent with the other vector.

    >>> import chainrule as cr
    >>> cr.convolve(cr.tensor([1.0, 2.0, 3.0]), cr.tensor([0.0, 1.0]), "same")
    Tensor([0., 1., 2.], float64)
    """
    full: Tensor = _convolve(a, v)
    long, short = sorted((as_tensor(a).shape[0], as_tensor(v).shape[0]), reverse=True)
    if mode == "full":
        return full
    if mode == "same":
        start = (short - 1) // 2
        return full[start : start + long]
    if mode == "valid":
        return full[short - 1 : long]
    raise ArgumentError(f"convolve: mode: expected 'full', 'same' or 'valid', got {mode!r}")


def correlate(a: Any, v: Any, mode: str = "valid") -> Tensor:
    """The cross-correlation of two vectors, `y[k] = sum(a[i + k] * conj(v[i]))`.

    Args:
        a, v: vectors.
        mode: as for `convolve`.

    >>> import chainrule as cr
    >>> cr.correlate(cr.tensor([1.0, 2.0, 3.0]), cr.tensor([0.0, 1.0]))
    Tensor([2., 3.], float64)
    """
    a, v = as_tensor(a), as_tensor(v)
    if mode == "same" and v.shape[0] > a.shape[0]:
        return ops.flip(convolve(ops.flip(a), ops.conj(v), mode))
    return convolve(a, ops.flip(ops.conj(v)), mode)


@composite(name="trapezoid")
def _trapezoid(y: Any, x: Any, /, dx: float = 1.0, axis: int = -1) -> Any:
    at = axis % y.ndim
    if x is not None:
        dx = ops.diff(x, axis=-1 if x.ndim == 1 else axis)
        if x.ndim == 1:
            dx = ops.reshape(dx, (-1, *[1] * (y.ndim - 1 - at)))
    before = (slice(None),) * at
    return ops.sum(dx * (y[(*before, slice(1, None))] + y[(*before, slice(None, -1))]) / 2.0, axis=at)


@fronts(_trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Tensor:
    """The integral along an axis by the trapezoidal rule.

    Args:
        y: the function's values.
        x: where they were taken, a vector or of the shape of `y`; at equal distances `dx` if None.
        dx: the distance.
        axis: of `y`.

    >>> import chainrule as cr
    >>> cr.trapezoid(cr.tensor([1.0, 2.0, 3.0]), dx=0.5)
    Tensor(2.0, float64)
    """
    if type(dx) is Tensor:
        return dx * trapezoid(y, x, axis=axis) if x is None else trapezoid(y, x, axis=axis)
    result: Tensor = _trapezoid(y, x, dx=float(dx), axis=axis)
    return result


def _slopes(f: Any, at: Any, **_: Any) -> Any:
    return infer.Spec(f.shape, infer.floating(infer.Spec((), f.dtype), infer.Spec((), at.dtype)).dtype)


@composite(name="central_differences", infer=_slopes)
def _central_differences(f: Any, at: Any, /, axis: int = 0, edge_order: int = 1) -> Any:
    """`f` along an axis; `at` is the distance of all neighbours, or where the values were taken."""
    f = ops.moveaxis(f, axis, -1)
    if at.ndim == 0:
        h1 = h2 = first = second = last = before = at
    else:
        h = ops.diff(at)
        h1, h2 = h[:-1], h[1:]
        first, last = h[0], h[-1]
        second, before = (h[1], h[-2]) if edge_order == 2 else (first, last)
    inner = (
        f[..., 2:] * (h1 / (h2 * (h1 + h2)))
        + f[..., 1:-1] * ((h2 - h1) / (h1 * h2))
        - f[..., :-2] * (h2 / (h1 * (h1 + h2)))
    )
    left, right = (f[..., 1:2] - f[..., :1]) / first, (f[..., -1:] - f[..., -2:-1]) / last
    if edge_order == 2:
        left = (
            f[..., 1:2] * ((first + second) / (first * second))
            - f[..., :1] * ((2.0 * first + second) / (first * (first + second)))
            - f[..., 2:3] * (first / (second * (first + second)))
        )
        right = (
            f[..., -1:] * ((2.0 * last + before) / (last * (last + before)))
            - f[..., -2:-1] * ((last + before) / (last * before))
            + f[..., -3:-2] * (last / (before * (last + before)))
        )
    return ops.moveaxis(ops.concat([left, inner, right], axis=-1), -1, axis)


@fronts(_central_differences)
def central_differences(f: Any, spacing: Any = 1.0, axis: int = -1, edge_order: int = 1) -> Tensor:
    """The slope of a sampled function along an axis, by second-order differences: what `np.gradient` gives.

    Args:
        f: the function's values.
        spacing: the distance of neighbours, or a vector of the places where the values were taken.
        axis: along which they follow each other.
        edge_order: of the one-sided differences at both ends, 1 or 2.

    >>> import chainrule as cr
    >>> cr.central_differences(cr.tensor([1.0, 4.0, 9.0, 16.0]))
    Tensor([3., 4., 6., 7.], float64)
    """
    f = as_tensor(f)
    if isinstance(spacing, int | float):
        spacing = ops.full_like(f, spacing, dtype=infer.floating(infer.Spec((), f.dtype)).dtype, shape=())
    spacing = as_tensor(spacing)
    if edge_order not in (1, 2):
        raise ArgumentError(f"central_differences: edge_order: expected 1 or 2, got {edge_order!r}")
    n, m = f.shape[axis], spacing.shape[0] if spacing.ndim else f.shape[axis]
    if type(n) is int and n < edge_order + 1:
        raise ShapeError(
            f"central_differences: axis {axis} of shape {f.shape}: expected {edge_order + 1} elements at least"
        )
    if spacing.ndim > 1 or not infer.may_equal((m,), (n,)):
        raise ShapeError(
            f"central_differences: spacing: expected a number or a vector as long as axis {axis} of shape {f.shape}, "
            f"got shape {spacing.shape}"
        )
    result: Tensor = _central_differences(f, spacing, axis=axis, edge_order=edge_order)
    return result


def ediff1d(x: Any, to_end: Any = None, to_begin: Any = None) -> Tensor:
    """The differences of neighbours in the flattened array, between what is to stand before and after them.

    >>> import chainrule as cr
    >>> cr.ediff1d(cr.tensor([1.0, 4.0, 9.0]), to_begin=0.0)
    Tensor([0., 3., 5.], float64)
    """
    parts = (to_begin, ops.diff(ops.ravel(x)), to_end)
    result: Tensor = ops.concat([ops.ravel(part) for part in parts if part is not None])
    return result
