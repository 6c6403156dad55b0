"""Bounds over the leaves of a tree as SciPy's bounds over the vector."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import Bounds

from chainrule import ArgumentError
from chainrule_scipy._packing import Packing, Vector, as_array


def as_bounds(packing: Packing, bounds: Any) -> Any:
    """Bounds for the vector.

    Args:
        packing: the structure of `x0`.
        bounds: SciPy's own for one array; else a tree like `x0` of pairs `(low, high)`.

    Raises:
        ArgumentError: the structure, or a pair, does not fit.
    """
    if isinstance(bounds, Bounds):
        return bounds
    if packing.is_leaf:
        pairs = list(bounds)
        if len(pairs) != packing.size:
            raise ArgumentError(
                f"{packing.what}: bounds: expected a pair (low, high) for each of {packing.size} elements, got "
                f"{len(pairs)} entries"
            )
        return pairs
    pairs = [_pair(packing, i, pair) for i, pair in enumerate(packing.leaves_of("bounds", bounds))]
    return Bounds(*(np.concatenate([pair[side] for pair in pairs]) for side in (0, 1)))


def _pair(packing: Packing, i: int, pair: Any) -> list[Vector]:
    where = packing.path("bounds", i)
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise ArgumentError(f"{packing.what}: {where}: expected a pair (low, high), got {pair!r:.60}")
    return [_side(packing, i, where, *side) for side in zip(pair, (-np.inf, np.inf), strict=True)]


def _side(packing: Packing, i: int, where: str, bound: Any, missing: float) -> Vector:
    array = as_array(packing.what, where, missing if bound is None else bound)
    try:
        return np.broadcast_to(array, packing.shapes[i]).ravel()
    except ValueError:
        raise ArgumentError(
            f"{packing.what}: {where}: a bound of shape {array.shape} for a leaf of shape {packing.shapes[i]}"
        ) from None
