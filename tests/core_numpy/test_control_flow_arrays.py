"""Control flow on NumPy's arrays: what people write with it, against NumPy, SciPy and finite differences."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.special import lambertw

import chainrule as cr


def differences(f, x, step=1e-6):
    """The gradient of a function of an array, by central differences."""
    g = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        d = np.zeros_like(x)
        d[i] = step
        g[i] = (float(f(x + d)) - float(f(x - d))) / (2 * step)
    return g


def differences_of_gradient(g, x, step=1e-6):
    rows = []
    for i in range(x.size):
        d = np.zeros_like(x)
        d[i] = step
        rows.append((g(x + d) - g(x - d)) / (2 * step))
    return np.array(rows)


def in_a_session(f, *arrays):
    """The value and gradients of a function, in a graph of placeholders of unknown lengths."""
    with cr.Graph().as_default() as graph:
        inputs = [cr.placeholder(x.dtype.name, (None,) * x.ndim) for x in arrays]
        y = f(*inputs)
        gradients = cr.gradients(y, inputs)
    value, gradients = cr.Session(graph).run((y, gradients), dict(zip(inputs, arrays, strict=True)))
    return value, tuple(gradients)


def every(n):
    return tuple(range(n))


WAYS = {
    "eager": lambda f, *arrays: cr.value_and_grad(f, every(len(arrays)))(*arrays),
    "outside": lambda f, *arrays: cr.value_and_grad(cr.function(f), every(len(arrays)))(*arrays),
    "inside": lambda f, *arrays: cr.function(cr.value_and_grad(f, every(len(arrays))))(*arrays),
    "session": in_a_session,
}


@pytest.fixture(params=WAYS)
def value_and_grad(request):
    return WAYS[request.param]


@pytest.fixture
def draw():
    return np.random.default_rng(0)


def test_a_recurrent_network(value_and_grad, draw):
    w, u, xs, h = (draw.normal(size=shape) * 0.5 for shape in ((4, 4), (3, 4), (6, 2, 3), (2, 4)))

    def loss(w, u, xs, h):
        last, outputs = cr.scan(lambda h, x: (h := np.tanh(h @ w + x @ u), np.sum(h * h)), h, xs)
        return np.mean(last) + np.sum(outputs)

    def plain(w, u, xs, h):
        total = 0.0
        for x in xs:
            h = np.tanh(h @ w + x @ u)
            total += np.sum(h * h)
        return np.mean(h) + total

    value, gradients = value_and_grad(loss, w, u, xs, h)
    np.testing.assert_allclose(value, plain(w, u, xs, h), rtol=1e-12)
    arrays = [w, u, xs, h]
    for i, g in enumerate(gradients):
        expected = differences(lambda a, i=i: plain(*arrays[:i], a, *arrays[i + 1 :]), arrays[i])
        np.testing.assert_allclose(g, expected, rtol=1e-6, atol=1e-8)


def test_newtons_method_differentiated_through_its_steps(value_and_grad):
    """w e^w = a is Lambert's function, whose slope is w / (a (1 + w))."""
    a = np.array([0.5, 1.0, 3.0])

    def solved(a):
        def step(w):
            e = np.exp(w)
            return w - (w * e - a) / (e * (w + 1.0))

        w = cr.while_loop(lambda w: np.max(np.abs(w * np.exp(w) - a)) > 1e-14, step, np.ones(3) * a / a)
        return np.sum(w)

    value, (g,) = value_and_grad(solved, a)
    w = lambertw(a).real
    np.testing.assert_allclose(value, w.sum(), rtol=1e-12)
    np.testing.assert_allclose(g, w / (a * (1 + w)), rtol=1e-9)


