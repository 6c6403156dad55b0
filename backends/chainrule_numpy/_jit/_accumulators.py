"""Reductions in a nest of loops: along the rows, and down the columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from chainrule_numpy._jit import _operations
from chainrule_numpy._jit._analysis import Reduction
from chainrule_numpy._jit._chunks import Chunk
from chainrule_numpy._jit._values import SIZES, Value, Values

if TYPE_CHECKING:
    from chainrule_numpy._jit._nest import Nest

BLOCK: Final = 1024  # elements that are summed before the sum is added to that of all, so that errors stay small
WHOLE: Final = 4  # a row of no more vectors is written out without a loop
_IDENTITIES: Final = {"sum": 0.0, "max": float("-inf"), "min": float("inf")}


def identity(how: str, dtype: str) -> Any:
    """What a reduction starts from."""
    if how == "sum" or dtype in ("float64", "float32"):
        return _IDENTITIES[how]
    bits = 8 * SIZES[dtype]
    return -(1 << bits - 1) if how == "max" else (1 << bits - 1) - 1


COMBINE: Final = {"sum": _operations.add, "max": _operations.maximum, "min": _operations.minimum}


class Accumulator:
    """A reduction along the row: over that alone, or over all of the space.

    Attributes:
        over_all: whether it goes over the whole space.
        in_blocks: whether sums of blocks are added up apart.
    """

    def __init__(self, nest: Nest, reduction: Reduction) -> None:
        self.nest = nest
        self.result, self.source, self.how, axes, self.divisor = reduction
        self.dtype = str(self.result.dtype)
        self.over_all = len(axes) == len(nest.lengths)
        self.into_memory = not self.over_all and len(axes) > 1
        is_float = self.dtype in ("float64", "float32")
        self.in_blocks = self.how == "sum" and is_float and (self.over_all or nest.lengths[-1] > BLOCK)
        copies = nest.unroll
        if not nest.flat and nest.lengths[-1] <= WHOLE * nest.lanes:
            copies = min(WHOLE, -(-nest.lengths[-1] // nest.lanes))
        self._slots = [nest.text.slot(nest.vector.kind(self.dtype)) for _ in range(copies)]
        if self.in_blocks:
            kind = nest.vector.kind("float64")
            self._sum, self._error = nest.text.slot(kind), nest.text.slot(kind)

    def begin(self) -> None:
        """Start from nothing."""
        self._clear()
        if self.in_blocks:
            zeros = f"store {self.nest.vector.kind('float64')} zeroinitializer"
            self.nest.text.do(f"{zeros}, ptr {self._sum}")
            self.nest.text.do(f"{zeros}, ptr {self._error}")

    def _clear(self) -> None:
        v = self.nest.vector
        for slot in self._slots:
            self.nest.text.do(
                f"store {v.kind(self.dtype)} {v.constant(identity(self.how, self.dtype), self.dtype).text}, ptr {slot}"
            )

    def add(self, x: Value | float, chunk: Chunk) -> None:
        """Take in a chunk."""
        v, text = self.nest.vector, self.nest.text
        value = v.cast(x, self.dtype) if type(x) is Value else v.constant(x, self.dtype)
        if chunk.mask is not None:
            nothing = v.constant(identity(self.how, self.dtype), self.dtype)
            value = v.select(Value(chunk.mask, "bool"), value, nothing)
        slot = self._slots[chunk.copy]
        so_far = v.let(self.dtype, f"load {v.kind(self.dtype)}, ptr {slot}")
        value = COMBINE[self.how](v, so_far, value)
        text.do(f"store {v.kind(self.dtype)} {value.text}, ptr {slot}")

    def _together(self) -> Value:
        """All copies in one vector."""
        v, combine = self.nest.vector, COMBINE[self.how]
        parts = [v.let(self.dtype, f"load {v.kind(self.dtype)}, ptr {slot}") for slot in self._slots]
        while len(parts) > 1:
            rest = parts[len(parts) & ~1 :]
            parts = [combine(v, a, b) for a, b in zip(parts[::2], parts[1::2], strict=False)] + rest
        return parts[0]

    def _across(self, value: Value) -> Value:
        """All lanes of a vector in one number."""
        text, lanes = self.nest.text, self.nest.lanes
        while lanes > 1:
            wide = Values(text, lanes).kind(value.dtype)
            lanes //= 2
            halves = []
            for start in (0, lanes):
                if lanes == 1:
                    halves.append(text.let(f"extractelement {wide} {value.text}, i64 {start}"))
                    continue
                indices = ", ".join(f"i32 {start + i}" for i in range(lanes))
                halves.append(
                    text.let(f"shufflevector {wide} {value.text}, {wide} poison, <{lanes} x i32> <{indices}>")
                )
            value = COMBINE[self.how](Values(text, lanes), *(Value(half, value.dtype) for half in halves))
        return value

    def flush(self) -> None:
        """Add a block's sums to the whole ones, and what that rounds off to the errors."""
        v, text = self.nest.vector, self.nest.text
        kind = v.kind("float64")
        x = v.cast(self._together(), "float64").text
        old = text.let(f"load {kind}, ptr {self._sum}")
        new = text.let(f"fadd {kind} {old}, {x}")
        text.do(f"store {kind} {new}, ptr {self._sum}")
        if self.dtype == "float64":
            z = text.let(f"fsub {kind} {new}, {old}")
            kept = text.let(f"fsub {kind} {new}, {z}")
            lost = text.let(f"fsub {kind} {old}, {kept}")
            added = text.let(f"fsub {kind} {x}, {z}")
            error = text.let(f"load {kind}, ptr {self._error}")
            error = text.let(f"fadd {kind} {error}, {text.let(f'fadd {kind} {lost}, {added}')}")
            text.do(f"store {kind} {error}, ptr {self._error}")
        self._clear()

    def total(self) -> Value:
        """The result."""
        v, s = self.nest.vector, self.nest.scalar
        if self.in_blocks:
            total = self._across(v.let("float64", f"load {v.kind('float64')}, ptr {self._sum}"))
            if self.dtype == "float64":
                error = self._across(v.let("float64", f"load {v.kind('float64')}, ptr {self._error}"))
                exact = s.let("float64", f"fadd double {total.text}, {error.text}")
                # Infinities leave no error behind, but NaN.
                total = s.select(s.compare("uno", error, error), total, exact)
            total = s.cast(total, self.dtype)
        else:
            total = self._across(self._together())
        if self.divisor == 1 or self.into_memory:
            return total
        return _operations.divide(s, total, s.constant(self.divisor, self.dtype))

    def end_row(self) -> Value:
        """The row's result, stored where it belongs."""
        total, s = self.total(), self.nest.scalar
        if self.result in self.nest.outputs:
            pointer = self.nest.row_pointers[self.result]
            if self.into_memory:
                total = COMBINE[self.how](s, s.load(pointer, self.dtype), total)
            s.store(total, pointer)
        return total


