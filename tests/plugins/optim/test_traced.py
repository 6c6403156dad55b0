"""Every rule where tensors have no values, as in a graph or a compiled function: it asks for none and keeps dtypes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr

STEPS = 5
RULES = [
    *("gradient_descent", "nesterov", "adagrad", "adadelta", "rmsprop_momentum", "rmsprop_centered", "adam", "adamw"),
    *("amsgrad", "adamax", "nadam", "lion_decay", "ftrl", "ftrl_tuned"),
]


def _gradients(dtype: str) -> list[Any]:
    return [cr.tensor(g, dtype) for g in np.random.default_rng(1).normal(size=(STEPS, 3))]


def _pair(make: Callable[[], cr.optim.Optimizer], dtype: str) -> tuple[cr.optim.Optimizer, cr.Variable]:
    return make(), cr.Variable([1.0, -2.0, 0.5], dtype=dtype)


def _compare(make: Callable[[], cr.optim.Optimizer], dtype: str, traced: Callable[[], Any], rows: bool = False) -> None:
    """The same steps with values and without."""
    (optimizer, w), (other, v) = _pair(make, dtype), _pair(make, dtype)
    for g in _gradients(dtype):
        gradient = cr.IndexedSlices(g[:2], cr.tensor([2, 2]), (3,)) if rows else g
        optimizer.apply_gradients([(gradient, w)])
        with traced():
            other.apply_gradients([(gradient, v)])
    assert [x.dtype for x in (v, *other.variables())] == [x.dtype for x in (w, *optimizer.variables())]
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    for ours, theirs in zip((v, *other.variables()), (w, *optimizer.variables()), strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("rule", RULES)
def test_rules(rule: str, dtype: str, published: dict[str, Any], traced: Callable[[], Any]) -> None:
    _compare(published[rule][0], dtype, traced)


@pytest.mark.parametrize("rule", ["gradient_descent", "adagrad", "adam", "ftrl"])
def test_rows(rule: str, published: dict[str, Any], traced: Callable[[], Any]) -> None:
    _compare(published[rule][0], "float32", traced, rows=True)


SCHEDULES = cr.optim.schedules
OPTIONS: dict[str, Callable[[], cr.optim.Optimizer]] = {
    "schedule": lambda: cr.optim.Adam(SCHEDULES.WarmUp(2, SCHEDULES.Cosine(0.1, 10))),
    "rate of a variable": lambda: cr.optim.Adam(cr.Variable(0.1, trainable=False)),
    "rate of a function": lambda: cr.optim.Momentum(lambda step: 0.1 / (step + 1), 0.9),
    "weight decay": lambda: cr.optim.Momentum(0.1, 0.9, weight_decay=0.1),
    "clip_value": lambda: cr.optim.Momentum(0.1, 0.9, clip_value=0.5),
    "clip_norm": lambda: cr.optim.Momentum(0.1, 0.9, clip_norm=0.5),
    "global_clip_norm": lambda: cr.optim.Momentum(0.1, 0.9, global_clip_norm=0.5),
    "accumulate": lambda: cr.optim.Adam(0.1, accumulate=2),
    "all": lambda: cr.optim.AdamW(
        SCHEDULES.Exponential(0.1, 10, 0.5),
        clip_value=1.0,
        clip_norm=1.0,
        global_clip_norm=0.5,
        accumulate=2,
    ),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("option", OPTIONS)
def test_options(option: str, dtype: str, traced: Callable[[], Any]) -> None:
    _compare(OPTIONS[option], dtype, traced)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex_variables(dtype: str, traced: Callable[[], Any]) -> None:
    w = cr.Variable([1j, 2.0], dtype=dtype)
    with traced():
        cr.optim.AdamW(0.1, global_clip_norm=1.0).apply_gradients([(cr.tensor([1j, 1.0], dtype), w)])
    assert w.dtype == dtype


def test_a_norm_that_is_not_finite_makes_everything_nan(traced: Callable[[], Any]) -> None:
    with traced():
        (a, none, b), norm = cr.optim.clip_by_global_norm([cr.tensor([np.inf, 1.0]), None, cr.tensor(1.0)], 1.0)
        c = cr.optim.clip_by_norm(cr.tensor([np.nan, 1.0]), 1.0)
    assert none is None
    assert np.isnan([*a.numpy(), b.numpy(), *c.numpy()]).all()
    assert np.isinf(norm.numpy())
