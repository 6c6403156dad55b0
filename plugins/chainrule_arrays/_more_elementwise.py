"""Elementwise functions that NumPy has beyond the standard."""

from __future__ import annotations

import math
from typing import Any

from chainrule import DTYPES, Tensor, as_tensor, composite, fronts, infer, op, ops
from chainrule_arrays._reductions import in_floating


def _logaddexp2_gradient(g: Any, y: Any, a: Any, b: Any) -> Any:
    return g * ops.exp2(a - y), g * ops.exp2(b - y)


@composite(gradient=_logaddexp2_gradient, broadcasts=True)
def logaddexp2(a: Any, b: Any, /) -> Any:
    """`log2(2**a + 2**b)`, without overflow.

    Derivatives: `2**(a - y)` and `2**(b - y)`.

    >>> import chainrule as cr
    >>> cr.logaddexp2(cr.tensor(3.0), cr.tensor(3.0))
    Tensor(4.0, float64)
    """
    a, b = a * 1.0, b * 1.0  # integers may have no negative numbers
    same = ops.equal(a, b)
    smaller, larger = ops.minimum(a, b), ops.maximum(a, b)
    lower = ops.where(same, 0.0, smaller) - ops.where(same, 0.0, larger)  # two infinities differ by NaN
    return ops.where(same, a + 1.0, larger + ops.log1p(ops.exp2(lower)) / math.log(2))


@composite(broadcasts=True)
def fmax(a: Any, b: Any, /) -> Any:
    """The larger of two, where one is NaN the other.

    Derivatives: those of `maximum`; 1 for the one that is not NaN.

    >>> import chainrule as cr
    >>> cr.fmax(cr.tensor([1.0, float("nan")]), cr.tensor([0.0, 2.0]))
    Tensor([1., 2.], float64)
    """
    return ops.where(ops.isnan(a), b, ops.where(ops.isnan(b), a, ops.maximum(a, b)))


@composite(broadcasts=True)
def fmin(a: Any, b: Any, /) -> Any:
    """The smaller of two, where one is NaN the other.

    Derivatives: those of `minimum`; 1 for the one that is not NaN.

    >>> import chainrule as cr
    >>> cr.fmin(cr.tensor([1.0, float("nan")]), cr.tensor([0.0, 2.0]))
    Tensor([0., 2.], float64)
    """
    return ops.where(ops.isnan(a), b, ops.where(ops.isnan(b), a, ops.minimum(a, b)))


@composite(broadcasts=True)
def fmod(a: Any, b: Any, /) -> Any:
    """What is left of `a / b` rounded towards zero, with the sign of `a`.

    Derivatives: 1 and `-trunc(a / b)`.

    >>> import chainrule as cr
    >>> cr.fmod(cr.tensor([-7.0, 7.0]), cr.tensor([3.0, -3.0]))
    Tensor([-1.,  1.], float64)
    """
    negative = a < 0
    left = ops.remainder(ops.where(negative, abs(a), a), abs(b))  # the slope of abs(a) alone is 0 at 0
    return ops.where(negative, -left, left)


@composite(broadcasts=True)
def heaviside(x: Any, at_zero: Any, /) -> Any:
    """The step function: 0 where `x` is negative, 1 where it is positive, `at_zero` where it is 0.

    Derivatives: 0, and by `at_zero` 1 where `x` is 0.

    >>> import chainrule as cr
    >>> cr.heaviside(cr.tensor([-1.0, 0.0, 2.0]), cr.tensor(0.5))
    Tensor([0. , 0.5, 1. ], float64)
    """
    return ops.where(ops.equal(x, 0), at_zero, ops.where(x > 0, 1.0, ops.where(x < 0, 0.0, x)))


_LARGEST = {"float16": 65504.0, "bfloat16": 3.3895313892515355e38, "float32": 3.4028234663852886e38}


@composite(name="nan_to_num")
def _nan_to_num(x: Any, /, nan: float, posinf: float | None, neginf: float | None) -> Any:
    if x.dtype.kind == "complex":
        parts = [ops.nan_to_num(part, nan, posinf, neginf) for part in (ops.real(x), ops.imag(x))]
        return parts[0] + 1j * parts[1]
    if not x.dtype.is_inexact:
        return x
    largest = _LARGEST.get(x.dtype, 1.7976931348623157e308)
    x = ops.where(ops.isnan(x), nan, x)
    x = ops.where(ops.equal(x, math.inf), largest if posinf is None else posinf, x)
    return ops.where(ops.equal(x, -math.inf), -largest if neginf is None else neginf, x)


