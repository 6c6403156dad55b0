"""Attention: means of values, weighted by how well queries and keys match."""

from __future__ import annotations

import math
from typing import Any

from chainrule import DTypeError, ShapeError, Tensor, as_tensor, bool_, composite, fronts, ops
from chainrule_nn._dropout import dropout as left_out

_INFINITE = -math.inf


def _weights(query: Any, key: Any, mask: Any, causal: bool) -> Tensor:
    """What each query makes of the values, in rows whose sum is 1."""
    scores = query @ ops.matrix_transpose(key)
    if causal:
        before = ops.tril(ops.ones(scores.shape[-2:], dtype=bool_))
        scores = ops.where(before, scores, _INFINITE)
    if mask is not None:
        scores = ops.where(mask, scores, _INFINITE) if mask.dtype == bool_ else scores + mask
    weights: Tensor = ops.softmax(scores, axis=-1)
    return weights


def _gradient(g: Any, _y: Any, query: Any, key: Any, value: Any, mask: Any, causal: bool) -> Any:
    found = scaled_dot_product_attention_gradient(g, query, key, value, mask, causal=causal)
    return (*found, *(None,) * (4 - len(found)))


@composite(gradient=_gradient, name="nn.scaled_dot_product_attention")
def _attention(query: Any, key: Any, value: Any, mask: Any = None, /, causal: bool = False) -> Tensor:
    y: Tensor = _weights(query, key, mask, causal) @ value
    return y


@composite(name="nn.scaled_dot_product_attention_gradient", multiple=True)
def scaled_dot_product_attention_gradient(
    g: Any, query: Any, key: Any, value: Any, mask: Any = None, /, causal: bool = False
) -> Any:
    """The cotangents of scaled queries, of keys, values and, if it is of numbers, of the mask.

    The weights are computed once more rather than kept: of all that attention computes they alone are as many as there
    are pairs of a query and a key.
    """
    weights = _weights(query, key, mask, causal)
    by_weight = g @ ops.matrix_transpose(value)
    by_score = weights * (by_weight - ops.sum(by_weight * weights, axis=-1, keepdims=True))
    parts = [
        (by_score @ key, query),
        (ops.matrix_transpose(by_score) @ query, key),
        (ops.matrix_transpose(weights) @ g, value),
    ]
    if mask is not None and mask.dtype.is_inexact:
        parts.append((by_score, mask))
    return tuple([_fitted(part, x) for part, x in parts])


def _fitted(part: Tensor, x: Tensor) -> Tensor:
    """A cotangent as the array it belongs to is: without what that was broadcast and promoted to."""
    part = part if part.shape == x.shape else ops.sum_to(part, shape=x.shape)
    return part if part.dtype == x.dtype else ops.astype(part, dtype=x.dtype)


@fronts(_attention)
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

    Derivatives: with the weights `w` and `d = g @ value^T` the scores have `s = w * (d - sum(d * w))`; so the queries
    have `s @ key * scale`, the keys `s^T @ query * scale`, the values `w^T @ g`, a mask of numbers `s`.

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
    query = query * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    mask = None if mask is None else as_tensor(mask)
    if not dropout:
        return _attention(query, key, value, mask, causal=causal)
    result: Tensor = left_out(_weights(query, key, mask, causal), dropout, generator) @ value
    return result


def _check_same(what: str, of: str, a: Tensor, b: Tensor, axis: int) -> None:
    lengths: tuple[Any, Any] = (a.shape[axis], b.shape[axis])
    if all(isinstance(n, int) for n in lengths) and lengths[0] != lengths[1]:  # both known
        raise ShapeError(
            f"{what}: {of}: expected one number, got {lengths[0]} and {lengths[1]}, of shapes {a.shape} and {b.shape}"
        )
