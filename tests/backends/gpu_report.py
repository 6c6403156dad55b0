"""A dated report of a test run on a GPU.

    python -m pytest -p tests.backends.gpu_report --gpu-report build -m gpu tests

It tells what ran where, what passed, failed and was skipped with which reason, and how long some programs take,
operation by operation and compiled. A run that finds no GPU writes nothing.

`--gpu-pool=off` gives each array an allocation of its own, whose bounds compute-sanitizer sees.
"""

from __future__ import annotations

import datetime
import platform
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import chainrule as cr
from chainrule import ops

N = 1 << 24  # elements of the arrays that are timed


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--gpu-report", metavar="FOLDER", help="write a dated report of the run on a GPU into this folder")
    parser.addoption("--gpu-pool", choices=("on", "off"), default="on", help="whether CuPy keeps memory that is freed")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("gpu_pool") == "off":
        import cupy

        cupy.cuda.set_allocator(None)
    folder = config.getoption("gpu_report")
    if folder and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Report(Path(folder)), "gpu_report")


class _Report:
    """Counts outcomes, and writes the report at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.outcomes: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.failed: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            self.outcomes[report.outcome] += 1
        if report.skipped and isinstance(report.longrepr, tuple):
            self.reasons[report.longrepr[2].removeprefix("Skipped: ")] += 1
        if report.failed:
            self.failed.append(report.nodeid)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        try:
            with cr.use_backend("cupy") as backend:
                text = self._text(backend)
        except cr.BackendUnavailableError as error:
            terminalreporter.write_line(f"no report of a GPU: {error}")
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"gpu-{datetime.date.today()}.md"
        path.write_text(text, encoding="utf-8")
        terminalreporter.write_line(f"report of the GPU: {path}")

    def _text(self, backend: Any) -> str:
        import cupy

        runtime = cupy.cuda.runtime
        device = runtime.getDeviceProperties(0)
        versions = f"CUDA runtime {runtime.runtimeGetVersion()}, driver {runtime.driverGetVersion()}"
        rows = {
            "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "commit": _commit(),
            "chainrule": cr.__version__,
            "device": f"{device['name'].decode()}, compute capability {device['major']}.{device['minor']}",
            "devices": len(backend.devices()),
            "CuPy": f"{cupy.__version__}, {versions}",
            "Python": f"{platform.python_version()} on {platform.platform()}",
        }
        lines = [
            "# Tests on a GPU",
            "",
            "| | |",
            "|---|---|",
            *(f"| {name} | {value} |" for name, value in rows.items()),
        ]
        lines += ["", ", ".join(f"{n} {outcome}" for outcome, n in sorted(self.outcomes.items())), ""]
        lines += [f"- failed: `{name}`" for name in self.failed]
        lines += [f"- {n} skipped: {reason}" for reason, n in self.reasons.most_common()]
        lines += [
            "",
            f"## Milliseconds, {N:,} numbers of float32",
            "",
            "| | by operation | compiled |",
            "|---|---|---|",
        ]
        lines += [f"| {name} | {eager:.3f} | {compiled:.3f} |" for name, eager, compiled in _timings()]
        return "\n".join(lines) + "\n"


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _timings() -> Iterator[tuple[str, float, float]]:
    """Programs, and how long they take on the device, each the shortest of several times."""
    x = cr.reshape(cr.arange(N, dtype="float32") / N, (N // 1024, 1024))
    w, row = cr.ones((1024, 1024), dtype="float32"), cr.ones((1024,), dtype="float32")
    places = cr.arange(N // 1024) % 64
    programs: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
        "tanh(x * w + 1) ** 2": (lambda x, w: cr.tanh(x * w + 1.0) ** 2, (x, row)),
        "the sum of it": (lambda x, w: cr.sum(cr.tanh(x * w + 1.0) ** 2), (x, row)),
        "its sums along columns": (lambda x, w: cr.sum(cr.tanh(x * w + 1.0) ** 2, axis=0), (x, row)),
        "its gradient": (cr.grad(lambda x, w: cr.sum(cr.tanh(x * w + 1.0) ** 2)), (x, row)),
        "softmax along rows": (cr.softmax, (x,)),
        "gradient of a layer": (cr.grad(lambda w, x: cr.mean(cr.relu(x @ w))), (w, x)),
        "sums of rows by index": (lambda x, i: ops.scatter_add_rows(x, i, rows=64), (x, places)),
    }
    for name, (function, arguments) in programs.items():
        yield name, _shortest(function, arguments), _shortest(cr.function(function), arguments)


def _shortest(function: Callable[..., Any], arguments: tuple[Any, ...]) -> float:
    """Milliseconds between events around a call."""
    import cupy

    function(*arguments)  # which compiles
    times = []
    for _ in range(5):
        start, stop = cupy.cuda.Event(), cupy.cuda.Event()
        start.record()
        function(*arguments)
        stop.record()
        stop.synchronize()
        times.append(cupy.cuda.get_elapsed_time(start, stop))
    return float(min(times))
