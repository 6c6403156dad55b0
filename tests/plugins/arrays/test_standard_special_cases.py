"""The array API standard's special cases: infinities, NaN and zeros of both signs, as its text lists them."""

from __future__ import annotations

import cmath
import math
import operator

import numpy as np
import pytest

import chainrule as cr

inf, nan, pi = math.inf, math.nan, math.pi

# The argument, and the result.
UNARY = {
    "abs": ((nan, nan), (-0.0, 0.0), (inf, inf), (-inf, inf)),
    "acos": ((nan, nan), (1.5, nan), (-1.5, nan), (1.0, 0.0)),
    "acosh": ((nan, nan), (0.5, nan), (1.0, 0.0), (inf, inf)),
    "asin": ((nan, nan), (1.5, nan), (-1.5, nan), (0.0, 0.0), (-0.0, -0.0)),
    "asinh": ((nan, nan), (0.0, 0.0), (-0.0, -0.0), (inf, inf), (-inf, -inf)),
    "atan": ((nan, nan), (0.0, 0.0), (-0.0, -0.0), (inf, pi / 2), (-inf, -pi / 2)),
    "atanh": ((nan, nan), (-1.5, nan), (1.5, nan), (-1.0, -inf), (1.0, inf), (0.0, 0.0), (-0.0, -0.0)),
    "ceil": ((2.0, 2.0), (inf, inf), (-inf, -inf), (0.0, 0.0), (-0.0, -0.0), (nan, nan), (-0.5, -0.0)),
    "cos": ((nan, nan), (0.0, 1.0), (-0.0, 1.0), (inf, nan), (-inf, nan)),
    "cosh": ((nan, nan), (0.0, 1.0), (-0.0, 1.0), (inf, inf), (-inf, inf)),
    "exp": ((nan, nan), (0.0, 1.0), (-0.0, 1.0), (inf, inf), (-inf, 0.0)),
    "expm1": ((nan, nan), (0.0, 0.0), (-0.0, -0.0), (inf, inf), (-inf, -1.0)),
    "floor": ((2.0, 2.0), (inf, inf), (-inf, -inf), (0.0, 0.0), (-0.0, -0.0), (nan, nan)),
    "log": ((nan, nan), (-1.0, nan), (0.0, -inf), (-0.0, -inf), (1.0, 0.0), (inf, inf)),
    "log10": ((nan, nan), (-1.0, nan), (0.0, -inf), (-0.0, -inf), (1.0, 0.0), (inf, inf)),
    "log1p": ((nan, nan), (-2.0, nan), (-1.0, -inf), (-0.0, -0.0), (0.0, 0.0), (inf, inf)),
    "log2": ((nan, nan), (-1.0, nan), (0.0, -inf), (-0.0, -inf), (1.0, 0.0), (inf, inf)),
    "reciprocal": ((nan, nan), (0.0, inf), (-0.0, -inf), (inf, 0.0), (-inf, -0.0)),
    "round": ((2.0, 2.0), (inf, inf), (-inf, -inf), (-0.0, -0.0), (nan, nan), (0.5, 0.0), (1.5, 2.0), (-0.5, -0.0)),
    "sign": ((-3.0, -1.0), (0.0, 0.0), (-0.0, 0.0), (3.0, 1.0), (nan, nan)),
    "signbit": ((0.0, 0.0), (-0.0, 1.0), (inf, 0.0), (-inf, 1.0), (3.0, 0.0), (-3.0, 1.0)),
    "sin": ((nan, nan), (0.0, 0.0), (-0.0, -0.0), (inf, nan), (-inf, nan)),
    "sinh": ((nan, nan), (0.0, 0.0), (-0.0, -0.0), (inf, inf), (-inf, -inf)),
    "sqrt": ((nan, nan), (-1.0, nan), (0.0, 0.0), (-0.0, -0.0), (inf, inf)),
    "square": ((nan, nan), (inf, inf), (-inf, inf), (-0.0, 0.0)),
    "tan": ((nan, nan), (0.0, 0.0), (-0.0, -0.0), (inf, nan), (-inf, nan)),
    "tanh": ((nan, nan), (0.0, 0.0), (-0.0, -0.0), (inf, 1.0), (-inf, -1.0)),
    "trunc": ((2.0, 2.0), (inf, inf), (-inf, -inf), (0.0, 0.0), (-0.0, -0.0), (nan, nan), (-0.5, -0.0)),
}

