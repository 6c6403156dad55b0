"""`custom_jvp`: a rule forward, from which gradients and second derivatives follow, in every mode."""

from __future__ import annotations

import math

import pytest

import chainrule as cr

pytestmark = pytest.mark.usefixtures("backend")


@cr.custom_jvp
def power(x, p, n=2):
    return x**n * p["a"], cr.sin(x)


@power.defjvp
def _power_jvp(primals, tangents):
    (x, p, n), (dx, dp, dn) = primals, tangents
    assert dn is None
    y = power(x, p, n)  # the rule uses the function, which has it again
    return y, (10.0 * dx * n * x ** (n - 1) * p["a"] + dp["a"] * x**n, cr.cos(x) * dx)


P = {"a": 3.0}


def f(x, p=P):
    y, s = power(x, p, n=3)
    return y + s


FIRST = 10.0 * 3.0 * 2.0**2 * 3.0 + math.cos(2.0)  # ten times the derivative of the power, to be told from its own
SECOND = 10.0 * 3.0 * 3.0 * 2.0 * 2.0 - math.sin(2.0)

WAYS = {
    "eager": lambda g: g,
    "inside": lambda g: cr.function(g),
    "in a checkpoint": lambda g: lambda x: cr.checkpoint(g)(x),
}


@pytest.fixture(params=WAYS)
def way(request):
    return WAYS[request.param]


def test_forward_and_reverse(way, same):
    same(way(cr.grad(f))(2.0), FIRST)
    same(way(lambda x: cr.jvp(f, [x], [1.0])[1])(2.0), FIRST)
    same(cr.grad(way(f))(2.0), FIRST)
    same(cr.jvp(way(f), [2.0], [0.5])[1], 0.5 * FIRST)


def test_second_derivatives(way, same):
    same(way(cr.grad(cr.grad(f)))(2.0), SECOND)
    same(cr.grad(way(cr.grad(f)))(2.0), SECOND)
    same(cr.jvp(cr.grad(f), [2.0], [1.0])[1], SECOND)


def test_pytrees_and_arguments_by_keyword(same):
    same(cr.grad(lambda p: power(p=p, x=2.0)[0])(P), {"a": 4.0})
    same(cr.jvp(lambda p: power(2.0, p)[0], [P], [{"a": 0.5}])[1], 2.0)


def test_over_batches(same):
    x = cr.tensor([1.0, 2.0])
    want = [10.0 * 9.0 + math.cos(1.0), FIRST]
    same(cr.vmap(cr.grad(f))(x), want)
    same(cr.grad(lambda x: cr.sum(cr.vmap(f)(x)))(x), want)
    same(cr.grad(lambda a: cr.sum(cr.vmap(lambda x: f(x, {"a": a}))(x)))(3.0), 1.0 + 8.0)


def test_what_it_uses_from_outside_gets_the_gradient_of_the_body(way, same):
    def outer(w):
        @cr.custom_jvp
        def scaled(x):
            return x * w

        scaled.defjvp(lambda primals, tangents: (scaled(*primals), 100.0 * tangents[0]))
        return scaled(2.0) * w

    same(way(cr.grad(outer))(3.0), 12.0)


def test_the_rule_is_the_way_forward(same):
    seen = []

    @cr.custom_jvp
    def g(x):
        return x * x

    @g.defjvp
    def _(primals, tangents):
        seen.append(tangents)
        (x,), (dx,) = primals, tangents
        return g(x), 2.0 * x * cr.abs(dx)  # not linear: no gradient transposes that, but forward it is what it is

    same(cr.jvp(g, [3.0], [-1.0])[1], 6.0)
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda primals, tangents: tangents[0], r"expected its rule to return \(result, tangent\), got Tensor"),
        (lambda primals, tangents: (primals[0], cr.ones(3)), r"the tangent of result has shape \(3,\), expected \(\)"),
        (lambda primals, tangents: 1 / 0, "its rule raised ZeroDivisionError"),
    ],
    ids=["pair", "shape", "error"],
)
def test_rules_that_break_their_contract(rule, message):
    @cr.custom_jvp
    def g(x):
        return x * 1.0

    g.defjvp(rule)
    with pytest.raises(cr.GradientDefinitionError, match=f"custom_jvp .*g' at .*test_custom_jvp.py:.*({message})"):
        cr.jvp(g, [1.0], [1.0])


def test_without_a_rule():
    @cr.custom_jvp
    def g(x):
        return x

    with pytest.raises(cr.GradientDefinitionError, match=r"has no rule yet: put @g\.defjvp above one"):
        g(1.0)
