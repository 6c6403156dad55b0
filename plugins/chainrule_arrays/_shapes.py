"""Shape manipulation: the same elements in another arrangement. All linear, each the transpose of another."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from chainrule import (
    ArgumentError,
    Dim,
    IndexingError,
    ShapeError,
    Tensor,
    UnknownSizeError,
    as_tensor,
    fronts,
    infer,
    op,
    ops,
    widens,
)


def _reshaped(x: Any, shape: tuple[int, ...]) -> Any:
    total: Any = infer.size(x.shape)
    known: Any = infer.size(tuple(n for n in shape if n != -1))
    if shape.count(-1) > 1:
        raise ShapeError(f"shape {shape} has more than one -1")
    if -1 in shape:
        if total is not None and (known == 0 or total % known not in (0, None)):
            raise ShapeError(f"cannot reshape {total} elements of shape {x.shape} to shape {shape}")
        rest: Any = None if total is None or known is None else total // known
        shape = tuple(rest if n == -1 else n for n in shape)
    elif not infer.may_equal((total,), (known,)):
        raise ShapeError(f"cannot reshape {total} elements of shape {x.shape} to shape {shape}")
    return infer.Spec(shape, x.dtype)


@op(infer=_reshaped, gradient=lambda g, _y, _x, shape: ops.reshape(g, shape=_x.shape), name="reshape", linear="joint")
def _reshape(xp: Any, x: Any, /, shape: tuple[int, ...]) -> Any:
    return xp.reshape(x, shape)


@widens(_reshape)
def reshape(x: Any, /, shape: Any, copy: bool | None = None) -> Any:
    """The elements in another shape, in the same order; one -1 stands for whatever is left.

    Args:
        x: an array of any shape.
        shape: the lengths.
        copy: for other libraries' sake. Tensors are immutable: whether two lie in one place in memory never shows.

    >>> import chainrule as cr
    >>> cr.reshape(cr.tensor([1, 2, 3, 4]), (2, -1))
    Tensor([[1, 2],
            [3, 4]], int64)
    """
    return _reshape(x, shape=shape)


def _permuted(x: Any, axes: tuple[int, ...]) -> Any:
    if x.shape is not None:
        if len(axes) != len(x.shape):
            raise ShapeError(f"axes {axes} do not permute the {len(x.shape)} axes of shape {x.shape}")
        axes = infer.as_axes(axes, len(x.shape))
    return infer.Spec(None if x.shape is None else tuple(x.shape[a] for a in axes), x.dtype)


def _inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    axes = tuple(a % len(axes) for a in axes)
    return tuple(axes.index(i) for i in range(len(axes)))


@op(infer=_permuted, gradient=lambda g, _y, _x, axes: ops.permute_dims(g, axes=_inverse(axes)), linear="joint")
def permute_dims(xp: Any, x: Any, /, axes: tuple[int, ...]) -> Any:
    """The axes in another order: axis `i` of the result is axis `axes[i]` of `x`."""
    return xp.permute_dims(x, axes)


@op(
    infer=lambda x: x if x.shape is None else _permuted(x, (*range(len(x.shape) - 2), -1, -2)),
    gradient=lambda g, _y, _x: ops.matrix_transpose(g),
    linear="joint",
)
def matrix_transpose(xp: Any, x: Any, /) -> Any:
    """The last two axes exchanged."""
    return xp.matrix_transpose(x)


def transpose(x: Any, axes: Sequence[int] | None = None) -> Tensor:
    """The axes in another order, reversed by default.

    >>> import chainrule as cr
    >>> cr.transpose(cr.tensor([[1, 2, 3]])).shape
    (3, 1)
    """
    x = as_tensor(x)
    result: Tensor = permute_dims(x, axes=tuple(range(x.ndim))[::-1] if axes is None else tuple(axes))
    return result


def moveaxis(x: Any, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """Move axes to other places; the rest keep their order."""
    x = as_tensor(x)
    sources = infer.as_axes(source if isinstance(source, int) else tuple(source), x.ndim)
    targets = infer.as_axes(destination if isinstance(destination, int) else tuple(destination), x.ndim)
    if len(sources) != len(targets):
        raise ArgumentError(f"moveaxis: {len(sources)} source axes for {len(targets)} destinations")
    order = [i for i in range(x.ndim) if i not in sources]
    for target, source_axis in sorted(zip(targets, sources, strict=True)):
        order.insert(target, source_axis)
    return transpose(x, order)


def swapaxes(x: Any, axis1: int, axis2: int) -> Tensor:
    """Exchange two axes."""
    x = as_tensor(x)
    (first,), (second,) = infer.as_axes(axis1, x.ndim), infer.as_axes(axis2, x.ndim)
    order = list(range(x.ndim))
    order[first], order[second] = second, first
    return transpose(x, order)


@op(
    infer=lambda x, shape: infer.Spec(broadcast_shape(x.shape, shape), x.dtype),
    gradient=lambda g, _y, _x, shape: ops.sum_to(g, shape=_x.shape),
    linear="joint",
)
def broadcast_to(xp: Any, x: Any, /, shape: tuple[int, ...]) -> Any:
    """Repeat along new axes and axes of length 1 until the shape is `shape`."""
    return xp.broadcast_to(x, shape)


def broadcast_shape(have: Any, want: Any) -> Any:
    """`want`, where a length that is not known is that of `have`, if that is known and not 1."""
    if have is None:
        return want
    lead = len(want) - len(have)
    pairs = list(zip((1,) * lead + have, want, strict=True)) if lead >= 0 else []
    if lead < 0 or any(h not in (1, w) and None not in (h, w) for h, w in pairs):
        raise ShapeError(f"shape {have} does not broadcast to {want}")
    return tuple(h if isinstance(h, int) and h != 1 else w for h, w in pairs)


def _lengths(x: Tensor) -> tuple[int, ...]:
    """The shape; an error where not even the number of axes is known."""
    return x.shape[: x.ndim]


def broadcast_arrays(*arrays: Any) -> list[Tensor]:
    """Each of some arrays in the shape that all of them broadcast to."""
    tensors = [as_tensor(a) for a in arrays]
    shape = infer.broadcast_shapes(*map(_lengths, tensors))
    return [t if t.shape == shape else ops.broadcast_to(t, shape=shape) for t in tensors]


def meshgrid(*arrays: Any, indexing: str = "xy") -> list[Tensor]:
    """Coordinates of a grid: each of some vectors, repeated along an axis for each of the others.

    Args:
        *arrays: the coordinates along each axis, in one dimension, or single numbers.
        indexing: `"ij"` for the vectors' axes in their order, `"xy"` for the first two exchanged.

    Raises:
        ArgumentError: `indexing` is neither.

    >>> import chainrule as cr
    >>> x, y = cr.meshgrid(cr.tensor([1.0, 2.0]), cr.tensor([3.0, 4.0, 5.0]))
    >>> x.shape
    (3, 2)
    """
    if indexing not in ("xy", "ij"):
        raise ArgumentError(f"meshgrid: indexing is 'xy' or 'ij', got {indexing!r}")
    n = len(arrays)
    places = [1, 0, *range(2, n)] if indexing == "xy" and n > 1 else range(n)
    return broadcast_arrays(
        *(reshape(x, (*[1] * at, -1, *[1] * (n - at - 1))) for x, at in zip(arrays, places, strict=True))
    )


def expand_dims(x: Any, axis: int | Sequence[int] = 0) -> Tensor:
    """New axes of length 1, at these places of the result.

    Raises:
        IndexingError: the result has no such place.
    """
    x = as_tensor(x)
    given = (axis,) if isinstance(axis, int) else tuple(axis)
    try:
        axes = infer.as_axes(given, x.ndim + len(given))
    except ShapeError as error:
        raise IndexingError(f"expand_dims: {error}") from None
    rest = iter(x.shape)
    shape = tuple(1 if i in axes else next(rest) for i in range(x.ndim + len(given)))
    result: Tensor = reshape(x, shape=shape)
    return result


def squeeze(x: Any, axis: int | Sequence[int] | None = None) -> Tensor:
    """Without these axes of length 1; without all of them if None.

    Raises:
        ShapeError: one of the axes is longer.
        UnknownSizeError: no axes are given, and some length is not known yet.
    """
    x = as_tensor(x)
    if axis is None:
        if None in _lengths(x):
            raise UnknownSizeError(
                f"squeeze: of shape {x.shape} it is not known yet which axes are of length 1; say which"
            )
        axes = tuple(i for i, n in enumerate(x.shape) if n == 1)
    else:
        axes = infer.as_axes(axis if isinstance(axis, int) else tuple(axis), x.ndim)
    if any(x.shape[i] not in (1, None) for i in axes):
        raise ShapeError(f"squeeze: axis {axis} of shape {x.shape} is not of length 1")
    result: Tensor = reshape(x, shape=tuple(n for i, n in enumerate(x.shape) if i not in axes))
    return result


def ravel(x: Any) -> Tensor:
    """All elements in one dimension."""
    result: Tensor = reshape(x, shape=(-1,))
    return result


@op(infer=lambda x, axis: x, gradient=lambda g, _y, _x, axis: ops.flip(g, axis=axis), linear="joint")
def flip(xp: Any, x: Any, /, axis: int | tuple[int, ...] | None = None) -> Any:
    """The elements in reverse order along some axes, or all."""
    return xp.flip(x, axis=axis)


@op(
    infer=lambda x, shift, axis: x,
    gradient=lambda g, _y, _x, shift, axis: ops.roll(
        g, shift=tuple(-s for s in shift) if isinstance(shift, tuple) else -shift, axis=axis
    ),
    linear="joint",
)
def roll(xp: Any, x: Any, /, shift: int | tuple[int, ...], axis: int | tuple[int, ...] | None = None) -> Any:
    """The elements moved along some axes; what leaves at an end comes back at the other."""
    return xp.roll(x, shift, axis=axis)


def _joined(*specs: Any, axis: int) -> Any:
    if not specs:
        raise ShapeError("needs at least one array")
    dtype = infer.result_dtype(*specs)
    shapes = [s.shape for s in specs]
    known = [shape for shape in shapes if shape is not None]
    if not known:
        return infer.Spec(None, dtype)
    (at,) = infer.as_axes(axis, len(known[0]))
    try:
        others = infer.common_shape(*((*shape[:at], 1, *shape[at + 1 :]) for shape in known))
    except ShapeError:
        raise ShapeError(f"shapes {', '.join(map(str, shapes))} differ elsewhere than along axis {axis}") from None
    assert others is not None
    lengths: list[Any] = [None if shape is None else shape[at] for shape in shapes]
    total = None if any(n is None for n in lengths) else sum(lengths)
    return infer.Spec((*others[:at], total, *others[at + 1 :]), dtype)


def _split_back(g: Any, _y: Any, *_inputs: Any, axis: int) -> list[Any]:
    """The part of the cotangent that belongs to each array."""
    parts, start = [], 0
    for x in _inputs:
        stop = start + x.shape[axis]
        parts.append(g[(*[slice(None)] * (axis % g.ndim), slice(start, stop))])
        start = stop
    return parts


@op(infer=_joined, gradient=_split_back, name="concat", sequence=True, linear="joint")
def _concat(xp: Any, /, *arrays: Any, axis: int = 0) -> Any:
    return xp.concat(arrays, axis=axis)


@fronts(_concat)
def concat(arrays: Sequence[Any], /, axis: int | None = 0) -> Tensor:
    """Arrays one after the other along an axis they have, or flattened for `axis=None`.

    Derivative: of each array, its part of `g`.

    >>> import chainrule as cr
    >>> cr.concat([cr.tensor([1.0]), cr.tensor([2.0, 3.0])])
    Tensor([1., 2., 3.], float64)
    """
    result: Tensor = _concat(arrays, axis=axis) if axis is not None else _concat([ravel(a) for a in arrays])
    return result


def concatenate(arrays: Sequence[Any], axis: int | None = 0) -> Tensor:
    """`concat`, by NumPy's name."""
    return concat(arrays, axis)


