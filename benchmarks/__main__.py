"""Run benchmarks, print them as tables and keep them as JSON."""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import tables
from benchmarks.contender import processor_time
from benchmarks.contest import Outcome, hold
from benchmarks.libraries import MODULES, bind, environment, versions
from benchmarks.workloads import WORKLOADS


def _names(known: Sequence[str], kind: str) -> Any:
    """From names with commas between them to a list, for `argparse`."""

    def names(text: str) -> list[str]:
        found = text.split(",")
        unknown = [name for name in found if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"no {kind} is called {', '.join(unknown)}; there are {', '.join(known)}")
        return found

    return names


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("benchmarks", description="Times of chainrule beside other libraries'.")
    workloads = _names(list(WORKLOADS), "workload")
    parser.add_argument("workloads", nargs="*", type=workloads, help=f"{', '.join(WORKLOADS)}; by default all of them")
    libraries = _names(MODULES, "library")
    parser.add_argument("--only", type=libraries, help=f"libraries, with commas between them: {', '.join(MODULES)}")
    parser.add_argument("--threads", type=int, default=1, help="of each library (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="interleaved rounds (default: %(default)s)")
    parser.add_argument(
        "--processor-time",
        action="store_true",
        help="times of the processor, all threads together, not of the clock: for one thread where others are at work",
    )
    parser.add_argument("--json", type=Path, default=Path("build/benchmarks.json"), help="default: %(default)s")
    return parser.parse_args()


def main() -> None:
    arguments = _arguments()
    chosen = [name for names in arguments.workloads for name in names] or list(WORKLOADS)
    around = environment(os.environ, arguments.threads)
    clock = processor_time if arguments.processor_time else time.perf_counter
    results: dict[str, Any] = {"versions": versions(), "machine": platform.machine(), "threads": arguments.threads}
    listed = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    print(f"{listed}; threads: {arguments.threads}\n")
    if not bind(arguments.threads):
        print("this system cannot bind processes to processors: JAX may take more of them\n")

    outcomes: dict[str, Outcome] = {}
    for name in chosen:
        contest = WORKLOADS[name]()
        outcomes[name] = hold(contest, arguments.rounds, around, clock, arguments.only)
        print(tables.of_contest(contest, outcomes[name]), flush=True, end="\n\n")
        results["workloads"] = {name: outcome.data() for name, outcome in outcomes.items()}
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")
    print(tables.summary(outcomes))
    print(f"\nkept as {arguments.json}")


if __name__ == "__main__":
    main()
