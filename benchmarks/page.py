"""Runs that were kept as JSON, as one page's tables in Markdown: `python -m benchmarks.page build/*.json`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.contest import library_of
from benchmarks.libraries import LIBRARIES
from benchmarks.tables import show

Kept = Mapping[str, Any]


def page(runs: Sequence[Kept]) -> str:
    """Ratios, times and memory of each library's fastest way, in runs on as many threads.

    Where several runs have a library, the first counts.
    """
    parts = {
        "Time relative to NumPy by hand": (lambda kept, way: kept["ratio"][way], lambda ratio: f"{ratio:.3g}"),
        "Time of a step": (lambda kept, way: kept["seconds"][way], show),
        "Time until the first step is done": (lambda kept, way: kept["first"][way], show),
        "Peak memory of the process, MiB": (lambda kept, way: kept["process"][way], lambda mib: f"{mib:.0f}"),
        "Peak of NumPy's arrays in a step, MiB": (lambda kept, way: kept["step"].get(way), lambda mib: f"{mib:.1f}"),
    }
    threads = ", ".join(sorted({str(run["threads"]) for run in runs}))
    tables = [f"### {title}\n\n{_table(runs, value, written)}" for title, (value, written) in parts.items()]
    return "\n\n".join([f"## Threads: {threads}", *tables])


def _table(runs: Sequence[Kept], value: Callable[[Kept, str], Any], written: Callable[[Any], str]) -> str:
    cells: dict[str, dict[str, str]] = {}
    for run in runs:
        for workload, kept in run["workloads"].items():
            row = cells.setdefault(workload, {})
            for library, way in _fastest(kept).items():
                found = value(kept, way)
                if found is not None:
                    row.setdefault(library, written(found))
    libraries = [name for name in LIBRARIES if any(name in row for row in cells.values())]
    lines = [["workload", *libraries], ["---", *["---:"] * len(libraries)]]
    lines += [[workload, *(row.get(name, "") for name in libraries)] for workload, row in cells.items() if row]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _fastest(kept: Kept) -> dict[str, str]:
    """Each library's fastest way."""
    best: dict[str, str] = {}
    for way, ratio in kept["ratio"].items():
        library = library_of(way)
        if library not in best or ratio < kept["ratio"][best[library]]:
            best[library] = way
    return best


if __name__ == "__main__":
    print(page([json.loads(Path(name).read_text()) for name in sys.argv[1:]]))
