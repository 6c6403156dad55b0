"""Adding to rows of an array, of which some may be named more than once."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

_FEW: Final = 16  # rows; fewer are added one by one
_COPYING: Final = frozenset({np.ndarray, np.bool_, bool})  # indices of copies; a mask without axes is a number


def add_at(x: Any, place: tuple[Any, ...], values: Any) -> None:
    """`np.add.at(x, place, values)`, many times faster where `place` is one array of row numbers, or has no array.

    Raises:
        IndexError: an index is out of bounds; `x` is as it was.
    """
    if are_rows(x, place, values):
        rows = place[0].reshape(-1)
        x[rows] = changed(x, rows, values)
    elif not any(type(part) in _COPYING for part in place):
        part = x[place]  # a view, or a number
        if type(part) is np.ndarray:
            np.add(part, values, part)
        else:
            x[place] = part + values
    else:
        np.add.at(x, place, values)


def are_rows(x: Any, place: tuple[Any, ...], values: Any) -> bool:
    """Whether values are added to rows of an array, and to many enough."""
    if len(place) != 1 or x.ndim < 2 or type(place[0]) is not np.ndarray or place[0].dtype.kind not in "iu":
        return False
    fits = type(values) is np.ndarray and values.dtype == x.dtype and values.shape == (*place[0].shape, *x.shape[1:])
    return fits and place[0].size >= _FEW


def changed(x: Any, rows: Any, values: Any) -> Any:
    """What rows of an array are after values are added to them, right where a row is named for the last time.

    Raises:
        IndexError: a row is out of bounds.
    """
    values = values.reshape(rows.size, *x.shape[1:])
    found = x[rows]
    found += values
    numbers = np.arange(rows.size)
    last = np.empty(len(x), np.intp)
    last[rows] = numbers  # of numbers for one place the last one stays, as of rows that are assigned
    at = last[rows]
    earlier = np.flatnonzero(at != numbers)
    if 0 < earlier.size < _FEW:
        np.add.at(found, at[earlier], values[earlier])
    elif earlier.size:  # number by number: NumPy has a fast way for that
        width = math.prod(x.shape[1:])
        place = at[earlier, None] * width + np.arange(width)
        np.add.at(found.reshape(-1), place.reshape(-1), values[earlier].reshape(-1))
    return found
