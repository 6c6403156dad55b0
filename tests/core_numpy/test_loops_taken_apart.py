"""Loops of which the compiler does a part for all steps at once: the same values and derivatives, in less of a loop."""

from __future__ import annotations

import random

import numpy as np
import pytest

import chainrule as cr

LOOPS = ("scan", "while_loop")


def eager(f, *arrays):
    return cr.value_and_grad(f, tuple(range(len(arrays))))(*arrays)


def outside(f, *arrays):
    return eager(cr.function(f), *arrays)


def inside(f, *arrays):
    return cr.function(cr.value_and_grad(f, tuple(range(len(arrays)))))(*arrays)


def in_a_session(f, *arrays):
    with cr.Graph().as_default() as graph:
        inputs = [cr.placeholder(x.dtype.name, (None,) * x.ndim) for x in arrays]
        y = f(*inputs)
        gradients = cr.gradients(y, inputs)
    return cr.Session(graph).run((y, gradients), dict(zip(inputs, arrays, strict=True)))


def loops(f, *arrays):
    """The loops of a compiled function, each with the names of its body's operations in order."""
    plan = cr.explain(f, *arrays).stages["plan"]
    found, around = [], ""
    for line in str(plan).splitlines():
        name = line.partition(" = ")[2].partition("(")[0]
        if name and not line.startswith(" "):
            around = name
            found += [[]] if name in LOOPS else []
        elif name and around in LOOPS:
            found[-1].append(name)
    return found


def agree(f, *arrays, rtol=1e-9, atol=1e-11):
    """Each way gives the value and gradients that eager code gives."""
    value, gradients = eager(f, *arrays)
    for way in (outside, inside, in_a_session):
        found, others = way(f, *arrays)
        np.testing.assert_allclose(found, value, rtol=rtol, atol=atol)
        for a, b in zip(others, gradients, strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


@pytest.fixture
def draw():
    return np.random.default_rng(0)


def network(xs, h, u, w, b):
    last, _ = cr.scan(lambda h, x: (cr.tanh(x @ u + h @ w + b), ()), h, xs)
    return cr.sum(last * last)


def by_hand(xs, h, u, w, b):
    hs = [h]
    for x in xs:
        hs.append(np.tanh(x @ u + hs[-1] @ w + b))
    d = 2 * hs[-1]
    du, dw, db = np.zeros_like(u), np.zeros_like(w), np.zeros_like(b)
    for x, before, h in zip(xs[::-1], hs[-2::-1], hs[:0:-1], strict=True):
        dz = d * (1 - h * h)
        du, dw, db, d = du + x.T @ dz, dw + before.T @ dz, db + dz.sum(0), dz @ w.T
    return np.sum(hs[-1] ** 2), (du, dw, db)


@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-4), ("float64", 1e-11)])
@pytest.mark.parametrize("steps", [0, 1, 9])
def test_a_recurrent_network_is_what_it_is_by_hand(draw, dtype, rtol, steps):
    shapes = ((steps, 2, 3), (2, 4), (3, 4), (4, 4), (4,))
    arrays = [draw.normal(size=shape).astype(dtype) * 0.5 for shape in shapes]
    value, gradients = by_hand(*arrays)
    found, others = cr.function(cr.value_and_grad(network, (2, 3, 4)))(*arrays)
    np.testing.assert_allclose(found, value, rtol=rtol)
    for a, b in zip(others, gradients, strict=True):
        assert a.dtype == dtype
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)


def test_a_recurrent_network_is_what_it_is_by_hand_in_every_way(draw):
    agree(network, *(draw.normal(size=shape) for shape in ((9, 2, 3), (2, 4), (3, 4), (4, 4), (4,))))


def test_what_is_left_of_a_recurrent_network(draw):
    """Forward one product and its nonlinearity, backwards a product: all others are of all steps at once."""
    arrays = [draw.normal(size=shape) for shape in ((9, 2, 3), (2, 4), (3, 4), (4, 4), (4,))]
    forward, backward = loops(cr.function(cr.value_and_grad(network, (2, 3, 4))), *arrays)
    assert forward.count("matmul") == 1
    assert forward.count("tanh") == 1
    assert backward == ["multiply", "matmul"]


def test_nothing_is_left_of_a_loop_that_carries_nothing(draw):
    x, w = draw.normal(size=(5, 3)), draw.normal(size=(3, 2))

    def f(x, w):
        return cr.sum(cr.map(lambda row: cr.tanh(row @ w), x))

    assert loops(cr.function(f), x, w) == []
    np.testing.assert_allclose(cr.function(f)(x, w), np.sum(np.tanh(x @ w)))
    agree(f, x, w)


