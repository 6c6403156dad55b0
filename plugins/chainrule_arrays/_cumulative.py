"""Running sums and products along an axis, and differences of neighbours."""

from __future__ import annotations

from typing import Any

from chainrule import ShapeError, Tensor, as_tensor, bool_, fronts, infer, op, ops
from chainrule_arrays._reductions import summed_dtype


def _running(x: Any, axis: int) -> Any:
    if x.shape is not None:
        infer.as_axes(axis, len(x.shape))
    return infer.Spec(x.shape, summed_dtype(x))


def _cumulative_sum_gradient(g: Any, _y: Any, _x: Any, axis: int) -> Any:
    return ops.flip(_cumulative_sum(ops.flip(g, axis=axis), axis=axis), axis=axis)


@op(infer=_running, gradient=_cumulative_sum_gradient, name="cumulative_sum", linear="joint")
def _cumulative_sum(xp: Any, x: Any, /, axis: int = -1) -> Any:
    return xp.cumulative_sum(x, axis=axis)


@fronts(_cumulative_sum)
def cumulative_sum(x: Any, /, axis: int | None = None, dtype: Any = None, include_initial: bool = False) -> Tensor:
    """Running sums along an axis.

    Derivative: the running sums of `g` from the end.

    Args:
        x: an array of one dimension, or of more if `axis` is given.
        axis: the axis to sum along.
        dtype: the dtype to sum in; that of `x`, or 64 bits for integers, by default.
        include_initial: whether to begin with 0, one element more.

    >>> import chainrule as cr
    >>> cr.cumulative_sum(cr.tensor([1.0, 2.0, 3.0]), include_initial=True)
    Tensor([0., 1., 3., 6.], float64)
    """
    return _run(_cumulative_sum, x, axis, dtype, 0 if include_initial else None)


def _cumulative_prod_gradient(g: Any, _y: Any, x: Any, axis: int) -> Any:
    """Back through the doubling scan `p[i] *= p[i - d]` for d = 1, 2, 4, ...: no division, so zeros are exact."""
    steps = []
    distance, products = 1, x
    while distance < x.shape[axis]:
        before = _shifted(products, distance, axis, 1.0)
        steps.append((distance, products, before))
        products = products * before
        distance *= 2
    for distance, products, before in reversed(steps):
        g = g * before + _shifted(g * products, -distance, axis, 0.0)
    return g


def _shifted(x: Any, by: int, axis: int, fill: float) -> Any:
    """`x` moved along an axis, away from its start (or towards it, if negative), the gap filled."""
    n = x.shape[axis]
    gap = ops.full_like(_cut(x, 0, -by if by < 0 else by, axis), fill)
    return ops.concat([gap, _cut(x, 0, n - by, axis)] if by > 0 else [_cut(x, -by, n, axis), gap], axis=axis)


def _cut(x: Any, start: int | None, stop: int | None, axis: int) -> Any:
    return x[(*[slice(None)] * (axis % x.ndim), slice(start, stop))]


@op(infer=_running, gradient=_cumulative_prod_gradient, name="cumulative_prod")
def _cumulative_prod(xp: Any, x: Any, /, axis: int = -1) -> Any:
    return xp.cumulative_prod(x, axis=axis)


@fronts(_cumulative_prod)
def cumulative_prod(x: Any, /, axis: int | None = None, dtype: Any = None, include_initial: bool = False) -> Tensor:
    """Running products along an axis; the gradient is exact also where some elements are 0.

    Derivative: the running sums from the end of `g * y`, divided by `x`; where an element is 0, by products without it.

    Args:
        x: an array of one dimension, or of more if `axis` is given.
        axis: the axis to multiply along.
        dtype: the dtype to multiply in; that of `x`, or 64 bits for integers, by default.
        include_initial: whether to begin with 1, one element more.

    >>> import chainrule as cr
    >>> cr.cumulative_prod(cr.tensor([1.0, 2.0, 3.0]))
    Tensor([1., 2., 6.], float64)
    """
    return _run(_cumulative_prod, x, axis, dtype, 1 if include_initial else None)


def _run(operation: Any, x: Any, axis: int | None, dtype: Any, initial: int | None) -> Tensor:
    """An operation along an axis, in a dtype, with what it begins with in front."""
    x = as_tensor(x) if dtype is None else ops.astype(x, dtype=dtype)
    if axis is None:
        if x.shape is not None and x.ndim > 1:
            raise ShapeError(f"{operation.op.name}: say along which axis of shape {x.shape}, or ravel it first")
        axis = -1
    y: Tensor = operation(x, axis=axis)
    if dtype is not None and y.dtype != x.dtype:
        y = ops.astype(y, dtype=x.dtype)
    if initial is not None:
        at = axis % y.ndim
        begin = ops.full_like(y, initial, shape=(*y.shape[:at], 1, *y.shape[at + 1 :]))
        y = ops.concat([begin, y], axis=at)
    return y


def diff(x: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Tensor:
    """Differences of neighbours along an axis, taken `n` times; of booleans, whether they differ.

    Args:
        x: an array of at least one dimension.
        n: how many times.
        axis: the axis.
        prepend: what to put before `x` along the axis first: an array, or a number.
        append: what to put after it.

    >>> import chainrule as cr
    >>> cr.diff(cr.tensor([1.0, 4.0, 9.0]), prepend=0.0)
    Tensor([1., 3., 5.], float64)
    """
    x = as_tensor(x)
    if not n:
        return x
    (at,) = infer.as_axes(axis, x.ndim)
    ends = (*x.shape[:at], 1, *x.shape[at + 1 :])
    parts = [x if part is x else _end(part, x, ends) for part in (prepend, x, append) if part is not None]
    if len(parts) > 1:
        x = ops.concat(parts, axis=at)
    difference = ops.not_equal if x.dtype == bool_ else ops.subtract
    for _ in range(n):
        x = difference(_cut(x, 1, None, at), _cut(x, None, -1, at))
    return x


def _end(part: Any, x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """What is put before or after an array; a number in a shape that fits it."""
    part = as_tensor(part, x.backend, x.device)
    end: Tensor = part if part.ndim else ops.broadcast_to(part, shape)
    return end
