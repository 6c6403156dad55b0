"""Samples of the normalisations of `cr.nn`."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule_testing._samples import Samples, case, positive, real

Array = Any


def _affine(y: Array, scale: Array | None, offset: Array | None) -> Array:
    return y * (1.0 if scale is None else scale) + (0.0 if offset is None else offset)


def _normal(x: Array, axis: Any, eps: float) -> Array:
    return (x - x.mean(axis, keepdims=True)) / np.sqrt(x.var(axis, keepdims=True) + eps)


def _layer(x: Array, scale: Array | None, offset: Array | None, axis: Any = -1, eps: float = 1e-5) -> Array:
    return _affine(_normal(x, axis, eps), scale, offset)


def _rms(x: Array, scale: Array | None, axis: Any = -1, eps: float = 1e-6) -> Array:
    return _affine(x / np.sqrt((x**2).mean(axis, keepdims=True) + eps), scale, None)


def _instance(x: Array, scale: Array | None, offset: Array | None, eps: float) -> Array:
    return _affine(_normal(x, tuple(range(1, x.ndim - 1)), eps), scale, offset)


def _group(x: Array, scale: Array | None, offset: Array | None, groups: int, eps: float) -> Array:
    parts = [_normal(part, tuple(range(1, x.ndim)), eps) for part in np.split(x, groups, axis=-1)]
    return _affine(np.concatenate(parts, axis=-1), scale, offset)


def _batch(x: Array, mean: Array, variance: Array, scale: Any, offset: Any, axis: int = -1, eps: float = 1e-5) -> Array:
    return np.moveaxis(_affine((np.moveaxis(x, axis, -1) - mean) / np.sqrt(variance + eps), scale, offset), -1, axis)


def _local(x: Array, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Array:
    before, channels = size // 2, x.shape[-1]
    means = [np.sum(x[..., max(c - before, 0) : c - before + size] ** 2, axis=-1) / size for c in range(channels)]
    return x / (k + alpha * np.stack(means, axis=-1)) ** beta


def _of(reference: Any, *cases: Any) -> Samples:
    return Samples(reference, cases, integers=False, fronted=True, needs_rank=True)


SAMPLES: dict[str, Samples] = {
    "nn.layer_norm": Samples(
        _layer,
        [case(real(2, 4), real(4), real(4)), case(real(2, 3, 2), None, real(2), axis=(1, 2), eps=0.1)],
        integers=False,
        fronted=True,
    ),
    "nn.rms_norm": Samples(
        _rms, [case(real(2, 4), real(4)), case(real(3, 2), None, axis=0)], integers=False, fronted=True
    ),
    "nn.instance_norm": _of(_instance, case(real(2, 4, 3), real(3), None, eps=1e-5)),
    "nn.group_norm": _of(_group, case(real(2, 3, 4), real(4), real(4), groups=2, eps=1e-5)),
    "nn.batch_norm": _of(
        _batch,
        case(real(3, 2), real(2), positive(2), real(2), real(2)),
        case(real(2, 2, 3), real(2), positive(2), None, None, axis=1, eps=0.1),
    ),
    "nn.normalize": Samples(
        lambda x, axis=-1, p=2.0, eps=1e-12: x / np.sum(np.abs(x) ** p, axis=axis, keepdims=True) ** (1 / p),
        [case(real(2, 3)), case(real(3, 2), axis=0, p=3.0), case(real(4))],
        integers=False,
        needs_rank=True,
    ),
    "nn.local_response_norm": Samples(
        _local,
        [case(real(2, 4)), case(real(2, 5), size=4, alpha=0.5, beta=1.5, k=2.0)],
        integers=False,
        needs_rank=True,
    ),
}
