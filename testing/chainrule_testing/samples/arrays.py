"""Inputs, attributes and an independent reference for every operation: what the generated checks run on.

Those of other plugins' operations are in the `samples.py` of their tests' folders; `every` brings them together.

Points are generic and lie inside of each function's domain, away from kinks; the conventions at kinks have tests of
their own. Adding an operation is adding a row here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.special

import chainrule as cr
from chainrule._dispatch import apply

Array = Any
Case = tuple[tuple[Any, ...], Mapping[str, Any]]


@dataclass(frozen=True)
class Row:
    """One operation: NumPy's or SciPy's function of the same inputs and attributes, and what to call both with."""

    reference: Callable[..., Any]
    cases: Sequence[Case]
    complex: bool = False  # whether it takes complex numbers
    smooth: bool = True  # whether its gradient is that of the reference (False: there is none)
    integers: bool = True  # whether it has a meaning for integers
    fronted: bool = False  # whether the public function has other arguments than the operation
    fixed: tuple[int, ...] = ()  # the inputs that have no gradients though they are floating-point


@dataclass(frozen=True)
class Sample:
    """One call of an operation."""

    op: str
    row: Row = field(repr=False)
    inputs: tuple[Any, ...]
    attributes: Mapping[str, Any]
    number: int = 0
    kind: str = ""

    def __str__(self) -> str:
        return f"{self.op}-{self.number}{self.kind}"

    @property
    def wrt(self) -> tuple[int, ...]:
        """The inputs that have gradients."""
        return tuple(
            i
            for i, x in enumerate(self.inputs)
            if i not in self.row.fixed and isinstance(x, np.ndarray | np.generic) and x.dtype.kind in "fc"
        )


def run(sample: Sample, inputs: Sequence[Any]) -> Any:
    """Call the operation as a program does, or by itself where the public function has other arguments."""
    if sample.row.fronted:
        op: Any = getattr(cr.ops, sample.op).op
        return apply(op, tuple(inputs), {**op.attributes, **sample.attributes})
    function = getattr(cr.ops, sample.op)
    if sample.op in ("concat", "stack"):
        return function(list(inputs), **sample.attributes)
    return function(*inputs, **sample.attributes)


_rng = np.random.default_rng(20240607)


def uniform(low: float, high: float) -> Callable[..., Array]:
    """A maker of arrays of a shape, with elements from an interval."""
    return lambda *shape: np.asarray(_rng.uniform(low, high, shape))


positive = uniform(0.3, 1.7)
above_one = uniform(1.4, 3.0)
unit = uniform(-0.8, 0.8)


def real(*shape: int) -> Array:
    """Elements of both signs, none near 0."""
    return np.asarray(positive(*shape) * _rng.choice([-1.0, 1.0], shape))


def apart(*shape: int) -> Array:
    """Elements that all differ by 0.2 at least, none near 0."""
    n = int(np.prod(shape))
    return np.asarray((_rng.permutation(n).reshape(shape) - n / 2 + 0.3) * 0.21)


def between_integers(*shape: int) -> Array:
    """Elements whose fractional part is near neither 0 nor 1/2."""
    whole = _rng.integers(-3, 4, shape)
    return np.asarray(whole + _rng.choice([0.25, 0.7], shape) + _rng.uniform(-0.05, 0.05, shape))


def integers(low: int, high: int) -> Callable[..., Array]:
    """A maker of arrays of integers."""
    return lambda *shape: np.asarray(_rng.integers(low, high, shape))


SHAPES = ((), (3,), (2, 3), (0,), (2, 0), (2, 1, 3))
PAIRS = (((), ()), ((3,), (3,)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((2, 3), ()), ((0, 3), (1, 3)), ((2, 1, 2), (3, 1)))
AXES = (
    ((4,), {}),
    ((2, 3), {"axis": 0}),
    ((2, 3), {"axis": -1, "keepdims": True}),
    ((2, 3, 2), {"axis": (0, 2)}),
    ((2, 3, 2), {"axis": (2, 1), "keepdims": True}),
    ((2, 3), {"axis": None, "keepdims": True}),
    ((2, 3), {"axis": ()}),
    ((), {}),
)
EMPTY_AXES = (((0,), {}), ((0, 3), {"axis": 0}), ((0, 3), {"axis": 1, "keepdims": True}), ((2, 0), {"axis": None}))


def unary(reference: Callable[..., Any], points: Callable[..., Array] = real, **options: Any) -> Row:
    """The row of an elementwise function of one input."""
    return Row(reference, [((points(*shape),), {}) for shape in SHAPES], **options)


def binary(
    reference: Callable[..., Any],
    left: Callable[..., Array] = real,
    right: Callable[..., Array] = real,
    numbers: tuple[Any, Any] | None = (1.25, 0.75),
    **options: Any,
) -> Row:
    """The row of an elementwise function of two inputs, also with a Python number on either side."""
    cases: list[Case] = [((left(*a), right(*b)), {}) for a, b in PAIRS]
    if numbers is not None:
        cases += [((left(2, 3), numbers[1]), {}), ((numbers[0], right(3)), {})]
    return Row(reference, cases, **options)


def reduction(
    reference: Callable[..., Any],
    points: Callable[..., Array] = real,
    axes: Sequence[Any] = (*AXES, *EMPTY_AXES),
    **options: Any,
) -> Row:
    """The row of a reduction."""
    return Row(reference, [((points(*shape),), attributes) for shape, attributes in axes], **options)


def _steps(reference: Callable[..., Any], **options: Any) -> Row:
    return unary(reference, between_integers, **options)


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
    return np.zeros(shape)[index_of(key_of(*parts), arrays)].shape


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


def _sum_to(x: Array, shape: tuple[int, ...]) -> Array:
    lead = x.ndim - len(shape)
    kept = tuple(i + lead for i, n in enumerate(shape) if n == 1)
    return np.sum(x, axis=(*range(lead), *kept)).reshape(shape)


def _clip(x: Array, low: Any, high: Any) -> Array:
    return np.minimum(np.maximum(x, -np.inf if low is None else low), np.inf if high is None else high)


def _along_last() -> list[Case]:
    return [
        ((real(4),), {}),
        ((real(2, 3),), {"axis": 0}),
        ((real(2, 3, 2),), {"axis": -2}),
        ((real(0, 3),), {"axis": 0}),
    ]


def _zero_wins(g: Array, d: Array) -> Array:
    with np.errstate(invalid="ignore"):
        return np.where(np.asarray(g) == 0, 0.0, np.multiply(g, d))


ROWS: dict[str, Row] = {
    # arithmetic
    "add": binary(np.add, complex=True),
    "subtract": binary(np.subtract, complex=True),
    "multiply": binary(np.multiply, complex=True),
    "divide": binary(np.divide, complex=True),
    "floor_divide": binary(np.floor_divide, between_integers, uniform(0.98, 1.02), (5.3, 0.99)),
    "remainder": binary(np.remainder, between_integers, uniform(0.98, 1.02), (5.3, 0.99)),
    "pow": Row(
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
    # exponentials, logarithms, powers
    "erf": unary(scipy.special.erf),
    "erfc": unary(scipy.special.erfc),
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
    "round": Row(
        lambda x, decimals=0: np.round(x, decimals) if x.dtype.kind == "f" else x,
        [((between_integers(2, 3),), {}), ((between_integers(),), {}), ((between_integers(4),), {"decimals": 1})],
    ),
    # the larger, the smaller, the chosen
    "maximum": binary(np.maximum, real, uniform(-0.2, 0.2), numbers=(0.5, 0.1)),
    "minimum": binary(np.minimum, real, uniform(-0.2, 0.2), numbers=(0.5, 0.1)),
    "where": Row(
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
    "clip": Row(
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
        name: binary(getattr(np, name), apart, apart, numbers=(0.1, 0.1), smooth=False)
        for name in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
    },
    **{
        name: binary(getattr(np, name), integers(0, 2), integers(0, 2), numbers=(True, False), smooth=False)
        for name in ("logical_and", "logical_or", "logical_xor")
    },
    "logical_not": unary(np.logical_not, integers(0, 2), smooth=False),
    **{name: unary(getattr(np, name), smooth=False) for name in ("isfinite", "isinf", "isnan")},
    "signbit": unary(np.signbit, smooth=False),
    **{
        f"bitwise_{name}": binary(
            getattr(np, f"bitwise_{name}"), integers(0, 60), integers(0, 60), numbers=(5, 3), smooth=False
        )
        for name in ("and", "or", "xor")
    },
    "bitwise_left_shift": binary(np.left_shift, integers(0, 9), integers(0, 4), numbers=(5, 3), smooth=False),
    "bitwise_right_shift": binary(np.right_shift, integers(0, 90), integers(0, 4), numbers=(5, 3), smooth=False),
    "bitwise_invert": unary(np.invert, integers(0, 60), smooth=False),
    "astype": Row(
        lambda x, dtype: x.astype(dtype),
        [((real(*shape),), {"dtype": dtype}) for shape in SHAPES for dtype in ("float64", "complex128")],
    ),
    # reductions
    "sum": reduction(np.sum, complex=True),
    "prod": reduction(np.prod, complex=True),
    "mean": reduction(np.mean, axes=(*AXES, ((0, 3), {"axis": 1})), complex=True),
    "var": Row(
        lambda x, axis=None, keepdims=False, correction=0: np.var(x, axis=axis, keepdims=keepdims, ddof=correction),
        [*[((real(*s),), at) for s, at in AXES], ((real(2, 3),), {"axis": 1, "correction": 1})],
        complex=True,
    ),
    "std": Row(
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
    "all": reduction(np.all, integers(0, 2), smooth=False),
    "any": reduction(np.any, integers(0, 2), smooth=False),
    **{
        name: reduction(
            getattr(np, name),
            apart,
            [((4,), {}), ((2, 3), {}), ((2, 3), {"axis": 0}), ((2, 3), {"axis": -1, "keepdims": True})],
            smooth=False,
        )
        for name in ("argmax", "argmin")
    },
    "count_nonzero": reduction(np.count_nonzero, integers(0, 2), axes=[*AXES[:6], *EMPTY_AXES], smooth=False),
    "cumulative_sum": Row(lambda x, axis=-1: np.cumsum(x, axis=axis), _along_last(), complex=True),
    "cumulative_prod": Row(lambda x, axis=-1: np.cumprod(x, axis=axis), _along_last(), complex=True),
    # neural
    "relu": unary(lambda x: np.maximum(x, 0)),
    "sigmoid": unary(scipy.special.expit),
    "softplus": unary(lambda x: np.logaddexp(x, 0)),
    "softmax": Row(lambda x, axis=-1: scipy.special.softmax(x, axis=axis), _along_last()[:-1]),
    "log_softmax": Row(lambda x, axis=-1: scipy.special.log_softmax(x, axis=axis), _along_last()[:-1]),
    "softmax_cross_entropy": Row(
        _softmax_loss, [((real(*s), positive(*s)), {}) for s in ((3,), (2, 3), (2, 1, 3), (0, 3))], integers=False
    ),
    "sparse_softmax_cross_entropy": Row(
        _class_loss, [((real(*s, 3), integers(0, 3)(*s)), {}) for s in ((), (2,), (2, 2), (0,))], integers=False
    ),
    # shapes
    "reshape": Row(
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
    "permute_dims": Row(
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
    "matrix_transpose": Row(
        lambda x: np.swapaxes(x, -1, -2), [((real(*s),), {}) for s in ((2, 3), (2, 3, 4), (0, 2))], complex=True
    ),
    "broadcast_to": Row(
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
    "sum_to": Row(
        _sum_to,
        [
            ((real(2, 3),), {"shape": (3,)}),
            ((real(2, 3),), {"shape": (2, 1)}),
            ((real(2, 3),), {"shape": ()}),
            ((real(2, 3),), {"shape": (2, 3)}),
            ((real(0, 3),), {"shape": (1, 3)}),
        ],
        complex=True,
        integers=False,
    ),
    "flip": Row(
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
    "roll": Row(
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
    "concat": Row(
        lambda *arrays, axis=0: np.concatenate(arrays, axis=axis),
        [
            ((real(2), real(3)), {}),
            ((real(2, 3), real(2, 1), real(2, 0)), {"axis": 1}),
            ((real(2, 3), real(1, 3)), {"axis": -2}),
            ((real(3),), {}),
        ],
        complex=True,
    ),
    "stack": Row(
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
        name: Row(
            getattr(np, name),
            [((real(3, 3),), {}), ((real(2, 4),), {"k": 1}), ((real(2, 3, 2),), {"k": -1}), ((real(0, 2),), {})],
            complex=True,
        )
        for name in ("tril", "triu")
    },
    # linear algebra
    "matmul": Row(
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
    "tensordot": Row(
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
    "einsum": Row(
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
    "getitem": Row(
        lambda x, *arrays, key: x[index_of(key, arrays)],
        [((real(*shape), *arrays), {"key": key_of(*parts)}) for shape, parts, arrays in _INDICES],
        complex=True,
        fronted=True,
    ),
    "scatter_add": Row(
        _scatter,
        [
            ((real(*_place_shape(shape, parts, arrays)), *arrays), {"key": key_of(*parts), "shape": shape})
            for shape, parts, arrays in _INDICES
        ],
        complex=True,
    ),
    "add_at": Row(
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
    "set_at": Row(
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
    "scatter_add_rows": Row(
        _scatter_rows,
        [
            ((real(3, 2), np.array([0, 2, 0])), {"rows": 4}),
            ((real(2), np.array([1, 1])), {"rows": 2}),
            ((real(2, 2, 2), np.array([1, 0])), {"rows": 3}),
            ((real(0, 2), np.array([], int)), {"rows": 2}),
        ],
        complex=True,
    ),
    "take_along_axis": Row(
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
    "scatter_add_along_axis": Row(
        _scatter_along,
        [
            ((real(3), np.array([0, 0, 3])), {"axis": 0, "length": 4}),
            ((real(2, 2), np.array([[0, 1], [2, 2]])), {"axis": -1, "length": 3}),
            ((real(3, 2), integers(0, 2)(3, 2)), {"axis": 0, "length": 2}),
            ((real(0, 2), np.zeros((0, 2), int)), {"axis": 0, "length": 2}),
        ],
        complex=True,
    ),
    "sort": Row(
        _sort,
        [
            ((apart(5),), {}),
            ((apart(2, 3),), {"axis": 0}),
            ((apart(2, 3, 2),), {"axis": 1, "descending": True}),
            ((apart(2, 4),), {"stable": False}),
            ((apart(0),), {}),
        ],
    ),
    "argsort": Row(
        _argsort,
        [
            ((apart(5),), {}),
            ((integers(0, 3)(6),), {}),
            ((integers(0, 3)(6),), {"descending": True}),
            ((apart(2, 3, 2),), {"axis": 1, "descending": True}),
            ((apart(0),), {}),
        ],
        smooth=False,
    ),
    "searchsorted": Row(
        lambda x, v, side="left": np.searchsorted(x, v, side=side),
        [
            ((np.array([0.1, 0.5, 0.5, 0.9]), np.array([0.5, -1.0, 2.0])), {}),
            ((np.array([0.1, 0.5, 0.5, 0.9]), np.array([[0.5], [0.9]])), {"side": "right"}),
            ((np.array([1.0, 2.0]), np.array(1.5)), {}),
            ((np.zeros(0), np.array([1.0])), {}),
        ],
        smooth=False,
    ),
    "nonzero": Row(np.nonzero, [((integers(0, 2)(*s),), {}) for s in ((4,), (2, 3), (0, 2), (2, 1, 2))], smooth=False),
    # the engine's own
    "identity": unary(lambda x: x, complex=True),
    "stop_gradient": unary(lambda x: x, smooth=False),
    "multiply_zero_wins": binary(_zero_wins, complex=True),
}

# Operations whose checks have nothing to do with values, and where they are.
ELSEWHERE = {
    "prevent_gradient": "test_ops.py: its gradient is an error",
    "read_variable": "test_ops.py: its input is a variable",
    "to_backend": "test_ops.py: it moves values between backends",
}


def _complex(sample: Sample) -> Sample:
    """The same call with complex numbers for real ones."""
    inputs = tuple(
        np.asarray(x + 1j * real(*x.shape)) if isinstance(x, np.ndarray | np.generic) and x.dtype.kind == "f" else x
        for x in sample.inputs
    )
    return Sample(sample.op, sample.row, inputs, sample.attributes, sample.number, "-complex")


def samples_of(rows: Mapping[str, Row]) -> list[list[Sample]]:
    """All calls of each operation, those with complex numbers last."""
    found = []
    for name, row in rows.items():
        samples = [Sample(name, row, inputs, attributes, i) for i, (inputs, attributes) in enumerate(row.cases)]
        found.append([*samples, *(map(_complex, samples) if row.complex else ())])
    return found
