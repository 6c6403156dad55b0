"""Products of matrices in tiles that BLAS multiplies where they lie.

OpenBLAS copies both sides of a product into an order of its own before it multiplies. With AVX-512 it does without for
products of up to a million multiplications, and comes closer to what the processor can do. So larger ones are cut into
such: rows of the left side by columns of the right one, as long as that fits a cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

DIRECT: Final = 1_000_000  # multiplications, up to which OpenBLAS copies nothing
LARGE: Final = 1 << 22  # multiplications, below which the cuts take longer than they save
_DEEP: Final = 1024  # columns of a left side; tiles of longer ones are too small
_CACHED: Final = 1 << 20  # bytes of a right side, which is read again for each few rows
_TALL: Final = 512  # rows for which it pays to copy a right side that is in order of columns
_THIN: Final = 16  # rows or columns; thinner matrices are left to BLAS
_HIGHEST: Final = 128  # rows of a tile


def tiled(a: Any, b: Any, out: Any, write: Callable[..., bool] | None = None) -> Any | None:
    """The product of matrices, or stacks of them, in tiles; None where BLAS is faster by itself.

    Args:
        a, b: two axes or more each.
        out: an array to write to, or None.
        write: `write(a, b, out, tile=(rows, columns))` computes tiles of that size, by default one after the other; it
            says whether it has.
    """
    if out is not None and not _is_in_rows(out):
        turned = tiled(_turned(b), _turned(a), _turned(out), write) if _is_in_rows(_turned(out)) else None
        return None if turned is None else out
    if not _DIRECT_KERNELS or not _pays(a, b):
        return None
    if not _is_in_rows(b):
        b = _in_rows(b)
    if out is None:
        out = np.empty((*(a.shape[:-2] or b.shape[:-2]), a.shape[-2], b.shape[-1]), a.dtype)
    return out if (write or _write)(a, b, out, tile=_tile(a)) else None


def _tile(a: Any) -> tuple[int, int]:
    """How many rows and columns the tiles of a product with that left side have."""
    width = 64 if _is_in_rows(a) else 32
    return min(_HIGHEST, 1 << (DIRECT // (width * a.shape[-1])).bit_length() - 1), width


def _has_direct_kernels() -> bool:
    """Whether NumPy's BLAS is OpenBLAS, and its kernels are those for AVX-512."""
    built: Any = np.show_config(mode="dicts")
    blas = built.get("Build Dependencies", {}).get("blas", {}).get("name", "")
    found = built.get("SIMD Extensions", {}).get("found", ())
    return "openblas" in blas and any(name == "X86_V4" or name.startswith("AVX512") for name in found)


_DIRECT_KERNELS: Final = _has_direct_kernels()


def _pays(a: Any, b: Any) -> bool:
    """Whether tiles are faster, as measured."""
    (*stack, rows, depth), (*other, height, columns) = a.shape, b.shape
    if depth != height or (stack and other and stack != other) or a.dtype.char not in "fd" or a.dtype != b.dtype:
        return False
    number = rows * depth * columns
    if number <= DIRECT or min(rows, columns, depth) < _THIN or depth > _DEEP:
        return False
    if depth * columns * b.itemsize > _CACHED or not (_is_in_rows(a) or _is_in_rows(_turned(a))):
        return False
    if not _is_in_rows(b) and (rows < _TALL or not _is_in_rows(_turned(b))):
        return False
    if max(a.size * columns, b.size * rows) < LARGE:
        return False
    return not np.may_share_memory(a, b)  # of a matrix by itself BLAS computes half


def _write(a: Any, b: Any, out: Any, tile: tuple[int, int]) -> bool:
    """Compute the tiles: row by row, or column by column if that is how the left side lies."""
    (height, width), depth, by_rows = tile, a.shape[-1], _is_in_rows(a)
    for rows, m in _stretches(a.shape[-2], height):
        left = a[..., rows, :]
        left = left.reshape(*left.shape[:-2], -1, 1, m, depth)
        for columns, n in _stretches(b.shape[-1], width):
            right, place = b[..., columns], out[..., rows, columns]
            right = right.reshape(*right.shape[:-1], -1, n).swapaxes(-3, -2)[..., None, :, :, :]
            place = place.reshape(*place.shape[:-2], -1, m, place.shape[-1] // n, n).swapaxes(-3, -2)
            if by_rows:
                np.matmul(left, right, place)
            else:
                np.matmul(left.swapaxes(-4, -3), right.swapaxes(-4, -3), place.swapaxes(-4, -3))
    return True


def _stretches(length: int, step: int) -> Iterator[tuple[slice, int]]:
    """A length as what is a multiple of a step, and what is left, each with the step that it is made of."""
    rest = length % step
    if length > rest:
        yield slice(0, length - rest), step
    if rest:
        yield slice(length - rest, length), rest


def _is_in_rows(x: Any) -> bool:
    """Whether the elements of a row lie side by side, and rows apart."""
    return bool(x.strides[-1] == x.itemsize and x.strides[-2] >= x.shape[-1] * x.itemsize)


def _in_rows(x: Any) -> Any:
    """A copy in order of rows of what is in order of columns, as many of these at a time as fill lines of the cache."""
    y = np.empty(x.shape, x.dtype)
    for start in range(0, x.shape[-1], 16):
        y[..., start : start + 16] = x[..., start : start + 16]
    return y


def _turned(x: Any) -> Any:
    return x.swapaxes(-1, -2)
