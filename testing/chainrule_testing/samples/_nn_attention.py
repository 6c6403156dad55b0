"""Samples of attention: numbers and booleans as masks, axes in front that broadcast."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule_testing._samples import Samples, case, real

Array = Any
_MASK = np.array([[True, False, True, True], [False, True, True, False], [True, True, False, True]])


def _weights(query: Array, key: Array, mask: Array | None, causal: bool) -> Array:
    scores = np.einsum("...qe,...ke->...qk", query, key)
    taken = np.ones(scores.shape[-2:], bool)
    taken = np.tril(taken) if causal else taken
    if mask is not None and mask.dtype == bool:
        taken = taken & mask
    elif mask is not None:
        scores = scores + mask
    shares = np.exp(scores) * taken
    return shares / np.sum(shares, axis=-1, keepdims=True)


def _attention(query: Array, key: Array, value: Array, mask: Array | None, causal: bool = False) -> Array:
    return np.einsum("...qk,...kr->...qr", _weights(query, key, mask, causal), value)


def _gradient(
    g: Array, query: Array, key: Array, value: Array, mask: Array | None, causal: bool = False
) -> tuple[Array, ...]:
    """By the Jacobian of each row of weights, `diag(w) - w w^T`."""
    weights = _weights(query, key, mask, causal)
    jacobian = np.einsum("...j,jk->...jk", weights, np.eye(weights.shape[-1]))
    jacobian = jacobian - np.einsum("...j,...k->...jk", weights, weights)
    by_score = np.einsum("...qr,...kr,...qkj->...qj", g, value, jacobian)
    parts = [
        (np.einsum("...qk,...ke->...qe", by_score, key), query),
        (np.einsum("...qk,...qe->...ke", by_score, query), key),
        (np.einsum("...qk,...qr->...kr", weights, g), value),
    ]
    if mask is not None and mask.dtype != bool:
        parts.append((by_score, mask))
    return tuple(_summed(part, np.shape(x)) for part, x in parts)


def _summed(x: Array, shape: tuple[int, ...]) -> Array:
    x = np.sum(x, axis=tuple(range(x.ndim - len(shape))))
    return np.sum(x, axis=tuple(i for i, n in enumerate(shape) if n == 1 != x.shape[i]), keepdims=True)


_CALLS = (
    case(real(2, 3, 2), real(2, 4, 2), real(2, 4, 2), None),
    case(real(3, 2), real(4, 2), real(4, 3), _MASK),
    case(real(2, 1, 3, 2), real(4, 2), real(2, 4, 2), real(3, 4), causal=True),
    case(
        real(3, 2), real(3, 2), real(3, 1) + np.array([[5.0], [0.0], [-5.0]]), None, causal=True
    ),  # no two nearly equal
)

SAMPLES: dict[str, Samples] = {
    "nn.scaled_dot_product_attention": Samples(_attention, _CALLS, integers=False, needs_rank=True, fronted=True),
    "nn.scaled_dot_product_attention_gradient": Samples(
        _gradient,
        [((real(*np.shape(_attention(*inputs, **attributes))), *inputs), attributes) for inputs, attributes in _CALLS],
        integers=False,
        needs_rank=True,
    ),
}
