"""Training in every mode: steps against formulas written out by hand, and the accuracy on the real digits."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from numpy.typing import NDArray

import chainrule as cr
from chainrule_datasets import Mnist
from chainrule_tutorials import MODES, OPTIMIZERS, Settings, train
from chainrule_tutorials._modes import LEARN
from chainrule_tutorials._softmax_regression import shuffled

Parameters = tuple[NDArray[np.float64], NDArray[np.float64]]


@pytest.fixture(scope="module")
def mnist() -> Mnist:
    return cr.datasets.mnist()


def by_hand(digits: Mnist, settings: Settings) -> Iterator[tuple[float, Parameters]]:
    """Loss and new parameters of each step, in float64, with the gradient of softmax regression from a textbook."""
    train_x, train_y, _, _ = digits.flat("float64")
    parameters = [np.zeros((784, 10)), np.zeros(10)]
    first, second = ([np.zeros((784, 10)), np.zeros(10)] for _ in range(2))
    batches = shuffled(len(train_x), settings.batch, settings.seed)
    for step, rows in enumerate(islice(batches, settings.steps), 1):
        x, y = train_x[rows], np.eye(10)[train_y[rows]]
        e = np.exp(x @ parameters[0] + parameters[1])
        p = e / e.sum(axis=1, keepdims=True)
        loss = -np.mean(np.sum(y * np.log(p), axis=1))
        gradients = [x.T @ (p - y) / len(x), (p - y).mean(axis=0)]
        for i, g in enumerate(gradients):
            if settings.optimizer == "gradient-descent":
                move = g
            elif settings.optimizer == "momentum":
                move = first[i] = 0.9 * first[i] + g
            else:  # Kingma and Ba, 2015, Algorithm 1
                first[i] = 0.9 * first[i] + 0.1 * g
                second[i] = 0.999 * second[i] + 0.001 * g**2
                move = first[i] / (1 - 0.9**step) / (np.sqrt(second[i] / (1 - 0.999**step)) + 1e-8)
            parameters[i] = parameters[i] - settings.rate * move
        yield float(loss), (parameters[0], parameters[1])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_steps_are_those_made_by_hand(mnist: Mnist, optimizer: str, mode: str) -> None:
    # 37: no digit can come in exactly the tenth part.
    settings = Settings(optimizer, steps=8, batch=37, seed=3, mode=mode)
    losses, parameters = zip(*by_hand(mnist, settings), strict=True)
    trained = train(mnist, settings)
    assert trained.losses[0] == pytest.approx(np.log(10), rel=1e-6)  # all weights zero: ten equal chances
    np.testing.assert_allclose(trained.losses, losses, rtol=1e-4)
    # Adam divides by the size of the gradient: where that is close to 0, little is left of float32's digits.
    tolerance = 1e-3 if optimizer == "adam" else 1e-5
    np.testing.assert_allclose(trained.weights, parameters[-1][0], rtol=1e-4, atol=tolerance)
    np.testing.assert_allclose(trained.biases, parameters[-1][1], rtol=1e-4, atol=tolerance)
    assert np.abs(trained.weights).max() > 0.03
    assert trained.weights.dtype == trained.biases.dtype == np.float32


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_mode_learns_the_same(mnist: Mnist, optimizer: str, mode: str) -> None:
    settings = Settings(optimizer, steps=8, batch=37, seed=3)
    expected, trained = train(mnist, settings), train(mnist, replace(settings, mode=mode))
    np.testing.assert_allclose(trained.weights, expected.weights, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(trained.biases, expected.biases, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(trained.losses, expected.losses, rtol=1e-6)


def test_every_mode_has_a_program_and_a_description() -> None:
    assert list(LEARN) == list(MODES)
    assert all(MODES.values())


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_recognises_as_much(mnist: Mnist, mode: str) -> None:
    # What 1,000 steps with seed 0 come to; three images of 10,000 may fall on an edge.
    assert train(mnist, Settings(mode=mode)).accuracy == pytest.approx(0.9155, abs=3e-4)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_accuracy_on_the_official_test_set(mnist: Mnist, optimizer: str) -> None:
    trained = train(mnist, Settings(optimizer))
    _, _, test_x, test_y = mnist.flat()
    guesses = np.argmax(test_x @ trained.weights + trained.biases, axis=1)
    assert trained.accuracy == np.mean(guesses == test_y)
    assert trained.accuracy >= 0.905
    assert len(test_y) == 10_000


def test_accuracy_counts_what_is_right(digits: Mnist) -> None:
    settings = Settings(steps=30, batch=10)
    assert train(digits, settings).accuracy == 1.0
    labels = digits.test_labels.copy()
    labels[:3] = (labels[:3] + 1) % 10
    assert train(replace(digits, test_labels=labels), settings).accuracy == 0.7


@pytest.mark.parametrize("mode", MODES)
def test_seed_decides_the_run(digits: Mnist, mode: str) -> None:
    one, again, other = (train(digits, Settings(steps=4, batch=7, seed=seed, mode=mode)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.weights, again.weights)
    assert one.losses == again.losses
    assert one.losses != other.losses


@pytest.mark.parametrize("mode", MODES)
def test_each_step_is_reported(digits: Mnist, mode: str) -> None:
    seen: list[tuple[int, float]] = []
    trained = train(digits, Settings(steps=3, batch=5, mode=mode), lambda step, loss: seen.append((step, loss)))
    assert seen == list(enumerate(trained.losses, 1))
    assert len(seen) == 3


@pytest.mark.parametrize("mode", MODES)
def test_other_backends_learn_the_same(digits: Mnist, mode: str) -> None:
    settings = Settings(steps=5, batch=10, mode=mode)
    here = train(digits, settings)
    try:
        with cr.use_backend("array_api_strict"):
            there = train(digits, settings)
    except cr.BackendUnavailableError as error:
        pytest.skip(str(error))
    np.testing.assert_allclose(there.weights, here.weights, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(there.losses, here.losses, rtol=1e-5)
    assert there.accuracy == here.accuracy


def test_batch_larger_than_the_training_set(digits: Mnist) -> None:
    with pytest.raises(cr.ArgumentError, match=r"^batch: expected at most 30, the training images, got 31$"):
        train(digits, Settings(batch=31))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # the overflow that the error is about
@pytest.mark.parametrize("mode", MODES)
def test_loss_that_is_no_number(digits: Mnist, mode: str) -> None:
    message = (
        r"the loss is (nan|inf) at step \d+: the learning rate 1e\+39 of gradient-descent is too large; try 1e\+38"
    )
    with pytest.raises(cr.NumericsError, match=message):
        train(digits, Settings(learning_rate=1e39, steps=20, batch=10, mode=mode))


def test_every_epoch_shows_every_image_once_in_a_new_order() -> None:
    batches = shuffled(12, 4, seed=0)
    epochs = [np.concatenate(list(islice(batches, 3))) for _ in range(3)]
    for epoch in epochs:
        assert sorted(epoch) == list(range(12))
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_what_does_not_fill_a_batch_is_left_out() -> None:
    batches = list(islice(shuffled(11, 4, seed=0), 4))
    assert [len(rows) for rows in batches] == [4, 4, 4, 4]
    assert len({*batches[0], *batches[1]}) == 8
