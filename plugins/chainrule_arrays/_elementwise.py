"""Elementwise operations, one row each: name, shape-and-dtype rule, gradient, what it is.

Gradients are the textbook formulas, also for complex numbers: the engine conjugates where an operation is holomorphic.
`multiply_zero_wins(g, d)` stands for `g * d` where the slope `d` can be infinite.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from chainrule import (
    Binary,
    DTypeError,
    NoGradient,
    Tensor,
    Unary,
    as_dtype,
    as_tensor,
    bool_,
    elementwise,
    fronts,
    infer,
    int8,
    op,
    ops,
    widens,
)

BOOLEAN = NoGradient("its result is true or false")
INTEGRAL = NoGradient("its result is an integer")


def zero_wins(g: Any, d: Any) -> Any:
    """`g * d`, and 0 where the cotangent `g` is 0 and the slope `d` infinite."""
    return ops.multiply_zero_wins(g, d)


def _unary(name: str, rule: Any, gradient: Any, summary: str, formula: str = "", **options: Any) -> Any:
    """A row with one input."""
    doc = f"{summary}\n\nArgs:\n    x: an array of any shape, or a number.\n\nReturns:\n    A tensor of the same shape."
    return elementwise(name, rule, gradient, doc + (f"\n\nDerivative: {formula}." if formula else ""), **options)


def _binary(name: str, rule: Any, gradient: Any, summary: str, formula: str = "", **options: Any) -> Any:
    """A row with two inputs."""
    doc = (
        f"{summary}\n\nArgs:\n    a: an array or a number.\n    b: one whose shape broadcasts with that of `a`.\n\n"
        "Returns:\n    A tensor of the broadcast shape."
    )
    doc += f"\n\nDerivatives: {formula}." if formula else ""
    return elementwise(name, rule, gradient, doc, n_inputs=2, **options)


def _zero(g: Any, _y: Any, _x: Any) -> Any:
    """The slope of a step function, everywhere but at the steps."""
    return ops.zeros_like(g)


def _zero_of_two(g: Any, _y: Any, _a: Any, _b: Any) -> Any:
    return ops.zeros_like(g)


def _counting(*specs: Any) -> Any:
    """The rule of integer arithmetic that makes numbers of booleans, as NumPy's does."""
    spec = infer.same(*specs)
    return spec if spec.dtype != bool_ else infer.Spec(spec.shape, int8)


def _whole(*specs: Any) -> Any:
    """The rule of shifts, which make numbers of booleans, as NumPy's do."""
    return _counting(infer.integral(*specs))


def _numeric(*specs: Any) -> Any:
    """The rule of arithmetic that booleans have none of."""
    spec = infer.same(*specs)
    if spec.dtype == bool_:
        raise DTypeError("takes numbers, got booleans; use logical_not, logical_xor, or cast them with astype")
    return spec


def _tensor(a: Any, like: Tensor) -> Any:
    """A Python number as a tensor of the dtype and backend of another."""
    return a if type(a) is Tensor else ops.full_like(like, a)


# Arithmetic

add: Binary = _binary("add", infer.same, (lambda g, _y, _a, _b: g, lambda g, _y, _a, _b: g), "`a + b`.", "1 and 1")
subtract: Binary = _binary(
    "subtract", _numeric, (lambda g, _y, _a, _b: g, lambda g, _y, _a, _b: -g), "`a - b`.", "1 and -1"
)
multiply: Binary = _binary(
    "multiply", infer.same, (lambda g, _y, _a, b: g * b, lambda g, _y, a, _b: g * a), "`a * b`.", "b and a"
)
divide: Binary = _binary(
    "divide",
    infer.floating,
    (
        lambda g, _y, _a, b: zero_wins(g, reciprocal(b)) if type(b) is Tensor else g / b,
        lambda g, y, _a, b: zero_wins(g, -y / b),
    ),
    "`a / b`, integers divided as floating-point numbers.",
    "1/b and -a/b**2",
)


