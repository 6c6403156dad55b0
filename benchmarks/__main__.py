"""Run all benchmarks, print them as tables and keep them as JSON."""

from __future__ import annotations

import argparse
import json
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks import deep_chain, mnist_step, scalar_chain, start
from benchmarks.harness import measure, table

LIBRARIES = ("chainrule", "numpy", "autograd", "mygrad", "advect")


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
    parser.add_argument("--rounds", type=int, default=7, help="interleaved rounds (default: %(default)s)")
    parser.add_argument("--json", type=Path, default=Path("build/benchmarks.json"), help="default: %(default)s")
    arguments = parser.parse_args()

    results: dict[str, Any] = {"versions": versions(), "machine": platform.machine()}
    print(", ".join(f"{name} {version}" for name, version in results["versions"].items()), "on one thread\n")
    for name, workload in (("scalar_chain", scalar_chain.workload()), ("mnist_step", mnist_step.workload())):
        results[name] = measure(workload, arguments.rounds)
        print(table(workload, results[name]), flush=True, end="\n\n")
    for name, report in (("deep_chain", deep_chain.report), ("start", start.report)):
        text, results[name] = report()
        print(text, flush=True, end="\n\n")
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(results, indent=2) + "\n")
    print(f"kept as {arguments.json}")


if __name__ == "__main__":
    main()
