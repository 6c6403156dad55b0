"""Indexing, scattering and rearranging against NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from .comparing import ALL, agree, matrix


def assigned(xp: Any, x: Any) -> Any:
    x = x.copy()
    x[1:3, ::2] = 1
    x[xp.asarray([0, 3])] = x[0]
    return x


SELECTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "take": lambda xp, x: xp.take(x, xp.asarray([3, 0, 0]), axis=0),
    "arrays": lambda xp, x: x[xp.asarray([1, 2]), xp.asarray([0, 4])],
    "mask": lambda xp, x: x[xp.asarray(matrix("?"))],
    "slices": lambda xp, x: x[::-2, 1:4],
    "new axis": lambda xp, x: x[:, None, ..., 0],
    "nonzero": lambda xp, x: x.nonzero(),
    "assignment": assigned,
}
REARRANGEMENTS: dict[str, Callable[[Any, Any], Any]] = {
    "transposed copy": lambda xp, x: xp.ascontiguousarray(x.T),
    "concatenate": lambda xp, x: xp.concatenate([x, x], axis=1),
    "stack": lambda xp, x: xp.stack([x] * 3),
    "pad": lambda xp, x: xp.pad(x, 1),
    "flip": lambda xp, x: xp.flip(x, 0),
    "roll": lambda xp, x: xp.roll(x, 2, 1),
    "repeat": lambda xp, x: xp.repeat(x, 2, 0),
    "tile": lambda xp, x: xp.tile(x, (2, 2)),
    "tril": lambda xp, x: xp.tril(x),
}


@pytest.mark.parametrize("dtype", ALL)
@pytest.mark.parametrize("name", SELECTIONS)
def test_selections(name: str, dtype: str) -> None:
    agree(lambda xp: SELECTIONS[name](xp, xp.asarray(matrix(dtype))))


@pytest.mark.parametrize("dtype", ALL)
@pytest.mark.parametrize("name", REARRANGEMENTS)
def test_rearrangements(name: str, dtype: str) -> None:
    agree(lambda xp: REARRANGEMENTS[name](xp, xp.asarray(matrix(dtype))))


@pytest.mark.parametrize("dtype", ["i4", "i8", "f2", "f4", "f8", "u4", "u8"])
def test_duplicates_add_up(dtype: str) -> None:
    def compute(xp: Any) -> Any:
        x = xp.zeros(3, dtype)
        xp.add.at(x, xp.asarray([0, 0, 2]), xp.asarray([1, 2, 3], dtype))
        return x

    agree(compute)


@pytest.mark.parametrize("dtype", ["c8", "c16", "?", "i2"])
def test_what_cupy_does_not_scatter(dtype: str) -> None:
    import cupy

    with pytest.raises(TypeError):
        cupy.add.at(cupy.zeros(2, dtype), cupy.asarray([0]), cupy.ones(1, dtype))


def test_creation() -> None:
    agree(lambda xp: xp.full((2, 2), 7))
    agree(lambda xp: xp.eye(3))
    agree(lambda xp: xp.linspace(0, 1, 7))
    agree(lambda xp: xp.arange(0, 5, 0.5))
    agree(lambda xp: tuple(xp.meshgrid(xp.arange(3), xp.arange(2))))
    agree(lambda xp: xp.take_along_axis(xp.asarray(matrix("f8")), xp.asarray([[0], [1], [2], [3]]), 1))


def test_copies_between_host_and_device() -> None:
    import cupy

    x = cupy.empty(3)
    x.set(np.arange(3.0))
    pinned = cupy.cuda.alloc_pinned_memory(24)
    host = np.frombuffer(pinned, "f8", 3)
    x.get(out=host)
    np.testing.assert_array_equal(host, [0.0, 1.0, 2.0])
