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


def kernels(
    xp: Any,
    sums: _indexing.Sums = _indexing.segment_sums,
    store: _indexing.Store = _indexing.stored,
    wrap: _indexing.Wrap = _indexing.wrapped,
) -> dict[str, Kernel]:
    """The kernels by operation, for a namespace.

    Args:
        xp: the namespace.
        sums: `(xp, rows, places, n)`: the library's own way to sum rows by their place, if it has one.
        store: `(x, index, values)`: its way to write values at a basic index of an array of its own.
        wrap: `(xp, indices, length)`: indices of any integer dtype as 64-bit ones that are counted from the start, with
            its way to refuse those that lie outside.
    """
    ways = {"sums": sums, "store": store, "wrap": wrap}
    indexing: dict[str, tuple[Kernel, tuple[str, ...]]] = {
        "add_at": (_indexing.add_at, ("sums", "store", "wrap")),
        "getitem": (_indexing.getitem, ("wrap",)),
        "scatter_add": (_indexing.scatter_add, ("sums", "store", "wrap")),
        "scatter_add_along_axis": (_indexing.scatter_add_along_axis, ("sums", "wrap")),
        "scatter_add_rows": (_indexing.scatter_add_rows, ("sums", "wrap")),
        "set_at": (_indexing.set_at, ("store", "wrap")),
        "take_along_axis": (_indexing.take_along_axis, ("wrap",)),
    }
    parts: dict[str, Kernel] = {"conj": _conj, "imag": _imag, "nonzero": _nonzero, "real": _real}
    return {
        **{name: partial(kernel, xp) for name, kernel in parts.items()},
        **{name: partial(kernel, xp, **{way: ways[way] for way in uses}) for name, (kernel, uses) in indexing.items()},
    }
