"""Other sizes: interpolation, and channels that become lengths."""

from __future__ import annotations

import math
from typing import Any

from chainrule import ArgumentError, ShapeError, Tensor, UnknownSizeError, composite, fronts, ops
from chainrule_nn._adaptive import adaptive_avg_pool
from chainrule_nn._arguments import as_batch, as_format, as_lengths
from chainrule_nn._windows import Lengths, of_size


def _taps(
    method: str, length: int, size: int, align_corners: bool, scale: float | None
) -> list[tuple[list[int], list[float]]]:
    """For each tap, the places along an axis that results are taken from, and their weights."""
    if method in ("nearest", "nearest-exact"):
        centre = 0.5 if method == "nearest-exact" else 0.0
        if scale is None:
            return [([int((i + centre) * length / size) for i in range(size)], [])]
        return [([min(math.floor((i + centre) / scale), length - 1) for i in range(size)], [])]
    if align_corners:
        step = (length - 1) / (size - 1) if size > 1 else 0.0
        centres = [i * step for i in range(size)]
    else:
        step = length / size if scale is None else 1 / scale
        centres = [(i + 0.5) * step - 0.5 for i in range(size)]
    if method == "linear":
        centres = [max(c, 0.0) for c in centres]
    starts = [math.floor(c) for c in centres]
    weights = [_WEIGHTS[method](c - start) for c, start in zip(centres, starts, strict=True)]
    first = 0 if method == "linear" else -1
    return [
        ([min(max(start + first + k, 0), length - 1) for start in starts], [w[k] for w in weights])
        for k in range(len(weights[0]))
    ]


def cubic(t: Any, a: float = -0.75) -> list[Any]:
    """Keys' cubic convolution at the four places around one (https://doi.org/10.1109/TASSP.1981.1163711)."""

    def near(x: Any) -> Any:
        return ((a + 2) * x - (a + 3)) * x * x + 1.0

    def far(x: Any) -> Any:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    return [far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)]


_WEIGHTS: dict[str, Any] = {"linear": lambda t: [1 - t, t], "cubic": cubic}
_METHODS = ("nearest", "nearest-exact", "area", *_WEIGHTS)


@composite(name="nn.resize", infer=of_size)
def _resize(x: Any, /, size: Lengths, method: str, align_corners: bool, scale: tuple[float, ...] | None = None) -> Any:
    for axis, n in enumerate(size, 1):
        total: Any = None
        of_axis = None if scale is None else scale[axis - 1]
        for places, weights in _taps(method, x.shape[axis], n, align_corners, of_axis):
            part = ops.take(x, ops.asarray(places), axis=axis)
            if weights:
                part = part * ops.reshape(ops.asarray(weights, dtype=x.dtype), shape=(n, *(1,) * (x.ndim - axis - 1)))
            total = part if total is None else total + part
        x = total
    return x


@fronts(_resize)
def resize(
    x: Any,
    size: int | tuple[int, ...] | None = None,
    method: str = "nearest",
    align_corners: bool = False,
    data_format: str = "channels_last",
    scale: float | tuple[float, ...] | None = None,
) -> Tensor:
    """A batch of arrays in another size, by interpolation along one axis after the other.

    Args:
        x: floating-point numbers of shape `(batch, *lengths, channels)`.
        size: the lengths of the result: an integer, or one for each axis.
        method: `"nearest"`, `"nearest-exact"` (nearest to centres, rather than to where elements begin), `"linear"`
            (bilinear over two axes) or `"cubic"`, as PyTorch has them, which average nothing where the result is
            smaller; or `"area"`, which is `adaptive_avg_pool`.
        align_corners: whether the first and last elements stay where they are, rather than the edges.
        data_format: `"channels_first"` if `x` and the result are `(batch, channels, *lengths)`.
        scale: by how much lengths grow, in place of a size: a number, or one for each axis. The result is
            `floor(length * scale)` long, its elements `1 / scale` apart.

    Returns:
        Shape `(batch, *size, channels)`.

    Raises:
        ArgumentError: there is no such method, or not one of size and scale.

    >>> import chainrule as cr
    >>> x = cr.tensor([[[0.0], [1.0]]])
    >>> cr.nn.resize(x, 4)[0, :, 0], cr.nn.resize(x, scale=2, method="linear")[0, :, 0]
    (Tensor([0., 0., 1., 1.], float64), Tensor([0.  , 0.25, 0.75, 1.  ], float64))
    """
    if method not in _METHODS:
        raise ArgumentError(f"resize: method: expected one of {', '.join(map(repr, _METHODS))}, got {method!r}")
    if (size is None) == (scale is None):
        raise ArgumentError(f"resize: expected either a size or a scale, got size={size!r} and scale={scale!r}")
    x = as_batch("resize", x, data_format)
    scales: tuple[float, ...] | None = None
    if scale is not None:
        scales = tuple(map(float, scale)) if isinstance(scale, tuple | list) else (float(scale),) * (x.ndim - 2)
        if not all(isinstance(m, int) for m in x.shape[1:-1]):
            raise UnknownSizeError(f"resize: a scale has to know lengths, and x is of shape {x.shape}; give a size")
        size = tuple([math.floor(m * s) for m, s in zip(x.shape[1:-1], scales, strict=True)])
    sizes = as_lengths("resize", "size", size, x.ndim - 2)
    if method == "area":
        return as_format(adaptive_avg_pool(x, sizes), data_format)
    y = _resize(x, size=sizes, method=method, align_corners=bool(align_corners), scale=scales)
    return as_format(y, data_format)