@fronts(_nan_to_num)
def nan_to_num(x: Any, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Tensor:
    """`x` with numbers in place of NaN and infinities, by default 0 and the largest finite ones.

    Derivative: 1 where `x` is finite, 0 elsewhere.

    >>> import chainrule as cr
    >>> cr.nan_to_num(cr.tensor([1.0, float("nan"), float("inf")]), posinf=9.0)
    Tensor([1., 0., 9.], float64)
    """
    result: Tensor = _nan_to_num(x, nan, posinf, neginf)
    return result


def _sinc_gradient(g: Any, _y: Any, x: Any, order: int) -> Any:
    return g * _sinc(x, order + 1)


@op(infer=lambda x, order: infer.floating(x), gradient=_sinc_gradient, name="sinc")
def _sinc(xp: Any, x: Any, /, order: int = 0) -> Any:
    """The derivative of `sinc` of an order: its series near 0, elsewhere by `x s[n] + n s[n - 1] = (x s)^(n)`."""
    x = in_floating(xp, x)
    near = xp.abs(x) < 1
    power, series = xp.where(near, x, xp.zeros_like(x)), xp.zeros_like(x)
    for k in range(17, (order - 1) // 2, -1):
        falling = math.perm(2 * k, order) / math.factorial(2 * k + 1)
        series = series * power * power + (-1) ** k * math.pi ** (2 * k) * falling
    if order % 2:
        series = series * power
    away = xp.where(near, xp.ones_like(x), x)
    exact = xp.sin(math.pi * away) / (math.pi * away)
    for n in range(1, order + 1):
        exact = (math.pi ** (n - 1) * xp.sin(math.pi * away + n * math.pi / 2) - n * exact) / away
    return xp.where(near, series, exact)


@fronts(_sinc)
def sinc(x: Any, /) -> Tensor:
    """`sin(pi x) / (pi x)`, and 1 at 0.

    Derivative: `(cos(pi x) - sinc(x)) / x`, and 0 at 0; exact at any order.

    >>> import chainrule as cr
    >>> cr.sinc(cr.tensor([0.0, 0.5]))
    Tensor([1.        , 0.63661977], float64)
    """
    result: Tensor = _sinc(x)
    return result


@composite
def ldexp(x: Any, exponent: Any, /) -> Any:
    """`x * 2**exponent`.

    Derivative: `2**exponent`.

    >>> import chainrule as cr
    >>> cr.ldexp(cr.tensor(3.0), cr.tensor(2))
    Tensor(12.0, float64)
    """
    return x * ops.exp2(ops.astype(exponent, dtype=x.dtype) if x.dtype.is_inexact else exponent)


def float_power(a: Any, b: Any) -> Tensor:
    """`a ** b`, in 64 bits or in complex numbers of 128.

    >>> import chainrule as cr
    >>> cr.float_power(cr.tensor([2, 3]), -1)
    Tensor([0.5       , 0.33333333], float64)
    """
    a, b = as_tensor(a), as_tensor(b)
    dtype = DTYPES["complex128" if "complex" in (a.dtype.kind, b.dtype.kind) else "float64"]
    result: Tensor = ops.pow(ops.astype(a, dtype=dtype), ops.astype(b, dtype=dtype))
    return result


def divmod(a: Any, b: Any) -> tuple[Tensor, Tensor]:
    """`(a // b, a % b)`."""
    return ops.floor_divide(a, b), ops.remainder(a, b)


def modf(x: Any) -> tuple[Tensor, Tensor]:
    """The part behind the point, which has the slope 1, and the part before it, both with the sign of `x`.

    >>> import chainrule as cr
    >>> cr.modf(cr.tensor(-1.25))
    (Tensor(-0.25, float64), Tensor(-1.0, float64))
    """
    x = as_tensor(x)
    whole = ops.trunc(x)
    return ops.where(ops.isinf(x), ops.copysign(ops.zeros_like(x), x), x - whole), whole


@composite(infer=lambda x, **_: infer.floating(x))
def unwrap(x: Any, /, discont: float | None = None, axis: int = -1, period: float = 2 * math.pi) -> Any:
    """Angles without jumps: multiples of the period are added where neighbours differ by more than half of it.

    Args:
        x: angles.
        discont: how large a jump has to be, half the period at least.
        axis: along which they follow each other.
        period: of the angles.

    Derivative: 1, for the multiples that are added are constants.

    >>> import chainrule as cr
    >>> cr.unwrap(cr.tensor([0.0, 1.0, 2.0, -1.0, 0.0]), period=4.0)
    Tensor([0., 1., 2., 3., 4.], float64)
    """
    jumps = ops.stop_gradient(ops.diff(x, axis=axis))
    half = period / 2
    rest = ops.remainder(jumps + half, period) - half
    rest = ops.where(ops.logical_and(ops.equal(rest, -half), jumps > 0), half, rest)
    steps = ops.where(ops.abs(jumps) < (half if discont is None else discont), 0, rest - jumps)
    at = axis % x.ndim
    first = ops.zeros_like(x[(*[slice(None)] * at, slice(0, 1))], dtype=steps.dtype)
    return x + ops.concat([first, ops.cumulative_sum(steps, axis=at)], axis=at)


def real_if_close(x: Any, tol: float = 100) -> Tensor:
    """The real part, if all imaginary parts are within so many rounding errors of 0; else `x` itself.

    Which it is depends on values, so a traced function cannot ask.

    >>> import chainrule as cr
    >>> cr.real_if_close(cr.tensor([1.0 + 1e-16j]))
    Tensor([1.], float64)
    """
    x = as_tensor(x)
    if x.dtype.kind != "complex":
        return x
    limit = tol * (2.0**-23 if x.dtype == "complex64" else 2.0**-52) if tol > 1 else tol
    result: Tensor = ops.real(x) if bool(ops.all(ops.abs(ops.imag(x)) < limit)) else x
    return result


def i0(x: Any) -> Tensor:
    """The modified Bessel function of order 0: `cr.special.i0`, by NumPy's name.

    Derivative: `cr.special.i1`.
    """
    import chainrule

    result: Tensor = chainrule.special.i0(x)
    return result
