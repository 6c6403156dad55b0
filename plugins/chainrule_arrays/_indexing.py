"""Indexing, gathering and scattering.

The gradient of a gather is a scatter that adds, and the other way round. Whole rows gathered from an array give
row-sparse cotangents.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from chainrule import (
    DTYPES,
    Dim,
    DTypeError,
    IndexedSlices,
    IndexingError,
    NoGradient,
    ShapeError,
    Tensor,
    UnknownSizeError,
    as_tensor,
    bool_,
    fronts,
    infer,
    op,
    ops,
    widens,
)
from chainrule_arrays._shapes import broadcast_shape

Key = tuple[Any, ...]
ARRAY = "array"


def _canonical(index: Any, x: Any) -> tuple[Key, tuple[Any, ...]]:
    """An index of `x` as a hashable key, with the arrays in it apart, where `x` is.

    In the key a slice is a tuple and an array is a marker, in the order of the arrays.
    """
    if type(index) is int:
        return (index,), ()
    key: list[Any] = []
    arrays: list[Any] = []
    for part in index if isinstance(index, tuple) else (index,):
        kind = type(part)
        if part is None or part is Ellipsis or kind is int or kind is Dim:
            key.append(part)
        elif kind is slice:
            ends = (part.start, part.stop, part.step)
            key.append(tuple(s if s is None or type(s) is Dim else s.__index__() for s in ends))
        elif kind is bool:
            raise IndexingError("getitem: a Python bool is no index; use a boolean array, or None for a new axis")
        elif _is_number(part):
            key.append(part.__index__())
        else:
            if isinstance(part, str | bytes):
                raise IndexingError(f"getitem: {part!r} is no index; tensors have no named fields")
            array = as_tensor(part, x.backend, x.device) if type(x) is Tensor else as_tensor(part)
            if not hasattr(part, "dtype") and not array.size:
                array = ops.astype(array, dtype=DTYPES["int64"])  # an empty list
            if array.dtype.is_inexact:
                raise IndexingError(
                    "getitem: indices are integers, slices, None, ... or arrays of integers or booleans, "
                    f"got {array.dtype}"
                )
            key.append(ARRAY)
            arrays.append(array)
    return tuple(key), tuple(arrays)


def _is_number(part: Any) -> bool:
    """Whether part of an index is an integer whose value is there; one of a graph is an array as others."""
    if not hasattr(part, "__index__") or (type(part) is Tensor and part.name is not None):
        return False
    return not getattr(part, "shape", ()) and not str(getattr(part, "dtype", "")).endswith("bool")


def native_index(key: Key, arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    """The index that a key and its arrays stand for, as a library takes it."""
    basic = _slices(key)
    if not arrays:
        return basic
    rest = iter(arrays)
    return tuple(next(rest) if part is ARRAY or part == ARRAY else part for part in basic)


@lru_cache(maxsize=4096)
def _slices(key: Key) -> tuple[Any, ...]:
    return tuple(slice(*part) if type(part) is tuple else part for part in key)


def indexed(x: Any, *arrays: Any, key: Key) -> Any:
    """The shape of `x[index]`, by NumPy's rules."""
    if x.shape is None or any(a.shape is None for a in arrays):
        return infer.Spec(None, x.dtype)
    taken = sum(1 if not isinstance(p, str) else 0 for p in key if p is not None and p is not Ellipsis) + sum(
        len(a.shape) if a.dtype == bool_ else 1 for a in arrays
    )
    if taken > len(x.shape):
        raise IndexingError(f"too many indices: {taken} for shape {x.shape}")
    full: list[Any] = []
    for part in key:
        full.extend([(None, None, None)] * (len(x.shape) - taken) if part is Ellipsis else [part])
    if Ellipsis not in key:
        full.extend([(None, None, None)] * (len(x.shape) - taken))
    rest, axis = iter(arrays), 0
    shape: list[int | None] = []
    advanced: list[Any] = []
    places: list[int] = []
    at: int | None = None
    for position, part in enumerate(full):
        if part is None:
            shape.append(1)
        elif isinstance(part, tuple):
            shape.append(_sliced(x.shape[axis], *part))
            axis += 1
        elif isinstance(part, int | Dim) and not arrays:
            n = x.shape[axis]
            if type(n) is type(part) is int and not -n <= part < n:
                raise IndexingError(f"index {part} is outside of axis {axis}, of length {n}")
            axis += 1
        else:
            at = len(shape) if at is None else at
            places.append(position)
            if isinstance(part, int | Dim):
                advanced.append(())
                axis += 1
                continue
            array = next(rest)
            if array.dtype == bool_:
                if not infer.may_equal(tuple(array.shape), tuple(x.shape[axis : axis + len(array.shape)])):
                    raise IndexingError(f"a mask of shape {array.shape} does not fit shape {x.shape} at axis {axis}")
                advanced.append((None,))
                axis += len(array.shape)
            else:
                advanced.append(array.shape)
                axis += 1
    if advanced:
        together = infer.broadcast_shapes(*advanced)
        adjacent = places == list(range(places[0], places[0] + len(places)))
        place = at if adjacent and at is not None else 0
        shape[place:place] = together or ()
    return infer.Spec(tuple(shape), x.dtype)


