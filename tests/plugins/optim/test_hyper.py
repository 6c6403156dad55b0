"""Hyper-parameters: what is accepted, what is refused, and schedules."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr

optim = cr.optim


@pytest.mark.parametrize("value", [0, 0.5, np.float32(0.5), np.int64(1), np.array(0.5), cr.tensor(0.5)])
def test_numbers_of_any_library(value: Any) -> None:
    optimizer = optim.GradientDescent(value)
    assert type(optimizer.learning_rate) is float
    assert optimizer.learning_rate == float(value)


@pytest.mark.parametrize("value", ["0.1", None, True, 1j, [0.1], np.array([0.1]), b"1"])
def test_what_is_no_number(value: Any) -> None:
    with pytest.raises(cr.DTypeError, match=r"^GradientDescent: learning_rate: expected a number, got "):
        optim.GradientDescent(value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: optim.GradientDescent(-0.1),
            "^GradientDescent: learning_rate: .* >= 0, got -0.1$",
        ),
        (lambda: optim.GradientDescent(math.nan), "learning_rate: expected a finite number >= 0, got nan"),
        (lambda: optim.GradientDescent(math.inf), "learning_rate: .* got inf"),
        (lambda: optim.Momentum(0.1, 1.1), r"^Momentum: momentum: expected a finite number >= 0 and <= 1, got 1.1$"),
        (lambda: optim.Momentum(0.1, -0.1), "Momentum: momentum"),
        (lambda: optim.Adam(beta1=1.0), r"^Adam: beta1: expected a finite number >= 0 and < 1, got 1.0$"),
        (lambda: optim.Adam(beta2=-1e-9), "Adam: beta2"),
        (lambda: optim.Adam(epsilon=-1e-8), "Adam: epsilon: expected a finite number >= 0"),
        (lambda: optim.Adam(name=""), "Adam: name: expected a non-empty string, got ''"),
    ],
)
def test_out_of_range(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(cr.ArgumentError, match=message):
        make()


def test_nesterov_is_true_or_false() -> None:
    with pytest.raises(cr.DTypeError, match=r"^Momentum: nesterov: expected True or False, got float 0.9$"):
        optim.Momentum(0.1, 0.9, 0.9)  # type: ignore[arg-type]  # the wrong type is the test


def test_hyper_parameters_are_checked_when_they_change() -> None:
    optimizer = optim.Momentum(0.1, 0.9)
    with pytest.raises(cr.ArgumentError, match="momentum"):
        optimizer.momentum = 2.0
    assert optimizer.momentum == 0.9
    optimizer.learning_rate = 0.5
    w = cr.Variable(1.0)
    optimizer.apply_gradients([(1.0, w)])
    assert float(w.numpy()) == 0.5


def test_a_schedule_gets_the_number_of_steps_before() -> None:
    seen: list[int] = []

    def rate(step: int) -> float:
        seen.append(step)
        return 1.0 / (step + 1)

    w = cr.Variable(0.0)
    optimizer = optim.GradientDescent(rate)
    for _ in range(3):
        optimizer.apply_gradients([(1.0, w), (1.0, cr.Variable(0.0))])
    assert seen == [0, 1, 2]
    assert float(w.numpy()) == pytest.approx(-(1 + 1 / 2 + 1 / 3))


@pytest.mark.parametrize(
    ("given", "error"), [(math.nan, cr.ArgumentError), (-1.0, cr.ArgumentError), ("a", cr.DTypeError)]
)
def test_a_schedule_that_gives_nonsense(given: Any, error: type[Exception]) -> None:
    w = cr.Variable(1.0)
    optimizer = optim.Adam(lambda step: given)
    with pytest.raises(error, match=r"^learning_rate\(0\): expected a"):
        optimizer.apply_gradients([(1.0, w)])
    assert float(w.numpy()) == 1.0
    assert int(optimizer.iterations.numpy()) == 0
    assert optimizer.get_slot_names() == []
