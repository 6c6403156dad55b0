"""Regions of single numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

import chainrule as cr


def test_values_and_types(computed):
    y, z, w = computed(lambda x, n: (cr.sin(x) * 2.0, x > 0.0, n + 1), np.float64(0.5), np.int64(3))
    assert y == math.sin(0.5) * 2.0
    assert type(y) is np.float64
    assert z
    assert type(z) is np.bool_
    assert w == 4
    assert type(w) is np.int64


def test_single_precision(computed):
    (y,) = computed(lambda x: cr.exp(x) + 1, np.float32(0.5))
    assert type(y) is np.float32
    assert y == np.exp(np.float32(0.5)) + 1


def test_python_numbers(kernel):
    made = kernel(lambda x: cr.exp(x) + 1, 0.5, space=())
    for x in (1.5, np.float64(1.5), np.array(1.5)):
        assert made(x)[0] == pytest.approx(math.exp(1.5) + 1, rel=1e-15)


@pytest.mark.parametrize("n", [3, 500, 1500])
def test_long_chains_with_their_gradients(n, computed):
    def chain(x, a):
        for _ in range(n):
            x = cr.sin(x) * a + 0.1
        return x

    (value, slope) = computed(cr.value_and_grad(chain), np.float64(0.5), np.float64(1.1), simplified=True)
    x, g = 0.5, 1.0
    for _ in range(n):
        g *= math.cos(x) * 1.1
        x = math.sin(x) * 1.1 + 0.1
    assert value == pytest.approx(x, rel=1e-13)
    assert slope == pytest.approx(g, rel=1e-10)


def test_reductions_of_a_number_are_the_number(computed):
    assert computed(lambda x: (cr.sum(x * 2.0), cr.max(x)), np.float64(1.5)) == (3.0, 1.5)