def _sliced(n: Any, start: Any, stop: Any, step: Any) -> int | None:
    """How long a slice of an axis of length `n` is; None where that takes a length that is not known yet."""
    if isinstance(n, int) and not any(isinstance(end, Dim) for end in (start, stop, step)):
        return len(range(*slice(start, stop, step).indices(n)))
    whole = start is None and stop is None and (step is None or (isinstance(step, int) and step in (1, -1)))
    return n if whole else None


def _gathered_rows(g: Any, _x: Any, indices: Tensor) -> IndexedSlices:
    """The cotangent of an array of which whole rows were gathered."""
    n = _x.shape[0]
    flat = ops.reshape(indices, shape=(-1,))
    flat = ops.where(flat < 0, flat + n, flat)
    return IndexedSlices(ops.reshape(g, shape=(flat.shape[0], *_x.shape[1:])), flat, _x.shape)


def _getitem_gradient(g: Any, _y: Any, _x: Any, *arrays: Any, key: Key) -> tuple[Any, ...]:
    if key == (ARRAY,) and arrays[0].dtype != bool_:
        return (_gathered_rows(g, _x, arrays[0]), None)
    return (scatter_add(g, *arrays, key=key, shape=_x.shape), *[None] * len(arrays))


@op(infer=indexed, gradient=_getitem_gradient, name="getitem", linear="joint")
def _getitem(xp: Any, x: Any, /, *arrays: Any, key: Key) -> Any:
    return x[native_index(key, arrays)]


@fronts(_getitem)
def getitem(x: Any, index: Any) -> Tensor:
    """`x[index]`: integers, slices, `None`, `...`, and arrays of integers or booleans, as NumPy indexes.

    Derivative: zeros, with `g` added at the index: rows alone where an array of integers picks rows.

    >>> import chainrule as cr
    >>> x = cr.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> x[:, 1], x[[0, 0]], x[x > 2]
    (Tensor([2., 4.], float64), Tensor([[1., 2.], [1., 2.]], float64), Tensor([3., 4.], float64))
    """
    if hasattr(type(x), "__chainrule_tensor__"):
        x = as_tensor(x)
    key, arrays = _canonical(index, x)
    result: Tensor = _getitem(x, *arrays, key=key)
    return result


@op(
    infer=lambda g, *arrays, key, shape: infer.Spec(shape, g.dtype),
    gradient=lambda h, _y, _g, *arrays, key, shape: (_getitem(h, *arrays, key=key), *[None] * len(arrays)),
    linear="joint",
)
def scatter_add(xp: Any, values: Any, /, *arrays: Any, key: Key, shape: tuple[int, ...]) -> Any:
    """Zeros of `shape` with `values` added at an index: the transpose of `getitem`. Repeated places add up."""
    size = 1
    for n in shape:
        size *= n
    place = xp.reshape(xp.arange(size, device=values.device), shape)[native_index(key, arrays)]
    return xp.reshape(_scatter_rows(xp, xp.reshape(values, (-1, 1)), xp.reshape(place, (-1,)), size), shape)


def _scatter_rows(xp: Any, rows: Any, indices: Any, n: int) -> Any:
    """Sums of rows by index, on any library, in as much memory as `n` times the rows; backends do better."""
    ones = (1,) * (rows.ndim - 1)
    places = xp.reshape(xp.arange(n, device=rows.device), (n, 1, *ones))
    hits = places == xp.reshape(_from_start(xp, indices, n), (1, -1, *ones))
    return xp.sum(xp.where(hits, rows, xp.zeros_like(rows)), axis=1, dtype=rows.dtype)


def _from_start(xp: Any, indices: Any, n: int) -> Any:
    """Indices counted from the start of an axis."""
    return xp.where(indices < 0, indices + n, indices)


@op(
    infer=lambda values, indices, rows: infer.Spec(
        None if values.shape is None else (rows, *values.shape[1:]), values.dtype
    ),
    gradient=(lambda g, _y, _values, indices, rows: g[indices], None),
    linear="joint",
)
def scatter_add_rows(xp: Any, values: Any, indices: Any, /, rows: int) -> Any:
    """`rows` rows, each the sum of the rows of `values` that have its index."""
    return _scatter_rows(xp, values, indices, rows)


