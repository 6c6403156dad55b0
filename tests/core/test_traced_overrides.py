"""Gradient overrides in graphs, compiled functions and control flow: by scope, and at gradient time reaching inside."""

from __future__ import annotations

import pytest

import chainrule as cr
from chainrule import NoGradient

pytestmark = pytest.mark.usefixtures("backend")


def straight(g, _y, _x):
    return g


def hundredfold(g, _y, _x):
    return 100.0 * g


def in_a_graph(f, overrides=None):
    """The gradient of a function of one number, in a graph."""

    def run(x):
        with cr.Graph().as_default() as graph:
            p = cr.placeholder("float64", ())
            (g,) = cr.gradients(f(p), p, overrides=overrides)
        return cr.Session(graph).run(g, {p: x})

    return run


WAYS = {
    "eager": cr.grad,
    "outside": lambda f, overrides=None: cr.grad(cr.function(f), overrides=overrides),
    "inside": lambda f, overrides=None: cr.function(cr.grad(f, overrides=overrides)),
    "graph": in_a_graph,
}
WRAPS = {
    "plain": lambda f: f,
    "function": cr.function,
    "cond": lambda f: lambda x: cr.cond(x > 0.0, f, lambda x: x * 0.0, x),
    "scan": lambda f: lambda x: cr.scan(lambda v, _: (f(v), None), x, length=1)[0],
    "while_loop": lambda f: lambda x: cr.while_loop(lambda c: c[0] < 1, lambda c: (c[0] + 1, f(c[1])), (0, x))[1],
    "nested": lambda f: (
        lambda x: cr.cond(x > 0.0, lambda x: cr.fori_loop(0, 1, lambda i, v: cr.function(f)(v), x), cr.sin, x)
    ),
}


@pytest.fixture(params=WAYS)
def grad(request):
    return WAYS[request.param]


@pytest.fixture(params=WRAPS)
def wrap(request):
    return WRAPS[request.param]


def stepped(x):
    return cr.sign(x) * 3.0


# By scope


def test_in_force_around_all(grad, wrap, same):
    with cr.override_gradients({"sign": straight}):
        same(grad(wrap(stepped))(2.0), 3.0)
    same(grad(wrap(stepped))(2.0), 0.0)


def test_in_force_inside(grad, wrap, same):
    def f(x):
        with cr.override_gradients({"sign": straight}):
            y = cr.sign(x)
        return y * 3.0 + cr.sign(x)

    same(grad(wrap(f))(2.0), 3.0)


def test_decided_where_the_operation_is_called_not_where_the_gradient_is_taken(same):
    f = cr.function(stepped)
    with cr.override_gradients({"sign": straight}):
        y, pull_back = cr.vjp(f, cr.tensor(2.0))
    same(pull_back(cr.tensor(1.0)), (3.0,))
    y, pull_back = cr.vjp(f, cr.tensor(2.0))
    with cr.override_gradients({"sign": straight}):
        same(pull_back(cr.tensor(1.0)), (0.0,))
    same(y, 3.0)


def test_in_a_session_it_is_decided_when_the_graph_is_built(same):
    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float64", ())
        with cr.override_gradients({"sign": straight}):
            y = cr.cond(x > 0.0, stepped, stepped, x)
        (g,) = cr.gradients(y, x)
    session = cr.Session(graph)
    same(session.run(g, {x: 2.0}), 3.0)
    with cr.override_gradients({"sign": hundredfold}):
        same(session.run(g, {x: -2.0}), 3.0)


def test_definitions_do_not_see_it(grad, wrap, same):
    """An override changes the derivative it names, and not the operations inside of other derivatives."""

    def sevenfold(g, _y, _a, _b):
        return g * 7.0

    with cr.override_gradients({"multiply": (sevenfold, sevenfold)}):
        same(grad(wrap(cr.square))(3.0), 6.0)
        same(cr.grad(cr.function(cr.grad(wrap(cr.square))))(3.0), 2.0)


def test_no_gradient(grad, wrap, same):
    with cr.override_gradients({"sin": NoGradient("kept flat")}):
        same(grad(wrap(lambda x: cr.sin(x) * x * 0.0 + x))(2.0), 1.0)


# At gradient time


@pytest.mark.parametrize(
    "selector",
    ["sign", cr.sign, "*sign", "part/*", lambda node: node.op.name == "sign"],
    ids=["name", "function", "glob", "scope", "predicate"],
)
def test_selectors_reach_inside(grad, wrap, selector, same):
    def f(x):
        with cr.name_scope("part"):
            y = cr.sign(x)
        return y * 3.0

    same(grad(wrap(f), overrides={selector: straight})(2.0), 3.0)


