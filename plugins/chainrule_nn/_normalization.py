"""Normalisation: what makes numbers have mean 0 and variance 1, over a batch, a row, or groups of channels.

With `n` numbers of mean `m` and variance `v`, the cotangent of `y = (x - m) / sqrt(v + eps)` becomes
`(g - mean(g) - y * mean(g * y)) / sqrt(v + eps)`; operations are defined by what they are made of, and come to that.
"""

from __future__ import annotations

import math
from typing import Any

import chainrule as cr
from chainrule import ShapeError, Tensor, composite, fronts, infer, ops
from chainrule_nn._arguments import as_batch, as_format, as_lengths, optional_arrays
from chainrule_nn._pool import avg_pool


def _scaled(y: Any, scale: Any, offset: Any) -> Any:
    y = y if scale is None else y * scale
    return y if offset is None else y + offset


def _normalized(x: Any, axis: Any, eps: float) -> Any:
    centred = x - ops.mean(x, axis=axis, keepdims=True)
    return centred / ops.sqrt(ops.mean(ops.square(centred), axis=axis, keepdims=True) + eps)


def _layer_norm_gradient(g: Any, _y: Any, x: Any, scale: Any, _offset: Any, axis: Any, eps: float) -> Any:
    centred = x - ops.mean(x, axis=axis, keepdims=True)
    deviation = ops.sqrt(ops.mean(ops.square(centred), axis=axis, keepdims=True) + eps)
    y, h = centred / deviation, g if scale is None else g * scale
    h = h - ops.mean(h, axis=axis, keepdims=True) - y * ops.mean(h * y, axis=axis, keepdims=True)
    return h / deviation, None if scale is None else g * y, None if _offset is None else g


@optional_arrays
@composite(gradient=_layer_norm_gradient, name="nn.layer_norm", broadcasts=True)
def layer_norm(x: Any, scale: Any = None, offset: Any = None, /, axis: Any = -1, eps: float = 1e-5) -> Any:
    """`(x - mean) / sqrt(variance + eps) * scale + offset`, with mean and variance of each row.

    From https://arxiv.org/abs/1607.06450.

    Derivative: by `x`, `(h - mean(h) - y * mean(h * y)) / sqrt(variance + eps)` with `h = g * scale` and the normalised
    `y`; by `scale`, `g * y`; by `offset`, `g`.

    Args:
        x: an array of any shape.
        scale, offset: what broadcasts against it, such as shape `(features,)`; nothing by default.
        axis: along which mean and variance are taken: one, or several in a tuple.
        eps: what is added to variances.

    Returns:
        The shape of `x`.

    >>> import chainrule as cr
    >>> cr.nn.layer_norm(cr.tensor([[1.0, 3.0], [5.0, 5.0]]), eps=0.0625)
    Tensor([[-0.9701425,  0.9701425],
            [ 0.       ,  0.       ]], float64)
    """
    return _scaled(_normalized(x, axis, eps), scale, offset)


@optional_arrays
@composite(name="nn.rms_norm", broadcasts=True)
def rms_norm(x: Any, scale: Any = None, /, axis: Any = -1, eps: float = 1e-6) -> Any:
    """`x / sqrt(mean(x**2) + eps) * scale`, with the mean of each row (https://arxiv.org/abs/1910.07467).

    Args:
        x, scale, axis, eps: as for `layer_norm`.

    >>> import chainrule as cr
    >>> cr.nn.rms_norm(cr.tensor([3.0, 4.0]), eps=0.0)
    Tensor([0.84852814, 1.13137085], float64)
    """
    return _scaled(x / ops.sqrt(ops.mean(ops.square(x), axis=axis, keepdims=True) + eps), scale, None)


@composite(name="nn.instance_norm", broadcasts=True)
def _instance_norm(x: Any, scale: Any, offset: Any, /, eps: float) -> Any:
    return _scaled(_normalized(x, tuple(range(1, x.ndim - 1)), eps), scale, offset)


