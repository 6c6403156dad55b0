"""Parts of an array that fit a vector, whole ones and masked ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from chainrule import Symbol
from chainrule_numpy._jit._text import Text
from chainrule_numpy._jit._values import STORED, Value, Values


@dataclass
class Chunk:
    """A vector's worth of a row.

    Attributes:
        index: where in the row it starts.
        mask: which lanes are there; None for all.
        copy: which of the copies of an unrolled loop, or of a row without one, it is.
        left: how many lanes are there, if it is masked and not known before.
        values: what has been computed.
    """

    index: str
    mask: str | None
    copy: int
    left: str = ""
    values: dict[Symbol, Value] = field(default_factory=dict)


def mask_of(lanes: int, count: int) -> str:
    """The mask of the first `count` lanes."""
    return "<" + ", ".join(f"i1 {'true' if i < count else 'false'}" for i in range(lanes)) + ">"


def change(
    text: Text, lanes: int, pointer: str, start: int, stop: int, dtype: str, function: Callable[..., Value]
) -> None:
    """Set elements to `function(values, loader)`, where the loader reads them, or those of another array."""
    v = Values(text, lanes)

    def at(index: str, mask: str | None) -> None:
        def place(array: str) -> str:
            return text.let(f"getelementptr {STORED[dtype]}, ptr {array}, i64 {index}")

        def load(array: str = pointer) -> Value:
            return v.load(place(array), dtype, mask)

        v.store(function(v, load), place(pointer), mask)

    whole = start + (stop - start) // lanes * lanes
    if whole - start > 4 * lanes:
        index = text.slot("i64")
        text.do(f"store i64 {start}, ptr {index}")
        with text.steps(index, str(whole), lanes) as i:
            at(i, None)
    else:
        for here in range(start, whole, lanes):
            at(str(here), None)
    if whole < stop:
        at(str(whole), mask_of(lanes, stop - whole))
