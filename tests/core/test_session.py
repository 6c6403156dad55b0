"""`Session`: what goes in and comes out, what runs and in which order, and whose values variables have."""

from __future__ import annotations

import threading
from collections import namedtuple

import pytest

import chainrule as cr

pytestmark = pytest.mark.usefixtures("backend")


@pytest.fixture(autouse=True)
def nothing_is_left_behind():
    yield
    assert cr.get_default_graph() is None
    assert cr.get_default_session() is None


@pytest.fixture
def session(backend):
    """A session of a graph that is being built."""
    with cr.Graph().as_default() as graph, cr.Session(graph) as session:
        yield session


@pytest.fixture
def graph(session):
    return session.graph


@pytest.fixture
def counted():
    """An operation that does nothing, and the list of the numbers that it was run on."""
    runs = []

    @cr.op(lambda x: x, lambda g, _y, _x: g)
    def counting(xp, x, /):
        runs.append(x.tolist() if hasattr(x, "tolist") else x)
        return x * 1.0

    return counting, runs


# Feeds


def test_a_missing_feed_names_the_placeholder(session, here):
    line = here(1)
    x = cr.placeholder("float64", (2, None), name="images")
    y = x * 2.0
    with pytest.raises(cr.GraphError) as caught:
        session.run(y)
    message = str(caught.value)
    assert "placeholder 'images' (float64[2, None])" in message
    assert f"made at {line}" in message
    assert "session.run(fetches, {images: value})" in message


@pytest.mark.parametrize(
    ("shape", "value", "got"),
    [
        ((2, None), [1.0, 2.0], r"expected float64\[2, None\], got float64\[2\]"),
        ((2, None), [[1.0]], r"expected float64\[2, None\], got float64\[1, 1\]"),
        ((), [1.0], r"expected float64\[\], got float64\[1\]"),
        ((1,), 1.0, r"expected float64\[1\], got float64\[\]"),
        ((None,), [], None),
        (None, [[1.0]], None),
    ],
)
def test_shapes_of_feeds(session, shape, value, got):
    x = cr.placeholder("float64", shape, name="x")
    if got is None:
        assert session.run(x, {x: value}).tolist() == value
    else:
        with pytest.raises(cr.ShapeError, match=f"feed of 'x': {got}"):
            session.run(x + 1.0, {x: value})


def test_lengths_that_are_the_same_must_be_fed_the_same(session, same):
    x = cr.placeholder("float64", (None,), name="x")
    y = cr.sin(x)
    both = x + y
    same(session.run(both, {x: [1.0, 2.0], y: [10.0, 20.0]}), [11.0, 22.0])
    with pytest.raises(cr.ShapeError, match="axis 0 is of length 3, and a length that equals it is 2"):
        session.run(both, {x: [1.0, 2.0], y: [10.0, 20.0, 30.0]})


@pytest.mark.parametrize(
    ("dtype", "value", "problem"),
    [
        ("int64", 1.5, r"got float64\[\]; cast it first"),
        ("int64", [1.5, 2.5], r"got float64\[2\]; cast it first"),
        ("bool", [1, 0], r"got int64\[2\]; cast it first"),
        ("float64", 1j, r"got complex128\[\]; cast it first"),
        ("float64", [1.0, 2j], r"got complex128\[2\]; cast it first"),
        ("float64", "abc", "got 'abc': expected a tensor, array or number"),
        ("float64", [1.0, "a"], "got "),
        ("float64", None, "got None: expected a tensor, array or number"),
        ("float64", [[1.0], [1.0, 2.0]], "got "),
        ("float64", {}, "got {}: expected a tensor, array or number"),
        ("int64", 2**70, "got 1180591620717411303424: "),
    ],
)
def test_types_of_feeds(session, backend, dtype, value, problem):
    if backend.name == "python" and value == 2**70:
        return  # its integers have no bounds
    x = cr.placeholder(dtype, name="x")
    y = cr.identity(x)
    with pytest.raises(cr.DTypeError, match=rf"feed of 'x': expected {dtype}\[\.\.\.\], .*{problem}"):
        session.run(y, {x: value})


