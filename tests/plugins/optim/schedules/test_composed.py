"""Schedules of schedules: each counts its steps from where it begins."""

import pytest

import chainrule as cr

schedules = cr.optim.schedules


def test_warm_up_then_decay() -> None:
    decay = schedules.Polynomial(1.0, 4)
    rate = schedules.WarmUp(4, decay)
    assert [rate(t) for t in range(9)] == [0.0, 0.25, 0.5, 0.75, *(decay(t) for t in range(5))]


def test_join() -> None:
    rate = schedules.Join([schedules.WarmUp(2, 1.0), schedules.Exponential(1.0, 1, 0.5), 0.125], [3, 6])
    assert [rate(t) for t in range(8)] == [0.0, 0.5, 1.0, 1.0, 0.5, 0.25, 0.125, 0.125]
    assert schedules.Join([0.5], [])(9) == 0.5


def test_a_schedule_drives_an_optimizer() -> None:
    w = cr.Variable(0.0)
    optimizer = cr.optim.GradientDescent(schedules.WarmUp(2, 1.0))
    for _ in range(4):
        optimizer.apply_gradients([(1.0, w)])
    assert float(w.numpy()) == pytest.approx(-(0.0 + 0.5 + 1.0 + 1.0))
