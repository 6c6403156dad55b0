"""Samples of the operations of `chainrule_arrays` that NumPy has beyond the array API standard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule_testing._samples import (
    Case,
    Samples,
    apart,
    between_integers,
    case,
    integers,
    positive,
    real,
    reduction,
    uniform,
)

Array = Any
_AXES: tuple[tuple[tuple[int, ...], dict[str, Any]], ...] = (
    ((4,), {}),
    ((2, 3), {"axis": -1, "keepdims": True}),
    ((2, 3, 2), {"axis": (0, 2)}),
)


def _of_two(
    reference: Callable[..., Any], left: Callable[..., Array], right: Callable[..., Array], **options: Any
) -> Samples:
    """An elementwise function of two inputs."""
    shapes: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (((), ()), ((2, 3), (3,)), ((2, 1), (0,)))
    return Samples(reference, [case(left(*a), right(*b)) for a, b in shapes], **options)


def _nan_reduction(reference: Callable[..., Any], **options: Any) -> Samples:
    """Of points without NaN, of which finite differences are taken; NaN has its tests elsewhere."""
    return reduction(reference, apart, _AXES, **options)


def _running(reference: Callable[..., Any], **options: Any) -> Samples:
    cases = [((4,), {}), ((2, 3), {"axis": 0}), ((2, 3, 2), {"axis": -2}), ((0, 3), {"axis": 0})]
    return Samples(reference, [case(apart(*shape), **attributes) for shape, attributes in cases], **options)


def _corrected(reference: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, axis=None, keepdims=False, correction=0: reference(
        x, axis=axis, keepdims=keepdims, ddof=correction
    )


def _sinc(x: Array, order: int = 0) -> Array:
    """The derivatives of `sinc` as means of those of `cos(pi x t)` over t from 0 to 1, by Gauss's quadrature."""
    nodes, weights = np.polynomial.legendre.leggauss(60)
    t = (nodes + 1.0) / 2.0
    scaled = np.pi * t
    return np.sum(
        weights / 2.0 * scaled**order * np.cos(np.asarray(x)[..., None] * scaled + order * np.pi / 2), axis=-1
    )


def _order_statistics(x: Array, ranks: Array) -> Array:
    ordered = np.sort(x, axis=-1)
    lead = np.broadcast_shapes(x.shape[:-1], ranks.shape[:-1])
    ordered = np.broadcast_to(ordered, (*lead, x.shape[-1]))
    return np.take_along_axis(ordered, np.broadcast_to(ranks, (*lead, ranks.shape[-1])), axis=-1)


def _pad(x: Array, width: Any, mode: str = "constant", values: Any = None, reflect_type: str = "even") -> Array:
    if not width:
        return x
    names = {"constant": "constant_values", "linear_ramp": "end_values"}
    options = {} if values is None else {names.get(mode, "stat_length"): values}
    if "reflect" in mode or mode == "symmetric":
        options["reflect_type"] = reflect_type
    padded: Callable[..., Array] = np.pad
    return padded(x, width, mode, **options)


_MODES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("constant", {"values": ((1.0, 2.0), (3.0, 4.0))}),
    *((mode, {}) for mode in ("edge", "linear_ramp", "reflect", "symmetric", "wrap")),
)
_PADDED: list[Case] = [
    *(case(apart(2, 3), width=((1, 0), (3, 4)), mode=mode, **attributes) for mode, attributes in _MODES),
    *(case(apart(1, 5), width=((0, 0), (1, 2)), mode=mode) for mode in ("maximum", "mean", "median")),
    case(apart(0), width=((2, 1),)),
]


def _interp(x: Array, xp: Array, fp: Array, left: Any, right: Any, period: float | None = None) -> Array:
    return np.interp(x, xp, fp, left, right, period=period)


def _grid(n: int) -> Array:
    return np.sort(apart(n)) * 2.0


def _average(x: Array, weights: Array, axis: Any = None, keepdims: bool = False) -> Array:
    full = np.broadcast_to(weights, x.shape)
    return np.sum(x * full, axis=axis, keepdims=keepdims) / np.sum(full, axis=axis, keepdims=keepdims)


def _cov(x: Array, counts: Any, importance: Any, correction: float = 1) -> Array:
    """By its definition: repeated observations, those of importance weighted."""
    weights = np.ones(x.shape[1]) if counts is None else counts
    total = np.sum(weights)
    if importance is not None:
        weights = weights * importance
        total = np.sum(weights)
        correction = correction * np.sum(weights * importance) / total
    centred = x - np.sum(x * weights, axis=1, keepdims=True) / total
    return (centred * weights) @ np.conj(centred.T) / (total - correction)


def _differences(f: Array, at: Array, axis: int = 0, edge_order: int = 1) -> Array:
    gradient: Callable[..., Array] = np.gradient
    return gradient(f, at, axis=axis, edge_order=edge_order)


def _trapezoid(y: Array, x: Any, dx: float = 1.0, axis: int = -1) -> Array:
    return np.trapezoid(y, x, dx, axis)


def _nan_to_num(x: Array, nan: float, posinf: float | None, neginf: float | None) -> Array:
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