@pytest.mark.parametrize(
    ("dtype", "value", "expected"),
    [
        ("float64", 3, 3.0),
        ("float64", [True, 2], [1.0, 2.0]),
        ("float32", [0.5, 1.5], [0.5, 1.5]),
        ("complex128", 2.0, 2 + 0j),
        ("int64", True, 1),
    ],
)
def test_feeds_are_converted_where_nothing_is_lost(session, same, dtype, value, expected):
    x = cr.placeholder(dtype)
    found = session.run(x, {x: value})
    same(found, expected)
    assert cr.tensor(found).dtype == dtype


def test_tensors_and_variables_as_feeds(session, same):
    x = cr.placeholder("float64", (2,), name="x")
    with cr.init_scope():
        w = cr.Variable([1.0, 2.0])
    doubled = x * 2.0
    same(session.run(doubled, {x: cr.tensor([3.0, 4.0])}), [6.0, 8.0])
    same(session.run(doubled, {x: w}), [2.0, 4.0])
    with cr.Graph().as_default(), pytest.raises(cr.DTypeError, match="symbolic tensor 'y:0', which has no value"):
        session.run(doubled, {x: cr.placeholder("float64", (2,), name="y")})


def test_a_tensor_that_is_being_differentiated_is_no_feed(session, same):
    x = cr.placeholder("float64", (), name="x")
    y = x * 2.0
    with cr.init_scope(), cr.GradientTape() as tape:
        watched = tape.watch(cr.tensor(3.0))
        with pytest.raises(cr.TrackedValueError, match=r"feed of 'x': .* no gradient passes a session.*feed x\.value"):
            session.run(y, {x: watched})
        same(session.run(y, {x: watched.value}), 6.0)


def test_any_tensor_can_be_fed(session, same, counted):
    counting, runs = counted
    x = cr.placeholder("float64", ())
    y = counting(x)
    z = y + 1.0
    same(session.run([z, y], {y: 10.0}), [11.0, 10.0])  # x is not needed then
    assert runs == []
    same(session.run(z, {x: 2.0}), 3.0)
    assert runs == [2.0]
    same(session.run(cr.constant(5.0, name="five") + 1.0, {"five:0": 7.0}), 8.0)


def test_what_is_derived_from_a_feed_in_the_middle(session, same):
    x = cr.placeholder("float64", ())
    y = x * x
    z = y * 3.0
    same(session.run(cr.gradients(z, [x, y]), {x: 2.0, y: 100.0}), [12.0, 3.0])


def test_feeds_that_nothing_needs(session, same):
    x, unused = cr.placeholder("float64", ()), cr.placeholder("float64", (2,), name="unused")
    same(session.run(x, {x: 1.0, unused: [1.0, 2.0]}), 1.0)
    with pytest.raises(cr.ShapeError, match="feed of 'unused'"):
        session.run(x, {x: 1.0, unused: 1.0})


def test_names_as_feeds(session, same):
    x = cr.placeholder("float64", (), name="x")
    y = x * 2.0
    same(session.run(y, {"x": 1.0}), 2.0)
    same(session.run(y, {"x:0": 1.0}), 2.0)
    with pytest.raises(cr.GraphError, match="a tensor is fed twice"):
        session.run(y, {x: 1.0, "x": 1.0})
    with pytest.raises(cr.GraphError, match="no node of the graph is called 'xx'; did you mean 'x'"):
        session.run(y, {"xx": 1.0})


def test_what_cannot_be_fed(session):
    x = cr.placeholder("float64", (), name="x")
    w = cr.Variable(1.0, name="w")
    with pytest.raises(cr.GraphError, match="feeds are symbolic tensors of the graph or their names, got int 3"):
        session.run(x, {3: 1.0})
    with pytest.raises(cr.GraphError, match=r"got Variable .*session.load\(variable, value\)"):
        session.run(x, {x: 1.0, w: 1.0})
    with pytest.raises(cr.GraphError, match="got Tensor"):
        session.run(x, {cr.tensor(1.0): 1.0})
    with pytest.raises(cr.DTypeError, match="feed_dict is a mapping from tensors to values, got "):
        session.run(x, [(x, 1.0)])


# Fetches


