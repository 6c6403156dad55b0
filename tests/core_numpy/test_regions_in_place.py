"""Regions write their results over inputs that nobody needs any more, and over nothing else."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule._passes import lowered
from chainrule._plan import Plan
from chainrule.regions import FUSED
from chainrule_numpy import _jit

RANDOM = np.random.default_rng(0)
X, W, B = RANDOM.normal(size=(300, 200)), RANDOM.normal(size=(200, 200)), RANDOM.normal(size=200)
MODES = [
    "off",
    pytest.param("auto", marks=pytest.mark.skipif(_jit.why_not() is not None, reason=str(_jit.why_not()))),
]


@pytest.fixture(autouse=True, params=MODES)
def mode(request):
    with cr.use_jit(request.param):
        yield request.param


def planned(f, *arguments):
    backend = cr.get_backend()
    return Plan(lowered(cr.function(f).trace(*map(cr.tensor, arguments)), backend), backend)


def taken(plan):
    """How many results of regions lie where an input of the region was."""
    places = {y: (a[0], a[1]) for y, i in plan.memory.places.items() for a in [plan.memory.arrays[i]]}
    return sum(
        places.get(y, 0) == places.get(x, 1)
        for i in plan.program.instructions
        if i.op is FUSED
        for y in i.outputs
        for x in i.inputs
    )


def check(f, by_hand, count, *arguments):
    plan = planned(f, *arguments)
    if not cr.strict_math():
        assert taken(plan) == count
    for _ in range(2):
        for have, want in zip(plan(*arguments), by_hand(*arguments), strict=True):
            np.testing.assert_allclose(have, want, rtol=1e-9, atol=1e-9)


def relu(x):
    return np.maximum(x, 0.0)


def test_a_bias_and_a_rectifier():
    check(
        lambda x, w, b: (cr.relu(cr.relu(x @ w + b) @ w + b) @ w,),
        lambda x, w, b: (relu(relu(x @ w + b) @ w + b) @ w,),
        *(2, X, W, B),
    )


@pytest.mark.parametrize("where_it_is", [True, False])
def test_choices(where_it_is):
    def f(x, w, b):
        y = x @ w
        chosen = cr.where(x > 0.0, y, cr.sin(b)) if where_it_is else cr.where(x > 0.0, cr.sin(b), y)
        return ((chosen + 1.0) @ w,)

    def by_hand(x, w, b):
        chosen = np.where(x > 0.0, *((x @ w, np.sin(b)) if where_it_is else (np.sin(b), x @ w)))
        return ((chosen + 1.0) @ w,)

    check(f, by_hand, 1, X, W, B)


def test_inputs_that_are_read_again_in_the_region():
    def f(x, w, b):
        y = x @ w
        z = cr.sin(y) + b
        return z @ w, (cr.cos(z) * y) @ w

    def by_hand(x, w, b):
        y = x @ w
        z = np.sin(y) + b
        return z @ w, (np.cos(z) * y) @ w

    check(f, by_hand, 1, X, W, B)  # the second result, which comes last


def test_inputs_that_are_needed_later_or_smaller():
    check(
        lambda x, w, b: (lambda y: ((cr.sin(y) + b) @ w, y @ w))(x @ w),
        lambda x, w, b: (lambda y: ((np.sin(y) + b) @ w, y @ w))(x @ w),
        *(0, X, W, B),
    )
    check(
        lambda x, w, b: ((cr.sin(b @ w) + x + 1.0) @ w,),
        lambda x, w, b: ((np.sin(b @ w) + x + 1.0) @ w,),
        *(0, X, W, B),
    )


def test_inputs_of_which_there_are_views():
    def f(w, b):
        y = w @ w
        return (cr.sin(y) * cr.matrix_transpose(y) + b) @ w, cr.sum(y)

    def by_hand(w, b):
        y = w @ w
        return (np.sin(y) * y.T + b) @ w, np.sum(y)

    check(f, by_hand, 0, W, B)


def test_sums_of_what_is_written_over():
    def f(x, w, b):
        y = x @ w
        z = cr.where(x > 0.0, y, 0.0)
        return z @ w, cr.sum(z, axis=0)

    check(f, lambda x, w, b: ((x @ w * (x > 0)) @ w, (x @ w * (x > 0)).sum(0)), 1, X, W, B)


@pytest.mark.parametrize("n", [2_000, 40_000, 200_000])
def test_a_variable_that_is_chosen_again(n):
    chosen = np.arange(n) % 3 == 0
    for f, by_hand in (
        (lambda m, v: cr.where(m, cr.sin(cr.cos(v)), v), lambda m, v: np.where(m, np.sin(np.cos(v)), v)),
        (lambda m, v: cr.where(m, v, cr.sin(cr.cos(v))), lambda m, v: np.where(m, v, np.sin(np.cos(v)))),
    ):
        variable = cr.Variable(np.linspace(-1.0, 1.0, n))
        step = cr.function(lambda m, f=f, variable=variable: variable.assign(f(m, variable)))
        want = variable.numpy().copy()
        for _ in range(3):
            step(chosen)
            want = by_hand(chosen, want)
        np.testing.assert_allclose(variable.numpy(), want, rtol=1e-12)