def _stacked(*specs: Any, axis: int) -> Any:
    if not specs:
        raise ShapeError("needs at least one array")
    shape = infer.common_shape(*(s.shape for s in specs))
    if shape is not None:
        (at,) = infer.as_axes(axis, len(shape) + 1)
        shape = (*shape[:at], len(specs), *shape[at:])
    return infer.Spec(shape, infer.result_dtype(*specs))


@op(
    infer=_stacked,
    gradient=lambda g, _y, *_inputs, axis: [g[(*[slice(None)] * (axis % g.ndim), i)] for i in range(len(_inputs))],
    sequence=True,
    linear="joint",
)
def stack(xp: Any, /, *arrays: Any, axis: int = 0) -> Any:
    """Arrays of one shape beside each other along a new axis."""
    return xp.stack(arrays, axis=axis)


def unstack(x: Any, axis: int = 0) -> tuple[Tensor, ...]:
    """The slices along an axis: the inverse of `stack`.

    Raises:
        UnknownSizeError: how long the axis is, and so how many slices there are, is not known yet.
    """
    x = as_tensor(x)
    at = axis % x.ndim
    if type(x.shape[at]) is Dim:
        raise UnknownSizeError(
            f"unstack: the length of axis {axis} of shape {x.shape} is not known yet; give the placeholder that length"
        )
    return tuple(x[(*[slice(None)] * at, i)] for i in range(x.shape[at]))


