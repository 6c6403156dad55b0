"""Run benchmarks, print them as tables and keep them as JSON."""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks import compiled_chain, contest, deep_chain, harness, mnist_step, mnist_training, scalar_chain, start

LIBRARIES = ("chainrule", "numpy", "autograd", "mygrad", "advect", "jax", "tensorflow", "tensorflow-cpu")
Report = Callable[[int], tuple[str, Any]]  # from a number of rounds to the times as text and as data


def _workload(make: Callable[[], harness.Workload]) -> Report:
    def report(rounds: int) -> tuple[str, Any]:
        workload = make()
        seconds = harness.measure(workload, rounds)
        return harness.table(workload, seconds), seconds

    return report


def _contest(make: Callable[[], contest.Contest]) -> Report:
    def report(rounds: int) -> tuple[str, Any]:
        held = make()
        outcome = contest.hold(held, rounds)
        return contest.report(held, outcome), outcome.data()

    return report


BENCHMARKS: Mapping[str, Report] = {
    "scalar_chain": _workload(scalar_chain.workload),
    "mnist_step": _workload(mnist_step.workload),
    "mnist_training": _contest(mnist_training.contest),
    "compiled_chain": _contest(compiled_chain.contest),
    "deep_chain": lambda _rounds: deep_chain.report(),
    "start": lambda _rounds: start.report(),
}


def versions() -> dict[str, str]:
    """Of Python, and of each library that is here."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def main() -> None:
    parser = argparse.ArgumentParser("benchmarks", description="Times of chainrule beside other libraries'.")
    parser.add_argument("benchmarks", nargs="*", help=f"{', '.join(BENCHMARKS)}; by default all of them")
    parser.add_argument("--rounds", type=int, default=7, help="interleaved rounds (default: %(default)s)")
    parser.add_argument("--json", type=Path, default=Path("build/benchmarks.json"), help="default: %(default)s")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.benchmarks if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")

    results: dict[str, Any] = {"versions": versions(), "machine": platform.machine()}
    print(", ".join(f"{name} {version}" for name, version in results["versions"].items()), "on one thread\n")
    for name in arguments.benchmarks or BENCHMARKS:
        text, results[name] = BENCHMARKS[name](arguments.rounds)
        print(text, flush=True, end="\n\n")
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(results, indent=2) + "\n")
    print(f"kept as {arguments.json}")


if __name__ == "__main__":
    main()
