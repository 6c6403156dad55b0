"""The incomplete gamma and beta functions, their inverses, and the densities that are their derivatives.

A density of large parameters is a difference of large logarithms. There it is computed from its distance to the middle,
with Stirling's series for the gamma functions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from chainrule import Binary, ops
from chainrule_special._entropy import xlog1py, xlogy
from chainrule_special._gamma import betaln, gammaln
from chainrule_special._rows import held, polynomial, special, tensors, zero_wins
from chainrule_special._slopes import beta_slope, gamma_slope

_LARGE = 20.0  # from here on Stirling's series has all digits


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
    end = ops.equal(x, math.inf)
    x = ops.where(end, 1.0, x)
    direct = xlogy(few - 1.0, x) - x - gammaln(few)
    moved = x - many
    logarithm = _log_near(moved / many, x / many)
    central = (many - 1.0) * logarithm - moved - 0.5 * ops.log(2 * math.pi * many) - _stirling(many)
    return ops.where(end, 0.0, ops.exp(ops.where(large, central, direct)))


def _log_beta(a: Any, b: Any) -> Any:
    """`betaln(a, b)`, where one of them is large and the other is not."""
    first = a > b
    much, little = ops.where(first, a, b), ops.where(first, b, a)
    far = much > _LARGE
    much, step = held(far, much, _LARGE), ops.where(far, little, 1.0)
    n = much + step
    moved = step * (1.0 - ops.log(n)) - (much - 0.5) * ops.log1p(step / much)
    series = gammaln(step) + moved + _stirling(much) - _stirling(n)
    return ops.where(far, series, betaln(ops.where(far, 1.0, a), ops.where(far, 1.0, b)))


def beta_density(a: Any, b: Any, x: Any) -> Any:
    """`x**(a - 1) * (1 - x)**(b - 1) / beta(a, b)`."""
    large = ops.logical_and(a > _LARGE, b > _LARGE)
    direct = xlogy(ops.where(large, 1.0, a) - 1.0, x) + xlog1py(ops.where(large, 1.0, b) - 1.0, -x)
    direct = direct - _log_beta(ops.where(large, 1.0, a), ops.where(large, 1.0, b))
    a, b = held(large, a, _LARGE), held(large, b, _LARGE)
    n, moved = a + b, b * x - a * (1.0 - x)
    left = _log_near(moved / a, n * x / a)
    right = _log_near(-moved / b, n * (1.0 - x) / b)
    series = _stirling(n) - _stirling(a) - _stirling(b) + 0.5 * ops.log(n / (2 * math.pi) * (n / a) * (n / b))
    return ops.exp(ops.where(large, (a - 1.0) * left + (b - 1.0) * right + series, direct))


# By a shape: the distribution function moves against its quantile, by the density


def _gamma_by_shape(g: Any, _y: Any, a: Any, x: Any) -> Any:
    a, x = tensors(g, a, x)
    return zero_wins(-g * gamma_slope(a, x), gamma_density(a, x))


def _gamma_by_value(g: Any, _y: Any, a: Any, x: Any) -> Any:
    a, x = tensors(g, a, x)
    return zero_wins(g, gamma_density(a, x))


def _gamma_inverse_by_shape(g: Any, y: Any, a: Any, _p: Any) -> Any:
    (a,) = tensors(g, a)
    return g * gamma_slope(a, y)


def _gamma_inverse(g: Any, y: Any, a: Any, _p: Any) -> Any:
    (a,) = tensors(g, a)
    return zero_wins(g, 1.0 / gamma_density(a, y))


_BY_A, _BY_B = (1, 0), (0, 1)


def _beta_by_shape(orders: tuple[int, int], sign: float) -> Callable[..., Any]:
    def gradient(g: Any, _y: Any, a: Any, b: Any, x: Any) -> Any:
        a, b, x = tensors(g, a, b, x)
        return zero_wins(-sign * g * beta_slope(a, b, x, orders=orders), beta_density(a, b, x))

    return gradient


def _beta_by_value(g: Any, _y: Any, a: Any, b: Any, x: Any) -> Any:
    a, b, x = tensors(g, a, b, x)
    return zero_wins(g, beta_density(a, b, x))


def _beta_inverse_by_shape(orders: tuple[int, int]) -> Callable[..., Any]:
    def gradient(g: Any, y: Any, a: Any, b: Any, _p: Any) -> Any:
        a, b = tensors(g, a, b)
        return g * beta_slope(a, b, y, orders=orders)

    return gradient


def _beta_inverse(g: Any, y: Any, a: Any, b: Any, _p: Any) -> Any:
    a, b = tensors(g, a, b)
    return zero_wins(g, 1.0 / beta_density(a, b, y))


gammainc: Binary = special(
    "gammainc",
    "a x",
    (_gamma_by_shape, _gamma_by_value),
    "The regularised lower incomplete gamma function: the distribution function of a gamma variable of shape a.",
    "-f * special.gamma_slope(a, x) and f = x**(a - 1) * exp(-x)/gamma(a), the density",
)
gammaincc: Binary = special(
    "gammaincc",
    "a x",
    (lambda g, y, a, x: _gamma_by_shape(-g, y, a, x), lambda g, y, a, x: _gamma_by_value(-g, y, a, x)),
    "`1 - gammainc(a, x)`, exact where that is small.",
    "those of gammainc, negated",
)
gammaincinv: Binary = special(
    "gammaincinv",
    "a y",
    (_gamma_inverse_by_shape, _gamma_inverse),
    "The x with `gammainc(a, x) = y`.",
    "special.gamma_slope(a, x), and the reciprocal of that of gammainc, at x",
)
gammainccinv: Binary = special(
    "gammainccinv",
    "a y",
    (_gamma_inverse_by_shape, lambda g, y, a, p: _gamma_inverse(-g, y, a, p)),
    "The x with `gammaincc(a, x) = y`.",
    "special.gamma_slope(a, x), and the reciprocal of that of gammaincc, at x",
)
betainc: Any = special(
    "betainc",
    "a b x",
    (_beta_by_shape(_BY_A, 1.0), _beta_by_shape(_BY_B, 1.0), _beta_by_value),
    "The regularised incomplete beta function: the distribution function of a beta variable.",
    "-f * special.beta_slope(a, b, x), for b of orders (0, 1), and f = x**(a - 1) * (1 - x)**(b - 1)/beta(a, b), the "
    "density",
)
betaincc: Any = special(
    "betaincc",
    "a b x",
    (
        *(_beta_by_shape(_BY_A, -1.0), _beta_by_shape(_BY_B, -1.0)),
        lambda g, y, a, b, x: _beta_by_value(-g, y, a, b, x),
    ),
    "`1 - betainc(a, b, x)`, exact where that is small.",
    "those of betainc, negated",
)
betaincinv: Any = special(
    "betaincinv",
    "a b y",
    (_beta_inverse_by_shape(_BY_A), _beta_inverse_by_shape(_BY_B), _beta_inverse),
    "The x with `betainc(a, b, x) = y`.",
    "special.beta_slope(a, b, x), for b of orders (0, 1), and the reciprocal of that of betainc, at x",
)
betainccinv: Any = special(
    "betainccinv",
    "a b y",
    (
        *(_beta_inverse_by_shape(_BY_A), _beta_inverse_by_shape(_BY_B)),
        lambda g, y, a, b, p: _beta_inverse(-g, y, a, b, p),
    ),
    "The x with `betaincc(a, b, x) = y`.",
    "special.beta_slope(a, b, x), for b of orders (0, 1), and the reciprocal of that of betaincc, at x",
)