def split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """Consecutive parts along an axis: so many of equal length, or cut before each of these indices.

    Raises:
        ShapeError: the axis does not divide into equal parts.
    """
    x = as_tensor(x)
    at = axis % x.ndim
    before, n, after = x.shape[:at], x.shape[at], x.shape[at + 1 :]
    if isinstance(indices_or_sections, int):
        if n % indices_or_sections not in (0, None):
            raise ShapeError(f"split: axis {axis} of length {n} does not divide into {indices_or_sections} equal parts")
        return list(unstack(reshape(x, (*before, indices_or_sections, n // indices_or_sections, *after)), at))
    return [x[(*[slice(None)] * at, slice(a, b))] for a, b in pairwise([0, *indices_or_sections, n])]


def atleast_1d(x: Any) -> Tensor:
    """At least one axis."""
    x = as_tensor(x)
    return x if x.ndim else ravel(x)


def atleast_2d(x: Any) -> Tensor:
    """At least two axes, new ones in front."""
    x = atleast_1d(x)
    return x if x.ndim > 1 else expand_dims(x, 0)


def hstack(arrays: Sequence[Any]) -> Tensor:
    """Arrays side by side: along the second axis, or the first of one-dimensional ones."""
    tensors = [atleast_1d(a) for a in arrays]
    return concatenate(tensors, axis=0 if tensors[0].ndim == 1 else 1)


def vstack(arrays: Sequence[Any]) -> Tensor:
    """Arrays one below the other, rows of one-dimensional ones."""
    return concatenate([atleast_2d(a) for a in arrays], axis=0)


def column_stack(arrays: Sequence[Any]) -> Tensor:
    """One-dimensional arrays as columns, beside two-dimensional ones as they are."""
    tensors = [as_tensor(a) for a in arrays]
    return concatenate([t if t.ndim > 1 else reshape(t, shape=(-1, 1)) for t in tensors], axis=1)


def tile(x: Any, repetitions: int | Sequence[int]) -> Tensor:
    """The whole array so many times along each axis."""
    x = as_tensor(x)
    reps = (repetitions,) if isinstance(repetitions, int | Dim) else tuple(repetitions)
    ndim = max(x.ndim, len(reps))
    reps = (1,) * (ndim - len(reps)) + reps
    shape = (1,) * (ndim - x.ndim) + x.shape
    pairs = [(r, n) for r, n in zip(reps, shape, strict=True)]
    thin = reshape(x, shape=tuple(n for pair in pairs for n in (1, pair[1])))
    full = broadcast_to(thin, shape=tuple(n for pair in pairs for n in pair))
    result: Tensor = reshape(full, shape=tuple(r * n for r, n in pairs))
    return result


def repeat(x: Any, repeats: Any, axis: int | None = None) -> Tensor:
    """Each element so many times in a row, along an axis or of the flattened array.

    Args:
        x: an array of any shape.
        repeats: how many times; an array of one number for each place along the axis.
        axis: the axis.
    """
    x = ravel(x) if axis is None else as_tensor(x)
    at = (axis or 0) % x.ndim
    if type(repeats) is not Dim and not isinstance(repeats, int):
        repeats = as_tensor(repeats)
        if repeats.size != 1:
            return _repeated_by(x, repeats, at)
        repeats = int(repeats)
    thin = expand_dims(x, at + 1)
    full = broadcast_to(thin, shape=(*x.shape[: at + 1], repeats, *x.shape[at + 1 :]))
    result: Tensor = reshape(full, shape=(*x.shape[:at], x.shape[at] * repeats, *x.shape[at + 1 :]))
    return result


def _repeated_by(x: Tensor, repeats: Tensor, axis: int) -> Tensor:
    """`x` with each place along an axis repeated by a number of its own."""
    if repeats.shape != x.shape[axis : axis + 1]:
        raise ShapeError(f"repeat: expected {x.shape[axis]} numbers for axis {axis}, got shape {repeats.shape}")
    ends = ops.cumulative_sum(repeats)
    places = ops.searchsorted(ends, ops.arange(int(ends[-1]) if x.shape[axis] else 0, device=x.device), side="right")
    return x[(*[slice(None)] * axis, places)]


@op(infer=lambda x, k: x, gradient=lambda g, _y, _x, k: ops.tril(g, k=k), linear="joint")
def tril(xp: Any, x: Any, /, k: int = 0) -> Any:
    """The lower triangles of matrices, zeros above diagonal `k`."""
    return xp.tril(x, k=k)


@op(infer=lambda x, k: x, gradient=lambda g, _y, _x, k: ops.triu(g, k=k), linear="joint")
def triu(xp: Any, x: Any, /, k: int = 0) -> Any:
    """The upper triangles of matrices, zeros below diagonal `k`."""
    return xp.triu(x, k=k)


def diagonal(x: Any, offset: int = 0) -> Tensor:
    """The diagonals of matrices, the last two axes.

    Raises:
        ShapeError: it has less than two axes.
    """
    x = as_tensor(x)
    if x.ndim < 2:
        raise ShapeError(f"diagonal: takes matrices, got shape {x.shape}")
    if offset:
        x = x[..., max(-offset, 0) :, max(offset, 0) :]
    n = x.shape[-1]  # in a row of all elements a diagonal's are one row and one element apart
    return reshape(x, (*x.shape[:-2], x.shape[-2] * n))[..., : n * n : n + 1]


def trace(x: Any, offset: int = 0) -> Tensor:
    """The sum of the diagonal."""
    result: Tensor = ops.sum(diagonal(x, offset), axis=-1)
    return result


def diag(x: Any, k: int = 0) -> Tensor:
    """The diagonal of a matrix, or the matrix with a vector on its diagonal."""
    x = as_tensor(x)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ShapeError(f"diag: takes a vector or a matrix, got shape {x.shape}")
    n = x.shape[0] + abs(k)
    start = max(k, 0) + max(-k, 0) * n
    place = slice(start, start + x.shape[0] * (n + 1), n + 1)
    result: Tensor = reshape(ops.add_at(ops.full_like(x, 0, shape=(n * n,)), place, x), (n, n))
    return result
