"""`where` of NumPy's arrays that are large: by bits, which must not show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule_numpy._out import OUT

N = 3000
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-40, -3.5]


def draw(dtype: str, seed: int) -> Any:
    return np.random.default_rng(seed).choice(SPECIAL, N).astype(dtype)


def exact(got: Any, want: Any) -> None:
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(np.signbit(got), np.signbit(want))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32", "complex64"])
@pytest.mark.parametrize("shape", [(N,), (50, 60), (60, 50)])
def test_as_numpys(dtype: str, shape: tuple[int, ...]) -> None:
    with np.errstate(invalid="ignore"):
        a, b = (draw("float32", seed).astype(dtype).reshape(shape) for seed in (1, 2))
    condition = (np.random.default_rng(3).random(shape) < 0.5).reshape(shape)
    zero = np.zeros((), a.dtype)
    for x, y in ((a, b), (a, 0.0), (0.0, b), (a, 0), (a, -0.0), (a, zero), (a, 2.5), (b, a[:1]), (a.T.copy().T, b)):
        if a.dtype.kind == "i" and float in (type(x), type(y)):
            continue
        want = np.where(condition, x, y)
        got = cr.where(condition, x, y).numpy()
        np.testing.assert_array_equal(got, want)
        assert got.dtype == want.dtype
        if a.dtype.kind == "f":
            exact(got, want)
        for i, taken in enumerate((x, y)):
            places = [np.array(x), np.array(y)]
            if isinstance(taken, np.ndarray) and taken.shape == want.shape:
                places[i] = np.ascontiguousarray(taken).copy()
                given = [p if isinstance(v, np.ndarray) else v for p, v in zip(places, (x, y), strict=True)]
                np.testing.assert_array_equal(OUT["where"](condition, *given, out=given[i]), want)


def test_mixed_dtypes_are_promoted() -> None:
    a, b = draw("float32", 1), draw("float64", 2)
    condition = a > 0
    got = cr.where(condition, a, b).numpy()
    exact(got, np.where(condition, a, b))


def test_relu_does_not_pass_what_is_not_finite() -> None:
    x = np.linspace(-1.0, 1.0, N)
    g = np.full(N, np.inf)
    (gradient,) = cr.vjp(cr.relu, x)[1](g)
    np.testing.assert_array_equal(gradient, np.where(x > 0, np.inf, 0.0))
