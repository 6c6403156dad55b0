"""The table of a run: for each operation and dtype whether it passed, was refused or failed; shown and saved."""

from __future__ import annotations

import datetime
import html
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import chainrule as cr
from chainrule_testing import _engine
from chainrule_testing._targets import Target

# From the best to the worst: what an operation is in a dtype is the worst of its checks. Undefined is what the
# operation's own rule refuses on every backend.
STATES = ("undefined", "passed", "refused", "failed")
MARKS = {"undefined": "·", "passed": "✓", "refused": "r", "failed": "F", "": " "}
ASCII = {"undefined": "-", "passed": ".", "refused": "r", "failed": "F", "": " "}
FORMATS = (".json", ".md", ".html")
Cell = tuple[str, str, str]  # choice, operation, dtype


class Report:
    """What became of each operation in each dtype, on each backend and device."""

    def __init__(
        self, targets: Sequence[Target], ops: Sequence[str], plugins: Sequence[str], missing: Mapping[str, str]
    ) -> None:
        self.targets = list(targets)
        self.missing = dict(missing)
        self.ops = list(ops)
        self.plugins = list(plugins)
        self.cells: dict[Cell, str] = {}
        self.reasons: dict[Cell, dict[str, str]] = {}  # by the check
        self.partly: set[Cell] = set()  # where a check passed
        self.others: Counter[tuple[str, str]] = Counter()
        self.skipped: Counter[str] = Counter()
        self.counts: dict[str, Counter[str]] = {target.choice: Counter() for target in targets}
        self.left_out = 0
        self.date = datetime.date.today().isoformat()

    @staticmethod
    def format_of(name: str) -> str:
        """The kind of file that a report is saved in.

        Raises:
            UsageError: none of that name.
        """
        suffix = Path(name).suffix
        if suffix not in FORMATS:
            raise pytest.UsageError(f"--report {name}: a file ends in {', '.join(FORMATS)}")
        return suffix

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Enter a test's result."""
        if report.when != "call" and report.outcome == "passed":
            return
        properties: dict[str, Any] = dict(report.user_properties)
        reason = _reason(report)
        if "conformance" not in properties:
            if report.outcome == "skipped":
                self.skipped[reason] += 1
            self.others[report.outcome, ""] += 1
            return
        choice, op, dtype, check = properties["conformance"]
        state: str = report.outcome
        if state == "skipped":
            state = "refused" if reason.startswith("refused: ") else "failed"
            reason = reason.removeprefix("refused: ")
        elif "undefined" in properties:
            state, reason = "undefined", properties["undefined"]
        self.counts[choice][state] += 1
        cell = choice, op, dtype
        before = self.cells.get(cell, STATES[0])
        self.cells[cell] = max(before, state, key=STATES.index)
        if state in ("refused", "failed"):
            self.reasons.setdefault(cell, {})[check] = reason
        elif state == "passed":
            self.partly.add(cell)

    def dtypes(self) -> list[str]:
        """The columns."""
        seen = {dtype for _, _, dtype in self.cells}
        return [dtype for dtype in _engine.DTYPES if dtype in seen]

    def rows(self, choice: str) -> Iterator[tuple[str, list[str]]]:
        """The states of each operation, dtype by dtype."""
        for op in self.ops:
            yield op, [self.cells.get((choice, op, dtype), "") for dtype in self.dtypes()]

    def summary(self, choice: str) -> str:
        """The numbers of checks of a backend, in a line."""
        counts = self.counts[choice]
        done = sum(counts.values()) - counts["undefined"]
        share = f" ({100 * counts['refused'] / done:.1f} %)" if counts["refused"] else ""
        return (
            f"{counts['passed']} checks passed, {counts['refused']} refused{share}, {counts['failed']} failed; "
            f"{counts['undefined']} of what operations do not define"
        )

    def write(self, terminal: Any) -> None:
        """Show the table: operations that passed in all their dtypes as a number, the others one by one."""
        for target in self.targets:
            rows = list(self.rows(target.choice))
            bad = [(op, states) for op, states in rows if {"refused", "failed"} & set(states)]
            done = sum(1 for _, states in rows if any(states))
            terminal.section(f"conformance of {target}", sep="-")
            for line in self._figures(target):
                terminal.write_line(line)
            if done > len(bad):
                terminal.write_line(f"{done - len(bad)} of {done} operations passed in every dtype that they define")
            self._write_rows(terminal, bad)
            for state, op, dtypes, why in self._grouped(target.choice):
                if state == "refused":  # pytest tells the others
                    terminal.write_line(f"refused: {op}, {dtypes}: {why:.160}")
        for line in self._left():
            terminal.write_line(line)

    def _figures(self, target: Target) -> Iterator[str]:
        """How many checks of a backend came to what, and the dtypes it has not."""
        yield self.summary(target.choice)
        if lacks := [dtype for dtype in _engine.DTYPES if dtype not in target.backend.dtypes]:
            yield f"no dtype {', '.join(lacks)}"

    def _left(self) -> Iterator[str]:
        """What did not run, and why."""
        for name, reason in self.missing.items():
            yield f"not checked: {name} cannot compute here: {reason}"
        if self.left_out:
            total = self.left_out + sum(sum(counts.values()) for counts in self.counts.values())
            yield f"left out by --fraction: {self.left_out} of {total} checks of operations"
        for reason, number in self.skipped.items():
            yield f"skipped {number}: {reason}"

    def _write_rows(self, terminal: Any, rows: Sequence[tuple[str, Sequence[str]]]) -> None:
        if not rows:
            return
        width = max(len(op) for op, _ in rows)
        short = [re.sub("(?<=.)int|loat|omplex", "", dtype) for dtype in self.dtypes()]
        terminal.write_line(f"{'':{width}}  {' '.join(f'{name:>4}' for name in short)}")
        for op, states in rows:
            terminal.write_line(f"{op:{width}}  {' '.join(f'{ASCII[state]:>4}' for state in states)}")
        terminal.write_line("  . passed  r refused  F failed  - means nothing in this dtype")

    def as_data(self) -> dict[str, Any]:
        """All of it, as JSON has it."""
        return {
            "chainrule": cr.__version__,
            "date": self.date,
            "plugins": self.plugins,
            "left_out": self.left_out,
            "unavailable": self.missing,
            "skipped": dict(self.skipped),
            "backends": [
                {
                    "choice": target.choice,
                    "version": target.backend.version,
                    "checks": dict(self.counts[target.choice]),
                    "ops": {
                        op: {
                            dtype: {"state": state, "reasons": self.reasons.get((target.choice, op, dtype), {})}
                            for dtype, state in zip(self.dtypes(), states, strict=True)
                            if state
                        }
                        for op, states in self.rows(target.choice)
                    },
                }
                for target in self.targets
            ],
        }

    def save(self, path: Path) -> None:
        """Write the table in the format that the file's name says."""
        text = {".json": self._json, ".md": self._markdown, ".html": self._html}[self.format_of(path.name)]()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def _json(self) -> str:
        return json.dumps(self.as_data(), indent=1) + "\n"

    def _markdown(self) -> str:
        lines = [f"# Conformance of {', '.join(map(str, self.targets))}", "", f"{self._subject()}.", ""]
        lines += ["✓ passed · `r` refused · `F` failed · a dot: the operation means nothing in this dtype", ""]
        lines += [*(f"- {line}" for line in self._left()), ""]
        for target in self.targets:
            lines += [f"## {target}", "", *(f"- {line}" for line in self._figures(target)), ""]
            lines += ["| operation | " + " | ".join(self.dtypes()) + " |", "|---" * (1 + len(self.dtypes())) + "|"]
            for op, states in self.rows(target.choice):
                if any(states):
                    lines.append(f"| `{op}` | " + " | ".join(MARKS[state] for state in states) + " |")
            grouped = self._grouped(target.choice)
            lines += ["", *(f"- {state}: `{op}`, {dtypes}: {why}" for state, op, dtypes, why in grouped), ""]
        return re.sub("\n{3,}", "\n\n", "\n".join(lines).rstrip()) + "\n"

    def _html(self) -> str:
        title = f"Conformance of {', '.join(map(str, self.targets))}"
        paragraphs = [self._subject(), *self._left()]
        body = [f"<h1>{html.escape(title)}</h1>", *(f"<p>{html.escape(line)}</p>" for line in paragraphs)]
        for target in self.targets:
            body.append(f"<h2>{html.escape(str(target))}</h2>")
            body += [f"<p>{html.escape(line)}</p>" for line in self._figures(target)]
            body.append("<table><tr><th></th>" + "".join(f"<th>{d}</th>" for d in self.dtypes()) + "</tr>")
            for op, states in self.rows(target.choice):
                if any(states):
                    cells = "".join(
                        f'<td class="{state}" title="{html.escape(self._why((target.choice, op, dtype)), quote=True)}">'
                        f"{MARKS[state]}</td>"
                        for dtype, state in zip(self.dtypes(), states, strict=True)
                    )
                    body.append(f"<tr><th>{html.escape(op)}</th>{cells}</tr>")
            body.append("</table>")
        return PAGE.format(body="\n".join(body))

    def _subject(self) -> str:
        """What was checked, and when."""
        return f"chainrule {cr.__version__}, {self.date}: operations of {', '.join(self.plugins)}"

    def _why(self, cell: Cell) -> str:
        """The reasons, and where they are not of all checks, which ones they are of."""
        checks: dict[str, list[str]] = {}
        for check, reason in self.reasons.get(cell, {}).items():
            checks.setdefault(reason, []).append(check)
        if len(checks) == 1 and cell not in self.partly:
            return next(iter(checks))
        return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in checks.items())

    def _grouped(self, choice: str) -> Iterator[tuple[str, str, str, str]]:
        """What was refused or failed: the state, the operation, the dtypes that have the same reasons, and those."""
        for op in self.ops:
            groups: dict[tuple[str, str], list[str]] = {}
            for dtype in self.dtypes():
                if (cell := (choice, op, dtype)) in self.reasons:
                    groups.setdefault((self.cells[cell], self._why(cell)), []).append(dtype)
            for (state, why), dtypes in groups.items():
                yield state, op, ", ".join(dtypes), why


def _reason(report: pytest.TestReport) -> str:
    """Why a test was skipped or failed, in a line."""
    if report.outcome == "skipped" and isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ")
    crash = getattr(report.longrepr, "reprcrash", None)
    return "" if report.outcome == "passed" else " ".join(str(getattr(crash, "message", report.longrepr)).split())[:300]


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Conformance of chainrule's backends</title>
<style>
body {{ font: 14px sans-serif; margin: 2em }}
table {{ border-collapse: collapse }}
th {{ font-weight: normal; text-align: left; padding: 0 .6em }}
td {{ text-align: center; border: 1px solid #ddd }}
.passed {{ background: #d7f0d7 }} .refused {{ background: #fbe8b6 }} .failed {{ background: #f4b6b6 }}
</style></head><body>
{body}
</body></html>
"""
