"""What answers to NumPy's names where they are not chainrule's own, or NumPy's arguments differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import chainrule_arrays as arrays
from chainrule import ArgumentError, Tensor, as_tensor, ops
from chainrule_arrays import _numpy_reductions as reductions
from chainrule_arrays._numpy_refused import refusals

_ALIASES = {
    "absolute": "abs",
    "around": "round",
    "bitwise_not": "bitwise_invert",
    "conjugate": "conj",
    "degrees": "rad2deg",
    "fabs": "abs",
    "fix": "trunc",
    "invert": "bitwise_invert",
    "left_shift": "bitwise_left_shift",
    "mod": "remainder",
    "power": "pow",
    "radians": "deg2rad",
    "right_shift": "bitwise_right_shift",
    "rint": "round",
    "true_divide": "divide",
} | {f"arc{name[1:]}": name for name in ("acos", "asin", "atan", "acosh", "asinh", "atanh", "atan2")}

# Where the functions with NumPy's arguments are, to be imported at their first use.
_PLACES = {
    "_numpy_queries": (
        "allclose argpartition argsort array2string array_equal array_equiv array_repr array_str can_cast "
        "common_type einsum einsum_path isclose iscomplex iscomplexobj isin isneginf isposinf isreal isrealobj "
        "min_scalar_type ndim partition result_type searchsorted shape size sort unique"
    ),
    "_numpy_shapes": (
        "atleast_1d atleast_2d atleast_3d broadcast_arrays broadcast_to concatenate copy cross delete "
        "diag_indices_from diagonal diff gradient hstack insert meshgrid ravel ravel_multi_index repeat reshape stack "
        "take trace tril_indices_from triu_indices_from unravel_index vstack"
    ),
}
_REDUCTIONS = (
    *("all", "any", "cumprod", "cumsum", "max", "mean", "median", "min", "nancumprod", "nancumsum", "nanmax"),
    *("nanmean", "nanmedian", "nanmin", "nanpercentile", "nanprod", "nanquantile", "nanstd", "nansum", "nanvar"),
    *("percentile", "prod", "quantile", "std", "sum", "var"),
)


def _where(condition: Any, *branches: Any) -> Any:
    return arrays.where(condition, *branches) if branches else arrays.nonzero(condition)


def _clip(x: Any, a_min: Any = None, a_max: Any = None, min: Any = None, max: Any = None) -> Any:
    return arrays.clip(x, a_min if min is None else min, a_max if max is None else max)


def _round(x: Any, decimals: int = 0) -> Any:
    return arrays.round(x, decimals=decimals)


def _angle(z: Any, deg: bool = False) -> Any:
    return arrays.rad2deg(arrays.angle(z)) if deg else arrays.angle(z)


def _nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    if not copy:
        raise ArgumentError("np.nan_to_num: copy=False is not supported: tensors are immutable; write `x = ...`")
    return ops.nan_to_num(x, nan, posinf, neginf)


def _full_like(
    x: Any, fill_value: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None
) -> Any:
    return arrays.full_like(x, fill_value, dtype, shape)


def _like(value: int) -> Callable[..., Tensor]:
    def filled(x: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None) -> Tensor:
        return arrays.full_like(x, value, dtype, shape)

    return filled


def _linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None, axis: int = 0
) -> Any:
    start, stop = as_tensor(start), as_tensor(stop)
    if start.ndim or stop.ndim:
        share = arrays.linspace(0.0, 1.0, num, endpoint)
        share = arrays.reshape(share, (-1, *[1] * max(start.ndim, stop.ndim)))
        made = arrays.moveaxis(start + share * (stop - start), 0, axis)
        made = made if dtype is None else ops.astype(made, dtype=dtype)
    else:
        made = arrays.linspace(start, stop, num, endpoint, dtype)
    return (made, (stop - start) / max(num - 1 if endpoint else num, 1)) if retstep else made


def _logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0, dtype: Any = None, axis: int = 0
) -> Any:
    made = ops.pow(base, _linspace(start, stop, num, endpoint, axis=axis))
    return made if dtype is None else ops.astype(made, dtype=dtype)


def _geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0) -> Any:
    """From `start` by equal factors: its sign, and the exponential of a `linspace` of logarithms."""
    start, stop = as_tensor(start) * 1.0, as_tensor(stop) * 1.0
    sign = ops.sign(start)
    made = sign * ops.exp(_linspace(ops.log(start / sign), ops.log(stop / sign), num, endpoint, axis=axis))
    return made if dtype is None else ops.astype(made, dtype=dtype)


def _polyfit(x: Any, y: Any, deg: int, rcond: Any = None, full: bool = False, w: Any = None, cov: Any = False) -> Any:
    if rcond is not None or full or cov:
        raise ArgumentError(
            "np.polyfit: rcond, full and cov are not supported on tensors; write cr.linalg.lstsq(cr.vander(x, n), y)"
        )
    return ops.polyfit(x, y, deg, w)


def _corrcoef(x: Any, y: Any = None, rowvar: bool = True, bias: Any = None, ddof: Any = None, dtype: Any = None) -> Any:
    return ops.corrcoef(x if dtype is None else ops.astype(x, dtype=dtype), y, rowvar)


def _cov(m: Any, *args: Any, dtype: Any = None, **kwargs: Any) -> Any:
    return ops.cov(m if dtype is None else ops.astype(m, dtype=dtype), *args, **kwargs)


def _vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    return ops.vander(x, N, increasing)


def _average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False) -> Any:
    return ops.average(a, axis, weights, returned, keepdims=keepdims)


def numpy_functions() -> Mapping[str, Callable[..., Any] | str]:
    """Functions by NumPy's name, or where to import them from."""
    found: dict[str, Callable[..., Any] | str] = dict(refusals())
    found.update((theirs, getattr(arrays, ours)) for theirs, ours in _ALIASES.items())
    found.update((name, getattr(reductions, name)) for name in _REDUCTIONS)
    found.update((name, f"chainrule_arrays.{part}:{name}") for part, names in _PLACES.items() for name in names.split())
    return found | {
        "amax": reductions.max,
        "amin": reductions.min,
        "angle": _angle,
        "around": _round,
        "average": _average,
        "clip": _clip,
        "corrcoef": _corrcoef,
        "cov": _cov,
        "dot": arrays.dot,
        "empty_like": _like(0),
        "full_like": _full_like,
        "geomspace": _geomspace,
        "linspace": _linspace,
        "logspace": _logspace,
        "nan_to_num": _nan_to_num,
        "ones_like": _like(1),
        "polyfit": _polyfit,
        "round": _round,
        "transpose": arrays.transpose,
        "vander": _vander,
        "where": _where,
        "zeros_like": _like(0),
    }


