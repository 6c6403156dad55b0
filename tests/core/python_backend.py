"""A whole backend in plain Python: what chainrule asks of one, with no array library behind it.

The engine's own tests run on it, and it is the definition of what a backend is. It has four parts, and so has any:

1. the arrays, here `Array`: immutable to the engine, with `shape`, `dtype`, `ndim`, `size`, indexing and operators;
2. the namespace, `xp`: functions of the array API standard on those arrays, which generic kernels are written in;
3. kernels of its own by operation (`KERNELS`), where the generic one would be wrong or slow;
4. the `Backend` itself, which ties them together and says how arrays are made and read (`python_backend`).

Clear before fast: an array is a flat list of Python numbers in row-major order, and every rearrangement is a list of
offsets into it.
"""

from __future__ import annotations

import cmath
import itertools
import math
import operator
import struct
from collections.abc import Callable, Iterable, Sequence
from types import SimpleNamespace
from typing import Any

import chainrule as cr
from chainrule import Backend, DType, Spec, infer

Shape = tuple[int, ...]
INF, NAN = math.inf, math.nan

# Part 1: arrays


class Array:
    """A flat list of Python numbers with a shape and a dtype."""

    __slots__ = ("dtype", "shape", "values")
    __hash__ = None  # as everywhere, `==` compares element by element
    __array_ufunc__ = None  # NumPy's arrays leave operators with these to them
    device = "cpu"

    def __init__(self, values: list[Any], shape: Shape, dtype: DType) -> None:
        self.values = values
        self.shape = shape
        self.dtype = dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return len(self.values)

    @property
    def T(self) -> Array:
        return permute_dims(self, tuple(range(self.ndim))[::-1])

    def item(self) -> Any:
        if len(self.values) != 1:
            raise ValueError(f"an array of {len(self.values)} elements is not one number")
        return self.values[0]

    def tolist(self) -> Any:
        nested = self.values
        for n in self.shape[:0:-1]:
            nested = [nested[i : i + n] for i in range(0, len(nested), n)] if n else []
        return nested if self.shape else nested[0]

    def astype(self, dtype: Any) -> Array:
        return astype(self, dtype)

    def sum(self) -> Any:
        return sum(self.values)

    def any(self) -> bool:
        return any(self.values)

    def all(self) -> bool:
        return all(self.values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        import numpy as np  # only NumPy asks for this

        return np.array(self.tolist(), dtype=dtype or str(self.dtype)).reshape(self.shape)

    def __repr__(self) -> str:
        return f"Array({self.tolist()}, dtype={self.dtype})"

    def __len__(self) -> int:
        return self.shape[0]

    def __bool__(self) -> bool:
        return bool(self.item())

    def __float__(self) -> float:
        return float(self.item())

    def __index__(self) -> int:
        return operator.index(self.item())

    def __getitem__(self, index: Any) -> Array:
        shape, offsets = _select(self.shape, index)
        return Array([self.values[o] for o in offsets], shape, self.dtype)

    def __setitem__(self, index: Any, values: Any) -> None:
        shape, offsets = _select(self.shape, index)
        for offset, value in zip(offsets, broadcast_to(asarray(values, self.dtype), shape).values, strict=True):
            self.values[offset] = value

    def __neg__(self) -> Array:
        return xp.negative(self)

    def __pos__(self) -> Array:
        return self

    def __abs__(self) -> Array:
        return xp.abs(self)


def _offsets(shape: Sequence[int], strides: Sequence[int], start: int = 0) -> list[int]:
    """The place in the flat list of each element of a view, in row-major order."""
    offsets = [start]
    for n, stride in zip(shape, strides, strict=True):
        offsets = [o + i * stride for o in offsets for i in range(n)]
    return offsets


def _strides(shape: Shape) -> Shape:
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))


def _view(x: Array, shape: Shape, strides: Sequence[int], start: int = 0) -> Array:
    return Array([x.values[o] for o in _offsets(shape, strides, start)], shape, x.dtype)


