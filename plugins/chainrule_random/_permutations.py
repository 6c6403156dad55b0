"""Random orders and choices, which are indices: gradients pass from what they pick to where it was picked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule import Tensor, as_tensor, int64, ops
from chainrule_random import _draws

if TYPE_CHECKING:
    from chainrule_random._generator import Generator


def permutation(generator: Generator, x: Any, axis: int = 0) -> Tensor:
    """The integers below `x`, or what `x` has along an axis, in random order.

    Tensors do not change: this is what NumPy has as `shuffle` too. The cotangent goes back to where each part came
    from.

    Args:
        x: an integer or an array.
        axis: the axis, whose slices stay whole.

    >>> import chainrule as cr
    >>> sorted(cr.random.permutation(5).tolist())
    [0, 1, 2, 3, 4]
    """
    if isinstance(x, int):
        return order(generator, x)
    x = as_tensor(x)
    moved: Tensor = ops.take(x, order(generator, x.shape[axis]), axis=axis)
    return moved


def order(generator: Generator, n: Any) -> Tensor:
    """The integers below `n` in random order."""
    drawn: Tensor = generator.draw(_draws.permutation, shape=(n,), dtype=int64)
    return drawn
