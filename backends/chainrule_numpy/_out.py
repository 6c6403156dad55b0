"""Kernels that write their result where they are told, for plans that use memory again.

`OUT[name](*inputs, **attributes, out=array)` computes what the operation's kernel does, to the bit (complex numbers: to
the rounding), and gives `out` back: an array of the result's shape and dtype that lies in memory in order. Of
elementwise operations it may be one of the inputs that have its shape and dtype; of `add_at` and `set_at` it may be the
array that is changed.
"""

from __future__ import annotations

import cmath
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule import Instruction, Symbol, default_dtype
from chainrule_numpy import _erf
from chainrule_numpy._kernels import (
    chosen_by_bits,
    expm1,
    floor_divide,
    native,
    of_scipy,
    relu,
    scattered,
    shares,
    summed_axes,
)
from chainrule_numpy._matmul import matmul
from chainrule_numpy._rows import add_at
from chainrule_numpy._softmax import log_softmax, softmax
from chainrule_numpy._sums import add_reduce, of_rows

Kernel = Callable[..., Any]


def _floating(ufunc: Any) -> Kernel:
    """A function of floating-point numbers: it computes in the result's dtype, into which it casts integers."""

    def kernel(*inputs: Any, out: Any) -> Any:
        return ufunc(*inputs, out=out, dtype=out.dtype)

    return kernel


def _pow(a: Any, b: Any, *, out: Any) -> Any:
    # What NumPy's operator makes of these exponents: not the same to the bit as its general power.
    if type(b) in (int, float) and out.dtype.kind == "f" and getattr(a, "dtype", None) == out.dtype:
        if b == 2:
            return np.square(a, out)
        if b == 0.5:
            return np.sqrt(a, out)
        if b == 1:
            return np.positive(a, out)
        if b == -1:
            return np.reciprocal(a, out)
    return np.power(a, b, out)


def _sigmoid(x: Any, *, out: Any) -> Any:
    if out.dtype.kind == "c":
        np.tanh(np.multiply(0.5, x, out), out)
        return np.multiply(0.5, np.add(1.0, out, out), out)
    np.negative(x, out, dtype=out.dtype)
    with np.errstate(over="ignore"):  # far below 0, where it is the reciprocal of infinity
        np.exp(out, out)
    return np.divide(1.0, np.add(1.0, out, out), out)


def _special(name: str) -> Kernel:
    def kernel(x: Any, *, out: Any) -> Any:
        return of_scipy(name)(x if x.dtype.kind == "f" else x.astype(out.dtype), out=out)

    return kernel


_erf_of_scipy = _special("erf")


def _error_function(x: Any, *, out: Any) -> Any:
    return _erf.erf(x, out) if _erf.pays(x) and x.dtype == out.dtype else _erf_of_scipy(x, out=out)


def _astype(x: Any, *, dtype: Any, out: Any) -> Any:
    np.copyto(out, x, casting="unsafe")
    return out


def _where(condition: Any, a: Any, b: Any, *, out: Any) -> Any:
    if not shares(condition, out) and chosen_by_bits(condition, a, b, out) is not None:
        return out
    if type(condition) is not np.ndarray or condition.dtype != np.bool_:
        condition = np.asarray(condition, np.bool_)
    if shares(a, out):
        np.copyto(out, b, where=~condition)
        return out
    if not shares(b, out):
        if shares(condition, out):
            condition = condition.copy()
        np.copyto(out, b)
    np.copyto(out, a, where=condition)
    return out


def _is_finite(x: Any) -> bool:
    """Whether nothing infinite is in an array; False too for some whose values are very large."""
    with np.errstate(over="ignore"):
        return cmath.isfinite(np.vdot(x, x))  # by BLAS, in half the time of a sum


def _multiply_zero_wins(g: Any, d: Any, *, out: Any) -> Any:
    if _is_finite(d):
        return np.multiply(g, d, out)
    zero = np.equal(g, 0)
    np.multiply(g, d, out)
    np.copyto(out, 0, where=zero)
    return out


def _clip(x: Any, low: Any, high: Any, *, out: Any) -> Any:
    if low is None and high is None:
        np.copyto(out, x)
        return out
    return np.clip(x, low, high, out=out)


def _reduction(ufunc: Any) -> Kernel:
    def kernel(x: Any, *, axis: Any, keepdims: bool, out: Any) -> Any:
        return ufunc.reduce(x, axis=axis, keepdims=keepdims, out=out)

    return kernel


def _accumulation(ufunc: Any) -> Kernel:
    return lambda x, *, axis, out: ufunc.accumulate(x, axis=axis, out=out)


