"""Operations eagerly, in graphs and compiled: of every dtype, and of Python numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule_testing import Sample
from chainrule_testing._ways import Derived, assert_known, assert_same, built, full, lengths_unknown

from .every import OURS

ids = lambda samples: samples[0].op  # noqa: E731


def cast(sample: Sample, dtype: str) -> list[Any]:
    """The sample's inputs, the floating-point ones in another dtype."""
    return [x.astype(dtype) if i in sample.wrt else x for i, x in enumerate(sample.inputs)]


@pytest.mark.parametrize("samples", [s for s in OURS if s[0].smooth], ids=ids)
@pytest.mark.parametrize("dtype", ["float32", "int64", "uint8", "bool"])
def test_dtypes(samples: list[Sample], dtype: str) -> None:
    """Of other dtypes too, and what is refused eagerly is refused in graphs."""
    for sample in [s for s in samples if not s.kind][:2]:
        if dtype != "float32" and not sample.source.integers:
            continue
        other = replace(sample, inputs=tuple(cast(sample, dtype)))
        derived = Derived(other)
        with np.errstate(all="ignore"):
            try:
                want = derived.value(*map(cr.tensor, derived.arrays))
            except cr.ChainruleError as error:
                with pytest.raises(type(error)):
                    cr.function(derived.value)(*derived.arrays)
                with pytest.raises(type(error)):
                    built(derived.value, derived.arrays, lengths_unknown)
                continue
            assert_same(cr.function(derived.value)(*map(cr.tensor, derived.arrays)), want, f"compiled {sample!r}")
            for shape in (full, lengths_unknown):
                symbolic, results = built(derived.value, derived.arrays, shape)
                assert_known(symbolic, want, f"graph of {sample!r}")
                assert_same(results, want, f"graph of {sample!r}")


WITH_NUMBERS = [
    numbers
    for samples in OURS
    if (numbers := [s for s in samples if not s.kind and any(isinstance(x, float | int) for x in s.inputs)])
]


@pytest.mark.parametrize("samples", WITH_NUMBERS, ids=ids)
def test_python_numbers_are_weak_arguments(samples: list[Sample]) -> None:
    """A Python number that a compiled function is called with takes the dtype of the array beside it."""
    for sample in samples:
        for dtype in ("float32", "int16"):
            if dtype == "int16" and not sample.source.integers:
                continue
            inputs = cast(sample, dtype)
            with np.errstate(all="ignore"):
                got, want = cr.function(lambda *xs, sample=sample: sample.run(*xs))(*inputs), sample.run(*inputs)
            assert_same(got, want, f"{sample!r} {dtype}")


def test_what_is_computed_from_python_numbers_stays_weak() -> None:
    """As in Python, where `1 - a` is a number, and no array of float64."""

    def step(x: Any, a: Any, b: Any) -> Any:
        return (1 - a) * x + a * b * x**2 + abs(-a) / b * x

    x = np.arange(3, dtype="float32")
    assert_same(cr.function(step)(x, 0.25, 3.0), np.asarray(step(x, 0.25, 3.0)), "compiled")
    assert cr.function(cr.grad(lambda x, a, b: cr.sum(step(x, a, b))))(x, 0.25, 3.0).dtype == "float32"
    with cr.Graph().as_default():
        y = cr.placeholder("float32", (None,))
        n = cr.as_tensor(y.shape[0])
        mean = cr.sum(y) / (n * 2 - 1)
        assert mean.dtype == "float32"
        assert cr.Session().run(mean, {y: x}).dtype == "float32"


@pytest.mark.parametrize(
    "number", [np.float32(2.0), np.float64(2.0), np.int8(2), np.array(2.0), True, 2, 2.0, 2j], ids=repr
)
def test_numbers_of_all_kinds(number: Any) -> None:
    x = np.arange(3, dtype="float32")
    want = cr.tensor(x) * number + number
    assert_same(cr.function(lambda x, a: x * a + a)(x, number), want, "compiled")
    symbolic, results = built(lambda x: x * number + number, [x], lengths_unknown)
    assert_known(symbolic, want, "graph")
    assert_same(results, want, "graph")
