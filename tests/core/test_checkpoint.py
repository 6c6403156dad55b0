"""Checkpoints: the same values and gradients, with nothing kept in between."""

from __future__ import annotations

import math
import weakref

import pytest

import chainrule as cr
from chainrule._passes import lowered

pytestmark = pytest.mark.usefixtures("backend")


def inner(x):
    return cr.sin(cr.exp(x))


def derivatives(x):
    """Of sin(exp(x)), by hand."""
    e = math.exp(x)
    s, c = math.sin(e), math.cos(e)
    return [e * c, e * c - e * e * s, e * c - 3 * e * e * s - e**3 * c]


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize(
    "way",
    [
        lambda f: cr.grad(f),
        lambda f: cr.grad(cr.function(f)),
        lambda f: cr.function(cr.grad(f)),
    ],
    ids=["eager", "outside", "inside"],
)
def test_derivatives(way, n, same):
    f = cr.checkpoint(inner)
    for _ in range(n):
        f = way(f)
    same(f(0.3), derivatives(0.3)[n - 1])


def test_of_a_compiled_function(same):
    same(cr.grad(cr.grad(cr.checkpoint(cr.function(inner))))(0.3), derivatives(0.3)[1])


def test_in_a_graph(same):
    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float64", (None,))
        y = cr.checkpoint(inner)(x)
        (g,) = cr.gradients(y, x)
        (h,) = cr.gradients(g, x)
    values = cr.Session(graph).run([y, g, h], {x: [0.3, 0.5]})
    same(
        values,
        [[math.sin(math.exp(v)) for v in (0.3, 0.5)], *([derivatives(v)[i] for v in (0.3, 0.5)] for i in (0, 1))],
    )


def test_forward_mode(same):
    same(cr.jvp(cr.checkpoint(inner), [0.3], [2.0]), (math.sin(math.exp(0.3)), 2 * derivatives(0.3)[0]))


def test_without_a_gradient_it_is_the_function(same):
    ran = []
    f = cr.checkpoint(lambda x: ran.append(1) or x * 2.0)
    same(f(3.0), 6.0)
    with cr.no_grad():
        f(cr.tensor(3.0))
    assert ran == [1, 1]


def test_any_arguments_and_results(same):
    @cr.checkpoint
    def f(tree, n, *, how="sum", scale):
        return {"y": getattr(cr, how)(tree["a"] * n) * scale, "index": cr.argmax(tree["b"][0])}

    def loss(tree, scale):
        found = f(tree, 3, scale=scale)
        assert found["index"].dtype == "int64"
        return found["y"]

    tree = {"a": cr.tensor([1.0, 2.0]), "b": (cr.tensor([0.0, 5.0]),)}
    for way in (cr.grad, lambda f, i: cr.function(cr.grad(f, i))):
        g, h = way(loss, (0, 1))(tree, cr.tensor(10.0))
        same(g, {"a": [30.0, 30.0], "b": ([0.0, 0.0],)})
        same(h, 9.0)


def test_no_results(same):
    f = cr.checkpoint(lambda x: None)
    assert f(3.0) is None
    same(cr.grad(lambda x: (f(x), x * 2.0)[1])(3.0), 2.0)
    same(cr.function(lambda x: (f(x), x * 2.0)[1])(3.0), 6.0)


# What is used from outside


def test_gradients_reach_what_it_uses(same):
    def loss(x):
        return cr.checkpoint(lambda a: a * x * x)(2.0) + cr.checkpoint(lambda: x * x)()

    same(cr.grad(loss)(3.0), 18.0)
    same(cr.grad(cr.function(loss))(3.0), 18.0)
    same(cr.grad(cr.grad(loss))(3.0), 6.0)


@pytest.mark.parametrize("compile", [False, True])
def test_gradients_reach_variables(compile, same):
    w = cr.Variable(2.0)
    f = cr.checkpoint(lambda x: w * w * x)
    f = cr.function(f) if compile else f
    with cr.GradientTape() as outer:
        with cr.GradientTape() as tape:
            y = f(3.0)
        g = tape.gradient(y, w)
    same((y, g, outer.gradient(g, w)), (12.0, 12.0, 6.0))


