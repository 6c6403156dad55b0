"""Whole programs for a library's own compiler: which it can take, and what becomes of checks that look at values.

A compiled program cannot raise an error because of a value. It gives one result more, whether any check failed; if so,
it is run again as Python, where the check raises and the operation is named.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import reduce
from operator import or_
from typing import Any, Final

from chainrule import Kernel, Program, jit_mode, strict_math
from chainrule_array_api import _indexing

_failures: Final[ContextVar[list[Any] | None]] = ContextVar("failures of a program that is traced", default=None)


def obstacle(program: Program) -> str | None:
    """Why a program is run by Python, one operation after the other; None if nothing speaks against compiling it."""
    if strict_math():
        return "strict math computes operations one by one"
    if jit_mode() == "off":
        return "the JIT is off"
    for instruction in program.instructions:
        if instruction.op.effect:
            return f"{instruction.op.name!r} has an effect"
        if any(hasattr(value, "programs") for value in instruction.attributes.values()):
            return f"{instruction.op.name!r} holds programs, which are compiled each by itself"
    return None


def wrapped(xp: Any, indices: Any, length: int) -> Any:
    """Indices counted from the start; if a program is traced, it is found when it has run that some lay outside."""
    failures = _failures.get()
    if failures is None:
        return _indexing.wrapped(xp, indices, length)
    indices = xp.astype(indices, xp.int64)
    outside = _indexing.outside(indices, length)
    failures.append(xp.any(outside))
    return xp.where(outside, xp.zeros_like(indices), _indexing.from_start(xp, indices, length))


def traceable(function: Kernel) -> Callable[..., tuple[tuple[Any, ...], Any]]:
    """A function to trace: its results, and whether a check failed, or None if there is none."""

    def traced(*arrays: Any) -> tuple[tuple[Any, ...], Any]:
        failures: list[Any] = []
        token = _failures.set(failures)
        try:
            results = function(*arrays)
        finally:
            _failures.reset(token)
        return results, reduce(or_, failures) if failures else None

    return traced
