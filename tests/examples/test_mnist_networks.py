"""The networks among the MNIST examples: short, and learning. Their full runs take a minute, and are not for here."""

import numpy as np
import pytest
from tests.examples.loading import FOLDER, load

import chainrule as cr

# Steps to take, and the accuracy that is then exceeded, whatever the seed.
NETWORKS = {"mnist_mlp": (150, 0.90), "mnist_cnn": (40, 0.80)}


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHAINRULE_DATA", raising=False)


@pytest.mark.parametrize("name", NETWORKS)
def test_learns(name: str) -> None:
    steps, least = NETWORKS[name]
    losses, accuracy = load(name).train(steps, seed=3)
    assert len(losses) == steps
    assert np.log(10) / 2 < losses[0] < 10  # before it has learnt anything
    assert np.mean(losses[-10:]) < 0.35 * np.mean(losses[:3])
    assert accuracy > least


@pytest.mark.parametrize("name", NETWORKS)
def test_same_seed_same_run(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    all_of_them = cr.datasets.mnist()
    images, labels = all_of_them.train_images, all_of_them.train_labels
    few = cr.datasets.Mnist(images[:500], labels[:500], images[500:600], labels[500:600], "a few")
    monkeypatch.setattr(cr.datasets, "mnist", lambda: few)
    train = load(name).train
    first, again, other = (train(3, seed)[0] for seed in (0, 0, 1))
    np.testing.assert_allclose(first, again, rtol=1e-5)
    assert not np.allclose(first, other, rtol=1e-3)


@pytest.mark.parametrize("name", NETWORKS)
def test_main_prints_the_accuracy(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = load(name)
    module.train = lambda steps, seed: ([], 0.9 if (steps, seed) == (7, 2) else 0.1)
    module.main(7, 2)
    assert capsys.readouterr().out == "accuracy on the 10,000 test images: 0.9000\n"


@pytest.mark.parametrize("name", NETWORKS)
def test_is_short(name: str) -> None:
    assert len((FOLDER / f"{name}.py").read_text().splitlines()) < 70
