"""Products that are computed right into the order that they are read in."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import chainrule as cr
from chainrule._passes import lowered
from chainrule._plan import Plan

RANDOM = np.random.default_rng(0)


def planned(f, *arguments):
    backend = cr.get_backend()
    return Plan(lowered(cr.function(f).trace(*map(cr.tensor, arguments)), backend), backend)


def orders(plan):
    """The orders of axes of the arrays that products are computed into, None for products that are no such."""
    places = [plan.memory.places.get(i.outputs[0]) for i in plan.program.instructions if i.op.name == "matmul"]
    return [None if place is None else plan.memory.arrays[place][3] for place in places]


def joined(x, y, axes):
    """A product whose axes are exchanged and joined two by two, and what uses that."""
    z = cr.permute_dims(x @ y, axes)
    return cr.sum(cr.sin(cr.reshape(z, shape=(z.shape[0] * z.shape[1], -1))), axis=0)


def joined_by_hand(x, y, axes):
    z = np.transpose(x @ y, axes)
    return np.sin(z.reshape(z.shape[0] * z.shape[1], -1)).sum(0)


@pytest.mark.parametrize("axes", list(itertools.permutations(range(4))))
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
def test_every_order(axes, dtype):
    x, y = RANDOM.normal(size=(3, 2, 5, 4)).astype(dtype), RANDOM.normal(size=(3, 2, 4, 6)).astype(dtype)
    plan = planned(lambda x, y: joined(x, y, axes), x, y)
    expected = axes if axes[-1] >= 2 and axes != (0, 1, 2, 3) and not cr.strict_math() else None
    assert orders(plan) == [expected]
    for scale in (1, 2):
        (found,) = plan(x * scale, y)
        assert found.dtype == dtype
        np.testing.assert_allclose(
            found, joined_by_hand(x * scale, y, axes), rtol=1e-5 if dtype == "float32" else 1e-11
        )


@pytest.mark.parametrize(
    ("a", "b"),
    [((2, 1, 5, 4), (3, 4, 6)), ((5, 4), (3, 2, 4, 6)), ((3, 2, 0, 4), (3, 2, 4, 6)), ((2, 2, 5, 0), (2, 0, 6))],
)
def test_shapes_that_broadcast_and_empty_ones(a, b):
    x, y = RANDOM.normal(size=a), RANDOM.normal(size=b)

    def f(x, y):
        z = cr.permute_dims(x @ y, (0, 2, 1, 3))
        return cr.exp(cr.reshape(z, shape=(z.shape[0], z.shape[1], math.prod(z.shape[2:]))))

    z = (x @ y).transpose(0, 2, 1, 3)
    expected = np.exp(z.reshape(*z.shape[:2], math.prod(z.shape[2:])))
    np.testing.assert_allclose(planned(f, x, y)(x, y)[0], expected, rtol=1e-12)


def test_infinities_and_nan():
    x, y = RANDOM.normal(size=(2, 3, 4, 4)), RANDOM.normal(size=(2, 3, 4, 4))
    x[0, 0, 0, 0], x[1, 2, 3, 0], y[1, 0, 0, 0] = np.inf, np.nan, -np.inf
    with np.errstate(invalid="ignore"):
        found = cr.function(lambda x, y: joined(x, y, (0, 2, 1, 3)))(x, y)
        np.testing.assert_allclose(found, joined_by_hand(x, y, (0, 2, 1, 3)), rtol=1e-11)


def test_products_that_are_read_in_order_too_stay():
    x = RANDOM.normal(size=(2, 3, 4, 4))

    def f(x):
        y = x @ x
        z = cr.reshape(cr.permute_dims(y, (0, 2, 1, 3)), shape=(8, 12))
        return cr.sum(z @ cr.matrix_transpose(z)) + cr.sum(cr.sin(y))

    plan = planned(f, x)
    assert set(orders(plan)) == {None}
    y = x @ x
    z = y.transpose(0, 2, 1, 3).reshape(8, 12)
    np.testing.assert_allclose(plan(x)[0], (z @ z.T).sum() + np.sin(y).sum(), rtol=1e-11)


def test_results_of_the_program_are_arrays_of_their_own():
    x = RANDOM.normal(size=(2, 3, 4, 4))
    f = cr.function(lambda x: cr.reshape(cr.permute_dims(x @ x, (0, 2, 1, 3)), shape=(8, 12)))
    first = f(x)
    kept = first.copy()
    f(x + 1.0)
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_allclose(first, (x @ x).transpose(0, 2, 1, 3).reshape(8, 12), rtol=1e-12)
