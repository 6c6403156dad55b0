"""`cr.callback` and `cr.print`: each time, in order, now or when the program runs."""

from __future__ import annotations

import pytest

import chainrule as cr

pytestmark = pytest.mark.usefixtures("backend")


def in_a_session(f):
    """A function of floats that builds a graph and runs it."""

    def run(*arguments):
        with cr.Graph().as_default() as graph:
            inputs = [cr.placeholder("float64", ()) for _ in arguments]
            results = f(*inputs)
        feeds = dict(zip(inputs, arguments, strict=True))
        return cr.Session(graph).run([results, *graph.nodes], feeds)[0]

    return run


WAYS = {"eager": lambda f: lambda *a: f(*map(cr.tensor, a)), "function": cr.function, "session": in_a_session}


@pytest.fixture(params=WAYS)
def way(request):
    return WAYS[request.param]


# Callbacks


def test_it_gets_arrays_of_the_backend_in_the_arguments_structure(way):
    seen = []

    def f(x, y):
        cr.callback(lambda *a: seen.append(a), {"x": x, "pair": (y, 3)}, "text", None)
        return x * 1.0

    way(f)(1.0, 2.0)
    ((tree, text, nothing),) = seen
    assert (text, nothing) == ("text", None)
    assert tree["pair"][1] == 3
    assert (float(tree["x"]), float(tree["pair"][0])) == (1.0, 2.0)
    assert type(tree["x"]) is not cr.Tensor


def test_order(way):
    seen = []

    def f(x):
        for name in "abc":
            cr.callback(lambda v, name=name: seen.append((name, float(v))), x)
        cr.callback(lambda: seen.append("d"))
        return x * 1.0

    way(f)(2.0)
    assert seen == [("a", 2.0), ("b", 2.0), ("c", 2.0), "d"]


def test_results(way, same):
    def f(x):
        y, (n, z) = cr.callback(
            lambda v: (float(v) + 1.0, (7, [float(v)] * 3)),
            x,
            like=(x, (cr.Spec((), "int64"), cr.Spec((3,), cr.float32))),
        )
        assert (n.dtype, z.dtype, tuple(z.shape)) == ("int64", "float32", (3,))
        return y * 2.0, n, z

    same(way(f)(3.0), (8.0, 7, [3.0, 3.0, 3.0]))


def test_results_without_arguments(way, same):
    batches = iter([[1.0, 2.0], [3.0, 4.0]])
    f = way(lambda x: cr.callback(lambda: next(batches), like=cr.Spec((2,), "float64")) * x)
    same([f(10.0), f(10.0)], [[10.0, 20.0], [30.0, 40.0]])


def test_a_tensor_may_come_back(way, same):
    same(way(lambda x: cr.callback(lambda v: cr.tensor(v) * 2.0, x, like=x))(3.0), 6.0)


def test_a_result_of_another_dtype_is_cast(way, same):
    y = way(lambda x: cr.callback(lambda v: 3, x, like=x) / 2.0)(1.0)
    same(y, 1.5)


@pytest.mark.parametrize(
    ("result", "error", "message"),
    [
        ([1.0, 2.0], cr.ShapeError, r"result\['a'\] has shape \(2,\), like= says \(\)"),
        (5.0, cr.DTypeError, "its result has not the structure of like="),
    ],
    ids=["shape", "structure"],
)
def test_a_result_that_is_not_as_announced(way, result, error, message):
    def given(v):
        return {"a": result} if error is cr.ShapeError else result

    with pytest.raises(error, match=f"callback .*given: {message}"):
        way(lambda x: cr.callback(given, x, like={"a": x})["a"])(1.0)


def test_what_it_raises(way):
    def fail(v):
        raise ValueError("the disk is full")

    with pytest.raises(ValueError, match="the disk is full"):
        way(lambda x: cr.callback(fail, x, like=x))(1.0)


def test_what_it_raises_in_a_trace_names_it_and_the_line(here):
    def fail(v):
        raise OSError("the disk is full")

    def f(x):
        return cr.callback(fail, x, like=x)

    place = here(-2)
    with pytest.raises(
        cr.KernelError, match=r"callback\(float64\[\], call=.*fail\): .* OSError: the disk is"
    ) as caught:
        cr.function(f)(1.0)
    assert place in str(caught.value)
    assert isinstance(caught.value.__cause__, OSError)


def test_only_functions_are_called():
    with pytest.raises(cr.ArgumentError, match="callback: expected a function, got 3"):
        cr.callback(3)


@pytest.mark.parametrize("compile", [False, True])
def test_no_gradient_passes_it(compile, same):
    def f(x):
        return x * cr.callback(lambda v: v, x, like=x)

    f = cr.function(f) if compile else f
    same(cr.grad(f)(3.0), 3.0)