def test_structures_of_fetches(session, same):
    Pair = namedtuple("Pair", "a b")
    x = cr.placeholder("float64", ())
    y, z = x * 2.0, x * 3.0
    found = session.run({"list": [x, (y, Pair(z, [y]))], "one": y, "empty": []}, {x: 10.0})
    assert isinstance(found["list"][1][1], Pair)
    same(found, {"list": [10.0, (20.0, Pair(30.0, [20.0]))], "one": 20.0, "empty": []})
    assert session.run([]) == []
    assert session.run({}) == {}


def test_one_fetch_often(session, same, counted):
    counting, runs = counted
    x = cr.placeholder("float64", (), name="x")
    y = counting(x)
    same(session.run([y, y, [y]], {x: 1.0}), [1.0, 1.0, [1.0]])
    same(session.run([x, "x", "x:0"], {x: 2.0}), [2.0, 2.0, 2.0])
    assert runs == [1.0]


def test_kinds_of_fetches(session, same):
    w = cr.Variable([[1.0], [2.0]], name="w")
    x = cr.placeholder("float64", (), name="x")
    y = x * 2.0
    rows = cr.IndexedSlices(cr.constant([[5.0]]), cr.constant([1]), (2, 1))
    session.run(w.initializer)
    assert session.run(w.initializer) is None
    same(session.run([w, y, y.name, cr.tensor(7.0)], {x: 3.0}), [[[1.0], [2.0]], 6.0, 6.0, 7.0])
    found = session.run(rows)
    assert isinstance(found, cr.IndexedSlices)
    assert found.dense_shape == (2, 1)
    same(found, [[0.0], [5.0]])
    assert session.run([session.graph.node("x")], {x: 3.0}) == [None]


def test_results_of_a_node_with_several(session, same):
    @cr.op(lambda x: (x, x), lambda g, _y, _x: g[0] + g[1], multiple=True, name="twice")
    def twice(xp, x, /):
        return x * 1.0, x * 2.0

    x = cr.placeholder("float64", ())
    a, b = twice(x)
    same(session.run([a, b, "twice:0", "twice:1", "twice"], {x: 3.0}), [3.0, 6.0, 3.0, 6.0, None])
    with pytest.raises(cr.GraphError, match="'twice:2': node 'twice' has 2 results, twice:0 the first"):
        session.run("twice:2", {x: 1.0})


def test_what_cannot_be_fetched(session):
    x = cr.placeholder("float64", (), name="images")
    for fetches, got in ((None, "NoneType None"), ([x, None], "NoneType None"), ([x, 3.0], r"float 3\.0")):
        with pytest.raises(
            cr.GraphError, match=f"fetches are tensors, variables, nodes or names of the graph, got {got}"
        ):
            session.run(fetches, {x: 1.0})
    with pytest.raises(cr.GraphError, match="no node of the graph is called 'image'; did you mean 'images'"):
        session.run("image")
    with pytest.raises(cr.GraphError, match="'images:1': node 'images' has 1 result, images:0 the first"):
        session.run("images:1")
    with pytest.raises(cr.GraphError, match="'images:x'"):
        session.run("images:x")


def test_things_of_other_graphs(session):
    with cr.Graph().as_default():
        foreign = cr.placeholder("float64", (), name="foreign")
        w = cr.Variable(1.0, name="w")
        node = cr.group(foreign * 2.0)
    mine = cr.constant(1.0)
    for fetch, name in ((foreign, "'foreign:0' made at "), (w, "variable 'w'"), (node, "node 'group'")):
        with pytest.raises(cr.GraphError, match=f"a fetch, {name}.* belongs to another graph than the session"):
            session.run(fetch)
    with pytest.raises(cr.GraphError, match=r"a feed, 'foreign:0' made at .* belongs to another graph"):
        session.run(mine, {foreign: 1.0})
    with pytest.raises(cr.GraphError, match=r"Session\.load: variable 'w' belongs to another graph"):
        session.load(w, 2.0)
    with pytest.raises(cr.GraphError, match=r"Session\.value: variable 'w' belongs to another graph"):
        session.value(w)
    with pytest.raises(cr.GraphError, match="variable 'w' was made in another graph"):
        w * 2.0
    with pytest.raises(cr.GraphError, match="variable 'w' was made in another graph"):
        w.assign(2.0)
    with pytest.raises(cr.GraphError, match=r"symbolic tensor 'foreign:0', made at .*, belongs to another graph"):
        mine + foreign