def _floor_divide(xp: Any, a: Any, b: Any) -> Any:
    """The library's own, except by infinities: there some have NaN, or -1 for what is 0 rounded down."""
    y = xp.floor_divide(a, b)
    if not xp.isdtype(y.dtype, "real floating"):
        return y
    infinite = [xp.isinf(x) if hasattr(x, "dtype") else math.isinf(x) for x in (a, b)]
    return xp.where(infinite[0] | infinite[1], xp.floor(a / b), y)


floor_divide: Binary = _binary(
    "floor_divide",
    _counting,
    (_zero_of_two, _zero_of_two),
    "`a // b`: the quotient rounded down.",
    "0 and 0",
    kernel=_floor_divide,
)
remainder: Binary = _binary(
    "remainder",
    _counting,
    (lambda g, _y, _a, _b: g, lambda g, _y, a, b: -g * floor_divide(a, b)),
    "`a % b`: what is left of `a // b`, with the sign of `b`.",
    "1 and -(a // b)",
)


def _pow_base(g: Any, _y: Any, a: Any, b: Any) -> Any:
    if type(b) is Tensor:
        return zero_wins(g * b, a ** (b - 1))
    if b == 0:
        return ops.zeros_like(g)
    return g if b == 1 else g * (2 * a) if b == 2 else zero_wins(g, b * a ** (b - 1))


pow: Binary = _binary(
    "pow",
    _counting,
    (_pow_base, lambda g, y, a, b: zero_wins(g * y, log(_tensor(a, b)))),
    "`a ** b`.",
    "b * a**(b - 1), which is 0 for b = 0, and a**b * log(a), which is 0 where a**b is",
)
negative: Unary = _unary("negative", _numeric, lambda g, _y, _x: -g, "`-x`.", "-1")
positive: Unary = _unary("positive", _numeric, lambda g, _y, _x: g, "`+x`: the same value.", "1")
reciprocal: Unary = _unary(
    "reciprocal",
    infer.floating,
    lambda g, y, _x: zero_wins(g, -y * y),
    "`1 / x`.",
    "-1/x**2",
    kernel=lambda xp, x: 1.0 / x,
)
square: Unary = _unary("square", infer.same, lambda g, _y, x: g * (2 * x), "`x * x`.", "2 * x")

# Absolute values, signs, complex parts

abs: Unary = _unary(
    "abs", infer.real, lambda g, _y, x: g * sign(x), "`|x|`, real.", "sign(x), so 0 at 0", holomorphic=False
)


def _sign_gradient(g: Any, y: Any, x: Any) -> Any:
    if x.dtype.kind != "complex":
        return ops.zeros_like(g)
    return zero_wins(g - y * y * conj(g), 0.5 / abs(x))


sign: Unary = _unary(
    "sign",
    _numeric,
    _sign_gradient,
    "-1, 0 or 1 by the sign of x; for complex x, `x / |x|`, and 0 at 0.",
    "0 (for real x)",
    holomorphic=False,
)
conj: Unary = _unary(
    "conj",
    _counting,
    lambda g, _y, _x: conj(g),
    "The complex conjugate.",
    "the conjugate of the cotangent",
    holomorphic=False,
    linear="joint",
)
real: Unary = _unary(
    "real",
    infer.real,
    lambda g, _y, x: ops.astype(g, dtype=x.dtype),
    "The real part; x itself if it is real.",
    "1",
    holomorphic=False,
    linear="joint",
)
imag: Unary = _unary(
    "imag",
    infer.real,
    lambda g, _y, x: ops.astype(g, dtype=x.dtype) * 1j if x.dtype.kind == "complex" else ops.zeros_like(g),
    "The imaginary part; 0 for real x.",
    "i, the direction in which it grows",
    holomorphic=False,
    linear="joint",
)


def _angle(xp: Any, x: Any) -> Any:
    if xp.isdtype(x.dtype, "complex floating"):
        return xp.atan2(xp.imag(x), xp.real(x))
    return xp.atan2(xp.zeros_like(x), x)