def test_why_there_is_no_gradient():
    for context in (cr.Graph().as_default, cr.GradientTape):
        with context() as scope:
            x = cr.placeholder("float64", ()) if isinstance(scope, cr.Graph) else scope.watch(cr.tensor(3.0))
            y = cr.callback(lambda v: v, x, like=x) * 2.0
        assert "what a callback gives comes from outside" in str(cr.why_no_gradient(y, x))


def test_a_gradient_of_its_own(same):
    @cr.custom_gradient
    def cube(x):
        y = cr.callback(lambda v: float(v) ** 3, x, like=x)
        return y, lambda g: g * 3.0 * x * x

    for f in (cube, cr.function(cube), lambda x: cr.fori_loop(0, 1, lambda i, v: cube(v), x)):
        same(cr.value_and_grad(f)(2.0), (8.0, 12.0))


@pytest.mark.parametrize("compile", [False, True])
def test_in_a_gradient_of_its_own(compile, same):
    seen = []

    @cr.custom_gradient
    def doubled(x):
        def grad_fn(g):
            cr.callback(lambda v: seen.append(("back", float(v))), x)
            return 2.0 * g

        cr.callback(lambda v: seen.append(("there", float(v))), x)
        return 2.0 * x, grad_fn

    def f(x):
        return cr.scan(lambda v, _: (doubled(v), None), x, length=2)[0]

    same(cr.grad(cr.function(f) if compile else f)(1.0), 4.0)
    assert seen == [("there", 1.0), ("there", 2.0), ("back", 2.0), ("back", 1.0)]


# Where


def test_in_functions_in_functions_and_their_gradients():
    seen = []

    def noted(x):
        cr.callback(lambda: seen.append("called"))
        return x * x

    inner = cr.function(noted)
    outer = cr.function(lambda x: inner(x) * 2.0)
    for f, x in (
        (outer, 3.0),
        (cr.grad(outer), 3.0),
        (cr.grad(cr.grad(outer)), 3.0),
        (cr.function(cr.grad(inner)), 3.0),
    ):
        seen.clear()
        f(x)
        assert seen == ["called"]


def test_in_branches_and_loops(way):
    seen = []

    def f(x):
        def step(i, v):
            cr.cond(
                v > 3.0,
                lambda: cr.callback(lambda v: seen.append(("large", float(v))), v),
                lambda: cr.callback(lambda v: seen.append(("small", float(v))), v),
            )
            return v * 2.0

        return cr.fori_loop(0, 3, step, x)

    way(f)(1.0)
    assert seen == [("small", 1.0), ("small", 2.0), ("large", 4.0)]


@pytest.mark.parametrize("compile", [False, True])
def test_in_branches_and_loops_not_again_for_gradients(compile, same):
    seen = []

    def f(x):
        def step(v, _):
            cr.callback(lambda v: seen.append(float(v)), v)
            return cr.cond(v > 0.0, lambda v: (cr.callback(lambda: seen.append("in")), v * v)[1], lambda v: v, v), None

        return cr.scan(step, x, length=2)[0]

    f = cr.function(f) if compile else f
    same(cr.grad(f)(2.0), 32.0)
    assert seen == [2.0, "in", 4.0, "in"]
    seen.clear()
    same(cr.function(cr.grad(f))(2.0), 32.0)
    assert seen == [2.0, "in", 4.0, "in"]


def test_a_session_runs_those_that_are_asked_for(same):
    seen = []
    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float64", ())
        y = cr.callback(lambda v: seen.append("y") or v, x, like=x)
        z = cr.callback(lambda v: seen.append("z") or v, x, like=x)
    session = cr.Session(graph)
    same(session.run(z, {x: 1.0}), 1.0)
    assert seen == ["z"]
    session.run([z, y], {x: 1.0})
    assert seen == ["z", "y", "z"]


def test_with_variables_it_sees_what_was_assigned_before(same):
    seen = []
    w = cr.Variable(1.0)

    @cr.function
    def f():
        cr.callback(lambda v: seen.append(float(v)), w)
        w.assign(w * 2.0)
        cr.callback(lambda v: seen.append(float(v)), w)
        return w * 1.0

    f()
    f()
    assert seen == [1.0, 2.0, 2.0, 4.0]


# Print


def test_print(way, capsys):
    def f(x):
        cr.print("x is", x, 3, sep=", ", end=".\n")
        return x * 1.0

    way(f)(2.5)
    printed = capsys.readouterr().out
    assert printed.startswith("x is, ")
    assert printed.endswith(", 3.\n")
    assert "2.5" in printed


def test_print_each_time_a_loop_goes_round(capsys, way):
    def f(x):
        def step(i, v):
            cr.print("step")
            return v + i

        return cr.fori_loop(0, 3, step, x)

    way(f)(0.0)
    assert capsys.readouterr().out == "step\n" * 3
