"""`gradients` in graphs: TensorFlow's own cases, by closed forms, and every edge of how it is called."""

from __future__ import annotations

import itertools

import pytest

import chainrule as cr

pytestmark = pytest.mark.usefixtures("backend")


@pytest.fixture
def session(backend):
    """A session of a graph that is being built, and nothing left behind."""
    with cr.Graph().as_default() as graph, cr.Session(graph) as session:
        yield session
    assert cr.get_default_graph() is None
    assert cr.get_default_session() is None


@pytest.fixture
def graph(session):
    return session.graph


def unary(gradient, name="own"):
    """An operation that gives its input again, with a gradient of one's own."""

    @cr.op(lambda x: x, gradient, name=name)
    def own(xp, x, /):
        return x * 1.0

    return own


def names(graph, start=0):
    return [node.name for node in graph.nodes[start:]]


# Where the walk goes


def test_boundary_stops_at_an_x(session, same):
    x = cr.constant(1.0)
    y = cr.prevent_gradient(x * 3.0, "nobody asked") + 0.0
    z = y + 1.0
    same(session.run(cr.gradients(z, y)), [1.0])


def test_boundary_continues_past_an_x_towards_another(session, same):
    x = cr.constant(1.0)
    y = x * 2.0
    z = y * 3.0
    same(session.run(cr.gradients(z, [x, y])), [6.0, 3.0])


def test_dependent_ys(session, same):
    # y = x^2, y1 = y^2, y2 = y1^2 = x^8: y' + y2' = 2 x + 8 x^7 at 3 is 6 + 17496.
    x = cr.constant(3.0)
    y = x * x
    y1 = cr.square(y)
    y2 = cr.square(y1)
    same(session.run(cr.gradients([y, y2], x)), [17502.0])
    same(session.run(cr.gradients(y + y2, x)), [17502.0])
    same(session.run(cr.gradients([y, y1], x)), [6.0 + 4 * 27.0])
    same(session.run(cr.gradients([y, y2], y)), [1.0 + 4 * 9.0**3])


def test_partial_derivatives(session, same):
    x = cr.constant(1.0)
    y = 2 * x
    z = x + y
    same(session.run(cr.gradients(z, [x, y])), [3.0, 1.0])
    same(session.run(cr.gradients(z, [x, y], stop_gradients=[x, y])), [1.0, 1.0])


@pytest.mark.parametrize("stopped", [s for n in range(5) for s in itertools.combinations("abcd", n)], ids="".join)
def test_every_set_of_stops_both_ways(session, same, stopped):
    # c = a b, d = a + c, y = c d. A stopped tensor passes nothing on, whether the graph or the question says so.
    tape = cr.GradientTape()

    def build(cut):
        def value(name, t):
            return tape.watch(cr.stop_gradient(t)) if name in cut else t

        a, b = value("a", cr.constant(2.0)), value("b", cr.constant(5.0))
        c = value("c", a * b)
        d = value("d", a + c)
        return c * d, [a, b, c, d]

    to_d = 10.0
    to_c = 12.0 + (0.0 if "d" in stopped else to_d)
    to_b = None if "c" in stopped else 2.0 * to_c
    to_a = [
        part for part in (None if "d" in stopped else to_d, None if "c" in stopped else 5.0 * to_c) if part is not None
    ]
    expected = [sum(to_a) if to_a else None, to_b, to_c, to_d]
    y, xs = build("")
    asked = cr.gradients(y, xs, stop_gradients=[xs["abcd".index(name)] for name in stopped])
    with tape:
        y, xs = build(stopped)
    built = cr.gradients(y, xs)
    for found in (asked, built):
        same([g if g is None else session.run(g) for g in found], expected)


def test_y_is_x(session, same):
    x = cr.placeholder("float64", (None,))
    feed = {x: [5.0, 7.0]}
    same(session.run(cr.gradients(x, x), feed), [[1.0, 1.0]])
    same(session.run(cr.gradients(x, x, grad_ys=[[3.0, 4.0]]), feed), [[3.0, 4.0]])
    same(session.run(cr.gradients([x, x * x], x), feed), [[11.0, 15.0]])


def test_duplicates(session, same):
    x = cr.constant(3.0)
    y = x * x
    same(session.run(cr.gradients(y, [x, x])), [6.0, 6.0])
    same(session.run(cr.gradients([y, y], x)), [12.0])


