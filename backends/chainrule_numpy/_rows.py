"""Adding to rows of an array, of which some may be named more than once."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

_FEW: Final = 16  # rows; fewer are added one by one


def add_at(x: Any, place: tuple[Any, ...], values: Any) -> None:
    """`np.add.at(x, place, values)`, many times faster where `place` is one array of row numbers.

    Raises:
        IndexError: an index is out of bounds; `x` is as it was.
    """
    if len(place) == 1 and x.ndim > 1 and type(place[0]) is np.ndarray and place[0].dtype.kind in "iu":
        rows, values = place[0].reshape(-1), np.asarray(values)
        if rows.size >= _FEW and values.dtype == x.dtype and values.shape == (*place[0].shape, *x.shape[1:]):
            _add_rows(x, rows, values.reshape(rows.size, *x.shape[1:]))
            return
    np.add.at(x, place, values)


def _add_rows(x: Any, rows: Any, values: Any) -> None:
    """Each row's last values at once, and what came before for the rows that are named more than once."""
    changed = x[rows]  # fails for what is out of bounds, before anything is written
    changed += values
    numbers = np.arange(rows.size)
    last = np.empty(len(x), np.intp)
    last[rows] = numbers  # of numbers for one place the last one stays, here as below
    earlier = np.flatnonzero(last[rows] != numbers)
    x[rows] = changed
    if not earlier.size:
        return
    width = math.prod(x.shape[1:])
    if not x.flags.c_contiguous or earlier.size < _FEW:
        np.add.at(x, rows[earlier], values[earlier])
    else:  # numbers by number: NumPy has a fast way for that
        at = rows[earlier].astype(np.intp) % len(x)
        np.add.at(x.reshape(-1), (at[:, None] * width + np.arange(width)).reshape(-1), values[earlier].reshape(-1))
