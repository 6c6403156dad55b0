"""NumPy's softmax where no shift is needed and where one is, against SciPy's in longer floating-point numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import special

import chainrule as cr
from chainrule_numpy._out import OUT

SHAPES = [(100, 10), (64, 300), (3, 4, 50), (7,), (1, 1)]


def spread(shape: tuple[int, ...], scale: float, shift: float, dtype: str) -> Any:
    x = np.random.default_rng(int(scale)).standard_normal(shape) * scale + shift
    x.flat[0] = scale + shift
    return x.astype(dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("scale", "shift"), [(1, 0), (15, 0), (30, -200), (300, 0), (1, 1e4), (1, -1e4)])
def test_values(shape: tuple[int, ...], scale: float, shift: float, dtype: str) -> None:
    x = spread(shape, scale, shift, dtype)
    eps = np.finfo(dtype).eps
    for axis in (-1, 0):
        for name, theirs in (("softmax", special.softmax), ("log_softmax", special.log_softmax)):
            want = theirs(x.astype(np.longdouble), axis=axis)
            got = getattr(cr, name)(x, axis=axis).numpy()
            assert got.dtype == dtype
            # a difference of 100 is rounded to 100 times what its exponential is
            small = np.finfo(dtype).tiny if name == "softmax" else eps
            np.testing.assert_allclose(got, want.astype(dtype), rtol=512 * eps, atol=16 * small)
            np.testing.assert_array_equal(OUT[name](x, axis=axis, out=np.empty_like(x)), got)
    labels = np.random.default_rng(0).integers(0, shape[-1], shape[:-1])
    want = -np.take_along_axis(special.log_softmax(x.astype(np.longdouble), axis=-1), labels[..., None], -1)[..., 0]
    got = cr.sparse_softmax_cross_entropy(x, labels).numpy()
    np.testing.assert_allclose(got, want.astype(dtype), rtol=16 * eps, atol=16 * eps)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_masked_rows(dtype: str) -> None:
    x = np.random.default_rng(1).standard_normal((40, 60)).astype(dtype)
    x[:, 50:] = -np.inf
    x[3, :59] = -1e4
    x[3, 59] = -2e4
    want = special.softmax(x.astype(np.longdouble), axis=-1)
    np.testing.assert_allclose(cr.softmax(x).numpy(), want.astype(dtype), rtol=64 * np.finfo(dtype).eps)


def test_what_has_no_softmax_is_nan() -> None:
    with np.errstate(invalid="ignore"):
        for row in ([np.nan, 0.0], [-np.inf, -np.inf], [np.inf, 0.0]):
            got = cr.softmax(np.array([row, [0.0, 0.0]])).numpy()
            assert np.isnan(got[0]).any()
            np.testing.assert_array_equal(got[1], [0.5, 0.5])


def test_results_lie_in_rows() -> None:
    for shape in SHAPES:
        assert cr.softmax(spread(shape, 1, 0, "float32")).numpy().flags.c_contiguous


@pytest.mark.parametrize("f", [cr.softmax, cr.log_softmax])
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (5, 0, 0)], ids=str)
def test_of_nothing(f: Any, shape: tuple[int, ...]) -> None:
    x = np.ones(shape)
    for call in (f, cr.function(f), cr.grad(lambda x: cr.sum(f(x))), cr.function(cr.grad(lambda x: cr.sum(f(x))))):
        assert call(x).shape == shape