def test_nothing_asked_nothing_given(session, graph):
    x = cr.constant(3.0)
    y = x * x
    n = len(graph)
    assert cr.gradients([], [x, y]) == [None, None]
    assert cr.gradients([], []) == []
    assert len(graph) == n
    assert cr.gradients(y, []) == []


def test_a_constant_made_by_another_function_is_no_source(session):
    x = cr.zeros((2,))
    assert cr.gradients(cr.sum(x + cr.constant(1.0)), x) == [None]


def test_of_variables(session, same):
    w = cr.Variable([1.0, 2.0], name="w")
    before = cr.sum(w * w)
    assigned = w.assign_add([1.0, 1.0])
    after = cr.sum(w * w * w)
    session.run(w.initializer)
    # Every read counts, at the value that it reads.
    same(session.run([assigned, cr.gradients(before + after, w)]), [[2.0, 3.0], [[2.0 + 12.0, 4.0 + 27.0]]])


def test_of_a_variable_that_is_not_trainable(session):
    w = cr.Variable(2.0, trainable=False)
    assert cr.gradients(w * w, w) == [None]
    assert cr.gradients(w * w, w.read()) == [None]


def test_higher_orders(session, same):
    x = cr.placeholder("float64", ())
    y = x * x * x * x
    found = [y]
    for _ in range(4):
        found += cr.gradients(found[-1], x)
    same(session.run(found, {x: 3.0}), [81.0, 108.0, 108.0, 72.0, 24.0])


def test_the_graph_can_be_asked_again_after_it_was_run(session, same):
    x = cr.placeholder("float64", ())
    y = x * x
    same(session.run(cr.gradients(y, x), {x: 3.0}), [6.0])
    same(session.run(cr.gradients(y * y, x), {x: 3.0}), [108.0])


def test_without_recording_nothing_is_connected(session, same):
    x = cr.constant(3.0)
    with cr.no_grad():
        y = x * x
    assert cr.gradients(y * x, y) == [None]
    same(session.run(cr.gradients(y * x, x)), [9.0])


# Unconnected


def test_unconnected(session, same):
    x, y = cr.constant(1.0), cr.constant(3.0)
    z = y * 2.0
    assert cr.gradients(z, x) == [None]
    assert cr.gradients(z, x, unconnected_gradients="none") == [None]
    same(session.run(cr.gradients(z, [x, y], unconnected_gradients="zero")), [0.0, 2.0])
    unused = x * y
    same(session.run(cr.gradients(y * y, [unused, y], unconnected_gradients="zero")), [0.0, 6.0])


def test_unconnected_zeros_of_any_shape(session, same):
    x = cr.placeholder("float64", (None, 2))
    unranked = cr.placeholder("float64")
    found = cr.gradients(cr.constant(1.0) * 2.0, [x, unranked], unconnected_gradients="zero")
    same(session.run(found, {x: [[1.0, 2.0]], unranked: [3.0]}), [[[0.0, 0.0]], [0.0]])
    w = cr.Variable([1.0, 2.0])
    session.run(w.initializer)
    same(session.run(cr.gradients(cr.constant(1.0), w, unconnected_gradients="zero")), [[0.0, 0.0]])


def test_connected_through_a_cut(session, same):
    x = cr.constant(3.0)
    same(session.run(cr.gradients(x * cr.stop_gradient(x), x)), [3.0])
    assert cr.gradients(cr.stop_gradient(x) * 2.0, x) == [None]


def test_integers_are_unconnected_and_say_why(session):
    x = cr.placeholder("float64", (3,))
    n = cr.placeholder("int64", ())
    y = cr.astype(cr.argmax(x), "float64") * 2.0
    assert cr.gradients(y, x) == [None]
    assert "its result is an index" in str(cr.why_no_gradient(y, x))
    assert cr.gradients(cr.astype(n, "float64") * 2.0, n) == [None]
    assert "only floating-point values have gradients" in str(cr.why_no_gradient(cr.astype(n, "float64"), n))


# Several outputs


@cr.op(
    lambda x: (cr.Spec(x.shape, x.dtype), cr.Spec(x.shape, x.dtype)),
    lambda g, _y, x: g[0] * 2.0 * x + g[1] * 3.0,
    multiple=True,
)
def square_and_triple(xp, x, /):
    return x * x, x * 3.0


