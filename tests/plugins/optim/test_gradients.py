"""`compute_gradients` and `minimize`: where gradients come from, ours or yours."""

from typing import Any

import numpy as np
import pytest

import chainrule as cr


@pytest.fixture
def optimizer() -> cr.optim.Optimizer:
    return cr.optim.GradientDescent(1.0)


@pytest.fixture
def w() -> cr.Variable:
    return cr.Variable([1.0, 2.0], name="w")


@pytest.fixture
def b() -> cr.Variable:
    return cr.Variable(3.0, name="b")


def _values(pairs: Any) -> list[tuple[Any, str]]:
    return [(None if g is None else g.tolist(), v.name) for g, v in pairs]


def test_every_variable_in_order_with_none_kept(optimizer: Any, w: cr.Variable, b: cr.Variable) -> None:
    other = cr.Variable(0.0, name="other")
    pairs = optimizer.compute_gradients(lambda: b * cr.sum(w * w), [other, w, b])
    assert _values(pairs) == [(None, "other"), ([6.0, 12.0], "w"), (5.0, "b")]


def test_variables_the_loss_read(optimizer: Any, w: cr.Variable, b: cr.Variable) -> None:
    fixed = cr.Variable(2.0, trainable=False, name="fixed")
    pairs = optimizer.compute_gradients(lambda: fixed * b * cr.sum(w))
    assert _values(pairs) == [(6.0, "b"), ([6.0, 6.0], "w")]


def test_one_variable_and_a_generator_of_them(optimizer: Any, w: cr.Variable, b: cr.Variable) -> None:
    assert _values(optimizer.compute_gradients(lambda: b * cr.sum(w), w)) == [([3.0, 3.0], "w")]
    assert _values(optimizer.compute_gradients(lambda: b * cr.sum(w), (v for v in [b]))) == [(3.0, "b")]


def test_a_tensor_and_its_tape(optimizer: Any, w: cr.Variable, b: cr.Variable) -> None:
    with cr.GradientTape() as tape:
        loss = b * cr.sum(w * w)
    assert _values(optimizer.compute_gradients(loss, tape=tape)) == [([6.0, 12.0], "w"), (5.0, "b")]
    with cr.GradientTape() as tape:
        loss = b * cr.sum(w * w)
    optimizer.minimize(loss, [b], tape=tape)
    assert float(b.numpy()) == 3.0 - 5.0


def test_the_variable_itself_as_loss(optimizer: Any, b: cr.Variable) -> None:
    assert _values(optimizer.compute_gradients(lambda: b)) == [(1.0, "b")]


def test_grad_loss_weighs_a_vector(optimizer: Any, w: cr.Variable) -> None:
    pairs = optimizer.compute_gradients(lambda: w * w, grad_loss=[1.0, 10.0])
    assert _values(pairs) == [([2.0, 40.0], "w")]


def test_overrides_reach_the_tape(optimizer: Any, b: cr.Variable) -> None:
    pairs = optimizer.compute_gradients(lambda: cr.sin(b), overrides={"sin": lambda g, _y, _x: 100.0 * g})
    assert _values(pairs) == [(100.0, "b")]


