"""`structure_of`: what two programs have in common if one plan serves both."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final

from chainrule._dim import Dim
from chainrule._dtypes import DType
from chainrule._program import Program
from chainrule._same import Same
from chainrule._symbol import Symbol
from chainrule._tensor import Tensor

_LARGEST: Final = 256  # elements of a constant that is compared by value


def structure_of(program: Program) -> Hashable:
    """A key that two programs share if they are the same instructions on inputs of the same shapes and dtypes.

    It takes time in proportion to the program. Instructions are the same if they come from the same places of the
    user's code too, and their nodes have the same names: what fails names the right line, whichever program it is of.
    Small constants are compared by value; large ones, variables, functions and other objects have to be the very same.
    The key keeps these alive.

    >>> import chainrule as cr
    >>> double = lambda x: x + x
    >>> a, b, c = (cr.function(double).trace(cr.tensor(x)) for x in ([1.0, 2.0], [3.0, 4.0], [3.0]))
    >>> structure_of(a) == structure_of(b), structure_of(a) == structure_of(c)
    (True, False)
    """
    return _Key().of(program)


class _Key:
    """Makes the key of a program and of those it holds."""

    def __init__(self) -> None:
        self._by_id: dict[int, Same] = {}

    def of(self, program: Program) -> Hashable:
        """The key of a program."""
        places: dict[Any, int] = {x: i for i, x in enumerate(program.inputs)}
        parts: list[Any] = [len(places), *[(x.shape, x.dtype, x.weak) for x in program.inputs]]
        add = parts.append
        for instruction in program.instructions:
            add(self._same(instruction.op))
            for x in instruction.inputs:
                add(places[x] if type(x) is Symbol else self._value(x))
            if instruction.attributes:
                add(tuple([(name, self._value(value)) for name, value in instruction.attributes.items()]))
            for y in instruction.outputs:
                places[y] = len(places)
                add((y.shape, y.dtype, y.weak))
            node = instruction.node
            add((node.name, self._same(node.code), node.lasti))
        add(tuple([places[y] if type(y) is Symbol else self._value(y) for y in program.outputs]))
        return tuple(parts)

    def _same(self, thing: Any) -> Same:
        """The one mark of an object in this key."""
        found = self._by_id.get(id(thing))
        if found is None:
            found = self._by_id[id(thing)] = Same(thing)
        return found

    def _value(self, value: Any) -> Any:
        """What stands for an input that is no symbol, or for an attribute's value."""
        kind = type(value)
        if kind in (int, bool, str, bytes, type(None), DType):
            return kind, value
        if kind in (float, complex):
            return kind, repr(value)
        if kind is tuple:
            return kind, tuple(map(self._value, value))
        if kind is Dim:
            return kind, value._terms
        if kind is Program:
            return kind, self.of(value)
        if kind is Tensor and value.size <= _LARGEST:
            return kind, self._same(value.backend), value.device, value.dtype, value.shape, repr(value.tolist())
        if isinstance(value, Mapping):
            return kind, tuple([(key, self._value(part)) for key, part in value.items()])
        if is_dataclass(value):
            return kind, tuple([self._value(getattr(value, field.name)) for field in fields(value)])
        return self._same(value)
