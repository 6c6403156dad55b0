"""Reductions over axes. `axis` is an axis, a tuple of them, or None for all; `keepdims` keeps them with length 1."""

from __future__ import annotations

from math import nan
from typing import Any

from chainrule import DTYPES, Dim, NoGradient, default_dtype, infer, op, ops, widens
from chainrule_arrays._elementwise import zero_wins

Axis = int | tuple[int, ...] | None


def keep(g: Any, x: Any, axis: Axis) -> Any:
    """A reduced tensor with the reduced axes of `x` back, of length 1, so that it broadcasts against `x`."""
    axes = infer.as_axes(axis, len(x.shape))
    return ops.reshape(g, shape=tuple(1 if i in axes else n for i, n in enumerate(x.shape)))


def spread(g: Any, x: Any, axis: Axis) -> Any:
    """A reduced tensor repeated along the reduced axes of `x`."""
    return ops.broadcast_to(keep(g, x, axis) if x.ndim != g.ndim or g.shape != x.shape else g, shape=x.shape)


def count(x: Any, axis: Axis) -> int:
    """How many elements a reduction takes together."""
    total = 1
    for i in infer.as_axes(axis, len(x.shape)):
        total *= x.shape[i]
    return total


def in_floating(xp: Any, x: Any) -> Any:
    """An array of integers in the default floating-point dtype, which is what the shape rules say of them."""
    if xp.isdtype(x.dtype, ("real floating", "complex floating")):
        return x
    return xp.astype(x, getattr(xp, default_dtype()))


def _same(x: Any, axis: Axis, keepdims: bool) -> Any:
    return infer.reduced(x, axis, keepdims)


def _floating(x: Any, axis: Axis, keepdims: bool, **_: Any) -> Any:
    return infer.reduced(x, axis, keepdims, infer.floating(x).dtype)


def _real(x: Any, axis: Axis, keepdims: bool, **_: Any) -> Any:
    return infer.reduced(x, axis, keepdims, infer.real(infer.floating(x)).dtype)


def _boolean(x: Any, axis: Axis, keepdims: bool) -> Any:
    return infer.reduced(x, axis, keepdims, infer.boolean(x).dtype)


def summed_dtype(x: Any) -> Any:
    """The dtype that elements are summed and multiplied in: small integers in 64 bits."""
    return x.dtype if x.dtype.is_inexact else DTYPES["uint64" if x.dtype.kind == "uint" else "int64"]


def _summed(x: Any, axis: Axis, keepdims: bool, dtype: Any) -> Any:
    return infer.reduced(x, axis, keepdims, dtype or summed_dtype(x))


def _index(x: Any, axis: int | None, keepdims: bool) -> Any:
    return infer.reduced(x, axis, keepdims, DTYPES["int64"])


@op(
    infer=_summed,
    gradient=lambda g, _y, _x, axis, keepdims, dtype: spread(g, _x, axis),
    linear="joint",
)
def sum(xp: Any, x: Any, /, axis: Axis = None, keepdims: bool = False, dtype: Any = None) -> Any:
    """The sum of the elements.

    Args:
        x: an array of any shape.
        axis: the axes to sum over.
        keepdims: whether to keep them with length 1.
        dtype: the dtype to sum in; that of `x`, or 64 bits for integers, by default.

    >>> import chainrule as cr
    >>> cr.sum(cr.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    Tensor([4., 6.], float64)
    """
    return xp.sum(x, axis=axis, keepdims=keepdims, dtype=dtype)


def _prod_gradient(g: Any, _y: Any, x: Any, axis: Axis, keepdims: bool) -> Any:
    """The cotangent times the product of all others, exact also where factors are 0 and at any order.

    Pairs are multiplied up a binary tree; going down again, each half gets its sibling's product.
    """
    axes = infer.as_axes(axis, x.ndim)
    rest = tuple(i for i in range(x.ndim) if i not in axes)
    n = count(x, axis)
    if n == 0:
        return ops.zeros_like(x)
    front = tuple(x.shape[i] for i in rest)
    level = ops.reshape(ops.permute_dims(x, axes=rest + axes), shape=(*front, n))
    levels = []
    while level.shape[-1] > 1:
        if level.shape[-1] % 2:
            level = ops.concat([level, ops.ones_like(level[..., :1])], axis=-1)
        even, odd = level[..., ::2], level[..., 1::2]
        levels.append((even, odd))
        level = even * odd
    others = ops.reshape(g, shape=(*front, 1))
    for even, odd in reversed(levels):
        others = others[..., : even.shape[-1]]
        others = ops.reshape(ops.stack([others * odd, others * even], axis=-1), shape=(*front, 2 * even.shape[-1]))
    others = ops.reshape(others[..., :n], shape=front + tuple(x.shape[i] for i in axes))
    order = rest + axes
    return ops.permute_dims(others, axes=tuple(order.index(i) for i in range(x.ndim)))