@pytest.mark.parametrize(
    ("loss", "arguments", "error", "message"),
    [
        (1.5, {}, cr.DTypeError, "expected the loss as a function without arguments or a tensor, got float"),
        (cr.tensor(1.5), {}, cr.ArgumentError, "the loss is a tensor: pass the tape that recorded it"),
        (lambda: cr.tensor(1.0), {"tape": cr.GradientTape()}, cr.ArgumentError, "leave out tape="),
        (lambda: 1.5, {}, cr.DTypeError, "expected the loss function to return a tensor, got float 1.5"),
        (lambda: cr.tensor(1.0), {}, cr.ArgumentError, "no variables to optimize: the loss was computed from no"),
        (lambda: cr.tensor(1.0), {"var_list": []}, cr.ArgumentError, "no variables to optimize"),
        (lambda: cr.tensor(1.0), {"var_list": 3}, cr.DTypeError, "expected variables, got int 3"),
        (
            lambda: cr.tensor(1.0),
            {"var_list": [cr.tensor(1.0)]},
            cr.DTypeError,
            "entry 0 .* a Tensor, not a",
        ),
        (lambda: cr.tensor(1), {}, cr.DTypeError, "expected a real floating-point loss, got int64"),
        (lambda: cr.tensor(1j), {}, cr.DTypeError, "expected a real floating-point loss, got complex128"),
        (lambda: cr.tensor([1.0, 2.0]), {}, cr.ShapeError, r"the loss has shape \(2,\).*mean or sum.*grad_loss="),
    ],
)
def test_refusals(optimizer: Any, loss: Any, arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=rf"^GradientDescent\.compute_gradients: .*{message}"):
        optimizer.compute_gradients(loss, **arguments)


def test_a_variable_that_comes_twice(optimizer: Any, w: cr.Variable) -> None:
    with pytest.raises(cr.ArgumentError, match="variable 'w' comes twice"):
        optimizer.compute_gradients(lambda: cr.sum(w), [w, w])


def test_a_counter_in_the_place_of_the_variables(optimizer: Any, w: cr.Variable) -> None:
    steps = cr.Variable(0, trainable=False, name="steps")
    with pytest.raises(cr.DTypeError, match=r"variable 'steps' is int64, .* a counter of steps is passed as global_"):
        optimizer.minimize(lambda: cr.sum(w), steps)


# TensorFlow's options


@pytest.mark.parametrize("gate", ["GATE_NONE", "GATE_OP", "GATE_GRAPH"])
@pytest.mark.parametrize("method", [None, 0, 1, 2])
def test_options_of_tensorflow_change_nothing(optimizer: Any, w: cr.Variable, gate: str, method: Any) -> None:
    options = {"gate_gradients": getattr(cr.optim.Optimizer, gate), "aggregation_method": method}
    pairs = optimizer.compute_gradients(lambda: cr.sum(w * w), **options, colocate_gradients_with_ops=True)
    assert _values(pairs) == [([2.0, 4.0], "w")]
    optimizer.minimize(lambda: cr.sum(w * w), **options, name="train")
    assert w.numpy().tolist() == [-1.0, -2.0]


@pytest.mark.parametrize("call", ["compute_gradients", "minimize"])
@pytest.mark.parametrize(
    ("option", "error", "message"),
    [
        ({"gate_gradients": 9}, cr.ArgumentError, r"gate_gradients: expected one of Optimizer.GATE_NONE .*, got 9"),
        ({"gate_gradients": True}, cr.ArgumentError, "gate_gradients: expected .* got True"),
        ({"aggregation_method": 7}, cr.ArgumentError, r"aggregation_method: expected None, 0 \(ADD_N\), .* got 7"),
        ({"aggregation_method": "add"}, cr.ArgumentError, "aggregation_method: .* got 'add'"),
        ({"colocate_gradients_with_ops": 1}, cr.DTypeError, "colocate_gradients_with_ops: expected True or False"),
    ],
)
def test_options_that_mean_nothing(
    optimizer: Any, b: cr.Variable, call: str, option: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=rf"^GradientDescent\.{call}: {message}"):
        getattr(optimizer, call)(lambda: b * b, **option)
    assert float(b.numpy()) == 3.0


# Your own gradients


def test_own_gradients_as_a_sequence(optimizer: Any, w: cr.Variable, b: cr.Variable) -> None:
    pairs = optimizer.compute_gradients(lambda: b * cr.sum(w), [w, b], gradients=[np.array([7.0, 8.0]), None])
    assert _values(pairs) == [([7.0, 8.0], "w"), (None, "b")]


