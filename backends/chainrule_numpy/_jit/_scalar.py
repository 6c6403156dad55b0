"""A region of single numbers, in LLVM's language: straight-line code, in functions of bounded length."""

from __future__ import annotations

from typing import Any, Final

from chainrule import Symbol
from chainrule.regions import Region
from chainrule_numpy._jit import _operations
from chainrule_numpy._jit._analysis import UnsupportedRegion, takes
from chainrule_numpy._jit._text import Text
from chainrule_numpy._jit._values import Value, Values

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
        functions.append(_part(f"part{i}", part, places, tables, declarations))
        text.do(f"call void @part{i}(ptr %table, ptr {kept})")
    text.do("ret void")
    return "\n".join([*functions, text.function("define void @whole(ptr %table)")])


def _part(
    name: str,
    instructions: Any,
    places: dict[Symbol, int],
    tables: dict[Symbol, int],
    declarations: dict[str, str],
) -> str:
    text = Text(declarations)
    values = Values(text, 1)
    known: dict[Symbol, Value] = {}

    def kept(x: Symbol) -> str:
        return text.let(f"getelementptr i64, ptr %kept, i64 {places[x]}")

    def entered(x: Symbol) -> str:
        return text.let(f"load ptr, ptr {text.let(f'getelementptr ptr, ptr %table, i64 {tables[x]}')}")

    def value(x: Any) -> Any:
        if type(x) is not Symbol:
            return x
        if x not in known:
            known[x] = values.load(kept(x) if x in places else entered(x), str(x.dtype))
        return known[x]

    for instruction in instructions:
        if not takes(instruction) or instruction.outputs[0].shape != ():
            raise UnsupportedRegion(instruction.op.name)
        (y,) = instruction.outputs
        known[y] = _operations.emit(values, instruction, [value(x) for x in instruction.inputs])
        if y in places:
            values.store(known[y], kept(y))
        if y in tables:
            values.store(known[y], entered(y))
    text.do("ret void")
    return text.function(f"define internal void @{name}(ptr %table, ptr %kept)")
