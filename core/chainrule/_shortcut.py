"""Calls of compiled functions of plain arguments, without what was found out at the first call of their kind.

Plain are tensors, arrays and numbers by position, while nothing records and no graph is built. What else decides which
plan runs (the backend in force, what is registered, settings) is in the key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from chainrule import _backends, _context, _registry
from chainrule._symbol import Symbol
from chainrule._tensor import Tensor

if TYPE_CHECKING:
    from chainrule._compiled import Compiled

_NUMBERS: Final = frozenset({float, complex})
_STATIC: Final = frozenset({int, bool, str, bytes, type(None)})
_arrays: set[type] = set()  # classes of arrays that have come as they are


def plain(args: Sequence[Any], context: _context.Context) -> tuple[tuple[Any, ...], list[Any]] | None:
    """The kind of some arguments, as a key, and the arrays and floats among them; None if they are not plain."""
    home = _backends.process_default() if context.backend is None else (context.backend, context.device)
    key: list[Any] = [home, context.strict, context.jit, _registry.generation, _context.epoch]
    values: list[Any] = []
    for x in args:
        kind = type(x)
        if kind is Tensor:
            value = x._value
            if type(value) is Symbol:
                return None
            key += (kind, x._backend, value.shape, value.dtype)
            values.append(value)
        elif kind in _arrays:
            key += (kind, x.shape, x.dtype)
            values.append(x)
        elif kind in _NUMBERS:
            key.append(kind)
            values.append(x)
        elif kind in _STATIC:
            key.append((kind, x))
        else:
            return None
    return tuple(key), values


class Shortcut:
    """What a call of plain arguments of one kind runs."""

    __slots__ = ("_assemble", "_compiled", "_plan", "_single", "_tensors")

    def __init__(self, compiled: Compiled, assemble: Callable[[Any, bool], Any], single: bool, tensors: bool) -> None:
        """Note what to run.

        Args:
            compiled: the program.
            assemble: makes the function's result of the program's, which are tensors, and of the next argument.
            single: whether the function's result is the program's only one.
            tensors: whether results are tensors.
        """
        self._tensors = tensors
        self._compiled = compiled
        self._plan = compiled.plan
        self._assemble = assemble
        self._single = single

    def __call__(self, values: list[Any]) -> Any:
        """The result for the arrays and floats among the arguments."""
        compiled = self._compiled
        if compiled.assigned:
            results = compiled.updated(self._plan, values)
        else:
            if compiled.reads:
                values += [variable._value._value for variable in compiled.reads]
            results = self._plan(*values)
        if self._single:
            return Tensor(results[0], compiled.backend) if self._tensors else results[0]
        tensors = [Tensor(value, compiled.backend) for value in results]
        return self._assemble(tensors, self._tensors)


def shortcut(
    args: Sequence[Any],
    context: _context.Context,
    arrays: Sequence[Any],
    compiled: Compiled,
    assemble: Callable[[Any, bool], Any],
    single: bool,
    tensors: bool,
) -> tuple[Any, Shortcut] | None:
    """The key and the way of calls like one that has just been made with some arrays; None if it is not plain."""
    backend = compiled.backend
    if len(backend.devices()) != 1 or any(variable.graph is not None for variable in compiled.reads):
        return None
    raw = [x._value if type(x) is Tensor else x for x in arrays]
    for x in args:
        if isinstance(x, backend.array_types) and any(x is value for value in raw):
            _arrays.add(type(x))
    found = plain(args, context)
    if found is None:
        return None
    key, values = found
    if len(values) != len(raw) or any(a is not b for a, b in zip(values, raw, strict=True)):
        return None  # some array was moved or converted
    return key, Shortcut(compiled, assemble, single, tensors)
