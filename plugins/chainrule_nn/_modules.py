"""The modules that most networks are made of. Each computes what a function of `cr.nn` does, with its parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import chainrule as cr
from chainrule import ArgumentError, Tensor, Variable, as_dtype, default_dtype, ops
from chainrule_nn._conv import conv, conv_transpose
from chainrule_nn._dropout import dropout
from chainrule_nn._embedding import embedding
from chainrule_nn._initializers import glorot_uniform, normal
from chainrule_nn._layers import bilinear, dense
from chainrule_nn._module import Module, fresh_name
from chainrule_nn._normalization import (
    batch_norm,
    batch_norm_training,
    group_norm,
    instance_norm,
    layer_norm,
    rms_norm,
)


def _filled(value: float, n: int, dtype: Any, name: str, trainable: bool = True) -> Variable:
    values = ops.full((n,), value, dtype=default_dtype() if dtype is None else as_dtype(dtype))
    return Variable(values, trainable=trainable, name=name)


class Linear(Module):
    """`x @ w + b`: a fully connected layer; see `dense`.

    Args:
        inputs, outputs: how many numbers come in and go out.
        bias: whether there is a `b`.
        initializer: what draws the first `w`, `(shape, seed, dtype)`.
        seed: what it draws from: a generator, which moves on, or an integer.
        dtype: of the parameters.

    >>> import chainrule as cr
    >>> layer = cr.nn.Linear(3, 2, seed=0)
    >>> layer(cr.ones((5, 3))).shape
    (5, 2)
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        bias: bool = True,
        initializer: Callable[..., Tensor] = glorot_uniform,
        seed: Any = None,
        dtype: Any = None,
    ) -> None:
        name = fresh_name(self)
        self.w = Variable(initializer((inputs, outputs), seed, dtype), name=f"{name}/w")
        self.b = _filled(0.0, outputs, dtype, f"{name}/b") if bias else None

    def __call__(self, x: Any) -> Tensor:
        return dense(x, self.w, self.b)


class Bilinear(Module):
    """A fully connected layer of two inputs; see `bilinear`.

    Args:
        left, right, outputs: how many numbers come in on either side, and go out.
        bias, initializer, seed, dtype: as for `Linear`.

    >>> import chainrule as cr
    >>> cr.nn.Bilinear(3, 4, 2, seed=0)(cr.ones((5, 3)), cr.ones((5, 4))).shape
    (5, 2)
    """

    def __init__(
        self,
        left: int,
        right: int,
        outputs: int,
        bias: bool = True,
        initializer: Callable[..., Tensor] = glorot_uniform,
        seed: Any = None,
        dtype: Any = None,
    ) -> None:
        name = fresh_name(self)
        self.w = Variable(initializer((left, right, outputs), seed, dtype), name=f"{name}/w")
        self.b = _filled(0.0, outputs, dtype, f"{name}/b") if bias else None

    def __call__(self, x: Any, y: Any) -> Tensor:
        return bilinear(x, y, self.w, self.b)


