"""Batching rules of the operations here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from chainrule import ShapeError, Spec, Tensor, bool_, int64, ops
from chainrule.batching import Batch, Rule, aligned, along, broadcast, everywhere, flattened, shifted, stacked
from chainrule_arrays._indexing import ARRAY, indexed

# Shapes


def _reshape(batch: Batch, x: Any, shape: tuple[Any, ...]) -> Any:
    return ops.reshape(x, shape=(batch.size, *(batch.results[0].shape or ())))


def _broadcast_to(batch: Batch, x: Any, shape: tuple[Any, ...]) -> Any:
    new = len(shape) - (x.ndim - 1)
    if new:
        x = ops.reshape(x, shape=(batch.size, *[1] * new, *x.shape[1:]))
    return ops.broadcast_to(x, shape=(batch.size, *(batch.results[0].shape or ())))


def _permute_dims(batch: Batch, x: Any, axes: tuple[int, ...]) -> Any:
    return ops.permute_dims(x, axes=(0, *shifted(axes, x.ndim - 1)))


def _concat(batch: Batch, *arrays: Any, axis: int) -> Any:
    return batch.run(*arrays, axis=shifted(axis, arrays[0].ndim - 1))


def _stack(batch: Batch, *arrays: Any, axis: int) -> Any:
    return batch.run(*arrays, axis=shifted(axis, arrays[0].ndim))


# Products


def _matmul(batch: Batch, a: Any, b: Any) -> Any:
    """A vector becomes a row or a column, since with the batch's axis it would be taken for a matrix."""
    row, column = batch.rank(a, 0) == 1, batch.rank(b, 1) == 1
    if row and column:
        return ops.sum(a * b, axis=-1)
    if row:
        return _matmul(batch, a[..., None, :], b)[..., 0, :]
    if column:
        return _matmul(batch, a, b[..., None])[..., 0]
    return ops.matmul(*aligned(batch, (a, b), (2, 2)))


def _einsum(batch: Batch, *operands: Any, subscripts: str) -> Any:
    from string import ascii_letters

    inputs, _, output = subscripts.partition("->")
    letter = next(c for c in ascii_letters if c not in subscripts)
    terms = [letter * has + term for has, term in zip(batch.has, inputs.split(","), strict=True)]
    return batch.run(*operands, subscripts=f"{','.join(terms)}->{letter}{output}")


def _tensordot(batch: Batch, a: Any, b: Any, pairs: tuple[tuple[int, ...], tuple[int, ...]]) -> Any:
    """The contraction itself where one operand has the batch, whose axis is one of those that are left; a matrix
    product over the batch where both have."""
    left, right = pairs
    if batch.has == (True, False):
        return batch.run(a, b, pairs=(shifted(left, a.ndim - 1), right))
    if batch.has == (False, True):
        product = batch.run(a, b, pairs=(left, shifted(right, b.ndim - 1)))
        return ops.moveaxis(product, a.ndim - len(left), 0)
    kept_a = [i for i in range(a.ndim - 1) if i not in left]
    kept_b = [j for j in range(b.ndim - 1) if j not in right]
    rows, inner = (_length(a, axes) for axes in (kept_a, left))
    columns = _length(b, kept_b)
    first = ops.permute_dims(a, axes=(0, *shifted((*kept_a, *left), a.ndim - 1)))
    second = ops.permute_dims(b, axes=(0, *shifted((*right, *kept_b), b.ndim - 1)))
    product = ops.matmul(
        ops.reshape(first, shape=(batch.size, rows, inner)), ops.reshape(second, shape=(batch.size, inner, columns))
    )
    return ops.reshape(product, shape=(batch.size, *(batch.results[0].shape or ())))


def _length(x: Tensor, axes: Any) -> Any:
    """How many elements some axes behind the batch's have together."""
    total: Any = 1
    for axis in axes:
        total = total * x.shape[axis + 1]
    return total


# Indices