def test_unused_outputs_count_as_zero(session, same):
    x = cr.constant(5.0)
    square, triple = square_and_triple(x)
    same(session.run(cr.gradients(square, x)), [10.0])
    same(session.run(cr.gradients(triple, x)), [3.0])
    same(session.run(cr.gradients(square * triple, [x, square, triple])), [9.0 * 25.0, 15.0, 25.0])
    same(session.run(cr.gradients(square * triple, x, stop_gradients=[square])), [75.0])
    assert cr.gradients(square * triple, x, stop_gradients=[square, triple]) == [None]


# Seeds


def test_seeds(session, same):
    x = cr.placeholder("float64", (2,))
    feed = {x: [1.0, 2.0]}
    y, z = x * x, 3.0 * x
    same(session.run(cr.gradients([y, z], x, grad_ys=[None, [10.0, 100.0]]), feed), [[32.0, 304.0]])
    same(session.run(cr.gradients([y, z], x, grad_ys=[None, None]), feed), [[5.0, 7.0]])
    seed = cr.placeholder("float64", (2,))
    same(session.run(cr.gradients(y, x, grad_ys=seed), {**feed, seed: [1.0, -1.0]}), [[2.0, -4.0]])


def test_seeds_can_be_differentiated(session, same):
    x, seed = cr.placeholder("float64", ()), cr.placeholder("float64", ())
    (g,) = cr.gradients(x * x, x, grad_ys=seed)
    same(session.run(cr.gradients(g, [x, seed]), {x: 3.0, seed: 5.0}), [10.0, 6.0])


@pytest.mark.parametrize(
    ("shape", "seed_shape"), [((None,), (2,)), ((None,), (None,)), ((2,), (None,)), ((None,), None)]
)
def test_seeds_of_shapes_that_may_be_right(session, same, shape, seed_shape):
    x, seed = cr.placeholder("float64", shape), cr.placeholder("float64", seed_shape)
    found = cr.gradients(x * x, x, grad_ys=seed)
    same(session.run(found, {x: [1.0, 2.0], seed: [1.0, 10.0]}), [[2.0, 40.0]])


def test_seeds_are_checked_before_anything_is_built(session, graph):
    x = cr.placeholder("float64", (2,))
    y = x * x
    n = len(graph)
    with pytest.raises(cr.ArgumentError, match="grad_ys: got 2 cotangents for 1 ys"):
        cr.gradients(y, x, grad_ys=[None, None])
    with pytest.raises(cr.ShapeError, match=r"grad_ys\[0\]: expected the shape of its y, \(2,\), got \(5,\)"):
        cr.gradients(y, x, grad_ys=[cr.zeros(5)])
    with pytest.raises(cr.DTypeError, match=r"grad_ys\[0\]: a complex128 cotangent for a y of dtype float64"):
        cr.gradients(y, x, grad_ys=[[1j, 1j]])
    with pytest.raises(cr.DTypeError, match=r"expected a tensor, array or number, got .*str"):
        cr.gradients(y, x, grad_ys=["one"])
    assert len(graph) == n


def test_complex_seeds(session, same):
    z = cr.placeholder("complex128", ())
    y = z * z
    with pytest.raises(cr.DTypeError, match=r"ys\[0\] is complex \(complex128\): say in which direction"):
        cr.gradients(y, z)
    feed = {z: 3.0 + 4.0j}
    # The steepest ascent of Re(conj(seed) z^2) is seed * conj(2 z).
    same(session.run(cr.gradients(y, z, grad_ys=[1.0 + 0.0j]), feed), [6.0 - 8.0j])
    same(session.run(cr.gradients(y, z, grad_ys=[1j]), feed), [8.0 + 6.0j])
    same(session.run(cr.gradients(cr.real(y), z), feed), [6.0 - 8.0j])
    same(session.run(cr.gradients(cr.abs(z), z), feed), [0.6 + 0.8j])


def test_seeds_that_are_rows(session, same):
    x = cr.placeholder("float64", (3, 1))
    rows = cr.IndexedSlices(cr.constant([[2.0], [5.0]]), cr.constant([2, 0]), (3, 1))
    same(session.run(cr.gradients(x * 3.0, x, grad_ys=[rows]), {x: [[0.0]] * 3}), [[[15.0], [0.0], [6.0]]])


# Aggregation and gates