def test_only_what_is_needed_runs(session, same, counted):
    counting, runs = counted
    x = cr.placeholder("float64", ())
    y = counting(x)
    z = x * 2.0
    same(session.run(z, {x: 1.0}), 2.0)
    assert runs == []
    (g,) = cr.gradients(y * y, x)
    same(session.run([g, y], {x: 3.0}), [6.0, 3.0])
    assert runs == [3.0]


def test_callbacks_run_when_what_needs_them_runs(session, same):
    seen = []
    x = cr.placeholder("float64", ())
    with cr.control_dependencies([x * 2.0]):
        y = x + 1.0
    cr.callback(lambda value: seen.append(float(value.tolist())), x)
    same(session.run(y, {x: 1.0}), 2.0)
    assert seen == []


def test_make_callable(session, same):
    x, y = cr.placeholder("float64", (), name="x"), cr.placeholder("float64", ())
    f = session.make_callable({"sum": x + y}, [x, y])
    same(f(1.0, 2.0), {"sum": 3.0})
    with pytest.raises(cr.ArgumentError, match="this callable takes 2 values, got 1"):
        f(1.0)
    with pytest.raises(cr.DTypeError, match="feed of 'x'"):
        f("one", 2.0)


def test_eval_and_run(session, same):
    x = cr.placeholder("float64", ())
    w = cr.Variable(1.0)
    same((x * 2.0).eval({x: 3.0}), 6.0)
    assert w.initializer.run() is None
    assert cr.group(w.assign_add(x)).run({x: 5.0}) is None
    same(session.run(w), 6.0)
    with cr.Session(session.graph) as other:
        other.run(w.initializer)
    same((x * w).eval({x: 2.0}, session=session), 12.0)


def test_eval_without_a_session(backend):
    with cr.Graph().as_default():
        x = cr.constant(1.0)
        node = cr.group(x)
        with pytest.raises(
            cr.GraphError, match=r"no session is in force; pass session=, or call it inside `with cr\.Session"
        ):
            x.eval()
        with pytest.raises(cr.GraphError, match="no session is in force"):
            node.run()


# Variables


def test_uninitialised_variables(session):
    w = cr.Variable(1.0, name="w")
    for run in (lambda: session.run(w), lambda: session.run(w.assign_add(1.0)), lambda: session.value(w)):
        with pytest.raises(
            cr.GraphError, match=r"variable 'w' is not initialised in this session; run .*initializer\(\)\) first"
        ):
            run()


def test_sessions_have_values_of_their_own(session, graph, same):
    w = cr.Variable(1.0)
    step = w.assign_add(1.0)
    with cr.Session(graph) as other:
        for each in (session, other):
            each.run(w.initializer)
        session.run(step)
        session.run(step)
        other.run(step)
        same([session.run(w), other.run(w)], [3.0, 2.0])


def test_variables_made_outside_of_graphs_start_from_what_they_are(session, graph, same):
    with cr.init_scope():
        w = cr.Variable(5.0)
    step = w.assign_add(1.0)
    same(session.run(step), 6.0)
    with cr.init_scope():
        w.assign(100.0)
        same(w.read(), 100.0)
    same(session.run(w), 6.0)
    same(cr.Session(graph).run(w), 100.0)
    with pytest.raises(cr.GraphError, match="was not made in a graph: it has its value already"):
        _ = w.initializer


def test_initial_values_can_depend_on_other_variables(session, same):
    a = cr.Variable(3.0, name="a")
    b = cr.Variable(a * 2.0, name="b")
    c = cr.Variable(lambda: a + b, name="c")
    session.run(cr.global_variables_initializer())
    same(session.run([a, b, c]), [3.0, 6.0, 9.0])
    session.run(a.assign(10.0))
    session.run(b.initializer)
    same(session.run([a, b, c]), [10.0, 20.0, 9.0])