@op(infer=lambda x, axis, keepdims: _summed(x, axis, keepdims, None), gradient=_prod_gradient, name="prod")
def _prod(xp: Any, x: Any, /, axis: Axis = None, keepdims: bool = False) -> Any:
    return xp.prod(x, axis=axis, keepdims=keepdims)


@widens(_prod)
def prod(x: Any, /, axis: Axis = None, keepdims: bool = False, dtype: Any = None) -> Any:
    """The product of the elements; its gradient is exact also where some are 0.

    Derivative: `g` times the product of all other elements.

    Args:
        x: an array of any shape.
        axis: the axes to multiply over.
        keepdims: whether to keep them with length 1.
        dtype: the dtype to multiply in; that of `x`, or 64 bits for integers, by default.

    >>> import chainrule as cr
    >>> cr.grad(cr.prod)(cr.tensor([2.0, 0.0, 3.0]))
    Tensor([0., 6., 0.], float64)
    """
    if dtype is None:
        return _prod(x, axis=axis, keepdims=keepdims)
    return ops.astype(_prod(ops.astype(x, dtype=dtype), axis=axis, keepdims=keepdims), dtype=dtype)


@op(
    infer=_floating,
    gradient=lambda g, _y, _x, axis, keepdims: spread(g / count(_x, axis), _x, axis),
    linear="joint",
)
def mean(xp: Any, x: Any, /, axis: Axis = None, keepdims: bool = False) -> Any:
    """The arithmetic mean of the elements.

    >>> import chainrule as cr
    >>> cr.mean(cr.tensor([1.0, 2.0, 6.0]))
    Tensor(3.0, float64)
    """
    return xp.mean(in_floating(xp, x), axis=axis, keepdims=keepdims)


def _centred(x: Any, axis: Axis) -> Any:
    return x - ops.mean(x, axis=axis, keepdims=True)


def _degrees(x: Any, axis: Axis, correction: float) -> Any:
    """What the squares' sum is divided by: 0, which gives NaN or infinity, where there are too few elements."""
    n: Any = count(x, axis) - correction
    return n if isinstance(n, Dim) or n > 0 else 0.0


def _var_gradient(g: Any, _y: Any, x: Any, axis: Axis, keepdims: bool, correction: float) -> Any:
    n = _degrees(x, axis, correction)
    return keep(g, x, axis) * (2.0 / n if n else nan) * _centred(x, axis)


@op(infer=_real, gradient=_var_gradient, holomorphic=False)
def var(xp: Any, x: Any, /, axis: Axis = None, keepdims: bool = False, correction: float = 0) -> Any:
    """The variance: the mean square distance from the mean, over `n - correction`.

    Derivative: `g * 2 * (x - mean(x)) / (n - correction)`.

    >>> import chainrule as cr
    >>> cr.var(cr.tensor([1.0, 3.0]), correction=1)
    Tensor(2.0, float64)
    """
    x = in_floating(xp, x)
    centred = x - xp.mean(x, axis=axis, keepdims=True)
    return xp.sum(xp.abs(centred) ** 2, axis=axis, keepdims=keepdims) / _degrees(x, axis, correction)


@op(
    infer=_real,
    gradient=lambda g, y, x, axis, keepdims, correction: zero_wins(
        _centred(x, axis), keep(g / (y * _degrees(x, axis, correction)), x, axis)
    ),
    holomorphic=False,
)
def std(xp: Any, x: Any, /, axis: Axis = None, keepdims: bool = False, correction: float = 0) -> Any:
    """The standard deviation, the square root of `var`; its gradient is 0 where all elements are equal.

    >>> import chainrule as cr
    >>> cr.std(cr.tensor([1.0, 3.0]))
    Tensor(1.0, float64)
    """
    x = in_floating(xp, x)
    centred = x - xp.mean(x, axis=axis, keepdims=True)
    return xp.sqrt(xp.sum(xp.abs(centred) ** 2, axis=axis, keepdims=keepdims) / _degrees(x, axis, correction))


def _extreme_gradient(g: Any, y: Any, x: Any, axis: Axis, keepdims: bool) -> Any:
    """To the extreme elements, in equal shares."""
    hit = ops.astype(x == keep(y, x, axis), dtype=x.dtype)
    return keep(g, x, axis) * (hit / ops.sum(hit, axis=axis, keepdims=True))


