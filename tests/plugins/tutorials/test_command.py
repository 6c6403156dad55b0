"""`chainrule mnist`: what it prints, what it saves, and what it says when it cannot."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chainrule_datasets import Mnist
from chainrule_tutorials import MODES, Settings, train


def test_output(chainrule_mnist: Callable[..., tuple[int, str, str]], data: str) -> None:
    status, out, err = chainrule_mnist("--data", data, "--steps", "40", "--batch", "10", "--seed", "7")
    assert status == 0
    lines = out.splitlines()
    assert lines[0] == f"MNIST digits: 30 to learn from, 10 to test on ({data})"
    assert lines[1] == "40 steps of gradient-descent, learning rate 0.5, batches of 10, seed 7, mode tape, on numpy"
    assert re.fullmatch(r"accuracy on the 10 test images: 1\.0000 \(\d+\.\d s\)", lines[2])
    assert lines[3:] == ["saved mnist-weights.png", "saved mnist-loss.png"]
    assert [line[:4] for line in err.splitlines()] == [" 25%", " 50%", " 75%", "100%"]


def test_pictures_in_a_new_folder(
    chainrule_mnist: Callable[..., tuple[int, str, str]], data: str, png_size: Callable[[Path], tuple[int, int]]
) -> None:
    status, out, _ = chainrule_mnist("--data", data, "--steps", "2", "--batch", "10", "--pictures", "new/folder")
    assert status == 0
    for name in ("mnist-weights.png", "mnist-loss.png"):
        path = Path("new", "folder", name)
        assert f"saved {path}" in out.splitlines()
        assert png_size(path)


@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_options_reach_the_training(
    chainrule_mnist: Callable[..., tuple[int, str, str]], digits: Mnist, data: str, optimizer: str
) -> None:
    status, out, err = chainrule_mnist(
        *("--data", data, "--steps", "3", "--batch", "4", "--seed", "5"),
        *("--optimizer", optimizer, "--learning-rate", "0.02", "--backend", "numpy"),
    )
    expected = train(digits, Settings(optimizer, learning_rate=0.02, steps=3, batch=4, seed=5))
    assert status == 0
    assert f"3 steps of {optimizer}, learning rate 0.02, batches of 4, seed 5, mode tape, on numpy" in out
    assert f"accuracy on the 10 test images: {expected.accuracy:.4f}" in out
    assert err.splitlines()[-1] == f"100%  step 3 of 3  loss {expected.losses[-1]:.3f}"


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_trains(chainrule_mnist: Callable[..., tuple[int, str, str]], data: str, mode: str) -> None:
    status, out, err = chainrule_mnist("--data", data, "--steps", "40", "--batch", "10", "--mode", mode)
    assert status == 0
    assert f"batches of 10, seed 0, mode {mode}, on numpy" in out
    assert "accuracy on the 10 test images: 1.0000 (" in out
    assert [line[:4] for line in err.splitlines()] == [" 25%", " 50%", " 75%", "100%"]


def test_embedded_digits_by_default(chainrule_mnist: Callable[..., tuple[int, str, str]]) -> None:
    status, out, _ = chainrule_mnist("--steps", "1")
    assert status == 0
    assert out.startswith("MNIST digits: 20,000 to learn from, 10,000 to test on (embedded: ")
    assert "accuracy on the 10,000 test images: 0." in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--optimizer", "sgd"], "optimizer: expected one of gradient-descent, momentum, adam, got 'sgd'"),
        (["--mode", "eager"], "mode: expected one of tape, functional, graph, function, got 'eager'"),
        (["--learning-rate", "0"], "learning rate: expected a number greater than 0, got 0.0"),
        (["--steps", "0"], "steps: expected a whole number of at least 1, got 0"),
        (["--batch", "0"], "batch: expected a whole number of at least 1, got 0"),
        (["--batch", "20001"], "batch: expected at most 20,000, the training images, got 20,001"),
        (["--seed", "-1"], "seed: expected a whole number of at least 0, got -1"),
        (["--backend", "abacus"], "no backend 'abacus'"),
        (["--data", "missing.npz"], "expected an .npz file or a folder of IDX files, got nothing at that path"),
    ],
)
def test_refused(chainrule_mnist: Callable[..., tuple[int, str, str]], arguments: list[str], message: str) -> None:
    status, out, err = chainrule_mnist(*arguments)
    assert status == 1
    assert err.startswith("chainrule: ")
    assert message in err
    assert "Traceback" not in err
    assert "accuracy" not in out
    assert not list(Path().glob("*.png"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--steps", "many"], "argument --steps: invalid int value: 'many'"),
        (["--batch", "1.5"], "argument --batch: invalid int value: '1.5'"),
        (["--seed", "x"], "argument --seed: invalid int value: 'x'"),
        (["--learning-rate", "fast"], "argument --learning-rate: invalid float value: 'fast'"),
    ],
)
def test_no_number(chainrule_mnist: Callable[..., tuple[int, str, str]], arguments: list[str], message: str) -> None:
    status, _, err = chainrule_mnist(*arguments)
    assert status == 2
    assert message in err


def test_pictures_folder_that_is_a_file(chainrule_mnist: Callable[..., tuple[int, str, str]], data: str) -> None:
    status, out, err = chainrule_mnist("--pictures", data)
    assert (status, out) == (1, "")  # found before anything is loaded or learned
    assert err.startswith(f"chainrule: --pictures: {data} cannot be a folder: ")


def test_without_matplotlib(
    chainrule_mnist: Callable[..., tuple[int, str, str]], data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "chainrule_tutorials._pictures", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    status, out, err = chainrule_mnist("--data", data, "--steps", "2", "--batch", "10")
    assert status == 0
    assert "accuracy on the 10 test images" in out
    assert "saved" not in out
    last = err.splitlines()[-1]
    assert last.startswith("no pictures: Matplotlib does not import (")
    assert last.endswith("; install it: pip install 'chainrule[plot]'")
    assert not list(Path().glob("*.png"))


def test_help_names_every_option(chainrule_mnist: Callable[..., tuple[int, str, str]]) -> None:
    status, out, _ = chainrule_mnist("--help")
    assert status == 0
    for option in ("backend", "mode", "steps", "optimizer", "learning-rate", "data", "seed", "batch", "pictures"):
        assert f"--{option} " in out
    words = " ".join(out.split())
    assert "0.5 for gradient-descent" in words
    for mode, what in MODES.items():
        assert f"{mode}: {what}" in words
    assert "(default: tape)" in words
