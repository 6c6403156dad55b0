"""`GradientTape` while a graph or a function is being built: the same questions, answered by nodes."""

from __future__ import annotations

import pytest

import chainrule as cr

pytestmark = pytest.mark.usefixtures("backend")


@pytest.fixture
def session(backend):
    """A session of a graph that is being built."""
    with cr.Graph().as_default() as graph, cr.Session(graph) as session:
        yield session
    assert cr.get_default_graph() is None


def test_what_is_watched(session, same):
    x = cr.placeholder("float64", ())
    with cr.GradientTape() as tape:
        t = tape.watch(x)
        y = t * t
    g = tape.gradient(y, t)
    same(session.run([y, g], {x: 3.0}), [9.0, 6.0])


def test_what_is_not_watched_is_unconnected(session):
    x = cr.stop_gradient(cr.placeholder("float64", ()))
    with cr.GradientTape() as tape:
        y = x * x
    assert tape.gradient(y, x) is None


def test_variables_are_watched_by_themselves(session, same):
    w = cr.Variable(3.0)
    with cr.GradientTape() as tape:
        y = w * w
    g = tape.gradient(y, w)
    session.run(w.initializer)
    same(session.run(g), 6.0)
    session.load(w, 5.0)
    same(session.run(g), 10.0)


def test_structures_of_sources(session, same):
    x, z = cr.placeholder("float64", ()), cr.placeholder("float64", (2,))
    with cr.GradientTape() as tape:
        a, b = tape.watch(x), tape.watch(z)
        y = cr.sum(a * b)
    found = tape.gradient(y, {"a": a, "rest": [b]})
    same(session.run(found, {x: 2.0, z: [3.0, 4.0]}), {"a": 7.0, "rest": [[2.0, 2.0]]})


def test_a_tape_is_good_for_one_gradient_unless_persistent(session, same):
    x = cr.placeholder("float64", ())
    with cr.GradientTape() as once, cr.GradientTape(persistent=True) as often:
        t = once.watch(often.watch(x))
        y = t * t
    once.gradient(y, t)
    with pytest.raises(cr.TapeError, match="persistent"):
        once.gradient(y, t)
    same(session.run([often.gradient(y, t), often.gradient(y, t)], {x: 3.0}), [6.0, 6.0])


def test_second_derivatives_by_nested_tapes(session, same):
    x = cr.placeholder("float64", ())
    with cr.GradientTape() as outer:
        t = outer.watch(x)
        with cr.GradientTape() as inner:
            u = inner.watch(t)
            y = u * u * u
        first = inner.gradient(y, u)
    second = outer.gradient(first, t)
    same(session.run([first, second], {x: 2.0}), [12.0, 12.0])


def test_stop_recording(session, same):
    x = cr.placeholder("float64", ())
    with cr.GradientTape() as tape:
        t = tape.watch(x)
        with tape.stop_recording():
            scale = t * 2.0
        y = t * scale
    same(session.run(tape.gradient(y, t), {x: 3.0}), 6.0)


def test_seeds_and_zeros(session, same):
    x, other = cr.placeholder("float64", (2,)), cr.placeholder("float64", (3,))
    with cr.GradientTape(persistent=True) as tape:
        t, o = tape.watch(x), tape.watch(other)
        y = t * t
    feed = {x: [1.0, 2.0], other: [0.0] * 3}
    same(session.run(tape.gradient(y, t, output_gradients=[10.0, 100.0]), feed), [20.0, 400.0])
    same(session.run(tape.gradient(y, o, output_gradients=[1.0, 1.0], unconnected_gradients="zero"), feed), [0.0] * 3)
    with pytest.raises(cr.ShapeError, match="the target has shape"):
        tape.gradient(y, t)


def test_jacobians(session, same):
    x = cr.placeholder("float64", (2,))
    with cr.GradientTape(persistent=True) as tape:
        t = tape.watch(x)
        y = t * t * cr.sum(t)
    # d y_i / d x_j = 2 x_i s [i = j] + x_i^2
    same(session.run(tape.jacobian(y, t), {x: [1.0, 2.0]}), [[7.0, 1.0], [4.0, 16.0]])


def test_overrides(session, same):
    x = cr.placeholder("float64", ())
    with cr.GradientTape(persistent=True) as tape:
        t = tape.watch(x)
        y = cr.square(t)
    found = tape.gradient(y, t, overrides={"square": lambda g, _y, _x: 100.0 * g})
    same(session.run([found, tape.gradient(y, t)], {x: 3.0}), [100.0, 6.0])


def test_in_a_function(same):
    w = cr.Variable(2.0)

    @cr.function
    def slopes(x):
        with cr.GradientTape() as tape:
            t = tape.watch(x)
            y = t * t * w
        return tape.gradient(y, [t, w])

    same(slopes(3.0), [12.0, 9.0])
    w.assign(5.0)
    same(slopes(3.0), [30.0, 9.0])


def test_around_a_function(same):
    w = cr.Variable(2.0)

    @cr.function
    def f(x):
        return x * x * w

    with cr.GradientTape() as tape:
        x = tape.watch(cr.tensor(3.0))
        y = f(x)
    same(tape.gradient(y, [x, w]), [12.0, 9.0])


def test_a_training_step_in_a_graph(session, same):
    # w -> w - 0.1 * 2 (w - 3): the distance from 3 shrinks by 0.8 each time.
    w = cr.Variable(0.0)
    with cr.GradientTape() as tape:
        loss = cr.square(w - 3.0)
    step = w.assign_sub(tape.gradient(loss, w) * 0.1)
    session.run(w.initializer)
    for n in range(1, 6):
        same(session.run(step), 3.0 - 3.0 * 0.8**n)
