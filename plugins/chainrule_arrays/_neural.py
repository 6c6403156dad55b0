"""Activations and losses."""

from __future__ import annotations

from typing import Any

from chainrule import DTypeError, ShapeError, Tensor, Unary, as_tensor, elementwise, infer, op, ops
from chainrule_arrays._reductions import in_floating

relu: Unary = elementwise(
    "relu",
    infer.same,
    lambda g, y, _x: ops.where(y > 0, g, 0.0),
    """`max(x, 0)`; its slope at 0 is 0.

    >>> import chainrule as cr
    >>> cr.relu(cr.tensor([-1.0, 2.0]))
    Tensor([0., 2.], float64)
    """,
    kernel=lambda xp, x: xp.where(x <= 0, xp.zeros_like(x), x),  # NaN stays
)


def _sigmoid(xp: Any, x: Any) -> Any:
    x = in_floating(xp, x)
    if xp.isdtype(x.dtype, "complex floating"):
        return 0.5 * (1.0 + xp.tanh(0.5 * x))
    e = xp.exp(-xp.abs(x))
    return xp.where(x < 0, e, xp.ones_like(e)) / (1.0 + e)


sigmoid: Unary = elementwise(
    "sigmoid",
    infer.floating,
    lambda g, y, _x: g * (y * (1 - y)),
    """The logistic function, `1 / (1 + exp(-x))`, without overflow, to the last digits far below 0 too.

    Derivative: y * (1 - y).

    >>> import chainrule as cr
    >>> cr.sigmoid(cr.tensor([0.0, -1000.0]))
    Tensor([0.5, 0. ], float64)
    """,
    kernel=_sigmoid,
)

softplus: Unary = elementwise(
    "softplus",
    infer.floating,
    lambda g, _y, x: g * sigmoid(x),
    """`log(1 + exp(x))`, without overflow; its derivative is the logistic function.

    >>> import chainrule as cr
    >>> cr.softplus(cr.tensor(0.0))
    Tensor(0.6931471805599453, float64)
    """,
    kernel=lambda xp, x: xp.log1p(xp.exp(-xp.abs(x))) + xp.where(x > 0, x, xp.zeros_like(x)),
)


def _along(x: Any, axis: int) -> Any:
    if x.shape is not None:
        infer.as_axes(axis, len(x.shape))
    return infer.floating(x)


@op(
    infer=_along,
    gradient=lambda g, y, _x, axis: y * (g - ops.sum(g * y, axis=axis, keepdims=True)),
)
def softmax(xp: Any, x: Any, /, axis: Any = -1) -> Any:
    """`exp(x) / sum(exp(x))` along an axis, without overflow.

    Derivative: `y * (g - sum(g * y))`.

    >>> import chainrule as cr
    >>> cr.softmax(cr.tensor([0.0, 0.0]))
    Tensor([0.5, 0.5], float64)
    """
    x = in_floating(xp, x)
    if 0 in x.shape:
        return xp.zeros_like(x)
    e = xp.exp(x - xp.max(x, axis=axis, keepdims=True))
    return e / xp.sum(e, axis=axis, keepdims=True)


@op(
    infer=_along,
    gradient=lambda g, y, _x, axis: g - ops.exp(y) * ops.sum(g, axis=axis, keepdims=True),
)
def log_softmax(xp: Any, x: Any, /, axis: Any = -1) -> Any:
    """`log(softmax(x))`, accurate where softmax underflows.

    Derivative: `g - softmax(x) * sum(g)`.

    >>> import chainrule as cr
    >>> cr.log_softmax(cr.tensor([0.0, 1000.0]))
    Tensor([-1000.,     0.], float64)
    """
    x = in_floating(xp, x)
    if 0 in x.shape:
        return xp.zeros_like(x)
    shifted = x - xp.max(x, axis=axis, keepdims=True)
    return shifted - xp.log(xp.sum(xp.exp(shifted), axis=axis, keepdims=True))


