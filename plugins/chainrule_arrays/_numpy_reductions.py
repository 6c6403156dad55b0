"""Reductions and running sums with NumPy's arguments: `where`, `initial`, `dtype`, and all axes for none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule import ArgumentError, as_tensor, ops


def _cast(x: Any, dtype: Any) -> Any:
    return as_tensor(x) if dtype is None else ops.astype(x, dtype=dtype)


def _sum_like(name: str, neutral: int, joined: str) -> Callable[..., Any]:
    """`sum` or `prod`, of the elements where a condition holds and an initial value."""

    def reduced(
        x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False, initial: Any = None, where: Any = True
    ) -> Any:
        x = _cast(x, dtype)
        x = x if where is True else ops.where(where, x, neutral)
        y = getattr(ops, name)(x, axis=axis, keepdims=keepdims)
        y = y if dtype is None else ops.astype(y, dtype=dtype)
        return y if initial is None else getattr(ops, joined)(y, initial)

    return reduced


sum = _sum_like("sum", 0, "add")
prod = _sum_like("prod", 1, "multiply")
nansum = _sum_like("nansum", 0, "add")
nanprod = _sum_like("nanprod", 1, "multiply")


def _extreme(name: str, joined: str) -> Callable[..., Any]:
    """`max` or `min`, of the elements where a condition holds and an initial value."""

    def reduced(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None, where: Any = True) -> Any:
        if where is not True:
            if initial is None:
                raise ArgumentError(f"np.{name}: where needs an initial value, for where it holds nowhere")
            x = ops.where(where, x, initial)
        if initial is None:
            return getattr(ops, name)(x, axis=axis, keepdims=keepdims)
        x = as_tensor(x)
        if x.size == 0:
            x = ops.sum(x, axis=axis, keepdims=keepdims)
            return ops.full_like(x, initial)
        return getattr(ops, joined)(getattr(ops, name)(x, axis=axis, keepdims=keepdims), initial)

    return reduced


max = _extreme("max", "maximum")
min = _extreme("min", "minimum")
nanmax = _extreme("nanmax", "fmax")
nanmin = _extreme("nanmin", "fmin")


def _test(name: str, neutral: bool) -> Callable[..., Any]:
    def reduced(x: Any, axis: Any = None, keepdims: bool = False, *, where: Any = True) -> Any:
        x = x if where is True else ops.where(where, ops.astype(x, dtype="bool"), neutral)
        return getattr(ops, name)(x, axis=axis, keepdims=keepdims)

    return reduced


all = _test("all", True)
any = _test("any", False)


def _number(where: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    chosen = ops.broadcast_to(as_tensor(where), shape=x.shape)
    return ops.astype(ops.count_nonzero(chosen, axis=axis, keepdims=keepdims), dtype=x.dtype)


def _mean(name: str) -> Callable[..., Any]:
    def reduced(x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False, *, where: Any = True) -> Any:
        x = _cast(x, dtype)
        if where is True:
            return getattr(ops, name)(x, axis=axis, keepdims=keepdims)
        if name == "nanmean":
            return ops.nanmean(ops.where(where, x, float("nan")), axis=axis, keepdims=keepdims)
        x = x * 1.0
        total = ops.sum(ops.where(where, x, 0), axis=axis, keepdims=keepdims)
        return total / _number(where, x, axis, keepdims)

    return reduced


mean = _mean("mean")
nanmean = _mean("nanmean")


def _spread(name: str) -> Callable[..., Any]:
    def reduced(
        x: Any,
        axis: Any = None,
        dtype: Any = None,
        ddof: float = 0,
        keepdims: bool = False,
        *,
        where: Any = True,
        mean: Any = None,
        correction: Any = None,
    ) -> Any:
        x, correction = _cast(x, dtype), ddof if correction is None else correction
        if name.startswith("nan"):
            x = x if where is True else ops.where(where, x, float("nan"))
            if mean is not None:
                raise ArgumentError(f"np.{name}: mean is not supported on tensors; it is computed of x")
            return getattr(ops, name)(x, axis=axis, keepdims=keepdims, correction=correction)
        if where is True and mean is None:
            return getattr(ops, name)(x, axis=axis, keepdims=keepdims, correction=correction)
        x = x * 1.0
        n = _number(where, x, axis, True)
        if mean is None:
            mean = ops.sum(ops.where(where, x, 0), axis=axis, keepdims=True) / n
        centred = ops.where(where, x - mean, 0)
        squares = ops.real(centred * ops.conj(centred))
        left = _number(where, x, axis, keepdims) - correction
        variance = ops.sum(squares, axis=axis, keepdims=keepdims) / left
        return ops.sqrt(variance) if name == "std" else variance

    return reduced


std = _spread("std")
var = _spread("var")
nanstd = _spread("nanstd")
nanvar = _spread("nanvar")


def _running(name: str) -> Callable[..., Any]:
    """Along the only axis of the flattened array if none is given."""

    def along(x: Any, axis: Any = None, dtype: Any = None) -> Any:
        x = _cast(x, dtype)
        y = getattr(ops, name)(ops.ravel(x) if axis is None else x, axis=0 if axis is None else axis)
        return y if dtype is None else ops.astype(y, dtype=dtype)

    return along


cumsum = _running("cumulative_sum")
cumprod = _running("cumulative_prod")
nancumsum = _running("nancumsum")
nancumprod = _running("nancumprod")


def _middle(name: str) -> Callable[..., Any]:
    def reduced(x: Any, axis: Any = None, overwrite_input: bool = False, keepdims: bool = False) -> Any:
        return getattr(ops, name)(x, axis=axis, keepdims=keepdims)

    return reduced


median = _middle("median")
nanmedian = _middle("nanmedian")


def _part(name: str) -> Callable[..., Any]:
    def reduced(
        x: Any,
        q: Any,
        axis: Any = None,
        overwrite_input: bool = False,
        method: str = "linear",
        keepdims: bool = False,
        *,
        weights: Any = None,
    ) -> Any:
        if weights is not None:
            raise ArgumentError(
                f"np.{name}: weights are not supported on tensors; sort x, and interpolate in cr.cumulative_sum of the "
                "sorted weights with cr.interp"
            )
        return getattr(ops, name)(x, q, axis, method=method, keepdims=keepdims)

    return reduced


quantile = _part("quantile")
percentile = _part("percentile")
nanquantile = _part("nanquantile")
nanpercentile = _part("nanpercentile")
