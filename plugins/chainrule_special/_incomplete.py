"""The incomplete gamma and beta functions, their inverses, and the densities that are their derivatives.

A density of large parameters is a difference of large logarithms. There it is computed from its distance to the middle,
with Stirling's series for the gamma functions.
"""

from __future__ import annotations

import math
from typing import Any

from chainrule import Binary, NoGradient, Tensor, as_tensor, ops
from chainrule_special._entropy import xlog1py, xlogy
from chainrule_special._gamma import betaln, gammaln
from chainrule_special._rows import held, polynomial, special, tensors, zero_wins

_LARGE = 20.0


def _stirling(a: Any) -> Any:
    """What is left of `gammaln(a)` by Stirling's formula, for a above 20."""
    r = 1.0 / a
    return r * polynomial(r * r, 1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188)


def _log_near(u: Any, ratio: Any) -> Any:
    """`log(ratio)`, where `u` is `ratio - 1` without the error of that difference."""
    near = ops.abs(u) < 0.5
    return ops.where(near, ops.log1p(held(near, u, 0.0)), ops.log(ops.where(near, 1.0, ratio)))


def gamma_density(a: Any, x: Any) -> Any:
    """`x**(a - 1) * exp(-x) / gamma(a)`."""
    large = a > _LARGE
    few, many = ops.where(large, 1.0, a), held(large, a, _LARGE)
    direct = xlogy(few - 1.0, x) - x - gammaln(few)
    moved = x - many
    logarithm = _log_near(moved / many, x / many)
    central = (many - 1.0) * logarithm - moved - 0.5 * ops.log(2 * math.pi * many) - _stirling(many)
    return ops.exp(ops.where(large, central, direct))


def beta_density(a: Any, b: Any, x: Any) -> Any:
    """`x**(a - 1) * (1 - x)**(b - 1) / beta(a, b)`."""
    large = ops.logical_and(a > _LARGE, b > _LARGE)
    direct = xlogy(ops.where(large, 1.0, a) - 1.0, x) + xlog1py(ops.where(large, 1.0, b) - 1.0, -x)
    direct = direct - betaln(ops.where(large, 1.0, a), ops.where(large, 1.0, b))
    a, b = held(large, a, _LARGE), held(large, b, _LARGE)
    n, moved = a + b, b * x - a * (1.0 - x)
    left = _log_near(moved / a, n * x / a)
    right = _log_near(-moved / b, n * (1.0 - x) / b)
    series = _stirling(n) - _stirling(a) - _stirling(b) + 0.5 * ops.log(n / (2 * math.pi) * (n / a) * (n / b))
    return ops.exp(ops.where(large, (a - 1.0) * left + (b - 1.0) * right + series, direct))


_SHAPE = NoGradient("the derivative of an incomplete gamma function with respect to its shape has no closed form")
_SHAPES = NoGradient("the derivative of an incomplete beta function with respect to its shapes has no closed form")


def _gamma_slope(g: Any, _y: Any, a: Any, x: Any) -> Any:
    a, x = tensors(g, a, x)
    return zero_wins(g, gamma_density(a, x))


def _gamma_inverse(g: Any, y: Any, a: Any, _p: Any) -> Any:
    (a,) = tensors(g, a)
    return zero_wins(g, 1.0 / gamma_density(a, y))


def _beta_slope(g: Any, _y: Any, a: Any, b: Any, x: Any) -> Any:
    a, b, x = tensors(g, a, b, x)
    return zero_wins(g, beta_density(a, b, x))


def _beta_inverse(g: Any, y: Any, a: Any, b: Any, _p: Any) -> Any:
    a, b = tensors(g, a, b)
    return zero_wins(g, 1.0 / beta_density(a, b, y))


