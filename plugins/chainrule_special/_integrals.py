"""Exponential, sine, cosine and Fresnel integrals, the dilogarithm."""

from __future__ import annotations

import math
from typing import Any

from chainrule import Binary, Tensor, Unary, ops
from chainrule_special._rows import held, polynomial, several, special, zero_wins

expi: Unary = special(
    "expi",
    "x",
    lambda g, _y, x: zero_wins(g, _exp_by(x)),
    "The exponential integral Ei, the integral of `exp(t)/t` up to x.",
    "exp(x)/x",
    takes_complex=True,
)
exp1: Unary = special(
    "exp1",
    "x",
    lambda g, _y, x: zero_wins(g, -ops.exp(-x) / x),
    "The exponential integral E1, the integral of `exp(-t)/t` from x on.",
    "-exp(-x)/x",
    takes_complex=True,
)


def _exp_by(x: Any) -> Any:
    """`exp(x) / x`, which can be finite where `exp(x)` is not."""
    half = ops.exp(0.5 * x)
    return half / x * half


def _expn(g: Any, y: Any, n: Any, x: Any) -> Any:
    if type(n) is not Tensor:
        return zero_wins(g, -expn(n - 1, x) if n > 0 else -(1.0 + 1.0 / x) * y)
    zero = ops.equal(n, 0)
    slope = ops.where(zero, (1.0 + 1.0 / x) * y, expn(ops.where(zero, 1, n) - 1, x))
    return zero_wins(g, -slope)


expn: Binary = special(
    "expn",
    "n x",
    (None, _expn),
    "The generalised exponential integral, the integral of `exp(-x t)/t**n` from 1 on.",
    "-expn(n - 1, x)",
)


def _by_itself(f: Any, x: Any) -> Any:
    """`f(x) / x` for a function with slope 1 at 0, and 1 there."""
    zero = ops.equal(x, 0)
    held = ops.where(zero, 1.0, x)
    return ops.where(zero, 1.0, f(held) / held)


sici: Any = several(
    "sici",
    "x",
    "si ci",
    lambda g, _y, x: g[0] * _by_itself(ops.sin, x) + zero_wins(g[1], ops.cos(x) / x),
    "The sine and cosine integrals.",
    "sin(x)/x and cos(x)/x",
    takes_complex=True,
)
shichi: Any = several(
    "shichi",
    "x",
    "shi chi",
    lambda g, _y, x: g[0] * _by_itself(ops.sinh, x) + zero_wins(g[1], ops.cosh(x) / x),
    "The hyperbolic sine and cosine integrals.",
    "sinh(x)/x and cosh(x)/x",
    takes_complex=True,
)
fresnel: Any = several(
    "fresnel",
    "x",
    "s c",
    lambda g, _y, x: g[0] * ops.sin(0.5 * math.pi * (x * x)) + g[1] * ops.cos(0.5 * math.pi * (x * x)),
    "Fresnel's integrals of `sin(pi t**2/2)` and `cos(pi t**2/2)`.",
    "sin(pi x**2/2) and cos(pi x**2/2)",
    takes_complex=True,
)


def _spence_slope(z: Any) -> Any:
    u = z - 1.0
    near = ops.abs(u) < 1e-2
    series = polynomial(held(near, u, 0.0), *((-1.0) ** (k + 1) / (k + 1) for k in range(9)))
    z = ops.where(near, 2.0, z)
    return ops.where(near, series, ops.log(z) / (1.0 - z))


spence: Unary = special(
    "spence",
    "z",
    lambda g, _y, z: zero_wins(g, _spence_slope(z)),
    "The dilogarithm, the integral of `log(t)/(1 - t)` from 1 to z.",
    "log(z)/(1 - z), by its series near 1",
    takes_complex=True,
)
