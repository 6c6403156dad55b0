"""Values that go to places in a larger array, in a nest of loops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule import Symbol
from chainrule_numpy._jit import _operations
from chainrule_numpy._jit._chunks import Chunk
from chainrule_numpy._jit._layout import Place
from chainrule_numpy._jit._values import STORED, Value

if TYPE_CHECKING:
    from chainrule_numpy._jit._nest import Nest


class Scatter:
    """Values that go to places in a larger array, where some may meet."""

    def __init__(self, nest: Nest, result: Symbol, terms: list[tuple[Symbol, Place]]) -> None:
        self.nest = nest
        self.result = result
        self.dtype = str(result.dtype)
        self.sources = [x for x, _ in terms]
        self._places = [Place(place.start, nest.analysis.layout.steps(place)) for _, place in terms]
        starts = [place.start for place in self._places]
        self.first, self._last = min(starts), max(starts)
        self._shifts = [start - self.first for start in starts]
        self.overlap = self._last - self.first
        self.into_memory = not nest.flat or self.overlap > nest.lanes
        self._pointers: list[str] = []  # to the row's first element, for each term
        if self.into_memory:
            return
        self._before = [nest.text.slot(nest.vector.kind(self.dtype)) if shift else "" for shift in self._shifts]
        if self.overlap:
            self._left, self._at = nest.text.slot("i64"), nest.text.slot("i64")

    def begin_row(self) -> None:
        """Find the row's places."""
        nest, text = self.nest, self.nest.text
        if self.into_memory:
            self._pointers = [nest.at(nest.pointers[self.result], self.dtype, place) for place in self._places]
            return
        pointer, kind = nest.pointers[self.result], STORED[self.dtype]
        size, length = 1, nest.lengths[-1]
        for n in self.result.shape or ():
            size *= n
        for condition, start, stop in (("%low, 0", 0, self.first), (f"%high, {length}", self._last + length, size)):
            if start < stop:
                with text.branch(text.let(f"icmp eq i64 {condition}")):
                    nest.fill(pointer, start, stop, self.dtype)
        self._start = text.let(f"getelementptr {kind}, ptr {pointer}, i64 {self.first}")
        vector = nest.vector.kind(self.dtype)
        for slot in filter(None, self._before):
            text.do(f"store {vector} zeroinitializer, ptr {slot}")
        if self.overlap:
            text.do(f"store i64 {self.overlap}, ptr {self._left}")
            text.do(f"store i64 %high, ptr {self._at}")

    def add(self, values: list[Any], chunk: Chunk) -> None:
        """Write a chunk."""
        v, nest, text = self.nest.vector, self.nest, self.nest.text
        cast = [v.cast(x, self.dtype) if type(x) is Value else v.constant(x, self.dtype) for x in values]
        if self.into_memory:
            for pointer, value in zip(self._pointers, cast, strict=True):
                at = nest.element(pointer, self.dtype, chunk)
                v.store(_operations.add(v, v.load(at, self.dtype, chunk.mask), value), at, chunk.mask)
            return
        if chunk.mask is not None:
            cast = [v.select(Value(chunk.mask, "bool"), x, v.constant(0, self.dtype)) for x in cast]
        mask = chunk.mask
        if mask is not None and self.overlap:
            reach = text.let(f"add nsw i64 {chunk.left}, {self.overlap}")
            mask = nest.first(reach)
            text.do(f"store i64 {text.let(f'sub nsw i64 {reach}, {nest.lanes}')}, ptr {self._left}")
            text.do(f"store i64 {text.let(f'add nsw i64 {chunk.index}, {nest.lanes}')}, ptr {self._at}")
        v.store(self._met(cast), nest.element(self._start, self.dtype, chunk), mask)
        for slot, value in zip(self._before, cast, strict=True):
            if slot:
                text.do(f"store {v.kind(self.dtype)} {value.text}, ptr {slot}")

    def _met(self, values: list[Value]) -> Value:
        """The sum of what has come to the same places: lanes of this chunk and of the one before."""
        v, text, lanes = self.nest.vector, self.nest.text, self.nest.lanes
        kind = v.kind(self.dtype)
        total: Value | None = None
        for value, shift, slot in zip(values, self._shifts, self._before, strict=True):
            if shift:
                before = text.let(f"load {kind}, ptr {slot}")
                indices = ", ".join(f"i32 {lanes - shift + i}" for i in range(lanes))
                value = v.let(
                    self.dtype,
                    f"shufflevector {kind} {before}, {kind} {value.text}, <{lanes} x i32> <{indices}>",
                )
            total = value if total is None else _operations.add(v, total, value)
        assert total is not None
        return total

    def end_row(self) -> None:
        """Write what has been carried past the end: to the result, or for the part of the space that comes next."""
        if self.into_memory or not self.overlap:
            return
        nest, text = self.nest, self.nest.text
        zero = nest.vector.constant(0, self.dtype)
        total = self._met([zero] * len(self.sources))
        at = text.let(f"load i64, ptr {self._at}")
        here = text.let(f"getelementptr {STORED[self.dtype]}, ptr {self._start}, i64 {at}")
        is_last = text.let(f"icmp eq i64 %high, {nest.lengths[-1]}")
        seam = text.let(f"load ptr, ptr {nest.seam(self)}")
        pointer = text.let(f"select i1 {is_last}, ptr {here}, ptr {seam}")
        nest.vector.store(total, pointer, nest.first(text.let(f"load i64, ptr {self._left}")))
