"""Modules for sequences: attention with several heads, and recurrent layers."""

from __future__ import annotations

from typing import Any, ClassVar

from chainrule import ArgumentError, Tensor, Variable, as_dtype, as_tensor, default_dtype, ops
from chainrule_nn._attention import scaled_dot_product_attention
from chainrule_nn._initializers import glorot_uniform, orthogonal
from chainrule_nn._module import Module, fresh_name
from chainrule_nn._modules import Linear
from chainrule_nn._recurrent import gru, lstm, rnn


class MultiHeadAttention(Module):
    """Attention in several heads, each with a part of the features (https://arxiv.org/abs/1706.03762, section 3.2.2).

    Args:
        features: how many queries, keys, values and results have.
        heads: into how many equal parts they are cut.
        bias: whether the four products have one.
        dropout: how many weights are left out in training.
        seed, dtype: as for `Linear`.

    Raises:
        ArgumentError: the features cannot be cut so.

    >>> import chainrule as cr
    >>> attention = cr.nn.MultiHeadAttention(8, 2, seed=0)
    >>> attention(cr.ones((3, 5, 8)), causal=True).shape
    (3, 5, 8)
    """

    def __init__(
        self, features: int, heads: int, bias: bool = True, dropout: float = 0.0, seed: Any = None, dtype: Any = None
    ) -> None:
        if features % heads:
            raise ArgumentError(f"MultiHeadAttention: {features} features are not a multiple of {heads} heads")
        self.query, self.key, self.value, self.out = (
            Linear(features, features, bias, seed=seed, dtype=dtype) for _ in range(4)
        )
        self.heads, self.dropout = heads, dropout

    def __call__(
        self,
        query: Any,
        key: Any = None,
        value: Any = None,
        mask: Any = None,
        causal: bool = False,
        training: bool = False,
        generator: Any = None,
    ) -> Tensor:
        """The results, of shape `(..., queries, features)`.

        Args:
            query: shape `(..., queries, features)`.
            key: shape `(..., keys, features)`; the queries by default.
            value: likewise; the keys by default.
            mask, causal: as for `scaled_dot_product_attention`; a mask broadcasts to `(..., heads, queries, keys)`.
            training, generator: for dropout.
        """
        key = query if key is None else key
        value = key if value is None else value
        y = scaled_dot_product_attention(
            self._apart(self.query(query)),
            self._apart(self.key(key)),
            self._apart(self.value(value)),
            mask,
            causal,
            dropout=self.dropout if training else 0.0,
            generator=generator,
        )
        together = ops.moveaxis(y, -3, -2)
        *places, heads, features = together.shape
        return self.out(ops.reshape(together, shape=(*places, heads * features)))

    def _apart(self, x: Tensor) -> Tensor:
        """Each head's features: shape `(..., heads, positions, features / heads)`."""
        parts = ops.reshape(x, shape=(*x.shape[:-1], self.heads, x.shape[-1] // self.heads))
        found: Tensor = ops.moveaxis(parts, -2, -3)
        return found


class _Recurrent(Module):
    """A recurrent layer.

    Args:
        features: how many numbers come in at a time.
        units: how many are carried along.
        reverse: whether to begin at the end.
        seed, dtype: as for `Linear`. What is carried is multiplied by orthogonal matrices at first.
    """

    gates: ClassVar[int] = 1
    biases: ClassVar[tuple[str, ...]] = ("b",)

    def __init__(self, features: int, units: int, reverse: bool = False, seed: Any = None, dtype: Any = None) -> None:
        dtype, name, n = default_dtype() if dtype is None else as_dtype(dtype), fresh_name(self), self.gates
        squares = [orthogonal((units, units), seed, dtype) for _ in range(n)]
        self.w = Variable(glorot_uniform((features, n * units), seed, dtype), name=f"{name}/w")
        self.u = Variable(ops.concat(squares, axis=1), name=f"{name}/u")
        for bias in self.biases:
            setattr(self, bias, Variable(ops.zeros((n * units,), dtype=dtype), name=f"{name}/{bias}"))
        self.reverse = reverse


class RNN(_Recurrent):
    """A simple recurrent layer; see `rnn`.

    Args:
        features: how many numbers come in at a time.
        units: how many are carried along.
        reverse: whether to begin at the end.
        seed, dtype: as for `Linear`. What is carried is multiplied by orthogonal matrices at first.

    >>> import chainrule as cr
    >>> ys, h = cr.nn.RNN(3, 4, seed=0)(cr.ones((2, 5, 3)))
    >>> ys.shape, h.shape
    ((2, 5, 4), (2, 4))
    """

    b: Any

    def __call__(self, x: Any, h: Any = None) -> tuple[Tensor, Tensor]:
        return rnn(x, self.w, self.u, self.b, h, self.reverse)


class LSTM(_Recurrent):
    """A layer with long short-term memory; see `lstm`. What it forgets at first is a quarter: the bias is 1 there.

    Args:
        features, units, reverse, seed, dtype: as for `RNN`.

    >>> import chainrule as cr
    >>> ys, (h, c) = cr.nn.LSTM(3, 4, seed=0)(cr.ones((2, 5, 3)))
    >>> ys.shape, h.shape, c.shape
    ((2, 5, 4), (2, 4), (2, 4))
    """

    gates = 4
    b: Any

    def __init__(self, features: int, units: int, reverse: bool = False, seed: Any = None, dtype: Any = None) -> None:
        super().__init__(features, units, reverse, seed, dtype)
        forget = (ops.arange(4 * units) // units) == 1
        self.b.assign(ops.astype(forget, dtype=self.b.dtype))

    def __call__(self, x: Any, state: Any = None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        return lstm(x, self.w, self.u, self.b, state, self.reverse)


class GRU(_Recurrent):
    """A layer of gated recurrent units; see `gru`.

    Args:
        features, units, reverse, seed, dtype: as for `RNN`.

    >>> import chainrule as cr
    >>> ys, h = cr.nn.GRU(3, 4, seed=0)(cr.ones((2, 5, 3)))
    >>> ys.shape, h.shape
    ((2, 5, 4), (2, 4))
    """

    gates = 3
    biases = ("b", "b_h")
    b: Any
    b_h: Any

    def __call__(self, x: Any, h: Any = None) -> tuple[Tensor, Tensor]:
        return gru(x, self.w, self.u, self.b, self.b_h, h, self.reverse)


class Bidirectional(Module):
    """Two recurrent layers, one in each direction, their results side by side.

    Args:
        forward: a layer.
        backward: one with `reverse=True`.

    Raises:
        ArgumentError: they do not go in opposite directions.

    >>> import chainrule as cr
    >>> layer = cr.nn.Bidirectional(cr.nn.GRU(3, 4, seed=0), cr.nn.GRU(3, 4, reverse=True, seed=1))
    >>> ys, states = layer(cr.ones((2, 5, 3)))
    >>> ys.shape
    (2, 5, 8)
    """

    def __init__(self, forward: Any, backward: Any) -> None:
        if forward.reverse or not backward.reverse:
            raise ArgumentError("Bidirectional: forward: expected one with reverse=False, backward: with reverse=True")
        self.forward, self.backward = forward, backward

    def __call__(self, x: Any, states: tuple[Any, Any] = (None, None)) -> tuple[Tensor, tuple[Any, Any]]:
        x = as_tensor(x)
        (left, end), (right, begin) = self.forward(x, states[0]), self.backward(x, states[1])
        return ops.concat([left, right], axis=-1), (end, begin)
