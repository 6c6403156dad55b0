"""Elementwise operations in CUDA's C++, by their names: what CuPy's own kernels compute, NaN and infinities included.

Numbers are written in registers in the type that they are computed in. That of float16 is `float`, rounded to float16
after each operation, as CuPy's kernels for that dtype round their results.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from chainrule import DTYPES, PYTHON_NUMBERS, DType, Instruction, Symbol, infer

STORED: Final = {
    "bool": "bool",
    "int8": "signed char",
    "int16": "short",
    "int32": "int",
    "int64": "long long",
    "uint8": "unsigned char",
    "uint16": "unsigned short",
    "uint32": "unsigned int",
    "uint64": "unsigned long long",
    "float16": "float16",
    "float32": "float",
    "float64": "double",
    "complex64": "complex<float>",
    "complex128": "complex<double>",
}
COMPUTED: Final = STORED | {"float16": "float"}
_BOOL: Final = DTYPES["bool"]


class Value(NamedTuple):
    """An expression, and the dtype of what it gives."""

    text: str
    dtype: DType


def takes(instruction: Instruction) -> bool:
    """Whether there is an expression for an elementwise instruction."""
    name, (y,) = instruction.op.name, instruction.outputs
    operation = _OPERATIONS.get(name)
    if operation is None or str(y.dtype) not in STORED:
        return False
    if name == "round" and instruction.attributes["decimals"]:
        return False
    operands = [x for x in instruction.inputs if x is not None]
    if len(operands) < len(instruction.inputs) and name != "clip":
        return False
    if not all(type(x) in PYTHON_NUMBERS or (type(x) is Symbol and str(x.dtype) in STORED) for x in operands):
        return False
    if name == "pow" and y.dtype.kind in ("int", "uint") and not _is_natural(operands[1]):
        return False  # which the kernel refuses where an exponent is negative
    dtype = _computed_in(instruction)
    if dtype.kind not in operation.kinds:
        return False
    return all(type(x) is Symbol or _fits(x, dtype) for x in operands)


def expression(instruction: Instruction, operands: Sequence[Any]) -> Value:
    """What computes an instruction's result, given its inputs as values or Python numbers."""
    name, result = instruction.op.name, instruction.outputs[0].dtype
    operation = _OPERATIONS[name]
    dtype = _computed_in(instruction)
    if name == "pow" and type(operands[1]) in (int, float) and operands[1] == 2:
        operation, operands = _OPERATIONS["square"], operands[:1]
    texts: list[str | None]
    if name == "where":
        texts = [_as(operands[0], _BOOL), *(_as(x, dtype) for x in operands[1:])]
    else:
        texts = [x if x is None else _as(x, dtype) for x in operands]
    text = operation.write(COMPUTED[str(dtype)], dtype.kind, *texts)
    computed = _BOOL if operation.asks else result if operation.real else dtype
    return Value(cast(Value(_rounded(text, computed), computed), result), result)


def single(name: str, dtype: DType, n: int) -> str:
    """What computes one operation of `n` parameters `x0`, `x1`, all of a dtype, with a result of that."""
    inputs = [loaded(f"x{i}", dtype) for i in range(n)]
    return _rounded(_OPERATIONS[name].write(COMPUTED[str(dtype)], dtype.kind, *inputs), dtype)


def cast(value: Value, dtype: DType) -> str:
    """The value in another dtype."""
    text, have = value
    if have == dtype:
        return text
    if have.kind == "complex":
        if dtype.kind == "bool":
            return f"({text} != {COMPUTED[str(have)]}(0))"
        if dtype.kind == "complex":
            return f"{COMPUTED[str(dtype)]}({text})"
        text = f"({text}).real()"
    if dtype.kind == "bool":
        return f"({text} != 0)"
    if dtype.kind == "complex":
        part = "float" if dtype.bits == 64 else "double"
        return f"{COMPUTED[str(dtype)]}(static_cast<{part}>({text}))"
    return _rounded(text, dtype)


def loaded(name: str, dtype: DType) -> str:
    """What a parameter of a kernel holds, as it is computed with."""
    return f"static_cast<float>({name})" if dtype == "float16" else name


def literal(number: Any, dtype: DType) -> str:
    """A Python number in a dtype that it fits."""
    kind, computed = dtype.kind, COMPUTED[str(dtype)]
    if kind == "bool":
        return "true" if number else "false"
    if kind == "complex":
        part = DTYPES["float32" if dtype.bits == 64 else "float64"]
        number = complex(number)
        return f"{computed}({literal(number.real, part)}, {literal(number.imag, part)})"
    if kind == "float":
        with np.errstate(over="ignore"):
            number = float(np.dtype(str(dtype)).type(number))
        if math.isnan(number):
            return f"static_cast<{computed}>(CUDART_NAN)"
        if math.isinf(number):
            return f"static_cast<{computed}>({'-' * (number < 0)}CUDART_INF)"
        return f"({number!r}{'f' * (computed == 'float')})"
    number = int(number)
    if number == -(2**63):  # whose digits alone are too large a number
        return f"({number + 1}LL - 1)"
    return f"static_cast<{computed}>({number}{'ULL' if kind == 'uint' else 'LL'})"


