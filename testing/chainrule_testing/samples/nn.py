"""Samples of convolution and pooling, for the checks that are generated for every operation."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule_testing._samples import Samples, apart, real
from chainrule_testing.samples import (
    _nn_activations,
    _nn_attention,
    _nn_losses,
    _nn_normalization,
    _nn_recurrent,
    _nn_sequences,
    _nn_windows,
)
from chainrule_testing.samples._windows import convolution, pool

Array = Any
VALID = ((0, 0),)


def _transposed(forward: Any, g: Array, shape: tuple[int, ...]) -> Array:
    """The transpose of a linear function of an array of `shape`: column by column."""
    result = np.zeros(shape, np.result_type(g, forward(np.zeros(shape))))
    for place in np.ndindex(shape):
        unit = np.zeros(shape)
        unit[place] = 1.0
        result[place] = np.sum(g * forward(unit))
    return result


def _conv_transpose(y: Array, w: Array, size: Any, groups: int, **how: Any) -> Array:
    return _transposed(lambda x: convolution(x, w, groups=groups, **how), y, (len(y), *size, w.shape[-2] * groups))


def _weights(x: Array, y: Array, window: Any, groups: int, **how: Any) -> Array:
    shape = (*window, x.shape[-1] // groups, y.shape[-1])
    return _transposed(lambda w: convolution(x, w, groups=groups, **how), y, shape)


def _largest(x: Array, **how: Any) -> list[tuple[Any, Array]]:
    """For each element the windows that it is the largest of. All elements differ."""
    y = pool(np.max, x, **how)
    found = []
    for place in np.ndindex(x.shape):
        unit = np.zeros_like(x)
        unit[place] = 1.0
        found.append((place, pool(np.max, unit, **how) * (y == x[place])))
    return found


def _spread(g: Array, x: Array, _y: Array, **how: Any) -> Array:
    result = np.zeros(x.shape, g.dtype)
    for place, hits in _largest(x, **how):
        result[place] = np.sum(g * hits)
    return result


def _gather(t: Array, x: Array, y: Array, **how: Any) -> Array:
    return sum((t[place] * hits for place, hits in _largest(x, **how)), np.zeros(y.shape, t.dtype))


def _mean(x: Array, count_padding: bool = False, **how: Any) -> Array:
    return pool(np.mean, x, counted=count_padding, **how)


def _mean_transpose(g: Array, size: Any, **how: Any) -> Array:
    return _transposed(lambda x: _mean(x, **how), g, (len(g), *size, g.shape[-1]))


def _how(n: int, strides: Any = None, padding: Any = None, dilation: Any = None, groups: int = 1) -> dict[str, Any]:
    return {
        "strides": strides or (1,) * n,
        "padding": padding or VALID * n,
        "dilation": dilation or (1,) * n,
        "groups": groups,
    }


# The shapes of x, of w and of the result, and how the window moves.
_CONVOLUTIONS: tuple[tuple[Any, Any, Any, dict[str, Any]], ...] = (
    ((2, 5, 2), (3, 2, 2), (2, 3, 2), _how(1)),
    ((1, 5, 4), (2, 2, 2), (1, 3, 2), _how(1, (2,), "SAME", groups=2)),
    ((1, 6, 1), (2, 1, 1), (1, 3, 1), _how(1, (2,), ((1, 0),), (2,))),
    ((1, 3, 4, 2), (2, 2, 2, 1), (1, 2, 3, 1), _how(2)),
    ((1, 2, 3, 1), (1, 2, 1, 2), (1, 2, 2, 2), _how(2, (1, 2), ((0, 0), (1, 0)))),
)
# The shape of x and how the window moves.
_POOLS: tuple[tuple[Any, dict[str, Any]], ...] = (
    ((2, 5, 2), {"window": (2,), "strides": (2,), "padding": VALID}),
    ((1, 5, 1), {"window": (3,), "strides": (2,), "padding": "SAME"}),
    ((1, 4, 3, 1), {"window": (2, 2), "strides": (1, 1), "padding": ((1, 0), (0, 1))}),
)
_COUNTED = [(shape, how | {"count_padding": counted}) for shape, how in _POOLS for counted in (False, True)]


def _result(shape: Any, **how: Any) -> tuple[int, ...]:
    return np.shape(pool(np.max, np.zeros(shape), **how))


_MAXIMA = [(x := apart(*shape), pool(np.max, x, **how), how) for shape, how in _POOLS]

SAMPLES: dict[str, Samples] = {
    **_nn_activations.SAMPLES,
    **_nn_attention.SAMPLES,
    **_nn_losses.SAMPLES,
    **_nn_normalization.SAMPLES,
    **_nn_recurrent.SAMPLES,
    **_nn_sequences.SAMPLES,
    **_nn_windows.SAMPLES,
    "nn.conv": Samples(
        convolution,
        [((real(*x), real(*w)), how) for x, w, _, how in _CONVOLUTIONS],
        complex=True,
        integers=False,
        fronted=True,
    ),
    "nn.conv_transpose": Samples(
        _conv_transpose,
        [((real(*y), real(*w)), how | {"size": x[1:-1]}) for x, w, y, how in _CONVOLUTIONS],
        complex=True,
        integers=False,
        fronted=True,
    ),
    "nn.conv_weight_gradient": Samples(
        _weights,
        [((real(*x), real(*y)), how | {"window": w[:-2]}) for x, w, y, how in _CONVOLUTIONS],
        complex=True,
        integers=False,
    ),
    "nn.max_pool": Samples(
        lambda x, **how: pool(np.max, x, **how),
        [((apart(*shape),), how) for shape, how in _POOLS],
        integers=False,
        fronted=True,
    ),
    "nn.max_pool_spread": Samples(
        _spread, [((real(*y.shape), x, y), how) for x, y, how in _MAXIMA], integers=False, fixed=(1, 2)
    ),
    "nn.max_pool_gather": Samples(
        _gather, [((real(*x.shape), x, y), how) for x, y, how in _MAXIMA], integers=False, fixed=(1, 2)
    ),
    "nn.avg_pool": Samples(
        _mean, [((real(*shape),), how) for shape, how in _COUNTED], complex=True, integers=False, fronted=True
    ),
    "nn.avg_pool_transpose": Samples(
        _mean_transpose,
        [
            ((real(*_result(shape, **how)),), how | {"size": shape[1:-1], "count_padding": counted})
            for shape, how in _POOLS
            for counted in (False, True)
        ],
        complex=True,
        integers=False,
    ),
}
