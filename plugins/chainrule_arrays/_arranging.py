"""Arrangements of elements that NumPy has beyond the standard: all made of a few linear operations."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from chainrule import ArgumentError, IndexingError, ShapeError, Tensor, as_tensor, infer, ops


def rot90(x: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Tensor:
    """The array turned by `k` right angles in the plane of two axes, from the first towards the second.

    >>> import chainrule as cr
    >>> cr.rot90(cr.tensor([[1, 2], [3, 4]]))
    Tensor([[2, 4],
            [1, 3]], int64)
    """
    x = as_tensor(x)
    first, second = infer.as_axes(tuple(axes), x.ndim)
    result: Tensor = {
        0: lambda: x,
        1: lambda: ops.swapaxes(ops.flip(x, axis=second), first, second),
        2: lambda: ops.flip(x, axis=(first, second)),
        3: lambda: ops.flip(ops.swapaxes(x, first, second), axis=second),
    }[k % 4]()
    return result


def fliplr(x: Any) -> Tensor:
    """The elements in reverse order along the second axis."""
    result: Tensor = ops.flip(x, axis=1)
    return result


def flipud(x: Any) -> Tensor:
    """The elements in reverse order along the first axis."""
    result: Tensor = ops.flip(x, axis=0)
    return result


def rollaxis(x: Any, axis: int, start: int = 0) -> Tensor:
    """An axis moved before another; `moveaxis` says the same more plainly."""
    x = as_tensor(x)
    (axis,) = infer.as_axes(axis, x.ndim)
    start = start + x.ndim if start < 0 else start
    result: Tensor = ops.moveaxis(x, axis, start - 1 if axis < start else start)
    return result


def atleast_3d(x: Any) -> Tensor:
    """At least three axes: of a vector new ones on both sides, of a matrix a last one."""
    x = as_tensor(x)
    shape = {0: (1, 1, 1), 1: (1, *x.shape, 1), 2: (*x.shape, 1)}.get(x.ndim)
    result: Tensor = x if shape is None else ops.reshape(x, shape=shape)
    return result


def dstack(arrays: Sequence[Any]) -> Tensor:
    """Arrays one behind the other, along the third axis."""
    result: Tensor = ops.concat([atleast_3d(x) for x in arrays], axis=2)
    return result


def block(arrays: Any) -> Tensor:
    """An array of blocks: the innermost lists are joined along the last axis, those around them along the one before.

    >>> import chainrule as cr
    >>> cr.block([[cr.ones((1, 1)), cr.zeros((1, 2))], [cr.zeros((1, 3))]])
    Tensor([[1., 0., 0.],
            [0., 0., 0.]], float64)
    """

    def depth(part: Any) -> int:
        if not isinstance(part, list):
            return 0
        if not part:
            raise ShapeError("block: a list of blocks is empty")
        return 1 + depth(part[0])

    def most(part: Any) -> int:
        return max(map(most, part)) if isinstance(part, list) else as_tensor(part).ndim

    levels = depth(arrays)
    ndim = max(levels, most(arrays))

    def joined(part: Any, level: int) -> Any:
        if isinstance(part, list) != (level > 0):
            raise ShapeError("block: the lists of blocks are not nested alike")
        if level == 0:
            x = as_tensor(part)
            return ops.reshape(x, shape=(*[1] * (ndim - x.ndim), *x.shape))
        return ops.concat([joined(inner, level - 1) for inner in part], axis=-level)

    result: Tensor = joined(arrays, levels)
    return result


def array_split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """Consecutive parts along an axis: so many, the first ones longer by 1 where it does not divide, or cut as `split`.

    >>> import chainrule as cr
    >>> [part.shape for part in cr.array_split(cr.ones(5), 2)]
    [(3,), (2,)]
    """
    x = as_tensor(x)
    (at,) = infer.as_axes(axis, x.ndim)
    if isinstance(indices_or_sections, int):
        if indices_or_sections < 1:
            raise ArgumentError(f"array_split: expected one part at least, got {indices_or_sections}")
        short, longer = divmod(x.shape[at], indices_or_sections)
        ends = [i * short + min(i, longer) for i in range(indices_or_sections + 1)]
    else:
        ends = [0, *indices_or_sections, x.shape[at]]
    return [x[(*[slice(None)] * at, slice(a, b))] for a, b in pairwise(ends)]


def hsplit(x: Any, indices_or_sections: int | Sequence[int]) -> list[Tensor]:
    """`split` along the second axis, or the first of a vector."""
    return list(ops.split(x, indices_or_sections, 0 if as_tensor(x).ndim == 1 else 1))


def vsplit(x: Any, indices_or_sections: int | Sequence[int]) -> list[Tensor]:
    """`split` along the first axis."""
    return list(ops.split(x, indices_or_sections, 0))


def dsplit(x: Any, indices_or_sections: int | Sequence[int]) -> list[Tensor]:
    """`split` along the third axis."""
    return list(ops.split(x, indices_or_sections, 2))


def append(x: Any, values: Any, axis: int | None = None) -> Tensor:
    """`x` and `values` one after the other along an axis, flattened without one.

    >>> import chainrule as cr
    >>> cr.append(cr.tensor([1.0, 2.0]), 3.0)
    Tensor([1., 2., 3.], float64)
    """
    if axis is None:
        x, values, axis = ops.ravel(x), ops.ravel(values), 0
    result: Tensor = ops.concat([x, values], axis=axis)
    return result


def _places(name: str, index: Any, n: int) -> list[int]:
    """An index along an axis of length `n` as places that are not negative."""
    if isinstance(index, slice):
        return list(range(*index.indices(n)))
    given = index.tolist() if hasattr(index, "tolist") else index
    given = list(given) if isinstance(given, list | tuple | range) else [given]
    if given and all(isinstance(i, bool) for i in given):
        return [i for i, chosen in enumerate(given) if chosen]
    found = [i + n if i < 0 else i for i in map(int, given)]
    if any(not 0 <= i <= n for i in found):
        raise IndexingError(f"{name}: index {index!r} is outside of an axis of length {n}")
    return found


def delete(x: Any, index: Any, axis: int | None = None) -> Tensor:
    """`x` without the parts at some places along an axis, of the flattened array without one.

    >>> import chainrule as cr
    >>> cr.delete(cr.tensor([1.0, 2.0, 3.0]), [0, -1])
    Tensor([2.], float64)
    """
    x = ops.ravel(x) if axis is None else as_tensor(x)
    (at,) = infer.as_axes(axis or 0, x.ndim)
    n = x.shape[at]
    gone = set(_places("delete", index, n))
    if n in gone:
        raise IndexingError(f"delete: index {index!r} is outside of an axis of length {n}")
    result: Tensor = ops.take(x, [i for i in range(n) if i not in gone], axis=at)
    return result


def insert(x: Any, index: Any, values: Any, axis: int | None = None) -> Tensor:
    """`x` with `values` put in before some places along an axis, of the flattened array without one.

    Args:
        x: an array.
        index: one place, or several, as they are in `x`.
        values: what broadcasts to the places.
        axis: along which to put them in.

    >>> import chainrule as cr
    >>> cr.insert(cr.tensor([1.0, 2.0, 3.0]), [0, 2], cr.tensor([8.0, 9.0]))
    Tensor([8., 1., 2., 9., 3.], float64)
    """
    x = ops.ravel(x) if axis is None else as_tensor(x)
    (at,) = infer.as_axes(axis or 0, x.ndim)
    n = x.shape[at]
    single = not isinstance(index, slice) and not getattr(index, "ndim", 0) and not isinstance(index, list | tuple)
    places = _places("insert", index, n)
    values = ops.astype(as_tensor(values), dtype=x.dtype)
    if single and values.ndim:  # one place takes a whole part
        values = ops.moveaxis(values, 0, at) if values.ndim == x.ndim else ops.expand_dims(values, axis=at)
        if x.ndim == 1:
            values = ops.ravel(values)
        places = places * values.shape[at]
    shape = (*x.shape[:at], len(places), *x.shape[at + 1 :])
    both = ops.concat([x, ops.broadcast_to(values, shape=shape)], axis=at)
    new = sorted(range(len(places)), key=places.__getitem__)
    order: list[int] = []
    for i in range(n + 1):
        order += [n + j for j in new if places[j] == i]
        order += [i] if i < n else []
    result: Tensor = ops.take(both, order, axis=at)
    return result


def resize(x: Any, shape: Any) -> Tensor:
    """The elements in another shape, from the start again where it has more of them.

    >>> import chainrule as cr
    >>> cr.resize(cr.tensor([1, 2]), (3,))
    Tensor([1, 2, 1], int64)
    """
    x = ops.ravel(x)
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    size, n = infer.size(shape), x.shape[0]
    if not n:
        return ops.zeros_like(x, shape=shape)
    result: Tensor = ops.reshape(ops.take(x, [i % n for i in range(size or 0)], axis=0), shape=shape)
    return result


def diagflat(x: Any, k: int = 0) -> Tensor:
    """The matrix with the flattened array on a diagonal."""
    result: Tensor = ops.diag(ops.ravel(x), k)
    return result


def ix_(*vectors: Any) -> tuple[Tensor, ...]:
    """Vectors along one axis each, of booleans the places that are true: the index of a block of rows and columns.

    >>> import chainrule as cr
    >>> cr.tensor([[1, 2, 3], [4, 5, 6]])[cr.ix_([0, 1], [0, 2])]
    Tensor([[1, 3],
            [4, 6]], int64)
    """
    found = []
    for i, vector in enumerate(vectors):
        x = as_tensor(vector)
        if x.ndim != 1:
            raise ShapeError(f"ix_: expected vectors, got shape {x.shape}")
        x = ops.nonzero(x)[0] if x.dtype == "bool" else x
        found.append(ops.reshape(x, shape=(*[1] * i, -1, *[1] * (len(vectors) - i - 1))))
    return tuple(found)