@pytest.mark.parametrize("n", [1, 2, 5, 8])
@pytest.mark.parametrize("gate", [False, True])
@pytest.mark.parametrize(
    "aggregation", ["add_n", "tree", lambda parts: sum(parts[1:], parts[0])], ids=["add", "tree", "own"]
)
def test_every_aggregation_gives_the_same(session, same, aggregation, n, gate):
    x = cr.placeholder("float64", (2,))
    y = sum((float(i + 1) * x * x for i in range(1, n)), x * x)
    found = cr.gradients(y, x, aggregation=aggregation, gate_gradients=gate)
    same(session.run(found, {x: [1.0, -2.0]}), [[n * (n + 1) * v for v in (1.0, -2.0)]])


def test_an_own_aggregation_is_called_once_where_cotangents_meet(session, same):
    seen = []

    def most(parts):
        seen.append(len(parts))
        return parts[0]

    x = cr.constant(2.0)
    same(session.run(cr.gradients([x * 3.0, x * 5.0, x * 7.0], x, aggregation=most)), [7.0])
    assert seen == [3]


@pytest.mark.parametrize("gate", [False, True])
def test_the_cotangents_of_a_node_are_all_made_before_one_is_used(session, graph, gate):
    a, b = cr.constant(2.0), cr.constant(3.0)
    total = a * b + (a + b)
    start = len(graph)
    cr.gradients(total, [a, b], gate_gradients=gate)
    assert [node.op.name for node in graph.nodes[start:]] == ["full", "multiply", "multiply", "add", "add"]


@pytest.mark.parametrize("option", ["gate_gradients", "colocate_gradients_with_ops"])
def test_flags_are_flags(session, same, option):
    x = cr.constant(3.0)
    same(session.run(cr.gradients(x * x, x, **{option: True})), [6.0])
    with pytest.raises(cr.ArgumentError, match=f"{option}: expected True or False, got 2"):
        cr.gradients(x * x, x, **{option: 2})


def test_bad_options_are_refused_even_where_nothing_is_connected(session, graph):
    x = cr.constant(1.0)
    n = len(graph)
    with pytest.raises(cr.ArgumentError, match="aggregation: expected 'add_n', 'tree' or a function, got 7"):
        cr.gradients([], x, aggregation=7)
    with pytest.raises(cr.ArgumentError, match="unconnected_gradients: expected 'none' or 'zero', got 'zeros'"):
        cr.gradients([], x, unconnected_gradients="zeros")
    for name in ("", 3, "a:0"):
        with pytest.raises(cr.ArgumentError, match="gradients: a name is a non-empty string without a colon"):
            cr.gradients([], x, name=name)
    assert len(graph) == n


# Names


def test_names_of_gradient_nodes(session, graph):
    x = cr.placeholder("float64", (), name="x")
    with cr.name_scope("layer"):
        y = cr.sin(x)
    start = len(graph)
    cr.gradients(y, x)
    assert names(graph, start) == [
        "gradients/full",
        "gradients/layer/sin_grad/cos",
        "gradients/layer/sin_grad/multiply",
    ]
    start = len(graph)
    cr.gradients(y, x)
    assert all(name.startswith("gradients_1/") for name in names(graph, start))
    start = len(graph)
    cr.gradients(y, x, name="slopes")
    assert all(name.startswith("slopes/") for name in names(graph, start))
    start = len(graph)
    with cr.name_scope("train"):
        cr.gradients([y, y], x, aggregation="tree")
    assert all(name.startswith("train/gradients/") for name in names(graph, start))


def test_gradient_nodes_know_what_they_derive(session, graph):
    x = cr.placeholder("float64", ())
    y = cr.sin(x)
    start = len(graph)
    cr.gradients(y, x)
    derived = [node.derives for node in graph.nodes[start:]]
    assert derived[0] is None  # the seed
    assert {forward.name for forward, _ in derived[1:]} == {"sin"}
    assert {definition.op.name for _, definition in derived[1:]} == {"sin"}


# What is refused


def test_other_graphs(session, graph, here):
    with cr.Graph().as_default():
        line = here(1)
        foreign = cr.placeholder("float64", (), name="foreign")
        variable = cr.Variable(1.0, name="w")
        product = foreign * variable
    x = cr.constant(1.0)
    n = len(graph)
    for arguments, what in (
        ((product, x), r"ys\[0\], symbolic tensor 'multiply:0'"),
        (([x, x], [x, foreign]), r"xs\[1\], symbolic tensor 'foreign:0'"),
        ((x, variable), r"xs\[0\], variable 'w'"),
        ((x, x, [foreign]), r"grad_ys\[0\], symbolic tensor 'foreign:0'"),
        ((x, x, None, [foreign]), r"stop_gradients\[0\], symbolic tensor 'foreign:0'"),
    ):
        with pytest.raises(
            cr.GraphError, match=what + ".* belongs to a graph, and a graph is being built which is another"
        ):
            cr.gradients(*arguments)
    with pytest.raises(cr.GraphError) as caught:
        cr.gradients(x, foreign)
    assert f"made at {line}" in str(caught.value)
    assert len(graph) == n


