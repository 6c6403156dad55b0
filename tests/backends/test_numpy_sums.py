"""Sums of NumPy's arrays along first and last axes, by the ways that only large arrays go."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule_numpy._out import OUT, into

SHAPES = [(1000, 10), (997, 3), (64, 9, 5, 16), (40, 1, 30), (5, 200, 1), (2, 700), (1024, 2), (600, 128), (3, 3000)]
AXES = [0, -1, (0, 1), (-2, -1), (1, 0), (0, -1), None, ()]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_sums_and_means(shape: tuple[int, ...], dtype: str) -> None:
    x = np.random.default_rng(1).standard_normal(shape).astype(dtype)
    exact = x.astype(np.longdouble)
    for axis in AXES:
        for keepdims in (False, True):
            for name, of in (("sum", np.sum), ("mean", np.mean)):
                want: Any = of(exact, axis=axis, keepdims=keepdims)
                count = max(x.size / want.size, 1) if name == "sum" else 1
                tolerance = {"rtol": 0, "atol": 8 * np.finfo(dtype).eps * math.sqrt(count) * 4}
                got = getattr(cr, name)(x, axis=axis, keepdims=keepdims)
                assert got.shape == want.shape
                assert str(got.dtype) == dtype
                np.testing.assert_allclose(got.numpy(), want.astype(dtype), **tolerance)
                out = np.full(want.shape, np.nan, dtype)
                attributes = {"axis": axis, "keepdims": keepdims} | ({"dtype": None} if name == "sum" else {})
                OUT[name](x, **attributes, out=out)
                np.testing.assert_array_equal(out, got.numpy())


def test_what_is_not_finite() -> None:
    x = np.ones((600, 4), "float32")
    x[3, 1], x[5, 2], x[7, 2], x[9, 3] = np.nan, np.inf, -np.inf, np.inf
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(cr.sum(x, axis=1).numpy(), np.sum(x, axis=1))
        np.testing.assert_array_equal(cr.sum(x, axis=0).numpy(), np.sum(x, axis=0))


def test_bias_gradients() -> None:
    x = np.random.default_rng(2).standard_normal((64, 7, 7, 16))
    gradient = cr.grad(lambda b: cr.sum(cr.square(x + b)))(np.zeros(16))
    np.testing.assert_allclose(gradient, 2 * x.reshape(-1, 16).sum(0), rtol=1e-12)


def test_layouts_that_are_not_rows() -> None:
    x = np.random.default_rng(3).standard_normal((100, 40))
    for y in (x.T, x[:, ::2], x[::-1], np.asfortranarray(x), np.broadcast_to(x[0], (100, 40))):
        for axis in (0, 1):
            np.testing.assert_allclose(cr.sum(y, axis=axis).numpy(), np.sum(y, axis=axis), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("axis", [0, (0,), 1])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("shape", [(100, 10), (60, 60), (4, 5), (3000, 2)], ids=str)
def test_kernels_of_plans(shape: tuple[int, ...], keepdims: bool, axis: Any) -> None:
    x = np.random.default_rng(2).standard_normal(shape)
    (step,) = cr.function(lambda x: cr.sum(x, axis=axis, keepdims=keepdims)).trace(x).instructions
    want = np.sum(x, axis=axis, keepdims=keepdims)
    kernel = into(step)
    assert kernel is not None
    for array in (x, np.asfortranarray(x)):
        out = np.full(want.shape, np.nan)
        assert kernel(array, **step.attributes, out=out) is out
        np.testing.assert_allclose(out, want, rtol=0, atol=1e-13 * math.sqrt(x.size))
