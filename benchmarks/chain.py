"""The chain of operations on one number that several benchmarks run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def chain(x: Any, sin: Callable[[Any], Any], triples: int) -> Any:
    """Sine, multiply and add, again and again, and a last sine: `3 * triples + 1` operations."""
    for _ in range(triples):
        x = sin(x) * 1.01 + 0.1
    return sin(x)
