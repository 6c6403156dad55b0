"""`Nest`: a region as loops over its space, in LLVM's language.

The function that it writes takes a table of pointers, to the inputs and then to the results, and which part of the
first axis to compute. The loops go over rows, and along a row in steps of a vector; what is left of a row is computed
in a vector whose other lanes are masked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from chainrule import Instruction, Symbol
from chainrule_numpy._jit import _operations
from chainrule_numpy._jit._accumulators import BLOCK, WHOLE, Accumulator, Columns, identity
from chainrule_numpy._jit._analysis import Analysis
from chainrule_numpy._jit._chunks import Chunk, change, mask_of
from chainrule_numpy._jit._layout import Place
from chainrule_numpy._jit._machine import host
from chainrule_numpy._jit._scatter import Scatter
from chainrule_numpy._jit._text import Text
from chainrule_numpy._jit._values import SIZES, STORED, Value, Values

_LONG: Final = 8  # vectors; a row of fewer is better computed in narrow ones, of which fewer lanes are wasted
_RECOMPUTED: Final = 0.3  # nanoseconds; what takes longer is kept for the next pass over a row
_SCRATCH: Final = 1 << 15  # bytes of rows that are kept


class Shared(NamedTuple):
    """A result that each row adds to, so that it has to be set before and, for a mean, divided afterwards.

    Attributes:
        result: the result.
        start: what its elements are before.
        divisor: what they are divided by afterwards.
    """

    result: Symbol
    start: Any
    divisor: int


class Nest:
    """Writes the function."""

    def __init__(self, analysis: Analysis, declarations: dict[str, str]) -> None:
        self.analysis = analysis
        self.text = Text(declarations)
        program = analysis.region.program
        symbols = [*program.inputs, *(y for i in program.instructions for y in i.outputs)]
        size = max(max(SIZES[str(x.dtype)] for x in symbols), 4)
        self.lengths = analysis.layout.lengths
        self.flat = len(self.lengths) == 1
        self.lanes = host().bits // 8 // size
        self.calls = any(_operations.cost(i) >= 1 for i in program.instructions)
        if self.calls and self.lengths[-1] >= _LONG * self.lanes:
            self.lanes *= 2  # two registers: while one waits for a function's steps, the other goes on
        self.vector, self.scalar = Values(self.text, self.lanes), Values(self.text, 1)
        self._rounded = Values(self.text, self.lanes, contract=False)
        self.outputs: list[Symbol] = list(dict.fromkeys(program.outputs))
        self._everywhere: dict[Symbol, Value] = {}
        self._in_row: dict[Symbol, Value] = {}
        self._spread: dict[Symbol, Value] = {}
        self.pointers: dict[Symbol, str] = {}
        self.row_pointers: dict[Symbol, str] = {}
        self._plan()

    # What is computed in which pass over a row

    def _plan(self) -> None:
        a = self.analysis
        wanted = {*self.outputs, *(x for i in a.region.program.instructions for x in i.inputs if type(x) is Symbol)}
        self.reductions = [r for r in a.reductions.values() if r.result in wanted]
        self.stored = [y for y in self.outputs if y not in a.reductions and y not in a.scattered]
        self.rows_stored = [y for y in self.stored if not a.steps[y][-1]]
        self.stored = [y for y in self.stored if a.steps[y][-1]]
        self.terms = {y: a.scattered[y] for y in self.outputs if y in a.scattered}
        sources = [r.source for r in self.reductions]
        last = [*self.stored, *(x for terms in self.terms.values() for x, _ in terms)]
        self.passes = 1 + max((a.level[x] for x in (*sources, *last) if type(x) is Symbol), default=0)
        targets: list[set[Any]] = [set() for _ in range(self.passes)]
        for source in sources:
            targets[self._level(source)].add(source)
        targets[-1].update(last)
        self._kept: dict[Symbol, str] = {}
        kept: set[Symbol] = set()
        row = self.lengths[-1]
        for p in reversed(range(1, self.passes)):
            for x in self._direct(p, targets[p]):
                size = (len(kept) + 1) * row * 8
                if x not in kept and self._cone_cost(x) > _RECOMPUTED and size <= _SCRATCH:
                    kept.add(x)
                    targets[a.level[x]].add(x)
        self._keeps = kept
        self._work = [self._needed(p, targets[p]) for p in range(self.passes)]
        times = Counter(y for work in self._work for i in work for y in i.outputs)
        self._repeated = {y for y, n in times.items() if n > 1}  # which have to be the same numbers each time
        work = sum(map(len, self._work))
        self.unroll = 1 if self.calls or work > 40 else 2 if work > 12 else 4

    def _level(self, x: Any) -> int:
        return self.analysis.level[x] if type(x) is Symbol else 0

    def _direct(self, p: int, targets: Iterable[Any]) -> list[Symbol]:
        """Values of an earlier pass that this one needs at once."""
        a = self.analysis
        own = [x for i in a.elementwise if a.level[i.outputs[0]] == p for x in i.inputs]
        inputs = set(a.region.program.inputs)
        return list(dict.fromkeys(x for x in (*own, *targets) if a.is_vector(x) and a.level[x] < p and x not in inputs))

    def _cone_cost(self, x: Symbol) -> float:
        return sum(_operations.cost(i) for i in self._needed(-1, {x}))

    def _needed(self, p: int, targets: Iterable[Any]) -> list[Instruction]:
        """The instructions that a pass computes along the row, for its targets."""
        a = self.analysis
        wanted = {x for x in targets if a.is_vector(x)}
        found = []
        for instruction in reversed(a.elementwise):
            (y,) = instruction.outputs
            if y not in wanted or (p >= 0 and y in self._keeps and a.level[y] < p):
                continue
            found.append(instruction)
            wanted.update(x for x in instruction.inputs if a.is_vector(x))
        return found[::-1]

    # The function

    def write(self) -> str:
        """The function `work`."""
        text, a = self.text, self.analysis
        for i, x in enumerate((*a.region.program.inputs, *self.outputs)):
            at = text.let(f"getelementptr ptr, ptr %table, i64 {i}")
            self.pointers[x] = text.let(f"load ptr, ptr {at}")
        for x in a.region.program.inputs:
            if not a.vary[x]:
                self._everywhere[x] = self.scalar.load(self.pointers[x], str(x.dtype))
        for instruction in a.elementwise:
            (y,) = instruction.outputs
            if not a.vary[y] and not a.level[y]:
                self._everywhere[y] = self._emit_scalar(instruction)
        for x in self._keeps:
            self._kept[x] = text.slot(self.vector.stored(str(x.dtype)), -(-self.lengths[-1] // self.lanes))
        self._columns = {r.result: Columns(self, r) for r in self.reductions if self.row not in r.axes}
        self._sums = {r.result: Accumulator(self, r) for r in self.reductions if self.row in r.axes}
        self.scatters = [Scatter(self, y, terms) for y, terms in self.terms.items()]
        for columns in self._columns.values():
            columns.begin()
        for accumulator in self._sums.values():
            if accumulator.over_all:
                accumulator.begin()
        if self.flat:
            self._row([])
        else:
            self._outer(0, [])
        for columns in self._columns.values():
            columns.end()
        for accumulator in self._sums.values():
            if accumulator.over_all:
                self.scalar.store(accumulator.total(), self.pointers[accumulator.result])
        text.do("ret void")
        return text.function("define void @work(ptr %table, i64 %low, i64 %high)")

    @property
    def row(self) -> int:
        """The axis that rows lie along."""
        return self.analysis.row

    def seam(self, scatter: Scatter) -> str:
        """Where in the table the address is for what is carried past the end of a part of the space."""
        i = len(self.analysis.region.program.inputs) + len(self.outputs) + self.scatters.index(scatter)
        return self.text.let(f"getelementptr ptr, ptr %table, i64 {i}")

    def fill(self, pointer: str, start: int, stop: int, dtype: str, number: Any = 0) -> None:
        """Write one number to some elements."""
        change(self.text, self.lanes, pointer, start, stop, dtype, lambda v, _: v.constant(number, dtype))

    def shared(self) -> list[Shared]:
        """The results that rows add to."""
        found = [Shared(s.result, 0, 1) for s in self.scatters if s.into_memory]
        reductions: list[Columns | Accumulator] = [*self._columns.values(), *self._sums.values()]
        for r in reductions:
            if r.into_memory:
                found.append(Shared(r.result, identity(r.how, r.dtype), r.divisor))
        return found

    def _outer(self, axis: int, indices: list[str]) -> None:
        if axis == self.row:
            self._row(indices)
            return
        low, high = ("%low", "%high") if axis == 0 else ("0", str(self.lengths[axis]))
        with self.text.loop(low, high) as i:
            self._outer(axis + 1, [*indices, i])

    def _row(self, indices: list[str]) -> None:
        a = self.analysis
        self._indices = indices
        for x in (*a.region.program.inputs, *self.outputs):
            if x in a.steps:
                self.row_pointers[x] = self.at(self.pointers[x], str(x.dtype), Place(0, a.steps[x]))
        for scatter in self.scatters:
            scatter.begin_row()
        for x in a.region.program.inputs:
            if a.vary[x] and not a.is_vector(x):
                self._in_row[x] = self.scalar.load(self.row_pointers[x], str(x.dtype))
        for p in range(self.passes):
            self._scalars(p)
            self._pass(p)
        levels = max(a.level.values(), default=0)
        for p in range(self.passes, levels + 1):
            self._scalars(p)
        for scatter in self.scatters:
            scatter.end_row()
        for y in self.rows_stored:
            value = self._everywhere[y] if y in self._everywhere else self._in_row[y]
            self.scalar.store(value, self.row_pointers[y])

    def at(self, pointer: str, dtype: str, place: Place) -> str:
        """The first element of an array that belongs to this row."""
        offset = str(place.start)
        for i, step in zip(self._indices, place.steps[:-1], strict=True):
            if step:
                further = self.text.let(f"mul nsw i64 {i}, {step}")
                offset = self.text.let(f"add nsw i64 {offset}, {further}")
        if offset == "0":
            return pointer
        return self.text.let(f"getelementptr {STORED[dtype]}, ptr {pointer}, i64 {offset}")

    def _scalars(self, p: int) -> None:
        """Compute what is the same in all of the row, once it can be."""
        a = self.analysis
        for instruction in a.elementwise:
            (y,) = instruction.outputs
            if a.level[y] == p and not a.is_vector(y) and y not in self._everywhere:
                self._in_row[y] = self._emit_scalar(instruction)

    def _emit_scalar(self, instruction: Instruction) -> Value:
        operands = [self.one(x) for x in instruction.inputs]
        return _operations.emit(self.scalar, instruction, operands)

    def one(self, x: Any) -> Any:
        """A value that is the same in all of the row, or a number."""
        if type(x) is not Symbol:
            return x
        return self._everywhere[x] if x in self._everywhere else self._in_row[x]

    def _pass(self, p: int) -> None:
        """A pass over the row."""
        a = self.analysis
        here = [r for r in self.reductions if self._level(r.source) == p]
        ending = [self._sums[r.result] for r in here if r.result in self._sums]
        columns = [self._columns[r.result] for r in here if r.result in self._columns]
        is_last = p == self.passes - 1
        keep = [x for x in self._keeps if a.level[x] == p]
        work = self._work[p]
        used = [x for i in work for x in i.inputs] + [r.source for r in here]
        if is_last:
            used += [*self.stored, *(x for terms in self.terms.values() for x, _ in terms)]
        self._spread = {
            x: self.vector.spread(self.one(x)) for x in dict.fromkeys(used) if type(x) is Symbol and not a.is_vector(x)
        }
        for accumulator in ending:
            if not accumulator.over_all:
                accumulator.begin()

        def body(chunk: Chunk) -> None:
            for instruction in work:
                operands = [self.many(x, chunk, p) for x in instruction.inputs]
                (y,) = instruction.outputs
                values = self._rounded if y in self._repeated else self.vector
                chunk.values[y] = _operations.emit(values, instruction, operands)
            for x in keep:
                self.vector.store(chunk.values[x], self.element(self._kept[x], str(x.dtype), chunk))
            for accumulator in ending:
                accumulator.add(self.many(accumulator.source, chunk, p), chunk)
            for column in columns:
                column.add(self.many(column.source, chunk, p), chunk)
            if is_last:
                for scatter in self.scatters:
                    scatter.add([self.many(x, chunk, p) for x in scatter.sources], chunk)
                last = [self.vector.cast(self.many(y, chunk, p), str(y.dtype)) for y in self.stored]
                for y, value in zip(self.stored, last, strict=True):
                    self.vector.store(value, self.element(self.row_pointers[y], str(y.dtype), chunk), chunk.mask)

        self.along_row(body, [s for s in ending if s.in_blocks])
        for accumulator in ending:
            if not accumulator.over_all:
                self._in_row[accumulator.result] = accumulator.end_row()

    def many(self, x: Any, chunk: Chunk, p: int = 0) -> Any:
        """A value in the lanes of a chunk, or a number."""
        if type(x) is not Symbol:
            return x
        found = chunk.values.get(x) or self._spread.get(x)
        if found is None:
            dtype = str(x.dtype)
            if x in self._keeps:
                found = self.vector.load(self.element(self._kept[x], dtype, chunk), dtype)
            else:
                found = self.vector.load(self.element(self.row_pointers[x], dtype, chunk), dtype, chunk.mask)
            chunk.values[x] = found
        return found

    def element(self, pointer: str, dtype: str, chunk: Chunk) -> str:
        """Where a chunk starts in an array."""
        if chunk.index == "0":
            return pointer
        return self.text.let(f"getelementptr {STORED[dtype]}, ptr {pointer}, i64 {chunk.index}")

    def along_row(self, body: Callable[[Chunk], None], in_blocks: list[Accumulator]) -> None:
        """Go along the row."""
        length = self.lengths[-1]
        if not self.flat and length <= WHOLE * self.lanes:
            for copy, at in enumerate(range(0, length, self.lanes)):
                left = length - at
                body(Chunk(str(at), None if left >= self.lanes else mask_of(self.lanes, left), copy))
            for accumulator in in_blocks:
                accumulator.flush()
            return
        start, stop = ("%low", "%high") if self.flat else ("0", str(length))
        index = self.text.slot("i64")
        self.text.do(f"store i64 {start}, ptr {index}")
        if in_blocks and (self.flat or length > BLOCK):
            block = self.text.slot("i64")
            self.text.do(f"store i64 {start}, ptr {block}")
            last = self.text.let(f"add nsw i64 {stop}, {BLOCK - 1}")
            with self.text.steps(block, last, BLOCK) as begin:
                end = self.text.let(f"add nsw i64 {begin}, {BLOCK}")
                end = self.smaller(end, stop)
                self._vectors(index, end, body)
                for accumulator in in_blocks:
                    accumulator.flush()
        else:
            self._vectors(index, stop, body)
            for accumulator in in_blocks:
                accumulator.flush()

    def _vectors(self, index: str, stop: str, body: Callable[[Chunk], None]) -> None:
        """Go on to `stop`: several vectors at a time, one, and what is left."""
        lanes = self.lanes
        if self.unroll > 1:
            with self.text.steps(index, stop, lanes * self.unroll) as i:
                for copy in range(self.unroll):
                    body(Chunk(self.text.let(f"add nsw i64 {i}, {copy * lanes}") if copy else i, None, copy))
        with self.text.steps(index, stop, lanes) as i:
            body(Chunk(i, None, 0))
        i = self.text.let(f"load i64, ptr {index}")
        with self.text.branch(self.text.let(f"icmp slt i64 {i}, {stop}")):
            left = self.text.let(f"sub nsw i64 {stop}, {i}")
            body(Chunk(i, self.first(left), 0, left))
            self.text.do(f"store i64 {stop}, ptr {index}")

    def first(self, count: str) -> str:
        """The mask of the first lanes."""
        lanes = ", ".join(f"i64 {i}" for i in range(self.lanes))
        limit = self.vector.spread(Value(count, "int64"))
        return self.text.let(f"icmp slt <{self.lanes} x i64> <{lanes}>, {limit.text}")

    def smaller(self, a: str, b: str) -> str:
        """The smaller of two indices."""
        return self.text.let(f"select i1 {self.text.let(f'icmp slt i64 {a}, {b}')}, i64 {a}, i64 {b}")