class Columns:
    """A reduction over axes before the last one: rows are added up, in the result itself or in registers."""

    def __init__(self, nest: Nest, reduction: Reduction) -> None:
        self.nest = nest
        self.result, self.source, self.how, axes, self.divisor = reduction
        self.dtype = str(self.result.dtype)
        self.into_memory = nest.flat or nest.lengths[-1] > WHOLE * nest.lanes or len(axes) < len(nest.lengths) - 1
        n = 0 if self.into_memory else -(-nest.lengths[-1] // nest.lanes)
        self._slots = [nest.text.slot(nest.vector.kind(self.dtype)) for _ in range(n)]
        self._chunks: dict[int, Chunk] = {}

    def begin(self) -> None:
        """Start from nothing."""
        v = self.nest.vector
        for slot in self._slots:
            start = v.constant(identity(self.how, self.dtype), self.dtype).text
            self.nest.text.do(f"store {v.kind(self.dtype)} {start}, ptr {slot}")

    def add(self, x: Any, chunk: Chunk) -> None:
        """Take in a chunk of a row."""
        v, nest = self.nest.vector, self.nest
        value = v.cast(x, self.dtype) if type(x) is Value else v.constant(x, self.dtype)
        if self.into_memory:
            pointer = nest.element(nest.row_pointers[self.result], self.dtype, chunk)
            so_far = v.load(pointer, self.dtype, chunk.mask)
            v.store(COMBINE[self.how](v, so_far, value), pointer, chunk.mask)
            return
        slot = self._slots[chunk.copy]
        self._chunks[chunk.copy] = chunk
        so_far = v.let(self.dtype, f"load {v.kind(self.dtype)}, ptr {slot}")
        total = COMBINE[self.how](v, so_far, value)
        nest.text.do(f"store {v.kind(self.dtype)} {total.text}, ptr {slot}")

    def end(self) -> None:
        """Put what is in registers into the result."""
        v, nest = self.nest.vector, self.nest
        for copy, chunk in self._chunks.items():
            total = v.let(self.dtype, f"load {v.kind(self.dtype)}, ptr {self._slots[copy]}")
            if self.divisor != 1:
                total = _operations.divide(v, total, v.constant(self.divisor, self.dtype))
            v.store(total, nest.element(nest.pointers[self.result], self.dtype, chunk), chunk.mask)
