"""Samples of the operations of `chainrule_arrays`: SciPy's and NumPy's functions, and what to call both with.

The conventions at kinks have checks of their own. Adding an operation is adding a row here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import scipy.special

from chainrule_testing._samples import (
    AXES,
    EMPTY_AXES,
    PAIRS,
    SHAPES,
    Case,
    Samples,
    above_one,
    apart,
    between_integers,
    binary,
    case,
    integers,
    positive,
    real,
    reduction,
    unary,
    uniform,
    unit,
)

Array = Any


def _steps(reference: Callable[..., Any], **options: Any) -> Samples:
    return unary(reference, between_integers, **options)


def _with_tails(reference: Callable[..., Any]) -> Samples:
    """A function that is approximated in another way farther from 0."""
    near = unary(reference)
    return replace(near, cases=[*near.cases, case(np.linspace(-5.25, 5.25, 15))])


def _scatter(values: Array, *arrays: Array, key: tuple[Any, ...], shape: tuple[int, ...]) -> Array:
    result = np.zeros(shape, values.dtype)
    np.add.at(result, index_of(key, arrays), values)
    return result


def _scatter_along(values: Array, indices: Array, axis: int, length: int) -> Array:
    shape = list(values.shape)
    shape[axis] = length
    result = np.zeros(shape, values.dtype)
    for place in np.ndindex(values.shape):
        target = list(place)
        target[axis] = indices[place]
        result[tuple(target)] += values[place]
    return result


def _scatter_rows(values: Array, indices: Array, rows: int) -> Array:
    result = np.zeros((rows, *values.shape[1:]), values.dtype)
    for i, row in zip(indices, values, strict=True):
        result[i] += row
    return result


def _set(x: Array, values: Array, *arrays: Array, key: tuple[Any, ...]) -> Array:
    result = np.array(x)
    result[index_of(key, arrays)] = values
    return result


def _add(x: Array, values: Array, *arrays: Array, key: tuple[Any, ...]) -> Array:
    result = np.array(x)
    np.add.at(result, index_of(key, arrays), values)
    return result


def key_of(*parts: Any) -> tuple[Any, ...]:
    """The attribute `key` of an index: slices as tuples, arrays as markers."""
    return tuple((p.start, p.stop, p.step) if isinstance(p, slice) else p for p in parts)


def index_of(key: tuple[Any, ...], arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    """The index that a key and its arrays stand for."""
    rest = iter(arrays)
    return tuple(
        slice(*part) if isinstance(part, tuple) else next(rest) if isinstance(part, str) else part for part in key
    )


A = "array"
ALL = slice(None)
MASK = np.array([[True, False, True], [False, True, False]])
_INDICES: tuple[tuple[tuple[int, ...], tuple[Any, ...], tuple[Any, ...]], ...] = (
    # the indexed shape, the key's parts, the arrays
    ((4,), (1,), ()),
    ((4,), (-2,), ()),
    ((4,), (slice(None, None, -1),), ()),
    ((2, 3), (slice(0, 2), slice(None, None, 2)), ()),
    ((2, 3), (Ellipsis, 0), ()),
    ((2, 3), (None, 1, None), ()),
    ((2, 3), (), ()),
    ((2, 3), (slice(2, 1),), ()),
    ((0, 3), (ALL, 1), ()),
    ((), (None,), ()),
    ((4, 2), (A,), (np.array([0, 2, 0, -1]),)),
    ((4, 2), (A,), (np.array([[0, 2], [3, 3]]),)),
    ((4, 2), (A,), (np.array([], int),)),
    ((2, 3), (A,), (MASK,)),
    ((2, 3), (ALL, A), (np.array([True, False, True]),)),
    ((2, 3, 2), (A, ALL, A), (np.array([0, 1, 1]), np.array([1, 0, 0]))),
    ((2, 3, 2), (ALL, A, A), (np.array([[0], [2]]), np.array([0, 1]))),
    ((2, 3, 2), (0, ALL, A), (np.array([1, 1, 0]),)),
    ((2, 3, 2), (A, None, slice(1, None), 1), (np.array([0, 0]),)),
)


def _place_shape(shape: tuple[int, ...], parts: tuple[Any, ...], arrays: tuple[Any, ...]) -> tuple[int, ...]:
    return np.shape(np.zeros(shape)[index_of(key_of(*parts), arrays)])


def _unrepeated(shape: tuple[int, ...], parts: tuple[Any, ...], arrays: tuple[Any, ...]) -> bool:
    places = np.arange(int(np.prod(shape))).reshape(shape)[index_of(key_of(*parts), arrays)]
    return len(np.unique(places)) == np.size(places)


def _softmax_loss(logits: Array, labels: Array) -> Array:
    return -np.sum(labels * scipy.special.log_softmax(logits, axis=-1), axis=-1)


def _class_loss(logits: Array, labels: Array) -> Array:
    chosen = np.take_along_axis(scipy.special.log_softmax(logits, axis=-1), labels[..., None], axis=-1)
    return -chosen[..., 0]


def _argsort(x: Array, axis: int = -1, descending: bool = False, stable: bool = True) -> Array:
    return np.argsort(-x.astype(float) if descending else x, axis=axis, stable=True)


def _sort(x: Array, axis: int = -1, descending: bool = False, stable: bool = True) -> Array:
    return np.flip(np.sort(x, axis=axis), axis=axis) if descending else np.sort(x, axis=axis)


def _clip(x: Array, low: Any, high: Any) -> Array:
    return np.minimum(np.maximum(x, -np.inf if low is None else low), np.inf if high is None else high)


def _along_last() -> list[Case]:
    return [
        ((real(4),), {}),
        ((real(2, 3),), {"axis": 0}),
        ((real(2, 3, 2),), {"axis": -2}),
        ((real(0, 3),), {"axis": 0}),
    ]


SAMPLES: dict[str, Samples] = {
    # arithmetic
    "add": binary(np.add, complex=True),
    "subtract": binary(np.subtract, complex=True),
    "multiply": binary(np.multiply, complex=True),
    "divide": binary(np.divide, complex=True),
    "floor_divide": binary(np.floor_divide, between_integers, uniform(0.98, 1.02), (5.3, 0.99), extremes=False),
    "remainder": binary(np.remainder, between_integers, uniform(0.98, 1.02), (5.3, 0.99), extremes=False),
    "pow": Samples(
        np.power,
        [
            *[((positive(*a), real(*b)), {}) for a, b in PAIRS],
            *[((real(2, 3), n), {}) for n in (2, 3, 2.0, 1, 0, -1, -2.0)],
            ((positive(3), 0.5), {}),
            ((2.5, real(2, 3)), {}),
            ((2, real(3)), {}),
        ],
        complex=True,
        integers=False,  # negative powers of integers are errors; see test_conventions.py
    ),
    "negative": unary(np.negative, complex=True),
    "positive": unary(np.positive, complex=True),
    "reciprocal": unary(lambda x: 1.0 / x, complex=True),
    "square": unary(np.square, complex=True),
    # parts
    "abs": unary(np.abs, complex=True),
    "sign": unary(np.sign, complex=True),
    "conj": unary(np.conj, complex=True),
    "real": unary(lambda x: np.real(x), complex=True),
    "imag": unary(lambda x: np.imag(x), complex=True),
    "angle": unary(np.angle, complex=True),
    "copysign": binary(np.copysign),
    "nextafter": binary(np.nextafter),
    # exponentials, logarithms, powers
    "erf": _with_tails(scipy.special.erf),
    "erfc": _with_tails(scipy.special.erfc),
    "exp": unary(np.exp, complex=True),
    "exp2": unary(np.exp2),
    "expm1": unary(np.expm1, complex=True),
    "log": unary(np.log, positive, complex=True),
    "log1p": unary(np.log1p, unit, complex=True),
    "log2": unary(np.log2, positive, complex=True),
    "log10": unary(np.log10, positive, complex=True),
    "logaddexp": binary(np.logaddexp),
    "sqrt": unary(np.sqrt, positive, complex=True),
    "cbrt": unary(np.cbrt),
    "hypot": binary(np.hypot),
    # trigonometric and hyperbolic
    "sin": unary(np.sin, complex=True),
    "cos": unary(np.cos, complex=True),
    "tan": unary(np.tan, unit, complex=True),
    "asin": unary(np.arcsin, unit, complex=True),
    "acos": unary(np.arccos, unit, complex=True),
    "atan": unary(np.arctan, complex=True),
    "atan2": binary(np.arctan2),
    "sinh": unary(np.sinh, complex=True),
    "cosh": unary(np.cosh, complex=True),
    "tanh": unary(np.tanh, complex=True),
    "asinh": unary(np.arcsinh, complex=True),
    "acosh": unary(np.arccosh, above_one, complex=True),
    "atanh": unary(np.arctanh, unit, complex=True),
    "deg2rad": unary(np.deg2rad),
    "rad2deg": unary(np.rad2deg),
    # steps
    "floor": _steps(np.floor),
    "ceil": _steps(np.ceil),
    "trunc": _steps(np.trunc),
    "round": Samples(
        lambda x, decimals=0: np.round(x, decimals) if x.dtype.kind == "f" else x,
        [
            *(((between_integers(*shape),), {}) for shape in ((2, 3), ())),
            ((np.array([-1.32, 0.48, 2.71, 3.13]),), {"decimals": 1}),
        ],
    ),
    # the larger, the smaller, the chosen
    "maximum": binary(np.maximum, real, uniform(-0.2, 0.2), numbers=(0.5, 0.1)),
    "minimum": binary(np.minimum, real, uniform(-0.2, 0.2), numbers=(0.5, 0.1)),
    "where": Samples(
        np.where,
        [
            ((np.array([True, False, True]), real(3), real(3)), {}),
            ((MASK, real(3), real(2, 1)), {}),
            ((np.array([[True], [False]]), real(3), 0.5), {}),
            ((MASK, 0.5, real(2, 3)), {}),
            ((np.array(True), real(), real()), {}),
            ((np.zeros((0, 3), bool), real(3), real(0, 1)), {}),
        ],
        complex=True,
    ),
    "clip": Samples(
        _clip,
        [
            ((real(2, 3), -0.2, 0.2), {}),
            ((real(2, 3), None, 0.2), {}),
            ((real(2, 3), -0.2, None), {}),
            ((real(4), uniform(-0.25, -0.2)(), uniform(0.2, 0.25)(4)), {}),
            ((real(2, 1), uniform(-0.25, -0.2)(3), None), {}),
            ((real(), None, uniform(0.2, 0.25)(2)), {}),
            ((real(0), -1.0, 1.0), {}),
        ],
        fronted=True,
    ),
    # comparisons and logic
    **{
        name: binary(getattr(np, name), apart, apart, numbers=(0.1, 0.1))
        for name in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
    },
    **{
        name: binary(getattr(np, name), integers(0, 2), integers(0, 2), numbers=(True, False))
        for name in ("logical_and", "logical_or", "logical_xor")
    },
    "logical_not": unary(np.logical_not, integers(0, 2)),
    **{name: unary(getattr(np, name)) for name in ("isfinite", "isinf", "isnan")},
    "signbit": unary(np.signbit),
    **{
        f"bitwise_{name}": binary(getattr(np, f"bitwise_{name}"), integers(0, 60), integers(0, 60), numbers=(5, 3))
        for name in ("and", "or", "xor")
    },
    "bitwise_left_shift": binary(np.left_shift, integers(0, 9), integers(0, 4), numbers=(5, 3)),
    "bitwise_right_shift": binary(np.right_shift, integers(0, 90), integers(0, 4), numbers=(5, 3)),
    "bitwise_invert": unary(np.invert, integers(0, 60)),
    "astype": Samples(
        lambda x, dtype: x.astype(dtype),
        [((real(*shape),), {"dtype": dtype}) for shape in SHAPES for dtype in ("float64", "complex128")],
    ),
    # reductions
    "sum": reduction(np.sum, complex=True),
    "prod": reduction(np.prod, complex=True),
    "mean": reduction(np.mean, axes=(*AXES, ((0, 3), {"axis": 1})), complex=True),
    "var": Samples(
        lambda x, axis=None, keepdims=False, correction=0: np.var(x, axis=axis, keepdims=keepdims, ddof=correction),
        [*[((real(*s),), at) for s, at in AXES], ((real(2, 3),), {"axis": 1, "correction": 1})],
        complex=True,
    ),
    "std": Samples(
        lambda x, axis=None, keepdims=False, correction=0: np.std(x, axis=axis, keepdims=keepdims, ddof=correction),
        [
            *[((apart(*s),), at) for s, at in AXES if s and at.get("axis") != ()],
            ((apart(2, 3),), {"axis": 1, "correction": 1}),
        ],
        complex=True,
    ),
    "max": reduction(np.max, apart, AXES),
    "min": reduction(np.min, apart, AXES),
    "logsumexp": reduction(scipy.special.logsumexp, axes=AXES),
    "vector_norm": reduction(
        lambda x, axis=None, keepdims=False: np.sqrt(np.sum(np.abs(x) ** 2, axis=axis, keepdims=keepdims)), complex=True
    ),
    "all": reduction(np.all, integers(0, 2)),
    "any": reduction(np.any, integers(0, 2)),
    **{
        name: reduction(
            getattr(np, name),
            apart,
            [((4,), {}), ((2, 3), {}), ((2, 3), {"axis": 0}), ((2, 3), {"axis": -1, "keepdims": True})],
        )
        for name in ("argmax", "argmin")
    },
    "count_nonzero": reduction(np.count_nonzero, integers(0, 2), axes=[*AXES[:6], *EMPTY_AXES]),
    "cumulative_sum": Samples(lambda x, axis=-1: np.cumsum(x, axis=axis), _along_last(), complex=True),
    "cumulative_prod": Samples(lambda x, axis=-1: np.cumprod(x, axis=axis), _along_last(), complex=True),
    # neural
    "relu": unary(lambda x: np.maximum(x, 0)),
    "sigmoid": unary(scipy.special.expit),
    "softplus": unary(lambda x: np.logaddexp(x, 0)),
    "softmax": Samples(lambda x, axis=-1: scipy.special.softmax(x, axis=axis), _along_last()[:-1]),
    "log_softmax": Samples(lambda x, axis=-1: scipy.special.log_softmax(x, axis=axis), _along_last()[:-1]),
    "softmax_cross_entropy": Samples(
        _softmax_loss, [((real(*s), positive(*s)), {}) for s in ((3,), (2, 3), (2, 1, 3), (0, 3))], integers=False
    ),
    "sparse_softmax_cross_entropy": Samples(
        _class_loss, [((real(*s, 3), integers(0, 3)(*s)), {}) for s in ((), (2,), (2, 2), (0,))], integers=False
    ),
    # shapes
    "reshape": Samples(
        np.reshape,
        [
            ((real(2, 3),), {"shape": (3, 2)}),
            ((real(2, 3),), {"shape": (-1,)}),
            ((real(),), {"shape": (1, 1)}),
            ((real(1, 1),), {"shape": ()}),
            ((real(0, 3),), {"shape": (3, 0)}),
            ((real(2, 3, 2),), {"shape": (2, -1)}),
        ],
        complex=True,
    ),
    "permute_dims": Samples(
        np.transpose,
        [
            ((real(2, 3),), {"axes": (1, 0)}),
            ((real(2, 3, 4),), {"axes": (2, 0, 1)}),
            ((real(2, 3, 4),), {"axes": (-1, 0, -2)}),
            ((real(),), {"axes": ()}),
            ((real(0, 2),), {"axes": (1, 0)}),
        ],
        complex=True,
    ),
    "matrix_transpose": Samples(
        lambda x: np.swapaxes(x, -1, -2), [((real(*s),), {}) for s in ((2, 3), (2, 3, 4), (0, 2))], complex=True
    ),
    "broadcast_to": Samples(
        np.broadcast_to,
        [
            ((real(),), {"shape": (2, 3)}),
            ((real(3),), {"shape": (2, 3)}),
            ((real(2, 1),), {"shape": (2, 3)}),
            ((real(1, 3),), {"shape": (0, 3)}),
            ((real(2, 1),), {"shape": (3, 2, 2)}),
        ],
        complex=True,
    ),
    "flip": Samples(
        np.flip,
        [
            ((real(3),), {}),
            ((real(2, 3),), {"axis": 0}),
            ((real(2, 3, 2),), {"axis": (0, -1)}),
            ((real(),), {}),
            ((real(0, 2),), {"axis": 1}),
        ],
        complex=True,
    ),
    "roll": Samples(
        np.roll,
        [
            ((real(4),), {"shift": 1}),
            ((real(2, 3),), {"shift": -2}),
            ((real(2, 3),), {"shift": 1, "axis": 1}),
            ((real(2, 3),), {"shift": (1, 2), "axis": (0, 1)}),
            ((real(0),), {"shift": 1}),
        ],
        complex=True,
    ),
    "concat": Samples(
        lambda *arrays, axis=0: np.concatenate(arrays, axis=axis),
        [
            ((real(2), real(3)), {}),
            ((real(2, 3), real(2, 1), real(2, 0)), {"axis": 1}),
            ((real(2, 3), real(1, 3)), {"axis": -2}),
            ((real(3),), {}),
        ],
        complex=True,
    ),
    "stack": Samples(
        lambda *arrays, axis=0: np.stack(arrays, axis=axis),
        [
            ((real(3), real(3)), {}),
            ((real(2, 3), real(2, 3)), {"axis": 1}),
            ((real(2), real(2), real(2)), {"axis": -1}),
            ((real(), real()), {}),
            ((real(0),), {}),
        ],
        complex=True,
    ),
    **{
        name: Samples(
            getattr(np, name),
            [((real(3, 3),), {}), ((real(2, 4),), {"k": 1}), ((real(2, 3, 2),), {"k": -1}), ((real(0, 2),), {})],
            complex=True,
        )
        for name in ("tril", "triu")
    },
    # linear algebra
    "add_product": Samples(
        lambda x, a, b, factor=1.0: x + factor * (a @ b),
        [
            ((real(2, 4), real(2, 3), real(3, 4)), {"factor": -0.5}),
            ((real(2, 2), real(2, 0), real(0, 2)), {}),
            ((real(0, 2), real(0, 3), real(3, 2)), {"factor": 2.0}),
        ],
        complex=True,
        integers=False,
    ),
    "matmul": Samples(
        np.matmul,
        [
            ((real(2, 3), real(3, 4)), {}),
            ((real(3), real(3)), {}),
            ((real(2, 3), real(3)), {}),
            ((real(3), real(3, 2)), {}),
            ((real(2, 2, 3), real(2, 3, 2)), {}),
            ((real(2, 1, 2, 3), real(3, 3, 2)), {}),
            ((real(2, 2, 3), real(3)), {}),
            ((real(3), real(2, 3, 2)), {}),
            ((real(2, 0), real(0, 3)), {}),
            ((real(0, 2), real(2, 3)), {}),
        ],
        complex=True,
    ),
    "tensordot": Samples(
        lambda a, b, pairs: np.tensordot(a, b, axes=pairs),
        [
            ((real(2, 3), real(3, 2)), {"pairs": ((1,), (0,))}),
            ((real(2, 3, 2), real(3, 2, 2)), {"pairs": ((1, 0), (0, 2))}),
            ((real(2, 3, 4), real(4, 2)), {"pairs": ((0, 2), (1, 0))}),
            ((real(2), real(3)), {"pairs": ((), ())}),
            ((real(2, 3), real(2, 3)), {"pairs": ((0, 1), (0, 1))}),
            ((real(2, 0), real(0, 2)), {"pairs": ((1,), (0,))}),
        ],
        complex=True,
        fronted=True,
    ),
    "einsum": Samples(
        lambda *operands, subscripts: np.einsum(subscripts, *operands),
        [
            (tuple(real(*s) for s in shapes), {"subscripts": subscripts})
            for subscripts, *shapes in (
                ("ij,jk->ik", (2, 3), (3, 2)),
                ("ij->ji", (2, 3)),
                ("ij->", (2, 3)),
                ("ij->i", (2, 3)),
                ("ii->", (3, 3)),
                ("ii->i", (3, 3)),
                ("iij->j", (2, 2, 3)),
                ("iii->i", (2, 2, 2)),
                ("i,i->i", (3,), (3,)),
                ("i,j->ij", (2,), (3,)),
                ("i,i,i->", (3,), (3,), (3,)),
                ("bij,bjk->bik", (2, 2, 3), (2, 3, 2)),
                ("bij,jk,bk->bi", (2, 2, 3), (3, 2), (2, 2)),
                ("ij,kl->", (2, 2), (2, 3)),
                ("ij,jj->i", (2, 3), (3, 3)),
                (",i->i", (), (3,)),
                ("ij,jk->ik", (2, 0), (0, 3)),
                ("ij,j->i", (2, 3), (1,)),
            )
        ],
        complex=True,
        fronted=True,
    ),
    # indexing
    "getitem": Samples(
        lambda x, *arrays, key: x[index_of(key, arrays)],
        [((real(*shape), *arrays), {"key": key_of(*parts)}) for shape, parts, arrays in _INDICES],
        complex=True,
        fronted=True,
    ),
    "scatter_add": Samples(
        _scatter,
        [
            ((real(*_place_shape(shape, parts, arrays)), *arrays), {"key": key_of(*parts), "shape": shape})
            for shape, parts, arrays in _INDICES
        ],
        complex=True,
    ),
    "add_at": Samples(
        _add,
        [
            *[
                ((real(*shape), real(*_place_shape(shape, parts, arrays)), *arrays), {"key": key_of(*parts)})
                for shape, parts, arrays in _INDICES
            ],
            ((real(2, 3), real()), {"key": key_of(0)}),
            ((real(2, 3), real(3), np.array([0, 0, 1])), {"key": (A,)}),
        ],
        complex=True,
        fronted=True,
    ),
    "set_at": Samples(
        _set,
        [
            *[
                ((real(*shape), real(*_place_shape(shape, parts, arrays)), *arrays), {"key": key_of(*parts)})
                for shape, parts, arrays in _INDICES
                if _unrepeated(shape, parts, arrays)
            ],
            ((real(2, 3), real()), {"key": key_of(0)}),
            ((real(2, 3), real(1, 3)), {"key": key_of(ALL)}),
        ],
        complex=True,
        fronted=True,
    ),
    "scatter_add_rows": Samples(
        _scatter_rows,
        [
            ((real(3, 2), np.array([0, 2, 0])), {"rows": 4}),
            ((real(2), np.array([1, 1])), {"rows": 2}),
            ((real(2, 2, 2), np.array([1, 0])), {"rows": 3}),
            ((real(0, 2), np.array([], int)), {"rows": 2}),
        ],
        complex=True,
    ),
    "take_along_axis": Samples(
        lambda x, indices, axis=-1: np.take_along_axis(x, indices, axis),
        [
            ((real(4), np.array([0, 0, 3])), {}),
            ((real(2, 3), np.array([[0, -1], [2, 2]])), {}),
            ((real(2, 3), np.array([[1, 0, 1]])), {"axis": 0}),
            ((real(2, 3, 2), integers(0, 3)(2, 4, 2)), {"axis": 1}),
            ((real(2, 3), np.zeros((2, 0), int)), {"axis": 1}),
        ],
        complex=True,
    ),
    "scatter_add_along_axis": Samples(
        _scatter_along,
        [
            ((real(3), np.array([0, 0, 3])), {"axis": 0, "length": 4}),
            ((real(2, 2), np.array([[0, 1], [2, 2]])), {"axis": -1, "length": 3}),
            ((real(3, 2), integers(0, 2)(3, 2)), {"axis": 0, "length": 2}),
            ((real(0, 2), np.zeros((0, 2), int)), {"axis": 0, "length": 2}),
        ],
        complex=True,
    ),
    "sort": Samples(
        _sort,
        [
            ((apart(5),), {}),
            ((apart(2, 3),), {"axis": 0}),
            ((apart(2, 3, 2),), {"axis": 1, "descending": True}),
            ((apart(2, 4),), {"stable": False}),
            ((apart(0),), {}),
        ],
    ),
    "argsort": Samples(
        _argsort,
        [
            ((apart(5),), {}),
            ((integers(0, 3)(6),), {}),
            ((integers(0, 3)(6),), {"descending": True}),
            ((apart(2, 3, 2),), {"axis": 1, "descending": True}),
            ((apart(0),), {}),
        ],
    ),
    "searchsorted": Samples(
        lambda x, v, side="left": np.searchsorted(x, v, side=side),
        [
            ((np.array([0.1, 0.5, 0.5, 0.9]), np.array([0.5, -1.0, 2.0])), {}),
            ((np.array([0.1, 0.5, 0.5, 0.9]), np.array([[0.5], [0.9]])), {"side": "right"}),
            ((np.array([1.0, 2.0]), np.array(1.5)), {}),
            ((np.zeros(0), np.array([1.0])), {}),
        ],
    ),
    "nonzero": Samples(
        np.nonzero, [((integers(0, 2)(*s),), {}) for s in ((4,), (2, 3), (0, 2), (2, 1, 2))], needs_rank=True
    ),
}
