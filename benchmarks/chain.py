"""The chain of operations on one number that several workloads run, and its derivative."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

A, B = 2.4028, 0.18486  # sin(x) A - B has a fixed point near 2 with slope -0.9999: derivatives do not vanish


def forward(x: Any, sin: Callable[[Any], Any], triples: int) -> Any:
    """Sine, multiply and subtract, again and again, and a last sine: `3 * triples + 1` operations."""
    for _ in range(triples):
        x = sin(x) * A - B
    return sin(x)


def operations(triples: int) -> int:
    """How many operations the chain has."""
    return 3 * triples + 1


def by_hand(x: float, triples: int) -> tuple[float, float]:
    """Value and derivative, on Python's floats."""
    sin, cos = math.sin, math.cos
    slope = 1.0
    for _ in range(triples):
        slope *= cos(x) * A
        x = sin(x) * A - B
    return sin(x), slope * cos(x)
