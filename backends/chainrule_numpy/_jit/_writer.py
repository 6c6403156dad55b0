"""`Writer`: a function that goes over arrays of one dtype, in LLVM's language, for operations that are no regions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from chainrule_numpy._jit import _operations
from chainrule_numpy._jit._chunks import mask_of
from chainrule_numpy._jit._machine import host
from chainrule_numpy._jit._text import Text
from chainrule_numpy._jit._values import KINDS, SIZES, Value, Values

_FEWEST: Final = 2  # lanes


class Writer:
    """Writes the function `work(arrays, low, high)`.

    Attributes:
        lanes: how many numbers a vector has.
        registers: how many vectors the processor has at hand.
    """

    def __init__(self, dtype: str, length: int) -> None:
        """Begin.

        Args:
            dtype: "float64" or "float32".
            length: how many numbers lie next to each other; vectors are no longer than it takes.
        """
        self.dtype = dtype
        most: int = host().bits // 8 // SIZES[dtype]
        self.lanes = min(most, max(_FEWEST, 1 << (length - 1).bit_length()))
        self.registers = 32 if host().bits == 512 or not host().x86 else 16
        self._declarations: dict[str, str] = {}
        self._text = Text(self._declarations)
        self._vector, self._scalar = Values(self._text, self.lanes), Values(self._text, 1)

    def module(self) -> str:
        """All of it."""
        self._text.do("ret void")
        work = self._text.function("define void @work(ptr %table, i64 %low, i64 %high)")
        return "\n".join([*self._declarations.values(), work])

    # Going over arrays

    def array(self, i: int) -> str:
        """Where the i-th array begins."""
        return self._text.let(f"load ptr, ptr {self._text.let(f'getelementptr ptr, ptr %table, i64 {i}')}")

    def at(self, pointer: str, *terms: tuple[str | int, int]) -> str:
        """The place that is further on by `index * step` elements for each of these."""
        fixed = sum(index * step for index, step in terms if isinstance(index, int))
        for index, step in terms:
            if isinstance(index, str) and step:
                pointer = self._further(pointer, index if step == 1 else self.times(index, step))
        return self._further(pointer, str(fixed)) if fixed else pointer

    def times(self, index: str, step: int) -> str:
        """An index that goes in steps."""
        return self._text.let(f"mul nsw i64 {index}, {step}")

    def _further(self, pointer: str, elements: str) -> str:
        return self._text.let(f"getelementptr {KINDS[self.dtype]}, ptr {pointer}, i64 {elements}")

    def index(self, *terms: tuple[str | int, int]) -> str:
        """The sum of `index * step` over these."""
        total = str(sum(index * step for index, step in terms if isinstance(index, int)))
        for index, step in terms:
            if isinstance(index, str):
                total = self._text.let(f"add nsw i64 {total}, {index if step == 1 else self.times(index, step)}")
        return total

    def part(self) -> AbstractContextManager[str]:
        """A loop over what is to be computed."""
        return self._text.loop("%low", "%high")

    def loop(self, count: int | str) -> AbstractContextManager[str]:
        """A loop over the integers below `count`."""
        return self._text.loop("0", str(count))

    @contextmanager
    def pieces(self, count: int, most: int) -> Iterator[tuple[str, str]]:
        """A loop over pieces of `count`, as long as each other but for the last one: where each begins, its length."""
        length = -(-count // -(-count // most))
        with self.loop(-(-count // length)) as i:
            start = self.times(i, length)
            left = self._text.let(f"sub nsw i64 {count}, {start}")
            is_last = self._text.let(f"icmp slt i64 {left}, {length}")
            yield start, self._text.let(f"select i1 {is_last}, i64 {left}, i64 {length}")

    def vectors(self, length: int, most: int) -> Iterator[tuple[str | int, list[int | None]]]:
        """Loops over vectors next to each other, up to so many at once.

        Yields:
            Where the first one begins, and for each how many lanes are there; None for all.
        """
        whole, rest = divmod(length, self.lanes)
        groups, more = divmod(whole, most)
        if groups:
            with self.loop(groups) as i:
                yield self.times(i, most * self.lanes), [None] * most
        if more or rest:
            yield groups * most * self.lanes, [*[None] * more, *[rest] * (rest > 0)]

    def copy(self, source: str, target: str, count: int) -> None:
        """Copy so many elements that lie next to each other."""
        size = str(count * SIZES[self.dtype])
        arguments = (("ptr", target), ("ptr", source), ("i64", size), ("i1", "false"))
        self._text.run("llvm.memcpy.p0.p0.i64", *arguments)

    # Vectors

    def constant(self, number: float) -> Value:
        """A number in every lane."""
        return self._vector.constant(number, self.dtype)

    def load(self, pointer: str, count: int | None = None) -> Value:
        """A vector, or the first lanes of one."""
        return self._vector.load(pointer, self.dtype, self._mask(count))

    def everywhere(self, pointer: str) -> Value:
        """One number, in every lane."""
        return self._vector.spread(self._scalar.load(pointer, self.dtype))

    def store(self, value: Value, pointer: str, count: int | None = None) -> None:
        """Write a vector, or its first lanes."""
        self._vector.store(value, pointer, self._mask(count))

    def _mask(self, count: int | None) -> str | None:
        return None if count in (None, self.lanes) else mask_of(self.lanes, int(count or 0))

    def variable(self, start: Value) -> str:
        """A variable for a vector."""
        slot = self._text.slot(self._vector.kind(self.dtype))
        self.set(slot, start)
        return slot

    def get(self, variable: str) -> Value:
        """What a variable holds."""
        return self._vector.let(self.dtype, f"load {self._vector.kind(self.dtype)}, ptr {variable}")

    def set(self, variable: str, value: Value) -> None:
        """Change a variable."""
        self._text.do(f"store {self._vector.kind(self.dtype)} {value.text}, ptr {variable}")

    # Arithmetic

    def add(self, a: Value, b: Value) -> Value:
        """`a + b`, rounded together with a product in it."""
        return _operations.add(self._vector, a, b)

    def multiply(self, a: Value, b: Value) -> Value:
        """`a * b`."""
        return _operations.multiply(self._vector, a, b)

    def divide(self, a: Value, b: Value) -> Value:
        """`a / b`."""
        return _operations.divide(self._vector, a, b)

    def maximum(self, a: Value, b: Value) -> Value:
        """The larger; NaN if either is."""
        return _operations.maximum(self._vector, a, b)

    def equal(self, a: Value, b: Value) -> Value:
        """1 where they are equal, else 0."""
        return self._vector.cast(self._vector.compare("oeq", a, b), self.dtype)