def _updated(x: Any, values: Any, *arrays: Any, key: Key) -> Any:
    place = indexed(x, *arrays, key=key)
    if place.shape is not None:
        try:
            broadcast_shape(values.shape, place.shape)
        except ShapeError:
            raise ShapeError(f"values of shape {values.shape} do not fit the place, of shape {place.shape}") from None
    return infer.Spec(x.shape, x.dtype)


@op(
    infer=_updated,
    gradient=lambda g, _y, _x, _values, *arrays, key: (
        g,
        _fit(_getitem(g, *arrays, key=key), _values),
        *[None] * len(arrays),
    ),
    name="add_at",
    linear="joint",
)
def _add_at(xp: Any, x: Any, values: Any, /, *arrays: Any, key: Key) -> Any:
    place = x[native_index(key, arrays)]
    full = xp.broadcast_to(xp.astype(values, x.dtype), place.shape)
    size = x.size
    flat = xp.reshape(xp.arange(size, device=x.device), x.shape)[native_index(key, arrays)]
    added = _scatter_rows(xp, xp.reshape(full, (-1, 1)), xp.reshape(flat, (-1,)), size)
    return x + xp.reshape(added, x.shape)


@fronts(_add_at)
def add_at(x: Any, index: Any, values: Any) -> Tensor:
    """`x` with `values` added at an index, as `x[index] += values` would; places that repeat are added to each time.

    >>> import chainrule as cr
    >>> cr.add_at(cr.tensor([0.0, 0.0]), [1, 1], 5.0)
    Tensor([ 0., 10.], float64)
    """
    return _update(_add_at, x, index, values)


def _set_gradient(g: Any, _y: Any, _x: Any, _values: Any, *arrays: Any, key: Key) -> tuple[Any, ...]:
    taken = _getitem(g, *arrays, key=key)
    to_x = _set_at(g, ops.zeros_like(taken), *arrays, key=key)
    if taken.shape is not None and any(a.ndim for a in arrays if a.dtype != bool_):
        taken = ops.where(_stayed(g, taken, arrays, key), taken, 0)
    return (to_x, _fit(taken, _values), *[None] * len(arrays))


def _stayed(g: Any, taken: Any, arrays: tuple[Any, ...], key: Key) -> Any:
    """Which of the values are there in the end, where places repeat: all are numbered and set in the same way."""
    ones = ops.ones_like(ops.reshape(taken, shape=(-1,)), dtype=DTYPES["int64"])
    numbers = ops.reshape(ops.cumulative_sum(ones), shape=taken.shape)
    placed = _set_at(ops.zeros_like(g, dtype=DTYPES["int64"]), numbers, *arrays, key=key)
    return ops.equal(_getitem(placed, *arrays, key=key), numbers)


@op(
    infer=_updated,
    gradient=_set_gradient,
    name="set_at",
    linear="joint",
)
def _set_at(xp: Any, x: Any, values: Any, /, *arrays: Any, key: Key) -> Any:
    result = xp.asarray(x, copy=True)
    result[native_index(key, arrays)] = xp.astype(values, x.dtype)
    return result


@fronts(_set_at)
def set_at(x: Any, index: Any, values: Any) -> Tensor:
    """`x` with the elements at an index replaced, as `x[index] = values` would; no place may repeat.

    Derivative: by `x`, `g` with zeros at the index; by `values`, `g[index]`.

    >>> import chainrule as cr
    >>> cr.set_at(cr.tensor([1.0, 2.0, 3.0]), slice(0, 2), 0.0)
    Tensor([0., 0., 3.], float64)
    """
    return _update(_set_at, x, index, values)


def _update(function: Any, x: Any, index: Any, values: Any) -> Tensor:
    x = as_tensor(x)
    key, arrays = _canonical(index, x)
    if type(values) is not Tensor:
        values = as_tensor(values, x.backend, x.device)
    if values.dtype != x.dtype:
        if values.dtype.is_inexact and not x.dtype.is_inexact:
            raise DTypeError(f"{function.op.name}: values of {values.dtype} do not fit an array of {x.dtype}")
        values = ops.astype(values, dtype=x.dtype)
    result: Tensor = function(x, values, *arrays, key=key)
    return result


def _fit(g: Any, x: Any) -> Any:
    """The cotangent of values that were broadcast to their place."""
    return g if x.shape is not None and g.shape == x.shape else ops.sum_to(g, shape=x.shape)


def take(x: Any, indices: Any, axis: int | None = None) -> Tensor:
    """The elements at these indices along an axis, of the flattened array without one.

    >>> import chainrule as cr
    >>> cr.take(cr.tensor([10.0, 20.0, 30.0]), [2, 0])
    Tensor([30., 10.], float64)
    """
    x = as_tensor(x)
    if axis is None:
        x, axis = ops.reshape(x, shape=(-1,)), 0
    (at,) = infer.as_axes(axis, x.ndim)
    return getitem(x, (*[slice(None)] * at, indices) if at else indices)


