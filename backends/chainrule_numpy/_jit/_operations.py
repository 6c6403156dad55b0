"""Elementwise operations in LLVM's language, by their names. What NumPy gives for NaN, infinities and -0 holds here."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from chainrule import PYTHON_NUMBERS, Instruction, Symbol, infer
from chainrule_numpy._jit._machine import host
from chainrule_numpy._jit._math import FUNCTIONS, FUNCTIONS_OF_TWO, scalar_function
from chainrule_numpy._jit._values import KINDS, Value, Values

Operation = Callable[..., Value]

DTYPES: Final = frozenset(KINDS) - {"int8"}
_FLOATS: Final = ("float64", "float32")
_INTEGERS: Final = ("int64", "int32")
_LEAST: Final = 2.0**-60  # of divisors whose reciprocals are no smaller than is good for either dtype
_HIGHEST: Final = 8  # the largest exponent that is multiplied out: each factor may cost half a unit in the last place


def takes(instruction: Instruction) -> bool:
    """Whether there is code for an elementwise instruction."""
    name, (y,) = instruction.op.name, instruction.outputs
    for x in (*instruction.inputs, y):
        if type(x) is Symbol:
            if str(x.dtype) not in DTYPES:
                return False
        elif (type(x) not in PYTHON_NUMBERS or type(x) is complex) and (x is not None or name != "clip"):
            return False
    if name == "pow":
        exponent = instruction.inputs[1]
        if str(y.dtype) in _INTEGERS:
            return type(exponent) is int and 0 <= exponent <= _HIGHEST
        return str(y.dtype) in _FLOATS
    if name == "round":
        return not instruction.attributes["decimals"]
    if name in _CALLS:
        return str(y.dtype) in _FLOATS and scalar_function(_CALLS[name], str(y.dtype)) is not None
    if name in _FLOATING:
        return str(y.dtype) in _FLOATS
    return name in _TABLE


def emit(values: Values, instruction: Instruction, operands: Sequence[Any]) -> Value:
    """Write an instruction.

    Args:
        values: writes as many lanes as it is to be computed in.
        instruction: what to compute.
        operands: its inputs, as values or Python numbers.

    Raises:
        OverflowError: a Python integer does not fit the dtype it takes.
    """
    name, dtype = instruction.op.name, str(instruction.outputs[0].dtype)
    if name in ("astype", "sum", "sum_to", "mean", "max", "min"):  # reductions that have nothing to reduce
        return values.cast(operands[0], dtype)
    if name == "where":
        condition, a, b = operands
        return values.select(_as(values, condition, "bool"), _as(values, a, dtype), _as(values, b, dtype))
    if name in _LOGIC:
        return _TABLE[name](values, *(_as(values, x, "bool") for x in operands))
    if name == "pow" and _multiplied_out(operands[1]):
        return _power(values, _as(values, operands[0], dtype), operands[1])
    if name in _COMPARISONS or name in _QUESTIONS:
        specs = [x.spec if type(x) is Symbol else infer.scalar_spec(x) for x in instruction.inputs]
        dtype = str(infer.result_dtype(*specs))
    if name == "divide" and type(operands[1]) in (int, float) and dtype in _FLOATS:
        return _divided(values, _as(values, operands[0], dtype), float(np.dtype(dtype).type(operands[1])))
    return _TABLE[name](values, *(x if x is None else _as(values, x, dtype) for x in operands))


def cost(instruction: Instruction) -> float:
    """About how many nanoseconds an element takes."""
    name = instruction.op.name
    if name in _CALLS or name in ("sigmoid", "softplus", "logaddexp"):
        return 1.0
    return 0.3 if name in ("divide", "sqrt", "reciprocal") else 0.06


def _as(values: Values, x: Any, dtype: str) -> Value:
    return values.cast(x, dtype) if type(x) is Value else values.constant(x, dtype)


# Arithmetic


def add(v: Values, a: Value, b: Value) -> Value:
    """`a + b`; of booleans, whether either is true."""
    return _arithmetic(v, "fadd", "add", "or", a, b)


def multiply(v: Values, a: Value, b: Value) -> Value:
    """`a * b`; of booleans, whether both are true."""
    return _arithmetic(v, "fmul", "mul", "and", a, b)


def divide(v: Values, a: Value, b: Value) -> Value:
    """`a / b` of floating-point numbers."""
    return _arithmetic(v, "fdiv", "", "", a, b)


def _divided(v: Values, x: Value, divisor: float) -> Value:
    """`x` by a number that is known: times its reciprocal, and what that misses, which rounds as division does."""
    is_power = math.frexp(divisor)[0] in (0.5, -0.5)  # of 2, whose reciprocal is exact, as LLVM knows
    if is_power or not _LEAST <= abs(divisor) <= 1 / _LEAST or not host().fma:
        return divide(v, x, v.constant(divisor, x.dtype))
    if divisor < 0:
        return _divided(v, _negative(v, x), -divisor)
    by, reciprocal = v.constant(divisor, x.dtype), v.constant(1 / divisor, x.dtype)
    quotient = multiply(v, x, reciprocal)
    excess = v.intrinsic("fma", quotient, by, _negative(v, x))
    exact = v.intrinsic("fma", _negative(v, excess), reciprocal, quotient)
    return v.select(v.compare("ord", exact, exact), exact, quotient)  # which is infinite, or NaN


def _subtract(v: Values, a: Value, b: Value) -> Value:
    return _arithmetic(v, "fsub", "sub", "xor", a, b)


def _arithmetic(v: Values, floating: str, whole: str, boolean: str, a: Value, b: Value) -> Value:
    how = f"{floating}{v.flags}" if a.is_float else boolean if a.dtype == "bool" else whole
    return v.let(a.dtype, f"{how} {v.kind(a.dtype)} {a.text}, {b.text}")


def _negative(v: Values, x: Value) -> Value:
    if x.is_float:
        return v.let(x.dtype, f"fneg {v.kind(x.dtype)} {x.text}")
    return _subtract(v, v.constant(0, x.dtype), x)


def _power(v: Values, x: Value, exponent: Any) -> Value:
    """`x` to a small number that is known."""
    if exponent == 0.5:
        return v.intrinsic("sqrt", x)
    n = abs(int(exponent))
    result: Value | None = None
    square = x
    while n:
        if n & 1:
            result = square if result is None else multiply(v, result, square)
        n >>= 1
        if n:
            square = multiply(v, square, square)
    one = v.constant(1, x.dtype)
    if result is None:
        return one
    return divide(v, one, result) if exponent < 0 else result


def _multiplied_out(exponent: Any) -> bool:
    return type(exponent) in (int, float) and (
        (float(exponent).is_integer() and 0 <= exponent <= _HIGHEST) or exponent in (-1.0, 0.5)
    )


def _multiply_zero_wins(v: Values, g: Value, d: Value) -> Value:
    zero = v.constant(0, g.dtype)
    return v.select(_is(v, g, "oeq", "eq", zero), zero, multiply(v, g, d))


# Comparisons and choices


def _is(v: Values, a: Value, floating: str, whole: str, b: Value) -> Value:
    return v.compare(floating if a.is_float else whole, a, b)


def _comparison(floating: str, whole: str, boolean: str = "") -> Operation:
    def operation(v: Values, a: Value, b: Value) -> Value:
        return _is(v, a, floating, boolean if boolean and a.dtype == "bool" else whole, b)

    return operation


def maximum(v: Values, a: Value, b: Value) -> Value:
    """The larger; NaN if either is."""
    return _extreme(v, "ogt", "ugt" if a.dtype == "bool" else "sgt", a, b)


def minimum(v: Values, a: Value, b: Value) -> Value:
    """The smaller; NaN if either is."""
    return _extreme(v, "olt", "ult" if a.dtype == "bool" else "slt", a, b)


def _extreme(v: Values, floating: str, whole: str, a: Value, b: Value) -> Value:
    chosen = v.select(_is(v, a, floating, whole, b), a, b)
    return v.select(v.compare("uno", a, a), a, chosen) if a.is_float else chosen


def _relu(v: Values, x: Value) -> Value:
    zero = v.constant(0, x.dtype)
    return v.select(_is(v, x, "ole", "sle", zero), zero, x)


def _sign(v: Values, x: Value) -> Value:
    zero, one, minus = (v.constant(n, x.dtype) for n in (0, 1, -1))
    rest = v.select(_is(v, x, "oeq", "eq", zero), zero, x)  # NaN stays
    below = v.select(_is(v, x, "olt", "slt", zero), minus, rest)
    return v.select(_is(v, x, "ogt", "sgt", zero), one, below)


def _clip(v: Values, x: Value, low: Value | None, high: Value | None) -> Value:
    if low is not None:
        x = maximum(v, low, x)
    return x if high is None else minimum(v, high, x)


def _abs(v: Values, x: Value) -> Value:
    if x.is_float:
        return v.intrinsic("fabs", x)
    return x if x.dtype == "bool" else v.select(_is(v, x, "", "slt", v.constant(0, x.dtype)), _negative(v, x), x)


def _is_infinite(v: Values, x: Value) -> Value:
    if not x.is_float:
        return v.constant(False, "bool")
    return v.compare("oeq", v.intrinsic("fabs", x), v.constant(math.inf, x.dtype))


def _is_finite(v: Values, x: Value) -> Value:
    if not x.is_float:
        return v.constant(True, "bool")
    return v.compare("olt", v.intrinsic("fabs", x), v.constant(math.inf, x.dtype))


def _is_nan(v: Values, x: Value) -> Value:
    return v.compare("uno", x, x) if x.is_float else v.constant(False, "bool")


def _bits(how: str) -> Operation:
    def operation(v: Values, a: Value, b: Value) -> Value:
        return v.let(a.dtype, f"{how} {v.kind(a.dtype)} {a.text}, {b.text}")

    return operation


def _invert(v: Values, x: Value) -> Value:
    return _bits("xor")(v, x, v.constant(True if x.dtype == "bool" else -1, x.dtype))


# Functions


def _called(name: str) -> Operation:
    return lambda v, *arguments: v.function(name, *arguments)


def _rounded(name: str) -> Operation:
    """Steps, which leave integers as they are."""
    return lambda v, x: v.intrinsic(name, x) if x.is_float else x


def _sigmoid(v: Values, x: Value) -> Value:
    one = v.constant(1, x.dtype)
    e = v.function("exp", _negative(v, v.intrinsic("fabs", x)))  # which does not overflow
    return divide(v, v.select(v.compare("olt", x, v.constant(0, x.dtype)), e, one), add(v, one, e))


def _log1p_exp_minus(v: Values, x: Value) -> Value:
    """`log(1 + exp(-|x|))`."""
    return v.function("log1p", v.function("exp", _negative(v, v.intrinsic("fabs", x))))


def _softplus(v: Values, x: Value) -> Value:
    return add(v, _relu(v, x), _log1p_exp_minus(v, x))


def _logaddexp(v: Values, a: Value, b: Value) -> Value:
    same = add(v, a, v.constant(math.log(2), a.dtype))  # equal infinities, whose difference is none
    apart = add(v, maximum(v, a, b), _log1p_exp_minus(v, _subtract(v, a, b)))
    return v.select(v.compare("oeq", a, b), same, apart)


def _scaled(factor: float) -> Operation:
    return lambda v, x: multiply(v, x, v.constant(factor, x.dtype))


_CALLS: Final[dict[str, str]] = {**FUNCTIONS, **FUNCTIONS_OF_TWO}
_FLOATING: Final = (
    "sigmoid",
    "softplus",
    "logaddexp",
    "deg2rad",
    "rad2deg",
    "copysign",
    "divide",
    "reciprocal",
    "sqrt",
)
_COMPARISONS: Final[dict[str, Operation]] = {
    "equal": _comparison("oeq", "eq"),
    "not_equal": _comparison("une", "ne"),
    "less": _comparison("olt", "slt", "ult"),
    "less_equal": _comparison("ole", "sle", "ule"),
    "greater": _comparison("ogt", "sgt", "ugt"),
    "greater_equal": _comparison("oge", "sge", "uge"),
}
_QUESTIONS: Final[dict[str, Operation]] = {"isinf": _is_infinite, "isfinite": _is_finite, "isnan": _is_nan}
_LOGIC: Final[dict[str, Operation]] = {
    "logical_and": _bits("and"),
    "logical_or": _bits("or"),
    "logical_xor": _bits("xor"),
    "logical_not": _invert,
}
_TABLE: Final[dict[str, Operation]] = {
    **{name: _called(function) for name, function in _CALLS.items()},
    **_COMPARISONS,
    **_QUESTIONS,
    **_LOGIC,
    "abs": _abs,
    "add": add,
    "astype": lambda v, x: x,
    "bitwise_and": _bits("and"),
    "bitwise_invert": _invert,
    "bitwise_or": _bits("or"),
    "bitwise_xor": _bits("xor"),
    "broadcast_to": lambda v, x: x,
    "ceil": _rounded("ceil"),
    "clip": _clip,
    "copysign": lambda v, a, b: v.intrinsic("copysign", a, b),
    "deg2rad": _scaled(math.pi / 180),
    "divide": divide,
    "floor": _rounded("floor"),
    "identity": lambda v, x: x,
    "logaddexp": _logaddexp,
    "maximum": maximum,
    "minimum": minimum,
    "multiply": multiply,
    "multiply_zero_wins": _multiply_zero_wins,
    "negative": _negative,
    "positive": lambda v, x: x,
    "rad2deg": _scaled(180 / math.pi),
    "reciprocal": lambda v, x: divide(v, v.constant(1, x.dtype), x),
    "relu": _relu,
    "round": _rounded("rint"),
    "sigmoid": _sigmoid,
    "sign": _sign,
    "softplus": _softplus,
    "sqrt": lambda v, x: v.intrinsic("sqrt", x),
    "square": lambda v, x: multiply(v, x, x),
    "stop_gradient": lambda v, x: x,
    "strong": lambda v, x: x,
    "subtract": _subtract,
    "trunc": _rounded("trunc"),
    "where": lambda v, condition, a, b: v.select(condition, a, b),
}