def _mean(x: Any, *, axis: Any, keepdims: bool, out: Any) -> Any:
    if x.dtype.char not in "fdFD":  # not into `out`, where NumPy would round short floats on the way too
        x = x if x.dtype.kind in "fc" else x.astype(default_dtype())
        np.copyto(out, np.mean(x, axis=axis, keepdims=keepdims))
        return out
    add_reduce(x, axis, keepdims, out=out)
    return np.divide(out, out.dtype.type(x.size / max(out.size, 1)), out)


def _sum_to(x: Any, *, shape: tuple[int, ...], out: Any) -> Any:
    axes = summed_axes(x, shape)
    if not axes:
        np.copyto(out, x.reshape(shape))
        return out
    left = tuple(n for i, n in enumerate(x.shape) if i not in axes)
    add_reduce(x, axes, dtype=x.dtype, out=out.reshape(left))
    return out


def _scatter_add(values: Any, *arrays: Any, key: Any, shape: tuple[int, ...], out: Any) -> Any:
    out.fill(0)
    return scattered(out, values, arrays, key)


def _add_at(x: Any, values: Any, *arrays: Any, key: Any, out: Any) -> Any:
    if x is not out:
        np.copyto(out, x)
    add_at(out, native(key, arrays), values)
    return out


def _set_at(x: Any, values: Any, *arrays: Any, key: Any, out: Any) -> Any:
    if x is not out:
        np.copyto(out, x)
    out[native(key, arrays)] = values
    return out


def _concat(*arrays: Any, axis: int, out: Any) -> Any:
    return np.concatenate(arrays, axis=axis, out=out)


def _stack(*arrays: Any, axis: int, out: Any) -> Any:
    return np.stack(arrays, axis=axis, out=out)


_PLAIN = (
    *("abs", "add", "bitwise_and", "bitwise_invert", "bitwise_left_shift", "bitwise_or", "bitwise_right_shift"),
    *("bitwise_xor", "equal", "greater", "greater_equal", "isfinite", "isinf", "isnan", "less"),
    *("less_equal", "logical_and", "logical_not", "logical_or", "logical_xor", "maximum", "minimum"),
    *("multiply", "negative", "not_equal", "remainder", "signbit", "subtract"),
)
_OF_FLOATING = (
    *("acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "copysign", "cos", "cosh", "deg2rad"),
    *("divide", "exp", "exp2", "expm1", "hypot", "log", "log10", "log1p", "log2", "logaddexp", "rad2deg", "sin"),
    *("sinh", "sqrt", "tan", "tanh"),
)


def into(instruction: Instruction) -> Kernel | None:
    """The kernel of an instruction that writes its result where it is told, if there is one."""
    name = instruction.op.name
    if name in _OF_FLOATING and len(instruction.outputs) == 1:
        dtype = instruction.outputs[0].dtype
        if all(type(x) is not Symbol or x.dtype == dtype for x in instruction.inputs):  # there is nothing to cast
            found: Kernel = expm1 if name == "expm1" else getattr(np, name)
            return found
    if name == "sum_to" or (name == "sum" and instruction.attributes["axis"] in (0, (0,))):
        (x,), (y,) = instruction.inputs, instruction.outputs
        if x.shape and y.shape == x.shape[1:] and x.dtype == y.dtype:
            return of_rows(x.shape, str(y.dtype)) or OUT[name]
    return OUT.get(name)


OUT: dict[str, Kernel] = {
    **{name: getattr(np, name) for name in _PLAIN},
    **{name: _floating(getattr(np, name)) for name in _OF_FLOATING},
    "add_at": _add_at,
    "astype": _astype,
    "clip": _clip,
    "concat": _concat,
    "cumulative_prod": _accumulation(np.multiply),
    "cumulative_sum": _accumulation(np.add),
    "erf": _error_function,
    "erfc": _special("erfc"),
    "floor_divide": floor_divide,
    "log_softmax": log_softmax,
    "matmul": matmul,
    "max": _reduction(np.maximum),
    "mean": _mean,
    "min": _reduction(np.minimum),
    "multiply_zero_wins": _multiply_zero_wins,
    "pow": _pow,
    "prod": _reduction(np.multiply),
    "reciprocal": lambda x, *, out: np.divide(1.0, x, out, dtype=out.dtype),  # twice as fast as its own
    "relu": relu,
    "scatter_add": _scatter_add,
    "set_at": _set_at,
    "sigmoid": _sigmoid,
    "softmax": softmax,
    "softplus": lambda x, *, out: np.logaddexp(x, 0, out, dtype=out.dtype),
    "square": lambda x, *, out: np.multiply(x, x, out),
    "stack": _stack,
    "sum": add_reduce,
    "sum_to": _sum_to,
    "where": _where,
}