class Conv(Module):
    """A convolution with a bias; see `conv`.

    Args:
        inputs, outputs: how many channels come in and go out.
        window: its lengths, one for each axis.
        strides, padding, dilation, groups, data_format, padding_mode: as for `conv`.
        bias, initializer, seed, dtype: as for `Linear`.

    >>> import chainrule as cr
    >>> layer = cr.nn.Conv(1, 8, (3, 3), padding="SAME", seed=0)
    >>> layer(cr.ones((2, 9, 9, 1))).shape
    (2, 9, 9, 8)
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        window: Sequence[int],
        strides: int | tuple[int, ...] = 1,
        padding: Any = "VALID",
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
        data_format: str = "channels_last",
        padding_mode: str = "zeros",
        bias: bool = True,
        initializer: Callable[..., Tensor] = glorot_uniform,
        seed: Any = None,
        dtype: Any = None,
    ) -> None:
        name = fresh_name(self)
        self.w = Variable(initializer((*window, inputs // groups, outputs), seed, dtype), name=f"{name}/w")
        self.b = _filled(0.0, outputs, dtype, f"{name}/b") if bias else None
        self.strides, self.padding, self.dilation = strides, padding, dilation
        self.groups, self.data_format, self.padding_mode = groups, data_format, padding_mode

    def __call__(self, x: Any) -> Tensor:
        how = (self.strides, self.padding, self.dilation, self.groups, self.data_format, self.padding_mode)
        return _biased(conv(x, self.w, *how), self.b, self.data_format)


class ConvTranspose(Module):
    """The transpose of a convolution with a bias; see `conv_transpose`.

    Args:
        inputs, outputs: how many channels come in and go out.
        window: its lengths, one for each axis.
        strides, padding, dilation, groups, data_format, output_padding: as for `conv_transpose`.
        bias, initializer, seed, dtype: as for `Linear`.

    >>> import chainrule as cr
    >>> layer = cr.nn.ConvTranspose(8, 1, (2, 2), strides=2, seed=0)
    >>> layer(cr.ones((2, 9, 9, 8))).shape
    (2, 18, 18, 1)
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        window: Sequence[int],
        strides: int | tuple[int, ...] = 1,
        padding: Any = "VALID",
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
        data_format: str = "channels_last",
        output_padding: int | tuple[int, ...] = 0,
        bias: bool = True,
        initializer: Callable[..., Tensor] = glorot_uniform,
        seed: Any = None,
        dtype: Any = None,
    ) -> None:
        name = fresh_name(self)
        self.w = Variable(initializer((*window, outputs // groups, inputs), seed, dtype), name=f"{name}/w")
        self.b = _filled(0.0, outputs, dtype, f"{name}/b") if bias else None
        self.strides, self.padding, self.dilation, self.output_padding = strides, padding, dilation, output_padding
        self.groups, self.data_format = groups, data_format

    def __call__(self, x: Any, size: int | tuple[int, ...] | None = None) -> Tensor:
        how = (self.strides, self.padding, self.dilation, self.groups, size, self.data_format, self.output_padding)
        return _biased(conv_transpose(x, self.w, *how), self.b, self.data_format)


def _biased(y: Tensor, b: Any, data_format: str) -> Tensor:
    if b is None:
        return y
    biased: Tensor = y + (b if data_format == "channels_last" else ops.reshape(b, shape=(-1, *(1,) * (y.ndim - 2))))
    return biased


class Embedding(Module):
    """For each index a row of a table; see `embedding`.

    Args:
        n: how many rows.
        features: how long they are.
        padding_index, max_norm: as for `embedding`.
        seed, dtype: as for `Linear`. Rows are normal, and about 1 long.

    >>> import chainrule as cr
    >>> cr.nn.Embedding(100, 8, seed=0)(cr.tensor([[1, 2, 3]])).shape
    (1, 3, 8)
    """

    def __init__(
        self,
        n: int,
        features: int,
        padding_index: int | None = None,
        max_norm: float | None = None,
        seed: Any = None,
        dtype: Any = None,
    ) -> None:
        table = normal((n, features), seed, dtype, deviation=features**-0.5)
        self.table = Variable(table, name=f"{fresh_name(self)}/table")
        self.padding_index, self.max_norm = padding_index, max_norm

    def __call__(self, indices: Any) -> Tensor:
        return embedding(indices, self.table, self.padding_index, self.max_norm)


class LayerNorm(Module):
    """`layer_norm` along the last axis with a scale and an offset.

    Args:
        features: how long that axis is.
        eps: as for `layer_norm`.
        dtype: of the parameters.

    >>> import chainrule as cr
    >>> cr.nn.LayerNorm(2, eps=0.0)(cr.tensor([[1.0, 3.0]]))
    Tensor([[-1.,  1.]], float64)
    """

    def __init__(self, features: int, eps: float = 1e-5, dtype: Any = None) -> None:
        name = fresh_name(self)
        self.scale, self.offset = (
            _filled(v, features, dtype, f"{name}/{k}") for v, k in ((1.0, "scale"), (0.0, "offset"))
        )
        self.eps = eps

    def __call__(self, x: Any) -> Tensor:
        return layer_norm(x, self.scale, self.offset, eps=self.eps)


class RMSNorm(Module):
    """`rms_norm` along the last axis with a scale.

    Args:
        features, eps, dtype: as for `LayerNorm`.

    >>> import chainrule as cr
    >>> cr.nn.RMSNorm(2)(cr.tensor([[3.0, 3.0]])).shape
    (1, 2)
    """

    def __init__(self, features: int, eps: float = 1e-6, dtype: Any = None) -> None:
        self.scale = _filled(1.0, features, dtype, f"{fresh_name(self)}/scale")
        self.eps = eps

    def __call__(self, x: Any) -> Tensor:
        return rms_norm(x, self.scale, eps=self.eps)


class GroupNorm(Module):
    """`group_norm` with a scale and an offset for each channel.

    Args:
        groups: into how many equal parts the channels are cut.
        channels: how many there are.
        eps, data_format: as for `group_norm`.
        dtype: of the parameters.

    >>> import chainrule as cr
    >>> cr.nn.GroupNorm(2, 4)(cr.ones((1, 5, 4))).shape
    (1, 5, 4)
    """

    def __init__(
        self, groups: int, channels: int, eps: float = 1e-5, data_format: str = "channels_last", dtype: Any = None
    ) -> None:
        name = fresh_name(self)
        self.scale, self.offset = (
            _filled(v, channels, dtype, f"{name}/{k}") for v, k in ((1.0, "scale"), (0.0, "offset"))
        )
        self.groups, self.eps, self.data_format = groups, eps, data_format

    def __call__(self, x: Any) -> Tensor:
        return group_norm(x, self.groups, self.scale, self.offset, self.eps, self.data_format)


class InstanceNorm(Module):
    """`instance_norm` with a scale and an offset for each channel.

    Args:
        channels: how many there are.
        eps, data_format: as for `instance_norm`.
        dtype: of the parameters.

    >>> import chainrule as cr
    >>> cr.nn.InstanceNorm(1, eps=0.0)(cr.tensor([[[1.0], [3.0]]]))[0, :, 0]
    Tensor([-1.,  1.], float64)
    """

    def __init__(self, channels: int, eps: float = 1e-5, data_format: str = "channels_last", dtype: Any = None) -> None:
        name = fresh_name(self)
        self.scale, self.offset = (
            _filled(v, channels, dtype, f"{name}/{k}") for v, k in ((1.0, "scale"), (0.0, "offset"))
        )
        self.eps, self.data_format = eps, data_format

    def __call__(self, x: Any) -> Tensor:
        return instance_norm(x, self.scale, self.offset, self.eps, self.data_format)


class BatchNorm(Module):
    """`batch_norm` with a scale and an offset, and running statistics that learning brings up to date.

    In training it normalises by the batch's own statistics and moves `mean` and `variance` towards them: assigns them
    if they are variables. Inside of `cr.grad(loss)(model)` they are tensors; then the module that was given is changed,
    and `loss` returns it beside its value to tell: `cr.grad(loss, has_aux=True)`.

    Args:
        channels: how many there are.
        momentum, eps, axis: as for `batch_norm_training`.
        dtype: of the parameters.

    >>> import chainrule as cr
    >>> layer = cr.nn.BatchNorm(1, momentum=0.5, eps=0.0)
    >>> layer(cr.tensor([[1.0], [3.0]]), training=True)[:, 0]
    Tensor([-1.,  1.], float64)
    >>> layer.mean
    <Variable 'batchnorm_.../mean' [1.], float64>
    """

    def __init__(
        self, channels: int, momentum: float = 0.1, eps: float = 1e-5, axis: int = -1, dtype: Any = None
    ) -> None:
        name = fresh_name(self)
        self.scale, self.offset = (
            _filled(v, channels, dtype, f"{name}/{k}") for v, k in ((1.0, "scale"), (0.0, "offset"))
        )
        self.mean = _filled(0.0, channels, dtype, f"{name}/mean", trainable=False)
        self.variance = _filled(1.0, channels, dtype, f"{name}/variance", trainable=False)
        self.momentum, self.eps, self.axis = momentum, eps, axis

    def __call__(self, x: Any, training: bool = False) -> Tensor:
        if not training:
            return batch_norm(x, self.mean, self.variance, self.scale, self.offset, axis=self.axis, eps=self.eps)
        y, mean, variance = batch_norm_training(
            x,
            self.mean,
            self.variance,
            self.scale,
            self.offset,
            momentum=self.momentum,
            axis=self.axis,
            eps=self.eps,
        )
        self.updated("mean", mean)
        self.updated("variance", variance)
        return y


class Dropout(Module):
    """`dropout` in training, and nothing otherwise.

    Args:
        rate: as for `dropout`.

    >>> import chainrule as cr
    >>> cr.nn.Dropout(0.5)(cr.ones(3))
    Tensor([1., 1., 1.], float64)
    """

    def __init__(self, rate: float = 0.5) -> None:
        self.rate = rate

    def __call__(self, x: Any, training: bool = False, generator: Any = None) -> Tensor:
        return dropout(x, self.rate, generator) if training else cr.as_tensor(x)


class Sequential(Module):
    """One after the other: modules, and functions of a tensor.

    `training` and `generator` reach the modules that take them.

    Args:
        layers: what comes first, and what follows.

    >>> import chainrule as cr
    >>> model = cr.nn.Sequential(cr.nn.Linear(3, 8, seed=0), cr.relu, cr.nn.Linear(8, 2, seed=1))
    >>> model(cr.ones((5, 3))).shape
    (5, 2)
    """

    def __init__(self, *layers: Callable[..., Any]) -> None:
        for layer in layers:
            if not callable(layer):
                raise ArgumentError(f"Sequential: expected modules and functions, got {layer!r:.60}")
        self.layers = tuple(layer if isinstance(layer, Module) else _Function(layer) for layer in layers)

    def __call__(self, x: Any, training: bool = False, generator: Any = None) -> Any:
        given = {"training": training, "generator": generator}
        for layer in self.layers:
            x = layer(x, **{name: given[name] for name in layer._modes})
        return x

    def __getitem__(self, i: int) -> Module:
        return self.layers[i]

    def __len__(self) -> int:
        return len(self.layers)


class _Function(Module):
    """A function as a module."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def __call__(self, x: Any) -> Any:
        return self.function(x)
