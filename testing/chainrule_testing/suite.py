"""pytest's side of the kit: options, what tests are made for, and the report."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import chainrule as cr
from chainrule_testing._checks import CHECKS
from chainrule_testing._report import Report
from chainrule_testing._targets import Target, at_hand, overrides_of, own_plugins, samples_of, target

PACKAGE = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("chainrule", "conformance of chainrule's backends and plugins")
    group.addoption(
        "--backend",
        action="append",
        default=[],
        metavar="NAME[:DEVICE]",
        help="a backend to check, such as cupy:1; may be given again. By default the one in force; with --plugin, all",
    )
    group.addoption(
        "--plugin",
        action="append",
        default=[],
        metavar="NAME",
        help="check the operations of this plugin instead of the backends themselves; may be given again",
    )
    group.addoption(
        "--op", action="append", default=[], metavar="NAME", help="of the operations only this one; may be given again"
    )
    group.addoption(
        "--fraction",
        type=float,
        default=1.0,
        metavar="F",
        help="do this part of the checks of operations, the same ones each time (default 1)",
    )
    group.addoption(
        "--steps",
        type=int,
        default=10_000,
        metavar="N",
        help="for how many steps of training memory has to be steady (default 10000)",
    )
    group.addoption(
        "--report",
        action="append",
        default=[],
        metavar="FILE",
        help="save the table of operations and dtypes as .json, .md or .html; may be given again",
    )


class Run:
    """What this run is about.

    Attributes:
        targets: the backends and devices.
        missing: the backends that cannot compute here, with the reason.
        plugins: whose operations are checked.
        samples: the operations.
        without: the operations that have no samples.
        overrides: their named gradients.
        whole: whether the backends themselves are checked too.
    """

    def __init__(self, config: pytest.Config) -> None:
        backends, plugins = config.getoption("backend"), config.getoption("plugin")
        try:
            if backends or not plugins:
                self.targets = [target(choice) for choice in backends or [cr.get_backend().name]]
                self.missing: dict[str, str] = {}
            else:
                self.targets, self.missing = at_hand()
            self.plugins = plugins or own_plugins()
            self.samples, self.without = samples_of(self.plugins)
            chosen = config.getoption("op")
            unknown = [op for op in chosen if op not in self.samples]
            if unknown:
                raise pytest.UsageError(f"--op {', '.join(unknown)}: no such operation of {', '.join(self.plugins)}")
            if chosen:
                self.samples = {op: samples for op, samples in self.samples.items() if op in chosen}
        except cr.ChainruleError as error:
            raise pytest.UsageError(str(error)) from error
        self.overrides = [] if config.getoption("op") else overrides_of(self.plugins)
        self.whole = not plugins

    def lines(self) -> list[str]:
        """What is checked, for the top of a run."""
        where = ", ".join(map(str, self.targets)) or "no backend"
        what = f"{len(self.samples)} operations of {', '.join(self.plugins)}"
        return [f"chainrule {cr.__version__}: {what} on {where}"]


RUN: pytest.StashKey[Run] = pytest.StashKey()
REPORT: pytest.StashKey[Report] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    if not 0 < config.getoption("fraction") <= 1:
        raise pytest.UsageError("--fraction is a number above 0, and at most 1")
    for name in config.getoption("report"):
        Report.format_of(name)
    config.stash[RUN] = run = Run(config)
    config.stash[REPORT] = report = Report(run.targets, list(run.samples), run.plugins, run.missing)
    config.pluginmanager.register(report, "chainrule_testing_report")


def pytest_report_header(config: pytest.Config) -> list[str]:
    return config.stash[RUN].lines()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With `--plugin` the backends themselves are no subject."""
    mine = collection_path.parent == PACKAGE and collection_path.name.startswith("test_")
    return True if mine and collection_path.name != "test_ops.py" and not config.stash[RUN].whole else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if not metafunc.module.__name__.startswith("chainrule_testing."):
        return
    run = metafunc.config.stash[RUN]
    if "samples" in metafunc.fixturenames:
        cases = []
        for place in run.targets:
            for op, source in run.samples.items():
                for check in CHECKS:
                    for dtype in [str(d) for d in place.backend.dtypes if check.dtypes is None or d in check.dtypes]:
                        samples = check.samples(source, op, dtype)
                        if samples or check.name == "value":
                            name = f"{place.choice}-{op}-{dtype}-{check.name}".replace(" ", "_")
                            cases.append(pytest.param(place, check, samples, id=name))
        metafunc.parametrize(("place", "check", "samples"), cases)
    elif "override" in metafunc.fixturenames:
        known = samples_of([*own_plugins(), *run.plugins])[0] if run.overrides else {}
        metafunc.parametrize(
            ("place", "override", "override_samples"),
            [
                pytest.param(place, override, known.get(override.op), id=f"{place.choice}-{override}")
                for place in run.targets
                for override in run.overrides
            ],
        )
    elif "place" in metafunc.fixturenames:
        metafunc.parametrize("place", run.targets, ids=[place.choice for place in run.targets])


@pytest.fixture
def backend(place: Target) -> Iterator[cr.Backend]:
    """The backend and device in force for the test."""
    with cr.use_backend(place.choice) as backend:
        yield backend


@pytest.fixture
def steps(request: pytest.FixtureRequest) -> int:
    """For how many steps memory has to be steady."""
    number: int = request.config.getoption("steps")
    return number


@pytest.fixture
def operations_without_samples(request: pytest.FixtureRequest) -> list[str]:
    """The operations that have no samples."""
    return request.config.stash[RUN].without


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    kept: list[pytest.Item] = []
    left: list[pytest.Item] = []
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        if "samples" in parameters:
            check, samples, place = parameters["check"], parameters["samples"], parameters["place"]
            op, dtype = samples[0].op, samples[0].kind
            item.user_properties.append(("conformance", (place.choice, op, dtype, check.name)))
            share = zlib.crc32(item.nodeid.encode()) / 2**32
            (kept if share < config.getoption("fraction") else left).append(item)
        elif config.stash[RUN].overrides or "override" not in getattr(item, "fixturenames", ()):
            kept.append(item)
    items[:] = kept
    if left:
        config.hook.pytest_deselected(items=left)
        config.stash[REPORT].left_out = len(left)
        if hasattr(config, "workeroutput"):  # of pytest-xdist, where the report is made in another process
            config.workeroutput["left_out"] = len(left)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    node.config.stash[REPORT].left_out = getattr(node, "workeroutput", {}).get("left_out", 0)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    report = config.stash[REPORT]
    report.write(terminalreporter)
    for name in config.getoption("report"):
        report.save(Path(name))
        terminalreporter.write_line(f"saved {name}")
