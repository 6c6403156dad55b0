"""Products of matrices on the team's threads: cut into smaller ones, each computed by OpenBLAS on one thread.

OpenBLAS's own threads look for more to do for a while after each product, and keep the processors from the team. So it
is set to one thread meanwhile, by machine code, which nothing interrupts.
"""

from __future__ import annotations

import ctypes
import itertools
import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from chainrule_numpy import _threads
from chainrule_numpy._jit import _objects
from chainrule_numpy._jit._machine import Code
from chainrule_numpy._jit._team import team
from chainrule_numpy._jit._text import Text
from chainrule_numpy._jit._work import threads_for

_ROW_MAJOR, _AS_IS, _TURNED = 101, 111, 112  # as BLAS calls them
_FLOATS: Final = {"f": ("s", "float", 4), "d": ("d", "double", 8)}
_POINTERS: Final = ("a", "b", "c")
_SHARED: Final = (*_POINTERS, "a_turned", "a_step", "b_turned", "b_step", "c_step", "cuts")  # words for all parts
_CUT: Final = ("a_on", "b_on", "c_on", "rows", "columns", "depth")  # bytes to where it begins, and its sizes
_table: Final = struct.Struct(f"{len(_SHARED)}q").pack
_Run: Final = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_ssize_t)
_KEPT: Final = 256  # layouts

_Layout = tuple[int, ...]  # a shape, or strides


def product(a: Any, b: Any, out: Any, most: int, tile: tuple[int, int] | None = None) -> bool:
    """Write the product of matrices, or of stacks of them.

    Args:
        a, b: of one dtype, float64 or float32, and of shapes that fit; one may be a matrix for each of the other's.
        out: an array for the result.
        most: how many threads are worth it.
        tile: rows and columns of the products that it is cut into; by default so that there is one for each part.

    Returns:
        Whether it was done: NumPy calls OpenBLAS, and BLAS takes arrays that lie as these do.
    """
    if not (a.flags.aligned and b.flags.aligned and out.flags.aligned):
        return False
    job = _of_matrices(a.dtype.char, a.shape, a.strides, b.shape, b.strides, out.strides, threads_for(most), tile)
    if job is None:
        return False
    job(a, b, out)
    return True


def product_by_vector(a: Any, b: Any, out: Any, most: int) -> bool:
    """Write the product of a matrix by a vector; see `product`."""
    if not (a.flags.aligned and b.flags.aligned and out.flags.aligned):
        return False
    found = _by_vector(a.dtype.char, a.shape, a.strides, b.strides, out.strides, threads_for(most))
    if found is None:
        return False
    job, sums = found
    if sums == 1:
        job(a, b, out)
    else:
        part = np.empty((sums, len(out)), out.dtype)
        job(a, b, part)
        np.add.reduce(part, axis=0, out=out)
    return True


