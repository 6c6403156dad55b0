"""The function `whole`: it has all of a nest's space computed, by several threads where that was asked for."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from chainrule import Symbol
from chainrule_numpy._jit import _objects, _operations
from chainrule_numpy._jit._accumulators import COMBINE
from chainrule_numpy._jit._chunks import change
from chainrule_numpy._jit._entry import PLACES
from chainrule_numpy._jit._nest import Nest
from chainrule_numpy._jit._team import team
from chainrule_numpy._jit._text import Text
from chainrule_numpy._jit._values import SIZES, STORED

_LINE: Final = 128  # bytes that no two parts have in common
_SPARE: Final = 64  # elements past those that are carried over, which a vector may reach


class _Own(NamedTuple):
    """Memory that a part has to itself.

    Attributes:
        word: where in the part's table its address is.
        at: where in the part's memory it is.
        result: what it is for.
    """

    word: int
    at: int
    result: Symbol


def can_be_parted(nest: Nest) -> bool:
    """Whether parts of the space can be computed at the same time."""
    return nest.lengths[0] > 1 and not any(scatter.into_memory for scatter in nest.scatters)


def write_whole(nest: Nest) -> str:
    """The functions `whole` and, if the space can be parted, `parts`, for a nest that has been written."""
    writer = _Whole(nest)
    return "\n".join([writer.whole(), writer.parts()] if can_be_parted(nest) else [writer.whole()])


class _Whole:
    """Writes them."""

    def __init__(self, nest: Nest) -> None:
        self._nest = nest
        self._inputs = len(nest.analysis.region.program.inputs)
        self._words = self._inputs + len(nest.outputs) + len(nest.scatters)
        self._shared = {shared.result: shared for shared in nest.shared()}
        self._reductions = {
            y: r for y in nest.outputs if (r := nest.analysis.reductions.get(y)) is not None and 0 in r.axes
        }
        size = _in_lines(8 * self._words)
        self._sums: list[_Own] = []  # of what is reduced over the parts: all but the first part have their own
        self._seams: list[_Own] = []  # what goes to places of the next part
        for y in self._reductions:
            self._sums.append(_Own(self._inputs + nest.outputs.index(y), size, y))
            size += _in_lines(math.prod(y.shape or ()) * SIZES[str(y.dtype)])
        for k, scatter in enumerate(nest.scatters):
            if scatter.overlap:
                self._seams.append(_Own(self._inputs + len(nest.outputs) + k, size, scatter.result))
                size += _in_lines((scatter.overlap + _SPARE) * SIZES[scatter.dtype])
        self._size = size

    def whole(self) -> str:
        """The function of the table alone."""
        text, nest = Text(self._nest.text.declarations), self._nest
        for y in self._shared:
            self._fill(text, y, self._pointer(text, "%table", y))
        n_out = len(nest.outputs)
        if can_be_parted(nest):
            n = text.let(f"load i64, ptr {_word(text, '%table', self._inputs + PLACES * n_out)}")
            one, many, done = (text.name(hint) for hint in ("one", "many", "done"))
            text.do(f"br i1 {text.let(f'icmp eq i64 {n}, 1')}, label %{one}, label %{many}")
            text.label(many)
            text.do(f"call void @parts(ptr %table, i64 {n})")
            text.do(f"br label %{done}")
            text.label(one)
        text.do(f"call void @work(ptr %table, i64 0, i64 {nest.lengths[0]})")
        if can_be_parted(nest):
            text.do(f"br label %{done}")
            text.label(done)
        for y, shared in self._shared.items():
            if shared.divisor != 1:
                by, dtype = shared.divisor, str(y.dtype)
                change(
                    *(text, nest.lanes, self._pointer(text, "%table", y), 0, math.prod(y.shape or ()), dtype),
                    lambda v, load, n=by, d=dtype: _operations.divide(v, load(), v.constant(n, d)),
                )
        text.do("ret void")
        return text.function("define void @whole(ptr %table)")

    def parts(self) -> str:
        """The function of the table and how many parts there are: they are computed at the same time, then joined."""
        text, nest = Text(self._nest.text.declarations), self._nest
        marks_size = text.let(f"mul i64 {text.let('add i64 %n, 1')}, 16")  # with the tables' addresses
        size = text.let(f"add i64 {text.let(f'mul i64 %n, {self._size}')}, {marks_size}")
        size = text.let(f"add i64 {size}, {_LINE}")
        allocate, free = (_address(_objects.python_function(f"PyMem_Raw{name}")) for name in ("Malloc", "Free"))
        memory = text.let(f"call ptr {allocate}(i64 {size})")
        with text.branch(text.let(f"icmp eq ptr {memory}, null")):
            # There is nothing left of the memory: one thread needs none.
            text.do(f"call void @work(ptr %table, i64 0, i64 {nest.lengths[0]})")
            text.do("ret void")
            text.label(text.name("unreached"))
        address = text.let(f"ptrtoint ptr {memory} to i64")
        pad = text.let(f"and i64 {text.let(f'sub i64 0, {address}')}, {_LINE - 1}")
        first = text.let(f"getelementptr i8, ptr {memory}, i64 {pad}")
        marks = text.let(f"getelementptr i8, ptr {first}, i64 {text.let(f'mul i64 %n, {self._size}')}")
        tables = text.let(f"getelementptr i64, ptr {marks}, i64 {text.let('add i64 %n, 1')}")
        with text.loop("0", "%n") as i:
            part = text.let(f"getelementptr i8, ptr {first}, i64 {text.let(f'mul i64 {i}, {self._size}')}")
            text.do(f"store ptr {part}, ptr {_item(text, tables, i)}")
            text.do(f"store i64 {self._mark(text, i)}, ptr {_item(text, marks, i)}")
            arguments = (("ptr", part), ("ptr", "%table"), ("i64", str(8 * self._words)), ("i1", "false"))
            text.run("llvm.memcpy.p0.p0.i64", *arguments)
            for own in self._seams:
                self._give(text, part, own)
            with text.branch(text.let(f"icmp ne i64 {i}, 0")):
                for own in self._sums:
                    self._give(text, part, own)
                    if own.result in self._shared:
                        self._fill(text, own.result, text.let(f"getelementptr i8, ptr {part}, i64 {own.at}"))
        text.do(f"store i64 {nest.lengths[0]}, ptr {_item(text, marks, '%n')}")
        members = text.let("sub i64 %n, 1")
        run = _address(team().run)
        text.do(f"call void {run}(ptr @work, ptr {tables}, ptr {marks}, i64 %n, i64 {members})")
        with text.loop("1", "%n") as i:
            part = text.let(f"getelementptr i8, ptr {first}, i64 {text.let(f'mul i64 {i}, {self._size}')}")
            for own in self._sums:
                self._combine(text, own, part)
            before = text.let(f"getelementptr i8, ptr {part}, i64 {-self._size}")
            mark = text.let(f"load i64, ptr {_item(text, marks, i)}")
            for own in self._seams:
                self._carry(text, own, before, mark)
        text.do(f"call void {free}(ptr {memory})")
        text.do("ret void")
        return text.function("define private void @parts(ptr %table, i64 %n)")

    def _mark(self, text: Text, i: str) -> str:
        """Where a part begins."""
        step = self._nest.lanes if self._nest.flat else 1
        at = text.let(f"udiv i64 {text.let(f'mul i64 {i}, {self._nest.lengths[0] // step}')}, %n")
        return text.let(f"mul i64 {at}, {step}")

    def _give(self, text: Text, part: str, own: _Own) -> None:
        """Let a part use its own memory."""
        text.do(
            f"store ptr {text.let(f'getelementptr i8, ptr {part}, i64 {own.at}')}, ptr {_word(text, part, own.word)}"
        )

    def _pointer(self, text: Text, table: str, y: Symbol) -> str:
        """Where a result is."""
        return text.let(f"load ptr, ptr {_word(text, table, self._inputs + self._nest.outputs.index(y))}")

    def _fill(self, text: Text, y: Symbol, pointer: str) -> None:
        """Write what a result holds before rows are added to it."""
        start, size, dtype = self._shared[y].start, math.prod(y.shape or ()), str(y.dtype)
        change(text, self._nest.lanes, pointer, 0, size, dtype, lambda v, _: v.constant(start, dtype))

    def _combine(self, text: Text, own: _Own, part: str) -> None:
        """Reduce a result and what another part has for it."""
        y, how = own.result, COMBINE[self._reductions[own.result].how]
        mine, theirs = self._pointer(text, "%table", y), text.let(f"getelementptr i8, ptr {part}, i64 {own.at}")
        change(
            *(text, self._nest.lanes, mine, 0, math.prod(y.shape or ()), str(y.dtype)),
            lambda v, load: how(v, load(), load(theirs)),
        )

    def _carry(self, text: Text, own: _Own, before: str, mark: str) -> None:
        """Add what the part before has for places of this one."""
        scatter = next(s for s in self._nest.scatters if s.result is own.result)
        result = self._pointer(text, "%table", own.result)
        here = text.let(f"getelementptr {STORED[scatter.dtype]}, ptr {result}, i64 {mark}")
        theirs = text.let(f"getelementptr i8, ptr {before}, i64 {own.at}")
        change(
            *(text, self._nest.lanes, here, scatter.first, scatter.first + scatter.overlap, scatter.dtype),
            lambda v, load: _operations.add(v, load(), load(theirs)),
        )


def _in_lines(size: int) -> int:
    return -(-size // _LINE) * _LINE


def _address(address: int) -> str:
    return f"inttoptr (i64 {address} to ptr)"


def _word(text: Text, table: str, i: int) -> str:
    return text.let(f"getelementptr ptr, ptr {table}, i64 {i}")


def _item(text: Text, array: str, i: str) -> str:
    return text.let(f"getelementptr i64, ptr {array}, i64 {i}")
