"""Batching rules of convolutions and pooling: the batch joins that of the images, or lies beside the channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from chainrule import ops
from chainrule.batching import Batch, Rule, everywhere


def _joined(batch: Batch, x: Any) -> Any:
    """Images of all the batch as one batch of images."""
    return ops.reshape(x, shape=(batch.size * x.shape[1], *x.shape[2:]))


def _parted(batch: Batch, y: Any) -> Any:
    return ops.reshape(y, shape=(batch.size, y.shape[0] // batch.size, *y.shape[1:]))


def _images(batch: Batch, *images: Any, **how: Any) -> Any:
    """The rule of what is done to each image by itself."""
    return _parted(batch, batch.run(*(_joined(batch, x) for x in images), **how))


def _beside(batch: Batch, x: Any) -> Any:
    """The last axis of all the batch side by side."""
    x = ops.moveaxis(x, 0, -2)
    return ops.reshape(x, shape=(*x.shape[:-2], batch.size * x.shape[-1]))


def _apart(batch: Batch, y: Any) -> Any:
    y = ops.reshape(y, shape=(*y.shape[:-1], batch.size, y.shape[-1] // batch.size))
    return ops.moveaxis(y, -2, 0)


def _conv(batch: Batch, x: Any, w: Any, groups: int, **how: Any) -> Any:
    """With one kernel, images side by side; with several, each is that of a group of channels."""
    if not batch.has[1]:
        return _parted(batch, batch.run(_joined(batch, x), w, groups=groups, **how))
    y = batch.run(_beside(batch, batch.spread(x, 0)), _beside(batch, w), groups=groups * batch.size, **how)
    return _apart(batch, y)


def _weights(batch: Batch, x: Any, y: Any, groups: int, **how: Any) -> Any:
    """The weights' gradient for each element of the batch, as that of a group of channels."""
    x, y = batch.spread(x, 0), batch.spread(y, 1)
    return _apart(batch, batch.run(_beside(batch, x), _beside(batch, y), groups=groups * batch.size, **how))


RULES: Final[Mapping[str, Rule]] = {
    **dict.fromkeys(
        ("nn.avg_pool", "nn.avg_pool_transpose", "nn.max_pool", "nn.max_pool_indices", "nn.fold", "nn.unfold"), _images
    ),
    **dict.fromkeys(("nn.max_pool_spread", "nn.max_pool_gather"), everywhere(_images)),
    **dict.fromkeys(("nn.conv", "nn.conv_transpose"), _conv),
    "nn.conv_weight_gradient": _weights,
}
