"""Derivatives of the logarithm of the gamma function by their series, on any namespace of arrays."""

from __future__ import annotations

import math
from typing import Any, Final

_SHIFT: Final = 10  # the asymptotic series is used from here on
_BERNOULLI: Final = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)  # of order 2, 4, ...


def series(xp: Any, n: int, x: Any) -> Any:
    """The derivative of order `n` of the digamma function right of 0; digamma itself for order 0.

    By the recurrence and the asymptotic series (DLMF 5.15.5 and 5.15.8, https://dlmf.nist.gov/5.15), whose first term
    left out is below 1e-16 of it for small `n`.
    """
    sign = -1.0 if n % 2 == 0 else 1.0  # of what is positive below
    steps = sum(1.0 / (x + i) ** (n + 1) for i in range(_SHIFT))
    y = 1.0 / (x + _SHIFT)
    tail = sum(
        b * math.factorial(2 * k + n - 1) / math.factorial(2 * k) * y ** (2 * k) for k, b in enumerate(_BERNOULLI, 1)
    )
    if n == 0:
        return xp.log(x + _SHIFT) - 0.5 * y - tail - steps
    far = y**n * (math.factorial(n - 1) + 0.5 * math.factorial(n) * y + tail)
    return sign * (far + math.factorial(n) * steps)


def difference(xp: Any, x: Any, step: Any) -> Any:
    """`digamma(x + step) - digamma(x)` right of 0, term by term of the series: exact for small steps too."""
    steps = sum(step / ((x + i) * (x + step + i)) for i in range(_SHIFT))
    low, high = 1.0 / (x + _SHIFT), 1.0 / (x + step + _SHIFT)
    tail = sum(b / (2 * k) * (high ** (2 * k) - low ** (2 * k)) for k, b in enumerate(_BERNOULLI, 1))
    return xp.log1p(step * low) + 0.5 * step * low * high - tail + steps


def polygamma(xp: Any, n: Any, x: Any) -> Any:
    """The derivative of order `n` of the digamma function, of any real or complex `x`.

    Args:
        n: a Python integer, or an array that holds orders, whose smallest and largest are read.
        x: an array.
    """
    if isinstance(n, int):
        return _of_order(xp, n, x)
    n = xp.real(n) if xp.isdtype(n.dtype, "complex floating") else n
    y = math.nan * xp.where(n < 0, x, x)
    if 0 in y.shape:
        return y
    for order in range(max(0, int(xp.min(n))), int(xp.max(n)) + 1):
        y = xp.where(n == order, _of_order(xp, order, x), y)
    return y


def _of_order(xp: Any, n: int, x: Any) -> Any:
    """By reflection on the left (DLMF 5.15.6)."""
    real = xp.real(x) if xp.isdtype(x.dtype, "complex floating") else x
    left = real < 0.5
    right = series(xp, n, xp.where(left, 1.0 - x, x))
    cotangent = 1.0 / xp.tan(math.pi * xp.where(left, x - xp.round(real), 0.25 + 0.0 * x))
    reflected = (-1.0) ** n * right - math.pi ** (n + 1) * _derived_cotangent(n, cotangent)
    return xp.where(left, reflected, right)


def _derived_cotangent(n: int, c: Any) -> Any:
    """The derivative of order `n` of the cotangent, a polynomial of the cotangent `c`."""
    coefficients = [0, 1]
    for _ in range(n):  # q(c) becomes -(1 + c**2) * q'(c)
        slope = [k * q for k, q in enumerate(coefficients)][1:]
        coefficients = [-(a + b) for a, b in zip([*slope, 0, 0], [0, 0, *slope], strict=True)]
    value = 0.0 * c
    for q in reversed(coefficients):
        value = value * c + q
    return value
