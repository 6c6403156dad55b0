"""`logsumexp` and `softmax`, with SciPy's arguments."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from chainrule import Tensor, as_tensor, infer, ops

_LARGE = 80.0  # its exponential is a number of 32 bits
Axis = int | Sequence[int] | None


def softmax(x: Any, axis: Axis = None) -> Tensor:
    """`cr.softmax`, over all axes by default."""
    result: Tensor = ops.softmax(x, axis=_axes(axis))
    return result


def log_softmax(x: Any, axis: Axis = None) -> Tensor:
    """`cr.log_softmax`, over all axes by default."""
    result: Tensor = ops.log_softmax(x, axis=_axes(axis))
    return result


def _axes(axis: Axis) -> int | tuple[int, ...] | None:
    return axis if axis is None or isinstance(axis, int) else tuple(axis)


def logsumexp(
    a: Any, axis: Axis = None, b: Any = None, keepdims: bool = False, return_sign: bool = False
) -> Tensor | tuple[Tensor, Tensor]:
    """`log(sum(b * exp(a)))` without overflow.

    Args:
        a: an array of real or complex numbers.
        axis: the axes to sum over; all by default.
        b: factors of any sign that broadcast with `a`; 1 by default. Where one is 0 nothing is added, whatever `a` is.
        keepdims: whether the axes stay, with length 1.
        return_sign: whether the sign of the sum is given too, and the logarithm of its size; without it, that of a
            negative sum is NaN.

    Returns:
        The logarithm, or the tuple of it and the sign: for complex sums, the number of size 1 that they point to.

    Derivative: b*exp(a - y) and exp(a - y) times the sign; those of `cr.logsumexp` without b.

    >>> import chainrule as cr
    >>> cr.special.logsumexp([1000.0, 1000.0], b=[1.0, -2.0], return_sign=True)
    (Tensor(1000.0, float64), Tensor(-1.0, float64))
    """
    a = as_tensor(a)
    axes = _axes(axis)
    if b is None and not return_sign:
        plain: Tensor = ops.logsumexp(a, axis=axes, keepdims=keepdims)
        return plain
    largest = ops.real(a)
    if b is not None:
        a, b = ops.broadcast_arrays(a, as_tensor(b))
        nothing = ops.equal(b, 0)
        largest = ops.where(nothing, -math.inf, ops.real(a))
    top = ops.stop_gradient(ops.max(largest, axis=axes, keepdims=True))
    top = ops.where(ops.isfinite(top), top, 0.0)
    shifted = a - top
    if b is not None:  # what is too large for a number is left out; of the rest `b` has a gradient where it is 0, too
        kept = ops.logical_or(ops.logical_not(nothing), ops.real(shifted) < _LARGE)
        shifted = ops.where(kept, shifted, -math.inf)
    scaled = ops.exp(shifted)
    total = ops.sum(scaled if b is None else b * scaled, axis=axes, keepdims=True)
    size = ops.abs(total) if return_sign else total
    result = ops.log(size) + top
    if not keepdims:
        kept = infer.reduced(infer.Spec(a.shape, a.dtype), axes, False).shape
        result, total = ops.reshape(result, shape=kept), ops.reshape(total, shape=kept)
    return (result, ops.sign(total)) if return_sign else result
