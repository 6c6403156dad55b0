"""Kernels that NumPy has under another name, computes wrongly for tensors, or does faster another way."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from chainrule import Op, default_dtype, infer
from chainrule_numpy import _erf
from chainrule_numpy._matmul import matmul
from chainrule_numpy._rows import add_at
from chainrule_numpy._softmax import log_softmax, softmax, sparse_softmax_cross_entropy
from chainrule_numpy._sums import add_reduce


def native(key: tuple[Any, ...], arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    """The index that a key stands for."""
    from chainrule_arrays._indexing import native_index

    return native_index(key, arrays)


def _argsort(x: Any, *, axis: int, descending: bool, stable: bool) -> Any:
    if not descending:
        return np.argsort(x, axis=axis, stable=stable)
    # Sorting the reversed array and counting from its end keeps equal elements in their order.
    backwards = np.flip(np.argsort(np.flip(x, axis=axis), axis=axis, stable=True), axis=axis)
    return x.shape[axis] - 1 - backwards


def _sort(x: Any, *, axis: int, descending: bool, stable: bool) -> Any:
    y = np.sort(x, axis=axis, stable=stable)
    return np.flip(y, axis=axis) if descending else y


def _scatter_add(values: Any, *arrays: Any, key: Any, shape: tuple[int, ...]) -> Any:
    return scattered(np.zeros(shape, values.dtype), values, arrays, key)


def scattered(zeros: Any, values: Any, arrays: tuple[Any, ...], key: Any) -> Any:
    """Zeros with values at an index."""
    place = native(key, arrays)
    if arrays:
        add_at(zeros, place, values)
    else:
        zeros[place] = values
    return zeros


def _scatter_add_rows(values: Any, indices: Any, *, rows: int) -> Any:
    result = np.zeros((rows, *values.shape[1:]), values.dtype)
    add_at(result, (indices,), values)
    return result


def _scatter_add_along_axis(values: Any, indices: Any, *, axis: int, length: int) -> Any:
    at = axis % values.ndim
    if at == values.ndim - 1 and values.shape[at] == 1:  # one place a row: none repeats
        rows = np.zeros((values.size, length), values.dtype)
        rows[np.arange(values.size), indices.reshape(-1)] = values.reshape(-1)
        return rows.reshape((*values.shape[:at], length))
    result = np.zeros((*values.shape[:at], length, *values.shape[at + 1 :]), values.dtype)
    index = list(np.ix_(*map(np.arange, values.shape)))
    index[at] = indices
    np.add.at(result, tuple(index), values)
    return result


def _add_at(x: Any, values: Any, *arrays: Any, key: Any) -> Any:
    result = np.array(x)
    add_at(result, native(key, arrays), values)
    return result


def _set_at(x: Any, values: Any, *arrays: Any, key: Any) -> Any:
    result = np.array(x)
    result[native(key, arrays)] = values
    return result


def _multiply_zero_wins(g: Any, d: Any) -> Any:
    product = np.multiply(g, d)
    zero = np.equal(g, 0)
    if not zero.any():
        return product
    return np.where(zero, product.dtype.type(0), product)[()]


_BITS = {np.dtype(f"f{size}"): np.dtype(f"i{size}") for size in (2, 4, 8)}
_LARGE = 1024  # elements; below, one call counts for more than how it computes


def chosen_by_bits(condition: Any, a: Any, b: Any, out: Any = None) -> Any:
    """`where` by multiplying bits with 0 or 1, or None where that is not possible or does not pay.

    NumPy's own branches for each element, which takes up to ten times as long where conditions follow no pattern.
    """
    if type(condition) is not np.ndarray or condition.size < _LARGE or condition.dtype.char != "?":
        return None
    like = a if type(a) is np.ndarray else b
    if type(like) is not np.ndarray or like.shape != condition.shape:
        return None
    bits = _BITS.get(like.dtype)
    if bits is None:
        return None
    place = None if out is None else out.view(bits)
    if _is_zero(b):
        return np.multiply(like.view(bits), condition, out=place).view(like.dtype)
    if _is_zero(a):
        return np.multiply(like.view(bits), ~condition, out=place).view(like.dtype)
    if (
        type(b) is not np.ndarray
        or type(a) is not np.ndarray
        or b.dtype != a.dtype
        or b.shape != a.shape
        or shares(a, out)
    ):
        return None
    other = b.copy() if shares(b, out) else b
    result = np.bitwise_xor(a.view(bits), other.view(bits), out=place)
    result *= condition
    result ^= other.view(bits)
    return result.view(a.dtype)


def shares(x: Any, out: Any) -> bool:
    """Whether an operand lies where a result goes: it is that array, or the same part of one written in parts."""
    return x is out or (type(x) is type(out) is np.ndarray and np.may_share_memory(x, out))


def _is_zero(x: Any) -> bool:
    return type(x) in (float, int) and x == 0 and math.copysign(1, x) == 1


def _where(condition: Any, a: Any, b: Any) -> Any:
    chosen = chosen_by_bits(condition, a, b)
    return np.where(condition, a, b)[()] if chosen is None else chosen


def _mean(x: Any, *, axis: Any, keepdims: bool) -> Any:
    if x.dtype.char not in "fdFD":  # NumPy sums short floats in longer ones
        return np.mean(x if x.dtype.kind in "fc" else x.astype(default_dtype()), axis=axis, keepdims=keepdims)
    total = add_reduce(x, axis, keepdims)
    return total / total.dtype.type(x.size / max(total.size, 1))


def summed_axes(x: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The axes of an array along which it repeats one of that shape when they broadcast."""
    lead = x.ndim - len(shape)
    return (*range(lead), *(i + lead for i, n in enumerate(shape) if n == 1 and x.shape[i + lead] != 1))


