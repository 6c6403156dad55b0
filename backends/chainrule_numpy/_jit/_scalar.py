"""A region of single numbers, in LLVM's language: straight-line code, in functions of bounded length.

Calls of one function that do not wait for each other, as the cosines in the gradient of many sines, are made at once
for as many numbers as a vector holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Final

from chainrule import Instruction, Symbol
from chainrule.regions import Region
from chainrule_numpy._jit import _operations
from chainrule_numpy._jit._analysis import UnsupportedRegion, takes
from chainrule_numpy._jit._machine import host
from chainrule_numpy._jit._math import FUNCTIONS, vector_functions
from chainrule_numpy._jit._text import Text
from chainrule_numpy._jit._values import Value, Values

_FEWEST: Final = 3  # calls that are made at once
_PART: Final = 500  # instructions of a function; what LLVM does with one takes longer than in proportion to its length


def write(region: Region, declarations: dict[str, str]) -> str:
    """The function `whole`, and those that it calls.

    Raises:
        UnsupportedRegion: there is no code for an instruction.
    """
    program = region.program
    instructions = program.instructions
    parts = [instructions[i : i + _PART] for i in range(0, len(instructions), _PART)]
    home = {y: i for i, part in enumerate(parts) for instruction in part for y in instruction.outputs}
    # What a part makes and another one uses has a place in memory.
    crossing = dict.fromkeys(
        x
        for i, part in enumerate(parts)
        for instruction in part
        for x in instruction.inputs
        if type(x) is Symbol and home.get(x, i) != i
    )
    places = {x: i for i, x in enumerate(crossing)}
    tables = {x: i for i, x in enumerate((*program.inputs, *program.outputs))}
    text = Text(declarations)
    kept = text.slot("i64", max(len(places), 1))
    functions = []
    for i, part in enumerate(parts):
        functions.append(_Part(part, places, tables, declarations).write(f"part{i}"))
        text.do(f"call void @part{i}(ptr %table, ptr {kept})")
    text.do("ret void")
    return "\n".join([*functions, text.function("define void @whole(ptr %table)")])


class _Part:
    """Writes a function for some of the instructions."""

    def __init__(
        self,
        instructions: Sequence[Instruction],
        places: Mapping[Symbol, int],
        tables: Mapping[Symbol, int],
        declarations: dict[str, str],
    ) -> None:
        self._instructions = instructions
        self._places = places
        self._tables = tables
        self._text = Text(declarations)
        self._values = Values(self._text, 1)
        self._known: dict[Symbol, Value] = {}
        self._own = {y for instruction in instructions for y in instruction.outputs}
        self._calls: dict[tuple[str, str], list[Instruction]] = {}  # those to come, by function and dtype
        for instruction in instructions:
            if instruction.op.name in FUNCTIONS:
                self._calls.setdefault(_function(instruction), []).append(instruction)

    def write(self, name: str) -> str:
        """The function.

        Raises:
            UnsupportedRegion: there is no code for an instruction.
        """
        for instruction in self._instructions:
            (y,) = instruction.outputs
            if not takes(instruction) or y.shape != ():
                raise UnsupportedRegion(instruction.op.name)
            if y in self._known:
                continue
            group = self._ready(instruction)
            if len(group) >= _FEWEST:
                self._call_at_once(group)
            else:
                self._give(y, _operations.emit(self._values, instruction, list(map(self._value, instruction.inputs))))
        self._text.do("ret void")
        return self._text.function(f"define internal void @{name}(ptr %table, ptr %kept)")

    # Values

    def _value(self, x: Any) -> Any:
        if type(x) is not Symbol:
            return x
        if x not in self._known:
            pointer = self._kept(x) if x in self._places else self._entered(x)
            self._known[x] = self._values.load(pointer, str(x.dtype))
        return self._known[x]

    def _give(self, y: Symbol, value: Value) -> None:
        self._known[y] = value
        if y in self._places:
            self._values.store(value, self._kept(y))
        if y in self._tables:
            self._values.store(value, self._entered(y))

    def _kept(self, x: Symbol) -> str:
        return self._text.let(f"getelementptr i64, ptr %kept, i64 {self._places[x]}")

    def _entered(self, x: Symbol) -> str:
        text = self._text
        return text.let(f"load ptr, ptr {text.let(f'getelementptr ptr, ptr %table, i64 {self._tables[x]}')}")

    # Functions of several numbers at once

    def _ready(self, instruction: Instruction) -> list[Instruction]:
        """Calls of the same function that could be made now, this one first: as many as fit a vector."""
        function = _function(instruction)
        if function not in self._calls:
            return []
        lanes = max(vector_functions(FUNCTIONS[function[0]], function[1], host().x86), default=0)
        self._calls[function] = later = [i for i in self._calls[function] if i.outputs[0] not in self._known]
        ready = (i for i in later if all(x in self._known or x not in self._own for x in i.inputs))
        return list(islice(ready, lanes))

    def _call_at_once(self, group: Sequence[Instruction]) -> None:
        """Call a function for several numbers."""
        name, dtype = _function(group[0])
        lanes = max(vector_functions(FUNCTIONS[name], dtype, host().x86))
        many, one = Values(self._text, lanes), self._values
        kind = many.kind(dtype)
        numbers = many.constant(1, dtype).text
        for i, instruction in enumerate(group):
            x = self._value(instruction.inputs[0])
            x = one.cast(x, dtype) if type(x) is Value else one.constant(x, dtype)
            numbers = self._text.let(f"insertelement {kind} {numbers}, {one.kind(dtype)} {x.text}, i64 {i}")
        results = many.function(FUNCTIONS[name], Value(numbers, dtype)).text
        for i, instruction in enumerate(group):
            result = one.let(dtype, f"extractelement {kind} {results}, i64 {i}")
            self._give(instruction.outputs[0], result)


def _function(instruction: Instruction) -> tuple[str, str]:
    return instruction.op.name, str(instruction.outputs[0].dtype)
