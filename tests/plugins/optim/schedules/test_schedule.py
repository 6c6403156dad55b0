"""What all schedules share: the step they take, repr, equality, checks, and tensors without values."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr

schedules = cr.optim.schedules
ALL: list[Any] = [
    schedules.Constant(0.1),
    schedules.Exponential(0.1, 7, 0.9),
    schedules.Exponential(0.1, 7, 0.9, staircase=True),
    schedules.NaturalExp(0.1, 7, 0.9),
    schedules.InverseTime(0.1, 7, 0.9, staircase=True),
    schedules.Polynomial(0.1, 7, 0.01, 2.0),
    schedules.Polynomial(0.1, 7, 0.01, 0.5, cycle=True),
    schedules.PiecewiseConstant([3, 9], [0.1, 0.2, 0.3]),
    schedules.Cosine(0.1, 7, 0.01),
    schedules.CosineRestarts(0.1, 5),
    schedules.CosineRestarts(0.1, 5, longer=1.0, lower=0.5, end=0.01),
    schedules.CosineRestarts(0.1, 2, longer=3.0),
    schedules.OneCycle(0.1, 15),
    schedules.WarmUp(4, schedules.Cosine(0.1, 7)),
    schedules.WarmUp(4, 0.1, start=0.01),
    schedules.Join([0.1, schedules.Exponential(0.1, 7, 0.9), 0.2], [3, 8]),
]


@pytest.mark.parametrize("schedule", ALL, ids=repr)
def test_tensors_and_variables_give_what_numbers_give(schedule: Any) -> None:
    for step in range(21):
        expected = schedule(step)
        assert type(expected) is float
        for given in (cr.tensor(step), cr.Variable(step, trainable=False), cr.tensor(step, "int32"), np.int64(step)):
            assert float(schedule(given)) == pytest.approx(expected, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("schedule", ALL, ids=repr)
def test_a_step_without_a_value(schedule: Any, traced: Callable[[], Any]) -> None:
    step = cr.tensor(5)
    with traced():
        rate = schedule(step)
    if type(rate) is not float:
        assert (rate.shape, rate.dtype) == ((), "float64")
    assert float(rate) == pytest.approx(schedule(5), rel=1e-12)


@pytest.mark.parametrize("schedule", ALL, ids=repr)
def test_repr_makes_it_again(schedule: Any) -> None:
    again = eval(repr(schedule), {name: getattr(schedules, name) for name in schedules.__all__})
    assert again == schedule
    assert hash(again) == hash(schedule)


@pytest.mark.parametrize(
    ("step", "error", "message"),
    [
        (-1, cr.ArgumentError, "Constant: expected a step >= 0, got -1"),
        (float("nan"), cr.ArgumentError, "expected a step >= 0, got nan"),
        (True, cr.DTypeError, "Constant: expected the step as a number or 0-d tensor, got bool"),
        ("3", cr.DTypeError, "got str '3'"),
        (cr.tensor([1, 2]), cr.ShapeError, r"expected the step as one number, got shape \(2,\)"),
    ],
)
def test_steps_of_another_kind(step: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        schedules.Constant(0.1)(step)


def test_nothing_can_be_changed() -> None:
    with pytest.raises(AttributeError):
        schedules.Constant(0.1).rate = 0.2


def test_one_of_your_own() -> None:
    class Halving(schedules.Schedule):
        def at(self, t: Any) -> Any:
            return 0.5**t

    assert Halving()(3) == 0.125
    assert schedules.WarmUp(2, Halving())(3) == 0.5


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: schedules.Constant(-1), cr.ArgumentError, "^Constant: rate: expected a finite number >= 0, got -1"),
        (lambda: schedules.Exponential(0.1, 0, 0.5), cr.ArgumentError, "Exponential: decay_steps: .* > 0, got 0"),
        (lambda: schedules.Exponential(0.1, 9, "a"), cr.DTypeError, "Exponential: decay_rate: expected a number"),
        (lambda: schedules.NaturalExp(0.1, 9, 1, 1), cr.DTypeError, "NaturalExp: staircase: expected True or False"),
        (lambda: schedules.Polynomial(0.1, 9, power=0), cr.ArgumentError, "Polynomial: power: .* > 0"),
        (lambda: schedules.PiecewiseConstant([3], [1.0]), cr.ArgumentError, "one boundary .* got 1 for 1"),
        (lambda: schedules.PiecewiseConstant([3, 3], [1, 1, 1]), cr.ArgumentError, r"that rise, got \[3, 3\]"),
        (lambda: schedules.PiecewiseConstant([0], [1, 1]), cr.ArgumentError, r"boundaries\[0\]: .* integer >= 1"),
        (lambda: schedules.PiecewiseConstant([1.5], [1, 1]), cr.DTypeError, r"boundaries\[0\]: expected an integer"),
        (lambda: schedules.PiecewiseConstant([1], [1, -1]), cr.ArgumentError, r"PiecewiseConstant: values\[1\]: "),
        (lambda: schedules.CosineRestarts(0.1, 9, longer=0.5), cr.ArgumentError, "longer: .* >= 1, got 0.5"),
        (lambda: schedules.OneCycle(0.1, 3), cr.ArgumentError, "OneCycle: 0.3 of 3 steps is less than the two"),
        (lambda: schedules.OneCycle(0.1, 30, rising=1.0), cr.ArgumentError, "OneCycle: rising: .* > 0 and < 1"),
        (lambda: schedules.WarmUp(0, 0.1), cr.ArgumentError, "WarmUp: steps: expected an integer >= 1"),
        (lambda: schedules.WarmUp(3, lambda t: 1.0), cr.DTypeError, "WarmUp: after: expected a schedule"),
        (lambda: schedules.Join([0.1, "a"], [3]), cr.DTypeError, r"Join: schedules\[1\]: expected a number"),
        (lambda: schedules.Join([], []), cr.ArgumentError, "Join: expected one boundary .* got 0 for 0"),
    ],
)
def test_arguments_are_checked(make: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()