def _rounded(text: str, dtype: DType) -> str:
    """An expression's value as the dtype holds it: C++ computes short numbers in longer ones."""
    if dtype == "float16":
        return f"static_cast<float>(static_cast<float16>({text}))"
    return f"static_cast<{COMPUTED[str(dtype)]}>({text})"


def _as(x: Any, dtype: DType) -> str:
    return cast(x, dtype) if type(x) is Value else literal(x, dtype)


def _computed_in(instruction: Instruction) -> DType:
    """The dtype that an instruction's inputs are cast to."""
    name, y = instruction.op.name, instruction.outputs[0]
    operation = _OPERATIONS[name]
    if name.startswith("logical_"):
        return _BOOL
    if name == "astype" or operation.asks or operation.real:
        specs = [x.spec if type(x) is Symbol else infer.scalar_spec(x) for x in instruction.inputs]
        dtype = infer.result_dtype(*specs)
        return infer.floating(infer.Spec((), dtype)).dtype if operation.real and y.dtype.is_inexact else dtype
    return y.dtype


def _fits(number: Any, dtype: DType) -> bool:
    if dtype.kind in ("int", "uint"):
        limits = np.iinfo(str(dtype))
        return type(number) in (int, bool) and limits.min <= number <= limits.max
    return dtype.kind == "complex" or type(number) is not complex


def _is_natural(number: Any) -> bool:
    return type(number) is int and number >= 0


# The operations. Each is written by a function of the type it computes in, the kind of that, and its inputs.


class _Operation(NamedTuple):
    """How an operation is written.

    Attributes:
        write: from the type to compute in, the kind of its dtype and the inputs' expressions, the expression.
        kinds: the kinds of dtypes that it is computed in.
        asks: whether it gives true or false, of inputs in their common dtype.
        real: whether it gives real numbers, of inputs in their own dtype.
    """

    write: Callable[..., str]
    kinds: tuple[str, ...]
    asks: bool = False
    real: bool = False


_INTEGERS: Final = ("int", "uint")
_REALS: Final = (*_INTEGERS, "float")
_NUMBERS: Final = (*_REALS, "complex")
_ALL: Final = ("bool", *_NUMBERS)


def _text(template: str, kinds: tuple[str, ...], **by_kind: str) -> _Operation:
    """An operation as text with places for its inputs, and `T` for the type; another text for some kinds."""

    def write(computed: str, kind: str, *inputs: str) -> str:
        text = by_kind.get(kind, template).replace("T(", f"static_cast<{computed}>(")
        return text.format(*inputs)

    return _Operation(write, kinds)


def _asking(template: str, kinds: tuple[str, ...] = _ALL, **by_kind: str) -> _Operation:
    return _text(template, kinds, **by_kind)._replace(asks=True)


def _function(name: str, kinds: tuple[str, ...] = ("float",)) -> _Operation:
    return _Operation(lambda computed, kind, *inputs: f"{name}({', '.join(inputs)})", kinds)


def _clip(computed: str, kind: str, x: str, low: str | None, high: str | None) -> str:
    if low is not None:
        x = f"({x} < {low} ? {low} : {x})"
    return x if high is None else f"({x} > {high} ? {high} : {x})"


def _pow(computed: str, kind: str, base: str, exponent: str) -> str:
    if kind == "float":
        return f"pow({base}, {exponent})"
    return f"chainrule_power<{computed}>({base}, {exponent})"


_SAME: Final = _text("{0}", _ALL)
_EXTREME: Final = "({0} != {0} || {0} %s {1} ? {0} : {1})"  # which is NaN where either is
_ELEMENTARY: Final = ("float", "complex")

