"""A training step eagerly, in a compiled function and in a session: the values of a plain loop in NumPy."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import chainrule as cr

S = cr.optim.schedules
GradientDescent = cr.optim.GradientDescent
EACH = pytest.mark.parametrize("mode", ["eager", "function", "graph"])
Step = Callable[[Any], Any]
Made = tuple[Sequence[cr.Variable], Step]


def trained(mode: str, make: Callable[[], Made], xs: Sequence[Any]) -> list[Any]:
    """The values of some variables after a step by each of some arrays, whose first axis is of unknown length."""
    xs = [np.asarray(x) for x in xs]
    if mode == "graph":
        with cr.Graph().as_default() as graph:
            fed = cr.placeholder(str(xs[0].dtype), (None,) * xs[0].ndim)
            variables, step = make()
            node = step(fed)
            init = cr.global_variables_initializer()
        session = cr.Session(graph)
        session.run(init)
        for x in xs:
            session.run(node, {fed: x})
        return [np.asarray(value) for value in session.run(list(variables))]
    variables, step = make()
    run = cr.function(step) if mode == "function" else step
    for x in xs:
        run(cr.tensor(x))
    return [variable.numpy() for variable in variables]


def close(found: Sequence[Any], expected: Sequence[Any]) -> None:
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


NONE = [np.zeros(1)] * 3


# What minimize takes


@EACH
def test_weights_of_an_array_and_a_step_counter(mode: str) -> None:
    def make() -> Made:
        w, b = cr.Variable([1.0, 2.0], name="w"), cr.Variable(1.0, name="b")
        steps = cr.Variable(0, trainable=False, name="steps")
        optimizer = GradientDescent(0.1)
        return [w, b, steps], lambda x: optimizer.minimize(
            lambda: w * w + b, [w], grad_loss=[1.0, 2.0], global_step=steps, name="train"
        )

    close(trained(mode, make, NONE), [np.array([0.8**3, 2.0 * 0.6**3]), 1.0, 3])


@EACH
def test_a_schedule_of_the_step_counter(mode: str) -> None:
    def make() -> Made:
        w, steps = cr.Variable(1.0, dtype="float32"), cr.Variable(0, trainable=False)
        rate = S.Exponential(0.25, 2, 0.5)
        return [w, steps], lambda x: GradientDescent(rate(steps)).minimize(lambda: 1.0 * w, global_step=steps)

    w, steps = trained(mode, make, NONE)
    assert w.dtype == "float32"
    np.testing.assert_allclose(w, 1.0 - sum(0.25 * 0.5 ** (i / 2) for i in range(3)), rtol=1e-6)
    assert steps == 3


@EACH
def test_a_rule_sees_the_schedule_at_the_steps_before(mode: str) -> None:
    def make() -> Made:
        w, optimizer = cr.Variable(0.0), GradientDescent(S.PiecewiseConstant([1, 2], [1.0, 10.0, 100.0]))
        return [w, optimizer.iterations], lambda x: optimizer.minimize(lambda: 1.0 * w)

    close(trained(mode, make, NONE), [-111.0, 3])


@EACH
def test_clipping_decay_and_accumulation(mode: str) -> None:
    xs = [np.array([3.0, 4.0]), np.array([0.0, 8.0]), np.array([9.0, 12.0]), np.array([-0.2, 0.1])]

    def make() -> Made:
        w = cr.Variable([1.0, -1.0])
        optimizer = GradientDescent(0.5, accumulate=2, clip_value=6.0, clip_norm=5.0, weight_decay=0.1)
        return [w, optimizer.iterations], lambda x: optimizer.minimize(lambda: cr.sum(w * x))

    w = np.array([1.0, -1.0])
    for g in (np.array([1.5, 6.0]), np.array([4.4, 6.0])):  # the means, no element above 6
        w = w * (1 - 0.5 * 0.1) - 0.5 * g * min(1.0, 5.0 / np.linalg.norm(g))
    close(trained(mode, make, xs), [w, 2])


@EACH
def test_gradients_of_ones_own(mode: str) -> None:
    def make() -> Made:
        u, v, w = (cr.Variable(1.0, name=name) for name in "uvw")
        optimizer = GradientDescent(0.5)

        def step(x: Any) -> Any:
            optimizer.minimize(lambda: u * u + v, gradients={u: 1.0})
            optimizer.minimize(lambda: u * v, [u, v], gradients=[None, np.float64(2.0)])
            return optimizer.minimize(lambda: w * w, w, gradients=lambda: [cr.sum(x) * w])

        return [u, v, w], step

    if mode != "graph":  # where one node is run, and the others are not in its way
        close(trained(mode, make, [[1.0], [2.0]]), [0.0, -2.0, 0.0])

    def one() -> Made:
        w, optimizer = cr.Variable(1.0), GradientDescent(0.5)
        return [w], lambda x: optimizer.minimize(lambda: w * w, w, gradients=lambda: [cr.sum(x) * w])

    close(trained(mode, one, [[1.0], [4.0]]), [-0.5])


@EACH
def test_gradients_that_are_changed_on_the_way(mode: str) -> None:
    def make() -> Made:
        w, b = cr.Variable([3.0, -4.0]), cr.Variable(1.0)
        optimizer = GradientDescent(0.5)

        def step(x: Any) -> Any:
            pairs = optimizer.compute_gradients(lambda: cr.sum(w * w) * cr.sum(x), [b, w])
            assert [v is other for (_, v), other in zip(pairs, (b, w), strict=True)] == [True, True]
            assert pairs[0][0] is None
            clipped, _ = cr.optim.clip_by_global_norm([g for g, _ in pairs], 1.0)
            return optimizer.apply_gradients([(g, v) for g, (_, v) in zip(clipped, pairs, strict=True)])

        return [w, b], step

    close(trained(mode, make, [[1.0], [2.0]]), [np.array([3.0, -4.0]) * (1 - 2 * 0.5 / 5.0), 1.0])


# Rows


@EACH
@pytest.mark.parametrize("rule", ["gradient_descent", "momentum", "adagrad", "adam", "rmsprop"])
def test_rows_of_unknown_number(mode: str, rule: str, published: dict[str, Any]) -> None:
    start = np.arange(8.0).reshape(4, 2)
    batches = [[1, 2, 1, -1], [3, 0], [2, 2, 2]]

    def make() -> Made:
        e, optimizer = cr.Variable(start), published[rule][0]()
        return [e], lambda ids: optimizer.minimize(lambda: 0.5 * cr.sum(cr.square(e[ids])))

    given = iter(batches)

    def gradient(e: Any) -> Any:
        dense = np.zeros_like(e)
        ids = next(given)
        np.add.at(dense, ids, e[ids])
        return dense

    close(trained(mode, make, batches), [published[rule][1](gradient, start, len(batches))])


# Several optimizers, and loops


@EACH
def test_two_optimizers(mode: str) -> None:
    def make() -> Made:
        w, first, second = cr.Variable(2.0), GradientDescent(0.25), cr.optim.Momentum(0.5, 0.5)

        def step(x: Any) -> Any:
            done = first.minimize(lambda: w * w)
            return cr.group(done, second.minimize(lambda: w * w * w))

        return [w, first.iterations, second.iterations], step

    w, m = 2.0, 0.0
    for _ in NONE:
        w -= 0.25 * 2.0 * w
        m = 0.5 * m + 3.0 * w * w
        w -= 0.5 * m
    close(trained(mode, make, NONE), [w, 3, 3])


def _fori(body: Step, x: Any) -> Any:
    return cr.fori_loop(0, 3, lambda i, total: total + body(x), cr.sum(x) * 0.0)


def _while(body: Step, x: Any) -> Any:
    return cr.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] + body(x)), (0, cr.sum(x) * 0.0))[1]


def _scan(body: Step, x: Any) -> Any:
    return cr.scan(lambda total, _: (total + body(x), None), cr.sum(x) * 0.0, None, length=3)[0]


def _map(body: Step, x: Any) -> Any:
    return cr.sum(cr.map(lambda y: body(x) + y, cr.tensor(np.zeros(3)) * cr.sum(x)))


def _nested(body: Step, x: Any) -> Any:
    return cr.cond(cr.sum(x) > 0.0, lambda: _fori(body, x), lambda: cr.sum(x) * 0.0)


def _unrolled(body: Step, x: Any) -> Any:
    return body(x) + body(x) + body(x)


@EACH
@pytest.mark.parametrize("rule", ["gradient_descent", "nesterov", "adam"])
@pytest.mark.parametrize("loop", [_fori, _while, _scan, _map, _nested, _unrolled])
def test_steps_in_a_loop(mode: str, loop: Callable[..., Any], rule: str, published: dict[str, Any]) -> None:
    def make() -> Made:
        w, optimizer = cr.Variable([1.0, -2.0]), published[rule][0]()
        total = cr.Variable(0.0, trainable=False)

        def step(x: Any) -> Any:
            return total.assign_add(loop(lambda x: optimizer.minimize(lambda: cr.sum(x * w * w)), x))

        return [w, total, optimizer.iterations], step

    losses: list[float] = []

    def gradient(w: Any) -> Any:
        losses.append(float(np.sum(w * w)))
        return 2.0 * w

    w = published[rule][1](gradient, np.array([1.0, -2.0]), 6)
    close(trained(mode, make, [np.ones(1)] * 2), [w, sum(losses), 6])


# Where it is made


@pytest.mark.parametrize("where", ["before", "inside", "after"])
def test_an_optimizer_made_before_inside_or_after_the_graph(where: str) -> None:
    optimizer = cr.optim.Momentum(0.5, 0.5)
    with cr.Graph().as_default() as graph:
        w = cr.Variable(2.0, name="w")
        loss = w * w
        if where == "inside":
            optimizer = cr.optim.Momentum(0.5, 0.5)
    if where == "after":
        optimizer = cr.optim.Momentum(0.5, 0.5)
    with graph.as_default():
        assert optimizer.get_slot_names() == []
        train = optimizer.minimize(loss, name="train")
        init = cr.global_variables_initializer()
    assert optimizer.get_slot_names() == ["momentum"]
    assert [v.name for v in optimizer.variables()] == ["Momentum/iterations", "w/Momentum/momentum"]
    slot = optimizer.get_slot(w, "momentum")
    assert slot is not None
    assert optimizer.get_slot(w, "zz") is None
    session = cr.Session(graph)
    session.run(init)
    session.run(train)
    session.run(train)
    assert session.run([w, slot, optimizer.iterations]) == [-1.0, 2.0, 2]


def test_a_count_that_is_asked_for_first_is_of_the_graph() -> None:
    optimizer = cr.optim.Adam()
    with cr.Graph().as_default() as graph:
        assert optimizer.iterations.graph is graph
        w = cr.Variable(1.0)
        train, init = optimizer.minimize(w * w), cr.global_variables_initializer()
    sessions = [cr.Session(graph) for _ in range(2)]
    for session in sessions:
        session.run(init)
        session.run(train)
    assert [session.run(optimizer.iterations) for session in sessions] == [1, 1]


def test_the_step_comes_before_what_depends_on_it() -> None:
    with cr.Graph().as_default() as graph:
        w, steps = cr.Variable(1.0), cr.Variable(0, trainable=False)
        before = w + 0.0
        train = GradientDescent(0.5).apply_gradients([(2.0, w)], global_step=steps)
        assert isinstance(train, cr.GraphNode)
        with cr.control_dependencies([train]):
            after = [w + 0.0, steps + 0]
        init = cr.global_variables_initializer()
    session = cr.Session(graph)
    session.run(init)
    assert session.run(before) == 1.0
    assert session.run([before, *after]) == [1.0, 0.0, 1]
    assert session.run([w, steps]) == [0.0, 1]


# Checked gradients


@pytest.mark.parametrize("mode", ["function", "graph"])
def test_a_checked_gradient_is_compared_when_it_runs(mode: str) -> None:
    found: list[cr.Variable] = []

    def make() -> Made:
        w, b = cr.Variable([1.0, 2.0], name="w"), cr.Variable(1.0, name="b")
        found[:] = [w, b]
        optimizer = GradientDescent(0.125)
        own = checks[mode] = cr.checked(lambda: {w: factor[0] * w}, every=2)
        factor[1:] = [lambda x: optimizer.minimize(lambda: cr.sum(w * w) + b * cr.sum(x), gradients=own)]
        return [w, b], factor[1]

    checks: dict[str, Any] = {}
    factor: list[Any] = [2.0]
    close(trained(mode, make, [np.ones(1)] * 3), [np.array([1.0, 2.0]) * 0.75**3, 1.0 - 3 * 0.125])
    assert (checks[mode].calls, checks[mode].checks) == (3, 2)
    factor[0] = -2.0
    with pytest.raises(cr.ChainruleError, match=r"call 1, .*minimize, beside chainrule's.*'w', it has the wrong sign"):
        trained(mode, make, [np.ones(1)])
    if mode == "function":
        assert [v.numpy().tolist() for v in found] == [[1.0, 2.0], 1.0]


def test_a_checked_gradient_of_rows_and_of_none_in_a_graph() -> None:
    with cr.Graph().as_default() as graph:
        e, b = cr.Variable(np.ones((3, 2)), name="e"), cr.Variable(1.0, name="b")
        loss = cr.sum(cr.square(e[np.array([0, 2])]))
        rows = cr.IndexedSlices(2.0 * e[np.array([0, 2])], cr.constant([0, 2]), (3, 2))
        train = GradientDescent(0.5).minimize(loss, gradients=cr.checked(lambda: {e: rows}))
        nothing = GradientDescent(0.5).minimize(loss, [e, b], gradients=cr.checked(lambda: {b: None}))
        init = cr.global_variables_initializer()
        with pytest.raises(cr.ChainruleError, match="of variable 'b', there is nothing to compare with"):
            GradientDescent(0.5).minimize(loss, [e, b], gradients=cr.checked(lambda: {b: 1.0}))
    for node in (train, nothing):
        session = cr.Session(graph)
        session.run(init)
        session.run(node)
        assert session.run(e).tolist() == [[0.0, 0.0], [1.0, 1.0], [0.0, 0.0]]


# What is refused


@pytest.mark.parametrize("shape", [(None, None), None])
def test_a_gradient_whose_shape_is_known_when_it_runs(shape: Any) -> None:
    with cr.Graph().as_default() as graph:
        w = cr.Variable(np.zeros((2, 2)), name="w")
        fed = cr.placeholder("float64", shape)
        train = cr.optim.Momentum(1.0, 0.0).apply_gradients([(fed, w)])
        init = cr.global_variables_initializer()
    session = cr.Session(graph)
    session.run(init)
    for wrong in (np.ones((1, 1)), np.ones((1, 2)), np.ones((3, 2))):
        with pytest.raises(cr.ShapeError, match="cannot reshape"):
            session.run(train, {fed: wrong})
    assert not session.run(w).any()
    session.run(train, {fed: [[1.0, 2.0], [3.0, 4.0]]})
    assert session.run(w).tolist() == [[-1.0, -2.0], [-3.0, -4.0]]


def test_a_loss_of_a_graph_outside_of_it() -> None:
    with cr.Graph().as_default():
        w = cr.Variable(2.0)
        loss = w * w
    with pytest.raises(cr.GraphError, match=r"^Adam\.minimize: the loss is of a graph: call it inside `with graph"):
        cr.optim.Adam().minimize(loss)


def test_a_loss_that_is_a_tensor_of_a_function() -> None:
    w, optimizer = cr.Variable(2.0), GradientDescent(0.25)
    assert cr.function(lambda: optimizer.minimize(w * w, [w]))() == 4.0

    @cr.function
    def taped() -> Any:
        with cr.GradientTape() as tape:
            loss = w * w
        return optimizer.minimize(loss, tape=tape)

    taped()
    assert w.numpy() == 0.5
    with pytest.raises(cr.ArgumentError, match="minimize: the loss is a tensor of a compiled function: pass var_list="):
        cr.function(lambda: optimizer.minimize(w * w))()


Refused = Callable[[cr.Variable, Any], Any]
REFUSED: dict[str, tuple[Refused, type[Exception], str]] = {
    "no variables": (lambda w, y: GradientDescent(0.1).minimize(y, []), cr.ArgumentError, "no variables to optimize"),
    "no pairs": (lambda w, y: GradientDescent(0.1).apply_gradients([]), cr.ArgumentError, "no variables: expected"),
    "gate": (lambda w, y: GradientDescent(0.1).minimize(y, gate_gradients=9), cr.ArgumentError, "gate_gradients: exp"),
    "no variable": (lambda w, y: GradientDescent(0.1).minimize(y, [3]), cr.DTypeError, "entry 0 of the variables is a"),  # type: ignore[list-item]
    "a tensor": (
        lambda w, y: GradientDescent(0.1).apply_gradients([(1.0, y)]),
        cr.DTypeError,
        "entry 0: expected .gradient, variable., got a Tensor",
    ),
    "all None": (
        lambda w, y: GradientDescent(0.1).apply_gradients([(None, w)]),
        cr.MissingGradientError,
        "no gradients: all are None, of w",
    ),
    "object": (
        lambda w, y: GradientDescent(0.1).apply_gradients([(object(), w)]),
        cr.DTypeError,
        "the gradient of variable 'w': expected a tensor, array, IndexedSlices or None",
    ),
    "text": (lambda w, y: GradientDescent(0.1).apply_gradients([("x", w)]), cr.DTypeError, "'w': expected a tensor"),
    "dtype": (
        lambda w, y: GradientDescent(0.1).apply_gradients([(cr.placeholder("float64", ()), w)]),
        cr.DTypeError,
        "'w': expected dtype float32, got float64; cast it",
    ),
    "shape": (
        lambda w, y: GradientDescent(0.1).apply_gradients([(cr.placeholder("float32", (3,)), w)]),
        cr.ShapeError,
        r"'w': expected shape \(\), got \(3,\)",
    ),
    "twice": (
        lambda w, y: GradientDescent(0.1).apply_gradients([(1.0, w), (1.0, w)]),
        cr.ArgumentError,
        "variable 'w' comes twice; add",
    ),
    "counter": (
        lambda w, y: GradientDescent(0.1).minimize(y, global_step=cr.constant(1)),  # type: ignore[arg-type]
        cr.DTypeError,
        "global_step: expected a Variable, got Tensor",
    ),
    "rate": (
        lambda w, y: GradientDescent(cr.placeholder("float32", (2,))),
        cr.ShapeError,
        "rate: expected one num",
    ),
    "array": (lambda w, y: GradientDescent(0.1).minimize(w * [1.0, 2.0]), cr.ShapeError, r"the loss has shape \(2,\)"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_adds_nothing_that_runs(case: str) -> None:
    refused, error, message = REFUSED[case]
    with cr.Graph().as_default() as graph:
        w = cr.Variable(2.0, dtype="float32", name="w")
        y = w * w
        with pytest.raises(error, match=message):
            refused(w, y)
        assert [variable.name for variable in graph.variables] == ["w"]


def test_one_variable_twice_if_that_is_meant() -> None:
    with cr.Graph().as_default() as graph:
        w = cr.Variable(2.0)
        train = GradientDescent(0.5).apply_gradients([(1.0 * w, w), (1.0, w)], allow_duplicates=True)
        init = cr.global_variables_initializer()
    session = cr.Session(graph)
    session.run(init)
    session.run(train)
    assert session.run(w) == 0.5