gammainc: Binary = special(
    "gammainc",
    "a x",
    (_SHAPE, _gamma_slope),
    "The regularised lower incomplete gamma function: the distribution function of a gamma variable of shape a.",
    "x**(a - 1) * exp(-x)/gamma(a) with respect to x",
)
gammaincc: Binary = special(
    "gammaincc",
    "a x",
    (_SHAPE, lambda g, y, a, x: _gamma_slope(-g, y, a, x)),
    "`1 - gammainc(a, x)`, exact where that is small.",
    "-x**(a - 1) * exp(-x)/gamma(a) with respect to x",
)
gammaincinv: Binary = special(
    "gammaincinv",
    "a y",
    (_SHAPE, _gamma_inverse),
    "The x with `gammainc(a, x) = y`.",
    "the reciprocal of that of gammainc, at x",
)
gammainccinv: Binary = special(
    "gammainccinv",
    "a y",
    (_SHAPE, lambda g, y, a, p: _gamma_inverse(-g, y, a, p)),
    "The x with `gammaincc(a, x) = y`.",
    "the reciprocal of that of gammaincc, at x",
)
betainc: Any = special(
    "betainc",
    "a b x",
    (_SHAPES, _SHAPES, _beta_slope),
    "The regularised incomplete beta function: the distribution function of a beta variable.",
    "x**(a - 1) * (1 - x)**(b - 1)/beta(a, b) with respect to x",
)
betaincc: Any = special(
    "betaincc",
    "a b x",
    (_SHAPES, _SHAPES, lambda g, y, a, b, x: _beta_slope(-g, y, a, b, x)),
    "`1 - betainc(a, b, x)`, exact where that is small.",
    "-x**(a - 1) * (1 - x)**(b - 1)/beta(a, b) with respect to x",
)
betaincinv: Any = special(
    "betaincinv",
    "a b y",
    (_SHAPES, _SHAPES, _beta_inverse),
    "The x with `betainc(a, b, x) = y`.",
    "the reciprocal of that of betainc, at x",
)
betainccinv: Any = special(
    "betainccinv",
    "a b y",
    (_SHAPES, _SHAPES, lambda g, y, a, b, p: _beta_inverse(-g, y, a, b, p)),
    "The x with `betaincc(a, b, x) = y`.",
    "the reciprocal of that of betaincc, at x",
)

# Distribution functions that are incomplete gamma and beta functions


def chdtr(v: Any, x: Any) -> Tensor:
    """The distribution function of chi-square: `gammainc(v/2, x/2)`, with its derivative.

    >>> import chainrule as cr
    >>> cr.special.chdtr(2.0, 0.0)
    Tensor(0.0, float64)
    """
    return gammainc(0.5 * as_tensor(v), 0.5 * as_tensor(x))


def chdtrc(v: Any, x: Any) -> Tensor:
    """The probability that a chi-square variable is above x: `gammaincc(v/2, x/2)`, with its derivative."""
    return gammaincc(0.5 * as_tensor(v), 0.5 * as_tensor(x))


def pdtr(k: Any, m: Any) -> Tensor:
    """The distribution function of Poisson: at most k of mean m, `gammaincc(floor(k) + 1, m)`, with its derivative."""
    return gammaincc(ops.floor(as_tensor(k)) + 1.0, m)


def pdtrc(k: Any, m: Any) -> Tensor:
    """The probability of more than k, of mean m: `gammainc(floor(k) + 1, m)`, with its derivative."""
    return gammainc(ops.floor(as_tensor(k)) + 1.0, m)


def gdtr(a: Any, b: Any, x: Any) -> Tensor:
    """The distribution function of a gamma variable of rate a and shape b: `gammainc(b, a*x)`, with its derivative."""
    return gammainc(b, as_tensor(a) * x)


def fdtr(dfn: Any, dfd: Any, x: Any) -> Tensor:
    """The distribution function of F: `betainc(dfn/2, dfd/2, dfn*x/(dfd + dfn*x))`, with its derivative."""
    dfn, dfd = as_tensor(dfn), as_tensor(dfd)
    result: Tensor = betainc(0.5 * dfn, 0.5 * dfd, dfn * x / (dfd + dfn * x))
    return result


def fdtrc(dfn: Any, dfd: Any, x: Any) -> Tensor:
    """The probability that F is above x: `betainc(dfd/2, dfn/2, dfd/(dfd + dfn*x))`, with its derivative."""
    dfn, dfd = as_tensor(dfn), as_tensor(dfd)
    result: Tensor = betainc(0.5 * dfd, 0.5 * dfn, dfd / (dfd + dfn * x))
    return result


def stdtr_density(df: Any, t: Any) -> Any:
    """The density of Student's t."""
    half = 0.5 * df
    return ops.exp(xlog1py(-half - 0.5, t * t / df) - betaln(half, ops.full_like(half, 0.5))) / ops.sqrt(df)


def _stdtr(g: Any, _y: Any, df: Any, t: Any) -> Any:
    df, t = tensors(g, df, t)
    return g * stdtr_density(df, t)


stdtr: Binary = special(
    "stdtr",
    "df t",
    (_SHAPES, _stdtr),
    "The distribution function of Student's t, of df degrees of freedom.",
    "(1 + t**2/df)**(-(df + 1)/2)/(sqrt(df) * beta(df/2, 1/2)) with respect to t",
)