_OPERATIONS: Final[dict[str, _Operation]] = {
    **{name: _SAME for name in ("broadcast_to", "identity", "positive", "prevent_gradient", "stop_gradient", "strong")},
    "astype": _SAME._replace(asks=False),
    # Arithmetic
    "add": _text("({0} + {1})", _ALL, bool="({0} || {1})"),
    "subtract": _text("({0} - {1})", _NUMBERS),
    "multiply": _text("({0} * {1})", _ALL, bool="({0} && {1})"),
    "divide": _text("({0} / {1})", _ELEMENTARY),
    "floor_divide": _text(
        "floor({0} / {1})", _REALS, int="chainrule_quotient({0}, {1})", uint="chainrule_quotient({0}, {1})"
    ),
    "remainder": _text(
        "({0} - floor({0} / {1}) * {1})",
        _REALS,
        int="({1} == 0 ? T(0) : T({0} - chainrule_quotient({0}, {1}) * {1}))",
        uint="({1} == 0 ? T(0) : T({0} - chainrule_quotient({0}, {1}) * {1}))",
    ),
    "negative": _text("(-{0})", _NUMBERS),
    "square": _text("({0} * {0})", _ALL, bool="{0}"),
    "reciprocal": _text("(T(1) / {0})", _ELEMENTARY),
    "pow": _Operation(_pow, _REALS),
    "multiply_zero_wins": _text("({0} == T(0) ? T(0) : {0} * {1})", _NUMBERS),
    "abs": _text("abs({0})", _ALL, bool="{0}", uint="{0}", int="({0} > 0 ? {0} : -{0})", float="fabs({0})")._replace(
        real=True
    ),
    "sign": _text(
        "({0} > 0 || {0} < 0 ? copysign(T(1), {0}) : {0} - {0})",
        _REALS,
        int="(({0} > 0) - ({0} < 0))",
        uint="({0} > 0)",
    ),
    "copysign": _function("copysign"),
    "conj": _text("{0}", _NUMBERS, complex="conj({0})"),
    "real": _text("{0}", _ALL, complex="({0}).real()")._replace(real=True),
    "imag": _text("T(0)", _ALL, complex="({0}).imag()")._replace(real=True),
    # Functions
    **{
        name: _function(name)
        for name in ("acosh", "asinh", "atanh", "cbrt", "erf", "erfc", "expm1", "log10", "log1p", "log2")
    },
    "hypot": _function("chainrule_hypot"),
    **{
        name: _function(name, _ELEMENTARY)
        for name in ("cos", "cosh", "exp", "log", "sin", "sinh", "sqrt", "tan", "tanh")
    },
    **{name: _function(name) for name in ("acos", "asin", "atan", "atan2")},
    "exp2": _text("pow(T(2), {0})", ("float",)),
    "deg2rad": _text(f"({{0}} * T({math.pi / 180!r}))", ("float",)),
    "rad2deg": _text(f"({{0}} * T({180 / math.pi!r}))", ("float",)),
    "logaddexp": _text("({0} == {1} ? {0} + log(T(2)) : fmax({0}, {1}) + log1p(exp(-fabs({0} - {1}))))", ("float",)),
    "relu": _text("({0} <= T(0) ? T(0) : {0})", _REALS),
    "sigmoid": _text("(({0} < T(0) ? exp({0}) : T(1)) / (T(1) + exp(-fabs({0}))))", ("float",)),
    "softplus": _text("(log1p(exp(-fabs({0}))) + ({0} > T(0) ? {0} : T(0)))", ("float",)),
    # Steps
    **{name: _text(f"{name}({{0}})", _REALS, int="{0}", uint="{0}") for name in ("ceil", "floor", "trunc")},
    "round": _text("rint({0})", _REALS, int="{0}", uint="{0}"),
    # Choices
    "maximum": _text(_EXTREME % ">", ("bool", *_REALS)),
    "minimum": _text(_EXTREME % "<", ("bool", *_REALS)),
    "clip": _Operation(_clip, _REALS),
    "where": _text("({0} ? {1} : {2})", _ALL),
    # Questions
    **{
        name: _asking(f"({{0}} {sign} {{1}})", ("bool", *_REALS))
        for name, sign in {"greater": ">", "greater_equal": ">=", "less": "<", "less_equal": "<="}.items()
    },
    "equal": _asking("({0} == {1})"),
    "not_equal": _asking("({0} != {1})"),
    "isfinite": _asking("true", ("bool", *_REALS), float="(fabs({0}) < T(CUDART_INF))"),
    "isinf": _asking("false", ("bool", *_REALS), float="(fabs({0}) == T(CUDART_INF))"),
    "isnan": _asking("false", ("bool", *_REALS), float="({0} != {0})"),
    "signbit": _asking("signbit({0})", ("float",)),
    "logical_and": _text("({0} && {1})", ("bool",)),
    "logical_or": _text("({0} || {1})", ("bool",)),
    "logical_xor": _text("({0} != {1})", ("bool",)),
    "logical_not": _text("(!{0})", ("bool",)),
    # Bits
    "bitwise_and": _text("({0} & {1})", ("bool", *_INTEGERS)),
    "bitwise_or": _text("({0} | {1})", ("bool", *_INTEGERS)),
    "bitwise_xor": _text("({0} ^ {1})", ("bool", *_INTEGERS)),
    "bitwise_invert": _text("(~{0})", ("bool", *_INTEGERS), bool="(!{0})"),
}

PREAMBLE: Final = """
template <typename T>
__device__ T chainrule_quotient(T a, T b) {
  if (b == 0) return 0;
  T quotient = a / b;
  return quotient - (((a < 0) != (b < 0)) && quotient * b != a);
}
template <typename T>
__device__ T chainrule_hypot(T a, T b) {
  const T c = hypot(a, b), most = fmax(fabs(a), fabs(b)), inf = CUDART_INF;
  if (!(c == inf && most < inf)) return c;
  const T ratio = fmin(fabs(a), fabs(b)) / most;
  return most * sqrt(1 + ratio * ratio);  // CUDA's is infinite, by an error of one bit
}
template <typename T>
__device__ T chainrule_power(T base, T exponent) {
  T result = 1;
  for (; exponent > 0; exponent >>= 1, base *= base) {
    if (exponent & 1) result *= base;
  }
  return result;
}
"""
