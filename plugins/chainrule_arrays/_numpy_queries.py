"""What NumPy's functions tell of arrays: comparisons, dtypes, text, order."""

from __future__ import annotations

import math
from typing import Any

from chainrule import ArgumentError, Tensor, as_tensor, ops


def isclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    a, b = as_tensor(a), as_tensor(b) * 1.0
    near = ops.logical_and(abs(a - b) <= atol + rtol * abs(b), ops.isfinite(b))
    close = ops.logical_or(near, ops.equal(a, b))
    return ops.logical_or(close, ops.logical_and(ops.isnan(a), ops.isnan(b))) if equal_nan else close


def allclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    return bool(ops.all(isclose(a, b, rtol, atol, equal_nan)))


def array_equal(a: Any, b: Any, equal_nan: bool = False) -> bool:
    a, b = as_tensor(a), as_tensor(b)
    if a.shape != b.shape:
        return False
    same = ops.equal(a, b)
    return bool(ops.all(ops.logical_or(same, ops.logical_and(ops.isnan(a), ops.isnan(b))) if equal_nan else same))


def array_equiv(a: Any, b: Any) -> bool:
    try:
        return bool(ops.all(ops.equal(a, b)))
    except ValueError:  # they do not broadcast
        return False


def isposinf(x: Any) -> Any:
    return ops.equal(x, math.inf)


def isneginf(x: Any) -> Any:
    return ops.equal(x, -math.inf)


def isreal(x: Any) -> Any:
    return ops.equal(ops.imag(x), 0)


def iscomplex(x: Any) -> Any:
    return ops.not_equal(ops.imag(x), 0)


def iscomplexobj(x: Any) -> bool:
    return as_tensor(x).dtype.kind == "complex"


def isrealobj(x: Any) -> bool:
    return not iscomplexobj(x)


def shape(x: Any) -> Any:
    return as_tensor(x).shape


def ndim(x: Any) -> int:
    return as_tensor(x).ndim


def size(x: Any, axis: int | None = None) -> Any:
    x = as_tensor(x)
    return x.size if axis is None else x.shape[axis]


def _native(x: Any) -> Any:
    """NumPy's dtype of a tensor; anything else as it is."""
    import numpy

    return numpy.dtype(str(x.dtype)) if type(x) is Tensor else x


def result_type(*arrays_and_dtypes: Any) -> Any:
    import numpy

    return numpy.result_type(*map(_native, arrays_and_dtypes))


def common_type(*arrays: Any) -> Any:
    import numpy

    return numpy.common_type(*(numpy.empty(0, _native(x)) if type(x) is Tensor else x for x in arrays))


def can_cast(from_: Any, to: Any, casting: Any = "safe") -> bool:
    import numpy

    return numpy.can_cast(_native(from_), _native(to), casting)


def min_scalar_type(x: Any) -> Any:
    import numpy

    return numpy.min_scalar_type(as_tensor(x).numpy())


def array_repr(x: Any, *args: Any, **kwargs: Any) -> str:
    import numpy

    return numpy.array_repr(as_tensor(x).numpy(), *args, **kwargs)


def array_str(x: Any, *args: Any, **kwargs: Any) -> str:
    import numpy

    return numpy.array_str(as_tensor(x).numpy(), *args, **kwargs)


def array2string(x: Any, *args: Any, **kwargs: Any) -> str:
    import numpy

    return numpy.array2string(as_tensor(x).numpy(), *args, **kwargs)


def einsum_path(subscripts: str, *operands: Any, optimize: Any = "greedy") -> Any:
    import numpy

    empty = [numpy.broadcast_to(0.0, as_tensor(x).shape) for x in operands]
    return numpy.einsum_path(subscripts, *empty, optimize=optimize)