@fronts(_instance_norm)
def instance_norm(
    x: Any, scale: Any = None, offset: Any = None, eps: float = 1e-5, data_format: str = "channels_last"
) -> Tensor:
    """Normalisation of each channel of each element of a batch by itself (https://arxiv.org/abs/1607.08022).

    Args:
        x: shape `(batch, *lengths, channels)`.
        scale, offset: shape `(channels,)`; nothing by default.
        eps: what is added to variances.
        data_format: `"channels_first"` if `x` and the result are `(batch, channels, *lengths)`.

    >>> import chainrule as cr
    >>> cr.nn.instance_norm(cr.tensor([[[1.0], [3.0]]]), eps=0.0)[0, :, 0]
    Tensor([-1.,  1.], float64)
    """
    x = as_batch("instance_norm", x, data_format)
    return as_format(_instance_norm(x, scale, offset, eps=eps), data_format)


@composite(name="nn.group_norm", broadcasts=True)
def _group_norm(x: Any, scale: Any, offset: Any, /, groups: int, eps: float) -> Any:
    channels = x.shape[-1]
    if isinstance(channels, int) and channels % groups:
        raise ShapeError(f"x of shape {x.shape} has {channels} channels, not a multiple of {groups} groups")
    parts = ops.reshape(x, shape=(*x.shape[:-1], groups, channels // groups))
    y = _normalized(parts, (*range(1, x.ndim - 1), x.ndim), eps)
    return _scaled(ops.reshape(y, shape=x.shape), scale, offset)


@fronts(_group_norm)
def group_norm(
    x: Any,
    groups: int,
    scale: Any = None,
    offset: Any = None,
    eps: float = 1e-5,
    data_format: str = "channels_last",
) -> Tensor:
    """Normalisation of groups of channels, for each element of a batch by itself (https://arxiv.org/abs/1803.08494).

    Args:
        x: shape `(batch, *lengths, channels)`, or `(batch, channels)`.
        groups: into how many equal parts the channels are cut.
        scale, offset, eps, data_format: as for `instance_norm`.

    Raises:
        ShapeError: the channels cannot be cut so.

    >>> import chainrule as cr
    >>> cr.nn.group_norm(cr.tensor([[[1.0, 3.0, 0.0, 8.0]]]), 2, eps=0.0)
    Tensor([[[-1.,  1., -1.,  1.]]], float64)
    """
    (groups,) = as_lengths("group_norm", "groups", groups, 1)
    x = as_batch("group_norm", x, data_format, axes=0)
    return as_format(_group_norm(x, scale, offset, groups=groups, eps=eps), data_format)


@optional_arrays
@composite(name="nn.batch_norm", broadcasts=True)
def batch_norm(
    x: Any, mean: Any, variance: Any, scale: Any = None, offset: Any = None, /, axis: int = -1, eps: float = 1e-5
) -> Any:
    """`(x - mean) / sqrt(variance + eps) * scale + offset`, with numbers for each channel.

    The statistics are given: the running ones of `batch_norm_training`, which normalises by the batch's own.

    Args:
        x: an array with channels along an axis.
        mean, variance, scale, offset: shape `(channels,)`; scale and offset may be left out.
        axis: where the channels are.
        eps: what is added to variances.

    Returns:
        The shape of `x`.

    >>> import chainrule as cr
    >>> cr.nn.batch_norm(cr.tensor([[1.0, 6.0]]), cr.tensor([1.0, 2.0]), cr.tensor([1.0, 4.0]), eps=0.0)
    Tensor([[0., 2.]], float64)
    """
    mean, variance, scale, offset = (_at_channels(t, x, axis) for t in (mean, variance, scale, offset))
    return _scaled((x - mean) / ops.sqrt(variance + eps), scale, offset)


def _at_channels(t: Any, x: Any, axis: int) -> Any:
    """A number for each channel, as what broadcasts against an array with its channels along an axis."""
    if t is None or axis == -1:
        return t
    (at,) = infer.as_axes(axis, x.ndim)
    return ops.reshape(t, shape=(-1, *(1,) * (x.ndim - 1 - at)))


def batch_norm_training(
    x: Any,
    running_mean: Any = None,
    running_variance: Any = None,
    scale: Any = None,
    offset: Any = None,
    *,
    momentum: float = 0.1,
    axis: int = -1,
    eps: float = 1e-5,
) -> tuple[Tensor, Tensor, Tensor]:
    """`batch_norm` by mean and variance of the batch (https://arxiv.org/abs/1502.03167).

    Args:
        x, scale, offset, axis, eps: as for `batch_norm`.
        running_mean, running_variance: shape `(channels,)`: the statistics until now; those of the batch alone are
            the new ones if they are left out.
        momentum: how much of the batch's statistics goes into the new ones.

    Returns:
        `(y, running_mean, running_variance)`: the result, and the new statistics, which no gradient passes. As in
        PyTorch the variance that they take in is the unbiased one, over `n - 1`.

    Raises:
        ShapeError: there are not two numbers for a channel.

    >>> import chainrule as cr
    >>> y, mean, variance = cr.nn.batch_norm_training(cr.tensor([[1.0], [3.0]]), cr.zeros(1), cr.ones(1), eps=0.0)
    >>> y[:, 0], mean, variance
    (Tensor([-1.,  1.], float64), Tensor([0.2], float64), Tensor([1.1], float64))
    """
    x = ops.asarray(x)
    (at,) = infer.as_axes(axis, x.ndim)
    others = tuple(i for i in range(x.ndim) if i != at)
    mean, variance = ops.mean(x, axis=others), ops.var(x, axis=others)
    n = math.prod([x.shape[i] for i in others])
    if isinstance(n, int) and n < 2:
        raise ShapeError(f"batch_norm_training: x: expected more than one number for each channel, got shape {x.shape}")
    unbiased = variance * (n / (n - 1))

    def moved(old: Any, new: Any) -> Any:
        return ops.stop_gradient(new if old is None else (1.0 - momentum) * ops.asarray(old) + momentum * new)

    y = batch_norm(x, mean, variance, scale, offset, axis=axis, eps=eps)
    return y, moved(running_mean, mean), moved(running_variance, unbiased)


@composite(name="nn.normalize")
def normalize(x: Any, /, axis: int = -1, p: float = 2.0, eps: float = 1e-12) -> Any:
    """`x / max(|x|, eps)`, with the p-norm of vectors along an axis: vectors of length 1.

    Args:
        x: an array of any shape.
        axis: along which the vectors lie.
        p: which norm.
        eps: the least that is divided by.

    >>> import chainrule as cr
    >>> cr.nn.normalize(cr.tensor([[3.0, 4.0], [0.0, 0.0]]))
    Tensor([[0.6, 0.8],
            [0. , 0. ]], float64)
    """
    return x / ops.maximum(cr.linalg.vector_norm(x, ord=p, axis=axis, keepdims=True), eps)


@composite(name="nn.local_response_norm")
def local_response_norm(x: Any, /, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Any:
    """`x / (k + alpha * m)**beta`, where `m` is the mean of the squares of `size` channels around each.

    From https://papers.nips.cc/paper/4824-imagenet-classification-with-deep-convolutional-neural-networks, section 3.3.

    Args:
        x: shape `(..., channels)`. Beyond the first and last there are zeros.
        size, alpha, beta, k: see there.

    >>> import chainrule as cr
    >>> cr.nn.local_response_norm(cr.tensor([3.0, 0.0, 0.0]), size=3, alpha=1.0, beta=1.0)
    Tensor([0.75, 0.  , 0.  ], float64)
    """
    squares = ops.reshape(ops.square(x), shape=(-1, x.shape[-1], 1))
    padding = ((size // 2, (size - 1) // 2),)
    means = avg_pool(squares, size, strides=1, padding=padding, count_padding=True)
    return x / (k + alpha * ops.reshape(means, shape=x.shape)) ** beta
