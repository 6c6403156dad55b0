"""Clipping gradients: by value, by norm, and by the norm of all together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias, cast

import chainrule as cr
from chainrule import ArgumentError, DTypeError, IndexedSlices, NumericsError, Tensor, as_tensor, no_grad
from chainrule_optim._hyper import POSITIVE, Number
from chainrule_optim._numbers import beside, is_symbolic, power
from chainrule_optim._rows import coalesced

Given: TypeAlias = Tensor | IndexedSlices | None


def clip_by_value(gradient: Any, min: float, max: float) -> Any:
    """A gradient with its elements held between two bounds. NaN stays NaN.

    Args:
        gradient: a tensor or array; `IndexedSlices`, whose rows of one index are summed first, and which are made
            dense where 0 is out of bounds; or None.
        min: the lower bound.
        max: the upper bound.

    Returns:
        The like of what was given; a tensor for an array.

    Raises:
        ArgumentError: `min` is above `max`.
        DTypeError: there is nothing to clip, or it is complex.

    >>> import chainrule as cr
    >>> cr.optim.clip_by_value(cr.tensor([-3.0, 0.5, 2.0]), -1.0, 1.0)
    Tensor([-1. ,  0.5,  1. ], float64)
    """
    low, high = Number().checked("clip_by_value: min", min), Number().checked("clip_by_value: max", max)
    if low > high:
        raise ArgumentError(f"clip_by_value: min {low:g} is above max {high:g}")
    (given,) = _gradients("clip_by_value", [gradient])
    if given is None:
        return None
    if given.dtype.kind == "complex":
        raise DTypeError(f"clip_by_value: {given.dtype} numbers have no order; clip_by_norm keeps their direction")
    if type(given) is IndexedSlices:
        if not low <= 0.0 <= high:
            return cr.clip(given.to_dense(), low, high)
        rows = coalesced(given)
        return IndexedSlices(cr.clip(rows.values, low, high), rows.indices, rows.dense_shape)
    return cr.clip(given, low, high)


def clip_by_norm(gradient: Any, norm: Any, axis: int | tuple[int, ...] | None = None) -> Any:
    """A gradient scaled down, where its Euclidean norm is larger than `norm`, to have that norm.

    Args:
        gradient: a tensor or array; `IndexedSlices`, whose norm is that of the whole; or None.
        norm: the largest norm, positive; or a 0-d tensor.
        axis: the axes to take norms over, each slice by itself; the norm of all elements by default.

    Returns:
        The like of what was given; a tensor for an array. A gradient of zeros stays zero.

    Raises:
        NumericsError: the norm is infinite or NaN. In a graph or compiled function, which cannot raise, the result is
            NaN everywhere.

    >>> import chainrule as cr
    >>> cr.optim.clip_by_norm(cr.tensor([3.0, 4.0]), 1.0)
    Tensor([0.6, 0.8], float64)
    >>> cr.optim.clip_by_norm(cr.tensor([[3.0, 4.0], [0.0, 0.0]]), 1.0, axis=1)
    Tensor([[0.6, 0.8],
            [0. , 0. ]], float64)
    """
    limit = _limit("clip_by_norm", norm)
    (given,) = _gradients("clip_by_norm", [gradient])
    if given is None:
        return None
    return _by_norm("clip_by_norm", "the gradient", given, limit, axis)


def global_norm(gradients: Iterable[Any]) -> Tensor:
    """The Euclidean norm of all elements of all gradients, a 0-d tensor of float64.

    It is summed in float64, so that squares of smaller floats do not overflow.

    Args:
        gradients: tensors, arrays, `IndexedSlices` (rows of one index are summed first) and None, which counts as zero.

    Raises:
        ArgumentError: all are None, or there are none.
        DTypeError: something else among them.

    >>> import chainrule as cr
    >>> cr.optim.global_norm([cr.tensor([3.0, 0.0]), None, cr.tensor(4.0, "float32")])
    Tensor(5.0, float64)
    """
    given = [gradient for gradient in _gradients("global_norm", gradients) if gradient is not None]
    if not given:
        raise ArgumentError("global_norm: no gradients: all are None, or there are none")
    with no_grad():
        total = _sum_of_squares(given[0])
        for gradient in given[1:]:
            total = total + _sum_of_squares(gradient)
        norm: Tensor = cr.sqrt(total)
    return norm


def clip_by_global_norm(gradients: Iterable[Any], norm: Any, use_norm: Any = None) -> tuple[list[Any], Tensor]:
    """Gradients scaled down together, where the norm of all is larger than `norm`, to have that norm.

    Args:
        gradients: tensors, arrays, `IndexedSlices` and None, which stays None.
        norm: the largest norm, positive; or a 0-d tensor.
        use_norm: the norm of all, where it is known already.

    Returns:
        `(gradients, the norm they had)`. Gradients of zeros stay zero.

    Raises:
        NumericsError: the norm is infinite or NaN; says which gradients are not finite. (TensorFlow makes every
            gradient NaN then.) In a graph or compiled function, which cannot raise, every result is NaN.
        ArgumentError: all are None, or there are none.

    >>> import chainrule as cr
    >>> cr.optim.clip_by_global_norm([cr.tensor([3.0, 0.0]), None, cr.tensor(4.0)], 1.0)
    ([Tensor([0.6, 0. ], float64), None, Tensor(0.8, float64)], Tensor(5.0, float64))
    """
    what = "clip_by_global_norm"
    limit = _limit(what, norm)
    given = _gradients(what, gradients)
    found = global_norm(given) if use_norm is None else as_tensor(use_norm)
    if found.shape:
        raise ArgumentError(f"{what}: use_norm: expected one number, got shape {found.shape}")
    names = [f"entry {i}" for i in range(len(given))]
    return _together(what, names, given, limit, found), found


def clipped(
    what: str, names: Sequence[str], gradients: Sequence[Given], value: Any, norm: Any, all_together: Any
) -> Sequence[Given]:
    """Gradients after the limits that are not None, in this order.

    Raises:
        NumericsError: a norm is not finite; says whose by name.
    """
    if value is not None:
        gradients = [clip_by_value(gradient, -value, value) for gradient in gradients]
    if norm is not None:
        gradients = [
            None if gradient is None else _by_norm(what, f"the gradient of {name}", gradient, norm)
            for name, gradient in zip(names, gradients, strict=True)
        ]
    if all_together is not None:
        gradients = _together(what, names, gradients, all_together, global_norm(gradients))
    return gradients


def _by_norm(what: str, name: str, gradient: Tensor | IndexedSlices, limit: Any, axis: Any = None) -> Given:
    if axis is not None and type(gradient) is IndexedSlices:
        gradient = gradient.to_dense()
    norm = cr.sqrt(_sum_of_squares(gradient, axis))
    if not is_symbolic(norm) and not bool(cr.all(cr.isfinite(norm))):
        raise NumericsError(f"{what}: the norm of {name} is not finite: it holds NaN or infinity")
    return _scaled(gradient, _scale(norm, limit))


def _together(what: str, names: Sequence[str], gradients: Sequence[Given], limit: Any, norm: Tensor) -> list[Given]:
    if not is_symbolic(norm) and not bool(cr.isfinite(norm)):
        bad = [
            name
            for name, gradient in zip(names, gradients, strict=True)
            if gradient is not None and not bool(cr.all(cr.isfinite(_values(gradient))))
        ]
        holds = f"NaN or infinity in the gradient of {', '.join(bad)}" if bad else "every gradient is finite"
        raise NumericsError(f"{what}: the norm of all gradients is {norm.item()}: {holds}")
    scale = _scale(norm, limit)
    return [None if gradient is None else _scaled(gradient, scale) for gradient in gradients]


def _gradients(what: str, gradients: Iterable[Any]) -> list[Given]:
    found: list[Given] = []
    for gradient in gradients:
        given = gradient if gradient is None or type(gradient) is IndexedSlices else as_tensor(gradient)
        if given is not None and not given.dtype.is_inexact:
            raise DTypeError(f"{what}: expected floating-point gradients, got {given.dtype}")
        found.append(given)
    return found


def _limit(what: str, norm: Any) -> Any:
    return norm if is_symbolic(norm) else POSITIVE.checked(f"{what}: norm", norm)


def _sum_of_squares(gradient: Tensor | IndexedSlices, axis: int | tuple[int, ...] | None = None) -> Tensor:
    values = coalesced(gradient).values if type(gradient) is IndexedSlices else cast(Tensor, gradient)
    wide = cr.astype(values, "complex128" if values.dtype.kind == "complex" else "float64")
    total: Tensor = cr.sum(power(wide), axis=axis, keepdims=axis is not None)
    return total


def _scale(norm: Tensor, limit: Any) -> Tensor:
    """What to multiply by: 1 or less, and NaN where the norm is not finite."""
    scale: Tensor = cr.where(cr.isfinite(norm), limit / cr.maximum(norm, limit), float("nan"))
    return scale


def _scaled(gradient: Tensor | IndexedSlices, scale: Tensor) -> Tensor | IndexedSlices:
    values = _values(gradient)
    scaled: Tensor = values * beside(scale, values)
    return scaled if type(gradient) is not IndexedSlices else IndexedSlices(scaled, gradient.indices, gradient.shape)


def _values(gradient: Tensor | IndexedSlices) -> Tensor:
    return gradient.values if type(gradient) is IndexedSlices else cast(Tensor, gradient)
