"""`relu` of large arrays, which takes rows of zeros at once."""

from __future__ import annotations

import math

import numpy as np
import pytest

import chainrule as cr

X = np.random.default_rng(0).normal(size=(5, 1031))
X[0, :3] = math.nan, -math.inf, math.inf


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int32"])
@pytest.mark.parametrize("shape", [(5155,), (5, 1031), (1, 1024), (2, 8192), (3, 8000)])
def test_values(shape, dtype):
    with np.errstate(invalid="ignore"):
        x = np.resize(X, shape).astype(dtype)
    want = np.where(x > 0, x, np.where(np.isnan(x), x, x.dtype.type(0)))
    y = cr.relu(cr.tensor(x)).numpy()
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, want)
    np.testing.assert_array_equal(cr.function(cr.relu)(x), want)


def test_arrays_that_do_not_lie_in_order():
    np.testing.assert_array_equal(cr.relu(cr.tensor(X.T)).numpy(), cr.relu(cr.tensor(X)).numpy().T)
    np.testing.assert_array_equal(cr.relu(cr.tensor(X[:, ::2])).numpy(), cr.relu(cr.tensor(X)).numpy()[:, ::2])
