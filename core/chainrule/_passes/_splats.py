"""Splats: values that are one number everywhere, which take part in elementwise operations as that number."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from chainrule._backend import Backend
from chainrule._dtypes import PYTHON_NUMBERS, DType
from chainrule._graph import Instruction, specs_of
from chainrule._graph_ops import CONSTANT, FULL
from chainrule._passes._rewrite import Found, Producers, instead
from chainrule._plan import device_of_plan
from chainrule._symbol import Symbol

_COPIES: Final = frozenset({"broadcast_to", "reshape", "permute_dims", "matrix_transpose", "getitem"})
_KINDS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "bool": bool,
    "int": int,
    "uint": int,
    "float": float,
    "complex": complex,
}
_EXACT: Final = 2**8  # whole numbers up to here are numbers of every floating-point dtype


def number_of(x: Any, producers: Producers) -> Any:
    """The number that a value is everywhere, None if it is not one or nobody knows."""
    if type(x) is not Symbol:
        return x if type(x) in PYTHON_NUMBERS else None
    maker = producers.get(x)
    if maker is None:
        return None
    if maker.op is FULL:
        return _typed(maker.attributes["value"], x.dtype)
    if maker.op is CONSTANT and maker.attributes["value"].size == 1:
        return _typed(maker.attributes["value"].item(), x.dtype)
    return None


def is_all(x: Any, number: float, producers: Producers) -> bool:
    """Whether a value is this number everywhere."""
    found = number_of(x, producers)
    return found is not None and type(found) is not bool and bool(found == number)


def _typed(value: Any, dtype: DType) -> Any:
    """A number as Python has it for a dtype, None for what is none."""
    try:
        return _KINDS[dtype.kind](value)
    except (TypeError, ValueError, OverflowError):  # an infinity among the integers is for the backend to refuse
        return None


def splats(instruction: Instruction, producers: Producers) -> Found:
    """An operation on splats: a splat, if it has no other inputs; else the operation on the numbers that they are."""
    op, inputs = instruction.op, instruction.inputs
    (y,) = instruction.outputs
    if op.name in _COPIES:
        maker = producers.get(inputs[0]) if len(inputs) == 1 else None
        if maker is None or y.shape is None or (maker.op is CONSTANT and op.name != "broadcast_to"):
            return None
        value = number_of(inputs[0], producers)
        return None if value is None else _full(instruction, value)
    if not op.elementwise or op.effect or y.weak or y.shape is None:
        return None
    numbers = [number_of(x, producers) for x in inputs]
    if None not in numbers:
        return _computed(instruction, numbers, producers.backend)
    return _on_numbers(instruction, numbers)


def _full(instruction: Instruction, value: Any) -> Instruction:
    (y,) = instruction.outputs
    return instead(FULL, (), instruction, shape=y.shape, value=value, dtype=y.dtype)


def _computed(instruction: Instruction, numbers: list[Any], backend: Backend) -> Found:
    """The splat that an operation on splats gives. What fails is left to fail when it runs."""
    (y,) = instruction.outputs
    device = device_of_plan(backend)
    arrays = [
        backend.full((), number, backend.native(x.dtype), device) if type(x) is Symbol else number
        for x, number in zip(instruction.inputs, numbers, strict=True)
    ]
    try:
        with backend.quiet():
            found = instruction.op.kernels[backend](*arrays, **instruction.attributes)
            value = _typed(backend.to_numpy(found).item(), y.dtype)
    except Exception:
        return None
    return None if value is None or backend.dtype(found.dtype) != y.dtype else _full(instruction, value)


def _on_numbers(instruction: Instruction, numbers: list[Any]) -> Found:
    """The operation with numbers in place of splats, where these neither repeat the others nor widen their dtype."""
    op, inputs = instruction.op, list(instruction.inputs)
    (y,) = instruction.outputs
    if not op.broadcasts or y.dtype.kind == "complex":
        return None
    others = {x.dtype for x, number in zip(inputs, numbers, strict=True) if number is None and type(x) is Symbol}
    for i, (x, number) in enumerate(zip(inputs, numbers, strict=True)):
        if type(x) is not Symbol or type(number) not in (int, float) or not _holds(number, x.dtype, others):
            continue
        trial = (*inputs[:i], number, *inputs[i + 1 :])
        if all(type(other) is not Symbol or other.weak for other in trial):
            continue  # of Python numbers alone the result would be one too
        (spec,) = specs_of(op, trial, instruction.attributes)
        if spec.dtype == y.dtype and spec.shape == y.shape and not spec.weak:
            inputs[i] = number
    return (
        None
        if inputs == list(instruction.inputs)
        else instead(op, tuple(inputs), instruction, **instruction.attributes)
    )


def _holds(number: Any, dtype: DType, others: set[DType]) -> bool:
    """Whether a number of a dtype is the same number in the others."""
    return others == {dtype} or (math.isfinite(number) and number == int(number) and abs(number) <= _EXACT)
