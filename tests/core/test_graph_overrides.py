"""Gradient overrides in graphs: by scope and at gradient time, and `Graph.gradient_override_map`, edge by edge."""

from __future__ import annotations

import threading

import pytest

import chainrule as cr

pytestmark = pytest.mark.usefixtures("backend")


@pytest.fixture(scope="module", autouse=True)
def _registered() -> None:
    for name, factor in (("GraphTimes100", 100.0), ("GraphTimes7", 7.0)):
        cr.register_gradient(name, lambda g, _y, _x, factor=factor: factor * g, replace=True)


@pytest.fixture
def session(backend):
    """A session of a graph that is being built."""
    with cr.Graph().as_default() as graph, cr.Session(graph) as session:
        yield session


@pytest.fixture
def graph(session):
    return session.graph


@pytest.fixture
def slope(session):
    """The derivative of a function of one number at 3, in the graph."""

    def slope(f):
        x = cr.constant(3.0)
        (g,) = cr.gradients(f(x), x)
        return float(session.run(g).tolist())

    return slope


# By TensorFlow's method


@pytest.mark.parametrize("key", ["Square", "square", cr.square], ids=["TensorFlow's name", "ours", "the function"])
@pytest.mark.parametrize("gradient", ["GraphTimes100", lambda g, _y, _x: 100.0 * g], ids=["registered", "function"])
def test_nodes_made_in_the_block_and_no_others(graph, slope, key, gradient):
    def f(x):
        with graph.gradient_override_map({key: gradient}):
            inside = cr.square(x)
        return inside + 10.0 * cr.square(x)

    assert slope(f) == 100.0 + 60.0


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("MatMul", lambda x: x @ x),
        ("Mul", lambda x: x * x),
        ("AddV2", lambda x: x + x),
        ("Sub", lambda x: x - x),
        ("RealDiv", lambda x: x / x),
        ("Neg", lambda x: -x),
        ("Log1p", cr.log1p),
        ("StopGradient", cr.stop_gradient),
        ("ArgMax", cr.argmax),
        ("Transpose", lambda x: cr.permute_dims(x, (1, 0))),
        ("SelectV2", lambda x: cr.where(x > 1.0, x, -x)),
        ("LogSoftmax", cr.log_softmax),
        ("Cast", lambda x: cr.astype(x, "float32")),
    ],
)
def test_names_of_tensorflow(graph, name, call):
    x = cr.constant([[1.0, 2.0], [3.0, 4.0]])
    with graph.gradient_override_map({name: cr.NoGradient("not here")}):
        call(x)
    assert graph.nodes[-1].definition.reason == "not here"


def test_nested_maps_override_and_are_restored(graph, slope):
    def f(x):
        with graph.gradient_override_map({"Square": "GraphTimes100"}):
            first = cr.square(x)
            with graph.gradient_override_map({"Square": "GraphTimes7", "Sin": "GraphTimes7"}):
                second = cr.square(x)
            with pytest.raises(ZeroDivisionError), graph.gradient_override_map({"Square": "GraphTimes7"}):
                _ = 1 / 0
            third = cr.square(x)
        return first + second + third

    assert slope(f) == 207.0


def test_all_or_nothing(graph, slope):
    for bad in ({"Square": "GraphTimes100", "Sgn": "GraphTimes7"}, {"Square": "GraphTimes100", "Sign": "GraphTimes8"}):
        with pytest.raises(cr.SelectorError), graph.gradient_override_map(bad):
            pass
    assert slope(cr.square) == 6.0


@pytest.mark.parametrize(
    ("op_type_map", "error", "message"),
    [
        ({"Sqare": "GraphTimes7"}, cr.SelectorError, "no op is called 'Sqare'; did you mean 'square'"),
        ({"NoSuchThingAnywhere": "GraphTimes7"}, cr.SelectorError, "no op is called 'NoSuchThingAnywhere'"),
        (
            {"Square": "GraphTimes8"},
            cr.SelectorError,
            "no gradient is registered as 'GraphTimes8'; did you mean 'GraphTimes",
        ),
        ({"Square": lambda g: g}, cr.GradientDefinitionError, "gradient of op 'square'"),
        (
            {"Square": 3},
            cr.GradientDefinitionError,
            "expected a definition, a registered gradient's name or NoGradient, got 3",
        ),
        ({3: "GraphTimes7"}, cr.SelectorError, "keys are operations or their names, got 3"),
        ([("Square", "GraphTimes7")], cr.DTypeError, "gradient_override_map: expected a mapping"),
        ("Square", cr.DTypeError, "gradient_override_map: expected a mapping"),
    ],
)
def test_bad_maps(graph, op_type_map, error, message):
    with pytest.raises(error, match=message), graph.gradient_override_map(op_type_map):
        pass


def test_a_graph_that_is_not_being_built(backend, session):
    for graph in (cr.Graph(), session.graph):
        scope = cr.init_scope() if graph is session.graph else cr.name_scope("x")
        with (
            scope,
            pytest.raises(cr.GraphError, match=r"this graph is not being built here.*`with graph\.as_default\(\):`"),
            graph.gradient_override_map({"Square": "GraphTimes7"}),
        ):
            pass


