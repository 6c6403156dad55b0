"""Python's complex numbers beside tensors: NumPy's scalars are Python floats too, with which Python would compute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr

X = 0.75

CASES: list[tuple[Callable[[Any], Any], complex]] = [
    (lambda x: (1j * x) ** 2, -2 * X),
    (lambda x: (1j + x) * (1j - x) / (1j / x), -1j * (-1 - 3 * X**2)),
    (lambda x: 1j**x, 1j * np.pi / 2 * np.exp(1j * np.pi * X / 2)),
    (lambda x: x * 1j - 2j, 1j),
    (lambda x: cr.where(cr.equal(1j, x), x, x * x) * 1j, 2j * X),
]


@pytest.mark.parametrize("shape", [(), (3,)])
@pytest.mark.parametrize(("f", "slope"), CASES)
def test_values_and_slopes(f: Callable[[Any], Any], slope: complex, shape: tuple[int, ...]) -> None:
    """The slope of the real part, and of the imaginary part, in each mode."""
    x = np.full(shape, X)
    want = f(x.astype(complex)) if f is not CASES[-1][0] else x * x * 1j
    for run in (f, cr.function(f)):
        value = cr.as_tensor(run(cr.tensor(x))).numpy()
        assert value.dtype == np.complex128
        np.testing.assert_allclose(value, want, rtol=1e-14)
        for part, number in ((cr.real, slope.real), (cr.imag, slope.imag)):
            found = cr.grad(lambda x, run=run, part=part: cr.sum(part(run(x))))(x)
            np.testing.assert_allclose(found, np.full(shape, number), rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize(
    ("dtype", "result"), [("float32", "complex64"), ("float64", "complex128"), ("int64", "complex128")]
)
def test_dtypes(dtype: str, result: str) -> None:
    for shape in ((), (2,)):
        x = cr.tensor(np.ones(shape, dtype))
        for f in (lambda x: 1j * x, lambda x: x * 1j, lambda x: 1j - x):
            assert str(f(x).dtype) == result
            assert str(cr.function(f)(x).dtype) == result


def test_beside_an_array_that_is_no_tensor() -> None:
    assert str(cr.multiply(1j, np.ones(2, "float32")).dtype) == "complex64"
    assert complex(cr.add(1j, 2.0)) == 2 + 1j


def test_in_a_graph() -> None:
    with cr.Graph().as_default():
        x = cr.placeholder("float64", ())
        y = cr.real((1j * x) * (1j * x))
        value, slope = cr.Session().run([y, *cr.gradients(y, x)], {x: X})
    assert (value, slope) == (-(X**2), -2 * X)
