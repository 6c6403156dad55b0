"""Products of matrices on the team's threads, each part by OpenBLAS on one."""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import Any, Final

import numpy as np

from chainrule_numpy import _threads
from chainrule_numpy._jit._machine import Code
from chainrule_numpy._jit._objects import address_of_data
from chainrule_numpy._jit._text import Text
from chainrule_numpy._jit._work import Work

_ROW_MAJOR, _AS_IS, _TURNED = 101, 111, 112  # as BLAS calls them
_FLOATS: Final = {"f": ("s", "float"), "d": ("d", "double")}
_POINTERS: Final = ("a", "b", "c")
_NUMBERS: Final = (
    *("a_on", "b_on", "c_on"),  # how many bytes it is to what comes next along the axis that is divided
    *("a_turned", "a_step", "b_turned", "b_step", "c_step"),  # how the matrices lie
    *("rows", "columns", "depth"),
)
_Table: Final = ctypes.c_int64 * (len(_POINTERS) + len(_NUMBERS))


def product(a: Any, b: Any, out: Any, n: int) -> bool:
    """Write the product of matrices, or of a matrix by a vector, in parts.

    Args:
        a, b: of one dtype, float64 or float32, and of shapes that fit.
        out: an array for the result.
        n: how many parts.

    Returns:
        Whether it was done: NumPy calls OpenBLAS, and BLAS takes arrays that lie as these do.
    """
    left, right, result = _lies(a), _lies(b), _lies(out)
    if left is None or right is None or result is None or result[0]:
        return False
    (a_turned, a_step), (b_turned, b_step), (_, c_step) = left, right, result
    rows, depth = a.shape
    columns = b.shape[1] if b.ndim > 1 else 1
    by = ("depth" if a_turned else "rows") if b.ndim == 1 else "rows" if rows >= columns else "columns"
    work = _work(a.dtype.char, b.ndim == 1, by)
    if work is None:
        return False
    a_on, b_on, c_on = {
        "rows": (1 if a_turned else a_step, 0, c_step),
        "columns": (0, b_step if b_turned else 1, 1),
        "depth": (a_step, b_step, 0),
    }[by]
    size = a.itemsize
    rest = (
        *(size * a_on, size * b_on, size * c_on),
        *(_TURNED if a_turned else _AS_IS, a_step, _TURNED if b_turned else _AS_IS, b_step, c_step),
        *(rows, columns, depth),
    )
    outs = [out, *[np.empty_like(out) for _ in range(n - 1)]] if by == "depth" else [out]
    tables = [_Table(*map(address_of_data, (a, b, c)), *rest) for c in outs]
    addresses = [ctypes.addressof(table) for table in tables]
    work.run(addresses if by == "depth" else addresses * n, {"rows": rows, "columns": columns, "depth": depth}[by])
    for c in outs[1:]:
        out += c
    return True


def _lies(x: Any) -> tuple[bool, int] | None:
    """Whether a matrix lies in memory by columns, and how many elements there are from one to the next; or by rows.

    Of a vector, whose elements are a column, False and how many there are between two.
    """
    size, strides = x.itemsize, x.strides
    if not x.flags.aligned:
        return None
    if x.ndim == 1:
        return (False, strides[0] // size) if strides[0] > 0 and strides[0] % size == 0 else None
    for turned, (step, along), length in ((False, strides, x.shape[1]), (True, strides[::-1], x.shape[0])):
        if along == size and step >= length * size and step % size == 0:
            return turned, step // size
    return None


@lru_cache(maxsize=16)
def _work(kind: str, is_vector: bool, by: str) -> Work | None:
    """What computes a part, of rows, columns or what is summed; None where NumPy calls another BLAS."""
    letter, real = _FLOATS[kind]
    found = _threads.openblas(f"cblas_{letter}{'gemv' if is_vector else 'gemm'}")
    if found is None:
        return None
    (function,), is_long = found
    whole = "i64" if is_long else "i32"
    text = Text({})
    words = {}
    for i, name in enumerate((*_POINTERS, *_NUMBERS)):
        at = text.let(f"getelementptr i64, ptr %table, i64 {i}")
        words[name] = text.let(f"load {'ptr' if name in _POINTERS else 'i64'}, ptr {at}")
    words[by] = text.let("sub i64 %high, %low")

    def number(name: str, kind: str = whole) -> str:
        return f"{kind} {words[name] if kind == 'i64' else text.let(f'trunc i64 {words[name]} to {kind}')}"

    def pointer(name: str) -> str:
        on = text.let(f"mul i64 %low, {words[f'{name}_on']}")
        return f"ptr {text.let(f'getelementptr i8, ptr {words[name]}, i64 {on}')}"

    a, b, c = [(pointer(name), number(f"{name}_step")) for name in _POINTERS]
    order, one, nothing = f"i32 {_ROW_MAJOR}", f"{real} 1.0", f"{real} 0.0"
    if is_vector:  # the matrix is told of as it lies
        lengths = [number(name) for name in (("depth", "rows") if by == "depth" else ("rows", "depth"))]
        arguments = [order, number("a_turned", "i32"), *lengths, one, *a, *b, nothing, *c]
    else:
        turned = [number(name, "i32") for name in ("a_turned", "b_turned")]
        lengths = [number(name) for name in ("rows", "columns", "depth")]
        arguments = [order, *turned, *lengths, one, *a, *b, nothing, *c]
    address = ctypes.cast(function, ctypes.c_void_p).value
    text.do(f"call void inttoptr (i64 {address} to ptr)({', '.join(arguments)})")
    text.do("ret void")
    return Work(Code(text.function("define void @work(ptr %table, i64 %low, i64 %high)")))
