"""The same training eagerly, in a compiled function and in a session."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr

S = cr.optim.schedules
STEPS = 5
X = np.random.default_rng(0).normal(size=(5, 2))
IDS = np.array([1, 2, 1])

RULES = [
    *("gradient_descent", "nesterov", "adagrad", "adadelta", "rmsprop_momentum", "rmsprop_centered", "adam", "adamw"),
    *("amsgrad", "adamax", "nadam", "lion_decay", "ftrl", "ftrl_tuned"),
]
OPTIONS: dict[str, Callable[[], cr.optim.Optimizer]] = {
    "schedule": lambda: cr.optim.Adam(S.WarmUp(2, S.Cosine(0.1, 10))),
    "clipping": lambda: cr.optim.Momentum(0.1, 0.9, clip_value=2.0, clip_norm=1.0, global_clip_norm=0.5),
    "accumulate": lambda: cr.optim.AdamW(S.PiecewiseConstant([1], [0.1, 0.01]), accumulate=2, global_clip_norm=1.0),
}


def _variables(dtype: str) -> tuple[cr.Variable, cr.Variable]:
    return cr.Variable([[1.0], [2.0]], dtype=dtype, name="w"), cr.Variable(np.ones((4, 2), dtype), name="e")


def _loss(w: Any, e: Any, x: Any) -> Any:
    return cr.mean(cr.square(x @ w)) + cr.sum(cr.square(e[IDS]))


def _run(mode: str, make: Callable[[], cr.optim.Optimizer], dtype: str) -> list[Any]:
    """Losses, variables and state after some steps."""
    x, optimizer = X.astype(dtype), make()
    if mode == "graph":
        with cr.Graph().as_default() as graph:
            fed = cr.placeholder(dtype, (None, 2))
            w, e = _variables(dtype)
            train = optimizer.minimize(_loss(w, e, fed), name="train")
            init = cr.global_variables_initializer()
        session = cr.Session(graph)
        session.run(init)
        losses = [session.run(train, {fed: x}) for _ in range(STEPS)]
        return [*losses, *session.run([w, e, *optimizer.variables()])]
    w, e = _variables(dtype)

    def step(x: Any) -> Any:
        return optimizer.minimize(lambda: _loss(w, e, x))

    run = cr.function(step) if mode == "function" else step
    losses = [np.asarray(run(cr.tensor(x))) for _ in range(STEPS)]
    return [*losses, *(v.numpy() for v in (w, e, *optimizer.variables()))]


def _compare(mode: str, make: Callable[[], cr.optim.Optimizer], dtype: str) -> None:
    tolerance = 1e-10 if dtype == "float64" else 2e-5
    for ours, theirs in zip(_run(mode, make, dtype), _run("eager", make, dtype), strict=True):
        assert np.asarray(ours).dtype == np.asarray(theirs).dtype
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


MODES = pytest.mark.parametrize("mode", ["function", "graph"])


@MODES
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("rule", RULES)
def test_rules(mode: str, dtype: str, rule: str, published: dict[str, Any]) -> None:
    _compare(mode, published[rule][0], dtype)


@MODES
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("option", OPTIONS)
def test_options(mode: str, dtype: str, option: str) -> None:
    _compare(mode, OPTIONS[option], dtype)


def test_a_function_goes_on_where_eager_steps_stopped() -> None:
    def train(steps: list[str]) -> list[Any]:
        w, e = _variables("float64")
        optimizer = cr.optim.Adam(0.1)

        def step() -> Any:
            return optimizer.minimize(lambda: _loss(w, e, X))

        run = {"eager": step, "function": cr.function(step)}
        for mode in steps:
            run[mode]()
        return [w.numpy(), e.numpy(), optimizer.iterations.numpy()]

    for ours, theirs in zip(train(["eager", "function", "eager", "function"]), train(["eager"] * 4), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_a_rate_of_a_variable_changes_in_a_compiled_function() -> None:
    w, rate = cr.Variable(0.0), cr.Variable(1.0, trainable=False)
    optimizer = cr.optim.GradientDescent(rate)
    step = cr.function(lambda: optimizer.minimize(lambda: 1.0 * w))
    step()
    rate.assign(0.25)
    step()
    assert float(w.numpy()) == -1.25


def test_a_fed_rate() -> None:
    with cr.Graph().as_default() as graph:
        w = cr.Variable(0.0)
        rate = cr.placeholder("float64", ())
        train = cr.optim.GradientDescent(rate).minimize(1.0 * w)
        init = cr.global_variables_initializer()
    session = cr.Session(graph)
    session.run(init)
    session.run(train, {rate: 1.0})
    session.run(train, {rate: 0.25})
    assert float(session.run(w)) == -1.25


def test_the_two_halves_of_minimize_in_a_graph() -> None:
    with cr.Graph().as_default() as graph:
        w, b = cr.Variable(2.0, name="w"), cr.Variable(1.0, name="b")
        steps = cr.Variable(0, trainable=False)
        optimizer = cr.optim.GradientDescent(0.5)
        pairs = optimizer.compute_gradients(w * w)
        assert [(g is None, v.name) for g, v in pairs] == [(False, "w"), (True, "b")]
        doubled = [(2.0 * g, v) for g, v in pairs if g is not None]
        train = optimizer.apply_gradients([*doubled, (None, b)], global_step=steps, name="train")
        init = cr.global_variables_initializer()
    assert train.name.startswith("train/")
    session = cr.Session(graph)
    session.run(init)
    session.run(train)
    assert [float(value) for value in session.run([w, b, steps])] == [-2.0, 1.0, 1.0]


def test_a_step_gives_the_loss_before_it() -> None:
    with cr.Graph().as_default() as graph:
        w = cr.Variable(2.0)
        train = cr.optim.GradientDescent(0.5).minimize(w * w)
        init = cr.global_variables_initializer()
    session = cr.Session(graph)
    session.run(init)
    assert [float(session.run(train)) for _ in range(2)] == [4.0, 0.0]


def test_no_gradient_in_a_graph() -> None:
    with cr.Graph().as_default():
        w = cr.Variable(2.0, name="w")
        with pytest.raises(cr.MissingGradientError, match="no variable has a gradient\n  w: "):
            cr.optim.GradientDescent(0.5).minimize(cr.stop_gradient(w) * 1.0)
        with pytest.raises(cr.DTypeError, match="expected a real floating-point loss, got int64"):
            cr.optim.GradientDescent(0.5).minimize(cr.astype(w.read(), "int64"))
    with cr.Graph().as_default(), pytest.raises(cr.ArgumentError, match="no variables to optimize"):
        cr.optim.GradientDescent(0.5).minimize(cr.placeholder("float64", ()))


def test_minimize_in_a_branch() -> None:
    w = cr.Variable(2.0)
    optimizer = cr.optim.Momentum(0.5, 0.5)

    @cr.function
    def step(train: Any) -> Any:
        return cr.cond(train, lambda: optimizer.minimize(lambda: w * w), lambda: 0.0 * w)

    step(cr.tensor(False))
    assert float(w.numpy()) == 2.0
    step(cr.tensor(True))
    assert float(w.numpy()) == 0.0
    assert int(optimizer.iterations.numpy()) == 1
