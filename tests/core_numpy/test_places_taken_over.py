"""Arrays that are changed at some places are changed where they are, if they are the plan's and nobody needs them."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule._passes import lowered
from chainrule._plan import Plan

X = np.random.default_rng(0).normal(size=(50, 4))


def planned(f, *arguments):
    backend = cr.get_backend()
    return Plan(lowered(cr.function(f).trace(*map(cr.tensor, arguments)), backend), backend)


def places(plan, name):
    """The places of the results of an operation."""
    return [plan.memory.places.get(i.outputs[0]) for i in plan.program.instructions if i.op.name == name]


def windows(x):
    return sum(cr.sum(cr.sin(x[i : i + 8])) for i in range(0, 40, 4))


def windows_by_hand(x):
    g = np.zeros_like(x)
    for i in range(0, 40, 4):
        g[i : i + 8] += np.cos(x[i : i + 8])
    return g


def test_parts_are_added_to_one_array():
    plan = planned(lambda x: cr.matrix_transpose(cr.grad(windows)(x)) @ x, X)
    if cr.strict_math():
        assert not plan.memory.places
    else:
        assert len({*places(plan, "scatter_add"), *places(plan, "add_at")}) == 1
        assert len(places(plan, "add_at")) == 9
    for x in (X, X + 1.0):
        np.testing.assert_allclose(plan(x)[0], windows_by_hand(x).T @ x, rtol=1e-12)


def test_results_are_arrays_of_their_own():
    g = cr.function(cr.grad(windows))
    first = g(X)
    kept = first.copy()
    np.testing.assert_allclose(first, windows_by_hand(X), rtol=1e-12)
    g(X + 1.0)
    np.testing.assert_array_equal(first, kept)


def test_what_is_needed_later_is_not_changed():
    def f(x):
        y = cr.exp(x)
        z = cr.add_at(y, 0, 1.0)
        return cr.sum(z * z) + cr.sum(cr.matrix_transpose(y) @ y)

    y = np.exp(X)
    z = y.copy()
    z[0] += 1.0
    np.testing.assert_allclose(cr.function(f)(X).item(), (z * z).sum() + (y.T @ y).sum(), rtol=1e-12)


@pytest.mark.parametrize("change", [cr.add_at, cr.set_at])
@pytest.mark.parametrize("by", ["slices", "arrays"])
def test_values_that_are_views_of_what_is_changed(change, by):
    to, back = slice(1, 50), slice(0, 49)
    index = to if by == "slices" else np.arange(1, 50)

    def f(x):
        y = cr.exp(x)
        return cr.sum(cr.sin(change(y, index, y[back])) @ cr.matrix_transpose(x))

    y = np.exp(X)
    z = y.copy()
    z[to] = y[back] + (y[to] if change is cr.add_at else 0.0)
    compiled = cr.function(f)
    for _ in range(2):
        np.testing.assert_allclose(compiled(X).item(), (np.sin(z) @ X.T).sum(), rtol=1e-10)


def test_arguments_are_never_changed():
    x = X.copy()
    g = cr.function(lambda x: cr.add_at(cr.set_at(x, 0, 5.0), (1, 2), 3.0) @ cr.matrix_transpose(x))
    y = X.copy()
    y[0], y[1, 2] = 5.0, y[1, 2] + 3.0
    np.testing.assert_allclose(g(x), y @ X.T, rtol=1e-12)
    np.testing.assert_array_equal(x, X)


def test_elements_are_added_to():
    values = cr.function(lambda x, v: cr.add_at(cr.add_at(cr.exp(x), (3, 1), v), (3, 1), v) * 2.0)
    y = np.exp(X)
    y[3, 1] += 3.0
    np.testing.assert_allclose(values(X, 1.5), 2.0 * y, rtol=1e-12)