def test_outside_of_its_graph(backend):
    with cr.Graph().as_default():
        x = cr.constant(1.0)
        y = x * x
    with pytest.raises(
        cr.GraphError, match=r"ys\[0\].* and no graph is being built; call it inside `with graph.as_default"
    ):
        cr.gradients(y, x)


def test_no_definition_is_an_error_of_gradients_that_have_to_pass(session, same):
    op = unary(None)
    x = cr.constant(2.0)
    y = op(x)
    same(session.run(y), 2.0)
    same(session.run(cr.gradients(y * x, y)), [2.0])
    with pytest.raises(
        cr.MissingGradientError, match=r"op 'own' of your code has no gradient definition.*register_gradient"
    ):
        cr.gradients(y, x)


def test_prevented_gradients(session, graph):
    for shape in ((), None):
        x = cr.placeholder("float64", shape)
        y = cr.prevent_gradient(x, "no!")
        n = len(graph)
        with pytest.raises(cr.MissingGradientError, match="gradient explicitly prevented: no!"):
            cr.gradients(y * 2.0, x)
        assert all("prevent" not in name for name in names(graph, n))


@pytest.mark.parametrize("shape", [(2, 2), (None, 2), (None, None)])
def test_a_definition_with_a_wrong_shape_is_named(session, here, shape):
    x = cr.placeholder("float64", shape)
    op = unary(lambda g, _y, _x: cr.sum(g))
    made = here(1)
    y = op(x)
    with pytest.raises(cr.GradientDefinitionError) as caught:
        cr.gradients(y, x)
    message = str(caught.value)
    assert "gradient of op 'own'" in message
    assert f"wrong shape for input 0: expected {shape}, got ()" in message
    assert f"the op was called at {made}" in message


def test_a_definition_with_a_wrong_dtype_count_or_value_is_named(session):
    x = cr.placeholder("float64", (2,))
    with pytest.raises(cr.GradientDefinitionError, match="wrong dtype for input 0: expected float64, got int64"):
        cr.gradients(unary(lambda g, _y, _x: cr.astype(g, "int64"))(x), x)
    with pytest.raises(cr.GradientDefinitionError, match=r"wrong value for input 0: expected a tensor .* got 'text'"):
        cr.gradients(unary(lambda g, _y, _x: "text")(x), x)

    @cr.op(lambda a, b: a, lambda g, _y, _a, _b: (g,), name="pair")
    def pair(xp, a, b, /):
        return a + b

    with pytest.raises(cr.GradientDefinitionError, match=r"gradient of op 'pair'.*expected 2 cotangents.*got 1"):
        cr.gradients(pair(x, x), x)


def test_a_definition_may_return_numbers_arrays_or_nothing(session, same):
    x = cr.placeholder("float64", (2,))
    feed = {x: [1.0, 2.0]}
    same(session.run(cr.gradients(unary(lambda g, _y, _x: 2.0)(x), x), feed), [[2.0, 2.0]])
    same(session.run(cr.gradients(unary(lambda g, _y, _x: cr.tensor([1.0, 5.0]))(x), x), feed), [[1.0, 5.0]])
    assert cr.gradients(unary(lambda g, _y, _x: None)(x), x) == [None]


def test_a_definition_that_raises_is_named_with_its_op_and_the_users_line(session, here):
    x = cr.placeholder("float64", (None,))
    op = unary(lambda g, _y, _x: 1 / 0)
    made = here(1)
    y = op(x)
    with pytest.raises(cr.GradientDefinitionError, match="raised ZeroDivisionError: division by zero") as caught:
        cr.gradients(y, x)
    assert "gradient of op 'own'" in str(caught.value)
    assert made in str(caught.value)


def test_a_definition_that_waits_for_sizes_and_raises_is_named_when_it_runs(session):
    x = cr.placeholder("float64")
    found = cr.gradients(unary(lambda g, _y, _x: 1 / 0)(x), x)
    with pytest.raises(cr.GradientDefinitionError, match=r"gradient of op 'own'.* raised ZeroDivisionError"):
        session.run(found, {x: [1.0]})


