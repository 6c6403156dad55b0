"""Building graphs: what is made with which name, shape and place, and what is refused."""

from __future__ import annotations

import threading

import pytest

import chainrule as cr

pytestmark = pytest.mark.usefixtures("backend")


@pytest.fixture
def graph(backend):
    """A graph that is being built."""
    with cr.Graph().as_default() as graph:
        yield graph
    assert cr.get_default_graph() is None


def run(graph, fetches, feeds=None):
    with cr.Session(graph) as session:
        session.run(cr.global_variables_initializer())
        return session.run(fetches, feeds)


# Placeholders and constants


def test_placeholders(graph):
    x = cr.placeholder("float32", (None, 784), name="images")
    assert repr(x) == "Tensor('images:0', shape=(None, 784), float32)"
    assert (x.name, x.dtype, x.shape, x.ndim) == ("images:0", "float32", (None, 784), 2)
    assert cr.placeholder("int64").shape is None
    assert cr.placeholder("int64").name == "placeholder_1:0"
    assert cr.placeholder("float64", []).shape == ()


@pytest.mark.parametrize("shape", [3, (2, -1), (2.5,), (True,), ("a",), "ab", object()])
def test_shapes_that_are_none(graph, shape):
    with pytest.raises(
        cr.ShapeError, match="placeholder: a shape is a sequence of lengths, None where one is open, got"
    ):
        cr.placeholder("float64", shape)
    assert len(graph) == 0


@pytest.mark.parametrize(
    "make",
    [lambda n: cr.placeholder("float64", (), n), lambda n: cr.constant(1.0, name=n)],
    ids=["placeholder", "constant"],
)
@pytest.mark.parametrize("name", [3, "", "x:0", ["x"]])
def test_names_that_are_none(graph, make, name):
    with pytest.raises(cr.ArgumentError, match="a name is a non-empty string without a colon, got"):
        make(name)
    with pytest.raises(cr.ArgumentError, match="group: a name is a non-empty string without a colon, got"):
        cr.group(name=name)
    assert len(graph) == 0


def test_dtypes_that_are_none(graph):
    with pytest.raises(cr.DTypeError, match="unknown dtype 'float65'"):
        cr.placeholder("float65")


def test_constants(graph, same):
    filled = cr.constant(7.0, shape=(2,), name="seven")
    shaped = cr.constant([1, 2, 3, 4], dtype="float64", shape=(2, 2))
    assert filled.name == "seven:0"
    assert shaped.shape == (2, 2)
    same(run(graph, [filled, shaped]), [[7.0, 7.0], [[1.0, 2.0], [3.0, 4.0]]])
    with pytest.raises(cr.ShapeError, match="reshape"):
        cr.constant([1.0, 2.0, 3.0], shape=(2, 2))


def test_concrete_tensors_become_constants_once(graph, same):
    table = cr.tensor([1.0, 2.0])
    x = cr.placeholder("float64", (2,))
    y = x * table + table
    assert [node.op.name for node in graph] == ["placeholder", "constant", "multiply", "add"]
    same(run(graph, y, {x: [10.0, 10.0]}), [11.0, 22.0])


def test_what_is_concrete_is_computed_at_once(graph):
    y = cr.tensor(2.0) * 3.0
    assert y.item() == 6.0
    assert len(graph) == 0


def test_no_graph_is_being_built(backend, same):
    for make in (
        lambda: cr.placeholder("float64"),
        cr.global_variables_initializer,
        cr.global_variables,
        cr.trainable_variables,
        lambda: cr.variables_initializer([]),
    ):
        with pytest.raises(cr.GraphError, match=r"while no graph is being built; call it inside `with cr\.Graph"):
            make()
    same(cr.constant([1.0, 2.0]), [1.0, 2.0])
    assert cr.group() is None
    with cr.control_dependencies([cr.tensor(1.0)]):
        same(cr.constant(2.0), 2.0)


def test_placeholders_have_no_place_in_functions(backend):
    @cr.function
    def f(x):
        return x + cr.placeholder("float64", ())

    with pytest.raises(cr.GraphError, match="placeholder while a compiled function or control flow is being built"):
        f(1.0)


# Names


def test_names_are_unique(graph):
    x = cr.placeholder("float64", (), name="x")
    assert [cr.placeholder("float64", (), name="x").name for _ in range(2)] == ["x_1:0", "x_2:0"]
    assert (x * x).name == "multiply:0"
    assert (x * x).name == "multiply_1:0"
    assert cr.placeholder("float64", (), name="multiply_2").name == "multiply_2:0"
    assert (x * x).name == "multiply_3:0"
    names = [node.name for node in graph]
    assert len(set(names)) == len(names)


def test_name_scopes(graph):
    with cr.name_scope("layer"), cr.name_scope("inner"):
        x = cr.constant(1.0, name="x")
        w = cr.Variable(1.0, name="w")
        assert w.read().name == "layer/inner/w/read:0"
        assert w.assign(2.0).name == "layer/inner/w/assign:0"
        assert w.initializer.name == "layer/inner/w/initializer"
    assert x.name == "layer/inner/x:0"
    with cr.name_scope("layer"):
        assert cr.constant(1.0, name="inner/x").name == "layer/inner/x_1:0"


def test_variables_of_one_name(graph):
    a, b = cr.Variable(1.0, name="w"), cr.Variable(2.0, name="w")
    assert (a.name, b.name) == ("w", "w_1")
    assert cr.global_variables() == [a, b]


