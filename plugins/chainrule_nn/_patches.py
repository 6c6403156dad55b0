"""Windows as an array, and their sum where they lie: what a convolution multiplies, and its transpose adds up."""

from __future__ import annotations

from typing import Any

from chainrule import ShapeError, Tensor, as_tensor, fronts, infer, op
from chainrule_nn._arguments import as_batch, as_format, as_lengths, as_padding
from chainrule_nn._windows import Along, Lengths, Padding, padded, taps, volume, windows
from chainrule_nn._windows import fold as added


def _axes(x: Any, window: Lengths, strides: Lengths, padding: Padding, dilation: Lengths) -> tuple[Along, ...]:
    if len(x) != len(window) + 2:
        raise ShapeError(f"x of shape {tuple(x)}: expected {len(window) + 2} dimensions, (batch, *lengths, channels)")
    return windows(x[1:-1], window, strides, padding, dilation)


def _unfold_spec(x: Any, window: Lengths, **how: Any) -> Any:
    if x.shape is None:
        return x
    axes = _axes(x.shape, window, **how)
    return infer.Spec((x.shape[0], *(a.count for a in axes), *window, x.shape[-1]), x.dtype)


def _fold_spec(y: Any, size: Lengths, window: Lengths, **how: Any) -> Any:
    if y.shape is None:
        return y
    n = len(window)
    if len(y.shape) != 2 * n + 2:
        raise ShapeError(f"y of shape {y.shape}: expected {2 * n + 2} dimensions, (batch, *counts, *window, channels)")
    spec = infer.Spec((y.shape[0], *size, y.shape[-1]), y.dtype)
    try:
        infer.common_shape(y.shape, _unfold_spec(spec, window, **how).shape)
    except ShapeError:
        expected = _unfold_spec(spec, window, **how).shape
        raise ShapeError(f"y of shape {y.shape}: windows of size {size} are of shape {expected}") from None
    return spec


def _unfold_gradient(g: Any, _y: Any, _x: Any, **how: Any) -> Any:
    return _fold(g, size=_x.shape[1:-1], **how)


@op(infer=_unfold_spec, gradient=_unfold_gradient, name="nn.unfold", linear="joint")
def _unfold(xp: Any, x: Any, /, window: Lengths, strides: Lengths, padding: Padding, dilation: Lengths) -> Any:
    axes = _axes(x.shape, window, strides, padding, dilation)
    parts = xp.stack(list(taps(padded(xp, x, axes), axes)), axis=-2)
    return xp.reshape(parts, (*parts.shape[:-2], *window, x.shape[-1]))


@op(
    infer=_fold_spec,
    gradient=lambda g, _x, _y, size, **how: _unfold(g, **how),
    name="nn.fold",
    linear="joint",
)
def _fold(
    xp: Any, y: Any, /, size: Lengths, window: Lengths, strides: Lengths, padding: Padding, dilation: Lengths
) -> Any:
    axes = _axes((y.shape[0], *size, y.shape[-1]), window, strides, padding, dilation)
    parts = xp.reshape(y, (*y.shape[: len(window) + 1], volume(axes), y.shape[-1]))
    return added(xp, [parts[..., i, :] for i in range(volume(axes))], axes)


@fronts(_unfold)
def unfold(
    x: Any,
    window: int | tuple[int, ...],
    strides: int | tuple[int, ...] = 1,
    padding: Any = "VALID",
    dilation: int | tuple[int, ...] = 1,
    data_format: str = "channels_last",
) -> Tensor:
    """The windows of a convolution as an array, also called im2col.

    Derivative: `fold(g)`: the sum of the windows that an element is in.

    Args:
        x: shape `(batch, *lengths, channels)`.
        window: its lengths: an integer, or one for each axis.
        strides, padding, dilation: as for `conv`.
        data_format: `"channels_first"` if `x` is `(batch, channels, *lengths)`. The result is the same.

    Returns:
        Shape `(batch, *counts, *window, channels)`, with as many windows along each axis as `conv` has results.

    >>> import chainrule as cr
    >>> cr.nn.unfold(cr.tensor([[[1.0], [2.0], [3.0]]]), 2)[0, :, :, 0]
    Tensor([[1., 2.],
            [2., 3.]], float64)
    """
    x = as_batch("unfold", x, data_format, numbers=False)
    y: Tensor = _unfold(x, **_how("unfold", x.ndim - 2, window, strides, padding, dilation))
    return y


@fronts(_fold)
def fold(
    y: Any,
    size: int | tuple[int, ...],
    window: int | tuple[int, ...],
    strides: int | tuple[int, ...] = 1,
    padding: Any = "VALID",
    dilation: int | tuple[int, ...] = 1,
    data_format: str = "channels_last",
) -> Tensor:
    """The transpose of `unfold`: windows added up where they lie, also called col2im.

    Args:
        y: shape `(batch, *counts, *window, channels)`, as `unfold` gives it.
        size: the lengths of the result: an integer, or one for each axis.
        window, strides, padding, dilation: those of `unfold`.
        data_format: `"channels_first"` for a result `(batch, channels, *lengths)`.

    Returns:
        Shape `(batch, *size, channels)`.

    Raises:
        ShapeError: there are not so many windows in an array of that size.

    >>> import chainrule as cr
    >>> windows = cr.nn.unfold(cr.tensor([[[1.0], [2.0], [3.0]]]), 2)
    >>> cr.nn.fold(windows, 3, 2)[0, :, 0]
    Tensor([1., 4., 3.], float64)
    """
    y = as_tensor(y)
    n = (y.ndim - 2) // 2
    sizes = as_lengths("fold", "size", size, n)
    return as_format(_fold(y, size=sizes, **_how("fold", n, window, strides, padding, dilation)), data_format)


def _how(what: str, n: int, window: Any, strides: Any, padding: Any, dilation: Any) -> dict[str, Any]:
    return {
        "window": as_lengths(what, "window", window, n),
        "strides": as_lengths(what, "strides", strides, n),
        "padding": as_padding(what, padding, n),
        "dilation": as_lengths(what, "dilation", dilation, n),
    }