angle: Unary = _unary(
    "angle",
    lambda x: infer.real(infer.floating(x)),
    lambda g, _y, x: zero_wins(1j * x, g / square(abs(x))) if x.dtype.kind == "complex" else ops.zeros_like(g),
    "The argument of a complex number, in radians.",
    "i * x / |x|**2, the direction in which it grows, and 0 at 0",
    holomorphic=False,
    kernel=_angle,
)
copysign: Binary = _binary(
    "copysign",
    infer.floating,
    (lambda g, _y, a, b: g * sign(a) * ops.copysign(ops.ones_like(g), b), _zero_of_two),
    "The magnitude of `a` with the sign of `b`.",
    "the product of their signs, and 0",
)
nextafter: Binary = _binary(
    "nextafter",
    infer.floating,
    (lambda g, _y, _a, _b: g, _zero_of_two),
    "The next number after `a` in the direction of `b` that the dtype has.",
    "1 and 0",
)

# Exponentials and logarithms

exp: Unary = _unary("exp", infer.floating, lambda g, y, _x: g * y, "e ** x.", "exp(x)")
exp2: Unary = _unary(
    "exp2",
    infer.floating,
    lambda g, y, _x: g * (math.log(2) * y),
    "2 ** x.",
    "log(2) * 2**x",
    kernel=lambda xp, x: 2.0**x,
)
expm1: Unary = _unary("expm1", infer.floating, lambda g, _y, x: g * exp(x), "exp(x) - 1, exact near 0.", "exp(x)")
log: Unary = _unary("log", infer.floating, lambda g, _y, x: zero_wins(g, 1 / x), "The natural logarithm.", "1/x")
log1p: Unary = _unary(
    "log1p", infer.floating, lambda g, _y, x: zero_wins(g, 1 / (1 + x)), "log(1 + x), exact near 0.", "1/(1 + x)"
)
log2: Unary = _unary(
    "log2",
    infer.floating,
    lambda g, _y, x: zero_wins(g, 1 / (math.log(2) * x)),
    "The logarithm to base 2.",
    "1/(x log 2)",
)
log10: Unary = _unary(
    "log10",
    infer.floating,
    lambda g, _y, x: zero_wins(g, 1 / (math.log(10) * x)),
    "The logarithm to base 10.",
    "1/(x log 10)",
)
logaddexp: Binary = _binary(
    "logaddexp",
    infer.floating,
    (lambda g, _y, a, b: g * ops.sigmoid(a - b), lambda g, _y, a, b: g * ops.sigmoid(b - a)),
    "log(exp(a) + exp(b)), without overflow.",
    "sigmoid(a - b) and sigmoid(b - a), which are exp(a - y) and exp(b - y)",
)
sqrt: Unary = _unary(
    "sqrt", infer.floating, lambda g, y, _x: zero_wins(g, 0.5 / y), "The square root.", "1/(2 sqrt(x))"
)
cbrt: Unary = _unary(
    "cbrt",
    infer.floating,
    lambda g, y, _x: zero_wins(g, 1 / (3 * y * y)),
    "The cube root.",
    "1/(3 cbrt(x)**2)",
    kernel=lambda xp, x: xp.sign(x) * xp.abs(x) ** (1 / 3),
)
hypot: Binary = _binary(
    "hypot",
    infer.floating,
    (lambda g, y, a, _b: zero_wins(a, g / y), lambda g, y, _a, b: zero_wins(b, g / y)),
    "sqrt(a**2 + b**2), without overflow.",
    "a/y and b/y, 0 at the origin",
)

# Trigonometric and hyperbolic functions

