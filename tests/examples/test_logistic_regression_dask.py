"""Logistic regression on a cluster of two workers, each with less memory than the data take."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("distributed", reason="Dask's clusters are not installed; pip install 'chainrule[dask]'")

PROGRAM = Path(__file__).parents[2] / "examples" / "logistic_regression_dask.py"


def test_data_larger_than_a_workers_memory_give_the_answer_in_memory() -> None:
    done = subprocess.run([sys.executable, PROGRAM], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    megabytes, limit = map(int, re.findall(r"(\d+) MB", done.stdout))
    assert megabytes > limit
    found = re.search(r"largest difference from the answer in memory: (\S+)", done.stdout)
    assert found
    assert float(found[1]) < 1e-8
    assert "exceeded 95% memory" not in done.stderr  # no worker was ended and its work done again
