"""PyTorch's own convolution, with its two gradients, and pooling.

What it lacks, windows over four axes or of integers, the generic kernels compute.
"""

from __future__ import annotations

from typing import Any

from chainrule_nn import _conv, _pool
from chainrule_nn._windows import Along, convolved, pooled


def conv(x: Any, w: Any, **how: Any) -> Any:
    """The operation `conv`."""
    if not _takes(x, w):
        return _generic(_conv._conv, x, w, **how)
    import torch

    axes = convolved(x.shape, w.shape, **how)
    y = torch.ops.aten.convolution(_padded(x, axes), _channels_first(w), None, *_arguments(axes, how["groups"]))
    return y.movedim(1, -1)


def conv_transpose(y: Any, w: Any, *, size: Any = None, **how: Any) -> Any:
    """The operation `conv_transpose`."""
    if not _takes(y, w):
        return _generic(_conv._conv_transpose, y, w, size=size, **how)
    axes = _conv.leading_to(y.shape, w.shape, size=size, **how)
    even = _is_even(axes)
    sizes = [a.size if even else a.low + a.size + a.high for a in axes]
    x = y.new_empty((y.shape[0], w.shape[-2] * how["groups"], *sizes))
    x = _gradients(y, x, _channels_first(w), axes, how["groups"], (True, False, False))[0].movedim(1, -1)
    return x if even else x[(slice(None), *(slice(a.low, a.low + a.size) for a in axes))]


def conv_weight_gradient(x: Any, y: Any, *, window: Any, **how: Any) -> Any:
    """The operation `conv_weight_gradient`."""
    if not _takes(x, y):
        return _generic(_conv.conv_weight_gradient, x, y, window=window, **how)
    shape = (*window, x.shape[-1] // how["groups"], y.shape[-1])
    axes = convolved(x.shape, shape, **how)
    w = _channels_first(x.new_empty(shape))
    w = _gradients(y, _padded(x, axes), w, axes, how["groups"], (False, True, False))[1]
    return w.permute(*range(2, w.ndim), 1, 0)


def max_pool(x: Any, **how: Any) -> Any:
    """The operation `max_pool`."""
    if not _takes(x, x):
        return _generic(_pool._max_pool, x, **how)
    import torch.nn.functional as F

    axes = pooled(x.shape, **how)
    padding = [n for a in reversed(axes) for n in (a.low, a.high)]
    x = F.pad(x.movedim(-1, 1), padding, value=-float("inf"))
    pool = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[len(axes) - 1]
    return pool(x, how["window"], how["strides"]).movedim(1, -1)


def avg_pool(x: Any, *, count_padding: bool = False, **how: Any) -> Any:
    """The operation `avg_pool`."""
    axes = pooled(x.shape, **how)
    if not _takes(x, x) or not _is_even(axes) or any(2 * a.low > a.window for a in axes):
        return _generic(_pool._avg_pool, x, count_padding=count_padding, **how)
    import torch.nn.functional as F

    low = [a.low for a in axes]
    pool = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[len(axes) - 1]
    y = pool(x.movedim(-1, 1), how["window"], how["strides"], low, count_include_pad=count_padding)
    return y.movedim(1, -1)


def _generic(function: Any, *arrays: Any, **how: Any) -> Any:
    from array_api_compat import torch as xp

    return function.op.kernel(xp, *arrays, **how)


def _takes(a: Any, b: Any) -> bool:
    """Whether these can be given to PyTorch: arrays of one real dtype with elements, of up to three axes of windows."""
    return bool(a.is_floating_point() and a.dtype == b.dtype and a.ndim <= 5 and a.numel() and b.numel())


def _is_even(axes: tuple[Along, ...]) -> bool:
    """Whether there is as much padding after as before."""
    return all(a.low == a.high for a in axes)


def _padded(x: Any, axes: tuple[Along, ...]) -> Any:
    """An array with its channels first, and with the padding that PyTorch cannot add as it goes."""
    import torch.nn.functional as F

    x = x.movedim(-1, 1)
    return x if _is_even(axes) else F.pad(x, [n for a in reversed(axes) for n in (a.low, a.high)])


def _channels_first(w: Any) -> Any:
    """Weights `(*window, channels, results)` as `(results, channels, *window)`."""
    return w.permute(-1, -2, *range(w.ndim - 2)).contiguous()


def _arguments(axes: tuple[Along, ...], groups: int) -> tuple[Any, ...]:
    """What follows arrays in PyTorch's functions: stride, padding, dilation, no transpose, its padding, groups."""
    low = [a.low for a in axes] if _is_even(axes) else [0] * len(axes)
    return [a.stride for a in axes], low, [a.dilation for a in axes], False, [0] * len(axes), groups


def _gradients(y: Any, x: Any, w: Any, axes: tuple[Along, ...], groups: int, wanted: tuple[bool, ...]) -> Any:
    import torch

    return torch.ops.aten.convolution_backward(y.movedim(-1, 1), x, w, None, *_arguments(axes, groups), list(wanted))
