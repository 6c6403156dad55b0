"""Running extremes."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from chainrule import infer, op, ops


def _running(x: Any, axis: int) -> Any:
    if x.shape is not None:
        infer.as_axes(axis, len(x.shape))
    return x


def _gradient(g: Any, y: Any, x: Any, axis: int) -> Any:
    """To the elements that are as large as the extreme at that place, in equal shares.

    The running extreme is constant over runs. In a run, the shares of later places add up at each element that is as
    large; sums over runs are differences of running sums.
    """
    at = axis % x.ndim
    n = x.shape[at]
    if n == 0:
        return ops.zeros_like(g)
    before, rest = (*[slice(None)] * at, slice(0, n - 1)), (*[slice(None)] * at, slice(1, None))
    hits = ops.equal(x, y)
    starts = ops.astype(ops.logical_not(ops.equal(y[rest], y[before])), dtype="int64")
    first = ops.zeros_like(hits[(*[slice(None)] * at, slice(0, 1))], dtype="int64")
    run = ops.cumulative_sum(ops.concat([first, starts], axis=at), axis=at)
    hit = ops.astype(hits, dtype=x.dtype)
    so_far = ops.cumulative_sum(hit, axis=at) - _others(hit, run, at, later=False)
    share = g / ops.maximum(so_far, 1)
    to_come = ops.flip(ops.cumulative_sum(ops.flip(share, axis=at), axis=at), axis=at)
    return hit * (to_come - _others(share, run, at, later=True))


def _others(x: Any, run: Any, axis: int, later: bool) -> Any:
    """For each place the sum over all later runs, or all earlier ones."""
    sums = ops.scatter_add_along_axis(x, run, axis=axis, length=x.shape[axis])
    if later:
        sums = ops.flip(ops.cumulative_sum(ops.flip(sums, axis=axis), axis=axis), axis=axis) - sums
    else:
        sums = ops.cumulative_sum(sums, axis=axis) - sums
    return ops.take_along_axis(sums, run, axis=axis)


@op(infer=_running, gradient=_gradient)
def cumulative_max(xp: Any, x: Any, /, axis: int = -1) -> Any:
    """The largest element so far, along an axis.

    Derivative: 1 for the element that is; several that are share it equally.

    >>> import chainrule as cr
    >>> cr.cumulative_max(cr.tensor([1.0, 3.0, 2.0]))
    Tensor([1., 3., 3.], float64)
    """
    return _scanned(xp, x, axis, xp.maximum)


@op(infer=_running, gradient=_gradient)
def cumulative_min(xp: Any, x: Any, /, axis: int = -1) -> Any:
    """The smallest element so far, along an axis.

    Derivative: 1 for the element that is; several that are share it equally.

    >>> import chainrule as cr
    >>> cr.cumulative_min(cr.tensor([2.0, 3.0, 1.0]))
    Tensor([2., 2., 1.], float64)
    """
    return _scanned(xp, x, axis, xp.minimum)


def _scanned(xp: Any, x: Any, axis: int, larger: Any) -> Any:
    """A scan by doubling: after each step, of twice as many elements."""
    accumulate = getattr(larger, "accumulate", None)
    if accumulate is not None:
        with suppress(NotImplementedError):  # of CuPy, whose functions have it in name alone
            return accumulate(x, axis=axis)
    at = axis % x.ndim
    x, distance = xp.asarray(x, copy=True), 1
    front = (slice(None),) * at
    while distance < x.shape[at]:
        joined = larger(x[(*front, slice(distance, None), ...)], x[(*front, slice(0, -distance), ...)])
        x = xp.concat([x[(*front, slice(0, distance), ...)], joined], axis=at)
        distance *= 2
    return x