def _losses(logits: Any, labels: Any) -> Any:
    try:
        shape = infer.common_shape(logits.shape, labels.shape)
    except ShapeError:
        raise ShapeError(f"labels of shape {labels.shape} do not fit logits of shape {logits.shape}") from None
    return infer.Spec(None if shape is None else shape[:-1], infer.result_dtype(logits, labels))


@op(
    infer=_losses,
    gradient=(
        lambda g, _y, logits, labels: (
            g[..., None] * (softmax(logits) * ops.sum(labels, axis=-1, keepdims=True) - labels)
        ),
        lambda g, _y, logits, _labels: -g[..., None] * log_softmax(logits),
    ),
)
def softmax_cross_entropy(xp: Any, logits: Any, labels: Any, /) -> Any:
    """The cross-entropy of each row's softmax with a row of probabilities.

    Derivative: by `logits`, `g * (softmax(logits) * sum(labels) - labels)`; by `labels`, `-g * log_softmax(logits)`.

    Args:
        logits: shape `(..., n_classes)`.
        labels: probabilities of the same shape.

    Returns:
        Shape `(...)`: `-sum(labels * log_softmax(logits))`.

    >>> import chainrule as cr
    >>> cr.softmax_cross_entropy(cr.tensor([[0.0, 0.0]]), cr.tensor([[1.0, 0.0]]))
    Tensor([0.69314718], float64)
    """
    shifted = logits - xp.max(logits, axis=-1, keepdims=True)
    log_total = xp.log(xp.sum(xp.exp(shifted), axis=-1, keepdims=True))
    return xp.sum(labels * (log_total - shifted), axis=-1)


def _class_losses(logits: Any, labels: Any) -> Any:
    if labels.dtype.is_inexact:
        raise DTypeError(f"labels are class numbers, got {labels.dtype}")
    try:
        shape = infer.common_shape(labels.shape, None if logits.shape is None else logits.shape[:-1])
    except ShapeError:
        raise ShapeError(f"labels of shape {labels.shape} do not fit logits of shape {logits.shape}") from None
    return infer.Spec(shape, logits.dtype)


def _class_gradient(g: Any, _y: Any, logits: Any, labels: Any) -> Any:
    g = g[..., None]
    at = labels[..., None]
    return g * softmax(logits) - ops.scatter_add_along_axis(g, at, axis=-1, length=logits.shape[-1])


@op(infer=_class_losses, gradient=(_class_gradient, None))
def sparse_softmax_cross_entropy(xp: Any, logits: Any, labels: Any, /) -> Any:
    """The cross-entropy of each row's softmax with a class.

    Derivative: by `logits`, `g * (softmax(logits) - one_hot(labels))`.

    Args:
        logits: shape `(..., n_classes)`.
        labels: class numbers of shape `(...)`.

    Returns:
        Shape `(...)`: `-log_softmax(logits)[label]`.

    >>> import chainrule as cr
    >>> cr.sparse_softmax_cross_entropy(cr.tensor([[0.0, 0.0]]), cr.tensor([1]))
    Tensor([0.69314718], float64)
    """
    shifted = logits - xp.max(logits, axis=-1, keepdims=True)
    log_total = xp.log(xp.sum(xp.exp(shifted), axis=-1))
    picked = xp.take_along_axis(shifted, xp.expand_dims(labels, axis=-1), axis=-1)
    return log_total - xp.reshape(picked, labels.shape)


def cross_entropy(logits: Any, labels: Any) -> Tensor:
    """The mean cross-entropy of softmax over rows, with class numbers or rows of probabilities.

    Args:
        logits: shape `(..., n_classes)`.
        labels: integers of shape `(...)`, or probabilities of the shape of `logits`.

    >>> import chainrule as cr
    >>> cr.cross_entropy(cr.tensor([[0.0, 0.0]]), cr.tensor([1]))
    Tensor(0.6931471805599453, float64)
    """
    labels = as_tensor(labels)
    loss = softmax_cross_entropy if labels.dtype.is_inexact else sparse_softmax_cross_entropy
    mean: Tensor = ops.mean(loss(logits, labels))
    return mean