def einsum(subscripts: Any, *operands: Any, optimize: Any = None, **others: Any) -> Any:
    """Subscripts as text, or as lists of numbers after each operand."""
    if others:
        raise ArgumentError(f"np.einsum: {', '.join(sorted(others))}: not supported on tensors; use cr.astype")
    if not isinstance(subscripts, str):
        from string import ascii_letters

        given = (subscripts, *operands)
        arrays, lists = given[: len(given) - len(given) % 2 : 2], list(given[1::2])
        result = list(given[-1]) if len(given) % 2 else None
        text = ["".join("..." if i is Ellipsis else ascii_letters[i] for i in part) for part in lists]
        subscripts, operands = ",".join(text), arrays
        if result is not None:
            subscripts += "->" + "".join("..." if i is Ellipsis else ascii_letters[i] for i in result)
    return ops.einsum(subscripts, *operands)


def sort(x: Any, axis: int | None = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    return ops.sort(ops.ravel(x), axis=0) if axis is None else ops.sort(x, axis=axis)


def argsort(x: Any, axis: int | None = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    return ops.argsort(ops.ravel(x), axis=0) if axis is None else ops.argsort(x, axis=axis)


def partition(x: Any, kth: Any, axis: int | None = -1, kind: Any = None, order: Any = None) -> Any:
    """The sorted array, which is parted at any place."""
    return sort(x, axis)


def argpartition(x: Any, kth: Any, axis: int | None = -1, kind: Any = None, order: Any = None) -> Any:
    return argsort(x, axis)


def searchsorted(x: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    x, v = as_tensor(x), as_tensor(v)
    x = x if sorter is None else ops.take(x, sorter)
    flat = ops.searchsorted(x, ops.reshape(v, shape=(-1,)), side=side)
    return flat if v.ndim == 1 else ops.reshape(flat, shape=v.shape)


def isin(
    element: Any, test_elements: Any, assume_unique: bool = False, invert: bool = False, *, kind: Any = None
) -> Any:
    return ops.isin(element, test_elements, invert)


def unique(
    x: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    *,
    equal_nan: bool = True,
    sorted: bool = True,
) -> Any:
    """The sorted different elements of the flattened array, or parts along an axis; of equal ones the first has the
    gradient.
    """
    x = as_tensor(x)
    parts = ops.ravel(x) if axis is None else ops.moveaxis(x, axis, 0)
    n = parts.shape[0]
    order, first = _ordered(parts, equal_nan) if parts.ndim == 1 else _ordered_parts(parts)
    starts = ops.nonzero(first)[0]
    index = ops.take(order, starts)
    made = [ops.take(parts, index, axis=0) if axis is None else ops.take(x, index, axis=axis)]
    if return_index:
        made.append(index)
    if return_inverse:
        group = ops.cumulative_sum(ops.astype(first, dtype="int64")) - 1
        inverse = ops.take(group, ops.argsort(order))
        made.append(ops.reshape(inverse, shape=x.shape) if axis is None else inverse)
    if return_counts:
        ends = ops.concat([starts[1:], as_tensor([n])]) if n else starts
        made.append(ends - starts)
    return made[0] if len(made) == 1 else tuple(made)


def _ordered(x: Tensor, equal_nan: bool) -> tuple[Any, Any]:
    """The order that sorts a vector, and whether each element in it differs from the one before."""
    order = ops.argsort(x)
    ordered = ops.take(x, order)
    differs = ops.not_equal(ordered[1:], ordered[:-1])
    if equal_nan:
        both = ops.logical_and(ops.isnan(ordered[1:]), ops.isnan(ordered[:-1]))
        differs = ops.logical_and(differs, ops.logical_not(both))
    return order, _after_first(differs, x)


def _ordered_parts(x: Tensor) -> tuple[Any, Any]:
    """The same for parts along the first axis, by their elements from the first one on."""
    rows = ops.reshape(x, shape=(x.shape[0], math.prod(x.shape[1:])))
    order = ops.lexsort(ops.flip(ops.matrix_transpose(rows), axis=0)) if rows.shape[1] else ops.arange(rows.shape[0])
    ordered = ops.take(rows, order, axis=0)
    return order, _after_first(ops.any(ops.not_equal(ordered[1:], ordered[:-1]), axis=1), x)


def _after_first(differs: Any, x: Tensor) -> Any:
    """Also of the first part, before which there is none."""
    return ops.concat([ops.ones_like(differs, shape=(min(x.shape[0], 1),)), differs])
