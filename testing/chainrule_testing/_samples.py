"""Samples: what to call an operation with, and the same in NumPy's words."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from chainrule_testing import _engine

Array = Any
Case = tuple[tuple[Any, ...], Mapping[str, Any]]


def case(*inputs: Any, **attributes: Any) -> Case:
    """One call of an operation: NumPy arrays, Python numbers or None by position, attributes by keyword."""
    return inputs, attributes


@dataclass(frozen=True, eq=False)
class Samples:
    """What an operation is checked with.

    Points are generic and lie inside of the function's domain, away from kinks. They are arrays of float64, or of
    integers where the operation takes nothing else; the checks cast them to other dtypes.

    Attributes:
        reference: a function of NumPy arrays and the attributes that computes the same, written independently of the
            kernel. None if there is none: the kernel for NumPy then stands for it.
        cases: the calls, as `case` makes them.
        complex: whether it takes complex numbers.
        integers: whether it has a meaning for integers.
        fronted: whether its public function, made with `cr.fronts`, has other arguments than the operation. `cases`
            have those of the operation.
        fixed: the inputs that have no gradients though they are floating-point numbers.
        extremes: whether the reference says what comes of infinities, NaN, zeros of both signs and very large and small
            numbers in place of each input.
        needs_rank: whether it says, in a graph, that it has to know how many axes its inputs have.
        needs_shape: whether it says so of their lengths.
        drawn: whether it draws random numbers. A backend with a kernel of its own may draw others than the reference;
            from one state they have to be the same again, and `test_random` looks at how they are distributed.
        settled: makes several results, which are determined only up to signs or phases, comparable; a function of them,
            tensors or arrays, to as many of the same shapes. None if there is nothing to settle.

    >>> import numpy as np
    >>> from chainrule_testing import Samples, case, real
    >>> samples = Samples(np.square, [case(real()), case(real(2, 3)), case(real(0))])
    >>> [sample.inputs[0].shape for sample in samples.calls("square")]
    [(), (2, 3), (0,)]
    """

    reference: Callable[..., Any] | None
    cases: Sequence[Case]
    complex: bool = False
    integers: bool = True
    fronted: bool = False
    fixed: tuple[int, ...] = ()
    extremes: bool = False
    needs_rank: bool = False
    needs_shape: bool = False
    drawn: bool = False
    settled: Callable[..., Any] | None = None

    def calls(self, op: str) -> list[Sample]:
        """The calls of the operation of that name."""
        return [
            Sample(op, self, inputs, attributes, i, data=_data(inputs))
            for i, (inputs, attributes) in enumerate(self.cases)
        ]


def _data(inputs: Sequence[Any]) -> tuple[int, ...]:
    kinds = [x.dtype.kind if isinstance(x, np.ndarray | np.generic) else "" for x in inputs]
    floating = tuple(i for i, kind in enumerate(kinds) if kind in ("f", "c"))
    return floating or tuple(i for i, kind in enumerate(kinds) if kind)


@dataclass(frozen=True)
class Sample:
    """One call of an operation.

    Attributes:
        op: its name.
        source: where it comes from.
        inputs: what the operation is called with.
        attributes: its attributes.
        number: which case of the source it is.
        kind: what was made of that: the dtype it was cast to.
        data: the arrays that can have another dtype: those of floating point, else those of integers.
    """

    op: str
    source: Samples = field(repr=False)
    inputs: tuple[Any, ...]
    attributes: Mapping[str, Any]
    number: int = 0
    kind: str = ""
    data: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.op}-{self.number}{self.kind and '-'}{self.kind}"

    @property
    def smooth(self) -> bool:
        """Whether gradients pass the operation."""
        definition = _engine.definition_of(_engine.find_op(self.op))
        return definition is None or definition.reason is None

    @property
    def wrt(self) -> tuple[int, ...]:
        """The inputs that have gradients."""
        return tuple(i for i in self.data if i not in self.source.fixed and self.inputs[i].dtype.kind in "fc")

    def in_dtype(self, dtype: str) -> Sample:
        """The same call with arrays of another dtype; complex numbers get imaginary parts."""
        rng = np.random.default_rng(zlib.crc32(str(self).encode()))
        inputs = list(self.inputs)
        for i in self.data:
            inputs[i] = cast(self.inputs[i], dtype, rng)
        return replace(self, inputs=tuple(inputs), kind=dtype)

    def replaced(self, places: Sequence[int], values: Sequence[Any]) -> list[Any]:
        """The inputs, with other values at some places."""
        inputs = list(self.inputs)
        for i, value in zip(places, values, strict=True):
            inputs[i] = value
        return inputs

    def run(self, *inputs: Any) -> Any:
        """The operation's result on the backend of the inputs."""
        return self._settled(_engine.call(self.op, inputs, self.attributes, self.source.fronted))

    def expected(self, *inputs: Any) -> Any:
        """The reference's result, as NumPy arrays."""
        with np.errstate(all="ignore"):
            if self.source.reference is not None:
                return self._settled(self.source.reference(*inputs, **self.attributes))
            import chainrule as cr

            with cr.use_backend("numpy"):
                y = self.run(*inputs)
            return tuple(part.numpy() for part in y) if isinstance(y, tuple) else y.numpy()

    def _settled(self, y: Any) -> Any:
        return y if self.source.settled is None else self.source.settled(*y)


