"""Kernels for what the standard does not promise: real numbers as complex ones, any index, arrays of no dimensions."""

from __future__ import annotations

from functools import partial
from typing import Any

from chainrule import Kernel
from chainrule_array_api import _indexing


def _is_complex(xp: Any, x: Any) -> bool:
    return bool(xp.isdtype(x.dtype, "complex floating"))


def _real(xp: Any, x: Any) -> Any:
    return xp.real(x) if _is_complex(xp, x) else x


def _imag(xp: Any, x: Any) -> Any:
    return xp.imag(x) if _is_complex(xp, x) else xp.zeros_like(x)


def _conj(xp: Any, x: Any) -> Any:
    return xp.conj(x) if _is_complex(xp, x) else x


def _nonzero(xp: Any, x: Any) -> tuple[Any, ...]:
    return tuple(xp.nonzero(x)) if x.ndim else ()


def kernels(xp: Any, sums: _indexing.Sums = _indexing.segment_sums) -> dict[str, Kernel]:
    """The kernels by operation, for a namespace.

    Args:
        xp: the namespace.
        sums: `(xp, rows, places, n)`: the library's own way to sum rows by their place, if it has one.
    """
    general: dict[str, Kernel] = {
        "conj": _conj,
        "getitem": _indexing.getitem,
        "imag": _imag,
        "nonzero": _nonzero,
        "real": _real,
        "set_at": _indexing.set_at,
        "take_along_axis": _indexing.take_along_axis,
    }
    adding: dict[str, Kernel] = {
        "add_at": _indexing.add_at,
        "scatter_add": _indexing.scatter_add,
        "scatter_add_along_axis": _indexing.scatter_add_along_axis,
        "scatter_add_rows": _indexing.scatter_add_rows,
    }
    return {
        **{name: partial(kernel, xp) for name, kernel in general.items()},
        **{name: partial(kernel, xp, sums=sums) for name, kernel in adding.items()},
    }