def test_a_variable_assigned_in_between_is_an_error():
    w = cr.Variable(2.0)

    def layer(x):
        return w * x

    with cr.GradientTape() as tape:
        y = cr.checkpoint(layer)(3.0)
        w.assign(5.0)
    with pytest.raises(
        cr.GradientDefinitionError, match=r"checkpoint of .*layer: run again for its gradient it used other"
    ):
        tape.gradient(y, w)


def test_another_path_the_second_time_is_an_error():
    w, v = cr.Variable(2.0), cr.Variable(2.0)
    runs = []

    def layer(x):
        runs.append(1)
        return x * (w if len(runs) == 1 else v)

    with cr.GradientTape() as tape:
        y = cr.checkpoint(layer)(3.0)
    with pytest.raises(cr.GradientDefinitionError, match="let the function depend on nothing else that changes"):
        tape.gradient(y, [w, v])


def test_in_a_trace_variables_have_the_values_of_the_call(same):
    w = cr.Variable(2.0)

    @cr.function
    def f(x):
        with cr.GradientTape() as tape:
            y = cr.checkpoint(lambda x: w * x * x)(x)
            w.assign(50.0)
        return tape.gradient(y, w)

    same(f(3.0), 9.0)
    same(w, 50.0)


def test_variables_assigned_in_a_compiled_checkpoint(same):
    w = cr.Variable(2.0)

    def update(x):
        w.assign(w * x)
        return w * x

    same(cr.grad(cr.function(cr.checkpoint(update)))(3.0), 2.0 * 2 * 3.0)
    same(w, 6.0)


def test_what_it_assigns_is_put_back_while_it_runs_again(same):
    """Eagerly, with one checkpoint in another and a compiled function that assigns too."""
    count = cr.Variable(1.0, trainable=False)
    counted = cr.function(lambda: count.assign(count * 2.0))

    def layer(x):
        count.assign_add(1.0)
        return x * x * count * counted()

    nested = cr.checkpoint(lambda x: cr.checkpoint(layer)(cr.checkpoint(layer)(x)))
    same(cr.grad(nested)(3.0), 4 * 27.0 * (2.0 * 4.0) ** 2 * (5.0 * 10.0))
    same(count, 10.0)


# Scopes in force at the call are in force when it runs again


def straight(g, _y, _x):
    return g


@pytest.mark.parametrize("compile", [False, True])
def test_overrides(compile, same):
    f = cr.checkpoint(lambda x: cr.sign(x) * 2.0)
    f = cr.function(f) if compile else f
    with cr.override_gradients({"sign": straight}):
        _, pull_back = cr.vjp(f, cr.tensor(3.0))
    same(pull_back(cr.tensor(1.0)), (2.0,))
    with cr.override_gradients({"sign": straight}):
        same(cr.grad(f)(3.0), 2.0)
    same(cr.grad(f)(3.0), 0.0)


def test_overrides_at_gradient_time_in_traces(same):
    f = cr.function(cr.checkpoint(lambda x: cr.sign(x) * 2.0))
    same(cr.grad(f, overrides={"sign": straight})(3.0), 2.0)


def test_names(same):
    with cr.name_scope("layer1"):
        _, pull_back = cr.vjp(cr.checkpoint(inner), cr.tensor(0.3))
    same(pull_back(cr.tensor(1.0)), (derivatives(0.3)[0],))


# Loops


def chain(x):
    for _ in range(3):
        x = inner(x)
    return x


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("compile", [False, True])
def test_inside_of_loops_and_around_them(compile, n, same):
    def steps(f):
        return lambda x: cr.scan(lambda c, _: (f(c), None), x, length=3)[0]

    expected = chain
    for _ in range(n):
        expected = cr.grad(expected)
    for f in (steps(cr.checkpoint(inner)), cr.checkpoint(steps(inner)), cr.checkpoint(steps(cr.checkpoint(inner)))):
        f = cr.function(f) if compile else f
        for _ in range(n):
            f = cr.grad(f)
        same(f(0.1), expected(0.1))


