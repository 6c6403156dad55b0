"""Gradients of one's own in graphs, compiled functions and control flow: the rule is traced with the function, once."""

from __future__ import annotations

import pytest

import chainrule as cr
from chainrule._passes import optimised

pytestmark = pytest.mark.usefixtures("backend")


@cr.custom_gradient
def tripled(x):
    """x² with a slope three times as large as it is."""
    return x * x, lambda g: g * 6.0 * x


def in_a_graph(f):
    """A function of numbers that differentiates in a graph: the value, and the first and second derivative."""

    def run(x):
        with cr.Graph().as_default() as graph:
            p = cr.placeholder("float64", ())
            y = f(p)
            (g,) = cr.gradients(y, p)
            (h,) = cr.gradients(g, p)
        return cr.Session(graph).run((y, g, h), {p: x})

    return run


def compiled(f):
    return lambda x: (cr.function(f)(x), cr.grad(cr.function(f))(x), cr.grad(cr.grad(cr.function(f)))(x))


def inside(f):
    return cr.function(lambda x: (f(x), cr.grad(f)(x), cr.grad(cr.grad(f))(x)))


@pytest.fixture(params=[in_a_graph, compiled, inside], ids=["graph", "function", "inside"])
def derivatives(request):
    return request.param


def test_value_and_derivatives(derivatives, same):
    same(derivatives(tripled)(2.0), (4.0, 12.0, 6.0))


def test_around_and_inside_of_others(derivatives, same):
    same(derivatives(lambda x: tripled(cr.sin(x) * 0.0 + x) * x)(2.0), (8.0, 24.0 + 4.0, 12.0 + 12.0 + 6.0 * 2 - 0.0))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda f: lambda x: cr.cond(x > 0.0, f, lambda x: x, x),
        lambda f: lambda x: cr.fori_loop(0, 1, lambda i, v: f(v), x),
        lambda f: lambda x: cr.while_loop(lambda v: v < 3.0, f, x),
        lambda f: lambda x: cr.map(f, x[None])[0],
        lambda f: cr.checkpoint(f),
        lambda f: cr.function(f),
    ],
    ids=["cond", "fori_loop", "while_loop", "map", "checkpoint", "function"],
)
def test_in_control_flow(derivatives, wrap, same):
    same(derivatives(wrap(tripled))(2.0), (4.0, 12.0, 6.0))


def test_it_is_traced_once(same):
    calls = []

    @cr.custom_gradient
    def noted(x):
        calls.append("function")

        def grad_fn(g):
            calls.append("gradient")
            return g * 5.0

        return x, grad_fn

    f = cr.function(noted)
    for _ in range(3):
        same(cr.grad(f)(2.0), 5.0)
    assert calls == ["function", "gradient"]


def test_several_arguments_and_results(same):
    @cr.custom_gradient
    def f(x, tree, n, scale=2.0):
        def grad_fn(g, h):
            return g * 10.0, {"a": h * 100.0, "b": None}, None, g * 0.0

        return (x * n, tree["a"] * scale), grad_fn

    def loss(x, a):
        y, z = f(x, {"a": a, "b": cr.tensor(1.0)}, 3)
        return y * z

    x, a = 2.0, 5.0  # 6 and 10
    for run in (cr.value_and_grad(loss, (0, 1)), cr.function(cr.value_and_grad(loss, (0, 1)))):
        same(run(cr.tensor(x), cr.tensor(a)), (60.0, (10.0 * 10.0, 6.0 * 100.0)))


def test_what_it_takes_from_outside_gets_the_gradient_of_the_body(derivatives, same):
    def f(x):
        @cr.custom_gradient
        def scaled(y):
            return y * x, lambda g: g * 100.0

        return scaled(3.0 * x)  # by x directly: 3x; through y: 300

    same(derivatives(f)(2.0), (12.0, 300.0 + 6.0, 3.0))


def test_variables_that_it_uses(same):
    w = cr.Variable(3.0)

    @cr.custom_gradient
    def f(x):
        return w * w * x, lambda g: g * 100.0

    @cr.function
    def gradients(x):
        with cr.GradientTape() as tape:
            x = tape.watch(x)
            y = f(x)
        return tape.gradient(y, [x, w])

    same(gradients(cr.tensor(2.0)), [100.0, 12.0])


def test_a_straight_through_estimator_in_a_loop(derivatives, same):
    @cr.custom_gradient
    def rounded(x):
        return cr.round(x), lambda g: g

    def f(x):
        return cr.scan(lambda v, _: (rounded(v) * 1.5, None), x, length=2)[0]

    same(derivatives(f)(2.2), (4.5, 2.25, 0.0))  # 2, 3.0; 3, 4.5


def test_overrides_and_stopped_gradients_inside_of_the_rule(same):
    @cr.custom_gradient
    def f(x):
        return cr.sin(x), lambda g: g * cr.stop_gradient(x) * x

    h = cr.function(f)
    same([cr.grad(h)(3.0), cr.grad(cr.grad(h))(3.0)], [9.0, 3.0])


def test_forward_mode(same):
    same(cr.jvp(cr.function(lambda x: tripled(x) * x), [2.0], [10.0]), (8.0, 10.0 * (24.0 + 4.0)))


def test_open_shapes(same):
    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float64", (None, None))
        y = cr.sum(tripled(x))
        (g,) = cr.gradients(y, x)
    session = cr.Session(graph)
    same(session.run([y, g], {x: [[1.0, 2.0]]}), [5.0, [[6.0, 12.0]]])
    same(session.run(g, {x: [[3.0], [4.0]]}), [[18.0], [24.0]])


def test_it_costs_nothing_where_no_gradient_is_asked_for():
    program = optimised(cr.function(lambda x: tripled(x) * 2.0).trace(cr.tensor(1.0)), cr.get_backend())
    assert [i.op.name for i in program.instructions] == ["multiply", "multiply"]


# Errors, while it is traced


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (lambda x: x, r"expected it to return \(result, grad_fn\), got Tensor"),
        (
            lambda x: (x, lambda g: cr.stack((g, g))),
            r"the cotangent of argument x is float64\[2\], expected float64\[\]",
        ),
        (lambda x: ((), lambda g: g), "the result holds no tensor"),
        (lambda x: (x, lambda g: 1 / 0), "its grad_fn raised ZeroDivisionError: division by zero"),
    ],
    ids=["no pair", "shape", "nothing", "raises"],
)
def test_a_rule_that_is_wrong(result, message):
    def wrong(x):
        return result(x)

    with pytest.raises(cr.GradientDefinitionError, match=f"custom gradient '.*wrong' at .*: {message}") as caught:
        cr.grad(cr.function(cr.custom_gradient(wrong)))(2.0)
    assert __file__ in str(caught.value)
