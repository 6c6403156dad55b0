"""The stand-in's own tests, which run where its plugin is active: `python -m pytest -p tests.cupy_on_cpu.plugin`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from tests.cupy_on_cpu import activation
from tests.cupy_on_cpu.options import ROOT

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.File | None:
    return None if activation.is_active() else _Skipped.from_parent(parent, path=module_path)


class _Skipped(pytest.File):
    """A file of tests that is not even read."""

    def collect(self) -> NoReturn:
        pytest.skip("needs CuPy on the CPU: python -m pytest -p tests.cupy_on_cpu.plugin", allow_module_level=True)


@pytest.fixture
def run_program() -> Run:
    """Run a program, to which CuPy on the stand-in is `cp`, in a process of its own under these variables."""
    begin = "import numpy as np\nfrom tests.cupy_on_cpu.activation import activate\ncp = activate()\n"

    def run(program: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return _run("-c", begin + program, **variables)

    return run


@pytest.fixture
def run_pytest() -> Run:
    """Run pytest on the stand-in in a process of its own, with arguments `before` its plugin, under these variables."""

    def run(*arguments: str, before: tuple[str, ...] = (), **variables: str) -> subprocess.CompletedProcess[str]:
        plugins = (*before, "-p", "tests.cupy_on_cpu.plugin", "-p", "no:cacheprovider")
        return _run("-m", "pytest", *plugins, *arguments, **variables)

    return run


def _run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | variables,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
