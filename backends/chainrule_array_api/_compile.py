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

_failures: Final[ContextVar[list[Any] | None]] = ContextVar("failures of a program that is traced", default=None)


def needs_host(program: Program) -> str | None:
    """Why a library whose compiler cannot call the host does not compile a program, or None.

    What a generic kernel marked `on_host` computes from values, the compiler would take for a constant.
    """
    for instruction in program.instructions:
        if getattr(instruction.op.kernel, "on_host", False):
            return f"{instruction.op.name!r} is computed on the host"
    return None


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


def demand(xp: Any, wrong: Any, error: Exception) -> None:
    """Raise an error if anything is wrong; if a program is traced, find it when that has run."""
    failures = _failures.get()
    if failures is not None:
        failures.append(xp.any(wrong))
    elif bool(xp.any(wrong)):
        raise error


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
