"""Identities of arithmetic. What they change is the rounding of a last digit or the sign of a zero, and no more."""

from __future__ import annotations

import math
from typing import Any, Final

from chainrule._graph import Instruction
from chainrule._graph_ops import FULL
from chainrule._passes._coefficients import is_safe, like
from chainrule._passes._rewrite import ALWAYS, NUMBERS, Found, Producers, Rule, Rules, instead, made
from chainrule._passes._splats import is_all, number_of
from chainrule._symbol import Symbol


def same(instruction: Instruction, producers: Producers) -> Found:
    """Operations that give their input back, where shape and dtype are the same."""
    x, y = instruction.inputs[0], instruction.outputs[0]
    return (x,) if like(x, y) else None


def twice(instruction: Instruction, producers: Producers) -> Found:
    """An operation that undoes itself."""
    inner = producers.made(instruction.inputs[0], instruction.op.name)
    return None if inner is None else (inner.inputs[0],)


def _without_zero(instruction: Instruction, producers: Producers) -> Found:
    """`x + 0`, `0 + x` and `x - 0` are `x`."""
    a, b = instruction.inputs
    (y,) = instruction.outputs
    if is_all(b, 0, producers) and like(a, y):
        return (a,)
    return (b,) if instruction.op.name == "add" and is_all(a, 0, producers) and like(b, y) else None


def _by_one(instruction: Instruction, producers: Producers) -> Found:
    """`x * 1`, `1 * x` and `x / 1` are `x`; with -1 they are `-x`."""
    a, b = instruction.inputs
    (y,) = instruction.outputs
    for x, other in ((a, b), (b, a)) if instruction.op.name == "multiply" else ((a, b),):
        number = number_of(other, producers)
        if type(number) is bool or number not in (1, -1) or not like(x, y):
            continue
        if number == 1:  # of complex numbers, an infinity times one has a part that is NaN
            return None if y.dtype.kind == "complex" else (x,)
        op = producers.op("negative")
        if op is not None and y.dtype.kind in ("int", "float"):
            return instead(op, (x,), instruction)
    return None


def _negative_outside(instruction: Instruction, producers: Producers) -> Found:
    """`-a * b` is `-(a * b)`, and so for quotients: outside, it can become part of a sum. With a number it goes in."""
    (y,) = instruction.outputs
    inputs = list(instruction.inputs)
    if y.dtype.kind != "float" or y.weak:
        return None
    minus = False
    for i, x in enumerate(inputs):
        inner = producers.made(x, "negative")
        if inner is not None and inner.inputs[0].dtype == y.dtype and _is_whole(x, inputs[1 - i], y):
            inputs[i] = inner.inputs[0]
            minus = not minus
    if inputs == list(instruction.inputs):
        return None
    if minus:
        for i, x in enumerate(inputs):
            if type(x) in (int, float):
                inputs[i] = -x
                minus = False
                break
    if not minus:
        return instead(instruction.op, tuple(inputs), instruction)
    step = made(instruction.op, tuple(inputs), instruction)
    op = producers.op("negative")
    return None if op is None else [step, instead(op, step.outputs, instruction)]


def _is_whole(x: Symbol, other: Any, y: Symbol) -> bool:
    """Whether an input is as large as the result, or the other one is no array: negating the result costs no more."""
    return x.shape == y.shape or type(other) is not Symbol


def _negative(instruction: Instruction, producers: Producers) -> Found:
    """`-(a - b)` is `b - a`, and the negative of a multiple is another multiple."""
    (x,), (y,) = instruction.inputs, instruction.outputs
    if y.dtype.kind != "float" or y.weak:
        return None
    difference = producers.made(x, "subtract")
    if difference is not None and producers.used_once(x):
        return instead(difference.op, difference.inputs[::-1], instruction)
    for name in ("multiply", "divide"):
        inner = producers.made(x, name)
        if inner is not None and any(type(v) in (int, float) for v in inner.inputs) and producers.used_once(x):
            a, b = inner.inputs
            inputs = (-a, b) if type(a) in (int, float) else (a, -b)
            return instead(inner.op, inputs, instruction)
    return None