class _Place:
    """An index of arrays with a batch's axis in front, and where it puts the axes that it gives.

    Attributes:
        key, arrays: the index.
        order: the axes of what the index gives, in the order that they have behind the batch's axis.
    """

    def __init__(self, batch: Batch, x: Spec, key: Any, arrays: Any, has: Any, inside: bool) -> None:
        """Make one.

        Args:
            batch: what the rule is told.
            x: what is indexed, without the batch's axis.
            key, arrays: the index.
            has: which of the arrays have the batch's axis.
            inside: whether what is indexed has it.
        """
        for array, h in zip(arrays, has, strict=True):
            if h and array.dtype == bool_:
                raise ShapeError(
                    "vmap: x[mask] gives as many elements as the mask has true ones, which differs within the batch; "
                    "use cr.where(mask, x, 0.0)"
                )
        place, width, ndim = _layout(x, key, [_spec(a, h) for a, h in zip(arrays, has, strict=True)])
        if not any(has):
            self.key, self.arrays = ((None, None, None), *key), tuple(arrays)
            self.order = tuple(range(ndim + 1))
            if width and _apart(key):  # arrays that are apart give their axes first, before the batch's too
                self.order = (width, *range(width), *range(width + 1, ndim + 1))
            return
        self.arrays = tuple(
            ops.reshape(a, shape=(batch.size, *[1] * (width - a.ndim + 1), *a.shape[1:]))
            if h and a.ndim <= width
            else a
            for a, h in zip(arrays, has, strict=True)
        )
        if inside:
            first = ops.reshape(ops.arange(batch.size), shape=(batch.size, *[1] * width))
            self.key, self.arrays = (ARRAY, *key), (first, *self.arrays)
            rest = range(width + 1, ndim + 1)
            self.order = (0, *rest[:place], *range(1, width + 1), *rest[place:])
        else:
            self.key = key
            self.order = (place, *range(place), *range(place + 1, ndim + 1))

    @property
    def is_in_order(self) -> bool:
        return self.order == tuple(range(len(self.order)))

    def taken(self, y: Any) -> Any:
        """What the index gave, with the batch's axis in front and the others behind it."""
        return y if self.is_in_order else ops.permute_dims(y, axes=self.order)

    def put(self, values: Any) -> Any:
        """The other way."""
        if self.is_in_order:
            return values
        return ops.permute_dims(values, axes=tuple(self.order.index(i) for i in range(len(self.order))))


def _spec(x: Any, has: bool) -> Spec:
    return Spec(x.shape[has:], x.dtype)


def _is_array(part: Any) -> bool:
    """Whether part of an index that has arrays is one of them; integers are too."""
    return part is not None and part is not Ellipsis and not isinstance(part, tuple)


def _apart(key: Any) -> bool:
    """Whether slices or new axes stand between the arrays of an index."""
    places = [i for i, part in enumerate(key) if _is_array(part)]
    return places != list(range(places[0], places[0] + len(places)))


def _layout(x: Spec, key: Any, arrays: Any) -> tuple[int, int, int]:
    """Of what an index gives: where the axes of the arrays are, how many they are, and how many there are in all."""
    ndim = len(indexed(x, *arrays, key=key).shape or ())
    if not arrays:
        return 0, 0, ndim
    width = max(1 if a.dtype == bool_ else len(a.shape or ()) for a in arrays)
    if _apart(key):
        return 0, width, ndim
    place = 0
    for part in key:
        if _is_array(part):
            break
        place += ndim - width - sum(p is None or isinstance(p, tuple) for p in key) if part is Ellipsis else 1
    return place, width, ndim


def _getitem(batch: Batch, x: Any, *arrays: Any, key: Any) -> Any:
    place = _Place(batch, _spec(x, batch.has[0]), key, arrays, batch.has[1:], batch.has[0])
    return place.taken(batch.run(x, *place.arrays, key=place.key))


def _scatter_add(batch: Batch, values: Any, *arrays: Any, key: Any, shape: Any) -> Any:
    place = _Place(batch, Spec(shape, values.dtype), key, arrays, batch.has[1:], True)
    values = place.put(batch.spread(values, 0))
    return batch.run(values, *place.arrays, key=place.key, shape=(batch.size, *shape))


def _update(batch: Batch, x: Any, values: Any, *arrays: Any, key: Any) -> Any:
    x = batch.spread(x, 0)
    place = _Place(batch, _spec(x, True), key, arrays, batch.has[2:], True)
    missing = len(place.order) - 1 - batch.rank(values, 1)
    if batch.has[1] and missing:
        values = ops.reshape(values, shape=(batch.size, *[1] * missing, *values.shape[1:]))
    elif not batch.has[1]:
        values = ops.reshape(values, shape=(*[1] * (missing + 1), *values.shape))
    return batch.run(x, place.put(values), *place.arrays, key=place.key)