def test_sums_leave_the_loop(draw):
    x = draw.normal(size=(6, 3))

    def f(x):
        total, last = cr.scan(lambda c, row: ((c[0] + row * row, c[1] * cr.sin(row)), ()), (x[0], x[1]), x)[0]
        return cr.sum(total * last)

    (body,) = loops(cr.function(f), x)
    assert body == ["multiply"]
    agree(f, x)


def test_a_checkpoint_in_a_loop_is_run_again(draw):
    x, w = draw.normal(size=(6, 3)), draw.normal(size=(3, 3))
    step = lambda c, row: cr.tanh(c @ w + row)  # noqa: E731

    def f(again):
        body = cr.checkpoint(step) if again else step
        return lambda x: cr.sum(cr.scan(lambda c, row: (body(c, row), ()), x[0], x)[0])

    kept, run_again = (loops(cr.function(cr.grad(f(again))), x)[-1] for again in (False, True))
    assert "tanh" not in kept
    assert run_again.count("tanh") >= 1
    np.testing.assert_allclose(cr.function(cr.grad(f(True)))(x), cr.grad(f(False))(x), rtol=1e-10)


def test_a_while_loop_gives_its_gradient_what_it_has_computed(draw):
    x = draw.normal(size=3)

    def f(x):
        return cr.sum(cr.while_loop(lambda v: cr.sum(v * v) < 50.0, lambda v: v * 1.5 + cr.exp(cr.sin(v)), x))

    assert [body.count("exp") for body in loops(cr.function(cr.grad(f)), x)] == [1, 0]
    agree(f, x)


def test_rows_of_a_table_are_gathered_and_added_up_at_once(draw):
    table, w = draw.normal(size=(7, 4)), draw.normal(size=(4, 4)) * 0.3
    ids = np.array([[0, 3], [3, 6], [1, 3]])

    def f(table, w):
        last, _ = cr.scan(lambda h, i: (cr.tanh(h @ w + cr.take(table, i, axis=0)), ()), cr.zeros((2, 4)), ids)
        return cr.sum(last * last)

    assert all({"getitem", "scatter_add_rows"}.isdisjoint(body) for body in loops(cr.function(cr.grad(f)), table, w))
    agree(f, table, w)


def test_effects_stay_where_they_are(draw):
    x, seen = draw.normal(size=(3, 2)), []

    def f(x):
        def body(c, row):
            y = cr.exp(row)
            cr.callback(lambda v: seen.append(np.array(v)), y)
            return c + cr.sum(y), ()

        return cr.scan(body, 0.0, x)[0]

    np.testing.assert_allclose(cr.function(f)(x), np.sum(np.exp(x)))
    np.testing.assert_allclose(seen, np.exp(x))


def test_what_would_take_much_more_memory_stays_in_the_loop():
    x = np.ones((2000, 50))

    def f(x):
        return cr.scan(lambda c, row: (c + cr.sum(row[:, None] * cr.exp(row)[None, :] * c), ()), 1e-9, x[:, :50])[0]

    def g(x):
        return cr.scan(lambda c, row: (c + cr.sum(row[:, None] * row[None, :]), ()), 0.0, x)[0]

    assert loops(cr.function(f), x)
    np.testing.assert_allclose(cr.function(g)(x), 2000 * 2500.0)


# What a step computes right where it is kept


