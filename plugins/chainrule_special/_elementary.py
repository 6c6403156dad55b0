"""Elementary functions that are exact where a formula is not, powers as Box and Cox have them, and Huber's losses."""

from __future__ import annotations

import math
from typing import Any

from chainrule import Binary, Unary, ops
from chainrule_arrays import sigmoid
from chainrule_special._rows import polynomial, special, tensors, zero_wins

_DEGREE = math.pi / 180


expit = sigmoid
logit: Unary = special(
    "logit",
    "x",
    lambda g, _y, x: zero_wins(g, 1.0 / (x * (1.0 - x))),
    "The inverse of `expit`, `log(x / (1 - x))`.",
    "1/(x*(1 - x))",
    kernel=lambda xp, x: xp.log(x / (1.0 - x)),
)
log_expit: Unary = special(
    "log_expit",
    "x",
    lambda g, _y, x: g * expit(-x),
    "The logarithm of `expit`, exact where that underflows.",
    "expit(-x)",
    kernel=lambda xp, x: xp.where(x < 0, x, xp.zeros_like(x)) - xp.log1p(xp.exp(-xp.abs(x))),
)
exp10: Unary = special(
    "exp10", "x", lambda g, y, _x: g * (math.log(10) * y), "`10 ** x`.", "log(10) * y", kernel=lambda xp, x: 10.0**x
)
cosm1: Unary = special(
    "cosm1",
    "x",
    lambda g, _y, x: g * -ops.sin(x),
    "`cos(x) - 1`, exact near 0.",
    "-sin(x)",
    kernel=lambda xp, x: -2.0 * xp.sin(0.5 * x) ** 2,
)
sindg: Unary = special(
    "sindg", "x", lambda g, _y, x: g * (_DEGREE * cosdg(x)), "The sine of x in degrees.", "pi/180 * cosdg(x)"
)
cosdg: Unary = special(
    "cosdg", "x", lambda g, _y, x: g * (-_DEGREE * sindg(x)), "The cosine of x in degrees.", "-pi/180 * sindg(x)"
)
tandg: Unary = special(
    "tandg", "x", lambda g, y, _x: g * (_DEGREE * (1.0 + y * y)), "The tangent of x in degrees.", "pi/180 * (1 + y**2)"
)
cotdg: Unary = special(
    "cotdg",
    "x",
    lambda g, y, _x: g * (-_DEGREE * (1.0 + y * y)),
    "The cotangent of x in degrees.",
    "-pi/180 * (1 + y**2)",
)


def _exprel_slope(x: Any, y: Any) -> Any:
    """The derivative of `exprel`: its series near 0, and without `exp(x)`, which overflows first, for large x."""
    near = ops.abs(x) < 0.5
    series = polynomial(ops.where(near, x, 0.0), *((k + 1) / math.factorial(k + 2) for k in range(14)))
    other = ops.where(near, 1.0, x)
    right = y + (1.0 - y) / other
    left = (ops.exp(ops.where(x < 0, other, 0.0)) - y) / other
    return ops.where(near, series, ops.where(x < 0, left, right))


exprel: Unary = special(
    "exprel",
    "x",
    lambda g, y, x: g * _exprel_slope(x, y),
    "`(exp(x) - 1) / x`, and 1 at 0.",
    "(exp(x) - y)/x, by its series near 0",
)


def _powm1_base(g: Any, _y: Any, x: Any, y: Any) -> Any:
    return zero_wins(g * y, tensors(g, x)[0] ** (y - 1))


def _powm1_exponent(g: Any, z: Any, x: Any, _y: Any) -> Any:
    return zero_wins(g * (z + 1.0), ops.log(tensors(g, x)[0]))


powm1: Binary = special(
    "powm1",
    "x y",
    (_powm1_base, _powm1_exponent),
    "`x**y - 1`, exact where that is nearly 0.",
    "y * x**(y - 1) and x**y * log(x)",
)

# Box and Cox


def _boxcox_slope(g: Any, x_log: Any, lmbda: Any) -> Any:
    """The derivative of `(exp(lmbda * x_log) - 1) / lmbda` with respect to lmbda."""
    t = lmbda * x_log
    return g * (x_log * x_log * _exprel_slope(t, exprel(t)))


def _boxcox(g: Any, _y: Any, x: Any, lmbda: Any) -> Any:
    x, lmbda = tensors(g, x, lmbda)
    return _boxcox_slope(g, ops.log(x), lmbda)


def _boxcox1p(g: Any, _y: Any, x: Any, lmbda: Any) -> Any:
    x, lmbda = tensors(g, x, lmbda)
    return _boxcox_slope(g, ops.log1p(x), lmbda)