def test_own_gradients_as_a_mapping_replace_some(optimizer: Any, w: cr.Variable, b: cr.Variable) -> None:
    pairs = optimizer.compute_gradients(lambda: b * cr.sum(w), gradients={b: 7.0})
    assert _values(pairs) == [([3.0, 3.0], "w"), (7.0, "b")]


def test_own_gradients_of_a_function_called_after_the_loss(optimizer: Any, w: cr.Variable, b: cr.Variable) -> None:
    calls: list[str] = []

    def loss() -> Any:
        calls.append("loss")
        return cr.sum(w)

    def gradients() -> Any:
        calls.append("gradients")
        return {w: [7.0, 8.0], b: 1.0}

    assert _values(optimizer.compute_gradients(loss, gradients=gradients)) == [([7.0, 8.0], "w"), (1.0, "b")]
    assert calls == ["loss", "gradients"]


def test_own_gradients_of_a_loss_that_has_none(optimizer: Any, w: cr.Variable) -> None:
    loss = optimizer.minimize(lambda: cr.tensor(5.0), [w], gradients=[[1.0, -1.0]])
    assert loss.tolist() == 5.0
    assert w.numpy().tolist() == [0.0, 3.0]


@pytest.mark.parametrize(
    ("give", "error", "message"),
    [
        (lambda w, b: {"gradients": [1.0]}, cr.ArgumentError, "a sequence of gradients needs var_list="),
        (lambda w, b: {"gradients": [1.0], "var_list": [w, b]}, cr.ArgumentError, "got 1 gradients for 2 variables"),
        (
            lambda w, b: {"gradients": {b: 1.0}, "var_list": [w]},
            cr.ArgumentError,
            "for 'b', not among the variables: w",
        ),
        (lambda w, b: {"gradients": {"w": 1.0}, "var_list": [w]}, cr.ArgumentError, "for \"'w'\", not among"),
        (lambda w, b: {"gradients": {w: 1.0}}, cr.ShapeError, r"of variable 'w': expected shape \(2,\), got \(\)"),
        (lambda w, b: {"gradients": {b: "1.0"}}, cr.DTypeError, "of variable 'b': expected a tensor, array"),
    ],
)
def test_own_gradients_that_do_not_fit(
    optimizer: Any, w: cr.Variable, b: cr.Variable, give: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        optimizer.compute_gradients(lambda: b * cr.sum(w), **give(w, b))


# One step


def test_minimize_gives_the_loss_before_the_step_without_history(optimizer: Any, b: cr.Variable) -> None:
    with cr.GradientTape(persistent=True) as tape:
        loss = optimizer.minimize(lambda: b * b)
        later = loss * b
    assert isinstance(loss, cr.Tensor)
    assert loss.tolist() == 9.0
    assert float(b.numpy()) == -3.0
    assert tape.gradient(later, b).tolist() == 9.0  # of the one read after the step


def test_minimize_says_why_there_is_no_gradient(optimizer: Any, w: cr.Variable, b: cr.Variable) -> None:
    with pytest.raises(cr.MissingGradientError) as caught:
        optimizer.minimize(lambda: cr.sum(cr.stop_gradient(w)), [w, b])
    message = str(caught.value)
    assert message.startswith("GradientDescent.minimize: no variable has a gradient\n")
    assert "w: " in message
    assert "stop_gradient" in message
    assert "test_gradients.py" in message  # the line of the cut
    assert "b: y " in message


def test_minimize_with_your_own_none(optimizer: Any, b: cr.Variable) -> None:
    with pytest.raises(cr.MissingGradientError, match="b: the gradient you gave is None"):
        optimizer.minimize(lambda: b * b, [b], gradients=[None])


def test_a_loss_that_raises_changes_nothing(optimizer: Any, b: cr.Variable) -> None:
    with pytest.raises(ZeroDivisionError):
        optimizer.minimize(lambda: b * (1 / 0))
    assert float(b.numpy()) == 3.0
    assert (b * 1.0).node is None  # and nothing records any more
