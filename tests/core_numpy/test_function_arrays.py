"""Compiled functions on NumPy's arrays: what goes in and out, NumPy's own functions inside, and no shared memory."""

from __future__ import annotations

import math
import threading
from functools import partial

import numpy as np
import pytest
from scipy.optimize import minimize

import chainrule as cr
from chainrule._passes import optimised


@cr.function
def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def test_numpy_functions_inside():
    x = np.array([1.0, 2.0, 0.5])
    assert rosenbrock(x) == pytest.approx(rosenbrock.python_function(x), rel=1e-14)
    expected = rosen_gradient(x)
    np.testing.assert_allclose(cr.grad(rosenbrock)(x), expected, rtol=1e-12)
    np.testing.assert_allclose(cr.function(cr.grad(rosenbrock))(x), expected, rtol=1e-12)


def rosen_gradient(x):
    g = np.zeros_like(x)
    g[:-1] += -400.0 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2.0 * (1.0 - x[:-1])
    g[1:] += 200.0 * (x[1:] - x[:-1] ** 2)
    return g


def test_with_scipy():
    found = minimize(cr.function(cr.value_and_grad(rosenbrock)), np.zeros(4), jac=True)
    np.testing.assert_allclose(found.x, 1.0, atol=1e-4)
    gradient, product = cr.grad(rosenbrock), cr.hvp(rosenbrock)
    found = minimize(rosenbrock, np.zeros(4), jac=gradient, hessp=product, method="Newton-CG", tol=1e-9)
    np.testing.assert_allclose(found.x, 1.0, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32", "uint8", "bool", "complex64"])
def test_dtypes(dtype):
    f = cr.function(lambda x: x * 2)
    x = np.array([0, 1, 1], dtype=dtype)
    y = f(x)
    assert y.dtype == (x * 2).dtype
    np.testing.assert_array_equal(y, x * 2)
    assert type(y) is np.ndarray


@pytest.mark.parametrize("x", [np.float64(2.0), np.float32(2.0), np.int64(2), np.array(2.0)], ids=repr)
def test_numpy_scalars_are_arrays(x):
    f = cr.function(lambda x: x * 3)
    y = f(x)
    assert y == 6
    assert y.dtype == x.dtype
    f(x + x)
    assert f.traces == 1


@pytest.mark.parametrize(
    ("constant", "dtype"), [(2.0, "float64"), (np.float32(2.0), "float32"), (2, "float64"), (-0.0, "float64")]
)
def test_a_number_beside_a_constant_gives_what_numpy_has(constant, dtype):
    def f(x):
        return cr.tensor(constant) * x

    y = cr.function(f)(3.0)
    assert type(y) is type(f(3.0).value) is np.dtype(dtype).type
    assert y == constant * 3.0


@pytest.mark.parametrize("constant", [math.inf, -math.inf, math.nan, 1e-320, -2.5, -0.0])
def test_numbers_of_every_kind_among_single_numbers(constant):
    def f(xp, x):
        y = xp.sin(x) * 2.0 + 1.0 - 0.5 * xp.cos(x) + x * x * x
        return xp.minimum(y, constant), -(y - constant), constant / y, xp.where(y > 0, constant, y)

    np.testing.assert_equal(cr.function(partial(f, cr))(np.float64(0.3)), f(np, np.float64(0.3)))


def test_nothing_that_is_returned_shares_memory():
    constant = np.array([1.0, 1.0])
    f = cr.function(lambda x: (x, np.reshape(x, (2, 1)), cr.as_tensor(constant), x[:1]))
    x = np.array([1.0, 2.0])
    for y in f(x):
        y[...] = 99.0
    np.testing.assert_array_equal(x, [1.0, 2.0])
    np.testing.assert_array_equal(constant, [1.0, 1.0])
    np.testing.assert_array_equal(f(x)[2], [1.0, 1.0])


def test_gradients_do_not_see_what_is_written_into_results():
    f = cr.function(lambda x: np.exp(x))
    x = np.array([0.0, 1.0])
    y, pull_back = cr.vjp(f, x)
    y[...] = 99.0
    np.testing.assert_allclose(pull_back(np.ones(2))[0], np.exp(x))


def test_indices_and_masks_that_only_values_tell():
    x = np.array([1.0, -2.0, 3.0])
    f = cr.function(lambda x, i: (x[i], x[x > 0.0], np.sum(x[x > 0.0] ** 2)))
    taken, positive, total = f(x, np.array([2, 0]))
    np.testing.assert_array_equal(taken, [3.0, 1.0])
    np.testing.assert_array_equal(positive, [1.0, 3.0])
    assert total == 10.0
    positives = cr.function(lambda x: np.sum(x[x > 0.0] ** 2))
    np.testing.assert_array_equal(cr.grad(positives)(x), [2.0, 0.0, 6.0])
    np.testing.assert_array_equal(cr.hessian(positives)(x), np.diag([2.0, 0.0, 2.0]))


def test_looking_at_arrays_inside():
    with pytest.raises(cr.SymbolicValueError, match="it has no value while compiled function"):
        cr.function(lambda x: np.array([x[0], x[1]]))(np.array([1.0, 2.0]))


def test_iterating_and_lengths():
    f = cr.function(lambda x: np.stack([v * len(x) for v in x]))
    np.testing.assert_array_equal(f(np.array([1.0, 2.0])), [2.0, 4.0])


def test_a_network_trained_in_one_compiled_step():
    draw = np.random.default_rng(0)
    x = draw.normal(size=(64, 3))
    y = x @ [1.0, -2.0, 0.5] + 3.0
    w, b = cr.Variable(np.zeros(3)), cr.Variable(0.0)

    @cr.function
    def step(x, y, rate):
        with cr.GradientTape() as tape:
            loss = np.mean((x @ w + b - y) ** 2)
        for variable, g in zip((w, b), tape.gradient(loss, (w, b)), strict=True):
            variable.assign_sub(rate * g)
        return loss

    plain_w, plain_b = np.zeros(3), 0.0
    for i in range(300):
        rate = 0.1 / (1 + i / 100)
        r = x @ plain_w + plain_b - y
        np.testing.assert_allclose(step(x, y, rate), np.mean(r**2), rtol=1e-9, atol=1e-12)
        plain_w, plain_b = plain_w - rate * 2 * x.T @ r / 64, plain_b - rate * 2 * r.mean()
    assert step.traces == 1
    np.testing.assert_allclose(w.numpy(), [1.0, -2.0, 0.5], atol=1e-6)
    np.testing.assert_allclose(w.numpy(), plain_w, rtol=1e-9)


def test_results_of_threads_are_their_own():
    f = cr.function(lambda x: np.cumsum(x) * np.sum(x))
    errors = []

    def work(n):
        x = np.full(50, float(n))
        for _ in range(50):
            if not np.array_equal(f(x), np.cumsum(x) * np.sum(x)):
                errors.append(n)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors
    assert f.traces == 1


def test_tables_from_outside():
    table = np.arange(10_000.0)
    f = cr.function(lambda i: cr.take(table, i))
    np.testing.assert_array_equal(f(np.array([3, 9_999])), [3.0, 9999.0])


def test_equal_constants_are_one():
    zeros = np.zeros(3)

    def computed(b):
        traced = cr.function(lambda x: cr.atan2(x, cr.tensor(zeros)) * cr.atan2(x, cr.tensor(b))).trace(np.ones(3))
        return [i.op.name for i in optimised(traced, cr.get_backend()).instructions].count("atan2")

    assert computed(zeros.copy()) == 1
    assert computed(-zeros) == computed(zeros.astype("float32")) == computed(zeros[None]) == 2
