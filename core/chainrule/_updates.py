"""Variables that a plan writes over: the last part of a run, which can neither fail nor be interrupted.

Everything that can fail is computed before. What is left then are mostly calls of compiled code, one after another
without any Python between them, where an interrupt could come in; where there is some, an interrupt waits until all is
written. An array is written over if nobody else holds it.
"""

from __future__ import annotations

import math
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from operator import call
from typing import Any, Final

from chainrule._backend import Backend
from chainrule._dim import has_dim
from chainrule._graph import Instruction
from chainrule._memory import VIEWS, exposed
from chainrule._program import Program
from chainrule._settings import strict_math
from chainrule._symbol import Symbol
from chainrule.regions import FUSED

_SMALLEST: Final = 1 << 13  # bytes of an array; a smaller one is made anew in less time
Action = Callable[[], Any]
Targets = Mapping[Symbol, Symbol]  # from a new value to the old one, whose place it takes


def updates(
    program: Program, pairs: Iterable[tuple[Symbol, Any]], backend: Backend
) -> list[tuple[Instruction, Targets]]:
    """The instructions that can come last and write over what they change.

    Args:
        program: the program, as it will run.
        pairs: the inputs that are variables' values, each with the output that is its new one.
        backend: the backend.
    """
    if strict_math():  # where arrays lie decides the order of sums
        return []
    outputs = list(program.outputs)
    used = {x for instruction in program.instructions for x in instruction.inputs if type(x) is Symbol}
    seen = exposed(program, program.instructions, backend)
    olds = {
        y: x
        for x, y in pairs
        if type(y) is Symbol and y not in used and x not in seen and outputs.count(y) == 1 and _fits(x, y)
    }
    found = [
        (instruction, {y: olds[y] for y in instruction.outputs})
        for instruction in program.instructions
        if instruction.outputs
        and all(y in olds for y in instruction.outputs)
        and backend.overwriting(instruction, backend) is not None
        and _is_safe(instruction, olds)
    ]
    changed = {x: instruction for instruction, targets in found for x in targets.values()}
    viewed = {i.outputs[0]: i.inputs[0] for i in program.instructions if i.op.name in VIEWS}
    return [
        (instruction, targets)
        for instruction, targets in found
        if all(_reads_in_time(x, instruction, changed, viewed) for x in instruction.inputs)
    ]


def _reads_in_time(x: Any, instruction: Instruction, changed: Mapping[Any, Any], viewed: Mapping[Any, Any]) -> bool:
    """Whether an input is not of memory that is written over before it is read, or while other places of it are."""
    if x not in viewed:
        return changed.get(x, instruction) is instruction
    while x in viewed:
        x = viewed[x]
    return x not in changed


def variable_pairs(program: Program, reads: Sequence[Any], assigned: Sequence[Any]) -> tuple[tuple[int, int], ...]:
    """Which inputs of a program are variables' values, and which outputs their new ones.

    Args:
        program: the program.
        reads: the variables whose values are its last inputs.
        assigned: the variables whose new values are its last outputs.
    """
    places = {id(variable): i for i, variable in enumerate(assigned, len(program.outputs) - len(assigned))}
    first = len(program.inputs) - len(reads)
    return tuple((i, places[id(v)]) for i, v in enumerate(reads, first) if id(v) in places)


def _fits(x: Symbol, y: Symbol) -> bool:
    if x.shape is None or has_dim(x.shape) or x.shape != y.shape or x.dtype != y.dtype:
        return False
    return math.prod(x.shape) * x.dtype.itemsize >= _SMALLEST


def _is_safe(instruction: Instruction, olds: Targets) -> bool:
    """Whether no element of an old value is read after it is written over."""
    if instruction.op is not FUSED:
        return True
    region = instruction.attributes["region"]
    return all(region.may_replace(y, olds[y]) for y in instruction.outputs)


def run_all(actions: Iterable[Action]) -> None:
    """Call functions, compiled ones without Python in between."""
    actions = list(actions)
    with nullcontext() if all(map(_is_compiled, actions)) else _interrupts_waiting():
        deque(map(call, actions), maxlen=0)


def _is_compiled(action: Action) -> bool:
    """Whether no Python is in a function: what comes as a `partial` is one of compiled code."""
    return type(action) is partial


@contextmanager
def _interrupts_waiting() -> Iterator[None]:
    """Let an interrupt have its effect after a `with` block. Only the main thread is ever interrupted."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[tuple[int, Any]] = []
    before = signal.signal(signal.SIGINT, lambda *what: came.append(what))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came and callable(before):
            before(*came[0])


# Who holds an object is told by its count of references: where one interpreter lock guards it, as on usual CPython.
_COUNTED: Final = hasattr(sys, "getrefcount") and getattr(sys, "_is_gil_enabled", lambda: True)()


def _of_variable(holder: Any) -> tuple[int, int]:
    """How many hold a variable's tensor, and its array."""
    value = holder._value
    return sys.getrefcount(value), sys.getrefcount(value._value)


def _of_list(arrays: Sequence[Any], i: int) -> int:
    """How many hold an array in a list."""
    return sys.getrefcount(arrays[i])


class _Holder:
    """What holds something as a variable does a tensor, and a tensor an array."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = value


_STORE: Final = {0: (None, object())}
_ALONE: Final = _of_variable(_Holder(_Holder(object()))) if _COUNTED else None  # counts of what nobody else holds
_ALONE_IN_STORE: Final = _of_list([_STORE[0][1]], 0) if _COUNTED else None


def is_alone(variable: Any) -> bool:
    """Whether nobody but a variable holds its array."""
    return _COUNTED and _of_variable(variable) == _ALONE


def is_alone_in_store(arrays: Sequence[Any], i: int) -> bool:
    """Whether nobody but the store of a session and this list holds an array of the list."""
    return _COUNTED and _of_list(arrays, i) == _ALONE_IN_STORE
