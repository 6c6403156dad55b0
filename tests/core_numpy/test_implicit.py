"""Roots and fixed points: derivatives by the implicit function theorem, whoever solved the equation."""

from __future__ import annotations

import math
import warnings

import numpy as np
import optree
import pytest

import chainrule as cr


def same(got, expected, tolerance=1e-12):
    """Assert that two trees of tensors, arrays and numbers are equal."""
    optree.tree_map(lambda a, b: np.testing.assert_allclose(np.asarray(a), b, tolerance, tolerance), got, expected)


def residual(x, t):
    """Zero at x**3 + x = t."""
    return x**3 + x - t


def newton(g, x):
    for _ in range(60):
        x = x - 0.25 * g(x)  # the slope is above 1, and below 8 where this goes
    return x


def traced_newton(g, x):
    return cr.fori_loop(0, 60, lambda i, x: x - 0.25 * g(x), x)


def by_scipy(matvec, b):
    """A linear solver that knows of arrays alone."""
    return b / matvec(b / b) if b.shape == (1,) else None


WAYS = {
    "dense": {"solve": newton},
    "matrix-free": {"solve": newton, "linear_solve": "matrix-free"},
    "own": {"solve": newton, "linear_solve": by_scipy},
    "traced": {"solve": traced_newton, "traced": True},
    "traced, matrix-free": {"solve": traced_newton, "traced": True, "linear_solve": "matrix-free"},
}
X = 0.6823278038280193  # of t = 1
FIRST = 1.0 / (3.0 * X**2 + 1.0)
SECOND = -6.0 * X * FIRST**3


@pytest.fixture(params=WAYS)
def way(request):
    return WAYS[request.param]


@pytest.fixture
def root(way):
    f = cr.implicit_root(residual, **way)
    return lambda t: f(cr.tensor(0.5), t)


def test_derivatives(root):
    same(root(cr.tensor(1.0)), X, 1e-9)
    for mode in (lambda f: f, cr.function):
        same(mode(cr.grad(root))(1.0), FIRST, 1e-8)
        same(cr.grad(mode(root))(1.0), FIRST, 1e-8)
        same(mode(cr.grad(cr.grad(root)))(1.0), SECOND, 1e-7)
    same(cr.jvp(root, [1.0], [2.0])[1], 2.0 * FIRST, 1e-8)
    same(cr.jvp(cr.grad(root), [1.0], [1.0])[1], SECOND, 1e-7)


def test_what_it_uses_from_outside(way):
    def of(t):
        return cr.implicit_root(lambda x: residual(x, t), **way)(cr.tensor(0.5)) * t

    for mode in (lambda f: f, cr.function):
        same(mode(cr.grad(of))(1.0), X + FIRST, 1e-8)
        same(mode(cr.grad(cr.grad(of)))(1.0), 2.0 * FIRST + SECOND, 1e-7)


def test_over_batches(way, root):
    t = cr.tensor([1.0, 2.0])
    want = [FIRST, 0.25]
    with warnings.catch_warnings(action="error" if way.get("traced") else "ignore", category=cr.BatchingWarning):
        same(cr.vmap(cr.grad(root))(t), want, 1e-8)
        same(cr.grad(lambda t: cr.sum(cr.vmap(root)(t)))(t), want, 1e-8)
        same(cr.grad(lambda s: cr.sum(cr.vmap(lambda t: root(t * s))(t)))(1.0), FIRST + 0.5, 1e-8)


@pytest.mark.parametrize("linear_solve", ["dense", "matrix-free"])
def test_several_unknowns_in_a_tree(linear_solve):
    """The point of a circle of radius r in direction t, in polar coordinates: x = r cos t, y = r sin t."""

    def f(point, r, t):
        (x, y) = point["xy"][0], point["xy"][1]
        return {"xy": cr.stack([x * x + y * y - r * r, x * cr.sin(t) - y * cr.cos(t)])}

    def solve(g, start):
        r, t = cr.stop_gradient(radius), 0.5
        return {"xy": cr.stack([r * math.cos(t), r * math.sin(t)])}

    radius = cr.tensor(2.0)
    root = cr.implicit_root(f, solve, linear_solve=linear_solve)
    table = cr.jacobian(lambda p: root({"xy": cr.ones(2)}, p["r"], p["t"])["xy"])({"r": radius, "t": 0.5})
    same(table["r"], [math.cos(0.5), math.sin(0.5)], 1e-8)
    same(table["t"], [-2.0 * math.sin(0.5), 2.0 * math.cos(0.5)], 1e-8)


def test_solvers_get_arrays_for_arrays():
    kinds = []

    def solve(g, x):
        kinds.append((type(x), type(g(x))))
        return newton(g, x)

    root = cr.implicit_root(residual, solve)
    start = np.array([0.5])
    same(cr.grad(lambda t: cr.sum(root(start, t)))(np.array([1.0])), [FIRST], 1e-8)
    same(cr.function(cr.grad(lambda t: cr.sum(root(start, t))))(np.array([1.0])), [FIRST], 1e-8)
    assert set(kinds) == {(type(start), type(start))}


def test_fixed_points():
    def f(x, a):
        return {"r": 0.5 * (x["r"] + a / x["r"])}

    def root(a):
        return cr.fixed_point(f, {"r": 1.0}, a)["r"]

    same(root(4.0), 2.0)
    for mode in (lambda f: f, cr.function):
        same(mode(cr.grad(root))(4.0), 0.25)
        same(mode(cr.grad(cr.grad(root)))(4.0), -1.0 / 32.0)
    same(cr.vmap(cr.grad(root))(cr.tensor([1.0, 4.0])), [0.5, 0.25])
    same(cr.jvp(root, [4.0], [2.0])[1], 0.5)


def test_a_fixed_point_that_is_not_reached_is_nan():
    same(cr.fixed_point(lambda x: x + 1.0, 0.0, max_iterations=5), math.nan)


def test_what_does_not_fit():
    with pytest.raises(cr.ArgumentError, match="linear_solve is 'dense', 'matrix-free' or a function"):
        cr.implicit_root(residual, newton, linear_solve="lu")
    with pytest.raises(cr.DTypeError, match="x0 is int64, expected real numbers"):
        cr.implicit_root(residual, newton)(cr.tensor(1), 1.0)
    with pytest.raises(cr.ShapeError, match=r"the solver gave shape \(2,\) for x0 of \(\)"):
        cr.implicit_root(residual, lambda g, x: cr.ones(2))(cr.tensor(0.5), 1.0)
    with pytest.raises(cr.ShapeError, match="the function gave another structure"):
        cr.implicit_root(lambda x, t: (x["a"],), lambda g, x: (g(x), x)[1])({"a": cr.tensor(0.5)}, 1.0)