sin: Unary = _unary("sin", infer.floating, lambda g, _y, x: g * cos(x), "The sine of x, in radians.", "cos(x)")
cos: Unary = _unary("cos", infer.floating, lambda g, _y, x: -g * sin(x), "The cosine of x, in radians.", "-sin(x)")
tan: Unary = _unary(
    "tan", infer.floating, lambda g, y, _x: g * (1 + y * y), "The tangent of x, in radians.", "1 + tan(x)**2"
)
asin: Unary = _unary(
    "asin",
    infer.floating,
    lambda g, _y, x: zero_wins(g, 1 / (sqrt(1 - x) * sqrt(1 + x))),
    "The arc sine, in radians.",
    "1/sqrt(1 - x**2)",
)
acos: Unary = _unary(
    "acos",
    infer.floating,
    lambda g, _y, x: zero_wins(g, -1 / (sqrt(1 - x) * sqrt(1 + x))),
    "The arc cosine, in radians.",
    "-1/sqrt(1 - x**2)",
)
atan: Unary = _unary(
    "atan", infer.floating, lambda g, _y, x: g / (1 + x * x), "The arc tangent, in radians.", "1/(1 + x**2)"
)
atan2: Binary = _binary(
    "atan2",
    infer.floating,
    (
        lambda g, _y, a, b: zero_wins(_tensor(b, g), g / (a * a + b * b)),
        lambda g, _y, a, b: zero_wins(_tensor(-a, g), g / (a * a + b * b)),
    ),
    "The angle of the point (b, a), in radians between -pi and pi.",
    "b/(a**2 + b**2) and -a/(a**2 + b**2), 0 at the origin",
)
sinh: Unary = _unary("sinh", infer.floating, lambda g, _y, x: g * cosh(x), "The hyperbolic sine.", "cosh(x)")
cosh: Unary = _unary("cosh", infer.floating, lambda g, _y, x: g * sinh(x), "The hyperbolic cosine.", "sinh(x)")
tanh: Unary = _unary(
    "tanh", infer.floating, lambda g, y, _x: g * (1 - y * y), "The hyperbolic tangent.", "1 - tanh(x)**2"
)
asinh: Unary = _unary(
    "asinh",
    infer.floating,
    lambda g, _y, x: g / sqrt(x * x + 1),
    "The inverse of the hyperbolic sine.",
    "1/sqrt(x**2 + 1)",
)
acosh: Unary = _unary(
    "acosh",
    infer.floating,
    lambda g, _y, x: zero_wins(g, 1 / (sqrt(x - 1) * sqrt(x + 1))),
    "The inverse of the hyperbolic cosine.",
    "1/sqrt(x**2 - 1)",
)
atanh: Unary = _unary(
    "atanh",
    infer.floating,
    lambda g, _y, x: zero_wins(g, 1 / ((1 - x) * (1 + x))),
    "The inverse of the hyperbolic tangent.",
    "1/(1 - x**2)",
)
deg2rad: Unary = _unary(
    "deg2rad",
    infer.floating,
    lambda g, _y, _x: g * (math.pi / 180),
    "Degrees to radians.",
    "pi/180",
    kernel=lambda xp, x: x * (math.pi / 180),
)
rad2deg: Unary = _unary(
    "rad2deg",
    infer.floating,
    lambda g, _y, _x: g * (180 / math.pi),
    "Radians to degrees.",
    "180/pi",
    kernel=lambda xp, x: x * (180 / math.pi),
)

# Steps

floor: Unary = _unary("floor", infer.same, _zero, "The largest integer that is not larger.", "0")
ceil: Unary = _unary("ceil", infer.same, _zero, "The smallest integer that is not smaller.", "0")
trunc: Unary = _unary("trunc", infer.same, _zero, "The integer part.", "0")