@op(infer=_same, gradient=_extreme_gradient)
def max(xp: Any, x: Any, /, axis: Axis = None, keepdims: bool = False) -> Any:
    """The largest element; where several are, they share the gradient equally.

    Derivative: `g` at the largest elements, over their number; 0 elsewhere.

    >>> import chainrule as cr
    >>> cr.grad(cr.max)(cr.tensor([1.0, 1.0, 0.0]))
    Tensor([0.5, 0.5, 0. ], float64)
    """
    return xp.max(x, axis=axis, keepdims=keepdims)


@op(infer=_same, gradient=_extreme_gradient)
def min(xp: Any, x: Any, /, axis: Axis = None, keepdims: bool = False) -> Any:
    """The smallest element; where several are, they share the gradient equally.

    Derivative: `g` at the smallest elements, over their number; 0 elsewhere.

    >>> import chainrule as cr
    >>> cr.min(cr.tensor([[3.0, 1.0], [2.0, 5.0]]), axis=1)
    Tensor([1., 2.], float64)
    """
    return xp.min(x, axis=axis, keepdims=keepdims)


@op(
    infer=_floating,
    gradient=lambda g, _y, x, axis, keepdims: keep(g, x, axis) * ops.softmax(x, axis=axis),
)
def logsumexp(xp: Any, x: Any, /, axis: Axis = None, keepdims: bool = False) -> Any:
    """`log(sum(exp(x)))` without overflow.

    Derivative: `softmax(x)`.

    >>> import chainrule as cr
    >>> cr.logsumexp(cr.tensor([1000.0, 1000.0]))
    Tensor(1000.693147180..., float64)
    """
    x = in_floating(xp, x)
    size = xp.real(x) if xp.isdtype(x.dtype, "complex floating") else x
    top = (xp.sum if 0 in x.shape else xp.max)(size, axis=axis, keepdims=True)  # 0, or nothing, of no elements
    top = xp.where(xp.isfinite(top), top, xp.zeros_like(top))
    total = xp.log(xp.sum(xp.exp(x - top), axis=axis, keepdims=True)) + top
    return total if keepdims else xp.reshape(total, infer.reduced(infer.Spec(x.shape, None), axis, False).shape)


@op(
    infer=_real,
    gradient=lambda g, y, x, axis, keepdims: zero_wins(x, keep(g / y, x, axis)),
    holomorphic=False,
)
def vector_norm(xp: Any, x: Any, /, axis: Axis = None, keepdims: bool = False) -> Any:
    """The Euclidean length; its gradient at 0 is 0.

    Derivative: `x / norm`.

    >>> import chainrule as cr
    >>> cr.vector_norm(cr.tensor([3.0, 4.0]))
    Tensor(5.0, float64)
    """
    return xp.sqrt(xp.sum(xp.abs(in_floating(xp, x)) ** 2, axis=axis, keepdims=keepdims))


BOOLEAN = NoGradient("its result is true or false")
INDEX = NoGradient("its result is an index")


@op(infer=_boolean, gradient=BOOLEAN)
def all(xp: Any, x: Any, /, axis: Axis = None, keepdims: bool = False) -> Any:
    """Whether all elements are true."""
    return xp.all(x, axis=axis, keepdims=keepdims)


@op(infer=_boolean, gradient=BOOLEAN)
def any(xp: Any, x: Any, /, axis: Axis = None, keepdims: bool = False) -> Any:
    """Whether some element is true."""
    return xp.any(x, axis=axis, keepdims=keepdims)


@op(infer=_index, gradient=INDEX)
def argmax(xp: Any, x: Any, /, axis: int | None = None, keepdims: bool = False) -> Any:
    """Where the largest element is, the first of several; in the flattened array without an axis."""
    return xp.argmax(x, axis=axis, keepdims=keepdims)


@op(infer=_index, gradient=INDEX)
def argmin(xp: Any, x: Any, /, axis: int | None = None, keepdims: bool = False) -> Any:
    """Where the smallest element is, the first of several; in the flattened array without an axis."""
    return xp.argmin(x, axis=axis, keepdims=keepdims)


@op(infer=_index, gradient=NoGradient("its result is a count"))
def count_nonzero(xp: Any, x: Any, /, axis: Axis = None, keepdims: bool = False) -> Any:
    """How many elements are not 0."""
    return xp.sum(xp.astype(x != 0, xp.int64), axis=axis, keepdims=keepdims)
