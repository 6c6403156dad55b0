"""`RandomState` by its moments: its numbers are not a GPU's, its distributions are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


@pytest.fixture
def state() -> Any:
    import cupy

    return cupy.random.RandomState(0)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_uniform(state: Any, dtype: str) -> None:
    x = state.random_sample(20_001, dtype=dtype).get()
    assert x.dtype == dtype
    assert 0 <= x.min() < 0.01 < 0.99 < x.max() < 1
    assert x.mean() == pytest.approx(0.5, abs=0.01)
    assert x.var() == pytest.approx(1 / 12, abs=0.01)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_normal(state: Any, dtype: str) -> None:
    x = state.normal(1.0, 2.0, 20_001, dtype=dtype).get()
    assert x.mean() == pytest.approx(1.0, abs=0.1)
    assert x.std() == pytest.approx(2.0, abs=0.1)


def test_integers_and_permutations(state: Any) -> None:
    x = state.randint(0, 5, 1000).get()
    np.testing.assert_array_equal(np.unique(x), np.arange(5))
    assert sorted(state.permutation(10).tolist()) == list(range(10))


def test_seeds() -> None:
    import cupy

    first, again, other = (cupy.random.RandomState(seed).random_sample(5).get() for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
