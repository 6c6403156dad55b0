"""Recurrent networks: one step of each kind, and layers that take one after the other by `cr.scan`.

Gates lie side by side: of an LSTM input, forget, candidate and output; of a GRU reset, update and candidate. In PyTorch
the order is the same, and each matrix the transpose.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import chainrule as cr
from chainrule import ShapeError, Tensor, as_tensor, composite, ops
from chainrule_nn._arguments import optional_arrays
from chainrule_nn._layers import dense


def _parts(x: Any, n: int) -> list[Any]:
    """The last axis, cut into equal parts."""
    parts = ops.reshape(x, shape=(*x.shape[:-1], n, x.shape[-1] // n))
    return [parts[..., i, :] for i in range(n)]


def _lstm(gates: Any, c: Any) -> tuple[Any, Any]:
    into, forget, candidate, out = _parts(gates, 4)
    c = ops.sigmoid(forget) * c + ops.sigmoid(into) * ops.tanh(candidate)
    return ops.sigmoid(out) * ops.tanh(c), c


def _gru(from_x: Any, from_h: Any, h: Any) -> Any:
    (reset_x, update_x, candidate_x), (reset_h, update_h, candidate_h) = _parts(from_x, 3), _parts(from_h, 3)
    update = ops.sigmoid(update_x + update_h)
    candidate = ops.tanh(candidate_x + ops.sigmoid(reset_x + reset_h) * candidate_h)
    return candidate + update * (h - candidate)


@optional_arrays
@composite(name="nn.rnn_cell")
def rnn_cell(x: Any, h: Any, w: Any, u: Any, b: Any = None, /) -> Any:
    """One step of a simple recurrent network: `tanh(x @ w + h @ u + b)`.

    Args:
        x: shape `(..., features)`.
        h: what is carried: shape `(..., units)`.
        w, u, b: shapes `(features, units)`, `(units, units)` and `(units,)`.

    Returns:
        What is carried on, which is also the result.

    >>> import chainrule as cr
    >>> cr.nn.rnn_cell(cr.ones((1, 2)), cr.zeros((1, 1)), cr.ones((2, 1)), cr.ones((1, 1)))
    Tensor([[0.96402758]], float64)
    """
    return ops.tanh(dense(x, w, b) + h @ u)


@optional_arrays
@composite(name="nn.lstm_cell", multiple=True)
def lstm_cell(x: Any, h: Any, c: Any, w: Any, u: Any, b: Any = None, /) -> Any:
    """One step of a network with long short-term memory (https://doi.org/10.1162/neco.1997.9.8.1735).

    With `i, f, g, o = x @ w + h @ u + b`: `c = sigmoid(f) * c + sigmoid(i) * tanh(g)` and `h = sigmoid(o) * tanh(c)`.

    Args:
        x: shape `(..., features)`.
        h, c: what is carried: shape `(..., units)`.
        w, u, b: shapes `(features, 4 * units)`, `(units, 4 * units)` and `(4 * units,)`.

    Returns:
        `(h, c)`: what is carried on; `h` is also the result.

    >>> import chainrule as cr
    >>> h, c = cr.nn.lstm_cell(cr.ones((1, 2)), cr.zeros((1, 1)), cr.ones((1, 1)), cr.zeros((2, 4)), cr.zeros((1, 4)))
    >>> c
    Tensor([[0.5]], float64)
    """
    return _lstm(dense(x, w, b) + h @ u, c)


@optional_arrays
@composite(name="nn.gru_cell")
def gru_cell(x: Any, h: Any, w: Any, u: Any, b: Any = None, b_h: Any = None, /) -> Any:
    """One step of a gated recurrent unit (https://arxiv.org/abs/1406.1078), as in PyTorch.

    With `r, z, n = x @ w + b` and `r', z', n' = h @ u + b_h`: the candidate is `tanh(n + sigmoid(r + r') * n')`, and of
    it and `h` the mean, `h` weighted by `sigmoid(z + z')`.

    Args:
        x: shape `(..., features)`.
        h: what is carried: shape `(..., units)`.
        w, u, b, b_h: shapes `(features, 3 * units)`, `(units, 3 * units)` and twice `(3 * units,)`.

    Returns:
        What is carried on, which is also the result.

    >>> import chainrule as cr
    >>> cr.nn.gru_cell(cr.ones((1, 2)), cr.ones((1, 1)), cr.zeros((2, 3)), cr.zeros((1, 3)))
    Tensor([[0.5]], float64)
    """
    return _gru(dense(x, w, b), dense(h, u, b_h), h)


def _along(what: str, step: Callable[[Any, Any], Any], carried: Any, inputs: Any, reverse: bool) -> tuple[Any, Any]:
    """Steps along the second axis from the end: what is carried at last, and all results."""
    at = inputs.ndim - 2
    if at < 0:
        raise ShapeError(f"{what}: x: expected shape (..., length, features), got {inputs.ndim} dimensions")
    carried, ys = cr.scan(step, carried, ops.moveaxis(inputs, at, 0), reverse=reverse)
    return carried, ops.moveaxis(ys, 0, at)


def _begin(given: Any, like: Any, units: Any) -> Any:
    """What is carried at first: zeros by default."""
    if given is not None:
        return as_tensor(given)
    return ops.zeros((*like.shape[:-2], units), dtype=like.dtype)


def rnn(x: Any, w: Any, u: Any, b: Any = None, h: Any = None, reverse: bool = False) -> tuple[Tensor, Tensor]:
    """`rnn_cell` along sequences.

    Args:
        x: shape `(..., length, features)`, as in `(batch, length, features)`.
        w, u, b: as for `rnn_cell`.
        h: what is carried at first, shape `(..., units)`; zeros by default.
        reverse: whether to begin at the end. Results keep their places.

    Returns:
        `(ys, h)`: the results, shape `(..., length, units)`, and what is carried at last.

    >>> import chainrule as cr
    >>> ys, h = cr.nn.rnn(cr.ones((2, 5, 3)), cr.zeros((3, 4)), cr.zeros((4, 4)))
    >>> ys.shape, h.shape
    ((2, 5, 4), (2, 4))
    """
    inputs, u = dense(x, w, b), as_tensor(u)

    def step(h: Any, z: Any) -> tuple[Any, Any]:
        h = ops.tanh(z + h @ u)
        return h, h

    h, ys = _along("rnn", step, _begin(h, inputs, u.shape[0]), inputs, reverse)
    return ys, h


def lstm(
    x: Any, w: Any, u: Any, b: Any = None, state: Any = None, reverse: bool = False
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """`lstm_cell` along sequences.

    Args:
        x, reverse: as for `rnn`.
        w, u, b: as for `lstm_cell`.
        state: `(h, c)` at first, each of shape `(..., units)`; zeros by default.

    Returns:
        `(ys, (h, c))`: the results, shape `(..., length, units)`, and what is carried at last.

    >>> import chainrule as cr
    >>> ys, (h, c) = cr.nn.lstm(cr.ones((2, 5, 3)), cr.zeros((3, 16)), cr.zeros((4, 16)))
    >>> ys.shape, h.shape, c.shape
    ((2, 5, 4), (2, 4), (2, 4))
    """
    inputs, u = dense(x, w, b), as_tensor(u)
    h, c = (None, None) if state is None else state

    def step(carried: Any, z: Any) -> tuple[Any, Any]:
        h, c = carried
        h, c = _lstm(z + h @ u, c)
        return (h, c), h

    begin = tuple(_begin(part, inputs, u.shape[0]) for part in (h, c))
    carried, ys = _along("lstm", step, begin, inputs, reverse)
    return ys, carried


def gru(
    x: Any, w: Any, u: Any, b: Any = None, b_h: Any = None, h: Any = None, reverse: bool = False
) -> tuple[Tensor, Tensor]:
    """`gru_cell` along sequences.

    Args:
        x, h, reverse: as for `rnn`.
        w, u, b, b_h: as for `gru_cell`.

    Returns:
        `(ys, h)`: the results, shape `(..., length, units)`, and what is carried at last.

    >>> import chainrule as cr
    >>> ys, h = cr.nn.gru(cr.ones((2, 5, 3)), cr.zeros((3, 12)), cr.zeros((4, 12)))
    >>> ys.shape, h.shape
    ((2, 5, 4), (2, 4))
    """
    inputs, u = dense(x, w, b), as_tensor(u)

    def step(h: Any, z: Any) -> tuple[Any, Any]:
        h = _gru(z, dense(h, u, b_h), h)
        return h, h

    h, ys = _along("gru", step, _begin(h, inputs, u.shape[0]), inputs, reverse)
    return ys, h