def test_an_ordinary_differential_equation(value_and_grad):
    """Runge and Kutta's steps of a pendulum, against SciPy's solution, and the slope by its differences."""

    def slope(y):
        return np.stack((y[1], -np.sin(y[0])))

    def end(y):
        dt = 0.01

        def step(i, y):
            a = slope(y)
            b = slope(y + dt / 2 * a)
            c = slope(y + dt / 2 * b)
            d = slope(y + dt * c)
            return y + dt / 6 * (a + 2 * b + 2 * c + d)

        return cr.fori_loop(0, 200, step, y)[0]

    def exact(y):
        found = solve_ivp(lambda t, y: [y[1], -math.sin(y[0])], (0, 2), y, rtol=1e-11, atol=1e-12)
        return found.y[0, -1]

    y = np.array([1.0, 0.2])
    value, (g,) = value_and_grad(end, y)
    np.testing.assert_allclose(value, exact(y), rtol=1e-8)
    np.testing.assert_allclose(g, differences(exact, y, 1e-4), rtol=1e-6)


def test_powers_of_a_matrix(value_and_grad, draw):
    m = draw.normal(size=(3, 3))
    value, (g,) = value_and_grad(lambda m: np.trace(cr.fori_loop(0, 5, lambda i, p: p @ m, cr.eye(3))), m)
    np.testing.assert_allclose(value, np.trace(np.linalg.matrix_power(m, 5)))
    np.testing.assert_allclose(g, 5 * np.linalg.matrix_power(m, 4).T)


def test_a_choice_for_each_row(value_and_grad):
    rows = np.array([[1.0, 2.0], [-3.0, 1.0], [0.5, 0.5]])

    def f(rows):
        one = lambda r: cr.cond(np.sum(r) > 0.0, lambda: np.sum(r * r), lambda: np.prod(r))  # noqa: E731
        return np.sum(cr.map(one, rows))

    value, (g,) = value_and_grad(f, rows)
    np.testing.assert_allclose(value, 5.0 - 3.0 + 0.5)
    np.testing.assert_allclose(g, [[2.0, 4.0], [1.0, -3.0], [1.0, 1.0]])


def test_a_cumulative_sum_backwards(value_and_grad, draw):
    x, w = draw.normal(size=7), draw.normal(size=7)
    value, (g, _) = value_and_grad(
        lambda x, w: np.sum(cr.scan(lambda c, v: (c + v, c + v), 0.0, x, reverse=True)[1] * w), x, w
    )
    np.testing.assert_allclose(value, np.sum(np.cumsum(x[::-1])[::-1] * w))
    np.testing.assert_allclose(g, np.cumsum(w))


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_dtypes_are_kept(dtype):
    x = np.array([1.0, 0.5], dtype=dtype)

    def f(x):
        last, ys = cr.scan(lambda c, v: (c * v + v, c), cr.ones_like(x[0]), x)
        return np.real(last + np.sum(ys))

    for g in (cr.grad(f)(x), cr.grad(cr.function(f))(x), cr.function(cr.grad(f))(x)):
        assert g.dtype == dtype
        np.testing.assert_allclose(g, [3.0, 3.0], rtol=1e-6)  # of 2 x0 x1 + x1 + 1 + 2 x0