def _along_axis(batch: Batch, x: Any, indices: Any, axis: int, **attributes: Any) -> Any:
    return batch.run(x, indices, axis=shifted(axis, x.ndim - 1), **attributes)


def _scatter_add_rows(batch: Batch, values: Any, indices: Any, rows: int) -> Any:
    """Rows of each element of the batch after those of the last; or beside each other, where all go the same way."""
    if not batch.has[1]:
        return ops.moveaxis(batch.run(ops.moveaxis(values, 0, 1), indices, rows=rows), 1, 0)
    values = batch.spread(values, 0)
    own = ops.where(indices < 0, indices + rows, indices) + ops.arange(batch.size)[:, None] * rows
    flat = ops.reshape(values, shape=(batch.size * values.shape[1], *values.shape[2:]))
    total = batch.run(flat, ops.reshape(own, shape=(flat.shape[0],)), rows=batch.size * rows)
    return ops.reshape(total, shape=(batch.size, rows, *values.shape[2:]))


def _searchsorted(batch: Batch, x: Any, v: Any, side: str) -> Any:
    """Where each of the batch has edges of its own, by counting those before: NaN comes after everything."""
    if not batch.has[0]:
        return batch.run(x, v, side=side)
    v = batch.spread(v, 1)
    edges = ops.reshape(x, shape=(batch.size, *[1] * (v.ndim - 1), x.shape[1]))
    v = v[..., None]
    if side == "right":
        before = edges <= v
        before = ops.logical_or(before, ops.isnan(v)) if v.dtype.is_inexact else before
    else:
        before = ops.logical_not(v <= edges)
        before = ops.logical_and(before, ops.logical_not(ops.isnan(edges))) if x.dtype.is_inexact else before
    return ops.sum(ops.astype(before, dtype=int64), axis=-1)


def _convolve(batch: Batch, a: Any, v: Any) -> Any:
    """Each window of the longer vector times the shorter one, backwards."""
    a, v = batch.spread(a, 0), batch.spread(v, 1)
    if a.shape[1] < v.shape[1]:
        a, v = v, a
    n, m = a.shape[1], v.shape[1]
    gap = ops.zeros_like(a, shape=(batch.size, m - 1))
    places = ops.arange(n + m - 1)[:, None] + ops.arange(m)
    windows = ops.concat([gap, a, gap], axis=1)[:, places]
    return ops.matmul(windows, ops.flip(v, axis=1)[..., None])[..., 0]


def _nonzero(batch: Batch, x: Any) -> Any:
    raise ShapeError(
        "vmap: nonzero gives as many indices as there are elements that are not 0, which differs within the batch; "
        "use cr.where, or cr.count_nonzero"
    )


REDUCTIONS: Final = ("sum", "prod", "mean", "var", "std", "max", "min", "logsumexp", "vector_norm", "all", "any")

RULES: Final[Mapping[str, Rule]] = {
    **dict.fromkeys((*REDUCTIONS, "count_nonzero", "cumulative_sum", "cumulative_prod", "flip"), along()),
    **dict.fromkeys(("softmax", "log_softmax", "sort", "argsort", "cumulative_max", "cumulative_min"), along()),
    **dict.fromkeys(("argmax", "argmin", "roll"), flattened(along())),
    **dict.fromkeys(("tril", "triu", "matrix_transpose", "sinc"), stacked()),
    **dict.fromkeys(("where", "clip"), broadcast),
    "reshape": _reshape,
    "broadcast_to": _broadcast_to,
    "permute_dims": _permute_dims,
    "concat": everywhere(_concat),
    "stack": everywhere(_stack),
    "matmul": _matmul,
    "einsum": _einsum,
    "tensordot": _tensordot,
    "getitem": _getitem,
    "scatter_add": _scatter_add,
    "add_at": _update,
    "set_at": _update,
    "take_along_axis": everywhere(_along_axis),
    "scatter_add_along_axis": everywhere(_along_axis),
    "scatter_add_rows": _scatter_add_rows,
    "order_statistics": stacked(1, 1),
    "searchsorted": _searchsorted,
    "convolve": _convolve,
    "nonzero": _nonzero,
    "softmax_cross_entropy": everywhere(stacked()),
    "sparse_softmax_cross_entropy": everywhere(stacked()),
}