def test_it_does_not_leak_to_another_thread(graph, session, same):
    x = cr.constant(3.0)
    made = []

    def build():
        with graph.as_default(), cr.use_backend(session.backend.name):
            made.append(cr.square(x))

    with graph.gradient_override_map({"Square": "GraphTimes100"}):
        thread = threading.Thread(target=build)
        thread.start()
        thread.join()
    same(session.run(cr.gradients(made[0], x)), [6.0])


def test_gradients_taken_in_the_block_use_no_override(graph, session, same):
    # TensorFlow creates gradient nodes with the override too, which changes second derivatives.
    x = cr.constant(3.0)
    with graph.gradient_override_map({"Mul": lambda g, _y, _a, _b: (1000.0 * g, 1000.0 * g)}):
        y = cr.square(x)
        (g,) = cr.gradients(y * y, x)
    same(session.run(g), 1000.0 * 2 * 6.0)
    with graph.gradient_override_map({"Mul": lambda g, _y, _a, _b: (1000.0 * g, 1000.0 * g)}):
        (first,) = cr.gradients(cr.square(x), x)
        (second,) = cr.gradients(first, x)
    same(session.run([first, second]), [6.0, 2.0])


def test_it_reaches_functions_and_control_flow(graph, slope):
    @cr.function
    def compiled(x):
        return cr.square(x)

    def within(f):
        def g(x):
            with graph.gradient_override_map({"Square": "GraphTimes100"}):
                return f(x)

        return g

    def branch(x):
        return cr.cond(x > 0.0, cr.square, lambda t: t, x)

    def loop(x):
        return cr.fori_loop(0, 1, lambda _i, t: cr.square(t), x)

    for f in (compiled, branch, loop):
        assert slope(within(f)) == 100.0
        assert slope(f) == 6.0


def test_second_order_differentiates_the_override(graph, session, same):
    x = cr.constant(3.0)
    with graph.gradient_override_map({"Square": lambda g, _y, x: g * x * x * x}):
        y = cr.square(x)
    (first,) = cr.gradients(y, x)
    same(session.run([first, cr.gradients(first, x)]), [27.0, [27.0]])


def test_an_override_stays_with_its_node(graph, session, same):
    x = cr.constant(3.0)
    with graph.gradient_override_map({"Square": "GraphTimes100"}):
        y = cr.square(x)
    assert y._value.node.definition.name == "GraphTimes100"
    with cr.override_gradients({"square": "GraphTimes7"}):
        same(session.run(cr.gradients(y, x)), [100.0])
    steps = cr.explain_gradients(y, x).steps
    assert [step.op for step in steps] == ["square"]
    assert "GraphTimes100" in str(cr.explain_gradients(y, x))


# At gradient time


def test_nodes_of_a_graph_that_exists(session, same):
    x = cr.constant(3.0)
    with cr.name_scope("layer"):
        a = cr.square(x)
    b = cr.square(x)
    y = a + b

    def slope(overrides):
        return session.run(cr.gradients(y, x, overrides=overrides))

    same(slope(None), [12.0])
    same(slope({"square": "GraphTimes100"}), [200.0])
    same(slope({cr.square: "GraphTimes100"}), [200.0])
    same(slope({"layer/*": "GraphTimes100"}), [106.0])
    same(slope({b: "GraphTimes7"}), [13.0])
    same(slope({"square": "GraphTimes100", a: "GraphTimes7"}), [107.0])
    same(slope({lambda node: node.name.startswith("layer/"): "GraphTimes7"}), [13.0])
    same(slope(None), [12.0])


def test_overrides_that_match_nothing(session, graph):
    x = cr.constant(3.0)
    y = cr.square(x)
    with pytest.raises(
        cr.SelectorError, match="override 'sqare' matches no node of this gradient; did you mean 'square'"
    ):
        cr.gradients(y, x, overrides={"sqare": "GraphTimes7"})
    with pytest.raises(cr.SelectorError, match=r"override 'head/\*' matches no node"):
        cr.gradients(y, x, overrides={"head/*": "GraphTimes7"})
    with pytest.raises(cr.SelectorError, match="no gradient is registered as 'GraphTimes9'"):
        cr.gradients(y, x, overrides={"square": "GraphTimes9"})


def test_they_reach_into_functions_and_control_flow(session, same):
    @cr.function
    def compiled(x):
        return cr.square(x)

    x = cr.constant(3.0)
    branch = cr.cond(x > 0.0, cr.square, lambda t: cr.square(t) * 2.0, x)
    for y in (compiled(x), branch):
        same(session.run(cr.gradients(y, x, overrides={"square": "GraphTimes100"})), [100.0])
        same(session.run(cr.gradients(y, x)), [6.0])


# Rules and their registration


def test_a_registration_reaches_graphs_that_exist_by_name(session, same):
    @cr.op(lambda x: x, lambda g, _y, _x: g, name="graph_registered_later")
    def later(xp, x, /):
        return x * 1.0

    x = cr.constant(3.0)
    y = later(x)
    cr.register_gradient("GraphRegisteredLater", lambda g, _y, _x: 5.0 * g, replace=True)
    same(session.run(cr.gradients(y, x, overrides={y: "GraphRegisteredLater"})), [5.0])


def test_the_surrogate_of_a_rounding(session, graph, same):
    x = cr.constant(2.3)
    with graph.gradient_override_map({"Round": cr.surrogate(lambda g, _y, _x, decimals: g)}):
        y = cr.round(x)
    same(session.run([y, cr.gradients(y * y, x)]), [2.0, [4.0]])