def test_carried_values_that_are_views_of_each_other(draw):
    """A value of two steps before, and one that is another seen differently."""
    a, b, w = draw.normal(size=(3, 3)), draw.normal(size=(3, 3)), draw.normal(size=(3, 3)) * 0.5

    def f(a, b):
        def step(c, i):
            a, b, c = c
            new = np.tanh(b @ w + a)
            return (new, a, cr.transpose(new)), (c * 1.0, b)

        return cr.scan(step, (a, b, a), cr.arange(7))

    (x, y, z), (first, second) = cr.function(f)(a, b)
    p, q, s, firsts, seconds = a, b, a, [], []
    for _ in range(7):
        firsts.append(s)
        seconds.append(q)
        p, q = np.tanh(q @ w + p), p
        s = p.T
    for found, expected in zip((x, y, z, first, second), (p, q, s, firsts, seconds), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_results_stay_when_the_function_is_called_again(draw):
    xs, h, w = draw.normal(size=(5, 2, 3)), draw.normal(size=(2, 3)), draw.normal(size=(3, 3))
    given = [x.copy() for x in (xs, h, w)]
    f = cr.function(lambda xs, h, w: cr.scan(lambda h, x: (cr.tanh(h @ w + x), h * 2.0), h, xs))
    last, all_of_them = f(xs, h, w)
    copies = np.array(last), np.array(all_of_them)
    f(-xs, -h, w)
    f(xs[:0], h, w)[0][...] = 0.0  # no step, and still an array of its own
    np.testing.assert_array_equal(last, copies[0])
    np.testing.assert_array_equal(all_of_them, copies[1])
    for x, before in zip((xs, h, w), given, strict=True):
        np.testing.assert_array_equal(x, before)


def test_a_while_loop_of_more_steps_than_there_was_room_for(draw):
    x = draw.normal(size=(2, 3))

    def f(x):
        c = cr.while_loop(lambda c: c[0] < 150, lambda c: (c[0] + 1, c[1] + 0.01 * cr.sin(c[1])), (0, x))
        return cr.sum(c[1] * c[1])

    agree(f, x)


def test_large_steps_compute_cheap_elements_themselves(draw):
    """Sums and products of whole arrays are not made before the loop if its steps can make them."""
    xs, w = draw.normal(size=(4, 50, 60)), draw.normal(size=(60, 60)) / 8

    def f(xs, w):
        seen = cr.reshape(cr.reshape(xs, (200, 60)) @ w + w[0], (4, 50, 60))
        _, hs = cr.scan(lambda h, x: (h := cr.tanh(h @ w + x), h), xs[0], seen * 0.5)
        return cr.mean(hs * hs)

    _, body = loops(cr.function(cr.value_and_grad(f, (0, 1))), xs, w)
    assert body.count("matmul") == 1
    agree(f, xs, w)


# Loops at random, with weights: values, gradients, and gradients of gradients


def body_at_random(seed, weights):
    """A step that may use its weights many times, add up and give things along the way."""

    def step(carry, x):
        draw = random.Random(seed)
        h, total, k = carry
        values = [h, x]
        for _ in range(draw.randrange(2, 7)):
            kind, a, b = draw.randrange(9), draw.choice(values), draw.choice(values)
            values.append(
                [
                    lambda a, b: cr.tanh(a @ weights[0]),
                    lambda a, b: cr.sin(a @ weights[0].T + b),
                    lambda a, b: a * b,
                    lambda a, b: a + weights[1],
                    lambda a, b: cr.maximum(a, b) - 0.5 * a,
                    lambda a, b: cr.softmax(a, axis=-1) * cr.sum(b, axis=0),
                    lambda a, b: cr.transpose(cr.transpose(a) * 0.5),
                    lambda a, b: cr.where(a > b, a, cr.cos(b)),
                    lambda a, b: a / (2.0 + cr.mean(b * b)),
                ][kind](a, b)
            )
        new = cr.tanh(values[-1] + draw.choice(values))
        added = draw.choice([new, x, values[-1] * values[2]])
        result = draw.choice([new, values[2], cr.sum(values[-1]), new @ weights[0]])
        return (new if draw.random() < 0.8 else h, total + added, k + 1), result

    return step


def loss_at_random(seed):
    draw = random.Random(seed)
    kind, steps = draw.choice(["scan", "scan", "fori", "while"]), draw.randrange(5)
    backwards, nothing = draw.random() < 0.5, draw.random() < 0.5

    def f(w, b, h, xs):
        step, around = body_at_random(seed, (w, b)), cr.sum(w) + cr.sum(b) + cr.sum(h) + cr.sum(xs)
        start = (h, h * 0.0 if nothing else h + b, 0)
        if kind == "scan":
            (h, total, k), ys = cr.scan(step, start, xs, reverse=backwards)
            return cr.sum(h * total) + cr.sum(ys * ys) + 0.1 * k + around
        if kind == "fori":
            h, total, k = cr.fori_loop(0, steps, lambda i, c: step(c, xs[i % 3])[0], start)
        else:
            h, total, k = cr.while_loop(lambda c: c[2] < steps, lambda c: step(c, xs[1] * (1.0 + c[2]))[0], start)
        return cr.sum(h * total) + 0.1 * k + around

    return f


@pytest.mark.parametrize("seed", [*range(40), 130])
def test_loops_at_random(seed):
    draw = np.random.default_rng(seed)
    arrays = [draw.normal(size=shape) * 0.5 for shape in ((3, 3), (3,), (2, 3), (4, 2, 3))]
    f = loss_at_random(seed)
    agree(f, *arrays, rtol=1e-8, atol=1e-9)
    directions = [draw.normal(size=a.shape) for a in arrays]

    def slope(g):
        return lambda *arrays: sum(
            cr.sum(d * p) for d, p in zip(directions, cr.grad(g, (0, 1, 2, 3))(*arrays), strict=True)
        )

    second = cr.grad(slope(f), (0, 1, 2, 3))(*arrays)
    for g in (cr.grad(slope(cr.function(f)), (0, 1, 2, 3)), cr.function(cr.grad(slope(f), (0, 1, 2, 3)))):
        for a, b in zip(g(*arrays), second, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-8)
