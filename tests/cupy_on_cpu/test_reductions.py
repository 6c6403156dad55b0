"""CuPy's reductions, scans and sorts against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .comparing import ALL, COMPLEX, FLOATS, REALS, agree, matrix, tolerance

AXES = (None, 0, 1, (0, 1))


@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("dtype", ALL)
@pytest.mark.parametrize("name", ["sum", "prod", "mean", "any", "all"])
def test_reductions(name: str, dtype: str, axis: Any) -> None:
    within = tolerance(dtype) * (20 if name == "prod" else 1)
    agree(lambda xp: getattr(xp.asarray(matrix(dtype)), name)(axis=axis), within)


@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("name", ["max", "min"])
def test_extremes(name: str, dtype: str, axis: Any) -> None:
    agree(lambda xp: getattr(xp.asarray(matrix(dtype)), name)(axis=axis, keepdims=True))


@pytest.mark.parametrize("axis", AXES[:3], ids=str)
@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_places_of_extremes(name: str, dtype: str, axis: Any) -> None:
    agree(lambda xp: getattr(xp.asarray(matrix(dtype)), name)(axis=axis))


@pytest.mark.parametrize("dtype", FLOATS + COMPLEX)
def test_moments(dtype: str) -> None:
    agree(lambda xp: xp.asarray(matrix(dtype)).var(axis=0), tolerance(dtype) * 2)
    agree(lambda xp: xp.asarray(matrix(dtype)).std(), tolerance(dtype) * 2)
    agree(lambda xp: xp.linalg.norm(xp.asarray(matrix(dtype))), tolerance(dtype) * 5)


@pytest.mark.parametrize("axis", [None, 0, 1], ids=str)
@pytest.mark.parametrize("dtype", ALL)
@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
def test_scans(name: str, dtype: str, axis: int | None) -> None:
    agree(lambda xp: getattr(xp, name)(xp.asarray(matrix(dtype)), axis=axis), tolerance(dtype) * 10)


@pytest.mark.parametrize("dtype", ALL)
def test_sorting(dtype: str) -> None:
    agree(lambda xp: xp.sort(xp.asarray(matrix(dtype)), axis=1))
    agree(lambda xp: xp.argsort(xp.asarray(matrix(dtype)).ravel(), kind="stable"))
    agree(lambda xp: xp.lexsort(xp.asarray(matrix("i4"))))


def test_many_blocks() -> None:
    x = np.arange(300_000, dtype="f8")
    agree(lambda xp: xp.asarray(x).sum())
    agree(lambda xp: xp.asarray(x.reshape(300, 1000)).sum(axis=1))
    agree(lambda xp: xp.cumsum(xp.arange(5000)))


def test_statistics() -> None:
    x = matrix("f8")
    agree(lambda xp: xp.median(xp.asarray(x)))
    agree(lambda xp: xp.percentile(xp.asarray(x), 30))
    agree(lambda xp: xp.bincount(xp.asarray([1, 1, 3])))
    agree(lambda xp: xp.unique(xp.asarray(matrix("i4"))))
    agree(lambda xp: xp.searchsorted(xp.asarray([1.0, 2, 3]), xp.asarray([0.5, 2.5])))