def _along(x: Any, indices: Any, axis: int) -> Any:
    if x.shape is None or indices.shape is None:
        return infer.Spec(None, x.dtype)
    (at,) = infer.as_axes(axis, len(x.shape))
    others = infer.broadcast_shapes(
        (*x.shape[:at], 1, *x.shape[at + 1 :]), (*indices.shape[:at], 1, *indices.shape[at + 1 :])
    )
    assert others is not None
    return infer.Spec((*others[:at], indices.shape[at], *others[at + 1 :]), x.dtype)


@op(
    infer=_along,
    gradient=(
        lambda g, _y, _x, indices, axis: _fit(
            ops.scatter_add_along_axis(g, indices, axis=axis, length=_x.shape[axis]), _x
        ),
        None,
    ),
    linear="joint",
)
def take_along_axis(xp: Any, x: Any, indices: Any, /, axis: int = -1) -> Any:
    """The elements at indices along an axis, an index for each: what `argsort` gives puts an array in order."""
    return xp.take_along_axis(x, indices, axis=axis)


def _along_length(values: Any, indices: Any, axis: int, length: int) -> Any:
    if values.shape is None:
        return values
    (at,) = infer.as_axes(axis, len(values.shape))
    return infer.Spec((*values.shape[:at], length, *values.shape[at + 1 :]), values.dtype)


@op(
    infer=_along_length,
    gradient=(lambda g, _y, _values, indices, axis, length: ops.take_along_axis(g, indices, axis=axis), None),
    linear="joint",
)
def scatter_add_along_axis(xp: Any, values: Any, indices: Any, /, axis: int, length: int) -> Any:
    """Zeros with `length` places along an axis, and values added at their indices: `take_along_axis` transposed."""
    at = axis % values.ndim
    places = xp.reshape(xp.arange(length, device=values.device), (*[1] * at, length, *[1] * (values.ndim - at)))
    hits = places == xp.expand_dims(_from_start(xp, indices, length), axis=at)
    spread = xp.expand_dims(values, axis=at)
    return xp.sum(xp.where(hits, spread, xp.zeros_like(spread)), axis=at + 1)


# Sorting and searching


def _sort_gradient(g: Any, _y: Any, x: Any, axis: int, descending: bool, stable: bool) -> Any:
    order = argsort(x, axis=axis, descending=descending, stable=stable)
    return take_along_axis(g, argsort(order, axis=axis), axis=axis)


@op(infer=lambda x, axis, descending, stable: x, gradient=_sort_gradient)
def sort(xp: Any, x: Any, /, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """The elements in order along an axis.

    Derivative: `g` in the order the elements were in.

    >>> import chainrule as cr
    >>> cr.sort(cr.tensor([3.0, 1.0, 2.0]))
    Tensor([1., 2., 3.], float64)
    """
    return xp.sort(x, axis=axis, descending=descending, stable=stable)


INDEX = NoGradient("its result is an index")


@op(infer=lambda x, axis, descending, stable: infer.Spec(x.shape, DTYPES["int64"]), gradient=INDEX)
def argsort(xp: Any, x: Any, /, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """The indices that put the elements in order along an axis."""
    return xp.argsort(x, axis=axis, descending=descending, stable=stable)


@op(infer=lambda x, v, side: infer.Spec(v.shape, DTYPES["int64"]), gradient=INDEX, name="searchsorted")
def _searchsorted(xp: Any, x: Any, v: Any, /, side: str = "left") -> Any:
    return xp.searchsorted(x, v, side=side)


@widens(_searchsorted)
def searchsorted(x: Any, v: Any, /, side: str = "left", sorter: Any = None) -> Tensor:
    """Where each of `v` belongs in the sorted one-dimensional `x`.

    Args:
        x: an array of one dimension.
        v: an array of any shape.
        side: `"left"` for before equal elements, `"right"` for after them.
        sorter: the indices that put `x` in order, if it is not: `argsort(x)`.
    """
    places: Tensor = _searchsorted(x if sorter is None else take(x, sorter), v, side=side)
    return places


def _indices(x: Any) -> tuple[Any, ...]:
    if x.shape is None:
        raise UnknownSizeError("of how many axes it gives the indices is not known yet; give the placeholder a shape")
    if not x.shape:
        raise ShapeError("takes arrays of at least one dimension, got a single number; see cr.atleast_1d")
    return tuple(infer.Spec((None,), DTYPES["int64"]) for _ in x.shape)


@op(
    infer=_indices,
    gradient=INDEX,
    multiple=True,
)
def nonzero(xp: Any, x: Any, /) -> Any:
    """The indices of the elements that are not 0: an array for each axis.

    Raises:
        ShapeError: `x` is a single number.
    """
    if not x.ndim:
        raise ShapeError("takes arrays of at least one dimension")  # the shape rule says more
    return tuple(xp.nonzero(x))
