"""Convolution over any number of axes, its transpose, and the gradient of its weights.

The three are one trilinear form `sum(y * conv(x, w))`, taken apart by `y`, by `x` and by `w`: the gradients of each are
the other two. Batches come first and channels last; the public functions see to other formats.
"""

from __future__ import annotations

import math
from typing import Any

import chainrule as cr
from chainrule import ArgumentError, ShapeError, Tensor, UnknownSizeError, as_tensor, fronts, infer, op, ops
from chainrule_nn._arguments import as_batch, as_format, as_lengths, as_padding, of_rank, promoted
from chainrule_nn._windows import Along, Lengths, Padding, convolved, fold, padded, taps, volume


def columns(xp: Any, x: Any, axes: tuple[Along, ...], groups: int) -> Any:
    """For each group a matrix: a row for each window, with its elements' channels."""
    parts = xp.stack(list(taps(padded(xp, x, axes), axes)), axis=0)
    rows = (parts.shape[0], math.prod(parts.shape[1:-1]), groups, x.shape[-1] // groups)
    return xp.reshape(xp.permute_dims(xp.reshape(parts, rows), (2, 1, 0, 3)), (groups, rows[1], rows[0] * rows[3]))


def matrices(xp: Any, w: Any, groups: int) -> Any:
    """For each group the weights as a matrix, by which its columns are multiplied."""
    rows, each = math.prod(w.shape[:-1]), w.shape[-1] // groups
    return xp.permute_dims(xp.reshape(w, (rows, groups, each)), (1, 0, 2))


def grouped(xp: Any, y: Any, groups: int) -> Any:
    """For each group a matrix with a row for each window."""
    rows, each = math.prod(y.shape[:-1]), y.shape[-1] // groups
    return xp.permute_dims(xp.reshape(y, (rows, groups, each)), (1, 0, 2))


def _conv_spec(x: Any, w: Any, strides: Lengths, padding: Padding, dilation: Lengths, groups: int) -> Any:
    dtype = infer.result_dtype(x, w)
    if x.shape is None or w.shape is None:
        return infer.Spec(None, dtype)
    axes = convolved(x.shape, w.shape, strides, padding, dilation, groups)
    return infer.Spec((x.shape[0], *(a.count for a in axes), w.shape[-1]), dtype)


def _conv_by_x(g: Any, _y: Any, _x: Any, w: Any, **how: Any) -> Any:
    return _conv_transpose(g, w, size=_x.shape[1:-1], **how)


def _conv_by_w(g: Any, _y: Any, x: Any, _w: Any, **how: Any) -> Any:
    return conv_weight_gradient(x, g, window=_w.shape[:-2], **how)


@op(infer=_conv_spec, gradient=(_conv_by_x, _conv_by_w), name="nn.conv", linear="each")
def _conv(xp: Any, x: Any, w: Any, /, strides: Lengths, padding: Padding, dilation: Lengths, groups: int) -> Any:
    axes = convolved(x.shape, w.shape, strides, padding, dilation, groups)
    y = xp.matmul(columns(xp, x, axes, groups), matrices(xp, w, groups))
    return xp.reshape(xp.permute_dims(y, (1, 0, 2)), (x.shape[0], *(a.count for a in axes), w.shape[-1]))


def leading_to(
    y: Any, w: Any, strides: Lengths, padding: Any, dilation: Lengths, groups: int, size: Any
) -> tuple[Along, ...]:
    """The windows of the convolution, of an array of lengths `size`, whose result has shape `y`.

    Raises:
        ShapeError: the shapes do not fit each other, or there is none.
    """
    n = len(strides)
    if len(y) != n + 2 or len(w) != n + 2:
        raise ShapeError(
            f"x of shape {y} and w of shape {w}: expected {n + 2} dimensions each, (batch, *lengths, channels) and "
            "(*window, channels of the result / groups, channels)"
        )
    if isinstance(y[-1], int) and isinstance(w[-1], int) and y[-1] != w[-1]:
        raise ShapeError(f"channels: x of shape {y} has {y[-1]}, w of shape {w} is for {w[-1]}")
    if size is None and padding == "SAME":
        size = tuple(None if m is None else m * s for m, s in zip(y[1:-1], strides, strict=True))
    elif size is None:
        size = tuple(
            None if m is None or k is None else (m - 1) * s + (k - 1) * d + 1 - sum(p)
            for m, k, s, d, p in zip(y[1:-1], w[:-2], strides, dilation, padding, strict=True)
        )
    if any(isinstance(m, int) and m < 0 for m in size):
        raise ShapeError(f"no size has a convolution of shape {y} with padding {padding}: it would be {size}")
    channels = None if w[-2] is None else w[-2] * groups
    axes = convolved((y[0], *size, channels), w, strides, padding, dilation, groups)
    for m, a in zip(y[1:-1], axes, strict=True):
        if isinstance(m, int) and isinstance(a.count, int) and m != a.count:
            counts = tuple(a.count for a in axes)
            raise ShapeError(f"size {size}: a convolution of that size gives {counts}, not the {y[1:-1]} of x")
    return axes


def _transposed_spec(
    y: Any, w: Any, strides: Lengths, padding: Padding, dilation: Lengths, groups: int, size: Any
) -> Any:
    dtype = infer.result_dtype(y, w)
    if y.shape is None or w.shape is None:
        return infer.Spec(None, dtype)
    axes = leading_to(y.shape, w.shape, strides, padding, dilation, groups, size)
    channels = None if w.shape[-2] is None else w.shape[-2] * groups
    return infer.Spec((y.shape[0], *(a.size for a in axes), channels), dtype)


def _transposed_by_y(g: Any, _x: Any, _y: Any, w: Any, size: Any, **how: Any) -> Any:
    return _conv(g, w, **how)


def _transposed_by_w(g: Any, _x: Any, y: Any, _w: Any, size: Any, **how: Any) -> Any:
    return conv_weight_gradient(g, y, window=_w.shape[:-2], **how)


@op(infer=_transposed_spec, gradient=(_transposed_by_y, _transposed_by_w), name="nn.conv_transpose", linear="each")
def _conv_transpose(
    xp: Any,
    y: Any,
    w: Any,
    /,
    strides: Lengths,
    padding: Padding,
    dilation: Lengths,
    groups: int,
    size: Lengths | None = None,
) -> Any:
    axes = leading_to(y.shape, w.shape, strides, padding, dilation, groups, size)
    parts = xp.matmul(grouped(xp, y, groups), xp.matrix_transpose(matrices(xp, w, groups)))
    parts = xp.reshape(parts, (groups, parts.shape[1], volume(axes), w.shape[-2]))
    parts = xp.permute_dims(parts, (2, 1, 0, 3))
    parts = xp.reshape(parts, (volume(axes), *y.shape[:-1], w.shape[-2] * groups))
    return fold(xp, [parts[i, ...] for i in range(volume(axes))], axes)


def _weights_spec(
    x: Any, y: Any, window: Any, strides: Lengths, padding: Padding, dilation: Lengths, groups: int
) -> Any:
    channels = None if x.shape is None or x.shape[-1] is None else x.shape[-1] // groups
    results = None if y.shape is None else y.shape[-1]
    return infer.Spec((*window, channels, results), infer.result_dtype(x, y))


def _weights_by_x(g: Any, _w: Any, _x: Any, y: Any, window: Any, **how: Any) -> Any:
    return _conv_transpose(y, g, size=_x.shape[1:-1], **how)


def _weights_by_y(g: Any, _w: Any, x: Any, _y: Any, window: Any, **how: Any) -> Any:
    return _conv(x, g, **how)


@op(infer=_weights_spec, gradient=(_weights_by_x, _weights_by_y), name="nn.conv_weight_gradient", linear="each")
def conv_weight_gradient(
    xp: Any, x: Any, y: Any, /, window: Lengths, strides: Lengths, padding: Padding, dilation: Lengths, groups: int
) -> Any:
    """The gradient of `sum(y * conv(x, w))` by `w`, whose first axes are `window`; the rest as `conv` takes it.

    Derivative: by `x`, `conv_transpose(y, g)`; by `y`, `conv(x, g)`.
    """
    w = (*window, x.shape[-1] // groups, y.shape[-1])
    axes = convolved(x.shape, w, strides, padding, dilation, groups)
    product = xp.matmul(xp.matrix_transpose(columns(xp, x, axes, groups)), grouped(xp, y, groups))
    return xp.reshape(xp.permute_dims(product, (1, 0, 2)), w)


@fronts(_conv)
def conv(
    x: Any,
    w: Any,
    strides: int | tuple[int, ...] = 1,
    padding: Any = "VALID",
    dilation: int | tuple[int, ...] = 1,
    groups: int = 1,
    data_format: str = "channels_last",
    padding_mode: str = "zeros",
) -> Tensor:
    """A convolution as neural networks have it (the window is not reversed: a cross-correlation), over any axes.

    `y[b, i, f] = sum(x[b, i * stride + k * dilation, c] * w[k, c, f] for k, c)`, and likewise along more axes; `x` is
    zero where it is padded. With groups, the channels of `x` and of the result are cut into so many equal parts, and
    each part of the result is computed from the part of `x` at the same place.

    Derivative: by `x`, `conv_transpose(g, w)`; by `w`, `conv_weight_gradient(x, g)`.

    Args:
        x: shape `(batch, *lengths, channels)`.
        w: shape `(*window, channels / groups, channels of the result)`, in either format.
        strides: how far the window moves at a time: an integer, or one for each axis.
        padding: `"VALID"` for none; `"SAME"` for a result of `ceil(length / stride)`, padded as evenly as it can, the
            odd zero at the end, as in TensorFlow; or lengths: one, or for each axis one or a pair `(before, after)`.
        dilation: how far apart the elements are that a window takes.
        groups: how many.
        data_format: `"channels_first"` if `x` and the result are `(batch, channels, *lengths)`.
        padding_mode: `"zeros"`; or what `x` is padded with in place of them: `"reflect"`, itself turned over without
            its last element; `"replicate"`, its last element; `"circular"`, its other end.

    Returns:
        Shape `(batch, *lengths, channels of the result)`, in the promoted dtype.

    Raises:
        ShapeError: channels do not match, a window is longer than the padded axis, or dimensions are too few.
        ArgumentError: an argument has no meaning.

    >>> import chainrule as cr
    >>> x = cr.tensor([[[1.0], [2.0], [4.0]]])
    >>> cr.nn.conv(x, cr.tensor([[[-1.0]], [[1.0]]])).shape
    (1, 2, 1)
    >>> cr.nn.conv(x, cr.tensor([[[-1.0]], [[1.0]]]))[0, :, 0]
    Tensor([1., 2.], float64)
    """
    x, w = promoted(as_batch("conv", x, data_format), w)
    how = _how("conv", x.ndim - 2, strides, padding, dilation, groups)
    if padding_mode != "zeros":
        x = _padded(x, w, how, padding_mode)
        how["padding"] = ((0, 0),) * (x.ndim - 2)
    return as_format(_conv(x, w, **how), data_format)


_MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}  # by `cr.pad`'s names


def _padded(x: Tensor, w: Tensor, how: dict[str, Any], mode: str) -> Tensor:
    """A batch with its padding, which is not zeros."""
    if mode not in _MODES:
        expected = ", ".join(map(repr, ("zeros", *_MODES)))
        raise ArgumentError(f"conv: padding_mode: expected one of {expected}, got {mode!r}")
    axes = convolved(x.shape, w.shape, **how)
    if any(a.low is None for a in axes):
        raise UnknownSizeError(f"conv: padding 'SAME' by {mode!r} has to know lengths, and x is of shape {x.shape}")
    return cr.pad(x, ((0, 0), *((a.low, a.high) for a in axes), (0, 0)), _MODES[mode])


@fronts(_conv_transpose)
def conv_transpose(
    x: Any,
    w: Any,
    strides: int | tuple[int, ...] = 1,
    padding: Any = "VALID",
    dilation: int | tuple[int, ...] = 1,
    groups: int = 1,
    size: int | tuple[int, ...] | None = None,
    data_format: str = "channels_last",
    output_padding: int | tuple[int, ...] = 0,
) -> Tensor:
    """The transpose of `conv`: the linear map that its gradient by `x` is, also called deconvolution.

    Derivative: by `x`, `conv(g, w)`; by `w`, `conv_weight_gradient(g, x)`.

    Args:
        x: shape `(batch, *lengths, channels)`, that of the result of the convolution which this transposes.
        w: the weights of that convolution, `(*window, channels of the result / groups, channels)`.
        strides, padding, dilation, groups, data_format: those of that convolution.
        size: the lengths of the result. Where the stride is above 1 several sizes have a convolution of the shape of
            `x`. By default it is `length * stride` with `"SAME"`, and else the smallest, `(length - 1) * stride +
            (window - 1) * dilation + 1` without the padding, as in PyTorch.
        output_padding: how much larger it is than that, where `size` is not given.

    Returns:
        Shape `(batch, *size, channels of the result)`, in the promoted dtype.

    Raises:
        ShapeError: channels do not match, or no convolution leads from that size to the shape of `x`.
        ArgumentError: an argument has no meaning.

    >>> import chainrule as cr
    >>> x = cr.tensor([[[1.0], [2.0]]])
    >>> cr.nn.conv_transpose(x, cr.tensor([[[1.0]], [[0.5]]]), strides=2)[0, :, 0]
    Tensor([1. , 0.5, 2. , 1. ], float64)
    """
    x, w = promoted(as_batch("conv_transpose", x, data_format), w)
    n = x.ndim - 2
    how = _how("conv_transpose", n, strides, padding, dilation, groups)
    sizes = None if size is None else as_lengths("conv_transpose", "size", size, n)
    if not output_padding:
        return as_format(_conv_transpose(x, w, size=sizes, **how), data_format)
    if sizes is not None or how["padding"] == "SAME":
        raise ArgumentError("conv_transpose: output_padding: goes with lengths as padding, and without a size")
    more = as_lengths("conv_transpose", "output_padding", output_padding, n, least=0)
    kept = [min(m, high) for m, (_, high) in zip(more, how["padding"], strict=True)]  # what padding took away
    how["padding"] = tuple((low, high - k) for k, (low, high) in zip(kept, how["padding"], strict=True))
    y = _conv_transpose(x, w, size=None, **how)
    beyond = ((0, m - k) for m, k in zip(more, kept, strict=True))
    return as_format(cr.pad(y, ((0, 0), *beyond, (0, 0))) if kept != [*more] else y, data_format)


def _how(what: str, n: int, strides: Any, padding: Any, dilation: Any, groups: Any) -> dict[str, Any]:
    return {
        "strides": as_lengths(what, "strides", strides, n),
        "padding": as_padding(what, padding, n),
        "dilation": as_lengths(what, "dilation", dilation, n),
        "groups": as_lengths(what, "groups", groups, 1)[0],
    }


def depthwise_conv(
    x: Any,
    w: Any,
    strides: int | tuple[int, ...] = 1,
    padding: Any = "VALID",
    dilation: int | tuple[int, ...] = 1,
    data_format: str = "channels_last",
) -> Tensor:
    """A convolution of each channel by itself: `conv` with as many groups as there are channels.

    Args:
        x, strides, padding, dilation, data_format: as for `conv`.
        w: shape `(*window, channels, multiplier)`: as many windows for each channel.

    Returns:
        Shape `(batch, *lengths, channels * multiplier)`, those of a channel together.

    >>> import chainrule as cr
    >>> cr.nn.depthwise_conv(cr.ones((1, 3, 2)), cr.tensor([[[1.0], [10.0]]]))[0, 0]
    Tensor([ 1., 10.], float64)
    """
    w = as_tensor(w)
    *window, channels, multiplier = w.shape
    w = ops.reshape(w, shape=(*window, 1, channels * multiplier))
    return conv(x, w, strides, padding, dilation, groups=channels, data_format=data_format)


def separable_conv(
    x: Any,
    depthwise: Any,
    pointwise: Any,
    strides: int | tuple[int, ...] = 1,
    padding: Any = "VALID",
    dilation: int | tuple[int, ...] = 1,
    data_format: str = "channels_last",
) -> Tensor:
    """`depthwise_conv`, and then a product with a matrix along the channels.

    Args:
        x, strides, padding, dilation, data_format: as for `conv`.
        depthwise: shape `(*window, channels, multiplier)`.
        pointwise: shape `(channels * multiplier, channels of the result)`.

    >>> import chainrule as cr
    >>> cr.nn.separable_conv(cr.ones((1, 3, 2)), cr.ones((2, 2, 1)), cr.ones((2, 1))).shape
    (1, 2, 1)
    """
    y = depthwise_conv(x, depthwise, strides, padding, dilation, data_format)
    pointwise = as_tensor(pointwise)
    matrix = ops.reshape(pointwise, shape=(*(1,) * (y.ndim - 2), *pointwise.shape))
    return conv(y, matrix, data_format=data_format)


conv1d, conv2d, conv3d = (of_rank(conv, n) for n in (1, 2, 3))
conv_transpose1d, conv_transpose2d, conv_transpose3d = (of_rank(conv_transpose, n) for n in (1, 2, 3))
