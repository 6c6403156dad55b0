"""Other sizes: interpolation, and channels that become lengths."""

from __future__ import annotations

import math
from typing import Any

from chainrule import ArgumentError, ShapeError, Tensor, composite, fronts, ops
from chainrule_nn._arguments import as_batch, as_format, as_lengths
from chainrule_nn._windows import Lengths, of_size


def _taps(method: str, length: int, size: int, align_corners: bool) -> list[tuple[list[int], list[float]]]:
    """For each tap, the places along an axis that results are taken from, and their weights."""
    if method == "nearest":
        return [([i * length // size for i in range(size)], [])]
    if method == "nearest-exact":
        return [([(2 * i + 1) * length // (2 * size) for i in range(size)], [])]
    if align_corners:
        step = (length - 1) / (size - 1) if size > 1 else 0.0
        centres = [i * step for i in range(size)]
    else:
        centres = [(i + 0.5) * length / size - 0.5 for i in range(size)]
    if method == "linear":
        centres = [max(c, 0.0) for c in centres]
    starts = [math.floor(c) for c in centres]
    weights = [_WEIGHTS[method](c - start) for c, start in zip(centres, starts, strict=True)]
    first = 0 if method == "linear" else -1
    return [
        ([min(max(start + first + k, 0), length - 1) for start in starts], [w[k] for w in weights])
        for k in range(len(weights[0]))
    ]


def _cubic(t: float, a: float = -0.75) -> list[float]:
    """Keys' cubic convolution at the four places around one (https://doi.org/10.1109/TASSP.1981.1163711)."""

    def near(x: float) -> float:
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x: float) -> float:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


_WEIGHTS: dict[str, Any] = {"linear": lambda t: [1 - t, t], "cubic": _cubic}
_METHODS = ("nearest", "nearest-exact", *_WEIGHTS)


@composite(name="nn.resize", infer=of_size)
def _resize(x: Any, /, size: Lengths, method: str, align_corners: bool) -> Any:
    for axis, n in enumerate(size, 1):
        total: Any = None
        for places, weights in _taps(method, x.shape[axis], n, align_corners):
            part = ops.take(x, ops.asarray(places), axis=axis)
            if weights:
                part = part * ops.reshape(ops.asarray(weights, dtype=x.dtype), shape=(n, *(1,) * (x.ndim - axis - 1)))
            total = part if total is None else total + part
        x = total
    return x


@fronts(_resize)
def resize(
    x: Any,
    size: int | tuple[int, ...],
    method: str = "nearest",
    align_corners: bool = False,
    data_format: str = "channels_last",
) -> Tensor:
    """A batch of arrays in another size, by interpolation along one axis after the other.

    Args:
        x: floating-point numbers of shape `(batch, *lengths, channels)`.
        size: the lengths of the result: an integer, or one for each axis.
        method: `"nearest"`, `"nearest-exact"` (nearest to centres, rather than to where elements begin), `"linear"`
            (bilinear over two axes) or `"cubic"`, as PyTorch has them. Where the result is smaller nothing is averaged.
        align_corners: whether the first and last elements stay where they are, rather than the edges.
        data_format: `"channels_first"` if `x` and the result are `(batch, channels, *lengths)`.

    Returns:
        Shape `(batch, *size, channels)`.

    Raises:
        ArgumentError: there is no such method.

    >>> import chainrule as cr
    >>> x = cr.tensor([[[0.0], [1.0]]])
    >>> cr.nn.resize(x, 4)[0, :, 0], cr.nn.resize(x, 4, "linear")[0, :, 0]
    (Tensor([0., 0., 1., 1.], float64), Tensor([0.  , 0.25, 0.75, 1.  ], float64))
    """
    if method not in _METHODS:
        raise ArgumentError(f"resize: method: expected one of {', '.join(map(repr, _METHODS))}, got {method!r}")
    x = as_batch("resize", x, data_format)
    sizes = as_lengths("resize", "size", size, x.ndim - 2)
    return as_format(_resize(x, size=sizes, method=method, align_corners=bool(align_corners)), data_format)


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
    x = as_batch("pixel_shuffle", x, data_format)
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
    x = as_batch("pixel_unshuffle", x, data_format)
    batch, *lengths, channels = x.shape
    n = len(lengths)
    if any(isinstance(m, int) and m % factor for m in lengths):
        raise ShapeError(f"pixel_unshuffle: x: expected lengths that are multiples of {factor}, got {tuple(lengths)}")
    parts = ops.reshape(x, shape=(batch, *(part for m in lengths for part in (m // factor, factor)), channels))
    axes = (0, *range(1, 2 * n, 2), 2 * n + 1, *range(2, 2 * n + 1, 2))
    parts = ops.permute_dims(parts, axes=axes)
    y: Tensor = ops.reshape(parts, shape=(batch, *(m // factor for m in lengths), channels * factor**n))
    return as_format(y, data_format)
