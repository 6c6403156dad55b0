"""Reductions that leave NaN out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from chainrule import DTYPES, Tensor, as_tensor, composite, ops

Axis = int | tuple[int, ...] | None


@composite
def nansum(x: Any, /, axis: Axis = None, keepdims: bool = False) -> Any:
    """The sum of the elements that are not NaN; NaN has the slope 0.

    >>> import chainrule as cr
    >>> cr.nansum(cr.tensor([1.0, float("nan"), 2.0]))
    Tensor(3.0, float64)
    """
    return ops.sum(ops.where(ops.isnan(x), 0, x), axis=axis, keepdims=keepdims)


@composite
def nanprod(x: Any, /, axis: Axis = None, keepdims: bool = False) -> Any:
    """The product of the elements that are not NaN; NaN has the slope 0."""
    return ops.prod(ops.where(ops.isnan(x), 1, x), axis=axis, keepdims=keepdims)


@composite
def nancumsum(x: Any, /, axis: int = -1) -> Any:
    """Running sums of the elements that are not NaN."""
    return ops.cumulative_sum(ops.where(ops.isnan(x), 0, x), axis=axis)


@composite
def nancumprod(x: Any, /, axis: int = -1) -> Any:
    """Running products of the elements that are not NaN."""
    return ops.cumulative_prod(ops.where(ops.isnan(x), 1, x), axis=axis)


def _count(x: Any, axis: Axis, keepdims: bool) -> Any:
    """How many elements are not NaN, in the dtype of their mean."""
    present = ops.logical_not(ops.isnan(x))
    real = {"complex64": DTYPES["float32"], "complex128": DTYPES["float64"]}.get(x.dtype, x.dtype)
    return ops.astype(ops.count_nonzero(present, axis=axis, keepdims=keepdims), dtype=real)


@composite
def nanmean(x: Any, /, axis: Axis = None, keepdims: bool = False) -> Any:
    """The mean of the elements that are not NaN; NaN where there are none.

    >>> import chainrule as cr
    >>> cr.nanmean(cr.tensor([1.0, float("nan"), 2.0]))
    Tensor(1.5, float64)
    """
    if not x.dtype.is_inexact:
        return ops.mean(x, axis=axis, keepdims=keepdims)
    total = ops.sum(ops.where(ops.isnan(x), 0, x), axis=axis, keepdims=keepdims)
    return total / _count(x, axis, keepdims)


def _centred(x: Any, axis: Axis) -> Any:
    return ops.where(ops.isnan(x), 0, x - ops.nanmean(x, axis=axis, keepdims=True))


def _left(x: Any, axis: Axis, keepdims: bool, correction: float) -> Any:
    """How many elements are left to divide by; NaN for none."""
    left = _count(x, axis, keepdims) - correction
    return ops.where(left > 0, left, math.nan)


@composite
def nanvar(x: Any, /, axis: Axis = None, keepdims: bool = False, correction: float = 0) -> Any:
    """The variance of the elements that are not NaN, over their number less `correction`; NaN where that is not
    positive.

    >>> import chainrule as cr
    >>> cr.nanvar(cr.tensor([1.0, float("nan"), 3.0]), correction=1)
    Tensor(2.0, float64)
    """
    if not x.dtype.is_inexact:
        return ops.var(x, axis=axis, keepdims=keepdims, correction=correction)
    centred = _centred(x, axis)
    squares = ops.real(centred * ops.conj(centred))
    return ops.sum(squares, axis=axis, keepdims=keepdims) / _left(x, axis, keepdims, correction)


@composite
def nanstd(x: Any, /, axis: Axis = None, keepdims: bool = False, correction: float = 0) -> Any:
    """The square root of `nanvar`; its gradient is 0 where all elements are equal."""
    if not x.dtype.is_inexact:
        return ops.std(x, axis=axis, keepdims=keepdims, correction=correction)
    length = ops.vector_norm(_centred(x, axis), axis=axis, keepdims=keepdims)
    return length / ops.sqrt(_left(x, axis, keepdims, correction))


def _extreme(name: str, neutral: float) -> Callable[..., Any]:
    def reduced(x: Any, axis: Axis, keepdims: bool) -> Any:
        if not x.dtype.is_inexact:
            return getattr(ops, name)(x, axis=axis, keepdims=keepdims)
        missing = ops.isnan(x)
        y = getattr(ops, name)(ops.where(missing, neutral, x), axis=axis, keepdims=keepdims)
        return ops.where(ops.all(missing, axis=axis, keepdims=keepdims), math.nan, y)

    return reduced


_largest, _smallest = _extreme("max", -math.inf), _extreme("min", math.inf)


@composite
def nanmax(x: Any, /, axis: Axis = None, keepdims: bool = False) -> Any:
    """The largest element that is not NaN; where several are, they share the gradient.

    >>> import chainrule as cr
    >>> cr.nanmax(cr.tensor([1.0, float("nan"), 2.0]))
    Tensor(2.0, float64)
    """
    return _largest(x, axis, keepdims)


@composite
def nanmin(x: Any, /, axis: Axis = None, keepdims: bool = False) -> Any:
    """The smallest element that is not NaN; where several are, they share the gradient."""
    return _smallest(x, axis, keepdims)


def nanargmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Where the largest element is that is not NaN."""
    x = as_tensor(x)
    result: Tensor = ops.argmax(ops.where(ops.isnan(x), -math.inf, x), axis=axis, keepdims=keepdims)
    return result


def nanargmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Where the smallest element is that is not NaN."""
    x = as_tensor(x)
    result: Tensor = ops.argmin(ops.where(ops.isnan(x), math.inf, x), axis=axis, keepdims=keepdims)
    return result