def _by_power_of_two(instruction: Instruction, producers: Producers) -> Found:
    """`x / 2` is `x * 0.5`, exactly."""
    a, b = instruction.inputs
    (y,) = instruction.outputs
    if type(b) not in (int, float) or y.dtype.kind != "float" or not like(a, y):
        return None
    op = producers.op("multiply")
    exact = math.isfinite(b) and abs(math.frexp(b)[0]) == 0.5 and is_safe(b, y.dtype) and is_safe(1 / b, y.dtype)
    return instead(op, (a, 1 / b), instruction) if exact and op is not None else None


def _with_negative(name: str, commutes: bool) -> Rule:
    """`a + -b` is `a - b`, and `a - -b` is `a + b`."""

    def rule(instruction: Instruction, producers: Producers) -> Found:
        a, b = instruction.inputs
        (y,) = instruction.outputs
        for x, other in ((b, a), (a, b)) if commutes else ((b, a),):
            inner = producers.made(x, "negative")
            if inner is not None and not y.weak and y.dtype.kind in ("int", "float"):
                op = producers.op(name)
                return None if op is None else instead(op, (other, inner.inputs[0]), instruction)
        return None

    return rule


def _from_negative(instruction: Instruction, producers: Producers) -> Found:
    """`-a - b` is `-(a + b)`, outside of which the sign can become part of another sum."""
    a, b = instruction.inputs
    (y,) = instruction.outputs
    inner = producers.made(a, "negative")
    add, negative = producers.op("add"), producers.op("negative")
    if inner is None or add is None or negative is None or not like(a, y) or y.dtype.kind != "float":
        return None
    if not producers.used_once(a):
        return None
    total = made(add, (*inner.inputs, b), instruction)
    return [total, instead(negative, total.outputs, instruction)]


def _power(instruction: Instruction, producers: Producers) -> Found:
    """`x**1` is `x`, `x**2` the square. A root is not a power of 1/2: of -0.0 and minus infinity they differ."""
    x, n = instruction.inputs
    (y,) = instruction.outputs
    if not like(x, y) or y.dtype.kind not in ("int", "uint", "float"):
        return None
    if is_all(n, 1, producers):
        return (x,)
    op = producers.op("square")
    return instead(op, (x,), instruction) if op is not None and is_all(n, 2, producers) else None


def _finite_derivative(instruction: Instruction, producers: Producers) -> Found:
    """Zero wins over nothing where the derivative is finite, or the cotangent a number that is not zero."""
    g, d = instruction.inputs
    (y,) = instruction.outputs
    g_number, d_number = number_of(g, producers), number_of(d, producers)
    op = producers.op("multiply")
    if op is None or y.weak or y.dtype.kind != "float":
        return None
    if g_number == 0 and y.shape is not None:
        return instead(FULL, (), instruction, shape=y.shape, value=0.0, dtype=y.dtype)
    if g_number is not None or (d_number is not None and math.isfinite(d_number)):
        return instead(op, (g, d), instruction)
    return None


def _even(instruction: Instruction, producers: Producers) -> Found:
    """Operations that give the same for `-x` as for `x`."""
    inner = producers.made(instruction.inputs[0], "negative")
    if inner is None or instruction.outputs[0].dtype.kind != "float":
        return None
    return instead(instruction.op, inner.inputs, instruction)


_NEGATIVE: Final = frozenset({"negative"})

ALGEBRA: Final[Rules] = {
    "identity": {same: ALWAYS},
    "stop_gradient": {same: ALWAYS},
    "prevent_gradient": {same: ALWAYS},
    "positive": {same: ALWAYS},
    "astype": {same: ALWAYS},
    "strong": {same: ALWAYS},
    "conj": {twice: frozenset({"conj"})},
    "negative": {twice: _NEGATIVE, _negative: frozenset({"subtract", "multiply", "divide"})},
    "add": {_without_zero: NUMBERS, _with_negative("subtract", commutes=True): _NEGATIVE},
    "subtract": {
        _without_zero: NUMBERS,
        _with_negative("add", commutes=False): _NEGATIVE,
        _from_negative: _NEGATIVE,
    },
    "multiply": {_by_one: NUMBERS, _negative_outside: _NEGATIVE},
    "divide": {_by_one: NUMBERS, _negative_outside: _NEGATIVE, _by_power_of_two: NUMBERS},
    "multiply_zero_wins": {_finite_derivative: NUMBERS, _negative_outside: _NEGATIVE},
    "pow": {_power: NUMBERS},
    "square": {_even: _NEGATIVE},
    "abs": {_even: _NEGATIVE},
    "cos": {_even: _NEGATIVE},
}
