"""Pytest on CuPy without a GPU: `python -m pytest -p tests.cupy_on_cpu.plugin --max-refused 3% tests/backends`.

Loading it puts CuPy on the stand-in, before any test imports `cupy`. What the stand-in refuses is a skip with its
reason, also where a test caught the refusal and would pass; refusals are counted, and too many of them fail the run.
Where the stand-in is made for another CuPy, every test is skipped with that reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from typing import Any
from zlib import crc32

import pytest

from . import options, refusals, versions
from .activation import UnavailableError, activate

HEADER = f"CuPy {versions.CUPY} on a CPU stand-in, no GPU code run"
_PREFIX = "refused by the CPU stand-in: "

_unavailable: str | None = None
try:
    activate()
except UnavailableError as error:
    _unavailable = str(error)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("cupy_on_cpu", "CuPy on the CPU")
    group.addoption(
        "--max-refused",
        type=_share,
        metavar="SHARE",
        help="fail if more than this share, such as 3%%, of the cases that reach CuPy are refused, or if none reach it",
    )
    group.addoption(
        "--sample",
        type=_share,
        default=1.0,
        metavar="SHARE",
        help="run only this share, such as 20%%, of the tests: always the same ones, whatever else is selected",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(_Counter(config.getoption("max_refused")), "cupy_on_cpu_counter")


def pytest_report_header() -> list[str]:
    return [f"cupy_on_cpu: {_unavailable}" if _unavailable else f"{HEADER} ({options.summary()})"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    limit = config.getoption("sample") * 2**32
    chosen = {item: crc32(item.nodeid.encode()) < limit for item in items}
    if not all(chosen.values()):
        config.hook.pytest_deselected(items=[item for item in items if not chosen[item]])
        items[:] = [item for item in items if chosen[item]]
    if _unavailable:
        for item in items:
            item.add_marker(pytest.mark.skip(reason=_unavailable))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol() -> Generator[None, Any, Any]:
    """Count from here what a test computes."""
    global _work_before
    if not _unavailable:
        refusals.take()  # what fixtures of a wider scope left behind
        _work_before = refusals.work()
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn what was refused into a skip."""
    report = yield
    if _unavailable:
        return report
    refused = list(dict.fromkeys(refusals.take()))
    # Attributes of a report come with it from the processes of pytest-xdist.
    vars(report).update(reached_cupy=bool(refused) or refusals.work() > _work_before, refused=refused)
    if not refused:
        return report
    if report.passed or (report.failed and call.excinfo and refusals.is_refusal(call.excinfo.value)):
        report.outcome = "skipped"
        path, line, _ = item.location
        report.longrepr = (path, (line or 0) + 1, f"Skipped: {_PREFIX}{', '.join(refused)}")
    elif report.failed:
        report.sections.append(("refused by the CPU stand-in", "\n".join(refused)))
    return report


_work_before = 0


class _Counter:
    """Counts cases where reports come together: in the process that the user started."""

    def __init__(self, limit: float | None) -> None:
        self.limit = limit
        self.reached: set[str] = set()
        self.refused: dict[str, list[str]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if getattr(report, "reached_cupy", False):
            self.reached.add(report.nodeid)
        if report.skipped and (refused := getattr(report, "refused", None)):
            self.refused[report.nodeid] = refused

    @property
    def cases(self) -> int:
        return len(self.reached)

    @property
    def share(self) -> float:
        return len(self.refused) / self.cases if self.cases else 0.0

    @property
    def failure(self) -> str | None:
        """Why the run fails for what was refused."""
        if self.limit is None or _unavailable:
            return None
        if not self.cases:
            return "no case reached CuPy"
        if self.share > self.limit:
            return f"more than {100 * self.limit:.3g}% of the cases were refused"
        return None

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.failure and not hasattr(session.config, "workerinput") and not session.config.option.collectonly:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        write = terminalreporter.write_line
        terminalreporter.section("CuPy on a CPU stand-in")
        if _unavailable:
            write(f"nothing was run: {_unavailable}", red=True)
            return
        write(HEADER)
        write(f"{self.cases} cases reached CuPy, {len(self.refused)} of them were refused ({self.share:.1%})")
        for what, count in Counter(what for names in self.refused.values() for what in names).most_common():
            write(f"  {count:5} {what}")
        if self.failure:
            write(f"failed: {self.failure}", red=True)


def _share(text: str) -> float:
    """A share of one from `0.03` or `3%`."""
    return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
