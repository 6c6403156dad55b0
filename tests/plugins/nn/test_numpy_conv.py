"""The ways in which NumPy convolves, which sizes choose between: each against the kernel of the array API."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule_nn import _numpy_conv
from chainrule_nn._windows import convolved

pytest.importorskip("array_api_strict")
RNG = np.random.default_rng(3)

# x, w, and how; and whether windows are taken apart
CASES = [
    ((3, 12, 11, 8), (3, 3, 8, 9), {}, True),
    ((3, 12, 11, 8), (3, 3, 8, 9), {"padding": "SAME"}, True),
    ((2, 15, 14, 8), (3, 3, 8, 8), {"padding": [(2, 1), (0, 2)], "dilation": (2, 3)}, True),
    ((2, 20, 70, 8), (2, 3, 8, 8), {"strides": (2, 1)}, True),
    ((2, 20, 21, 12), (4, 2, 12, 8), {"strides": (1, 2), "padding": 1}, True),
    ((2, 5, 9, 10, 9), (2, 2, 3, 9, 8), {"padding": "SAME"}, True),
    ((2, 12, 12, 16), (3, 3, 8, 18), {"groups": 2}, True),
    ((3, 12, 11, 2), (3, 3, 2, 9), {}, False),
    ((3, 4, 5, 16), (3, 3, 16, 9), {}, False),
    ((2, 80, 9), (3, 9, 8), {}, False),
    ((2, 12, 11, 8), (1, 1, 8, 9), {}, False),
    ((2, 12, 11, 8), (3, 3, 8, 9), {"padding": 3}, True),  # padded by more than a window reaches back
    ((3, 9, 8, 6), (3, 3, 1, 6), {"groups": 6, "padding": "SAME"}, False),
    ((3, 9, 8, 6), (3, 2, 1, 6), {"groups": 6, "strides": 2, "dilation": 2}, False),
    ((3, 9, 6), (3, 1, 12), {"groups": 6}, False),
]


@pytest.mark.parametrize(("x_shape", "w_shape", "how", "apart"), CASES)
@pytest.mark.parametrize("at_once", [1 << 20, 1 << 12])
def test_as_the_generic_kernel(
    monkeypatch: pytest.MonkeyPatch, x_shape: Any, w_shape: Any, how: dict[str, Any], apart: bool, at_once: int
) -> None:
    monkeypatch.setattr(_numpy_conv, "_AT_ONCE", at_once)
    x, w = RNG.standard_normal(x_shape), RNG.standard_normal(w_shape)

    def run(backend: str) -> list[Any]:
        with cr.use_backend(backend):
            y, back = cr.vjp(lambda x, w: cr.nn.conv(x, w, **how), cr.tensor(x), cr.tensor(w))
            g = cr.tensor(np.cos(np.arange(y.size)).reshape(y.shape))
            return [y.numpy(), *(part.numpy() for part in back(g))]

    for got, want in zip(run("numpy"), run("array_api_strict"), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-11)
    if how.get("groups", 1) == 1:
        y = cr.nn.conv(x, w, **how)
        axes = convolved(x_shape, w_shape, **_attributes(x.ndim - 2, how), groups=1)
        assert tuple(a.count for a in axes) == y.shape[1:-1]
        assert _numpy_conv._by_rows(axes, x_shape[-1]) == apart


def _attributes(n: int, how: dict[str, Any]) -> dict[str, Any]:
    def each(value: Any) -> Any:
        return value if isinstance(value, tuple) else (value,) * n

    padding = how.get("padding", 0)
    if not isinstance(padding, str):
        given = padding if isinstance(padding, list) else [padding] * n
        padding = tuple(p if isinstance(p, tuple) else (p, p) for p in given)
    return {"strides": each(how.get("strides", 1)), "padding": padding, "dilation": each(how.get("dilation", 1))}


@pytest.mark.parametrize("dtype", ["float32", "complex128", "int64"])
def test_dtypes(dtype: str) -> None:
    x, w = (RNG.integers(-4, 5, shape).astype(dtype) for shape in ((2, 10, 10, 8), (3, 3, 8, 8)))
    y = cr.nn.conv2d(x, w).numpy()
    assert y.dtype == dtype
    want = sum(x[:, i : i + 8, j : j + 8] @ w[i, j] for i in range(3) for j in range(3))
    np.testing.assert_array_equal(y, want)


@pytest.mark.parametrize(
    ("x_shape", "w_shape"),
    [((1, 400, 300, 3), (5, 5, 3, 8)), ((1, 40, 50, 60, 2), (3, 3, 3, 2, 4))],
    ids=["2-d", "3-d"],
)
def test_one_large_image_is_computed_in_parts(x_shape: Any, w_shape: Any) -> None:
    """Beside the image and the result there are some of the windows, which are many times as large, at a time."""
    x, w = RNG.standard_normal(x_shape), RNG.standard_normal(w_shape)
    with cr.use_jit("off"):
        y = cr.nn.conv(x, w).numpy()
        gradient = cr.grad(lambda w: cr.sum(cr.nn.conv(x, w) * y))
        gradient(w)  # imports
        for call in (lambda: cr.nn.conv(x, w), lambda: cr.nn.conv_transpose(y, w), lambda: gradient(w)):
            tracemalloc.start()
            try:
                call()
                peak = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
            assert peak < 2.5 * (x.nbytes + y.nbytes) + 2 * _numpy_conv._AT_ONCE
