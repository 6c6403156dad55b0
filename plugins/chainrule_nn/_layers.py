"""What layers compute, as functions of their weights."""

from __future__ import annotations

import math
from typing import Any

import chainrule as cr
from chainrule import ShapeError, Tensor, as_tensor, ops


def dense(x: Any, w: Any, b: Any = None) -> Tensor:
    """A fully connected layer: `x @ w + b`.

    Args:
        x: shape `(..., inputs)`.
        w: shape `(inputs, outputs)`.
        b: shape `(outputs,)`; nothing is added if it is left out.

    Returns:
        Shape `(..., outputs)`.

    Raises:
        ShapeError: the shapes do not fit each other.

    >>> import chainrule as cr
    >>> cr.nn.dense(cr.tensor([[1.0, 2.0]]), cr.tensor([[1.0], [10.0]]), cr.tensor([0.5]))
    Tensor([[21.5]], float64)
    """
    y: Tensor = ops.matmul(x, w)
    return y if b is None else y + b


def bilinear(x: Any, y: Any, w: Any, b: Any = None) -> Tensor:
    """A layer of two inputs: `sum(x[..., i] * w[i, j, k] * y[..., j] for i, j) + b[k]`.

    Args:
        x: shape `(..., inputs of x)`.
        y: shape `(..., inputs of y)`.
        w: shape `(inputs of x, inputs of y, outputs)`.
        b: shape `(outputs,)`; nothing is added if it is left out.

    Returns:
        Shape `(..., outputs)`.

    >>> import chainrule as cr
    >>> cr.nn.bilinear(cr.tensor([1.0, 2.0]), cr.tensor([3.0]), cr.tensor([[[1.0]], [[10.0]]]))
    Tensor([63.], float64)
    """
    z: Tensor = cr.einsum("...i,ijk,...j->...k", x, w, y)
    return z if b is None else z + b


def flatten(x: Any) -> Tensor:
    """Each element of a batch as a vector: shape `(batch, ...)` becomes `(batch, n)`.

    Raises:
        ShapeError: there is no batch axis.

    >>> import chainrule as cr
    >>> cr.nn.flatten(cr.ones((2, 3, 4))).shape
    (2, 12)
    """
    x = as_tensor(x)
    if not x.ndim:
        raise ShapeError("flatten: x: expected a batch axis in front, got a number")
    y: Tensor = ops.reshape(x, shape=(x.shape[0], math.prod(x.shape[1:])))
    return y
