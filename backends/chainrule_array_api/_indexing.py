"""Gathering and scattering by any of NumPy's indices, with no more than the standard has.

An index with arrays in it becomes an array of positions in the flattened array. Sums over repeated positions are a
segmented running sum over the sorted positions: no scatter is needed, nothing leaks from one segment into another,
and the result does not depend on the order in which a device does its work.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from chainrule_array_api._compile import demand

Key = tuple[Any, ...]
Sums = Callable[[Any, Any, Any, int], Any]
Store = Callable[[Any, tuple[Any, ...], Any], Any]
_ALL = (None, None, None)


def device_of(x: Any) -> Any:
    """The device of an array, where new ones go; None if it has none, as what a compiler traces may."""
    return getattr(x, "device", None)


def expanded(shape: tuple[int, ...], key: Key, arrays: tuple[Any, ...]) -> list[Any]:
    """A key of `getitem` with its ellipsis written out, and each marker of an array replaced by the array."""
    rest = iter(arrays)
    parts = [next(rest) if isinstance(part, str) else part for part in key]
    taken = sum(_axes(part) for part in parts)
    if taken > len(shape):
        raise IndexError(f"{taken} indices for an array of {len(shape)} dimensions")
    fill = [_ALL] * (len(shape) - taken)
    at = next((i for i, part in enumerate(parts) if part is Ellipsis), None)
    return [*parts, *fill] if at is None else [*parts[:at], *fill, *parts[at + 1 :]]


def _axes(part: Any) -> int:
    """How many axes a part of an index takes."""
    if part is None or part is Ellipsis:
        return 0
    return part.ndim if _is_mask(part) else 1


def _is_array(part: Any) -> bool:
    return hasattr(part, "dtype")


def _is_mask(part: Any) -> bool:
    return _is_array(part) and str(part.dtype).endswith("bool")


def basic(shape: tuple[int, ...], parts: list[Any]) -> tuple[tuple[Any, ...], tuple[int, ...]]:
    """The index of a key without arrays, and which axes of what it gives are to be flipped.

    Its slices are within the bounds that the standard asks for and run forwards, as some libraries want them.
    """
    sizes = iter(shape)
    index: list[Any] = []
    flipped: list[int] = []
    axes = 0
    for part in parts:
        if part is None:
            index.append(None)
        elif isinstance(part, int):
            n = next(sizes)
            if not -n <= part < n:
                raise IndexError(f"index {part} is outside of an axis of length {n}")
            index.append(part)
            continue
        else:
            span = range(*slice(*part).indices(next(sizes)))
            if span.step < 0:
                span = span[::-1]
                flipped.append(axes)
            index.append(slice(span.start, span[-1] + 1, span.step) if span else slice(0, 0))
        axes += 1
    return tuple(index), tuple(flipped)


def stored(x: Any, index: tuple[Any, ...], values: Any) -> Any:
    """`x`, an array of its own, with values of the right shape written at a basic index."""
    x[index] = values
    return x


def wrapped(xp: Any, indices: Any, length: int) -> Any:
    """Indices counted from the start, as 64-bit integers.

    Raises:
        IndexError: some lie outside of an axis of this length. What a library does with those is left to it.
    """
    indices = xp.astype(indices, xp.int64)
    if not prod(indices.shape):
        return indices
    outside = (indices < -length) | (indices >= length)
    demand(xp, outside, IndexError(f"an index lies outside of an axis of length {length}"))
    return xp.where(outside, xp.zeros_like(indices), xp.where(indices < 0, indices + length, indices))


def positions(xp: Any, shape: tuple[int, ...], key: Key, arrays: tuple[Any, ...]) -> Any:
    """Where in the flattened array the elements of `x[index]` are, in the shape of the result."""
    device = device_of(arrays[0])
    parts = expanded(shape, key, arrays)
    advanced: Any = xp.zeros((), dtype=xp.int64, device=device)
    spans: list[Any] = []  # for each axis of the result that a slice or None makes, its part of the positions
    places: list[int] = []
    block = 0
    axis = 0
    for at, part in enumerate(parts):
        if part is None:
            spans.append(None)
            continue
        stride, n = prod(shape[axis + 1 :]), shape[axis]
        if isinstance(part, tuple):
            start, stop, step = slice(*part).indices(n)
            span = range(start, stop, step)
            spans.append((xp.arange(len(span), dtype=xp.int64, device=device) * step + start) * stride)
            axis += 1
            continue
        if not places:
            block = len(spans)
        places.append(at)
        if isinstance(part, int):
            if not -n <= part < n:
                raise IndexError(f"index {part} is outside of axis {axis}, of length {n}")
            advanced = advanced + part % n * stride
            axis += 1
        elif _is_mask(part):
            if part.shape != shape[axis : axis + part.ndim]:
                raise IndexError(f"a mask of shape {part.shape} does not fit shape {shape} at axis {axis}")
            for i, indices in enumerate(xp.nonzero(part) if part.ndim else ()):
                advanced = advanced + indices * prod(shape[axis + i + 1 :])
            axis += part.ndim
        else:
            advanced = advanced + wrapped(xp, part, n) * stride
            axis += 1
    if places != list(range(places[0], places[0] + len(places))):
        block = 0
    return _combined(xp, advanced, spans, block)


def _combined(xp: Any, advanced: Any, spans: list[Any], block: int) -> Any:
    """The positions of arrays and slices together: the arrays' axes come before the span number `block`."""
    after = len(spans) - block
    total = xp.reshape(advanced, (*[1] * block, *advanced.shape, *[1] * after))
    for i, span in enumerate(spans):
        if span is not None:
            before = i if i < block else i + advanced.ndim
            shape = [1] * total.ndim
            shape[before] = span.shape[0]
            total = total + xp.reshape(span, tuple(shape))
    return total


