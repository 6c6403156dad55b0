"""Elements chosen by conditions, numbers and order; functions applied part by part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from chainrule import ArgumentError, ShapeError, Tensor, as_tensor, infer, ops


def select(conditions: Sequence[Any], choices: Sequence[Any], default: Any = 0) -> Tensor:
    """Each element from the first of the choices whose condition holds, else the default.

    Derivatives: to the choice that was taken.

    >>> import chainrule as cr
    >>> x = cr.tensor([-1.0, 0.5, 2.0])
    >>> cr.select([x < 0, x < 1], [0.0, x], 1.0)
    Tensor([0. , 0.5, 1. ], float64)
    """
    if len(conditions) != len(choices) or not conditions:
        raise ArgumentError(f"select: {len(conditions)} conditions for {len(choices)} choices; there is one for each")
    result = default
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        result = ops.where(condition, choice, result)
    tensor: Tensor = result
    return tensor


def piecewise(x: Any, conditions: Any, functions: Sequence[Any], *args: Any, **kwargs: Any) -> Tensor:
    """A function that is another one, or a number, where each condition holds, the last that holds deciding.

    Each function sees only the elements that are its own, so that none is called where it is not defined.

    Args:
        x: an array.
        conditions: arrays of booleans of its shape.
        functions: one for each condition, and perhaps one more for where none holds, which is 0 otherwise.
        *args, **kwargs: what the functions take besides.

    >>> import chainrule as cr
    >>> x = cr.tensor([-1.0, 4.0])
    >>> cr.grad(lambda x: cr.sum(cr.piecewise(x, [x < 0, x >= 0], [0.0, cr.sqrt])))(x)
    Tensor([0.  , 0.25], float64)
    """
    x = as_tensor(x)
    if getattr(conditions, "ndim", 0) == x.ndim + 1:
        conditions = ops.unstack(conditions)
    elif not isinstance(conditions, list | tuple) or (conditions and isinstance(conditions[0], bool)):
        conditions = [conditions]
    tests = [ops.broadcast_to(as_tensor(c), shape=x.shape) for c in conditions]
    if len(functions) == len(tests) + 1:
        none = ops.logical_not(tests[0])
        for test in tests[1:]:
            none = ops.logical_and(none, ops.logical_not(test))
        tests.append(none)
    if len(functions) != len(tests):
        raise ArgumentError(
            f"piecewise: {len(functions)} functions for {len(conditions)} conditions; one for each, or one more, fits"
        )
    y: Any = ops.zeros_like(x)
    for test, function in zip(tests, functions, strict=True):
        part = function(x[test], *args, **kwargs) if callable(function) else function
        y = ops.set_at(y, test, part)
    tensor: Tensor = y
    return tensor


def choose(index: Any, choices: Any, mode: str = "raise") -> Tensor:
    """Each element from the choice of that number.

    Args:
        index: integers.
        choices: arrays that broadcast with it and each other.
        mode: what numbers that are too small or large do: `"raise"` an error, `"wrap"` around, or `"clip"` to the ends.

    >>> import chainrule as cr
    >>> cr.choose(cr.tensor([0, 1, 0]), [cr.tensor([1.0, 2.0, 3.0]), -1.0])
    Tensor([ 1., -1.,  3.], float64)
    """
    parts = [as_tensor(choice) for choice in choices]
    index, *parts = ops.broadcast_arrays(index, *parts)
    n = len(parts)
    if mode == "wrap":
        index = ops.remainder(index, n)
    elif mode == "clip":
        index = ops.clip(index, 0, n - 1)
    elif mode != "raise":
        raise ArgumentError(f"choose: mode: expected 'raise', 'wrap' or 'clip', got {mode!r}")
    elif index.name is None and index.size and not bool(ops.all(ops.logical_and(index >= 0, index < n))):
        raise ArgumentError(f"choose: a number is not that of one of {n} choices; mode='wrap' and 'clip' allow it")
    result: Tensor = ops.take_along_axis(ops.stack(parts), index[None], axis=0)[0]
    return result


def compress(condition: Any, x: Any, axis: int | None = None) -> Tensor:
    """The parts of `x` along an axis for which a condition holds, of the flattened array without one.

    >>> import chainrule as cr
    >>> cr.compress([True, False, True], cr.tensor([1.0, 2.0, 3.0]))
    Tensor([1., 3.], float64)
    """
    (places,) = ops.nonzero(condition)
    result: Tensor = ops.take(x, places, axis=axis)
    return result


def extract(condition: Any, x: Any) -> Tensor:
    """The elements of the flattened array where a condition holds."""
    return compress(ops.ravel(condition), ops.ravel(x))


def argwhere(x: Any) -> Tensor:
    """The indices of the elements that are not 0, a row for each."""
    x = as_tensor(x)
    found = ops.nonzero(x if x.ndim else ops.ravel(x))
    result: Tensor = ops.stack(found, axis=1)
    return result if x.ndim else result[:, :0]


def flatnonzero(x: Any) -> Tensor:
    """The indices in the flattened array of the elements that are not 0."""
    result: Tensor = ops.nonzero(ops.ravel(x))[0]
    return result


def lexsort(keys: Any, axis: int = -1) -> Tensor:
    """The indices that put elements in order by several keys, the last one first.

    >>> import chainrule as cr
    >>> cr.lexsort([[1, 2, 3], [1, 0, 0]])
    Tensor([1, 2, 0], int64)
    """
    order: Any = None
    for key in keys if isinstance(keys, list | tuple) else ops.unstack(keys):
        x = as_tensor(key)
        if order is None:
            order = ops.argsort(x, axis=axis)
        else:
            order = ops.take_along_axis(
                order, ops.argsort(ops.take_along_axis(x, order, axis=axis), axis=axis), axis=axis
            )
    if order is None:
        raise ArgumentError("lexsort: expected one key at least")
    tensor: Tensor = order
    return tensor


def isin(x: Any, values: Any, invert: bool = False) -> Tensor:
    """Whether each element is one of some values.

    >>> import chainrule as cr
    >>> cr.isin(cr.tensor([1, 2, 3]), [2, 5])
    Tensor([False,  True, False], bool)
    """
    x = as_tensor(x)
    found = ops.any(ops.equal(x[..., None], ops.ravel(values)), axis=-1)
    result: Tensor = ops.logical_not(found) if invert else found
    return result


def unravel_index(indices: Any, shape: Any) -> tuple[Tensor, ...]:
    """Indices of the flattened array as indices of one of a shape, an array for each axis.

    >>> import chainrule as cr
    >>> cr.unravel_index(cr.tensor(5), (2, 3))
    (Tensor(1, int64), Tensor(2, int64))
    """
    rest = as_tensor(indices)
    found: list[Tensor] = []
    for n in reversed((shape,) if isinstance(shape, int) else tuple(shape)):
        found.insert(0, ops.remainder(rest, n))
        rest = ops.floor_divide(rest, n)
    return tuple(found)


def ravel_multi_index(multi_index: Sequence[Any], dims: Any) -> Tensor:
    """Indices of an array of a shape as indices of the flattened array.

    >>> import chainrule as cr
    >>> cr.ravel_multi_index((cr.tensor(1), cr.tensor(2)), (2, 3))
    Tensor(5, int64)
    """
    shape = (dims,) if isinstance(dims, int) else tuple(dims)
    if len(multi_index) != len(shape):
        raise ShapeError(f"ravel_multi_index: {len(multi_index)} arrays of indices for {len(shape)} axes")
    flat: Any = 0
    for index, n in zip(multi_index, shape, strict=True):
        flat = flat * n + as_tensor(index)
    tensor: Tensor = flat
    return tensor


def apply_along_axis(function: Callable[..., Any], axis: int, x: Any, *args: Any, **kwargs: Any) -> Tensor:
    """A function of vectors applied to each vector along an axis; what it gives lies where they were.

    Args:
        function: of a vector, to an array or a number.
        axis: along which the vectors lie.
        x: an array.
        *args, **kwargs: what the function takes besides.

    >>> import chainrule as cr
    >>> cr.apply_along_axis(cr.sum, 0, cr.tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor([4., 6.], float64)
    """
    x = as_tensor(x)
    (at,) = infer.as_axes(axis, x.ndim)
    lines = ops.moveaxis(x, at, -1)
    lead = lines.shape[:-1]
    if 0 in lead:
        raise ShapeError(f"apply_along_axis: shape {x.shape} has no vectors along axis {axis}")
    found = [as_tensor(function(line, *args, **kwargs)) for line in ops.unstack(ops.reshape(lines, (-1, x.shape[at])))]
    whole = ops.reshape(ops.stack(found), shape=(*lead, *found[0].shape))
    places = tuple(range(x.ndim - 1, whole.ndim))
    result: Tensor = ops.moveaxis(whole, places, tuple(range(at, at + len(places)))) if places else whole
    return result


def apply_over_axes(function: Callable[[Any, int], Any], x: Any, axes: int | Sequence[int]) -> Tensor:
    """`function(x, axis)` over one axis after the other, each kept with length 1.

    >>> import chainrule as cr
    >>> cr.apply_over_axes(cr.sum, cr.ones((2, 3)), [0, 1])
    Tensor([[6.]], float64)
    """
    x = as_tensor(x)
    for axis in infer.as_axes(axes if isinstance(axes, int) else tuple(axes), x.ndim):
        y = as_tensor(function(x, axis))
        x = ops.expand_dims(y, axis=axis) if y.ndim < x.ndim else y
    return x
