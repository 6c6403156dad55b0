"""Memory of gradients: sums of cotangents in place where they are the engine's own, saved values freed on the way."""

import weakref

import numpy as np
import pytest

import chainrule as cr


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_many_uses_of_one_array(rng):
    x = rng.normal(size=(4, 3))
    weights = [rng.normal(size=(4, 3)) for _ in range(6)]
    got = cr.grad(lambda x: sum(cr.sum(w * x) for w in weights))(x)
    np.testing.assert_allclose(got, sum(weights))


def test_what_definitions_pass_on_stays_as_it_is(rng):
    x, seed = rng.normal(size=5), rng.normal(size=5)
    kept = seed.copy()
    _, pull_back = cr.vjp(lambda x: x + x + x + x + x, x)
    for _ in range(2):
        (got,) = pull_back(seed)
        np.testing.assert_allclose(got, 5 * kept)
        np.testing.assert_array_equal(seed, kept)


def test_cotangents_that_hooks_keep_stay_as_they_are(rng):
    x = rng.normal(size=3)
    with cr.GradientTape() as tape:
        t = tape.watch(cr.tensor(x))
        parts = [(t * float(n)).keep_gradient() for n in range(1, 6)]
        loss = cr.sum(parts[0] + parts[1] + parts[2] + parts[3] + parts[4])
    np.testing.assert_allclose(tape.gradient(loss, t).numpy(), np.full(3, 15.0))
    for part in parts:
        np.testing.assert_array_equal(part.gradient.numpy(), np.ones(3))


def test_one_gradient_for_two_sources_of_one_cotangent(rng):
    x, y = rng.normal(size=3), rng.normal(size=3)

    def f(x, y):
        both = x + y
        return cr.sum(both) + cr.sum(both * x) + cr.sum(both * y) + cr.sum(x) + cr.sum(y * y)

    gx, gy = cr.grad(f, argnums=(0, 1))(x, y)
    np.testing.assert_allclose(gx, 1 + (x + y) * 2 + 1)
    np.testing.assert_allclose(gy, 1 + (x + y) * 2 + 2 * y)
    assert not np.shares_memory(gx, gy)


def test_variables_that_are_read_many_times(rng):
    w = cr.Variable(rng.normal(size=4))
    factors = [rng.normal(size=4) for _ in range(5)]
    for persistent in (False, True):
        with cr.GradientTape(persistent=persistent) as tape:
            loss = sum(cr.sum(w * factor) for factor in factors)
        first = tape.gradient(loss, w).numpy()
        np.testing.assert_allclose(first, sum(factors))
        if persistent:
            np.testing.assert_allclose(tape.gradient(loss, w).numpy(), first)


def test_second_derivatives(rng):
    x = rng.normal(size=3)
    got = cr.hessian(lambda x: cr.sum(x * x * x + x * x + x * cr.sin(x)))(x)
    np.testing.assert_allclose(got, np.diag(6 * x + 2 + 2 * np.cos(x) - x * np.sin(x)))


def test_other_dtypes_and_shapes_that_meet(rng):
    x = rng.normal(size=3).astype(np.float32)
    got = cr.grad(lambda x: cr.sum(x) + cr.sum(x * np.ones(3)) + cr.sum(x * np.ones((2, 3))) + cr.sum(x * 2.0))(x)
    np.testing.assert_allclose(got, np.full(3, 6.0))
    assert got.dtype == np.float32


def test_saved_values_go_while_the_walk_passes(rng):
    saved, left = [], []

    @cr.custom_gradient
    def first(x):
        def back(g):
            left.append(sum(ref() is not None for ref in saved))
            return g

        return x * 1.0, back

    def f(x):
        y = first(x)
        for _ in range(5):
            y = cr.exp(y * 0.1)
            saved.append(weakref.ref(y.value))
        return cr.sum(y), y

    x = rng.normal(size=10)
    (value, aux), gradient = cr.value_and_grad(f, has_aux=True)(x)
    assert left == [0]
    np.testing.assert_allclose(value, aux.sum())
    step = 1e-3 * gradient / np.linalg.norm(gradient)
    plain = cr.value_and_grad(lambda x: f(x)[0])
    difference = (plain(x + step)[0] - plain(x - step)[0]) / 2
    np.testing.assert_allclose(difference, np.sum(step * gradient), rtol=1e-5)