def _method(name: str) -> Callable[..., Any]:
    """NumPy's function of a name as a method of tensors."""

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        from importlib import import_module

        part = next(part for part, names in _PLACES.items() if name in names.split())
        return getattr(import_module(f"chainrule_arrays.{part}"), name)(self, *args, **kwargs)

    method.__name__ = name
    method.__doc__ = f"`np.{name}` of the tensor."
    return method


def _own(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function as a method of tensors."""

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    method.__doc__ = function.__doc__
    return method


def _reshape_method(self: Tensor, *shape: Any, order: str = "C") -> Any:
    if order != "C":
        raise ArgumentError(f"reshape: order {order!r} is not supported on tensors; elements are in C order")
    return arrays.reshape(self, shape[0] if len(shape) == 1 else shape)


def _transpose_method(self: Tensor, *axes: Any) -> Any:
    return arrays.transpose(self, (axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes) or None)


def tensor_methods() -> Mapping[str, Any]:
    """Methods of tensors, with NumPy's arguments."""
    own = {
        name: getattr(arrays, name) for name in ("argmax", "argmin", "conj", "dot", "nonzero", "squeeze", "swapaxes")
    }
    own |= {name: getattr(reductions, name) for name in ("all", "any", "cumprod", "cumsum", "max", "mean", "min")}
    own |= {name: getattr(reductions, name) for name in ("prod", "std", "sum", "var")}
    own |= {"clip": _clip, "conjugate": arrays.conj, "round": _round}
    lazy = ("argpartition", "argsort", "copy", "diagonal", "repeat", "searchsorted", "take", "trace")
    return {name: _own(function) for name, function in own.items()} | {name: _method(name) for name in lazy} | {
        "__divmod__": lambda self, other: ops.divmod(self, other),
        "__rdivmod__": lambda self, other: ops.divmod(other, self),
        "T": property(arrays.transpose),
        "astype": lambda self, dtype, copy=True: ops.astype(self, dtype=dtype),
        "choose": lambda self, choices, mode="raise": ops.choose(self, choices, mode),
        "compress": lambda self, condition, axis=None: ops.compress(condition, self, axis),
        "flatten": arrays.ravel,
        "imag": property(arrays.imag),
        "mT": property(arrays.matrix_transpose),
        "ravel": arrays.ravel,
        "real": property(arrays.real),
        "reshape": _reshape_method,
        "transpose": _transpose_method,
    }  # fmt: skip