def test_an_initial_value_that_is_fed(session, same):
    x = cr.placeholder("float64", (2,), name="x")
    w = cr.Variable(x, name="w")
    session.run(w.initializer, {x: [1.0, 2.0]})
    same(session.run(w * 1.0), [1.0, 2.0])
    with pytest.raises(cr.GraphError, match="placeholder 'x'"):
        session.run(w.initializer)


def test_initialise_some(session, same):
    a, b = cr.Variable(1.0, name="a"), cr.Variable(2.0, name="b")
    session.run(cr.variables_initializer([b]))
    same(session.run(b), 2.0)
    with pytest.raises(cr.GraphError, match="variable 'a' is not initialised"):
        session.run(a)
    session.run(cr.variables_initializer([]))


def test_initialising_again_starts_anew(session, same):
    w = cr.Variable(1.0)
    initialise = cr.global_variables_initializer()
    session.run(initialise)
    session.run(w.assign_add(5.0))
    session.run(initialise)
    same(session.run(w), 1.0)


def test_assignments_and_reads_run_in_the_order_they_were_made(session, same):
    w = cr.Variable(1.0)
    first = w + 0.0
    added = w.assign_add(10.0)
    second = w + 0.0
    doubled = w.assign(w * 2.0)
    third = w + 0.0
    session.run(w.initializer)
    same(session.run([third, doubled, second, added, first]), [22.0, 22.0, 11.0, 11.0, 1.0])
    same(session.run([first, second, third]), [22.0] * 3)  # none of the assignments is needed
    same(session.run([w, added, first]), [32.0, 32.0, 22.0])  # a variable itself is fetched as it ends
    same(session.run(w.assign_sub(2.0)), 30.0)


def test_control_dependencies(session, same):
    w = cr.Variable(1.0)
    before = w * 1.0
    step = w.assign_add(1.0)
    with cr.control_dependencies([step]):
        constant = cr.constant(5.0) * 1.0
        after = w.read() * 1.0
        with cr.control_dependencies(None):
            free = cr.constant(7.0) * 1.0
    session.run(w.initializer)
    same(session.run(free), 7.0)
    same(session.run(w), 1.0)
    same(session.run(constant), 5.0)
    same(session.run(w), 2.0)
    same(session.run([before, after]), [2.0, 3.0])


def test_control_dependencies_nest_and_take_one_thing(session, same):
    a, b = cr.Variable(1.0), cr.Variable(1.0)
    with cr.control_dependencies(a.assign_add(1.0)), cr.control_dependencies([b.assign_add(1.0), None]):
        node = cr.group(name="both")
    session.run([a.initializer, b.initializer])
    session.run(node)
    same(session.run([a, b]), [2.0, 2.0])
    for wrong in (3, [3], "both"):
        with (
            pytest.raises(
                cr.DTypeError, match="control_dependencies: expected nodes or symbolic tensors of a graph, got"
            ),
            cr.control_dependencies(wrong),
        ):
            pass


def test_groups(session, same):
    a, b = cr.Variable(1.0), cr.Variable(2.0)
    node = cr.group(a.assign_add(1.0), b.assign(a), name="both")
    session.run([a.initializer, b.initializer])
    assert session.run(node) is None
    assert session.run("both") is None
    same(session.run([a, b]), [3.0, 3.0])
    assert session.run(cr.group()) is None
    with pytest.raises(cr.DTypeError, match="got int 3"):
        cr.group(3)


def test_load_and_value(session, same):
    w = cr.Variable([1.0, 2.0], name="w")
    session.load(w, [3, 4])
    same(session.value(w), [3.0, 4.0])
    same(session.run(w + 1.0), [4.0, 5.0])
    with pytest.raises(cr.ShapeError, match=r"value of variable 'w': expected float64\[2\], got float64\[3\]"):
        session.load(w, [1.0, 2.0, 3.0])
    with pytest.raises(cr.DTypeError, match=r"value of variable 'w': expected float64\[2\], got complex128\[2\]"):
        session.load(w, [1j, 2.0])
    same(session.value(w), [3.0, 4.0])


# A run that fails


