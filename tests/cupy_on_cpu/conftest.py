"""The stand-in's own tests, which run where its plugin is active: `python -m pytest -p tests.cupy_on_cpu.plugin`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cupy_on_cpu import activation

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True, scope="session")
def stand_in() -> None:
    if not activation.is_active():
        pytest.skip("needs CuPy on the CPU: python -m pytest -p tests.cupy_on_cpu.plugin")


@pytest.fixture
def run_on_stand_in() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a program, which finds CuPy on the stand-in as `cp`, in a process of its own with these options."""

    def run(program: str, **variables: str) -> subprocess.CompletedProcess[str]:
        begin = "import numpy as np\nfrom tests.cupy_on_cpu import refusals\n"
        begin += "from tests.cupy_on_cpu.activation import activate\ncp = activate()\n"
        environment = os.environ | variables
        return subprocess.run(
            [sys.executable, "-c", begin + program],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run
