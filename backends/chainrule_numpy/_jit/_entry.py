"""The machine code that Python calls: it takes objects apart, calls a region's function, and makes results.

There is one for all regions. What it needs to know of a region lies in a table of 64-bit words, which is the first item
of the tuple that the function is bound to. What is not as expected, an array that is not contiguous for one, is left to
a function in Python, which puts it right and calls again.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np

from chainrule_numpy._jit import _objects
from chainrule_numpy._jit._machine import Code
from chainrule_numpy._jit._text import Text

_LONG: Final = 20_000  # nanoseconds; while more than this is computed, other threads may run Python

# Words of the table, and of the record in it of each input and then of each result.
_INPUTS, _OUTPUTS, _WHOLE, _OTHERWISE, _RELEASE, _PARTS, _RECORDS = range(7)
_KIND, _NDIM, _SHAPE, _OTHER_KIND, _RECORD = range(5)  # a dtype; or the types of a number, which has no axes
PLACES: Final = 3  # in the table of pointers, for each result


class Array(NamedTuple):
    """What is given, or made: a shape and a dtype; of shape () it is a number."""

    shape: tuple[int, ...]
    dtype: Any

    @classmethod
    def of(cls, symbol: Any) -> Array:
        """That of a symbol."""
        return cls(tuple(symbol.shape), np.dtype(str(symbol.dtype)))


def bound(
    inputs: Sequence[Array],
    outputs: Sequence[Array],
    whole: int,
    otherwise: Callable[..., Any],
    nanoseconds: float,
    keep: object,
    parts: int = 1,
) -> Any:
    """A Python function that calls machine code; one thread at a time may ask for one, as `_code` has to stay.

    Args:
        inputs: what it takes.
        outputs: what it gives, in a tuple.
        whole: the address of a function of a table of pointers: to the inputs, the results, and for each result two
            places more; last comes how many parts to compute at the same time.
        otherwise: what is called where something is not as expected.
        nanoseconds: about how long it takes.
        keep: what must live as long as it does.
        parts: how many threads are to compute.
    """
    shapes = [struct.pack(f"{len(shape)}q", *shape) for shape, _ in (*inputs, *outputs)]
    words = [len(inputs), len(outputs), whole, id(otherwise), nanoseconds > _LONG, parts]
    for array, shape in zip((*inputs, *outputs), shapes, strict=True):
        if array.shape:
            words += [id(array.dtype), len(array.shape), _objects.address_in_bytes(shape), 0]
        else:
            also = float if array.dtype == np.float64 else array.dtype.type
            words += [id(array.dtype.type), 0, id(array.dtype), id(also)]
    table = struct.pack(f"{len(words)}q", *words)
    return _objects.callable_of(_code().address("entry"), (table, shapes, otherwise, keep))


@cache
def _code() -> Code:
    return Code(_Entry().function)


class _Entry:
    """Writes the function."""

    def __init__(self) -> None:
        text = self.text = Text({})
        self._plan = text.let(
            f"getelementptr i8, ptr {self._load('ptr', '%self', _objects.ITEMS)}, i64 {_objects.BYTES}"
        )
        n_in, n_out = self._word("i64", _INPUTS), self._word("i64", _OUTPUTS)
        size = text.let(f"add i64 {n_in}, {text.let(f'mul i64 {n_out}, {PLACES}')}")
        table = text.let(f"alloca ptr, i64 {text.let(f'add i64 {size}, 1')}, align 16")
        parts = text.let(f"getelementptr i64, ptr {table}, i64 {size}")
        text.do(f"store i64 {self._word('i64', _PARTS)}, ptr {parts}")
        cells = text.let(f"getelementptr ptr, ptr {table}, i64 {text.let(f'sub i64 {size}, {n_out}')}")
        self._require(text.let(f"icmp eq i64 %n, {n_in}"))
        with text.loop("0", n_in) as i:
            record = self._record(i)
            x = text.let(f"load ptr, ptr {text.let(f'getelementptr ptr, ptr %args, i64 {i}')}")
            is_number = self._is(record, 8 * _NDIM, "i64", "0")
            at = text.let(f"getelementptr ptr, ptr {table}, i64 {i}")
            with self._either(is_number) as (number, array):
                with number:
                    kind = self._load("ptr", x, _objects.TYPE)
                    first = text.let(f"icmp eq ptr {kind}, {self._load('ptr', record, 8 * _KIND)}")
                    other = text.let(f"icmp eq ptr {kind}, {self._load('ptr', record, 8 * _OTHER_KIND)}")
                    self._require(text.let(f"or i1 {first}, {other}"))
                    text.do(f"store ptr {text.let(f'getelementptr i8, ptr {x}, i64 {_objects.HEAD}')}, ptr {at}")
                with array:
                    self._check(x, record, _objects.CONTIGUOUS | _objects.ALIGNED, "otherwise")
                    text.do(f"store ptr {self._load('ptr', x, _objects.DATA)}, ptr {at}")
        given = self._given(n_out)
        results = self._python("ptr", "PyTuple_New", f"i64 {n_out}")
        self._require(text.let(f"icmp ne ptr {results}, null"), "failed")
        items = text.let(f"getelementptr i8, ptr {results}, i64 {_objects.ITEMS}")
        with text.loop("0", n_out) as j:
            i = text.let(f"add i64 {n_in}, {j}")
            record = self._record(i)
            at = text.let(f"getelementptr ptr, ptr {table}, i64 {i}")
            with self._either(self._is(record, 8 * _NDIM, "i64", "0")) as (number, array):
                with number:
                    text.do(f"store ptr {text.let(f'getelementptr ptr, ptr {cells}, i64 {j}')}, ptr {at}")
                with array:
                    made = self._output(given, j, record, results)
                    text.do(f"store ptr {made}, ptr {text.let(f'getelementptr ptr, ptr {items}, i64 {j}')}")
                    text.do(f"store ptr {self._load('ptr', made, _objects.DATA)}, ptr {at}")
        whole = self._word("ptr", _WHOLE)
        with self._either(self._is(self._plan, 8 * _RELEASE, "i64", "0")) as (short, long):
            with short:
                text.do(f"call void {whole}(ptr {table})")
            with long:
                state = self._python("ptr", "PyEval_SaveThread", "")
                text.do(f"call void {whole}(ptr {table})")
                text.do(f"call void {_pointer(_objects.python_function('PyEval_RestoreThread'))}(ptr {state})")
        with text.loop("0", n_out) as j:
            record = self._record(text.let(f"add i64 {n_in}, {j}"))
            with text.branch(self._is(record, 8 * _NDIM, "i64", "0")):
                cell = text.let(f"getelementptr ptr, ptr {cells}, i64 {j}")
                dtype = self._load("ptr", record, 8 * _SHAPE)
                new = _pointer(_objects.new_scalar())
                made = text.let(f"call ptr {new}(ptr {cell}, ptr {dtype}, ptr null)")
                text.do(f"store ptr {made}, ptr {text.let(f'getelementptr ptr, ptr {items}, i64 {j}')}")
                self._or_drop(text.let(f"icmp ne ptr {made}, null"), results)
        text.do(f"ret ptr {results}")
        text.label("failed")
        text.do("ret ptr null")
        text.label("otherwise")
        function = self._word("ptr", _OTHERWISE)
        arguments = f"ptr {function}, ptr %args, i64 %n, ptr %names"
        text.do(f"ret ptr {self._python('ptr', 'PyObject_Vectorcall', arguments)}")
        self.function = text.function("define ptr @entry(ptr %self, ptr %args, i64 %n, ptr %names)")

    # Reading and going on

    def _load(self, kind: str, pointer: str, offset: int) -> str:
        at = self.text.let(f"getelementptr i8, ptr {pointer}, i64 {offset}") if offset else pointer
        return self.text.let(f"load {kind}, ptr {at}")

    def _word(self, kind: str, i: int) -> str:
        return self._load(kind, self._plan, 8 * i)

    def _record(self, i: str) -> str:
        word = self.text.let(f"add i64 {self.text.let(f'mul i64 {i}, {_RECORD}')}, {_RECORDS}")
        return self.text.let(f"getelementptr i64, ptr {self._plan}, i64 {word}")

    def _python(self, result: str, name: str, arguments: str) -> str:
        return self.text.let(f"call {result} {_pointer(_objects.python_function(name))}({arguments})")

    def _is(self, x: str, offset: int, kind: str, expected: str) -> str:
        return self.text.let(f"icmp eq {kind} {self._load(kind, x, offset)}, {expected}")

    def _require(self, condition: str, otherwise: str = "otherwise") -> None:
        on = self.text.name("on")
        self.text.do(f"br i1 {condition}, label %{on}, label %{otherwise}")
        self.text.label(on)

    @contextmanager
    def _either(self, condition: str) -> Iterator[tuple[Any, Any]]:
        """What is done where a condition holds, and what where it does not."""
        text = self.text
        yes, no, done = (text.name(hint) for hint in ("yes", "no", "done"))
        text.do(f"br i1 {condition}, label %{yes}, label %{no}")

        @contextmanager
        def branch(label: str) -> Iterator[None]:
            text.label(label)
            yield
            text.do(f"br label %{done}")

        yield branch(yes), branch(no)
        text.label(done)

    def _or_drop(self, condition: str, results: str) -> None:
        """Give up, and the results with it, unless a condition holds."""
        on, drop = self.text.name("on"), self.text.name("drop")
        self.text.do(f"br i1 {condition}, label %{on}, label %{drop}")
        self.text.label(drop)
        self._drop(results)
        self.text.do("br label %failed")
        self.text.label(on)

    # Objects

    def _drop(self, x: str) -> None:
        self.text.do(f"call void {_pointer(_objects.python_function('Py_DecRef'))}(ptr {x})")

    def _take(self, x: str) -> None:
        """Hold another reference to an object."""
        self.text.do(f"call void {_pointer(_objects.python_function('Py_IncRef'))}(ptr {x})")

    def _check(self, x: str, record: str, flags: int, otherwise: str) -> None:
        """Go on only with an array of the record's shape and dtype."""
        text = self.text
        self._require(self._is(x, _objects.TYPE, "ptr", _pointer(id(np.ndarray))), otherwise)
        dtype = self._load("ptr", record, 8 * _KIND)
        self._require(self._is(x, _objects.DESCRIPTOR, "ptr", dtype), otherwise)
        have = self._load("i32", x, _objects.FLAGS)
        self._require(text.let(f"icmp eq i32 {text.let(f'and i32 {have}, {flags}')}, {flags}"), otherwise)
        ndim = self._load("i32", record, 8 * _NDIM)
        self._require(self._is(x, _objects.NDIM, "i32", ndim), otherwise)
        lengths, expected = self._load("ptr", x, _objects.DIMENSIONS), self._load("ptr", record, 8 * _SHAPE)
        with text.loop("0", text.let(f"sext i32 {ndim} to i64")) as axis:
            length = text.let(f"load i64, ptr {text.let(f'getelementptr i64, ptr {lengths}, i64 {axis}')}")
            wanted = text.let(f"load i64, ptr {text.let(f'getelementptr i64, ptr {expected}, i64 {axis}')}")
            self._require(text.let(f"icmp eq i64 {length}, {wanted}"), otherwise)

    def _given(self, n_out: str) -> str:
        """The arrays that results are to go into: a pointer to `n_out` objects, or null."""
        text = self.text
        slot = text.slot("ptr")
        text.do(f"store ptr null, ptr {slot}")
        with text.branch(text.let("icmp ne ptr %names, null")):
            out = text.let(f"load ptr, ptr {text.let('getelementptr ptr, ptr %args, i64 %n')}")
            items = text.let(f"getelementptr i8, ptr {out}, i64 {_objects.ITEMS}")
            self._require(self._is(out, _objects.TYPE, "ptr", _pointer(id(tuple))))
            with text.branch(text.let(f"icmp ne i64 {self._load('i64', items, -8)}, 0")):
                self._require(self._is(items, -8, "i64", n_out))
                text.do(f"store ptr {items}, ptr {slot}")
        return text.let(f"load ptr, ptr {slot}")

    def _output(self, given: str, j: str, record: str, results: str) -> str:
        """A result: the array that is given for it, or a new one."""
        text = self.text
        slot = text.slot("ptr")
        look, use, make, bad, done = (text.name(hint) for hint in ("look", "use", "make", "bad", "done"))
        text.do(f"br i1 {text.let(f'icmp ne ptr {given}, null')}, label %{look}, label %{make}")
        text.label(look)
        x = text.let(f"load ptr, ptr {text.let(f'getelementptr ptr, ptr {given}, i64 {j}')}")
        is_none = text.let(f"icmp eq ptr {x}, {_pointer(id(None))}")
        text.do(f"br i1 {is_none}, label %{make}, label %{use}")
        text.label(use)
        self._check(x, record, _objects.CONTIGUOUS | _objects.ALIGNED | _objects.WRITEABLE, bad)
        self._take(x)
        text.do(f"store ptr {x}, ptr {slot}")
        text.do(f"br label %{done}")
        text.label(bad)
        self._drop(results)
        text.do("br label %otherwise")
        text.label(make)
        dtype = self._load("ptr", record, 8 * _KIND)
        self._take(dtype)
        ndim, shape = self._load("i32", record, 8 * _NDIM), self._load("ptr", record, 8 * _SHAPE)
        new = text.let(
            f"call ptr {_pointer(_objects.new_array())}(ptr {_pointer(id(np.ndarray))}, "
            f"ptr {dtype}, i32 {ndim}, ptr {shape}, ptr null, ptr null, i32 0, ptr null)"
        )
        self._or_drop(text.let(f"icmp ne ptr {new}, null"), results)
        text.do(f"store ptr {new}, ptr {slot}")
        text.do(f"br label %{done}")
        text.label(done)
        return text.let(f"load ptr, ptr {slot}")


def _pointer(address: int) -> str:
    return f"inttoptr (i64 {address} to ptr)"