def cast(x: Array, dtype: str, rng: np.random.Generator) -> Array:
    """An array in another dtype. Floating-point numbers become integers away from zero, so that none becomes zero."""
    if dtype.startswith("complex") and x.dtype.kind != "c":
        imaginary = rng.uniform(0.3, 1.7, x.shape) * rng.choice([-1.0, 1.0], x.shape)
        return np.asarray(x + 1j * imaginary).astype(dtype)
    if x.dtype.kind == "f" and dtype == "bool":
        return np.asarray(x > 0)
    if x.dtype.kind == "f" and "int" in dtype:
        x = np.copysign(np.ceil(np.abs(x)), x)
        return np.asarray(np.abs(x) if dtype.startswith("u") else x).astype(dtype)
    return np.asarray(x).astype("float32" if dtype == "bfloat16" else dtype)


def samples_of(table: Mapping[str, Samples]) -> list[list[Sample]]:
    """All calls of each operation, those with complex numbers last."""
    found = []
    for name, samples in table.items():
        calls = samples.calls(name)
        found.append([*calls, *(call.in_dtype("complex128") for call in calls if samples.complex)])
    return found


# Points

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


# Usual tables

SHAPES = ((), (3,), (2, 3), (0,), (2, 0), (2, 1, 3))
PAIRS = (((), ()), ((3,), (3,)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((2, 3), ()), ((0, 3), (1, 3)), ((2, 1, 2), (3, 1)))
AXES: tuple[tuple[tuple[int, ...], dict[str, Any]], ...] = (
    ((4,), {}),
    ((2, 3), {"axis": 0}),
    ((2, 3), {"axis": -1, "keepdims": True}),
    ((2, 3, 2), {"axis": (0, 2)}),
    ((2, 3, 2), {"axis": (2, 1), "keepdims": True}),
    ((2, 3), {"axis": None, "keepdims": True}),
    ((2, 3), {"axis": ()}),
    ((), {}),
)
EMPTY_AXES: tuple[tuple[tuple[int, ...], dict[str, Any]], ...] = (
    ((0,), {}),
    ((0, 3), {"axis": 0}),
    ((0, 3), {"axis": 1, "keepdims": True}),
    ((2, 0), {"axis": None}),
)


def unary(reference: Callable[..., Any], points: Callable[..., Array] = real, **options: Any) -> Samples:
    """The samples of an elementwise function of one input."""
    return Samples(reference, [case(points(*shape)) for shape in SHAPES], **{"extremes": True, **options})


def binary(
    reference: Callable[..., Any],
    left: Callable[..., Array] = real,
    right: Callable[..., Array] = real,
    numbers: tuple[Any, Any] | None = (1.25, 0.75),
    **options: Any,
) -> Samples:
    """The samples of an elementwise function of two inputs, also with a Python number on either side."""
    cases = [case(left(*a), right(*b)) for a, b in PAIRS]
    if numbers is not None:
        cases += [case(left(2, 3), numbers[1]), case(numbers[0], right(3))]
    return Samples(reference, cases, **{"extremes": True, **options})


def reduction(
    reference: Callable[..., Any],
    points: Callable[..., Array] = real,
    axes: Sequence[tuple[tuple[int, ...], Mapping[str, Any]]] = (*AXES, *EMPTY_AXES),
    **options: Any,
) -> Samples:
    """The samples of a reduction."""
    return Samples(reference, [case(points(*shape), **attributes) for shape, attributes in axes], **options)