def test_looking_up(graph):
    x = cr.placeholder("float64", (), name="x")
    assert graph.get_tensor("x") is x
    assert graph.get_tensor("x:0") is x
    assert graph.node("x").tensors == (x,)
    assert repr(graph.node("x")) == "<GraphNode 'x': placeholder -> float64[]>"
    node = cr.group(x, name="all")
    assert repr(node) == "<GraphNode 'all': group -> nothing>"
    with pytest.raises(cr.GraphError, match="'all': node 'all' has no results"):
        graph.get_tensor("all")
    with pytest.raises(cr.GraphError, match="'x:1': node 'x' has 1 result, x:0 the first"):
        graph.get_tensor("x:1")
    with pytest.raises(cr.GraphError, match="no node of the graph is called 'y'"):
        graph.node("y")


def test_walking(graph, here):
    x = cr.placeholder("float64", ())
    made = here(1)
    y = x * 2.0
    assert repr(graph) == "<Graph of 2 nodes>"
    assert [node.op.name for node in graph] == ["placeholder", "multiply"]
    assert len(graph) == 2
    node = graph.nodes[-1]
    assert node.inputs == (x.value, 2.0)
    assert node.outputs == (y.value,)
    assert made in str(node.site)
    for _ in graph:  # what is added while walking is not walked
        x * 3.0
    assert len(graph) == 4


def test_threads_build_in_one_graph(graph, backend):
    x = cr.placeholder("float64", ())

    def build():
        with graph.as_default():
            for _ in range(200):
                cr.sin(x)

    threads = [threading.Thread(target=build) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = [node.name for node in graph]
    assert len(names) == len(set(names)) == 801


# Scopes


def test_graphs_nest(graph):
    with cr.Graph().as_default() as inner:
        assert cr.get_default_graph() is inner
        cr.constant(1.0)
    assert cr.get_default_graph() is graph
    assert (len(inner), len(graph)) == (1, 0)


def test_the_scope_is_left_whatever_is_raised(backend):
    with pytest.raises(ZeroDivisionError), cr.Graph().as_default():
        _ = 1 / 0
    assert cr.get_default_graph() is None


def test_init_scope(graph, same):
    x = cr.placeholder("float64", ())
    with cr.init_scope():
        assert cr.get_default_graph() is None
        w = cr.Variable(2.0)
        w.assign(3.0)
        with pytest.raises(cr.GraphError, match="a symbolic tensor was used where no graph is being built"):
            x * 2.0
    assert w.graph is None
    same(run(graph, x * w, {x: 5.0}), 15.0)


# Values that are not there


@pytest.mark.parametrize(
    "ask",
    [float, int, bool, lambda x: x.item(), lambda x: x.numpy(), lambda x: x.tolist(), lambda x: [0][x]],
    ids=["float", "int", "bool", "item", "numpy", "tolist", "index"],
)
def test_asking_for_a_value(graph, here, ask):
    line = here(1)
    x = cr.placeholder("float64", (), name="x")
    with pytest.raises(cr.SymbolicValueError, match=r"of symbolic tensor 'x:0' \(float64\[\]\)") as caught:
        ask(x)
    assert f"made at {line}" in str(caught.value)


def test_sizes_that_are_not_known(graph, same):
    x = cr.placeholder("float64", (None, 3))
    n = x.shape[0]
    assert cr.reshape(x, (n * 3,)).shape == (None,)
    with pytest.raises(cr.UnknownSizeError, match="it is known when the program runs"):
        range(n)
    with pytest.raises(cr.UnknownSizeError):
        _ = n > 2
    same(run(graph, cr.sum(x) / n, {x: [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]}), 10.5)
    with pytest.raises(cr.SymbolicValueError, match="The number of axes"):
        _ = cr.placeholder("float64").ndim


def test_shapes_that_can_never_fit_are_refused_at_once(graph, here):
    x, y = cr.placeholder("float64", (None, 2)), cr.placeholder("float64", (3,))
    n = len(graph)
    with pytest.raises(cr.ShapeError, match="add"):
        x + y
    assert len(graph) == n


def test_a_tracked_tensor_is_no_constant(graph):
    x = cr.placeholder("float64", ())
    with cr.GradientTape() as tape:
        w = tape.watch(cr.tensor(2.0))
        with pytest.raises(
            cr.TrackedValueError, match=r"is being differentiated was used while a graph is being built"
        ):
            x * w


# Variables


def test_variables_in_graphs(graph, same):
    w = cr.Variable([1.0, 2.0], name="w")
    frozen = cr.Variable(1, trainable=False)
    assert cr.trainable_variables() == [w]
    assert cr.global_variables() == [w, frozen] == graph.variables
    assert repr(w) == "<Variable 'w' shape=(2,), float64, of a graph>"
    with pytest.raises(cr.DTypeError, match="has no gradients"):
        cr.Variable(1)
    value = w.assign([3.0, 4.0])
    assert value.name == "w/assign:0"
    with pytest.raises(cr.ShapeError, match=r"variable 'w' has shape \(2,\), cannot take a value of shape \(3,\)"):
        w.assign([1.0, 2.0, 3.0])
    with pytest.raises(cr.DTypeError, match=r"variable 'w' is float64, got complex128"):
        w.assign(cr.tensor([1j, 2j]))
    same(run(graph, [w, value]), [[3.0, 4.0], [3.0, 4.0]])


def test_variables_of_graphs_have_no_value_outside(backend):
    with cr.Graph().as_default():
        w = cr.Variable(1.0, name="w")
    for use in (w.read, lambda: w * 2.0, lambda: w.assign(2.0), lambda: float(w)):
        with pytest.raises(cr.GraphError, match="variable 'w' was made in a graph: it has a value in each session"):
            use()