def pixel_shuffle(x: Any, factor: int, data_format: str = "channels_last") -> Tensor:
    """Channels as lengths: `(batch, *lengths, channels * factor**n)` becomes `(batch, *(lengths * factor), channels)`.

    A channel's parts lie together, as in PyTorch (https://arxiv.org/abs/1609.05158).

    Args:
        x: the batch, over `n` axes.
        factor: by how much each length grows.
        data_format: `"channels_first"` if `x` and the result are `(batch, channels, *lengths)`.

    Raises:
        ShapeError: the channels cannot be cut so.

    >>> import chainrule as cr
    >>> cr.nn.pixel_shuffle(cr.tensor([[[1.0, 2.0], [3.0, 4.0]]]), 2)[0, :, 0]
    Tensor([1., 2., 3., 4.], float64)
    """
    x = as_batch("pixel_shuffle", x, data_format, numbers=False)
    batch, *lengths, channels = x.shape
    n = len(lengths)
    if isinstance(channels, int) and channels % factor**n:
        raise ShapeError(f"pixel_shuffle: x: expected a multiple of {factor**n} channels, got {channels}")
    parts = ops.reshape(x, shape=(batch, *lengths, channels // factor**n, *(factor,) * n))
    pairs = [axis for i in range(n) for axis in (i + 1, i + n + 2)]
    parts = ops.permute_dims(parts, axes=(0, *pairs, n + 1))
    y: Tensor = ops.reshape(parts, shape=(batch, *(m * factor for m in lengths), channels // factor**n))
    return as_format(y, data_format)


def pixel_unshuffle(x: Any, factor: int, data_format: str = "channels_last") -> Tensor:
    """The inverse of `pixel_shuffle`: lengths become shorter, and channels more.

    Args:
        x: shape `(batch, *lengths, channels)`.
        factor: by how much each length shrinks.
        data_format: `"channels_first"` if `x` and the result are `(batch, channels, *lengths)`.

    Raises:
        ShapeError: a length is no multiple of the factor.

    >>> import chainrule as cr
    >>> cr.nn.pixel_unshuffle(cr.tensor([[[1.0], [2.0], [3.0], [4.0]]]), 2)
    Tensor([[[1., 2.],
             [3., 4.]]], float64)
    """
    x = as_batch("pixel_unshuffle", x, data_format, numbers=False)
    batch, *lengths, channels = x.shape
    n = len(lengths)
    if any(isinstance(m, int) and m % factor for m in lengths):
        raise ShapeError(f"pixel_unshuffle: x: expected lengths that are multiples of {factor}, got {tuple(lengths)}")
    parts = ops.reshape(x, shape=(batch, *(part for m in lengths for part in (m // factor, factor)), channels))
    axes = (0, *range(1, 2 * n, 2), 2 * n + 1, *range(2, 2 * n + 1, 2))
    parts = ops.permute_dims(parts, axes=axes)
    y: Tensor = ops.reshape(parts, shape=(batch, *(m // factor for m in lengths), channels * factor**n))
    return as_format(y, data_format)


def channel_shuffle(x: Any, groups: int, data_format: str = "channels_last") -> Tensor:
    """Channels of groups in turn: the first of each, then the second of each (https://arxiv.org/abs/1707.01083).

    Args:
        x: shape `(batch, *lengths, channels)`.
        groups: how many.
        data_format: `"channels_first"` if `x` and the result are `(batch, channels, *lengths)`.

    Raises:
        ShapeError: the channels cannot be cut so.

    >>> import chainrule as cr
    >>> cr.nn.channel_shuffle(cr.tensor([[[1.0, 2.0, 3.0, 4.0]]]), 2)
    Tensor([[[1., 3., 2., 4.]]], float64)
    """
    x = as_batch("channel_shuffle", x, data_format, numbers=False)
    *others, channels = x.shape
    if isinstance(channels, int) and channels % groups:
        raise ShapeError(f"channel_shuffle: x: expected a multiple of {groups} channels, got {channels}")
    parts = ops.swapaxes(ops.reshape(x, shape=(*others, groups, channels // groups)), -1, -2)
    return as_format(ops.reshape(parts, shape=x.shape), data_format)