@op(infer=lambda x, decimals: x, gradient=lambda g, _y, _x, decimals: ops.zeros_like(g), elementwise=True)
def round(xp: Any, x: Any, /, decimals: int = 0) -> Any:
    """Round to the nearest, halves to even.

    Args:
        x: an array of any shape, or a number.
        decimals: how many digits to keep after the point.

    Derivative: 0.

    >>> import chainrule as cr
    >>> cr.round(cr.tensor([0.5, 1.5, 2.25]), decimals=1)
    Tensor([0.5, 1.5, 2.2], float64)
    """
    if decimals == 0 or (decimals > 0 and xp.isdtype(x.dtype, ("bool", "integral"))):
        return xp.round(x) if not xp.isdtype(x.dtype, "bool") else x
    return xp.astype(xp.round(x * 10.0**decimals) / 10.0**decimals, x.dtype)


# The larger, the smaller, the chosen


def _extreme(wins: Callable[[Any, Any], Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The gradients of `maximum` and `minimum`: to the winner, halved at a tie."""
    return (
        lambda g, _y, a, b: ops.where(ops.equal(a, b), 0.5 * g, ops.where(wins(a, b), g, 0.0)),
        lambda g, _y, a, b: ops.where(ops.equal(a, b), 0.5 * g, ops.where(wins(b, a), g, 0.0)),
    )


maximum: Binary = _binary(
    "maximum", infer.same, _extreme(lambda a, b: a > b), "The larger of two.", "1 for the larger, 1/2 each at a tie"
)
minimum: Binary = _binary(
    "minimum", infer.same, _extreme(lambda a, b: a < b), "The smaller of two.", "1 for the smaller, 1/2 each at a tie"
)


def _where_infer(condition: Any, a: Any, b: Any) -> Any:
    shape = infer.broadcast_shapes(condition.shape, a.shape, b.shape)
    return infer.Spec(shape, infer.result_dtype(a, b))


@op(
    infer=_where_infer,
    gradient=(
        None,
        lambda g, _y, condition, _a, _b: ops.where(condition, g, 0.0),
        lambda g, _y, condition, _a, _b: ops.where(condition, 0.0, g),
    ),
    broadcasts=True,
)
def where(xp: Any, condition: Any, a: Any, b: Any, /) -> Any:
    """`a` where the condition holds, `b` elsewhere; all three broadcast.

    The branch that is not taken gets a zero cotangent, and a zero cotangent stays zero: `where(x > 0, log(x), 0)` has
    slope 0 at 0.

    >>> import chainrule as cr
    >>> cr.where(cr.tensor([True, False]), cr.tensor([1.0, 2.0]), 0.0)
    Tensor([1., 0.], float64)
    """
    return xp.where(condition, a, b)


@op(
    infer=lambda x, low, high: infer.same(*(s for s in (x, low, high) if s is not None)),
    gradient=(
        lambda g, _y, x, low, high: where(_between(x, low, high), g, 0.0),
        lambda g, _y, x, low, high: where(_below(x, low, high), g, 0.0),
        lambda g, _y, x, low, high: where(_above(x, low, high), g, 0.0),
    ),
    name="clip",
    broadcasts=True,
)
def _clip(xp: Any, x: Any, low: Any, high: Any, /) -> Any:
    if low is not None:
        x = xp.where(x < low, low, x)
    return x if high is None else xp.where(x > high, high, x)


@fronts(_clip)
def clip(x: Any, /, min: Any = None, max: Any = None) -> Any:
    """`x` held between two bounds.

    Args:
        x: an array, or a number.
        min: the lower bound, broadcasting with `x`, or None.
        max: the upper bound, or None.

    Derivative: 1 between and on the bounds and 0 outside; to a bound where it holds, to the upper one where they cross.

    >>> import chainrule as cr
    >>> cr.clip(cr.tensor([-2.0, 0.5, 3.0]), 0.0, 1.0)
    Tensor([0. , 0.5, 1. ], float64)
    """
    return _clip(x, min, max)


def _between(x: Any, low: Any, high: Any) -> Any:
    inside = True if low is None else x >= low
    return inside if high is None else ops.logical_and(inside, x <= high)


def _below(x: Any, low: Any, high: Any) -> Any:
    """Where `clip` gives the lower bound."""
    return x < low if high is None else ops.logical_and(x < low, low <= high)


def _above(x: Any, low: Any, high: Any) -> Any:
    """Where `clip` gives the upper bound, which it also does where the lower one is larger."""
    return x > high if low is None else ops.logical_or(x > high, low > high)


# Comparisons and logic

equal: Binary = _binary("equal", infer.boolean, BOOLEAN, "`a == b`, element by element.")
not_equal: Binary = _binary("not_equal", infer.boolean, BOOLEAN, "`a != b`, element by element.")
less: Binary = _binary("less", infer.boolean, BOOLEAN, "`a < b`, element by element.")
less_equal: Binary = _binary("less_equal", infer.boolean, BOOLEAN, "`a <= b`, element by element.")
greater: Binary = _binary("greater", infer.boolean, BOOLEAN, "`a > b`, element by element.")
greater_equal: Binary = _binary("greater_equal", infer.boolean, BOOLEAN, "`a >= b`, element by element.")
logical_and: Binary = _binary("logical_and", infer.boolean, BOOLEAN, "Whether both are true.")
logical_or: Binary = _binary("logical_or", infer.boolean, BOOLEAN, "Whether either is true.")
logical_xor: Binary = _binary("logical_xor", infer.boolean, BOOLEAN, "Whether exactly one is true.")
logical_not: Unary = _unary("logical_not", infer.boolean, BOOLEAN, "Whether it is false.")
isfinite: Unary = _unary("isfinite", infer.boolean, BOOLEAN, "Whether it is neither infinite nor NaN.")
isinf: Unary = _unary("isinf", infer.boolean, BOOLEAN, "Whether it is infinite.")
isnan: Unary = _unary("isnan", infer.boolean, BOOLEAN, "Whether it is NaN.")
signbit: Unary = _unary("signbit", infer.boolean, BOOLEAN, "Whether its sign bit is set.")
bitwise_and: Binary = _binary("bitwise_and", infer.integral, INTEGRAL, "`a & b`, of integers or booleans.")
bitwise_or: Binary = _binary("bitwise_or", infer.integral, INTEGRAL, "`a | b`, of integers or booleans.")
bitwise_xor: Binary = _binary("bitwise_xor", infer.integral, INTEGRAL, "`a ^ b`, of integers or booleans.")
bitwise_left_shift: Binary = _binary("bitwise_left_shift", _whole, INTEGRAL, "`a << b`, of integers.")
bitwise_right_shift: Binary = _binary("bitwise_right_shift", _whole, INTEGRAL, "`a >> b`, of integers.")
bitwise_invert: Unary = _unary("bitwise_invert", infer.integral, INTEGRAL, "`~x`, of integers or booleans.")

# Casting


@op(
    infer=lambda x, dtype: infer.Spec(x.shape, dtype),
    gradient=lambda g, _y, x, dtype: g if x.dtype == dtype else _cast_back(g, x),
    name="astype",
    elementwise=True,
    holomorphic=False,
    cut=lambda dtype: None if dtype.is_inexact else f"cast to {dtype}",
)
def _astype(xp: Any, x: Any, /, dtype: Any) -> Any:
    return xp.astype(x, dtype)


@widens(_astype)
def astype(x: Any, /, dtype: Any, copy: bool = True, device: str | None = None) -> Any:
    """The values in another dtype. Gradients pass between floating-point and complex dtypes.

    Args:
        x: an array of any shape.
        dtype: the dtype.
        copy: whether to copy if `x` has that dtype.
        device: the device to move it to.

    >>> import chainrule as cr
    >>> cr.astype(cr.tensor([1.5, 2.5]), "float32").dtype
    chainrule.float32
    """
    x = as_tensor(x)
    y = _astype(x, dtype) if copy or x.dtype != as_dtype(dtype) else x
    return y if device is None or device == y.device else y.to_device(device)


def _cast_back(g: Any, x: Tensor) -> Any:
    if g.dtype.kind == "complex" and x.dtype.kind != "complex":
        g = real(g)
    return astype(g, x.dtype)
