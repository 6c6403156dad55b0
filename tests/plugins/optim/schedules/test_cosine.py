"""Cosines against closed forms, TensorFlow's formula and PyTorch."""

import math
from collections.abc import Callable
from typing import Any

import pytest

import chainrule as cr

schedules = cr.optim.schedules


@pytest.mark.parametrize("t", [0, 1, 5, 10, 11])
def test_cosine(t: int) -> None:
    expected = 0.01 + 0.09 * (1 + math.cos(math.pi * min(t, 10) / 10)) / 2
    assert schedules.Cosine(0.1, 10, 0.01)(t) == pytest.approx(expected, rel=1e-14)


def _restarting(t: int, first: int, longer: float, lower: float) -> float:
    """The published loop: periods one after the other."""
    length, peak, begin = float(first), 1.0, 0.0
    while t - begin >= length:
        begin += length
        length *= longer
        peak *= lower
    return peak * (1 + math.cos(math.pi * (t - begin) / length)) / 2


@pytest.mark.parametrize("longer", [1.0, 2.0, 3.0, 10.0])
@pytest.mark.parametrize("lower", [1.0, 0.5])
def test_restarts(longer: float, lower: float) -> None:
    rate = schedules.CosineRestarts(1.0, 5, longer, lower)
    for t in range(0, 2000):  # all the steps at which it starts again, and those beside them
        assert rate(t) == pytest.approx(_restarting(t, 5, longer, lower), rel=1e-9, abs=1e-12)


def test_restarts_come_down_to_the_end() -> None:
    rate = schedules.CosineRestarts(1.0, 4, 2.0, 0.5, end=0.2)
    # TensorFlow's: ((1 - alpha) * cosine + alpha) * initial
    assert [rate(t) for t in (0, 2, 4)] == pytest.approx([1.0, 0.8 * 0.5 + 0.2, 0.8 * 0.5 + 0.2])


TORCH: list[tuple[Any, Callable[[Any, Any], Any]]] = [
    (schedules.Cosine(0.1, 30, 0.01), lambda o, s: s.CosineAnnealingLR(o, 30, 0.01)),
    (
        schedules.CosineRestarts(0.1, 4, 2.0, end=0.01),
        lambda o, s: s.CosineAnnealingWarmRestarts(o, 4, 2, eta_min=0.01),
    ),
    (schedules.CosineRestarts(0.1, 4, 1.0), lambda o, s: s.CosineAnnealingWarmRestarts(o, 4, 1)),
    (schedules.OneCycle(0.1, 31), lambda o, s: s.OneCycleLR(o, 0.1, 31)),
    (
        schedules.OneCycle(0.1, 31, 0.5, 10.0, 100.0),
        lambda o, s: s.OneCycleLR(o, 0.1, 31, pct_start=0.5, div_factor=10.0, final_div_factor=100.0),
    ),
]


@pytest.mark.parametrize(("ours", "make"), TORCH, ids=[repr(ours) for ours, _ in TORCH])
def test_agrees_with_pytorch(ours: Any, make: Callable[[Any, Any], Any]) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch, to compare with, is not installed")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    theirs = make(optimizer, torch.optim.lr_scheduler)
    for t in range(30):
        assert ours(t) == pytest.approx(theirs.get_last_lr()[0], rel=1e-9, abs=1e-12)
        optimizer.step()
        theirs.step()


def test_one_cycle_by_hand() -> None:
    rate = schedules.OneCycle(1.0, 101, rising=0.5, start_factor=4.0, end_factor=10.0)
    top = 0.5 * 101 - 1
    assert rate(0) == 0.25
    assert rate(10) == pytest.approx(1.0 + (0.25 - 1.0) * (1 + math.cos(math.pi * 10 / top)) / 2)
    assert rate(100) == pytest.approx(0.025)
    assert rate(10_000) == pytest.approx(0.025)