def test_one_of_several(grad, wrap, same):
    def f(x):
        with cr.name_scope("a"):
            y = cr.sign(x)
        with cr.name_scope("b"):
            z = cr.sign(x)
        return 10.0 * y + z

    same(grad(wrap(f), overrides={"a/*": straight})(2.0), 10.0)
    same(grad(wrap(f), overrides={"*b/sign": straight})(2.0), 1.0)
    same(grad(wrap(f), overrides={"sign": straight, "a/*": hundredfold})(2.0), 1001.0)


def test_gradient_time_goes_before_scope(grad, wrap, same):
    with cr.override_gradients({"sign": hundredfold}):
        same(grad(wrap(stepped), overrides={"sign": straight})(2.0), 3.0)


def test_what_selects_nothing_is_an_error(grad, wrap):
    with pytest.raises(
        cr.SelectorError, match=r"override 'signs' matches no node of this gradient; did you mean 'sign'\?"
    ):
        grad(wrap(stepped), overrides={"signs": straight})(2.0)
    with pytest.raises(cr.SelectorError, match=r"override 'other/\*' matches no node of this gradient"):
        grad(wrap(stepped), overrides={"other/*": straight})(2.0)


def test_what_it_passes_through_is_listed_with_what_is_inside():
    f = cr.function(lambda x: cr.fori_loop(0, 2, lambda i, v: cr.sign(v) * 2.0, x))
    with pytest.raises(cr.SelectorError, match=r"it passes through: .*multiply, .*scan, sign"):
        cr.grad(f, overrides={"cosh": straight})(2.0)


def test_one_that_selects_in_one_branch_alone(grad, same):
    def f(x):
        return cr.cond(x > 0.0, cr.sign, lambda x: x * 5.0, x)

    if grad is cr.grad:  # what does not run is not there to be selected
        with pytest.raises(cr.SelectorError):
            grad(f, overrides={"sign": straight})(-2.0)
    else:
        same(grad(f, overrides={"sign": straight})(-2.0), 5.0)
    same(grad(f, overrides={"sign": straight})(2.0), 1.0)


def test_with_the_same_function_again_without_it(same):
    f = cr.function(stepped)
    x = cr.tensor(2.0)
    for _ in range(2):
        same(cr.grad(f, overrides={"sign": straight})(x), 3.0)
        same(cr.grad(f, overrides={"sign": hundredfold})(x), 300.0)
        same(cr.grad(f)(x), 0.0)
    assert f.traces == 1


def test_registered_by_name(grad, wrap, same):
    cr.register_gradient("test_traced_overrides", hundredfold)
    same(grad(wrap(stepped), overrides={"sign": "test_traced_overrides"})(2.0), 300.0)


def test_tapes_inside_and_outside(same):
    w = cr.Variable(2.0)
    f = cr.function(lambda: cr.sign(w) * 3.0)
    with cr.GradientTape() as tape:
        y = f()
    same(tape.gradient(y, w, overrides={"sign": straight}), 3.0)

    @cr.function
    def g():
        with cr.GradientTape() as tape:
            y = f()
        return tape.gradient(y, w, overrides={"sign": straight})

    same(g(), 3.0)


def test_second_derivatives_through_an_override(same):
    def squared(g, _y, x):
        return g * x * x

    for f in (stepped, cr.function(stepped), lambda x: cr.fori_loop(0, 1, lambda i, v: stepped(v), x)):
        slope = cr.grad(f, overrides={"sign": squared})
        same([slope(2.0), cr.grad(slope)(2.0)], [12.0, 12.0])
        compiled = cr.function(slope)
        same([compiled(2.0), cr.grad(compiled)(2.0)], [12.0, 12.0])


# A definition that an override reads more of than the node keeps


def test_what_a_trace_keeps_is_enough_for_any_override(same):
    f = cr.function(lambda x: cr.exp(x))
    same(cr.grad(f, overrides={"exp": lambda g, y, x: g * x + 0.0 * y})(3.0), 3.0)


def test_an_override_with_a_wrong_result_is_named(grad, wrap):
    def wrong(g, _y, _x):
        return cr.stack((g, g))

    with pytest.raises(cr.GradientDefinitionError, match=r"gradient of op 'sign'.*wrong.*expected \(\), got \(2,\)"):
        grad(wrap(stepped), overrides={"sign": wrong})(2.0)