def getitem(xp: Any, x: Any, *arrays: Any, key: Key) -> Any:
    """`x[index]`."""
    if not arrays:
        return _taken(xp, x, expanded(x.shape, key, ()))
    places = positions(xp, x.shape, key, arrays)
    return xp.reshape(xp.take(xp.reshape(x, (-1,)), xp.reshape(places, (-1,)), axis=0), places.shape)


def _taken(xp: Any, x: Any, parts: list[Any]) -> Any:
    """The elements at a basic index."""
    index, flipped = basic(x.shape, parts)
    part = x[index]
    return xp.flip(part, axis=flipped) if flipped else part


def segment_sums(xp: Any, rows: Any, places: Any, n: int) -> Any:
    """`n` rows, each the sum of the rows whose place it is; places are not negative, in any order, and may repeat."""
    m = rows.shape[0]
    if m == 0 or n == 0:
        return xp.zeros((n, *rows.shape[1:]), dtype=rows.dtype, device=device_of(rows))
    order = xp.argsort(places)
    places = xp.take(places, order, axis=0)
    sums = xp.take(rows, order, axis=0)
    nothing = xp.zeros((), dtype=rows.dtype, device=device_of(rows))
    distance = 1
    while distance < m:  # each row now holds the sum of the `distance` rows of its segment that end with it
        same = _column(xp, places[distance:] == places[:-distance], rows.ndim)
        before = xp.where(same, sums[:-distance, ...], nothing)
        sums = xp.concat([sums[:distance, ...], sums[distance:, ...] + before], axis=0)
        distance *= 2
    last, found = _last(xp, places, n)
    return xp.where(_column(xp, found, rows.ndim), xp.take(sums, last, axis=0), nothing)


def _last(xp: Any, places: Any, n: int) -> tuple[Any, Any]:
    """Where in the sorted places each of 0, 1, ..., n - 1 is for the last time, and whether it is there at all."""
    targets = xp.arange(n, dtype=places.dtype, device=device_of(places))
    last = xp.searchsorted(places, targets, side="right") - 1
    last = xp.where(last < 0, xp.zeros_like(last), last)
    return last, xp.take(places, last, axis=0) == targets


def _column(xp: Any, x: Any, ndim: int) -> Any:
    """A vector shaped to broadcast along the first of `ndim` axes."""
    return xp.reshape(x, (-1, *[1] * (ndim - 1)))


