"""Single numbers as Python's own: what NumPy's scalars give, where Python would raise too."""

from __future__ import annotations

import math

import numpy as np
import pytest

import chainrule as cr

VALUES = [0.0, -0.0, 0.5, -0.5, 1.0, 3.0, -3.0, 1e-320, 1e308, -1e308, math.inf, -math.inf, math.nan]
UNARY = {
    **{name: getattr(cr, name) for name in ("exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "erf")},
    **{name: getattr(cr, name) for name in ("expm1", "log1p", "log2", "log10", "asin", "acos", "atan", "asinh")},
    **{name: getattr(cr, name) for name in ("acosh", "atanh", "abs", "square", "reciprocal", "relu", "erfc")},
}
BINARY = {name: getattr(cr, name) for name in ("add", "subtract", "multiply", "divide", "maximum", "minimum", "pow")}


@pytest.fixture(autouse=True)
def without_machine_code():
    with cr.use_jit("off"), np.errstate(all="ignore"):
        yield


def padded(f):
    """A function in a region: with further operations on what it gives."""

    def both(*xs):
        y = f(*xs)
        return y, (cr.tanh(y * 0.5) - 2.5) * y + y / 3.0

    function = cr.function(both)
    spec = cr.Spec((), "float64")
    explanation = cr.explain(function, *[spec] * f.__code__.co_argcount)
    assert [i.op.name for i in explanation.stages["plan"].instructions] == ["fused"]
    return function


def same(found, expected):
    assert type(found) is type(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    if found == 0:
        assert math.copysign(1, found) == math.copysign(1, expected)


@pytest.mark.parametrize("name", UNARY)
def test_functions_of_one_number(name):
    f = padded(lambda x: UNARY[name](x))
    for x in map(np.float64, VALUES):
        expected = UNARY[name](cr.tensor(x)).value
        if name == "relu" and x == 0:
            assert f(x)[0] == 0
        else:
            same(f(x)[0], np.float64(expected))


@pytest.mark.parametrize("name", BINARY)
def test_functions_of_two_numbers(name):
    f = padded(lambda a, b: BINARY[name](a, b))
    for a in map(np.float64, VALUES):
        for b in map(np.float64, VALUES):
            expected = BINARY[name](cr.tensor(a), cr.tensor(b)).value
            if name in ("maximum", "minimum") and a == b:
                assert f(a, b)[0] == a
            else:
                same(f(a, b)[0], np.float64(expected))


def test_choices_and_zero_cotangents():
    f = cr.function(cr.grad(lambda x: cr.where(x > 1.0, cr.log(x) * 2.0 + x * 3.0, x * x)))
    for x in VALUES[2:6]:
        assert f(np.float64(x)) == pytest.approx(2.0 / x + 3.0 if x > 1 else 2.0 * x)
    g = cr.function(cr.grad(lambda x: cr.where(x > 0.0, cr.sqrt(x) * 2.0, 0.0) * 1.0 + x * 3.0))
    assert g(np.float64(0.0)) == 3.0
