"""Decays against TensorFlow's formulas."""

import math

import pytest

import chainrule as cr

schedules = cr.optim.schedules
STEPS = [0, 1, 6, 7, 8, 14, 20, 21, 100]


@pytest.mark.parametrize("staircase", [False, True])
@pytest.mark.parametrize("t", STEPS)
def test_exponentials_and_inverse_time(t: int, staircase: bool) -> None:
    p = t // 7 if staircase else t / 7
    assert schedules.Exponential(0.1, 7, 0.9, staircase)(t) == pytest.approx(0.1 * 0.9**p, rel=1e-14)
    assert schedules.NaturalExp(0.1, 7, 0.9, staircase)(t) == pytest.approx(0.1 * math.exp(-0.9 * p), rel=1e-14)
    assert schedules.InverseTime(0.1, 7, 0.9, staircase)(t) == pytest.approx(0.1 / (1 + 0.9 * p), rel=1e-14)


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("t", STEPS)
def test_polynomial(t: int, power: float) -> None:
    expected = (0.1 - 0.01) * (1 - min(t, 7) / 7) ** power + 0.01
    assert schedules.Polynomial(0.1, 7, 0.01, power)(t) == pytest.approx(expected, rel=1e-14)
    steps = 7 * (math.ceil(t / 7) if t else 1)
    expected = (0.1 - 0.01) * (1 - t / steps) ** power + 0.01
    assert schedules.Polynomial(0.1, 7, 0.01, power, cycle=True)(t) == pytest.approx(expected, rel=1e-14)


def test_piecewise_constant_changes_at_its_boundaries() -> None:
    rate = schedules.PiecewiseConstant([2, 4], [1.0, 0.5, 0.25])
    assert [rate(t) for t in range(6)] == [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    assert schedules.PiecewiseConstant([], [0.3])(9) == 0.3


def test_piecewise_constant_and_exponential_are_pytorchs() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch, to compare with, is not installed")
    parameter = torch.zeros(1, requires_grad=True)
    for ours, make in (
        (schedules.PiecewiseConstant([3, 5], [0.1, 0.01, 0.001]), lambda o, s: s.MultiStepLR(o, [3, 5], 0.1)),
        (schedules.Exponential(0.1, 1, 0.9), lambda o, s: s.ExponentialLR(o, 0.9)),
        (schedules.Exponential(0.1, 3, 0.5, staircase=True), lambda o, s: s.StepLR(o, 3, 0.5)),
        (schedules.Polynomial(0.1, 6, power=2.0), lambda o, s: s.PolynomialLR(o, 6, 2.0)),
        (schedules.WarmUp(4, 0.1, start=0.025), lambda o, s: s.LinearLR(o, 0.25, 1.0, 4)),
    ):
        optimizer = torch.optim.SGD([parameter], lr=0.1)
        theirs = make(optimizer, torch.optim.lr_scheduler)
        for t in range(10):
            assert ours(t) == pytest.approx(theirs.get_last_lr()[0], rel=1e-9, abs=1e-12)
            optimizer.step()
            theirs.step()
