"""Compute once what would be computed twice."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Final

from chainrule._backend import Backend
from chainrule._dtypes import PYTHON_NUMBERS
from chainrule._graph import Instruction
from chainrule._graph_ops import CONSTANT
from chainrule._passes._rewrite import Producers, rewrite
from chainrule._passes.dead_code import has_effect
from chainrule._program import Program
from chainrule._symbol import Symbol

_COMMUTES: Final = frozenset({"add", "multiply"})
_COMPARED: Final = 1 << 22  # bytes of a constant that may be compared with others


def common_subexpressions(program: Program, backend: Backend) -> Program:
    """The program where an operation on the same values, with the same attributes and no effect, is done once."""
    known: dict[Hashable, tuple[Symbol, ...]] = {}

    def rule(instruction: Instruction, producers: Producers) -> tuple[Symbol, ...] | None:
        key = key_of(instruction)
        if key is None:
            return None
        found = known.setdefault(key, instruction.outputs)
        return found if found is not instruction.outputs else None

    return rewrite(program, rule, backend)


def key_of(instruction: Instruction) -> Hashable:
    """What two instructions have in common if they compute the same; None if an instruction is never the same."""
    if not instruction.outputs or has_effect(instruction):
        return None
    if instruction.op is CONSTANT:
        return (CONSTANT, content_of(instruction.attributes["value"].value))
    inputs: Any = tuple([x if type(x) is Symbol else _number(x) for x in instruction.inputs])
    if instruction.op.name in _COMMUTES:
        inputs = frozenset(inputs)  # of two: one of each, or the same twice
    attributes = instruction.attributes
    if not attributes:
        return (instruction.op, inputs)
    key = (instruction.op, inputs, tuple(sorted([(name, _exact(value)) for name, value in attributes.items()])))
    try:
        hash(key)
    except TypeError:
        return None
    return key


def content_of(array: Any) -> Hashable:
    """What equal constants have in common: what is in them, where they are small and in the host's memory."""
    try:
        view = memoryview(array)
    except (TypeError, ValueError, BufferError, RuntimeError):  # the last of arrays on a device
        return id(array)
    return (view.format, view.shape, view.tobytes()) if view.nbytes <= _COMPARED else id(array)


def _number(x: Any) -> Any:
    """An input that is no symbol in a key: as `_exact`, and a size or nothing as it is."""
    if type(x) not in PYTHON_NUMBERS:
        return x
    return type(x), x if x and type(x) is not complex else repr(x)


def _exact(value: Any) -> Any:
    """A value such that only the very same one equals it: 1, 1.0 and True differ, and so do 0.0 and -0.0."""
    return (type(value).__name__, repr(value) if type(value) in (int, float, complex, bool, str) else _Same(value))


class _Same:
    """An attribute's value in a key. The key is sorted by name, and names differ: values are never put in order."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and (self.value is other.value or _equal(self.value, other.value))

    def __hash__(self) -> int:
        return hash(self.value)


def _equal(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if type(a) is tuple:
        return len(a) == len(b) and all(map(_equal, a, b))
    return repr(a) == repr(b) if type(a) in (float, complex) else bool(a == b)