# Two arguments, and the result.
BINARY = {
    "add": ((nan, 1.0, nan), (inf, -inf, nan), (inf, 1.0, inf), (-0.0, -0.0, -0.0), (-0.0, 0.0, 0.0), (2.0, -2.0, 0.0)),
    "atan2": (
        *((nan, 1.0, nan), (1.0, 0.0, pi / 2), (1.0, -0.0, pi / 2), (0.0, 1.0, 0.0), (0.0, 0.0, 0.0), (0.0, -0.0, pi)),
        *((0.0, -1.0, pi), (-0.0, 1.0, -0.0), (-0.0, 0.0, -0.0), (-0.0, -0.0, -pi), (-0.0, -1.0, -pi)),
        *((-1.0, 0.0, -pi / 2), (1.0, inf, 0.0), (1.0, -inf, pi), (-1.0, inf, -0.0), (-1.0, -inf, -pi)),
        *((inf, 1.0, pi / 2), (-inf, 1.0, -pi / 2), (inf, inf, pi / 4), (inf, -inf, 3 * pi / 4)),
        *((-inf, inf, -pi / 4), (-inf, -inf, -3 * pi / 4)),
    ),
    "copysign": ((2.0, 0.0, 2.0), (2.0, -0.0, -2.0), (-2.0, 1.0, 2.0), (2.0, -nan, -2.0), (nan, 1.0, nan)),
    "divide": (
        *((nan, 1.0, nan), (inf, -inf, nan), (0.0, -0.0, nan), (0.0, 1.0, 0.0), (-0.0, 1.0, -0.0), (0.0, -1.0, -0.0)),
        *((1.0, 0.0, inf), (1.0, -0.0, -inf), (-1.0, 0.0, -inf), (-1.0, -0.0, inf), (inf, 2.0, inf), (inf, -2.0, -inf)),
        *((-inf, 2.0, -inf), (1.0, inf, 0.0), (1.0, -inf, -0.0), (-1.0, inf, -0.0), (-1.0, -inf, 0.0)),
    ),
    "floor_divide": (
        *((nan, 1.0, nan), (inf, -inf, nan), (0.0, -0.0, nan), (0.0, 1.0, 0.0), (-0.0, 1.0, -0.0), (0.0, -1.0, -0.0)),
        *((1.0, 0.0, inf), (1.0, -0.0, -inf), (-1.0, 0.0, -inf), (-1.0, -0.0, inf), (inf, 2.0, inf), (inf, -2.0, -inf)),
        *((-inf, 2.0, -inf), (-inf, -2.0, inf), (1.0, inf, 0.0), (1.0, -inf, -0.0), (-1.0, inf, -0.0)),
        *((-1.0, -inf, 0.0), (7.0, 2.0, 3.0), (-7.0, 2.0, -4.0)),
    ),
    "hypot": ((inf, nan, inf), (nan, -inf, inf), (nan, 1.0, nan), (1.0, nan, nan), (-0.0, -3.0, 3.0)),
    "logaddexp": ((nan, 1.0, nan), (inf, 1.0, inf), (1.0, inf, inf), (-inf, -inf, -inf)),
    "maximum": ((nan, 1.0, nan), (1.0, nan, nan), (inf, 1.0, inf)),
    "minimum": ((nan, 1.0, nan), (1.0, nan, nan), (-inf, 1.0, -inf)),
    "multiply": ((nan, 1.0, nan), (inf, 0.0, nan), (inf, -2.0, -inf), (-0.0, 2.0, -0.0), (-0.0, -2.0, 0.0)),
    "nextafter": ((nan, 1.0, nan), (1.0, nan, nan), (0.0, -0.0, -0.0), (-0.0, 0.0, 0.0), (inf, inf, inf)),
    "pow": (
        *((1.0, nan, 1.0), (nan, 0.0, 1.0), (nan, -0.0, 1.0), (nan, 2.0, nan), (2.0, inf, inf), (2.0, -inf, 0.0)),
        *((1.0, inf, 1.0), (-1.0, -inf, 1.0), (0.5, inf, 0.0), (0.5, -inf, inf), (inf, 2.0, inf), (inf, -2.0, 0.0)),
        *(
            (-inf, 3.0, -inf),
            (-inf, 2.0, inf),
            (-inf, -3.0, -0.0),
            (-inf, -2.0, 0.0),
            (0.0, 2.0, 0.0),
            (0.0, -2.0, inf),
        ),
        *((-0.0, 3.0, -0.0), (-0.0, 2.0, 0.0), (-0.0, -3.0, -inf), (-0.0, -2.0, inf), (-2.0, 0.5, nan)),
        *((-0.0, 0.5, 0.0), (-inf, 0.5, inf)),
    ),
    "remainder": (
        *((nan, 1.0, nan), (inf, 1.0, nan), (1.0, 0.0, nan), (0.0, 2.0, 0.0), (-0.0, 2.0, 0.0), (0.0, -2.0, -0.0)),
        *(
            (-0.0, -2.0, -0.0),
            (1.0, inf, 1.0),
            (1.0, -inf, -inf),
            (-1.0, inf, inf),
            (-1.0, -inf, -1.0),
            (4.0, -2.0, -0.0),
        ),
    ),
    "subtract": ((inf, inf, nan), (-0.0, 0.0, -0.0), (0.0, 0.0, 0.0), (nan, 1.0, nan)),
}

