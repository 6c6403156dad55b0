"""What times functions beside each other: interleaved rounds, so that a drift of the machine meets them all alike.

Times are of the processor, not of the clock: on one thread they are the same, unless somebody else uses the machine.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

SLICE = 0.2  # seconds that each function gets in a round


@dataclass
class Workload:
    """Functions of several libraries that compute the same thing.

    Attributes:
        title: what is computed.
        run: a function without arguments for each library; the first is what the others are compared with.
        missing: libraries that are not here, and why.
        operations: how many operations one call is, if a time for each is of interest.
        tolerance: how far results may be apart, relatively.
    """

    title: str
    run: Mapping[str, Callable[[], Any]]
    missing: Mapping[str, str] = field(default_factory=dict)
    operations: int | None = None
    tolerance: float = 1e-8


def measure(workload: Workload, rounds: int) -> dict[str, float]:
    """Seconds of a call of each function: the median over rounds of the best call of a round.

    Raises:
        AssertionError: two of them give different results.
    """
    same(workload.title, {name: function() for name, function in workload.run.items()}, workload.tolerance)
    best: dict[str, list[float]] = {name: [] for name in workload.run}
    for _ in range(rounds):
        for name, function in workload.run.items():
            best[name].append(best_of(function, time.process_time))
    return {name: statistics.median(times) for name, times in best.items()}


def same(title: str, results: Mapping[str, Sequence[Any]], tolerance: float) -> None:
    """Compare results with the first of them.

    Raises:
        AssertionError: two are different.
    """
    (reference, expected), *others = results.items()
    for name, result in others:
        for part, want in zip(result, expected, strict=True):
            message = f"{title}: {name} and {reference} differ"
            np.testing.assert_allclose(part, want, tolerance, tolerance, err_msg=message)


def best_of(function: Callable[[], Any], clock: Callable[[], float]) -> float:
    """The best call of a round."""
    gc.collect()
    end = clock() + SLICE
    best = float("inf")
    while True:
        start = clock()
        function()
        now = clock()
        best = min(best, now - start)
        if now >= end:
            return best


def table(workload: Workload, seconds: Mapping[str, float]) -> str:
    """The times as a table; a ratio above 1 says how many times longer than the first a library takes."""
    rows = [["", "time", *(["per operation"] if workload.operations else []), "ratio"]]
    first = next(iter(seconds.values()))
    for name, value in seconds.items():
        per_operation = [show(value / workload.operations)] if workload.operations else []
        rows.append([name, show(value), *per_operation, f"{value / first:.2f}"])
    lines = [workload.title, *aligned(rows)]
    return "\n".join([*lines, *(f"  {name}: left out, {reason}" for name, reason in workload.missing.items())])


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines in which columns stand below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    first, *rest = widths
    return [
        "  " + "  ".join([row[0].ljust(first), *(cell.rjust(w) for cell, w in zip(row[1:], rest, strict=True))])
        for row in rows
    ]


def show(seconds: float) -> str:
    """A time in the unit that suits it."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"
