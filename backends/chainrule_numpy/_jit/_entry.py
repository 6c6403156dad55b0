"""The function that Python calls, in LLVM's language: it takes objects apart, calls the work and makes results.

What is not as expected, an array that is not contiguous for one, is left to a function in Python, which calls again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from chainrule_numpy._jit import _objects
from chainrule_numpy._jit._text import Text

_LONG: Final = 20_000  # nanoseconds; while more than this is computed, other threads may run Python


class Array(NamedTuple):
    """What is given, or made: a shape and a dtype; of shape () it is a number."""

    shape: tuple[int, ...]
    dtype: Any

    @classmethod
    def of(cls, symbol: Any) -> Array:
        """That of a symbol."""
        return cls(tuple(symbol.shape), np.dtype(str(symbol.dtype)))


def entry(inputs: Sequence[Array], outputs: Sequence[Array], otherwise: int, nanoseconds: float) -> str:
    """Write the function `entry`, which calls `whole` with a table of pointers.

    Args:
        inputs: what it is called with.
        outputs: what it gives, in a tuple.
        otherwise: the address of the Python function that is called where something is not as expected.
        nanoseconds: about how long it takes.
    """
    return _Entry(inputs, outputs, otherwise, nanoseconds).function


class _Entry:
    def __init__(self, inputs: Sequence[Array], outputs: Sequence[Array], otherwise: int, nanoseconds: float) -> None:
        text = self.text = Text({})
        n = len(inputs)
        self._table = text.slot("ptr", n + 2 * len(outputs) + 1)  # and what scatters carry over
        self._tables: list[str] = []
        self._require(text.let(f"icmp eq i64 %n, {n}"))
        for i, array in enumerate(inputs):
            x = self._load("ptr", "%args", 8 * i)
            self._enter(i, self._data(x, array))
        tuple_ = self._python("ptr", "PyTuple_New", f"i64 {len(outputs)}")
        text.do(f"br i1 {text.let(f'icmp eq ptr {tuple_}, null')}, label %failed, label %made")
        text.label("made")
        given = self._given(len(outputs))
        cells = []
        for i, array in enumerate(outputs):
            if not array.shape:
                cells.append((i, text.slot("i64"), array))
                self._enter(n + i, cells[-1][1])
                continue
            made = self._output(given, i, array, tuple_)
            self._store(made, tuple_, _objects.ITEMS + 8 * i)
            self._enter(n + i, self._load("ptr", made, _objects.DATA))
        if nanoseconds > _LONG:
            state = self._python("ptr", "PyEval_SaveThread", "")
            text.do(f"call void @whole(ptr {self._table})")
            text.do(f"call void inttoptr (i64 {_objects.python_function('PyEval_RestoreThread')} to ptr)(ptr {state})")
        else:
            text.do(f"call void @whole(ptr {self._table})")
        for i, cell, array in cells:
            made = text.let(
                f"call ptr inttoptr (i64 {_objects.new_scalar()} to ptr)"
                f"(ptr {cell}, ptr {_pointer(id(array.dtype))}, ptr null)"
            )
            self._store(made, tuple_, _objects.ITEMS + 8 * i)
            self._or_drop(text.let(f"icmp ne ptr {made}, null"), tuple_)
        text.do(f"ret ptr {tuple_}")
        text.label("failed")
        text.do("ret ptr null")
        text.label("otherwise")
        call = _objects.python_function("PyObject_Vectorcall")
        got = text.let(
            f"call ptr inttoptr (i64 {call} to ptr)(ptr {_pointer(otherwise)}, ptr %args, i64 %n, ptr %names)"
        )
        text.do(f"ret ptr {got}")
        head = "define ptr @entry(ptr %self, ptr %args, i64 %n, ptr %names)"
        self.function = "\n".join([*self._tables, text.function(head)])

    # Reading and writing

    def _load(self, kind: str, pointer: str, offset: int) -> str:
        at = self.text.let(f"getelementptr i8, ptr {pointer}, i64 {offset}") if offset else pointer
        return self.text.let(f"load {kind}, ptr {at}")

    def _store(self, value: str, pointer: str, offset: int) -> None:
        at = self.text.let(f"getelementptr i8, ptr {pointer}, i64 {offset}")
        self.text.do(f"store ptr {value}, ptr {at}")

    def _enter(self, i: int, pointer: str) -> None:
        self._store(pointer, self._table, 8 * i)

    def _python(self, result: str, name: str, arguments: str) -> str:
        return self.text.let(f"call {result} inttoptr (i64 {_objects.python_function(name)} to ptr)({arguments})")

    def _require(self, condition: str, otherwise: str = "otherwise") -> None:
        on = self.text.name("on")
        self.text.do(f"br i1 {condition}, label %{on}, label %{otherwise}")
        self.text.label(on)

    def _or_drop(self, condition: str, tuple_: str) -> None:
        """Give up, and the results with it, unless a condition holds."""
        text = self.text
        on, drop = text.name("on"), text.name("drop")
        text.do(f"br i1 {condition}, label %{on}, label %{drop}")
        text.label(drop)
        self._drop(tuple_)
        text.do("br label %failed")
        text.label(on)

    def _drop(self, x: str) -> None:
        self.text.do(f"call void inttoptr (i64 {_objects.python_function('Py_DecRef')} to ptr)(ptr {x})")

    # Objects

    def _data(self, x: str, array: Array) -> str:
        """Where the numbers of an input are."""
        if not array.shape:
            types = [array.dtype.type] + [float] * (array.dtype == np.float64)
            kind = self._load("ptr", x, _objects.TYPE)
            is_any = [self.text.let(f"icmp eq ptr {kind}, {_pointer(id(t))}") for t in types]
            self._require(is_any[0] if len(is_any) == 1 else self.text.let(f"or i1 {is_any[0]}, {is_any[1]}"))
            return self.text.let(f"getelementptr i8, ptr {x}, i64 {_objects.HEAD}")
        self._check(x, array, _objects.CONTIGUOUS | _objects.ALIGNED, "otherwise")
        return self._load("ptr", x, _objects.DATA)

    def _check(self, x: str, array: Array, flags: int, otherwise: str) -> None:
        """Go on only with an array of this shape and dtype."""
        text = self.text
        self._require(self._is(x, _objects.TYPE, "ptr", _pointer(id(np.ndarray))), otherwise)
        self._require(self._is(x, _objects.DESCRIPTOR, "ptr", _pointer(id(array.dtype))), otherwise)
        self._require(self._is(x, _objects.NDIM, "i32", str(len(array.shape))), otherwise)
        have = self._load("i32", x, _objects.FLAGS)
        self._require(text.let(f"icmp eq i32 {text.let(f'and i32 {have}, {flags}')}, {flags}"), otherwise)
        lengths = self._load("ptr", x, _objects.DIMENSIONS)
        for i, length in enumerate(array.shape):
            self._require(self._is(lengths, 8 * i, "i64", str(length)), otherwise)

    def _is(self, x: str, offset: int, kind: str, expected: str) -> str:
        return self.text.let(f"icmp eq {kind} {self._load(kind, x, offset)}, {expected}")

    def _given(self, n: int) -> str:
        """The arrays that results are to go into: a pointer to `n` objects, or null."""
        text = self.text
        slot = text.slot("ptr")
        text.do(f"store ptr null, ptr {slot}")
        with text.branch(text.let("icmp ne ptr %names, null")):
            at = text.let("getelementptr ptr, ptr %args, i64 %n")
            items = text.let(f"getelementptr i8, ptr {text.let(f'load ptr, ptr {at}')}, i64 {_objects.ITEMS}")
            count = self._load("i64", items, -8)
            with text.branch(text.let(f"icmp eq i64 {count}, {n}")):
                text.do(f"store ptr {items}, ptr {slot}")
        return text.let(f"load ptr, ptr {slot}")

    def _output(self, given: str, i: int, array: Array, tuple_: str) -> str:
        """A result: the array that is given for it, or a new one."""
        text = self.text
        use, look, make, done, bad = (text.name(hint) for hint in ("use", "look", "make", "done", "bad"))
        text.do(f"br i1 {text.let(f'icmp ne ptr {given}, null')}, label %{look}, label %{make}")
        text.label(look)
        x = self._load("ptr", given, 8 * i)
        is_none = text.let(f"icmp eq ptr {x}, {_pointer(id(None))}")
        text.do(f"br i1 {is_none}, label %{make}, label %{use}")
        text.label(use)
        flags = _objects.CONTIGUOUS | _objects.ALIGNED | _objects.WRITEABLE
        self._check(x, array, flags, bad)
        self._take(x)
        used = text.name("used")
        text.do(f"br label %{used}")
        text.label(used)
        text.do(f"br label %{done}")
        text.label(bad)
        self._drop(tuple_)
        text.do("br label %otherwise")
        text.label(make)
        descriptor = _pointer(id(array.dtype))
        self._take(descriptor)
        name = f"@shape{i}"
        self._tables.append(
            f"{name} = private constant [{len(array.shape)} x i64] [{', '.join(f'i64 {n}' for n in array.shape)}]"
        )
        new = text.let(
            f"call ptr inttoptr (i64 {_objects.new_array()} to ptr)(ptr {_pointer(id(np.ndarray))}, "
            f"ptr {descriptor}, i32 {len(array.shape)}, ptr {name}, ptr null, ptr null, i32 0, ptr null)"
        )
        self._or_drop(text.let(f"icmp ne ptr {new}, null"), tuple_)
        made = text.name("made")
        text.do(f"br label %{made}")
        text.label(made)
        text.do(f"br label %{done}")
        text.label(done)
        return text.let(f"phi ptr [ {x}, %{used} ], [ {new}, %{made} ]")

    def _take(self, x: str) -> None:
        """Hold another reference to an object."""
        self.text.do(f"call void inttoptr (i64 {_objects.python_function('Py_IncRef')} to ptr)(ptr {x})")


def _pointer(address: int) -> str:
    return f"inttoptr (i64 {address} to ptr)"