def test_hessians_through_loops(draw):
    x = draw.normal(size=3)

    def f(x):
        return cr.while_loop(lambda v: np.sum(v * v) < 50.0, lambda v: v * 1.5 + np.sin(v) * x[0], x + 0.0).sum()

    eager = cr.hessian(f)(x)
    np.testing.assert_allclose(eager, differences_of_gradient(cr.grad(f), x), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(cr.hessian(cr.function(f))(x), eager, rtol=1e-10)
    np.testing.assert_allclose(cr.function(cr.hessian(f))(x), eager, rtol=1e-10)


# Programs at random: each way of running one gives the same values and gradients


UNARY = (
    *(np.sin, np.cos, np.exp, np.tanh, np.square, np.negative, np.abs),
    *(lambda x: x * 1, lambda x: x + 0.0, lambda x: 2.0 / (1.0 + x * x)),
    lambda x: np.reshape(x, (-1,)) if x.ndim > 1 else x[None],
    lambda x: np.transpose(x),
    lambda x: np.sum(x, axis=0) if x.ndim > 1 else x,
    lambda x: np.max(x, axis=-1, keepdims=True) if x.ndim else x,
    lambda x: x[..., ::-1] if x.ndim else x,
    lambda x: np.concatenate((x, x)) if x.ndim and x.size < 30 else x,
    lambda x: np.broadcast_to(x, (2, *x.shape)) if x.ndim < 3 and x.size < 30 else x,
    lambda x: np.where(x > 0.0, x, 0.5 * x),
    lambda x: x @ x.T if x.ndim == 2 else x,
)
BINARY = (
    np.add,
    np.subtract,
    np.multiply,
    np.maximum,
    lambda a, b: a / (1.5 + b * b),
    lambda a, b: np.where(a > b, a, b),
)


def written(draw, values, depth):
    """A random operation on some of the values so far, which may be a branch or a loop of such operations."""
    x, kind = draw.choice(values), draw.random()
    if kind < (0.6 if depth < 2 else 0.7):
        return draw.choice(UNARY)(x)
    if kind < 0.85 or depth == 2:
        return draw.choice(BINARY)(x, draw.choice([y for y in values if y.shape in ((), x.shape)]))
    outside, seeds = values[:2], (draw.randrange(10**9), draw.randrange(10**9))

    def body(seed, v):
        inner, inside = random.Random(seed), [v, *outside]
        for _ in range(2):
            inside.append(written(inner, inside, depth + 1))
        return np.tanh(v * 0.5 + np.mean(inside[-1]))

    if kind < 0.89:
        return cr.cond(np.mean(x) > 0.1, lambda v: body(seeds[0], v), lambda v: body(seeds[1], v), x)
    if kind < 0.93:
        return cr.fori_loop(0, draw.randrange(4), lambda i, v: body(seeds[0], v), x)
    if kind < 0.96 or not x.ndim:
        return cr.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, body(seeds[0], c[1])), (0, x))[1]
    backwards = draw.random() < 0.5
    last, ys = cr.scan(lambda c, v: (np.tanh(c + np.mean(v)), body(seeds[0], v)), 0.0, x, reverse=backwards)
    return ys * last


def program(seed):
    def f(x, y):
        draw, values = random.Random(seed), [x, y]
        for _ in range(draw.randrange(4, 12)):
            new = written(draw, values, 0)
            if new.size < 200:
                values.append(new)
        return sum((np.mean(v) for v in values[2:]), np.mean(x))

    return f


@pytest.mark.parametrize("seed", [*range(20), 164])
def test_programs_at_random(seed):
    draw = np.random.default_rng(seed)
    x, y = draw.normal(size=(3, 4)), draw.normal(size=[(3, 4), (4,), ()][seed % 3])
    f = program(seed)
    value, gradients = WAYS["eager"](f, x, y)
    step, direction = 1e-6, draw.normal(size=(3, 4))
    slope = (f(*map(cr.tensor, (x + step * direction, y))) - f(*map(cr.tensor, (x - step * direction, y)))) / (2 * step)
    np.testing.assert_allclose(np.sum(gradients[0] * direction), slope.item(), rtol=1e-4, atol=1e-6)
    for way in ("outside", "inside"):
        found, others = WAYS[way](f, x, y)
        np.testing.assert_allclose(found, value, rtol=1e-10)
        for a, b in zip(gradients, others, strict=True):
            np.testing.assert_allclose(b, a, rtol=1e-8, atol=1e-10)
    second = cr.grad(lambda x: np.sum(cr.grad(f)(x, y) * direction))(x)
    compiled = cr.grad(lambda x: np.sum(cr.grad(cr.function(f))(x, y) * direction))(x)
    np.testing.assert_allclose(compiled, second, rtol=1e-7, atol=1e-9)
