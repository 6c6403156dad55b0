"""Formulas that compiled programs compute by a stable operation: where they fail, and where they do not."""

from __future__ import annotations

import math

import pytest

import chainrule as cr
from chainrule._passes import optimised
from chainrule._passes.stability import stability

pytestmark = pytest.mark.usefixtures("backend")

ROW = [0.0, 1000.0, -1000.0]


def ops_of(f, *arguments):
    program = cr.function(f).trace(*arguments)
    return [i.op.name for i in optimised(program, cr.get_backend()).instructions]


STABLE = {
    "log of 1 +": (lambda x: cr.log(1 + x), [1e-20, -1e-20, 2.0], [1e-20, -1e-20, math.log(3.0)], "log1p"),
    "log of + 1": (lambda x: cr.log(x + 1.0), [1e-300, 0.0], [1e-300, 0.0], "log1p"),
    "log of + ones": (lambda x: cr.log(x + cr.ones_like(x)), [1e-300, 0.0], [1e-300, 0.0], "log1p"),
    "exp minus 1": (lambda x: cr.exp(x) - 1, [1e-20, 0.0, 1.0], [1e-20, 0.0, math.e - 1.0], "expm1"),
    "log of softmax": (lambda x: cr.log(cr.softmax(x)), ROW, [-1000.0, 0.0, -2000.0], "log_softmax"),
    "log of a sum": (lambda x: cr.log(cr.sum(cr.exp(x))), ROW, 1000.0, "logsumexp"),
    "log of sums": (
        lambda x: cr.log(cr.sum(cr.exp(x), axis=-1, keepdims=True)),
        [ROW, [-800.0, -800.0, -800.0]],
        [[1000.0], [math.log(3.0) - 800.0]],
        "logsumexp",
    ),
}


@pytest.mark.parametrize("name", STABLE)
def test_what_fails_by_itself_is_right_compiled(name, same):
    f, x, expected, op = STABLE[name]
    assert op in ops_of(f, cr.tensor(x))
    same(cr.function(f)(cr.tensor(x)), expected, 1e-15)


@pytest.mark.parametrize("name", STABLE)
def test_in_single_precision(name, same):
    f, x, expected, op = STABLE[name]
    single = cr.tensor(x, dtype="float32")
    assert op in ops_of(f, single)
    found = cr.function(f)(single)
    assert found.dtype == "float32"
    same(found, cr.astype(cr.tensor(expected), dtype="float32"), 1e-6)


@pytest.mark.filterwarnings("ignore")
def test_infinities_and_nan_are_as_they_were(same):
    x = cr.tensor([math.inf, -1.0, math.nan])
    same(cr.function(lambda x: cr.log(1 + x))(x), [math.inf, -math.inf, math.nan])
    x = cr.tensor([math.inf, -math.inf, math.nan])
    same(cr.function(lambda x: cr.exp(x) - 1)(x), [math.inf, -1.0, math.nan])


@pytest.mark.parametrize(
    "f",
    [lambda x: cr.log(2 + x), lambda x: cr.exp(x) - 2, lambda x: 1 - cr.exp(x), lambda x: cr.exp(cr.softmax(x))],
    ids=["2 +", "minus 2", "1 minus", "exp"],
)
def test_others_stay(f):
    program = cr.function(f).trace(cr.tensor([1.0, 2.0]))
    assert stability(program, cr.get_backend()) is program


def test_what_would_change_the_dtype_or_shape_stays():
    integers = cr.function(lambda n: cr.log(1 + n)).trace(cr.tensor([1, 2]))
    assert stability(integers, cr.get_backend()) is integers
    wider = cr.function(lambda x: cr.log(x + cr.full(shape=(2, 1), fill_value=1.0))).trace(cr.tensor([1.0, 2.0]))
    assert stability(wider, cr.get_backend()) is wider