class _Job:
    """A product of arrays that lie in memory in one way, cut into smaller ones."""

    def __init__(self, code: Code, lies: Sequence[int], cuts: Sequence[_Layout], parts: int) -> None:
        self._code = code
        self._run = _Run(code.address("run"))
        self._cuts = struct.pack(f"{len(cuts) * len(_CUT)}q", *itertools.chain.from_iterable(cuts))
        self._rest = (*lies, _objects.address_in_bytes(self._cuts))
        self._parts = n = min(parts, len(cuts))
        self._marks = struct.pack(f"{n + 1}q", *[len(cuts) * i // n for i in range(n + 1)])

    def __call__(self, a: Any, b: Any, c: Any) -> None:
        self._run(_table(id(a), id(b), id(c), *self._rest), self._marks, self._parts)


class _Lies(NamedTuple):
    """How a matrix lies in memory: by columns or by rows, and how many elements there are from one to the next."""

    turned: bool
    step: int

    @property
    def words(self) -> tuple[int, int]:
        return _TURNED if self.turned else _AS_IS, self.step


def _matrix(shape: _Layout, strides: _Layout, size: int) -> _Lies | None:
    """How a matrix lies, or None if BLAS takes none that does so."""
    for turned, (step, along), length in ((False, strides, shape[1]), (True, strides[::-1], shape[0])):
        if along == size and step >= length * size and step % size == 0:
            return _Lies(turned, step // size)
    return None


@lru_cache(maxsize=_KEPT)
def _of_matrices(
    kind: str,
    a_shape: _Layout,
    a_strides: _Layout,
    b_shape: _Layout,
    b_strides: _Layout,
    c_strides: _Layout,
    parts: int,
    tile: tuple[int, int] | None,
) -> _Job | None:
    size = _FLOATS[kind][2]
    rows, depth, columns = *a_shape[-2:], b_shape[-1]
    a, b = _matrix(a_shape[-2:], a_strides[-2:], size), _matrix(b_shape[-2:], b_strides[-2:], size)
    c = _matrix((rows, columns), c_strides[-2:], size)
    code = _code(kind, False)
    if a is None or b is None or c is None or c.turned or code is None:
        return None
    stack = a_shape[:-2] or b_shape[:-2]
    starts = [_starts(stack, strides[:-2]) for strides in (a_strides, b_strides, c_strides)]
    height, width = tile or _divided(rows, columns, parts, len(starts[2]))
    by_rows = itertools.product(range(0, rows, height), range(0, columns, width))
    by_columns = ((i, j) for j in range(0, columns, width) for i in range(0, rows, height))
    cuts = [
        (
            a_start + i * a_strides[-2],
            b_start + j * b_strides[-1],
            c_start + i * c_strides[-2] + j * size,
            *(min(height, rows - i), min(width, columns - j), depth),
        )
        for places in (list(by_columns if a.turned else by_rows),)
        for a_start, b_start, c_start in zip(*starts, strict=True)
        for i, j in places
    ]
    return _Job(code, (*a.words, *b.words, c.step), cuts, parts)


def _starts(stack: _Layout, strides: _Layout) -> list[int]:
    """Where the matrices of a stack begin; all at the same place if there is but one."""
    steps = strides or (0,) * len(stack)
    return [sum(map(int.__mul__, at, steps)) for at in itertools.product(*map(range, stack))]


def _divided(rows: int, columns: int, parts: int, matrices: int) -> tuple[int, int]:
    """Rows and columns of what each part computes at once: of whole matrices, if there are as many for each part."""
    if matrices % parts == 0:
        return rows, columns
    return (-(-rows // parts), columns) if rows >= columns else (rows, -(-columns // parts))


@lru_cache(maxsize=_KEPT)
def _by_vector(
    kind: str, shape: _Layout, strides: _Layout, b_strides: _Layout, c_strides: _Layout, parts: int
) -> tuple[_Job, int] | None:
    """The job, and how many vectors it writes, which are to be added up."""
    size = _FLOATS[kind][2]
    rows, depth = shape
    a, code = _matrix(shape, strides, size), _code(kind, True)
    if a is None or code is None or any(step <= 0 or step % size for (step,) in (b_strides, c_strides)):
        return None
    # BLAS is told of the matrix as it lies; of that each part takes some rows.
    length, other = (depth, rows) if a.turned else (rows, depth)
    each = -(-length // parts)
    starts = range(0, length, each)
    if a.turned:
        sums = len(starts)
        c_step = 1 if sums > 1 else c_strides[0] // size
        places = [(i * b_strides[0], k * rows * size) for k, i in enumerate(starts)]
    else:
        sums, c_step = 1, c_strides[0] // size
        places = [(0, i * c_strides[0]) for i in starts]
    cuts = [
        (i * a.step * size, b_on, c_on, min(each, length - i), other, 0)
        for i, (b_on, c_on) in zip(starts, places, strict=True)
    ]
    return _Job(code, (*a.words, _AS_IS, b_strides[0] // size, c_step), cuts, parts), sums


@lru_cache(maxsize=4)
def _code(kind: str, is_by_vector: bool) -> Code | None:
    """The function `run(table, marks, n)`, which has the team compute parts; None where NumPy calls another BLAS."""
    letter, real, _ = _FLOATS[kind]
    product = f"cblas_{letter}{'gemv' if is_by_vector else 'gemm'}"
    found = _threads.openblas(product, "openblas_get_num_threads", "openblas_set_num_threads")
    if found is None:
        return None
    functions, is_long = found
    multiply, get, set_ = (f"inttoptr (i64 {ctypes.cast(f, ctypes.c_void_p).value} to ptr)" for f in functions)
    work = _work(multiply, real, "i64" if is_long else "i32", is_by_vector)
    text = Text({})
    tables = text.let("alloca ptr, i64 %n")
    with text.loop("0", "%n") as i:
        text.do(f"store ptr %table, ptr {text.let(f'getelementptr ptr, ptr {tables}, i64 {i}')}")
    have = text.let(f"call i32 {get}()")
    several = text.let(f"icmp sgt i32 {have}, 1")
    with text.branch(several):
        text.do(f"call void {set_}(i32 1)")
    members = text.let("sub i64 %n, 1")
    run = f"inttoptr (i64 {team().run} to ptr)"
    text.do(f"call void {run}(ptr @work, ptr {tables}, ptr %marks, i64 %n, i64 {members})")
    # Unless somebody has said otherwise since.
    as_left = text.let(f"icmp eq i32 {text.let(f'call i32 {get}()')}, 1")
    with text.branch(text.let(f"and i1 {several}, {as_left}")):
        text.do(f"call void {set_}(i32 {have})")
    text.do("ret void")
    return Code(f"{work}\n{text.function('define void @run(ptr %table, ptr %marks, i64 %n)')}")


def _work(multiply: str, real: str, whole: str, is_by_vector: bool) -> str:
    """The function `work(table, low, high)`, which computes some of what a product is cut into."""
    text = Text({})
    words = {}

    def read(names: Sequence[str], table: str) -> None:
        for i, name in enumerate(names):
            kind = "ptr" if name in (*_POINTERS, "cuts") else "i64"
            words[name] = text.let(f"load {kind}, ptr {text.let(f'getelementptr i64, ptr {table}, i64 {i}')}")

    def number(name: str, kind: str = whole) -> str:
        return f"{kind} {words[name] if kind == 'i64' else text.let(f'trunc i64 {words[name]} to {kind}')}"

    def pointer(name: str) -> str:
        on = words[f"{name}_on"]
        return f"ptr {text.let(f'getelementptr i8, ptr {words[name]}, i64 {on}')}"

    read(_SHARED, "%table")
    for x in _POINTERS:  # of arrays, which hold where their elements are
        words[x] = text.let(f"load ptr, ptr {text.let(f'getelementptr i8, ptr {words[x]}, i64 {_objects.DATA}')}")
    with text.loop("%low", "%high") as i:
        read(_CUT, text.let(f"getelementptr [{len(_CUT)} x i64], ptr {words['cuts']}, i64 {i}"))
        a, b, c = [(pointer(x), number(f"{x}_step")) for x in _POINTERS]
        one, nothing = f"{real} 1.0", f"{real} 0.0"
        if is_by_vector:
            how = [number("a_turned", "i32"), number("rows"), number("columns")]
        else:
            turned = [number(name, "i32") for name in ("a_turned", "b_turned")]
            how = [*turned, *map(number, ("rows", "columns", "depth"))]
        arguments = [f"i32 {_ROW_MAJOR}", *how, one, *a, *b, nothing, *c]
        text.do(f"call void {multiply}({', '.join(arguments)})")
    text.do("ret void")
    return text.function("define private void @work(ptr %table, i64 %low, i64 %high)")