def _select(shape: Shape, index: Any) -> tuple[Shape, list[int]]:
    """The shape of `x[index]` and the offset of each of its elements, by NumPy's rules."""
    parts = list(index) if isinstance(index, tuple) else [index]
    parts = [
        array
        for part in parts
        for array in (nonzero(part) if isinstance(part, Array) and part.dtype == cr.bool_ else (part,))
    ]
    missing = len(shape) - sum(part is not None and part is not Ellipsis for part in parts)
    if missing < 0:
        raise IndexError(f"too many indices for shape {shape}")
    at = next((i for i, part in enumerate(parts) if part is Ellipsis), len(parts))
    parts[at : at + 1] = [slice(None)] * missing
    has_arrays = any(isinstance(part, Array) for part in parts)
    start, axis = 0, 0
    groups: list[tuple[Shape, list[int]]] = []  # the shape and the offsets that each part adds
    picked: list[tuple[int, Array, int, int]] = []  # integer arrays: position, indices, stride, length
    strides = _strides(shape)
    for position, part in enumerate(parts):
        if part is None:
            groups.append(((1,), [0]))
            continue
        n, stride = shape[axis], strides[axis]
        if isinstance(part, slice):
            begin, end, step = part.indices(n)
            places = range(begin, end, step)
            groups.append(((len(places),), [i * stride for i in places]))
        elif has_arrays:
            if not any(p == position - 1 for p, *_ in picked) or not picked:
                groups.append(((), []))  # where a run of integer arrays stands
            picked.append((position, asarray(part), stride, n))
        else:
            start += _within(operator.index(part), n, axis) * stride
        axis += 1
    if picked:
        indices = _broadcast(*(array for _, array, _, _ in picked))
        total = [0] * indices[0].size
        for array, (_, _, stride, n) in zip(indices, picked, strict=True):
            total = [t + _within(i, n, 0) * stride for t, i in zip(total, array.values, strict=True)]
        runs = [i for i, (_, offsets) in enumerate(groups) if not offsets and groups[i][0] == ()]
        for i in reversed(runs):
            del groups[i]
        groups.insert(runs[0] if len(runs) == 1 else 0, (indices[0].shape, total))
    offsets = [start]
    for _, added in groups:
        offsets = [o + a for o in offsets for a in added]
    return tuple(n for part, _ in groups for n in part), offsets


def _within(i: int, n: int, axis: int) -> int:
    if not -n <= i < n:
        raise IndexError(f"index {i} is out of bounds for axis {axis} with size {n}")
    return i % n


def _float32(value: float) -> float:
    """The nearest number of single precision."""
    try:
        return struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return math.copysign(INF, value)


_CAST: dict[str, Callable[[Any], Any]] = {
    "bool": bool,
    "int64": int,
    "float32": _float32,
    "float64": float,
    "complex128": complex,
}


def _made(values: Iterable[Any], shape: Shape, dtype: DType) -> Array:
    """An array of values that are cast to its dtype."""
    return Array(list(map(_CAST[dtype], values)), shape, dtype)


def _array(x: Any) -> Array:
    if type(x) is Array:
        return x
    return Array([x], (), infer.scalar_spec(x).dtype)


def asarray(data: Any, dtype: Any = None, device: str | None = None, copy: bool | None = None) -> Array:
    """An array from a number, nested sequences, an array of NumPy's or one of its own, which is copied."""
    if type(data) is Array:
        values, shape, found = data.values, data.shape, data.dtype
    else:
        found = DTYPES.get(str(getattr(data, "dtype", "")))
        values, shape = _flat(data.tolist() if hasattr(data, "tolist") else data)
        if hasattr(data, "dtype") and found is None:
            raise TypeError(f"arrays of {data.dtype} are not known here")
    if found is None:
        ranks = {bool: 0, int: 1, float: 2, complex: 3}
        if any(type(v) not in ranks for v in values):
            raise TypeError(f"{data!r} holds something that is no number")
        widest = max((ranks[type(v)] for v in values), default=2)
        found = (cr.bool_, cr.int64, cr.float64, cr.complex128)[widest]
    return _made(values, shape, dtype or found)


def _flat(data: Any) -> tuple[list[Any], Shape]:
    """The numbers in nested sequences, and their shape."""
    if not isinstance(data, list | tuple):
        return [data], ()
    parts = [_flat(part) for part in data]
    if any(shape != parts[0][1] for _, shape in parts):
        raise ValueError("nested sequences of different lengths are no array")
    return [v for values, _ in parts for v in values], (len(parts), *(parts[0][1] if parts else ()))


