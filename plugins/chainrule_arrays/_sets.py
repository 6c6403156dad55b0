"""Elements without their repetitions. Each element that is kept has the gradient; the others have none.

The elements come in order, as many as differ: that many is not known before a program runs. NaN differs from all.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from chainrule import Tensor, as_tensor, ops


class UniqueAll(NamedTuple):
    """What `unique_all` gives."""

    values: Tensor
    indices: Tensor
    inverse_indices: Tensor
    counts: Tensor


class UniqueCounts(NamedTuple):
    """What `unique_counts` gives."""

    values: Tensor
    counts: Tensor


class UniqueInverse(NamedTuple):
    """What `unique_inverse` gives."""

    values: Tensor
    inverse_indices: Tensor


def unique_all(x: Any, /) -> UniqueAll:
    """The elements without repetitions, where they are and how often.

    Args:
        x: an array of any shape.

    Returns:
        A named tuple: `values`, in order; `indices` of the first of each in the flattened array; `inverse_indices`, of
        the shape of `x`, with `values[inverse_indices]` the same as `x`; `counts`, how often each is there.

    >>> import chainrule as cr
    >>> cr.unique_all(cr.tensor([3.0, 1.0, 3.0])).indices
    Tensor([1, 0], int64)
    """
    x = as_tensor(x)
    order, first, values = _grouped(x)
    group = ops.cumulative_sum(first, axis=0) - 1
    inverse = ops.reshape(group[ops.argsort(order)], x.shape)
    return UniqueAll(values, order[first], inverse, _counts(first))


def unique_counts(x: Any, /) -> UniqueCounts:
    """The elements without repetitions, and how often each is there; see `unique_all`.

    >>> import chainrule as cr
    >>> cr.unique_counts(cr.tensor([3.0, 1.0, 3.0]))
    UniqueCounts(values=Tensor([1., 3.], float64), counts=Tensor([1, 2], int64))
    """
    _, first, values = _grouped(as_tensor(x))
    return UniqueCounts(values, _counts(first))


def unique_inverse(x: Any, /) -> UniqueInverse:
    """The elements without repetitions, and which of them each of `x` is; see `unique_all`.

    >>> import chainrule as cr
    >>> cr.unique_inverse(cr.tensor([3.0, 1.0, 3.0]))
    UniqueInverse(values=Tensor([1., 3.], float64), inverse_indices=Tensor([1, 0, 1], int64))
    """
    found = unique_all(x)
    return UniqueInverse(found.values, found.inverse_indices)


def unique_values(x: Any, /) -> Tensor:
    """The elements without repetitions, in order; of equal ones the first has the gradient.

    >>> import chainrule as cr
    >>> cr.unique_values(cr.tensor([3.0, 1.0, 3.0]))
    Tensor([1., 3.], float64)
    >>> cr.grad(lambda x: cr.sum(cr.unique_values(x)))(cr.tensor([3.0, 1.0, 3.0]))
    Tensor([1., 1., 0.], float64)
    """
    return _grouped(as_tensor(x))[2]


def _grouped(x: Tensor) -> tuple[Any, Any, Any]:
    """The order that sorts the elements, which of them in that order differ from the one before, and these."""
    flat = ops.reshape(x, (-1,))
    order = ops.argsort(flat)
    ordered = flat[order]
    first = ops.concat([ops.ones_like(ordered[:1], dtype="bool"), ordered[1:] != ordered[:-1]])
    return order, first, ordered[first]


def _counts(first: Any) -> Any:
    """How long the groups are that begin where `first` is true."""
    (starts,) = ops.nonzero(first)
    return ops.diff(starts, append=ops.full_like(starts, first.size, shape=(1,)))
