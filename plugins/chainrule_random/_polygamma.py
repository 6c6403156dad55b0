"""Derivatives of the logarithm of the gamma function, on any namespace: a library's, or operations."""

from __future__ import annotations

import math
from typing import Any, Final

_SHIFT: Final = 10  # the asymptotic series is used from here on
_BERNOULLI: Final = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)  # of order 2, 4, ...


def polygamma(xp: Any, n: int, a: Any) -> Any:
    """The derivative of order `n` of the digamma function at positive `a`; digamma itself for order 0.

    By the recurrence and the asymptotic series (DLMF 5.15.5 and 5.15.8, https://dlmf.nist.gov/5.15), whose first term
    left out is below 1e-16 of it.
    """
    sign = -1.0 if n % 2 == 0 else 1.0  # of what is positive below
    steps = sum(1.0 / (a + i) ** (n + 1) for i in range(_SHIFT))
    x = a + _SHIFT
    y = 1.0 / x
    tail = sum(
        b * math.factorial(2 * k + n - 1) / math.factorial(2 * k) * y ** (2 * k) for k, b in enumerate(_BERNOULLI, 1)
    )
    if n == 0:
        return xp.log(x) - 0.5 * y - tail - steps
    series = y**n * (math.factorial(n - 1) + 0.5 * math.factorial(n) * y + tail)
    return sign * (series + math.factorial(n) * steps)
