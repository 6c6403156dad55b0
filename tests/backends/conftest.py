"""The backends that the suite runs on, and what the tests of choosing one share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

import chainrule as cr
from chainrule import _backends, _discovery

CHOICES = [
    *("numpy", "array_api_strict", "array_api_strict:device1", "torch", "jax", "dask"),
    pytest.param("cupy", marks=pytest.mark.gpu),
]


@pytest.fixture(params=CHOICES)
def choice(request: pytest.FixtureRequest) -> Iterator[str]:
    """A backend or device, in force for the test; skipped with the backend's own reason where it cannot compute."""
    try:
        scope = cr.use_backend(request.param)
        scope.__enter__()
    except cr.BackendUnavailableError as error:
        pytest.skip(str(error))
    try:
        yield request.param
    finally:
        scope.__exit__(None, None, None)


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """The state of a process that has not used any backend yet; what was there comes back after the test."""
    for name in ("_loaded", "_registered", "_by_type"):
        monkeypatch.setattr(_backends, name, {})
    monkeypatch.setattr(_backends, "_default", None)
    monkeypatch.delenv("CHAINRULE_BACKEND", raising=False)


@pytest.fixture
def installed(fresh: None, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Pretend that these entry points of `chainrule.backends` are installed beside the real ones."""
    real = _discovery.find(_backends.GROUP)

    def install(**values: str | tuple[str, ...]) -> None:
        made_up = {}
        for name, value in values.items():
            each = (value,) if isinstance(value, str) else value
            entries = tuple(_discovery.Entry(name, v) for v in each)
            made_up[name] = _discovery.Found(name, entries)
        monkeypatch.setattr(_discovery, "find", lambda group: {**real, **made_up})

    return install


@pytest.fixture
def run_python() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a line of Python in a process of its own, under environment variables."""

    def run(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("CHAINRULE_")} | variables
        command = [sys.executable, "-W", "error", "-c", code]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)

    return run
