"""Arrangements with NumPy's arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from chainrule import ArgumentError, ShapeError, as_tensor, infer, ops


def _in_order(name: str, order: str, others: str = "AK") -> None:
    """Refuse another order of the elements than C's, or one that stands for it."""
    if order not in ("C", *others):
        raise ArgumentError(
            f"np.{name}: order {order!r} is not supported on tensors; elements are in C order, so transpose them first"
        )


def reshape(x: Any, shape: Any = None, order: str = "C", *, newshape: Any = None, copy: Any = None) -> Any:
    _in_order("reshape", order, "")
    return ops.reshape(x, shape=newshape if shape is None else shape)


def ravel(x: Any, order: str = "C") -> Any:
    _in_order("ravel", order)
    return ops.ravel(x)


def copy(x: Any, order: str = "K", subok: bool = False) -> Any:
    return ops.copy(x)


def broadcast_to(x: Any, shape: Any, subok: bool = False) -> Any:
    return ops.broadcast_to(x, shape=shape)


def broadcast_arrays(*arrays: Any, subok: bool = False) -> tuple[Any, ...]:
    return tuple(ops.broadcast_arrays(*arrays))


def _matrices(x: Any, axis1: int, axis2: int) -> Any:
    x = as_tensor(x)
    return (
        x if (axis1 % x.ndim, axis2 % x.ndim) == (x.ndim - 2, x.ndim - 1) else ops.moveaxis(x, (axis1, axis2), (-2, -1))
    )


def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return ops.diagonal(_matrices(x, axis1, axis2), offset)


def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    return ops.sum(ops.diagonal(_matrices(x, axis1, axis2), offset), axis=-1, dtype=dtype)


def each(name: str) -> Callable[..., Any]:
    """A function of one array that NumPy lets take several."""

    def called(*arrays: Any) -> Any:
        made = tuple(getattr(ops, name)(x) for x in arrays)
        return made[0] if len(made) == 1 else made

    return called


atleast_1d = each("atleast_1d")
atleast_2d = each("atleast_2d")
atleast_3d = each("atleast_3d")


def _cast(x: Any, dtype: Any) -> Any:
    return x if dtype is None else ops.astype(x, dtype=dtype)


def _along(name: str) -> Callable[..., Any]:
    """A function that joins arrays along an axis, in a dtype."""

    def joined(arrays: Sequence[Any], axis: Any = 0, *, dtype: Any = None, casting: str = "same_kind") -> Any:
        return _cast(getattr(ops, name)(arrays, axis=axis), dtype)

    return joined


def _beside(name: str) -> Callable[..., Any]:
    """A function that joins arrays, in a dtype."""

    def joined(arrays: Sequence[Any], *, dtype: Any = None, casting: str = "same_kind") -> Any:
        return _cast(getattr(ops, name)(arrays), dtype)

    return joined


concatenate = _along("concatenate")
stack = _along("stack")
hstack = _beside("hstack")
vstack = _beside("vstack")


def diff(x: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    x = as_tensor(x)
    (at,) = infer.as_axes(axis, x.ndim)
    shape = (*x.shape[:at], 1, *x.shape[at + 1 :])
    ends = [
        None if end is None else ops.broadcast_to(end, shape=shape) if as_tensor(end).ndim == 0 else end
        for end in (prepend, append)
    ]
    parts = [part for part in (ends[0], x, ends[1]) if part is not None]
    return ops.diff(ops.concat(parts, axis=at) if len(parts) > 1 else x, n, axis)


def gradient(f: Any, *spacing: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Differences along each of some axes: a tuple of arrays, or one for one axis."""
    f = as_tensor(f)
    axes = infer.as_axes(axis if axis is None or isinstance(axis, int) else tuple(axis), f.ndim)
    given = spacing or (1.0,)
    if len(given) == 1 and as_tensor(given[0]).ndim == 0:
        given = given * len(axes)
    if len(given) != len(axes):
        raise ArgumentError(f"np.gradient: {len(given)} spacings for {len(axes)} axes")
    made = [ops.central_differences(f, h, at, edge_order) for h, at in zip(given, axes, strict=True)]
    return made[0] if len(made) == 1 else tuple(made)


def meshgrid(*vectors: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Any, ...]:
    if indexing not in ("xy", "ij"):
        raise ArgumentError(f"np.meshgrid: indexing: expected 'xy' or 'ij', got {indexing!r}")
    n = len(vectors)
    order = [1, 0, *range(2, n)] if indexing == "xy" and n > 1 else list(range(n))
    thin = []
    for i, x in enumerate(vectors):
        shape = [1] * n
        shape[order[i]] = -1
        thin.append(ops.reshape(x, shape=tuple(shape)))
    return tuple(thin) if sparse else tuple(ops.broadcast_arrays(*thin))


def repeat(x: Any, repeats: Any, axis: int | None = None) -> Any:
    if isinstance(repeats, int):
        return ops.repeat(x, repeats, axis)
    counts = as_tensor(repeats).tolist()
    x = ops.ravel(x) if axis is None else as_tensor(x)
    (at,) = infer.as_axes(axis or 0, x.ndim)
    counts = counts if isinstance(counts, list) else [counts]
    counts = counts * x.shape[at] if len(counts) == 1 else counts
    if len(counts) != x.shape[at]:
        raise ShapeError(f"np.repeat: {len(counts)} numbers of repeats for axis {at} of shape {x.shape}")
    return ops.take(x, [i for i, n in enumerate(counts) for _ in range(n)], axis=at)


def take(x: Any, indices: Any, axis: int | None = None, mode: str = "raise") -> Any:
    if mode not in ("raise", "wrap", "clip"):
        raise ArgumentError(f"np.take: mode: expected 'raise', 'wrap' or 'clip', got {mode!r}")
    if mode != "raise":
        x = as_tensor(x)
        n = x.size if axis is None else x.shape[axis]
        indices = ops.remainder(indices, n) if mode == "wrap" else ops.clip(indices, 0, n - 1)
    return ops.take(x, indices, axis)


def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    return ops.cross(a, b, *((axisa, axisb, axisc) if axis is None else (axis, axis, axis)))


def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    return ops.insert(arr, obj, values, axis)


def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    return ops.delete(arr, obj, axis)


def unravel_index(indices: Any, shape: Any, order: str = "C") -> Any:
    _in_order("unravel_index", order)
    return ops.unravel_index(indices, shape)


def ravel_multi_index(multi_index: Any, dims: Any, mode: str = "raise", order: str = "C") -> Any:
    _in_order("ravel_multi_index", order)
    if mode != "raise":
        raise ArgumentError(
            f"np.ravel_multi_index: mode {mode!r} is not supported on tensors; use cr.clip or cr.remainder"
        )
    return ops.ravel_multi_index(multi_index, dims)


def tril_indices_from(x: Any, k: int = 0) -> Any:
    return ops.nonzero(ops.tril(ops.ones_like(x, dtype="int64"), k=k))


def triu_indices_from(x: Any, k: int = 0) -> Any:
    return ops.nonzero(ops.triu(ops.ones_like(x, dtype="int64"), k=k))


def diag_indices_from(x: Any) -> Any:
    x = as_tensor(x)
    if x.ndim < 2 or len(set(x.shape)) != 1:
        raise ShapeError(f"np.diag_indices_from: expected two axes or more, all of one length, got shape {x.shape}")
    return (ops.arange(x.shape[0]),) * x.ndim