def test_the_derivative_of_the_chain_is_that_of_finite_differences(same, slope):
    same(cr.grad(cr.checkpoint(chain))(0.1), slope(lambda x: chain(cr.tensor(x)), 0.1), 1e-8)


# Memory


def kept(wrap):
    """How many nodes are kept for the gradient, of a layer that is wrapped in something."""
    alive = []

    def layer(x):
        for _ in range(5):
            x = cr.sin(x)
            if x.node is not None:
                alive.append(weakref.ref(x.node))
        return x

    _, pull_back = cr.vjp(wrap(layer), cr.tensor([1.0, 2.0]))
    assert pull_back is not None
    return sum(ref() is not None for ref in alive)


def test_nothing_in_between_is_kept():
    assert kept(lambda f: f) >= 4
    assert kept(cr.checkpoint) == 0


def test_a_compiled_checkpoint_keeps_its_arguments_alone():
    def residuals(f):
        compiled = cr.function(f)
        x = cr.tensor([1.0, 2.0])
        cr.vjp(compiled, x)
        ((_, _, n_kept),) = compiled._trace_of((x,), {}).compiled._splits.values()
        return n_kept

    assert residuals(chain) >= 6
    assert residuals(cr.checkpoint(chain)) == 1


def powers(x, w):
    return cr.sum(cr.sin(cr.exp(x @ w)) * w)


SAVE = {
    "nothing": "nothing",
    "everything": "everything",
    "dots": "dots",
    "operations": ["exp", cr.matmul],
    "predicate": lambda node: node.op.name == "sin",
}


@pytest.mark.parametrize("save", SAVE.values(), ids=SAVE)
def test_what_is_kept_changes_no_derivative(save, same):
    f = cr.checkpoint(powers, save=save)
    x, w = cr.tensor([0.5, -1.0]), cr.tensor([[0.1, 0.2], [0.3, 0.4]])

    def slope(f):
        return lambda x: cr.sum(cr.grad(f)(x, w) ** 2)

    first, second = cr.grad(powers, 1)(x, w), cr.grad(slope(powers))(x)
    for way in (lambda f: f, cr.function):
        same(way(cr.grad(f, 1))(x, w), first)
        same(way(cr.grad(slope(f)))(x), second)
    same(cr.grad(cr.function(f), 1)(x, w), first)
    same(cr.jvp(f, [x, w], [x, w])[1], cr.jvp(powers, [x, w], [x, w])[1])
    rows = cr.stack([x, 2.0 * x])
    same(cr.vmap(cr.grad(f), in_axes=(0, None))(rows, w), [cr.grad(powers)(x, w), cr.grad(powers)(2.0 * x, w)])


def counted(program, name):
    """How often an operation is in a program, in those inside of it too."""
    inner = [p for i in program.instructions for value in i.attributes.values() for p in getattr(value, "programs", ())]
    return sum(i.op.name == name for i in program.instructions) + sum(counted(p, name) for p in inner)


@pytest.mark.parametrize(("save", "products", "exponentials"), [("nothing", 2, 2), ("dots", 1, 2), (["exp"], 1, 1)])
def test_what_is_kept_is_not_computed_again(save, products, exponentials, backend):
    f = cr.function(cr.value_and_grad(cr.checkpoint(lambda x, w: cr.sum(cr.sin(cr.exp(x @ w))), save=save)))
    program = lowered(f.trace(cr.ones((2, 2)), cr.ones((2, 2))), backend)
    assert counted(program, "matmul") == products + 1  # one is the gradient's own
    assert counted(program, "exp") == exponentials


def test_what_can_not_be_kept():
    with pytest.raises(cr.ArgumentError, match="checkpoint: save= is 'nothing', 'everything', 'dots'"):
        cr.checkpoint(powers, save="some")
    with pytest.raises(cr.SelectorError, match="matmull"):
        cr.checkpoint(powers, save=["matmull"])
    v = cr.Variable(1.0)
    with pytest.raises(cr.ArgumentError, match="the function assigns variable"):
        cr.grad(cr.checkpoint(lambda x: (v.assign(x), x * x)[1], save="dots"))(2.0)