def scatter_add(
    xp: Any,
    values: Any,
    *arrays: Any,
    key: Key,
    shape: tuple[int, ...],
    sums: Sums = segment_sums,
    store: Store = stored,
) -> Any:
    """Zeros of `shape` with `values` added at an index."""
    if not arrays:
        zeros = xp.zeros(shape, dtype=values.dtype, device=device_of(values))
        return _replaced(xp, zeros, values, expanded(shape, key, ()), store)
    places = positions(xp, shape, key, arrays)
    values = xp.broadcast_to(values, places.shape)
    flat = sums(xp, xp.reshape(values, (-1,)), xp.reshape(places, (-1,)), prod(shape))
    return xp.reshape(flat, shape)


def _replaced(xp: Any, x: Any, values: Any, parts: list[Any], store: Store) -> Any:
    """`x`, an array of its own, with values at a basic index, whose new axes a library need not take for writing."""
    index, flipped = basic(x.shape, parts)
    values = xp.broadcast_to(values, x[index].shape)
    values = xp.flip(values, axis=flipped) if flipped else values
    place = tuple(part for part in index if part is not None)
    if not prod(values.shape):
        return x
    return store(x, place, xp.reshape(values, x[place].shape))


def _as(xp: Any, values: Any, dtype: Any) -> Any:
    return values if values.dtype == dtype else xp.astype(values, dtype)


def scatter_add_rows(xp: Any, values: Any, indices: Any, *, rows: int, sums: Sums = segment_sums) -> Any:
    """`rows` rows, each the sum of the rows of `values` that have its index."""
    return sums(xp, values, wrapped(xp, indices, rows), rows)


def take_along_axis(xp: Any, x: Any, indices: Any, *, axis: int) -> Any:
    """The elements at indices along an axis."""
    return xp.take_along_axis(x, wrapped(xp, indices, x.shape[axis]), axis=axis)


def scatter_add_along_axis(
    xp: Any, values: Any, indices: Any, *, axis: int, length: int, sums: Sums = segment_sums
) -> Any:
    """Zeros with `length` places along an axis, and values added at their indices."""
    last = values.ndim - 1
    at = axis % values.ndim
    order = (*(i for i in range(values.ndim) if i != at), at)
    indices = xp.broadcast_to(wrapped(xp, indices, length), values.shape)
    values, indices = xp.permute_dims(values, order), xp.permute_dims(indices, order)
    lines = prod(values.shape[:last])
    starts = xp.arange(lines, dtype=xp.int64, device=device_of(values)) * length
    places = xp.reshape(xp.reshape(starts, (*values.shape[:last], 1)) + indices, (-1,))
    flat = sums(xp, xp.reshape(values, (-1,)), places, lines * length)
    return xp.permute_dims(
        xp.reshape(flat, (*values.shape[:last], length)), tuple(order.index(i) for i in range(values.ndim))
    )


def add_at(
    xp: Any,
    x: Any,
    values: Any,
    *arrays: Any,
    key: Key,
    sums: Sums = segment_sums,
    store: Store = stored,
) -> Any:
    """`x` with values added at an index, once for each time a place is named."""
    values = _as(xp, values, x.dtype)
    if arrays:
        return x + scatter_add(xp, values, *arrays, key=key, shape=x.shape, sums=sums)
    parts = expanded(x.shape, key, ())
    return _replaced(xp, xp.asarray(x, copy=True), _taken(xp, x, parts) + values, parts, store)


def set_at(xp: Any, x: Any, values: Any, *arrays: Any, key: Key, store: Store = stored) -> Any:
    """`x` with the elements at an index replaced."""
    values = _as(xp, values, x.dtype)
    if not arrays:
        return _replaced(xp, xp.asarray(x, copy=True), values, expanded(x.shape, key, ()), store)
    places = positions(xp, x.shape, key, arrays)
    values = xp.reshape(xp.broadcast_to(values, places.shape), (-1,))
    places = xp.reshape(places, (-1,))
    if not places.shape[0]:
        return xp.asarray(x, copy=True)
    order = xp.argsort(places)
    last, found = _last(xp, xp.take(places, order, axis=0), prod(x.shape))
    written = xp.take(values, xp.take(order, last, axis=0), axis=0)
    return xp.reshape(xp.where(found, written, xp.reshape(x, (-1,))), x.shape)
