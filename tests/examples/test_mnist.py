"""The MNIST examples: short, right, and the same program as `chainrule mnist` in other words."""

import re
import subprocess
import sys

import numpy as np
import pytest
from tests.examples.loading import FOLDER, load

import chainrule as cr
from chainrule_tutorials import Settings, train

NAMES = ("mnist_tape", "mnist_functional", "mnist_graph", "mnist_compiled")


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHAINRULE_DATA", raising=False)


@pytest.mark.parametrize("name", NAMES)
def test_runs_as_a_program(name: str) -> None:
    path = FOLDER / f"{name}.py"
    assert len(path.read_text().splitlines()) < 50
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=True)
    found = re.fullmatch(r"accuracy on the 10,000 test images: (0\.\d{4})\n", done.stdout)
    assert found
    assert 0.905 <= float(found[1]) <= 0.93  # the best that a linear model does on these digits
    assert done.stderr == ""


@pytest.mark.parametrize("name", NAMES)
def test_learns_what_the_command_learns(name: str) -> None:
    # 250 steps of 100 go past the end of an epoch of 200.
    weights, biases, accuracy = load(name).train(steps=250, seed=4)
    expected = train(cr.datasets.mnist(), Settings(steps=250, seed=4))
    np.testing.assert_allclose(weights, expected.weights, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(biases, expected.biases, rtol=1e-5, atol=1e-6)
    assert accuracy == pytest.approx(expected.accuracy, abs=2e-4)  # two images of 10,000 may fall on an edge
    assert np.abs(weights).max() > 0.1
