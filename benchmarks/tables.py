"""Outcomes as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.contest import Contest, Outcome, library_of
from benchmarks.libraries import LIBRARIES


def of_contest(contest: Contest, outcome: Outcome) -> str:
    """Every way's times, its ratio to the first way, and its memory."""
    each = contest.operations
    rows = [["", "first", "step", "ratio", *(["an operation"] if each else []), "process"]]
    rows[0] += ["arrays"] if outcome.step else []
    for name, seconds in outcome.seconds.items():
        row = [name, show(outcome.first[name]), show(seconds), f"{outcome.ratio[name]:.3g}"]
        row += [show(seconds / each)] if each else []
        row += [f"{outcome.process[name]:.0f} MiB"]
        if outcome.step:
            row += [f"{outcome.step[name]:.2f} MiB" if name in outcome.step else ""]
        rows.append(row)
    reasons = dict.fromkeys(outcome.missing.values())
    left_out = [
        f"  left out, {reason}: {'; '.join(name for name, why in outcome.missing.items() if why == reason)}"
        for reason in reasons
    ]
    return "\n".join([contest.title, *_aligned(rows), *left_out])


def summary(outcomes: Mapping[str, Outcome]) -> str:
    """Each library's fastest way in each workload, as a ratio to the first way."""
    best = {workload: fastest(outcome) for workload, outcome in outcomes.items()}
    libraries = [name for name in LIBRARIES if any(name in ratios for ratios in best.values())]
    rows = [["ratio", *libraries]]
    for workload, ratios in best.items():
        rows.append([workload, *(f"{ratios[name]:.3g}" if name in ratios else "" for name in libraries)])
    return "\n".join(_aligned(rows))


def fastest(outcome: Outcome) -> dict[str, float]:
    """The ratio of each library's fastest way."""
    best: dict[str, float] = {}
    for name, ratio in outcome.ratio.items():
        library = library_of(name)
        best[library] = min(ratio, best.get(library, ratio))
    return best


def show(seconds: float) -> str:
    """A time in the unit that suits it."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines in which columns stand below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    first, *rest = widths
    return [
        "  " + "  ".join([row[0].ljust(first), *(cell.rjust(w) for cell, w in zip(row[1:], rest, strict=True))])
        for row in rows
    ]
