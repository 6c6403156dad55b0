"""What answers to NumPy's names where they are not chainrule's own, or NumPy's arguments differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import chainrule_arrays as arrays
from chainrule import ArgumentError, Tensor, as_tensor, ops

_ALIASES = {
    "absolute": "abs",
    "amax": "max",
    "amin": "min",
    "around": "round",
    "bitwise_not": "bitwise_invert",
    "conjugate": "conj",
    "cumprod": "cumulative_prod",
    "degrees": "rad2deg",
    "fabs": "abs",
    "invert": "bitwise_invert",
    "left_shift": "bitwise_left_shift",
    "mod": "remainder",
    "power": "pow",
    "radians": "deg2rad",
    "right_shift": "bitwise_right_shift",
    "rint": "round",
    "true_divide": "divide",
} | {f"arc{name[1:]}": name for name in ("acos", "asin", "atan", "acosh", "asinh", "atanh", "atan2")}


def _flat_axis(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function along the last axis by default, called as NumPy's, which flattens by default."""

    def along(x: Any, axis: int | None = None) -> Any:
        return function(arrays.ravel(x), axis=0) if axis is None else function(x, axis=axis)

    return along


def _spread(function: Callable[..., Any]) -> Callable[..., Any]:
    """`var` or `std` with NumPy's `ddof`."""

    def called(
        x: Any, axis: Any = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False, **others: Any
    ) -> Any:
        if dtype is not None:
            x = ops.astype(x, dtype=dtype)
        return function(x, axis=axis, keepdims=keepdims, correction=others.get("correction", ddof))

    return called


def _mean(x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    return arrays.mean(x if dtype is None else ops.astype(x, dtype=dtype), axis=axis, keepdims=keepdims)


def _sum(x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    return arrays.sum(x, axis=axis, keepdims=keepdims, dtype=dtype)


def _where(condition: Any, *branches: Any) -> Any:
    return arrays.where(condition, *branches) if branches else arrays.nonzero(condition)


def _sort(x: Any, axis: int | None = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    return arrays.sort(arrays.ravel(x), axis=0) if axis is None else arrays.sort(x, axis=axis)


def _argsort(x: Any, axis: int | None = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    return arrays.argsort(arrays.ravel(x), axis=0) if axis is None else arrays.argsort(x, axis=axis)


def _einsum(subscripts: str, *operands: Any, optimize: Any = None) -> Any:
    return arrays.einsum(subscripts, *operands)


def _clip(x: Any, a_min: Any = None, a_max: Any = None, min: Any = None, max: Any = None) -> Any:
    return arrays.clip(x, a_min if min is None else min, a_max if max is None else max)


def _reshape(x: Any, shape: Any = None, order: str = "C") -> Any:
    if order != "C":
        raise ArgumentError(f"np.reshape: order {order!r} is not supported on tensors; elements are in C order")
    return arrays.reshape(x, shape)


def _full_like(
    x: Any, fill_value: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None
) -> Any:
    return arrays.full_like(x, fill_value, dtype, shape)


def _like(value: int) -> Callable[..., Tensor]:
    def filled(x: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None) -> Tensor:
        return arrays.full_like(x, value, dtype, shape)

    return filled


def _broadcast_to(x: Any, shape: Any, subok: bool = False) -> Any:
    return arrays.broadcast_to(x, shape=shape)


def _take(x: Any, indices: Any, axis: int | None = None, mode: str = "raise") -> Any:
    if mode != "raise":
        raise ArgumentError(f"np.take: mode {mode!r} is not supported on tensors")
    return arrays.take(x, indices, axis)


def _allclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    return bool(arrays.all(_isclose(a, b, rtol, atol, equal_nan)))


def _isclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    a, b = as_tensor(a), as_tensor(b)
    close = arrays.logical_or(abs(a - b) <= atol + rtol * abs(b), a == b)
    return arrays.logical_or(close, arrays.logical_and(arrays.isnan(a), arrays.isnan(b))) if equal_nan else close


def _array_equal(a: Any, b: Any, equal_nan: bool = False) -> bool:
    a, b = as_tensor(a), as_tensor(b)
    return a.shape == b.shape and bool(arrays.all(a == b))


def numpy_functions() -> Mapping[str, Callable[..., Any]]:
    """Functions by NumPy's name."""
    from_aliases = {theirs: getattr(arrays, ours) for theirs, ours in _ALIASES.items()}
    return from_aliases | {
        "allclose": _allclose,
        "argsort": _argsort,
        "array_equal": _array_equal,
        "broadcast_to": _broadcast_to,
        "clip": _clip,
        "concatenate": arrays.concatenate,
        "copy": arrays.copy,
        "cumprod": _flat_axis(arrays.cumulative_prod),
        "cumsum": _flat_axis(arrays.cumulative_sum),
        "dot": arrays.dot,
        "einsum": _einsum,
        "full_like": _full_like,
        "isclose": _isclose,
        "mean": _mean,
        "ndim": lambda x: x.ndim,
        "ones_like": _like(1),
        "reshape": _reshape,
        "shape": lambda x: x.shape,
        "size": lambda x, axis=None: x.size if axis is None else x.shape[axis],
        "sort": _sort,
        "std": _spread(arrays.std),
        "sum": _sum,
        "take": _take,
        "transpose": arrays.transpose,
        "var": _spread(arrays.var),
        "where": _where,
        "zeros_like": _like(0),
    }


def _method(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function as a method of tensors."""

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    method.__doc__ = function.__doc__
    return method


def _reshape_method(self: Tensor, *shape: Any) -> Any:
    return arrays.reshape(self, shape[0] if len(shape) == 1 else shape)


def _transpose_method(self: Tensor, *axes: Any) -> Any:
    return arrays.transpose(self, (axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes) or None)


def tensor_methods() -> Mapping[str, Any]:
    """Methods of tensors, with NumPy's arguments."""
    by_numpy = numpy_functions()
    plain = (
        "all",
        "any",
        "argmax",
        "argmin",
        "conj",
        "diagonal",
        "max",
        "min",
        "prod",
        "repeat",
        "round",
        "squeeze",
        "swapaxes",
        "trace",
    )
    methods = {name: _method(by_numpy.get(name) or getattr(arrays, name)) for name in plain}
    numpys = ("argsort", "clip", "copy", "cumprod", "cumsum", "dot", "mean", "std", "sum", "take", "var")
    return methods | {name: _method(by_numpy[name]) for name in numpys} | {
        "T": property(arrays.transpose),
        "astype": lambda self, dtype: ops.astype(self, dtype=dtype),
        "flatten": arrays.ravel,
        "imag": property(arrays.imag),
        "mT": property(arrays.matrix_transpose),
        "ravel": arrays.ravel,
        "real": property(arrays.real),
        "reshape": _reshape_method,
        "transpose": _transpose_method,
    }  # fmt: skip
