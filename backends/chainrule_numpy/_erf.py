"""The error function of large arrays, by NumPy's vector instructions: SciPy branches for each element.

Between a grid point r and x, of which the grid has one nearby, lies d = x - r. With m half-way between both,

    erf(x) = erf(r) + 2 / sqrt(pi) exp(-m**2) d (1 + (2 m**2 - 1) d**2 / 12 + ...),

where what is left out is less than a fifth of the last digit. Signs need no care: -0.0 is in the table.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, Final

import numpy as np

_LARGE: Final = 1024  # elements; of fewer, the calls take longer than SciPy
_BLOCK: Final = 1 << 14  # elements, whose temporaries stay in the cache
_LIMIT: Final = 6  # beyond, the function is 1 to the last digit
_FAR: Final = 1e6  # the norm of a block whose elements are all near enough to the grid to be rounded to it
_STEPS: Final = {"d": 11, "f": 7}  # the grid's steps are 2**-n


def pays(x: Any) -> bool:
    """Whether an array's error function is computed here faster than by SciPy."""
    return x.size >= _LARGE and x.dtype.char in _STEPS


def erf(x: Any, out: Any) -> Any:
    """Write the error function of float32 or float64 into an array that lies in memory in order, and may be `x`."""
    table = _table(x.dtype.char)
    flat, place = np.ravel(x), out.reshape(-1)
    with np.errstate(over="ignore"):  # of the norm
        for i in range(0, flat.size, _BLOCK):
            table.into(flat[i : i + _BLOCK], place[i : i + _BLOCK])
    return out


class _Table:
    """The function at the points of a grid, and numbers in its dtype: NumPy takes longer for Python's own."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        steps = _STEPS[dtype.char]
        length = _LIMIT << steps
        positive = [math.erf(i / (1 << steps)) for i in range(1, length + 1)]
        self._values = np.array([*(-y for y in reversed(positive)), -0.0, *positive], dtype)
        self._bits = np.dtype(f"i{dtype.itemsize}")
        digits = np.finfo(dtype).nmant
        self._rounding = np.array(1.5 * 2.0 ** (digits - steps), dtype)  # added, it leaves whole steps
        self._first = self._rounding.view(self._bits) - self._bits.type(length)
        scale = 2 / math.sqrt(math.pi)
        self._numbers = [np.array(number, dtype) for number in (-1 / 4, scale, scale / 12, scale / 24)]

    def into(self, x: Any, out: Any) -> None:
        quarter, scale, twelfth, twenty_fourth = self._numbers
        if not np.dot(x, x) < _FAR * _FAR:
            x = np.clip(x, -_LIMIT, _LIMIT)
        near = np.add(x, self._rounding)
        d = np.subtract(near, self._rounding)
        m = np.add(x, d)  # twice as large
        np.subtract(x, d, d)
        place = np.subtract(near.view(self._bits), self._first, dtype=np.intp)
        self._values.take(place, None, near, "clip")
        np.multiply(m, m, m)
        np.multiply(m, quarter, out)
        np.exp(out, out)
        np.multiply(out, d, out)
        np.multiply(m, twenty_fourth, m)
        np.subtract(m, twelfth, m)
        np.multiply(m, d, m)
        np.multiply(m, d, m)
        np.add(m, scale, m)
        np.multiply(out, m, out)
        np.add(out, near, out)


@cache
def _table(dtype: str) -> _Table:
    return _Table(np.dtype(dtype))