def test_a_new_value_of_the_wrong_shape_is_refused(session, same):
    x = cr.placeholder("float64", (None,))
    w, v = cr.Variable([1.0, 2.0], name="w"), cr.Variable(0.0)
    step = [v.assign_add(1.0), w.assign(x)]
    session.run([w.initializer, v.initializer])
    session.run(step, {x: [3.0, 4.0]})
    with pytest.raises(cr.ShapeError, match=r"variable 'w' has shape \(2,\), cannot take a value of shape \(3,\)"):
        session.run(step, {x: [5.0, 6.0, 7.0]})
    same(session.run([w, v]), [[3.0, 4.0], 1.0])


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, MemoryError])
def test_a_run_that_fails_leaves_every_variable_as_it_was(session, same, error):
    fail = []

    @cr.op(lambda x: x, lambda g, _y, _x: g)
    def fragile(xp, x, /):
        if fail:
            raise error("out of paper")
        return x * 1.0

    a, b = cr.Variable(1.0, name="a"), cr.Variable(2.0, name="b")
    first = a.assign_add(5.0)
    with cr.control_dependencies([first]):
        second = b.assign(fragile(b + a) * 1.0)
    third = a.assign_add(second)
    session.run([a.initializer, b.initializer])
    same(session.run([first, second, third]), [6.0, 8.0, 14.0])
    fail.append(True)
    expected = {ValueError: cr.ArgumentError}.get(error, error)
    with pytest.raises(expected, match="out of paper"):
        session.run([first, second, third])
    same(session.run([a, b]), [14.0, 8.0])
    fail.clear()
    same(session.run([first, second, third]), [19.0, 27.0, 46.0])


def test_a_kernel_that_fails_is_named_with_its_node(session, here):
    @cr.op(lambda x: x, lambda g, _y, _x: g)
    def burning(xp, x, /):
        raise RuntimeError("disk on fire")

    x = cr.placeholder("float64", (None,))
    with cr.name_scope("layer"):
        made = here(1)
        y = burning(x)
    with pytest.raises(
        cr.KernelError, match="kernel raised RuntimeError: disk on fire; node 'layer/burning'"
    ) as caught:
        session.run(y, {x: [1.0]})
    assert f"made at {made}" in str(caught.value)
    assert "float64[1]" in str(caught.value)


def test_shapes_that_do_not_fit_when_they_are_known_are_named_with_their_node(session, here):
    x, y = cr.placeholder("float64", (None,)), cr.placeholder("float64", (None,))
    made = here(1)
    total = x + y
    with pytest.raises(
        cr.ShapeError, match=r"shapes \(2,\) and \(3,\) do not broadcast.*node 'add', made at "
    ) as caught:
        session.run(total, {x: [1.0, 2.0], y: [1.0, 2.0, 3.0]})
    assert made in str(caught.value)


# Threads, lives of sessions


def test_threads_that_share_a_session_lose_no_update(session, same):
    # The kernel lets others run between the read and the assignment.
    @cr.op(lambda x: x, lambda g, _y, _x: g)
    def slow(xp, x, /):
        threading.Event().wait(0.0005)
        return x + 1.0

    w = cr.Variable(0.0)
    step = w.assign(slow(w))
    read = w * 1.0
    session.run(w.initializer)
    failures = []

    def work():
        try:
            for _ in range(10):
                session.run(step)
                session.run(read)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    same(session.run(w), 80.0)


def test_scopes_of_sessions_are_those_of_their_thread(session):
    seen = []
    thread = threading.Thread(target=lambda: seen.append((cr.get_default_session(), cr.get_default_graph())))
    thread.start()
    thread.join()
    assert seen == [(None, None)]
    assert cr.get_default_session() is session


def test_sessions_nest(session, graph):
    with cr.Session(graph) as inner:
        assert cr.get_default_session() is inner
        with session.as_default() as outer:
            assert cr.get_default_session() is outer is session
        assert cr.get_default_session() is inner
    assert cr.get_default_session() is session
    session.run(cr.constant(1.0))


def test_a_closed_session(backend):
    with cr.Graph().as_default() as graph:
        x = cr.constant(1.0)
    with cr.Session(graph) as session:
        session.run(x)
    with pytest.raises(cr.GraphError, match=r"Session\.run: the session is closed"):
        session.run(x)
    session.close()


