"""What every rule takes: clipping, weight decay, accumulation, and rates from variables."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr

optim = cr.optim


def _moved(optimizer: Any, *gradients: Any, start: Any = (0.0, 0.0)) -> list[float]:
    w = cr.Variable(list(start))
    for gradient in gradients:
        optimizer.apply_gradients([(gradient, w)])
    values: list[float] = w.numpy().round(12).tolist()
    return values


# Clipping


def test_gradients_are_clipped() -> None:
    assert _moved(optim.GradientDescent(1.0, clip_value=2.0), [3.0, -0.5]) == [-2.0, 0.5]
    assert _moved(optim.GradientDescent(1.0, clip_norm=1.0), [3.0, 4.0]) == [-0.6, -0.8]


def test_the_norm_of_all() -> None:
    a, b = cr.Variable(0.0), cr.Variable(0.0)
    optim.GradientDescent(1.0, global_clip_norm=1.0).apply_gradients([(3.0, a), (4.0, b)])
    np.testing.assert_allclose([a.numpy(), b.numpy()], [-0.6, -0.8], rtol=1e-15)


def test_all_limits_in_order() -> None:
    # By value: (3, 4); by norm: (0.6, 0.8) * 2.5; by the norm of all: (0.6, 0.8).
    optimizer = optim.GradientDescent(1.0, clip_value=4.0, clip_norm=2.5, global_clip_norm=1.0)
    assert _moved(optimizer, [3.0, 9.0]) == [-0.6, -0.8]


@pytest.mark.parametrize("option", ["clip_norm", "global_clip_norm"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_norm_that_is_not_finite_changes_nothing(option: str, bad: float) -> None:
    a, b = cr.Variable([1.0, 2.0], name="a"), cr.Variable(3.0, name="b")
    optimizer = optim.Adam(0.1, **{option: 1.0})  # type: ignore[arg-type]  # one of the options
    with pytest.raises(cr.NumericsError, match=r"^Adam\.apply_gradients: the norm of .*gradient of variable 'a'"):
        optimizer.apply_gradients([([1.0, bad], a), (1.0, b)])
    assert (a.numpy().tolist(), float(b.numpy())) == ([1.0, 2.0], 3.0)
    assert optimizer.get_slot_names() == []


@pytest.mark.parametrize("option", ["clip_value", "clip_norm", "global_clip_norm"])
@pytest.mark.parametrize("value", [0.0, -1.0, np.inf, np.nan])
def test_limits_are_positive(option: str, value: float) -> None:
    with pytest.raises(cr.ArgumentError, match=rf"^Momentum: {option}: expected a finite number > 0, got "):
        optim.Momentum(0.1, 0.9, **{option: value})  # type: ignore[arg-type]  # one of the options


def test_an_option_that_is_not_there() -> None:
    with pytest.raises(TypeError, match="clipnorm"):
        optim.Adam(clipnorm=1.0)  # type: ignore[call-arg]  # the wrong name is the test


# Weight decay


@pytest.mark.parametrize("make", [optim.GradientDescent, optim.Adam, optim.Lion, optim.Adagrad])
def test_decay_is_decoupled(make: Callable[..., Any]) -> None:
    plain = np.array(_moved(make(0.5), [1.0, -1.0]))
    decayed = _moved(make(0.5, weight_decay=0.1), [1.0, -1.0], start=(4.0, -8.0))
    np.testing.assert_allclose(decayed, plain + np.array([4.0, -8.0]) * 0.95, rtol=1e-9)


def test_decay_by_variable() -> None:
    W, b, c = cr.Variable([[2.0]]), cr.Variable([2.0]), cr.Variable(2.0)
    optimizer = optim.AdamW(0.5, weight_decay=lambda v: 0.5 if v.ndim > 1 else 0.0)
    optimizer.apply_gradients([([[0.0]], W), ([0.0], b), (None, c)])
    assert (W.numpy().tolist(), b.numpy().tolist(), float(c.numpy())) == ([[1.5]], [2.0], 2.0)


def test_every_row_decays() -> None:
    w = cr.Variable([4.0, 4.0])
    rows = cr.IndexedSlices(np.ones(1), np.array([1]), (2,))
    optim.GradientDescent(0.5, weight_decay=0.5).apply_gradients([(rows, w)])
    assert w.numpy().tolist() == [3.0, 2.5]


@pytest.mark.parametrize(
    ("decay", "error", "message"),
    [
        (-0.1, cr.ArgumentError, "^GradientDescent: weight_decay: expected a finite number >= 0, got -0.1"),
        ("a", cr.DTypeError, "^GradientDescent: weight_decay: expected a number"),
        (lambda v: -1.0, cr.ArgumentError, "^weight_decay of variable 'w': expected a finite number >= 0, got -1.0"),
    ],
)
def test_decay_of_another_kind(decay: Any, error: type[Exception], message: str) -> None:
    w = cr.Variable(1.0, name="w")
    with pytest.raises(error, match=message):
        optim.GradientDescent(0.1, weight_decay=decay).apply_gradients([(1.0, w)])
    assert float(w.numpy()) == 1.0


# Accumulation


@pytest.mark.parametrize("rule", ["momentum", "adam", "nadam", "ftrl"])
def test_every_nth_call_is_a_step_by_the_mean(rule: str, published: dict[str, Any]) -> None:
    rng = np.random.default_rng(2)
    gradients = rng.normal(size=(6, 3, 2))
    make = published[rule][0]
    w, by_means = cr.Variable([1.0, 2.0]), cr.Variable([1.0, 2.0])
    optimizer, other = make(), make()
    optimizer._accumulate = 3  # what `accumulate=3` sets, of a rule that is made already
    for three in gradients:
        for g in three:
            before = w.numpy()
            optimizer.apply_gradients([(g, w)])
        assert not np.array_equal(w.numpy(), before)
        other.apply_gradients([(three.mean(axis=0), by_means)])
        np.testing.assert_allclose(w.numpy(), by_means.numpy(), rtol=1e-13)
    assert int(optimizer.iterations.numpy()) == 6


def test_between_steps_nothing_moves() -> None:
    w, steps = cr.Variable([1.0, 2.0], name="w"), cr.Variable(0, trainable=False)
    optimizer = optim.GradientDescent(optim.schedules.PiecewiseConstant([1], [1.0, 0.1]), accumulate=2)
    optimizer.apply_gradients([([1.0, 0.0], w)], global_step=steps)
    assert (w.numpy().tolist(), int(steps.numpy()), int(optimizer.iterations.numpy())) == ([1.0, 2.0], 0, 0)
    optimizer.apply_gradients([([0.0, 1.0], w)], global_step=steps)
    assert (w.numpy().tolist(), int(steps.numpy()), int(optimizer.iterations.numpy())) == ([0.5, 1.5], 1, 1)
    for _ in range(2):  # with the rate of the second step
        optimizer.apply_gradients([([1.0, 1.0], w)], global_step=steps)
    np.testing.assert_allclose(w.numpy(), [0.4, 1.4], rtol=1e-15)
    assert optimizer.accumulate == 2
    assert [v.name for v in optimizer.variables()] == [
        "GradientDescent/calls",
        "GradientDescent/iterations",
        "w/GradientDescent/accumulated",
    ]


def test_the_mean_is_clipped() -> None:
    optimizer = optim.GradientDescent(1.0, accumulate=2, clip_norm=1.0)
    assert _moved(optimizer, [6.0, 0.0], [0.0, 8.0]) == [-0.6, -0.8]  # of (3, 4)


def test_none_counts_as_zero_while_accumulating() -> None:
    w, b = cr.Variable(0.0), cr.Variable(0.0)
    optimizer = optim.GradientDescent(1.0, accumulate=2)
    optimizer.apply_gradients([(2.0, w), (None, b)])
    optimizer.apply_gradients([(None, w), (4.0, b)])
    assert (float(w.numpy()), float(b.numpy())) == (-1.0, -2.0)


def test_rows_are_accumulated() -> None:
    w = cr.Variable([0.0, 0.0])
    optimizer = optim.Adagrad(1.0, accumulate=2)
    for _ in range(2):
        optimizer.apply_gradients(
            [
                (cr.IndexedSlices(np.ones(2), np.array([1, 1]), (2,)), w),
            ]
        )
    np.testing.assert_allclose(w.numpy(), [0.0, -1.0], rtol=1e-9)


def test_a_variable_left_out_of_a_round() -> None:
    w, b = cr.Variable(0.0, name="w"), cr.Variable(0.0, name="b")
    optimizer = optim.GradientDescent(1.0, accumulate=2)
    optimizer.apply_gradients([(1.0, w), (1.0, b)])
    with pytest.raises(cr.ArgumentError, match=r"variable 'b' has accumulated gradients, and is not among the pairs"):
        optimizer.apply_gradients([(1.0, w)])
    optimizer.apply_gradients([(1.0, w), (1.0, b)])
    optimizer.apply_gradients([(1.0, w)])  # a new round may name others
    assert (float(w.numpy()), float(b.numpy())) == (-1.0, -1.0)


@pytest.mark.parametrize(("n", "error"), [(0, cr.ArgumentError), (1.5, cr.DTypeError), (True, cr.DTypeError)])
def test_accumulate_is_a_positive_integer(n: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="Adam: accumulate: expected an integer"):
        optim.Adam(accumulate=n)


# Rates


def test_a_rate_held_by_a_variable() -> None:
    rate = cr.Variable(1.0, trainable=False, name="rate")
    w = cr.Variable(0.0)
    optimizer = optim.GradientDescent(rate)
    optimizer.apply_gradients([(1.0, w)])
    rate.assign(0.5)
    optimizer.apply_gradients([(1.0, w)])
    assert float(w.numpy()) == -1.5
    rate.assign(-1.0)
    with pytest.raises(cr.ArgumentError, match=r"^learning_rate, variable 'rate': expected a finite number >= 0"):
        optimizer.apply_gradients([(1.0, w)])
    with pytest.raises(cr.ShapeError, match=r"learning_rate: expected one number, got shape \(2,\)"):
        optim.GradientDescent(cr.Variable([0.1, 0.2]))
    with pytest.raises(cr.DTypeError, match=r"learning_rate: expected a real floating-point number, got int64"):
        optim.GradientDescent(cr.Variable(1, trainable=False))


def test_a_schedule_is_shown() -> None:
    optimizer = optim.Adam(optim.schedules.Constant(0.1))
    assert repr(optimizer) == "<Adam 'Adam' learning_rate=Constant(rate=0.1)>"
