"""Kernels for what the standard does not promise: real numbers as complex ones, any index, arrays of no dimensions."""

from __future__ import annotations

from functools import partial
from math import prod
from typing import Any

from chainrule import Kernel
from chainrule_array_api import _indexing
from chainrule_array_api._compile import demand


def _is_complex(xp: Any, x: Any) -> bool:
    return bool(xp.isdtype(x.dtype, "complex floating"))


def _real(xp: Any, x: Any) -> Any:
    return xp.real(x) if _is_complex(xp, x) else x


def _imag(xp: Any, x: Any) -> Any:
    return xp.imag(x) if _is_complex(xp, x) else xp.zeros_like(x)


def _conj(xp: Any, x: Any) -> Any:
    if xp.isdtype(x.dtype, "bool"):
        return xp.astype(x, xp.int8)  # as in NumPy
    return xp.conj(x) if _is_complex(xp, x) else x


def wide_remainder(xp: Any) -> Kernel:
    """The function `remainder` with its quotient in double precision, for a library that rounds it to the dtype."""

    def remainder(a: Any, b: Any) -> Any:
        dtype = next(x.dtype for x in (a, b) if hasattr(x, "dtype"))
        if dtype == xp.float64 or not xp.isdtype(dtype, "real floating"):
            return xp.remainder(a, b)
        a, b = (xp.astype(x, xp.float64) if hasattr(x, "dtype") else x for x in (a, b))
        return xp.astype(xp.remainder(a, b), dtype)

    return remainder


def checked_functions(xp: Any) -> dict[str, Kernel]:
    """Functions of a namespace that raise errors where the standard leaves open what becomes of values."""

    def power(a: Any, b: Any) -> Any:
        if hasattr(b, "dtype") and xp.isdtype(b.dtype, "signed integer") and prod(b.shape):
            demand(xp, b < 0, ValueError("integers to negative integer powers are not allowed"))
        return xp.pow(a, b)

    def take_along_axis(x: Any, indices: Any, *, axis: int = -1) -> Any:
        return _indexing.take_along_axis(xp, x, indices, axis=axis)

    return {"pow": power, "take_along_axis": take_along_axis}


def kernels(
    xp: Any, sums: _indexing.Sums = _indexing.segment_sums, store: _indexing.Store = _indexing.stored
) -> dict[str, Kernel]:
    """The kernels by operation, for a namespace.

    Args:
        xp: the namespace.
        sums: `(xp, rows, places, n)`: the library's own way to sum rows by their place, if it has one.
        store: `(x, index, values)`: its way to write values at a basic index of an array of its own.
    """
    kernels: dict[str, Kernel] = {
        "add_at": partial(_indexing.add_at, sums=sums, store=store),
        "conj": _conj,
        "getitem": _indexing.getitem,
        "imag": _imag,
        "real": _real,
        "scatter_add": partial(_indexing.scatter_add, sums=sums, store=store),
        "scatter_add_along_axis": partial(_indexing.scatter_add_along_axis, sums=sums),
        "scatter_add_rows": partial(_indexing.scatter_add_rows, sums=sums),
        "set_at": partial(_indexing.set_at, store=store),
        "take_along_axis": _indexing.take_along_axis,
    }
    return {name: partial(kernel, xp) for name, kernel in kernels.items()}
