"""Programs: variables, sessions, compiled functions and loops on a backend."""

from __future__ import annotations

from typing import Any

import numpy as np

import chainrule as cr

POINTS = np.random.default_rng(0).normal(size=(40, 2))
LABELS = (POINTS @ [1.0, -2.0] > 0).astype(np.int64)


def loss(w: Any, b: Any, x: Any, y: Any) -> Any:
    return cr.sum(cr.sparse_softmax_cross_entropy(x @ w + b, y)) / len(LABELS)


def test_reading_a_variable_has_a_gradient(backend: cr.Backend) -> None:
    v = cr.Variable(cr.tensor([2.0, 3.0]))
    with cr.GradientTape() as tape:
        y = cr.sum(cr.multiply(v, v))
    gradient = tape.gradient(y, v)
    assert (gradient.tolist(), gradient.device) == ([4.0, 6.0], cr.tensor(0.0).device)


def test_a_read_keeps_its_value_when_the_variable_changes(backend: cr.Backend) -> None:
    v = cr.Variable(cr.tensor([1.0, 2.0]))
    before = v.read()
    v.assign_add(cr.tensor([10.0, 10.0]))
    assert before.tolist() == [1.0, 2.0]
    assert v.read().tolist() == [11.0, 12.0]


def test_the_ways_to_train_agree(backend: cr.Backend) -> None:
    """Softmax regression by hand, compiled and in a session: the same weights, on the device, and a good fit."""
    x, y = cr.tensor(POINTS), cr.tensor(LABELS)
    step = cr.value_and_grad(loss, argnums=(0, 1))

    def train(step: Any) -> tuple[Any, Any, float]:
        w, b = cr.zeros((2, 2)), cr.zeros((2,))
        for _ in range(60):
            value, (gw, gb) = step(w, b, x, y)
            w, b = w - gw, b - gb
        return w, b, float(value)

    w, b, value = train(step)
    assert w.device == x.device
    assert value < 0.25
    compiled_w, compiled_b, _ = train(cr.function(step))
    np.testing.assert_allclose(compiled_w.numpy(), w.numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(compiled_b.numpy(), b.numpy(), rtol=1e-9, atol=1e-12)

    with cr.Graph().as_default() as graph:
        points, labels = cr.placeholder("float64", (None, 2)), cr.placeholder("int64", (None,))
        gw, gb = cr.Variable(np.zeros((2, 2)), name="w"), cr.Variable(np.zeros(2), name="b")
        train_step = cr.optim.GradientDescent(1.0).minimize(loss(gw, gb, points, labels))
        start = cr.global_variables_initializer()
    with cr.Session(graph) as session:
        session.run(start)
        for _ in range(60):
            session.run(train_step, {points: POINTS, labels: LABELS})
        trained = cr.as_tensor(session.run(gw))
    assert (trained.backend, trained.device) == (backend, x.device)
    np.testing.assert_allclose(trained.numpy(), w.numpy(), rtol=1e-9, atol=1e-12)


def test_loops_and_branches(backend: cr.Backend) -> None:
    @cr.function
    def f(x: Any) -> Any:
        y = cr.fori_loop(0, 5, lambda _, y: y * x + 1.0, x)
        return cr.cond(cr.sum(y) > 0, lambda: y * 2.0, lambda: y)

    def by_hand(x: Any) -> Any:
        y = x
        for _ in range(5):
            y = y * x + 1.0
        return y * 2.0

    x = np.array([0.5, 1.25])
    np.testing.assert_allclose(f(cr.tensor(x)).numpy(), by_hand(x), rtol=1e-12)
    gradient = cr.grad(lambda x: cr.sum(f(x)))(cr.tensor(x))
    step = 1e-6
    np.testing.assert_allclose(gradient.numpy(), (by_hand(x + step) - by_hand(x - step)) / (2 * step), rtol=1e-8)


def test_a_compiled_function_writes_over_no_argument(backend: cr.Backend) -> None:
    f = cr.function(lambda x, y: cr.exp(x * y + 1.0) - cr.sum(x))
    x, y = cr.tensor(POINTS), cr.tensor(POINTS + 1.0)
    first = f(x, y).numpy()
    for _ in range(5):
        np.testing.assert_array_equal(f(x, y).numpy(), first)
    np.testing.assert_array_equal(x.numpy(), POINTS)
    np.testing.assert_array_equal(y.numpy(), POINTS + 1.0)


def test_a_result_keeps_its_value_at_the_next_call(backend: cr.Backend) -> None:
    f = cr.function(lambda x: cr.tanh(x * 2.0) + 1.0)
    results = [f(cr.full((50,), float(n))) for n in range(4)]
    for n, result in enumerate(results):
        np.testing.assert_allclose(result.numpy(), np.full(50, np.tanh(2.0 * n) + 1.0), rtol=1e-12)