def test_a_definition_may_run_a_session(session, graph, same):
    # TensorFlow's gradient lock makes this hang.
    def rule(g, _y, _x):
        return g * float(cr.Session(graph).run(cr.constant(5.0)).tolist())

    x = cr.placeholder("float64", ())
    same(session.run(cr.gradients(unary(rule)(x), x), {x: 1.0}), [5.0])


# Functions


def test_of_a_compiled_function(session, same):
    @cr.function
    def x_square_plus_b(x, b):
        return cr.square(x) + b

    x, b = cr.constant(3.0), cr.constant(5.0)
    y = x_square_plus_b(x, b)
    same(session.run([y, cr.gradients(y, [x, b])]), [14.0, [6.0, 1.0]])
    (second,) = cr.gradients(cr.gradients(y, x)[0], x)
    same(session.run(second), 2.0)


def test_compositions_of_compiled_functions(session, same):
    @cr.function
    def double(x):
        return 2.0 * x

    @cr.function
    def cube_of_double(x):
        y = double(x)
        return y * y * y

    x = cr.placeholder("float64", ())
    y = cube_of_double(cube_of_double(x))  # 8 (8 x^3)^3 = 4096 x^9
    same(session.run([y, cr.gradients(y, x)], {x: 0.5}), [4096 * 0.5**9, [9 * 4096 * 0.5**8]])


def test_gradients_inside_of_a_function(session, same):
    @cr.function
    def slope(x):
        (g,) = cr.gradients(x * x * x, x)
        return g

    x = cr.constant(2.0)
    y = slope(x)
    same(session.run([y, cr.gradients(y, x)]), [12.0, [12.0]])


def test_a_function_that_uses_a_tensor_of_the_graph(session, same):
    x, c = cr.placeholder("float64", ()), cr.constant(4.0)
    scaled = c * 2.0

    @cr.function
    def f(t):
        return t * t * scaled

    y = f(x)
    same(session.run([y, cr.gradients(y, [x, c, scaled])], {x: 3.0}), [72.0, [48.0, 18.0, 9.0]])


def test_a_function_that_uses_a_variable(session, same):
    w = cr.Variable(4.0)

    @cr.function
    def f(t):
        return t * t * w

    x = cr.placeholder("float64", ())
    y = f(x)
    session.run(w.initializer)
    same(session.run([y, cr.gradients(y, [x, w])], {x: 3.0}), [36.0, [24.0, 9.0]])


def test_nested_functions_that_use_what_is_around_them(session, same):
    c = cr.constant(10.0)

    @cr.function
    def outer(x):
        y = x * 2.0

        @cr.function
        def inner(z):
            return z * y * c

        return inner(x) + inner(y)

    x = cr.placeholder("float64", ())
    value = outer(x)  # 10 (2 x^2 + 4 x^2)
    same(session.run([value, cr.gradients(value, [x, c])], {x: 3.0}), [540.0, [360.0, 54.0]])


def test_nested_functions_without_a_graph(same):
    @cr.function
    def outer(x):
        y = x * 2.0

        @cr.function
        def inner(z):
            return z * y

        return inner(x)

    same(outer(3.0), 18.0)
    same(cr.grad(outer)(3.0), 12.0)


def test_a_function_of_a_constant_runs_at_once(session, same):
    @cr.function
    def f(x):
        return cr.cond(x > 0.0, lambda t: t * t, lambda t: -t, x)

    same(f(cr.tensor(3.0)), 9.0)
    same(cr.grad(f)(cr.tensor(3.0)), 6.0)


def test_through_control_flow(session, same):
    x, n = cr.placeholder("float64", ()), cr.placeholder("int64", ())
    y = cr.cond(x > 0.0, lambda t: t * t, lambda t: -3.0 * t, x)
    power = cr.while_loop(lambda s: s[0] < n, lambda s: (s[0] + 1, s[1] * x), (0, cr.constant(1.0)))[1]
    gradients = cr.gradients(y, x) + cr.gradients(power, x)
    same(session.run(gradients, {x: 2.0, n: 3}), [4.0, 12.0])
    same(session.run(gradients, {x: -2.0, n: 4}), [-3.0, -32.0])


# Custom gradients