SAMPLES: dict[str, Samples] = {
    # elementwise
    "logaddexp2": _of_two(np.logaddexp2, real, real, extremes=True),
    "fmax": _of_two(np.fmax, apart, lambda *shape: apart(*shape) + 0.07, extremes=True),
    "fmin": _of_two(np.fmin, apart, lambda *shape: apart(*shape) + 0.07, extremes=True),
    "fmod": _of_two(np.fmod, between_integers, uniform(0.98, 1.02)),
    "heaviside": _of_two(np.heaviside, real, real, extremes=True),
    "nan_to_num": Samples(
        _nan_to_num, [case(real(*s), nan=1.0, posinf=None, neginf=-2.0) for s in ((), (2, 3), (0,))], fronted=True
    ),
    "sinc": Samples(
        _sinc,
        [case(real(*shape), order=order) for shape in ((), (2, 3)) for order in (0, 1, 3)] + [case(real(0))],
        fronted=True,
    ),
    "ldexp": Samples(np.ldexp, [case(real(*s), integers(-3, 4)(*s)) for s in ((), (2, 3), (0,))], integers=False),
    "unwrap": Samples(
        lambda x, **attributes: np.unwrap(x, **attributes),
        [case(apart(4) * 9), case(apart(2, 3) * 7, axis=0), case(apart(2, 4), period=0.5, discont=0.33)],
        integers=False,
    ),
    # products
    "cross": Samples(
        np.cross,
        [
            case(real(3), real(3)),
            case(real(2, 3), real(3)),
            case(real(3, 2), real(2, 3), axisa=0, axisb=1, axisc=0),
            case(real(0, 3), real(3)),
        ],
        complex=True,
    ),
    # reductions without NaN
    "nansum": _nan_reduction(np.nansum, complex=True),
    "nanprod": _nan_reduction(np.nanprod),
    "nanmean": _nan_reduction(np.nanmean, complex=True),
    "nanvar": _nan_reduction(_corrected(np.nanvar)),
    "nanstd": _nan_reduction(_corrected(np.nanstd)),
    "nanmax": _nan_reduction(np.nanmax),
    "nanmin": _nan_reduction(np.nanmin),
    "nancumsum": _running(lambda x, axis=-1: np.nancumsum(x, axis=axis)),
    "nancumprod": _running(lambda x, axis=-1: np.nancumprod(x, axis=axis)),
    "cumulative_max": _running(lambda x, axis=-1: np.maximum.accumulate(x, axis=axis)),
    "cumulative_min": _running(lambda x, axis=-1: np.minimum.accumulate(x, axis=axis)),
    # order
    "order_statistics": Samples(
        _order_statistics,
        [
            case(apart(5), np.array([0, 3, 3])),
            case(apart(2, 3), np.array([[0], [2]])),
            case(apart(3), np.array([[0, 1], [2, 1]])),
            case(apart(2, 2, 4), np.array([[[1]]])),
        ],
    ),
    # signals
    "interp": Samples(
        _interp,
        [
            case(real(4), _grid(5), real(5), None, None),
            case(real(2, 3), _grid(4), real(4), real(), real()),
            case(real(3), _grid(4), real(4), None, None, period=3.3),
            case(real(), _grid(1), real(1), None, None),
            case(real(0), _grid(2), real(2), None, None),
        ],
        integers=False,
        needs_rank=True,
        fronted=True,
    ),
    "convolve": Samples(
        np.convolve, [case(real(m), real(n)) for m, n in ((5, 3), (2, 4), (1, 1), (3, 3))], complex=True, fronted=True
    ),
    "trapezoid": Samples(
        _trapezoid,
        [
            case(real(4), None, dx=0.5),
            case(real(3, 2), None, axis=0),
            case(real(2, 3), _grid(3)),
            case(real(3, 2), real(3, 2), axis=0),
        ],
        complex=True,
        integers=False,
        needs_rank=True,
        fronted=True,
    ),
    "central_differences": Samples(
        _differences,
        [
            case(real(5), np.array(0.5)),
            case(real(2, 4), _grid(4), axis=1),
            case(real(3, 2), np.array(2.0), axis=0, edge_order=2),
            case(real(4), _grid(4), edge_order=2),
        ],
        integers=False,
        fronted=True,
    ),
    "polyval": Samples(
        np.polyval, [case(real(3), real(2, 3)), case(real(1), real()), case(real(4), real(0))],
        complex=True,
    ),
    "pad": Samples(_pad, _PADDED, fronted=True),
    # statistics
    "average": Samples(
        _average,
        [case(real(4), positive(4)), case(real(2, 3), positive(2, 1), axis=0), case(real(2, 3), positive(3), axis=-1)],
        integers=False,
        fronted=True,
    ),
    "cov": Samples(
        _cov,
        [
            case(real(2, 4), None, None),
            case(real(3, 4), np.array([1, 2, 1, 3]), None, correction=0),
            case(real(2, 4), np.array([1, 2, 1, 3]), positive(4)),
            case(real(2, 3), None, positive(3), correction=0),
        ],
        integers=False,
        needs_rank=True,
        fronted=True,
    ),
}  # fmt: skip
