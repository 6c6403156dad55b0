"""Attention: means of values, weighted by how well queries and keys match."""

from __future__ import annotations

import math
from typing import Any

from chainrule import DTypeError, ShapeError, Tensor, as_tensor, bool_, ops
from chainrule_nn._dropout import dropout as left_out

_INFINITE = -math.inf


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    mask: Any = None,
    causal: bool = False,
    scale: float | None = None,
    dropout: float = 0.0,
    generator: Any = None,
) -> Tensor:
    """For each query the mean of the values, weighted by the softmax of its products with the keys.

    `softmax(query @ key^T * scale) @ value`. The queries are scaled rather than the products, of which there are more.

    Args:
        query: shape `(..., queries, features)`; axes in front, such as a batch and heads, broadcast.
        key: shape `(..., keys, features)`.
        value: shape `(..., keys, results)`.
        mask: what broadcasts to `(..., queries, keys)`: booleans, true where a query attends to a key, or numbers that
            are added to the products.
        causal: whether a query attends only to keys at its own place and before. Beside a mask both count.
        scale: a number; `1 / sqrt(features)` by default.
        dropout, generator: how many of the weights are left out at random, and by what; see `cr.nn.dropout`.

    Returns:
        Shape `(..., queries, results)`; NaN for a query that attends to nothing.

    Raises:
        ShapeError: the shapes do not fit each other.
        DTypeError: the inputs are not real floating-point numbers.

    >>> import chainrule as cr
    >>> x = cr.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> cr.nn.scaled_dot_product_attention(x, x, x, causal=True)[0]
    Tensor([1., 0.], float64)
    """
    what = "scaled_dot_product_attention"
    query, key, value = (as_tensor(x) for x in (query, key, value))
    for name, x in (("query", query), ("key", key), ("value", value)):
        if x.dtype.kind != "float":
            raise DTypeError(f"{what}: {name}: expected floating-point numbers, got {x.dtype}; convert with cr.astype")
        if x.ndim < 2:
            raise ShapeError(f"{what}: {name}: expected at least 2 dimensions, places and features, got {x.shape}")
    _check_same(what, "features of query and key", query, key, -1)
    _check_same(what, "places of key and value", key, value, -2)
    scores = (query * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)) @ ops.matrix_transpose(key)
    if causal:
        before = ops.tril(ops.ones(scores.shape[-2:], dtype=bool_))
        scores = ops.where(before, scores, _INFINITE)
    if mask is not None:
        mask = as_tensor(mask)
        scores = ops.where(mask, scores, _INFINITE) if mask.dtype == bool_ else scores + mask
    weights = ops.softmax(scores, axis=-1)
    result: Tensor = (left_out(weights, dropout, generator) if dropout else weights) @ value
    return result


def _check_same(what: str, of: str, a: Tensor, b: Tensor, axis: int) -> None:
    lengths: tuple[Any, Any] = (a.shape[axis], b.shape[axis])
    if all(isinstance(n, int) for n in lengths) and lengths[0] != lengths[1]:  # both known
        raise ShapeError(
            f"{what}: {of}: expected one number, got {lengths[0]} and {lengths[1]}, of shapes {a.shape} and {b.shape}"
        )
