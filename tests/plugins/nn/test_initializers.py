"""First values of weights: their distributions, seeds, dtypes and backends."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

import chainrule as cr


@pytest.mark.parametrize(("shape", "inputs", "outputs"), [((300, 200), 300, 200), ((3, 5, 20, 60), 300, 900)])
def test_distributions(shape: tuple[int, ...], inputs: int, outputs: int) -> None:
    limit, deviation = math.sqrt(6 / (inputs + outputs)), math.sqrt(2 / inputs)
    for weights, law in (
        (cr.nn.glorot_uniform(shape, 0), stats.uniform(-limit, 2 * limit)),
        (cr.nn.he_normal(shape, 0), stats.norm(0, deviation)),
    ):
        assert weights.shape == shape
        assert stats.kstest(weights.numpy().ravel(), law.cdf).pvalue > 1e-3


@pytest.mark.parametrize("draw", [cr.nn.glorot_uniform, cr.nn.he_normal])
def test_seeds(draw: Any) -> None:
    first = draw((3, 2), 7).numpy()
    np.testing.assert_array_equal(draw((3, 2), np.random.default_rng(7)).numpy(), first)
    rng = np.random.default_rng(7)
    assert (draw((3, 2), rng).numpy() == first).all()
    assert (draw((3, 2), rng).numpy() != first).all()
    assert (draw((3, 2)).numpy() != draw((3, 2)).numpy()).all()


@pytest.mark.parametrize("draw", [cr.nn.glorot_uniform, cr.nn.he_normal])
def test_dtype_and_backend(backend: str, draw: Any) -> None:
    assert draw((2, 3), 0).dtype is cr.default_dtype()
    single = draw((2, 3), 0, "float32")
    assert (single.dtype, single.backend.name) == (cr.float32, backend)
    np.testing.assert_array_equal(single.numpy(), draw((2, 3), 0).numpy().astype("float32"))
    assert draw((0, 3)).shape == (0, 3)


def test_refusals() -> None:
    with pytest.raises(cr.ShapeError, match=r"he_normal: shape: expected \(\*window, inputs, outputs\), got \(3,\)"):
        cr.nn.he_normal((3,))
    with pytest.raises(cr.ArgumentError, match="glorot_uniform: dtype: expected a real floating dtype, got int64"):
        cr.nn.glorot_uniform((3, 2), dtype="int64")
