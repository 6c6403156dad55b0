"""Chains of 10^5 and 10^6 operations, built, differentiated and freed once: a cost for each that does not grow."""

from __future__ import annotations

import gc
import time

import chainrule as cr
from benchmarks.harness import show

LENGTHS = (10**5, 10**6)


def seconds(length: int) -> float:
    """What one chain takes, from nothing to nothing.

    Raises:
        AssertionError: the gradient is not the one that there must be.
    """
    gc.collect()
    start = time.process_time()
    slope = cr.grad(lambda x: _chain(x, length))(0.5)
    took = time.process_time() - start
    assert slope == (-1.0) ** length, slope
    return took


def _chain(x: cr.Tensor, length: int) -> cr.Tensor:
    for _ in range(length):
        x = 1.0 - x
    return x


def report() -> tuple[str, dict[str, float]]:
    """The times as text and as data."""
    times = {length: seconds(length) for length in LENGTHS}
    lines = [
        f"  {length:>9,} operations  {show(took):>7}  {show(took / length)} each" for length, took in times.items()
    ]
    return "\n".join(["deep chain, built, differentiated and freed", *lines]), {str(k): v for k, v in times.items()}