def test_a_custom_gradient(session, same):
    @cr.custom_gradient
    def own(x):
        return x * x, lambda g: 10.0 * g * x

    x = cr.placeholder("float64", ())
    y = own(x)
    (g,) = cr.gradients(y * 2.0, x)
    same(session.run([y, g, cr.gradients(g, x)], {x: 3.0}), [9.0, 60.0, [20.0]])


def test_a_custom_gradient_with_two_outputs(session, same):
    @cr.custom_gradient
    def own(x, y):
        return (x + y, x * y), lambda g, h: (10.0 * g + h, 100.0 * g + h)

    x, y = cr.constant(2.0), cr.constant(3.0)
    a, b = own(x, y)
    same(session.run([a, b]), [5.0, 6.0])
    same(session.run(cr.gradients(a, [x, y])), [10.0, 100.0])
    same(session.run(cr.gradients(b, [x, y])), [1.0, 1.0])
    same(session.run(cr.gradients(a + 2.0 * b, [x, y])), [12.0, 102.0])


def test_a_custom_gradient_that_uses_a_variable(session, same):
    w = cr.Variable(2.0)

    @cr.custom_gradient
    def own(x):
        return x * w, lambda g: 100.0 * g

    x = cr.placeholder("float64", ())
    y = own(x)
    session.run(w.initializer)
    same(session.run([y, cr.gradients(y, [x, w])], {x: 3.0}), [6.0, [100.0, 3.0]])


def test_a_custom_gradient_inside_of_a_function(session, same):
    @cr.custom_gradient
    def own(x):
        return x * x, lambda g: 10.0 * g * x

    @cr.function
    def f(x):
        return own(x) * 2.0

    x = cr.placeholder("float64", ())
    y = f(x)
    (g,) = cr.gradients(y, x)
    same(session.run([y, g, cr.gradients(g, x)], {x: 3.0}), [18.0, 60.0, [20.0]])
    same(cr.grad(f)(3.0), 60.0)


def test_a_custom_gradient_of_the_wrong_shape(session):
    @cr.custom_gradient
    def own(x):
        return x * 1.0, lambda g: cr.zeros(5)

    x = cr.placeholder("float64", (2,))
    with pytest.raises(cr.GradientDefinitionError, match=r"float64\[5\], expected float64\[2\]"):
        cr.gradients(own(x), x)


def test_a_gradient_that_passes_as_if_the_function_were_not_there(session, same):
    x = cr.constant(-2.3)
    y = x + cr.stop_gradient(cr.round(x) - x)
    same(session.run([y, cr.gradients(y * y, x)]), [-2.0, [-4.0]])


# Recomputation


def test_recomputation(session, same):
    w = cr.Variable(2.0)

    @cr.checkpoint
    def f(x):
        return x * x * w

    x = cr.placeholder("float64", ())
    y = f(f(x))  # w^3 x^4
    (g,) = cr.gradients(y, x)
    session.run(w.initializer)
    same(session.run([y, g, cr.gradients(g, x)], {x: 3.0}), [648.0, 864.0, [864.0]])
    same(session.run(cr.gradients(y, w), {x: 3.0}), [3 * 4.0 * 81.0])


# Sparse