def _sum_to(x: Any, *, shape: tuple[int, ...]) -> Any:
    axes = summed_axes(x, shape)
    if axes:
        x = add_reduce(x, axes, dtype=x.dtype)
    return x if x.shape == shape else x.reshape(shape)


def in_floating(op: Op, kernel: Callable[..., Any]) -> Callable[..., Any]:
    """A kernel that computes integers in the default dtype, where the shape rule says so; NumPy's choice varies."""
    if op.infer is not infer.floating:
        return kernel
    if op.attributes or op.n_inputs not in (1, 2):
        return _floating_of_any(kernel)
    return _floating(kernel) if op.n_inputs == 1 else _floating_of_two(kernel)


def _floating(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def kernel(x: Any) -> Any:
        return function(x if type(x) is np.float64 or x.dtype.kind in "fc" else x.astype(default_dtype()))

    return kernel


def _floating_of_two(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def kernel(a: Any, b: Any) -> Any:
        if type(a) is np.float64 or type(b) is np.float64:
            return function(a, b)
        arrays = [x for x in (a, b) if hasattr(x, "dtype")]
        if all(x.dtype.kind not in "fc" for x in arrays) and complex not in (type(a), type(b)):
            a, b = (x.astype(default_dtype()) if hasattr(x, "dtype") else x for x in (a, b))
        return function(a, b)

    return kernel


def _floating_of_any(function: Callable[..., Any]) -> Callable[..., Any]:
    def kernel(*inputs: Any, **attributes: Any) -> Any:
        kinds = {x.dtype.kind if hasattr(x, "dtype") else "c" * (type(x) is complex) for x in inputs}
        if kinds.isdisjoint("fc"):
            inputs = tuple(x.astype(default_dtype()) if hasattr(x, "dtype") else x for x in inputs)
        return function(*inputs, **attributes)

    return kernel


def _sigmoid(x: Any) -> Any:
    if x.dtype.kind == "c":
        return 0.5 * (1.0 + np.tanh(0.5 * x))
    with np.errstate(over="ignore"):  # far below 0, where it is the reciprocal of infinity
        return 1.0 / (1.0 + np.exp(-x))


def expm1(x: Any, out: Any = None) -> Any:
    """`exp(x) - 1`; of complex infinities, of which NumPy makes NaN, and complex zeros it is computed so."""
    if x.dtype.kind == "c":
        special = ~np.isfinite(x) | (x == 0)
        if special.any():
            return _chosen(special, np.exp(x) - 1, np.expm1(x), out)
    return np.expm1(x, out=out)


def floor_divide(a: Any, b: Any, out: Any = None) -> Any:
    """The quotient rounded down; where there is an infinity too, of which NumPy makes NaN or -1."""
    infinite = np.isinf(a) | np.isinf(b)
    if infinite.any():
        return _chosen(infinite, np.floor(np.divide(a, b)), np.floor_divide(a, b), out)
    return np.floor_divide(a, b, out=out)


def _chosen(condition: Any, a: Any, b: Any, out: Any) -> Any:
    """`where`, into an array if there is one."""
    y = np.where(condition, a, b)
    if out is None:
        return y[()]
    np.copyto(out, y)
    return out


def _special(name: str) -> Callable[[Any], Any]:
    """A function of one number that SciPy has for arrays, and Python for a number."""
    of_number = getattr(math, name)

    def kernel(x: Any) -> Any:
        if type(x) is np.float64:
            return np.float64(of_number(x))
        if x.dtype.kind == "c":  # SciPy would compute it
            raise TypeError("takes real numbers")
        return of_scipy(name)(x).astype(x.dtype, copy=False)  # float32 for float16

    return kernel


_erf_of_scipy = _special("erf")


def _error_function(x: Any) -> Any:
    return _erf.erf(x, np.empty(x.shape, x.dtype)) if _erf.pays(x) else _erf_of_scipy(x)


@cache
def of_scipy(name: str) -> Any:
    """SciPy's function of that name."""
    import scipy.special  # heavy, and needed here alone

    return getattr(scipy.special, name)


def relu(x: Any, out: Any = None) -> Any:
    """The larger of each element and zero: of as many zeros, with which NumPy is faster than with one."""
    if x.size < _LARGE or not x.flags.c_contiguous or x.dtype.char not in "fd":
        return np.maximum(x, x.dtype.type(0), out=out)
    y = np.empty(x.shape, x.dtype) if out is None else out
    flat, place, zeros = x.reshape(-1), y.reshape(-1), _zeros(x.dtype.char)
    rest = flat.size % _ZEROS
    whole = flat.size - rest
    if whole:
        np.maximum(flat[:whole].reshape(-1, _ZEROS), zeros, out=place[:whole].reshape(-1, _ZEROS))
    if rest:
        np.maximum(flat[whole:], zeros[:rest], out=place[whole:])
    return y


_ZEROS = 8192  # in a row


@cache
def _zeros(dtype: str) -> Any:
    return np.zeros(_ZEROS, dtype)


# On NumPy's scalars an operator is up to eight times cheaper than the ufunc, and on arrays it is the ufunc.
_OPERATORS: dict[str, Callable[..., Any]] = {
    "abs": operator.abs,
    "add": operator.add,
    "divide": _floating_of_two(operator.truediv),
    "equal": operator.eq,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "less": operator.lt,
    "less_equal": operator.le,
    "matmul": matmul,
    "multiply": operator.mul,
    "negative": operator.neg,
    "not_equal": operator.ne,
    "pow": operator.pow,
    "square": lambda x: x * x,
    "subtract": operator.sub,
}

KERNELS: dict[str, Callable[..., Any]] = _OPERATORS | {
    "add_at": _add_at,
    "angle": _floating(np.angle),
    "argsort": _argsort,
    "astype": lambda x, *, dtype: x.astype(dtype),
    "cbrt": _floating(np.cbrt),
    "clip": lambda x, low, high: np.clip(x, low, high) if low is not None or high is not None else np.copy(x)[()],
    "contiguous": np.ascontiguousarray,
    "cumulative_prod": lambda x, *, axis: np.multiply.accumulate(x, axis=axis),
    "cumulative_sum": lambda x, *, axis: np.add.accumulate(x, axis=axis),
    "deg2rad": _floating(np.deg2rad),
    "einsum": lambda *operands, subscripts: np.einsum(subscripts, *operands, optimize=len(operands) > 1),
    "empty": np.empty,
    "erf": _floating(_error_function),
    "erfc": _floating(_special("erfc")),
    "exp2": _floating(np.exp2),
    "expm1": _floating(expm1),
    "floor_divide": floor_divide,
    "log_softmax": log_softmax,
    "max": lambda x, *, axis, keepdims: np.maximum.reduce(x, axis=axis, keepdims=keepdims),
    "mean": _mean,
    "min": lambda x, *, axis, keepdims: np.minimum.reduce(x, axis=axis, keepdims=keepdims),
    "matrix_transpose": lambda x: x.swapaxes(-1, -2),
    "multiply_zero_wins": _multiply_zero_wins,
    "permute_dims": lambda x, *, axes: x.transpose(axes),
    "prod": lambda x, *, axis, keepdims: np.multiply.reduce(x, axis=axis, keepdims=keepdims),
    "rad2deg": _floating(np.rad2deg),
    "relu": relu,
    "reshape": lambda x, *, shape: x.reshape(shape),
    "scatter_add": _scatter_add,
    "scatter_add_along_axis": _scatter_add_along_axis,
    "scatter_add_rows": _scatter_add_rows,
    "set_at": _set_at,
    "softmax": softmax,
    "sigmoid": _floating(_sigmoid),
    "softplus": _floating(lambda x: np.logaddexp(x, 0)),
    "sort": _sort,
    "sparse_softmax_cross_entropy": sparse_softmax_cross_entropy,
    "sum": add_reduce,
    "sum_to": _sum_to,
    "where": _where,
}