def test_the_session_of_a_block_builds_in_its_graph(backend, same):
    graph = cr.Graph()
    with cr.Session(graph) as session:
        assert cr.get_default_graph() is graph
        x = cr.constant(2.0)
        same(session.run(cr.gradients(x * x, x)), [4.0])


def test_a_session_without_a_graph(backend):
    with pytest.raises(cr.GraphError, match=r"Session: there is no graph to run; pass one, Session\(graph\)"):
        cr.Session()
    with pytest.raises(cr.DTypeError, match="Session: expected a Graph, got 3"):
        cr.Session(3)


def test_backends_of_sessions(backend, same):
    graph = cr.Graph()
    with graph.as_default():
        x = cr.placeholder("float64", (2,))
        y = cr.sum(x * cr.tensor([1.0, 10.0]))
    session = cr.Session(graph, backend=backend.name)
    assert session.backend is backend
    same(session.run(y, {x: [1.0, 2.0]}), 21.0)
    assert f"on {backend.name}" in repr(session)
    with pytest.raises(cr.BackendError, match="Session: no backend 'nope'"):
        cr.Session(graph, backend="nope")


def test_a_run_adds_no_node_but_the_read_of_a_variable(session, graph):
    w = cr.Variable(1.0)
    x = cr.constant(1.0)
    y = x * 2.0
    session.run(w.initializer)
    n = len(graph)
    session.run([y, y.name])
    assert len(graph) == n
    session.run(w)
    session.run(w)
    assert len(graph) == n + 1


# Interactive sessions and the default graph of the process


def test_an_interactive_session(backend, same):
    session = cr.InteractiveSession()
    try:
        assert cr.get_default_graph() is session.graph
        x = cr.constant([1.0, 2.0])
        w = cr.Variable(3.0)
        w.initializer.run()
        same(cr.sum(x * w).eval(), 9.0)
        seen = []
        thread = threading.Thread(target=lambda: seen.append(cr.get_default_session()))
        thread.start()
        thread.join()
        assert seen == [session]
    finally:
        session.close()
    session.close()
    assert isinstance(cr.constant(1.0), cr.Tensor)
    same(cr.constant(1.0) * 2.0, 2.0)


@pytest.mark.parametrize("first", [0, 1, 2])
def test_interactive_sessions_close_in_any_order(backend, first):
    sessions = [cr.InteractiveSession(cr.Graph()) for _ in range(3)]
    order = sessions[first:] + sessions[:first]
    for i, session in enumerate(order):
        session.close()
        left = [s for s in sessions if s not in order[: i + 1]]
        assert cr.get_default_session() is (left[-1] if left else None)
        assert cr.get_default_graph() is (left[-1].graph if left else None)


def test_an_interactive_session_in_a_block(backend, same):
    with cr.InteractiveSession() as session:
        same(session.run(cr.constant(1.0) + 1.0), 2.0)
    assert cr.get_default_session() is None


def test_an_interactive_session_leaves_the_graph_that_was_set_since(backend):
    session = cr.InteractiveSession()
    mine = cr.Graph()
    cr.set_default_graph(mine)
    try:
        session.close()
        assert cr.get_default_graph() is mine
    finally:
        cr.set_default_graph(None)


def test_the_default_graph_of_the_process(backend, same):
    graph = cr.Graph()
    cr.set_default_graph(graph)
    try:
        x = cr.placeholder("float64", ())
        (g,) = cr.gradients(x * x, x)
        same(cr.Session().run(g, {x: 3.0}), 6.0)
        seen = []

        def look():
            with cr.use_backend(backend.name):  # a thread has not the block of the test around it
                seen.append((cr.get_default_graph(), cr.constant(1.0).name))

        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        assert seen == [(graph, "constant:0")]
        with cr.Graph().as_default() as inner:
            assert cr.get_default_graph() is inner
        with cr.init_scope():
            same(cr.constant(2.0) * 3.0, 6.0)
        assert cr.get_default_graph() is graph
    finally:
        cr.set_default_graph(None)
    with pytest.raises(cr.DTypeError, match="set_default_graph: expected a Graph or None, got 3"):
        cr.set_default_graph(3)
