"""What the tests of PyTorch's samples counted, in one line at the end."""

from __future__ import annotations

from collections import Counter
from typing import Any


def pytest_terminal_summary(terminalreporter: Any) -> None:
    counts: Counter[str] = Counter()
    reports = [report for key in ("passed", "failed") for report in terminalreporter.stats.get(key, [])]
    found = [dict(report.user_properties).get("samples") for report in reports]
    for samples in filter(None, found):
        counts.update(samples)
    if counts:
        text = ", ".join(f"{counts[key]} {key}" for key in ("passed", "refused", "differing"))
        terminalreporter.write_line(f"samples of PyTorch's: {counts.total()}, of which {text}")