def full(shape: Shape, value: complex, dtype: Any, device: str | None = None) -> Array:
    """An array of one value."""
    return Array([_CAST[dtype](value)] * math.prod(shape), shape, dtype)


# Part 2: the namespace. Elementwise functions first, by table: Python's own, made to follow IEEE 754 at the edges.


def _divide(x: Any, y: Any) -> Any:
    try:
        return x / y
    except ZeroDivisionError:
        return NAN if x == 0 or x != x or isinstance(x, complex) else math.copysign(INF, x) * math.copysign(1.0, y)


def _power(x: Any, y: Any) -> Any:
    try:
        result = x**y
    except ZeroDivisionError:
        return INF
    except OverflowError:
        return INF
    return NAN if isinstance(result, complex) and not isinstance(x, complex) and not isinstance(y, complex) else result


def _log(x: float) -> float:
    return -INF if x == 0 else math.log(x)


def _guarded(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function that gives infinity where it overflows, and NaN outside of its domain."""

    def guarded(x: Any) -> Any:
        try:
            return function(x)
        except OverflowError:
            return INF
        except ValueError:
            return NAN

    return guarded


def _sign(x: Any) -> Any:
    return x / abs(x) if isinstance(x, complex) and x else x if x != x else (x > 0) - (x < 0) if x else 0


_SAME: dict[str, Callable[[Any], Any]] = {
    "positive": operator.pos,
    "negative": operator.neg,
    "conj": lambda x: x.conjugate(),
    "sign": _sign,
    "square": lambda x: x * x,
    "floor": lambda x: float(math.floor(x)) if math.isfinite(x) else x,
    "ceil": lambda x: float(math.ceil(x)) if math.isfinite(x) else x,
    "trunc": lambda x: float(math.trunc(x)) if math.isfinite(x) else x,
    "round": lambda x: float(round(x)) if math.isfinite(x) else x,
}
_FLOATING: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any] | None]] = {
    "exp": (math.exp, cmath.exp),
    "expm1": (math.expm1, None),
    "log": (_log, cmath.log),
    "log1p": (lambda x: -INF if x == -1 else math.log1p(x), None),
    "sqrt": (math.sqrt, cmath.sqrt),
    **{name: (getattr(math, name), getattr(cmath, name)) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{name: (getattr(math, name), getattr(cmath, name)) for name in ("asin", "acos", "atan", "asinh")},
}
_REAL: dict[str, Callable[[Any], Any]] = {"abs": abs, "real": lambda x: x.real, "imag": lambda x: x.imag}
_TESTS: dict[str, Callable[[Any], Any]] = {
    "isfinite": cmath.isfinite,
    "isinf": cmath.isinf,
    "isnan": cmath.isnan,
    "logical_not": operator.not_,
}
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "pow": _power,
    "bitwise_and": operator.and_,
    "bitwise_or": operator.or_,
    "bitwise_xor": operator.xor,
    "floor_divide": operator.floordiv,
    "remainder": operator.mod,
    "maximum": lambda x, y: x if x != x or x >= y else y,
    "minimum": lambda x, y: x if x != x or x <= y else y,
}
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "equal": operator.eq,
    "not_equal": operator.ne,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "logical_and": lambda x, y: bool(x) and bool(y),
    "logical_or": lambda x, y: bool(x) or bool(y),
    "logical_xor": lambda x, y: bool(x) is not bool(y),
}


def _spec(x: Any) -> Spec:
    return Spec(x.shape, x.dtype) if type(x) is Array else infer.scalar_spec(x)


def _inexact(dtype: DType) -> DType:
    return dtype if dtype.is_inexact else cr.default_dtype()


def _unary(function: Callable[[Any], Any], result: Callable[[DType], DType]) -> Callable[[Any], Array]:
    def kernel(x: Any) -> Array:
        x = _array(x)
        return _made(map(function, x.values), x.shape, result(x.dtype))

    return kernel


def _floating(real: Callable[[Any], Any], complex_: Callable[[Any], Any] | None) -> Callable[[Any], Array]:
    on_reals, on_complex = _guarded(real), _guarded(complex_ or real)

    def kernel(x: Any) -> Array:
        x = _array(x)
        function = on_complex if x.dtype.kind == "complex" else on_reals
        return _made(map(function, x.values), x.shape, _inexact(x.dtype))

    return kernel


def _binary(function: Callable[[Any, Any], Any], result: Callable[[DType], DType]) -> Callable[[Any, Any], Array]:
    """An elementwise function of two, which broadcasts and promotes; Python numbers beside arrays are weak."""

    def kernel(a: Any, b: Any) -> Array:
        if type(a) is Array and type(b) is Array and a.dtype is b.dtype:
            dtype = a.dtype
        else:
            dtype = infer.result_dtype(_spec(a), _spec(b))
        a, b = _broadcast(_array(a), _array(b))
        return _made(map(function, a.values, b.values), a.shape, result(dtype))

    return kernel


def _broadcast(*arrays: Array) -> tuple[Array, ...]:
    if all(x.shape == arrays[0].shape for x in arrays):
        return arrays
    shape: Any = infer.broadcast_shapes(*(x.shape for x in arrays))
    return tuple(broadcast_to(x, shape) for x in arrays)


def where(condition: Any, a: Any, b: Any) -> Array:
    dtype = infer.result_dtype(_spec(a), _spec(b))
    condition, a, b = _broadcast(_array(condition), _array(a), _array(b))
    chosen = (x if c else y for c, x, y in zip(condition.values, a.values, b.values, strict=True))
    return _made(chosen, condition.shape, dtype)


def astype(x: Array, dtype: Any) -> Array:
    return x if x.dtype == dtype else _made(x.values, x.shape, DTYPES[dtype])


# Shapes


def reshape(x: Array, shape: Any) -> Array:
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    known = math.prod(n for n in shape if n != -1)
    shape = tuple(len(x.values) // known if n == -1 else n for n in shape)
    if math.prod(shape) != len(x.values):
        raise ValueError(f"cannot reshape {len(x.values)} elements to shape {shape}")
    return Array(x.values, shape, x.dtype)


def broadcast_to(x: Array, shape: Shape) -> Array:
    if x.shape == tuple(shape):
        return x
    lead = len(shape) - len(x.shape)
    if infer.broadcast_shapes(x.shape, shape) != tuple(shape):
        raise ValueError(f"shape {x.shape} does not broadcast to {shape}")
    strides = (0 if n == 1 else s for n, s in zip(x.shape, _strides(x.shape), strict=True))
    return _view(x, tuple(shape), (*[0] * lead, *strides))


def permute_dims(x: Array, axes: Shape) -> Array:
    axes = infer.as_axes(tuple(axes), x.ndim)
    if len(axes) != x.ndim:
        raise ValueError(f"axes {axes} do not permute {x.ndim} dimensions")
    strides = _strides(x.shape)
    return _view(x, tuple(x.shape[a] for a in axes), [strides[a] for a in axes])


def matrix_transpose(x: Array) -> Array:
    return permute_dims(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def expand_dims(x: Array, axis: int = 0) -> Array:
    at = axis % (x.ndim + 1)
    return reshape(x, (*x.shape[:at], 1, *x.shape[at:]))


def flip(x: Array, axis: Any = None) -> Array:
    axes = infer.as_axes(axis, x.ndim)
    return x[tuple(slice(None, None, -1 if i in axes else 1) for i in range(x.ndim))]


def concat(arrays: Sequence[Array], axis: int = 0) -> Array:
    (at,) = infer.as_axes(axis, arrays[0].ndim)
    dtype = infer.result_dtype(*map(_spec, arrays))
    shapes = {(*x.shape[:at], *x.shape[at + 1 :]) for x in arrays}
    if len(shapes) > 1:
        raise ValueError("shapes differ elsewhere than along the axis")
    shape = (*arrays[0].shape[:at], sum(x.shape[at] for x in arrays), *arrays[0].shape[at + 1 :])
    rows = math.prod(shape[:at])
    runs = [len(x.values) // rows if rows else 0 for x in arrays]
    values = (v for r in range(rows) for x, n in zip(arrays, runs, strict=True) for v in x.values[r * n : (r + 1) * n])
    return _made(values, shape, dtype)


def stack(arrays: Sequence[Array], axis: int = 0) -> Array:
    if any(x.shape != arrays[0].shape for x in arrays):
        raise ValueError("all arrays must have one shape")
    at = axis % (arrays[0].ndim + 1)
    return concat([expand_dims(x, at) for x in arrays], at)


def arange(start: int, stop: int | None = None, step: int = 1, dtype: Any = cr.int64, device: Any = None) -> Array:
    numbers = range(start) if stop is None else range(start, stop, step)
    return _made(numbers, (len(numbers),), dtype)


# Reductions


def _reduced(x: Array, axis: Any, keepdims: bool, function: Callable[[list[Any]], Any], dtype: DType) -> Array:
    axes = infer.as_axes(axis, x.ndim)
    kept = tuple(i for i in range(x.ndim) if i not in axes)
    values = permute_dims(x, kept + axes).values
    n = math.prod(x.shape[i] for i in axes)
    count = math.prod(x.shape[i] for i in kept)
    shape = tuple(1 if i in axes else m for i, m in enumerate(x.shape) if keepdims or i in kept)
    return _made((function(values[i * n : (i + 1) * n]) for i in range(count)), shape, dtype)


def _reduction(function: Callable[[list[Any]], Any], result: Callable[[DType], DType]) -> Callable[..., Array]:
    def kernel(x: Array, *, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Array:
        return _reduced(x, axis, keepdims, function, dtype or result(x.dtype))

    return kernel


def _same(dtype: DType) -> DType:
    return dtype


def _boolean(dtype: DType) -> DType:
    return cr.bool_


def _index(dtype: DType) -> DType:
    return cr.int64


def _summed(dtype: DType) -> DType:
    return cr.int64 if dtype == cr.bool_ else dtype


def _real(dtype: DType) -> DType:
    return cr.float64 if dtype == cr.complex128 else dtype


def _greatest(values: list[Any]) -> Any:
    return next((v for v in values if v != v), None) or max(values)


def _least(values: list[Any]) -> Any:
    return next((v for v in values if v != v), None) or min(values)


def _mean(values: list[Any]) -> Any:
    return _divide(sum(values), len(values))


def cumulative_sum(x: Array, axis: int = -1) -> Array:
    moved = permute_dims(x, order := _last(x.ndim, axis))
    n = moved.shape[-1]
    runs = (itertools.accumulate(moved.values[i : i + n]) for i in range(0, moved.size, n))
    summed = _made(itertools.chain.from_iterable(runs), moved.shape, _summed(x.dtype))
    return permute_dims(summed, tuple(order.index(i) for i in range(x.ndim)))


def _last(ndim: int, axis: int) -> Shape:
    at = axis % ndim
    return (*(i for i in range(ndim) if i != at), at)


# Linear algebra, searching


def matmul(a: Array, b: Array) -> Array:
    """Rows times columns, over stacks that broadcast; one-dimensional arrays are a row and a column."""
    if not a.shape or not b.shape:
        raise ValueError("matmul takes arrays of at least one dimension")
    left = a if a.ndim > 1 else expand_dims(a, 0)
    right = b if b.ndim > 1 else expand_dims(b, 1)
    (m, k), (inner, n) = left.shape[-2:], right.shape[-2:]
    if k != inner:
        raise ValueError(f"shapes {a.shape} and {b.shape} do not multiply")
    batch: Any = infer.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    rows = broadcast_to(left, (*batch, m, k)).values
    columns = matrix_transpose(broadcast_to(right, (*batch, k, n))).values
    values = (
        sum(
            map(
                operator.mul,
                rows[(s * m + i) * k : (s * m + i + 1) * k],
                columns[(s * n + j) * k : (s * n + j + 1) * k],
            )
        )
        for s in range(math.prod(batch))
        for i in range(m)
        for j in range(n)
    )
    shape = (*batch, *(left.shape[-2:-1] if a.ndim > 1 else ()), *(right.shape[-1:] if b.ndim > 1 else ()))
    return _made(values, shape, infer.result_dtype(_spec(a), _spec(b)))


def nonzero(x: Array) -> tuple[Array, ...]:
    found = [place for place, v in zip(itertools.product(*map(range, x.shape)), x.values, strict=True) if v]
    return tuple(Array([place[i] for place in found], (len(found),), cr.int64) for i in range(x.ndim))


_KINDS = {
    "bool": ("bool",),
    "signed integer": ("int",),
    "integral": ("int", "uint"),
    "real floating": ("float",),
    "complex floating": ("complex",),
    "numeric": ("int", "uint", "float", "complex"),
}


def isdtype(dtype: DType, kind: str | tuple[str, ...]) -> bool:
    return any(dtype.kind in _KINDS[name] for name in ((kind,) if isinstance(kind, str) else kind))


xp = SimpleNamespace(
    **{name: _unary(function, _same) for name, function in _SAME.items()},
    **{name: _floating(*functions) for name, functions in _FLOATING.items()},
    **{name: _unary(function, _real) for name, function in _REAL.items()},
    **{name: _unary(function, _boolean) for name, function in _TESTS.items()},
    **{name: _binary(function, _same) for name, function in _ARITHMETIC.items()},
    **{name: _binary(function, _boolean) for name, function in _COMPARISONS.items()},
    divide=_binary(_divide, _inexact),
    **{
        function.__name__: function
        for function in (
            *(where, astype, reshape, broadcast_to, permute_dims, matrix_transpose, expand_dims, flip, concat, stack),
            *(arange, cumulative_sum, matmul, nonzero, isdtype, asarray),
        )
    },
    sum=_reduction(sum, _summed),
    prod=_reduction(math.prod, _summed),
    mean=_reduction(_mean, _inexact),
    max=_reduction(_greatest, _same),
    min=_reduction(_least, _same),
    all=_reduction(all, _boolean),
    any=_reduction(any, _boolean),
    argmax=_reduction(lambda values: values.index(max(values)), _index),
    argmin=_reduction(lambda values: values.index(min(values)), _index),
    zeros_like=lambda x: full(x.shape, 0, x.dtype),
    ones_like=lambda x: full(x.shape, 1, x.dtype),
    int64=cr.int64,
    float64=cr.float64,
)

for _method, _name in (
    *(("add", "add"), ("sub", "subtract"), ("mul", "multiply"), ("truediv", "divide"), ("pow", "pow")),
    *(("floordiv", "floor_divide"), ("mod", "remainder"), ("matmul", "matmul")),
    *(
        ("lt", "less"),
        ("le", "less_equal"),
        ("gt", "greater"),
        ("ge", "greater_equal"),
        ("eq", "equal"),
        ("ne", "not_equal"),
    ),
):
    _function = getattr(xp, _name)
    setattr(Array, f"__{_method}__", lambda a, b, function=_function: function(a, b))
    if _method in ("add", "sub", "mul", "truediv", "pow", "floordiv", "mod"):
        setattr(Array, f"__r{_method}__", lambda a, b, function=_function: function(b, a))

# Part 3: kernels of its own. The generic scatter multiplies by an indicator matrix; offsets are simpler here.


def _native(key: Any, arrays: tuple[Array, ...]) -> Any:
    from chainrule_arrays._indexing import native_index

    return native_index(key, arrays)


def _scatter_add(values: Array, *arrays: Array, key: Any, shape: Shape) -> Array:
    result = full(shape, 0, values.dtype)
    for offset, value in zip(_select(shape, _native(key, arrays))[1], values.values, strict=True):
        result.values[offset] += value
    return result


def _scatter_add_rows(values: Array, indices: Array, *, rows: int) -> Array:
    return _scatter_add(values, indices, key=("array",), shape=(rows, *values.shape[1:]))


KERNELS = {"scatter_add": _scatter_add, "scatter_add_rows": _scatter_add_rows}

# Part 4: the backend

DTYPES = {dtype: dtype for dtype in (cr.bool_, cr.int64, cr.float32, cr.float64, cr.complex128)}


def python_backend() -> Backend:
    """The backend; `cr.register_backend("python", python_backend)` makes it known."""
    return Backend(
        name="python",
        version="1",
        xp=xp,
        array_types=(Array,),
        dtypes=DTYPES,
        asarray=asarray,
        full=full,
        to_numpy=lambda x: Array(list(x.values), x.shape, x.dtype),  # what answers to the same methods
        kernels=KERNELS,
    )