def _inverse_slope(g: Any, x_log: Any, lmbda: Any) -> Any:
    """That of the result of the inverse, whose logarithm is `x_log`."""
    return -_boxcox_slope(g, x_log, lmbda) * ops.exp((1.0 - lmbda) * x_log)


def _inv_boxcox(g: Any, x: Any, _y: Any, lmbda: Any) -> Any:
    return _inverse_slope(g, ops.log(x), tensors(g, lmbda)[0])


def _inv_boxcox1p(g: Any, x: Any, _y: Any, lmbda: Any) -> Any:
    return _inverse_slope(g, ops.log1p(x), tensors(g, lmbda)[0])


boxcox: Binary = special(
    "boxcox",
    "x lmbda",
    (lambda g, _y, x, lmbda: zero_wins(g, tensors(g, x)[0] ** (lmbda - 1.0)), _boxcox),
    "`(x**lmbda - 1) / lmbda`, and `log(x)` where lmbda is 0.",
    "x**(lmbda - 1) and (x**lmbda * log(x) - y)/lmbda",
)
boxcox1p: Binary = special(
    "boxcox1p",
    "x lmbda",
    (
        lambda g, _y, x, lmbda: zero_wins(g, ops.exp((lmbda - 1.0) * ops.log1p(tensors(g, x)[0]))),
        _boxcox1p,
    ),
    "`boxcox(1 + x, lmbda)`, exact for small x.",
    "(1 + x)**(lmbda - 1) and ((1 + x)**lmbda * log(1 + x) - y)/lmbda",
)
inv_boxcox: Binary = special(
    "inv_boxcox",
    "y lmbda",
    (
        lambda g, x, _y, lmbda: zero_wins(g, x ** (1.0 - lmbda)),
        _inv_boxcox,
    ),
    "The x with `boxcox(x, lmbda) = y`.",
    "x**(1 - lmbda), and minus that times the derivative of boxcox with respect to lmbda",
)
inv_boxcox1p: Binary = special(
    "inv_boxcox1p",
    "y lmbda",
    (
        lambda g, x, _y, lmbda: zero_wins(g, ops.exp((1.0 - lmbda) * ops.log1p(x))),
        _inv_boxcox1p,
    ),
    "The x with `boxcox1p(x, lmbda) = y`.",
    "(1 + x)**(1 - lmbda), and minus that times the derivative of boxcox1p with respect to lmbda",
)

# Huber's losses


def _huber(xp: Any, delta: Any, r: Any) -> Any:
    size = xp.abs(r)
    value = xp.where(size <= delta, 0.5 * size * size, delta * (size - 0.5 * delta))
    return xp.where(delta < 0, xp.full_like(value, float("inf")), value)


def _huber_delta(g: Any, _y: Any, delta: Any, r: Any) -> Any:
    delta, r = tensors(g, delta, r)
    return g * ops.maximum(ops.abs(r) - delta, 0.0)


def _huber_residual(g: Any, _y: Any, delta: Any, r: Any) -> Any:
    delta, r = tensors(g, delta, r)
    return g * ops.sign(r) * ops.where(ops.abs(r) <= delta, ops.abs(r), delta)


huber: Binary = special(
    "huber",
    "delta r",
    (_huber_delta, _huber_residual),
    "Huber's loss: `r**2/2` for residuals up to delta, `delta * (|r| - delta/2)` beyond.",
    "max(|r| - delta, 0) and r, held between -delta and delta",
    kernel=_huber,
)


def _pseudo_huber_delta(g: Any, _y: Any, delta: Any, r: Any) -> Any:
    delta, r = tensors(g, delta, r)
    u = ops.square(r / delta)
    root = ops.sqrt(1.0 + u)
    return g * (delta * ops.square(u / (1.0 + root)) / root)


def _pseudo_huber_residual(g: Any, _y: Any, delta: Any, r: Any) -> Any:
    delta, r = tensors(g, delta, r)
    return g * (r / ops.sqrt(1.0 + ops.square(r / delta)))


def _pseudo_huber(xp: Any, delta: Any, r: Any) -> Any:
    u = (r / delta) ** 2
    return r * r / (1.0 + xp.sqrt(1.0 + u))


pseudo_huber: Binary = special(
    "pseudo_huber",
    "delta r",
    (_pseudo_huber_delta, _pseudo_huber_residual),
    "A smooth loss like Huber's: `delta**2 * (s - 1)`, where `s = sqrt(1 + (r/delta)**2)`.",
    "delta*(s - 1)**2/s and r/s",
    kernel=_pseudo_huber,
)
