"""Fourier transforms against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .comparing import agree

SHAPES = ((8,), (15,), (1,), (17,), (4, 6), (3, 4, 5), (2, 3, 4, 2))


def values(shape: tuple[int, ...], dtype: str) -> Any:
    random = np.random.default_rng(0)
    real = random.standard_normal(shape)
    return (real + 1j * random.standard_normal(shape) if dtype.startswith("c") else real).astype(dtype)


@pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", ["c8", "c16"])
@pytest.mark.parametrize("name", ["fft", "ifft", "fftn", "ifftn"])
def test_complex(name: str, dtype: str, shape: tuple[int, ...], norm: str) -> None:
    agree(lambda xp: getattr(xp.fft, name)(xp.asarray(values(shape, dtype)), norm=norm), 1e-4)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("name", ["rfft", "rfftn", "fft", "ihfft"])
def test_of_reals(name: str, dtype: str, shape: tuple[int, ...]) -> None:
    agree(lambda xp: getattr(xp.fft, name)(xp.asarray(values(shape, dtype))), 1e-4)


@pytest.mark.parametrize("parity", [0, 1])
@pytest.mark.parametrize("shape", SHAPES[1:6], ids=str)
@pytest.mark.parametrize("dtype", ["c8", "c16"])
@pytest.mark.parametrize("name", ["irfft", "hfft"])
def test_to_reals(name: str, dtype: str, shape: tuple[int, ...], parity: int) -> None:
    length = 2 * shape[-1] - parity
    agree(lambda xp: getattr(xp.fft, name)(xp.asarray(values(shape, dtype)), length), 1e-4)


@pytest.mark.parametrize("shape", SHAPES[4:], ids=str)
def test_to_reals_in_several_dimensions(shape: tuple[int, ...]) -> None:
    spectrum = np.fft.rfftn(values(shape, "f8"))
    agree(lambda xp: xp.fft.irfftn(xp.asarray(spectrum), shape, axes=range(len(shape))))


@pytest.mark.parametrize("axes", [(0,), (1,), (0, 2), (2, 0), (1, 2), (0, 1)], ids=str)
def test_some_dimensions(axes: tuple[int, ...]) -> None:
    x = values((3, 4, 5), "c16")
    agree(lambda xp: xp.fft.fftn(xp.asarray(x), axes=axes))
    agree(lambda xp: xp.fft.fftn(xp.asarray(x), s=(6,) * len(axes), axes=axes))
    agree(lambda xp: xp.fft.fftn(xp.asarray(x.T), axes=axes))
    agree(lambda xp: xp.fft.rfftn(xp.asarray(x.real.copy()), axes=axes))