def test_gathered_rows_stay_sparse(session, same):
    table = cr.Variable([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    y = cr.sum(table[cr.constant([2, 0, 2])] * 3.0)
    (g,) = cr.gradients(y, table)
    assert isinstance(g, cr.IndexedSlices)
    assert g.dense_shape == (3, 2)
    session.run(table.initializer)
    found = session.run({"g": g})["g"]
    assert isinstance(found, cr.IndexedSlices)
    same(found.indices, [2, 0, 2])
    same(found.values, [[3.0, 3.0]] * 3)
    same(found.to_dense(), [[3.0, 3.0], [0.0, 0.0], [6.0, 6.0]])
    same(session.run(g.to_dense()), [[3.0, 3.0], [0.0, 0.0], [6.0, 6.0]])


def test_rows_that_are_fed(session, same):
    table = cr.Variable([[1.0], [2.0], [3.0]])
    rows = cr.placeholder("int64", (None,))
    (g,) = cr.gradients(cr.sum(table[rows] * table[rows]), table)
    step = table.assign_sub(g * 0.5)
    session.run(table.initializer)
    same(session.run(g, {rows: [1]}).to_dense(), [[0.0], [4.0], [0.0]])
    same(session.run(step, {rows: [2, 0, 2]}), [[0.0], [2.0], [-3.0]])
    same(session.run(table), [[0.0], [2.0], [-3.0]])


def test_two_gathers_are_concatenated_and_a_dense_use_makes_it_dense(session, same):
    table = cr.constant([[1.0], [2.0], [3.0]])
    gathered = cr.sum(table[cr.constant([0])]) + cr.sum(2.0 * table[cr.constant([0, 1])])
    for aggregation in ("add_n", "tree"):
        (g,) = cr.gradients(gathered, table, aggregation=aggregation)
        assert isinstance(g, cr.IndexedSlices)
        same(session.run(g.indices), [0, 1, 0])
        same(session.run(g).to_dense(), [[3.0], [2.0], [0.0]])
    (g,) = cr.gradients(gathered + cr.sum(table), table)
    same(session.run(g), [[4.0], [3.0], [1.0]])


def test_rows_added_to_a_variable(session, same):
    table = cr.Variable([[1.0], [2.0]])
    session.run(table.initializer)
    rows = cr.IndexedSlices(cr.constant([[10.0], [100.0]]), cr.constant([1, 1]), (2, 1))
    same(session.run(table.assign_add(rows)), [[1.0], [112.0]])
    with pytest.raises(cr.ShapeError, match=r"has shape \(2, 1\), got rows of \(3, 1\)"):
        table.assign_add(cr.IndexedSlices(cr.constant([[1.0]]), cr.constant([0]), (3, 1)))


# Unknown sizes and ranks


@pytest.mark.parametrize("shape", [(None, None), (None, 2), None], ids=["sizes", "size", "rank"])
@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda x: cr.sum(x * x), [[2.0, 4.0], [6.0, 8.0], [10.0, 12.0]]),
        (lambda x: cr.sum(x * cr.tensor([10.0, 100.0])), [[10.0, 100.0]] * 3),
        (lambda x: cr.mean(x), [[1 / 6] * 2] * 3),
        (lambda x: cr.sum(cr.mean(x, axis=0) * cr.tensor([3.0, 6.0])), [[1.0, 2.0]] * 3),
        (lambda x: cr.sum(cr.sum(x, axis=1, keepdims=True) * x), [[6.0, 6.0], [14.0, 14.0], [22.0, 22.0]]),
        (lambda x: cr.sum(cr.reshape(x, (-1,)) * 2.0), [[2.0] * 2] * 3),
        (lambda x: cr.sum(cr.concat([x, 3.0 * x], axis=0)), [[4.0] * 2] * 3),
        (lambda x: cr.sum(x[0] * x[-1]), [[5.0, 6.0], [0.0, 0.0], [1.0, 2.0]]),
        (lambda x: cr.max(x), [[0.0, 0.0], [0.0, 0.0], [0.0, 1.0]]),
        (lambda x: cr.sum(cr.where(x > 3.0, 2.0 * x, -x)), [[-1.0, -1.0], [-1.0, 2.0], [2.0, 2.0]]),
        (lambda x: cr.sum(cr.astype(x, "float32")), [[1.0] * 2] * 3),
    ],
    ids=[
        "square",
        "broadcast",
        "mean",
        "mean of axis",
        "row sums",
        "reshape",
        "concat",
        "index",
        "max",
        "where",
        "cast",
    ],
)
def test_unknown_shapes(session, same, shape, f, expected):
    x = cr.placeholder("float64", shape)
    found = cr.gradients(f(x), x)
    same(session.run(found, {x: [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]}), [expected])


def test_a_plan_for_each_shape(session, same):
    x, w = cr.placeholder("float64", (None,)), cr.placeholder("float64", (None,))
    found = cr.gradients(cr.sum(x * w), [x, w])
    same(session.run(found, {x: [1.0, 2.0], w: [3.0, 4.0]}), [[3.0, 4.0], [1.0, 2.0]])
    same(session.run(found, {x: [1.0], w: [3.0, 4.0]}), [[7.0], [1.0, 1.0]])
    same(session.run(found, {x: [1.0, 2.0], w: [3.0]}), [[3.0, 3.0], [3.0]])


def test_unranked_beside_ranked(session, same):
    x, w = cr.placeholder("float64"), cr.placeholder("float64", (2,))
    found = cr.gradients(cr.sum(x * w), [x, w])
    same(session.run(found, {x: [[1.0, 2.0], [3.0, 4.0]], w: [10.0, 20.0]}), [[[10.0, 20.0]] * 2, [4.0, 6.0]])
    same(session.run(found, {x: 3.0, w: [10.0, 20.0]}), [30.0, [3.0, 3.0]])