# The same of complex numbers: the argument, and the result, in whose parts None is a zero or infinity of any sign.
COMPLEX = {
    "abs": ((complex(inf, nan), inf), (complex(nan, -inf), inf), (complex(nan, 1.0), nan)),
    "exp": (
        (complex(0.0, 0.0), 1 + 0j),
        (complex(inf, 0.0), complex(inf, 0.0)),
        (complex(-inf, 1.0), complex(0.0, 0.0)),
    ),
    "expm1": (
        *((complex(-0.0, 0.0), complex(0.0, 0.0)), (complex(inf, 0.0), complex(inf, 0.0))),
        *((complex(-inf, inf), complex(-1.0, 0.0)), (complex(inf, inf), complex(inf, nan))),
        *((complex(-inf, nan), complex(-1.0, 0.0)), (complex(nan, 0.0), complex(nan, 0.0))),
    ),
    "sign": ((complex(3.0, 4.0), complex(0.6, 0.8)), (complex(0.0, 0.0), 0j), (complex(nan, 1.0), complex(nan, nan))),
    "sqrt": ((complex(-0.0, 0.0), 0j), (complex(1.0, inf), complex(inf, inf)), (complex(-inf, 1.0), complex(0.0, inf))),
    "tanh": ((complex(0.0, 0.0), 0j), (complex(inf, inf), complex(1.0, 0.0)), (complex(nan, 0.0), complex(nan, 0.0))),
}


def is_same(got: complex, want: complex) -> bool:
    """Equal to a few bits, zeros of the same sign, NaN where NaN is wanted."""
    if isinstance(want, complex):
        return is_same(got.real, want.real) and is_same(got.imag, want.imag)
    if math.isnan(want):
        return math.isnan(got)
    return math.isclose(got, want, rel_tol=1e-6) and math.copysign(1.0, got) == math.copysign(1.0, want)


def computed(name: str, dtype: str, *columns: list[complex]) -> list[complex]:
    with np.errstate(all="ignore"):
        return getattr(cr, name)(*(cr.asarray(column, dtype=dtype) for column in columns)).tolist()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [*UNARY, *BINARY])
def test_real_numbers(name, dtype):
    *arguments, wanted = zip(*(UNARY | BINARY)[name], strict=True)
    for at, (got, want) in enumerate(zip(computed(name, dtype, *map(list, arguments)), wanted, strict=True)):
        assert is_same(got, want), f"{name}{tuple(column[at] for column in arguments)} is {got}, expected {want}"


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_numbers(name):
    arguments, wanted = zip(*COMPLEX[name], strict=True)
    for x, got, want in zip(arguments, computed(name, "complex128", list(arguments)), wanted, strict=True):
        if name == "expm1" and cmath.isinf(x) and x.real < 0:  # the sign of the imaginary part is left open
            got, want = complex(got.real, abs(got.imag)), complex(want.real, abs(want.imag))
        assert is_same(got, want), f"{name}({x}) is {got}, expected {want}"


@pytest.mark.parametrize("name", ["expm1", "floor_divide"])
def test_compiled_it_is_the_same(name):
    """Where a kernel of ours stands in for NumPy's function, programs have it, too."""
    table = COMPLEX if name == "expm1" else BINARY
    columns = [cr.asarray(list(column)) for column in zip(*table[name], strict=True)][:-1]
    with np.errstate(all="ignore"):
        want = getattr(cr, name)(*columns)
        got = cr.function(lambda *xs: -getattr(cr, name)(*(-x for x in xs)))(*(-column for column in columns))
    np.testing.assert_array_equal((-got).numpy(), want.numpy())


@pytest.mark.parametrize("exponent", [0.5, cr.asarray(0.5)], ids=["number", "tensor"])
def test_a_single_number_to_the_power_of_one_half(exponent):
    """Not the square root, as it is of an array: of these two numbers they differ."""
    for run in (cr.pow, operator.pow, operator.ipow, cr.function(operator.pow)):
        assert is_same(run(cr.asarray(-0.0), exponent).item(), 0.0)
        assert run(cr.asarray(-inf), exponent).item() == inf


@pytest.mark.parametrize("name", ["max", "mean", "min", "prod", "std", "sum", "var"])
def test_nan_is_never_lost(name):
    x = cr.asarray([[1.0, nan], [2.0, 3.0]])
    assert np.isnan(getattr(cr, name)(x).item())
    assert np.isnan(getattr(cr, name)(x, axis=1).numpy()).tolist() == [True, False]


def test_of_too_few_elements():
    with np.errstate(all="ignore"), pytest.warns(RuntimeWarning, match="empty slice"):
        assert np.isnan(cr.var(cr.zeros((0,)), correction=1).item())
    assert [cr.sum(cr.zeros(0)).item(), cr.prod(cr.zeros(0)).item()] == [0.0, 1.0]
    assert [cr.all(cr.zeros(0)).item(), cr.any(cr.zeros(0)).item()] == [True, False]
    for empty in (cr.max, cr.min, cr.argmax):
        with pytest.raises(ValueError, match=r"of an empty|no identity"):
            empty(cr.zeros(0))
