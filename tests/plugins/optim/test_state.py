"""State to be saved: names, a way back to the bit, and refusals that change nothing."""

import gc
from typing import Any

import numpy as np
import pytest

import chainrule as cr
import chainrule_state

RULES = ["gradient_descent", "momentum", "adam", "amsgrad", "nadam", "rmsprop_centered", "ftrl"]


def _variables() -> list[cr.Variable]:
    return [cr.Variable([1.0, 2.0], name="layer/w"), cr.Variable(3.0, dtype="float32", name="b")]


def _train(optimizer: Any, variables: Any, steps: range) -> None:
    for i in steps:
        g = np.random.default_rng(i).normal(size=3)
        optimizer.apply_gradients([(g[:2], variables[0]), (np.float32(g[2]), variables[1])])


def _state(optimizer: Any) -> dict[str, Any]:
    """The values of what it keeps."""
    return {name: cr.as_tensor(kept) for name, kept in optimizer.__chainrule_state__().items()}


def _restore(optimizer: Any, state: Any, variables: Any) -> None:
    for variable, value in optimizer.__chainrule_restore__(state, variables)():
        variable.assign(value)


@pytest.mark.parametrize("accumulate", [1, 3])
@pytest.mark.parametrize("rule", RULES)
def test_training_goes_on_to_the_bit(rule: str, accumulate: int, published: dict[str, Any]) -> None:
    def make() -> Any:
        optimizer = published[rule][0]()
        optimizer._accumulate = accumulate
        return optimizer

    optimizer, variables = make(), _variables()
    _train(optimizer, variables, range(4))
    state = _state(optimizer)
    values = [v.numpy() for v in variables]
    _train(optimizer, variables, range(4, 8))

    other, others = make(), _variables()
    _restore(other, state, others)
    for variable, value in zip(others, values, strict=True):
        variable.assign(value)
    _train(other, others, range(4, 8))
    for ours, theirs in zip([*others, *other.variables()], [*variables, *optimizer.variables()], strict=True):
        assert ours.name == theirs.name
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())

    # And back in place: the slots stay the variables they are.
    slots = optimizer.variables()
    _restore(optimizer, state, variables)
    assert [id(slot) for slot in optimizer.variables()] == [id(slot) for slot in slots]
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    _train(optimizer, variables, range(4, 8))
    for ours, theirs in zip(others, variables, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


def test_names() -> None:
    optimizer, variables = cr.optim.Adam(accumulate=2), _variables()
    assert {name: t.tolist() for name, t in _state(optimizer).items()} == {"iterations": 0, "calls": 0}
    _train(optimizer, variables, range(3))
    state = _state(optimizer)
    slots = ("m", "v", "step", "accumulated")
    assert [*state] == ["iterations", "calls", *(f"b/{s}" for s in slots), *(f"layer/w/{s}" for s in slots)]
    assert {name: state[name].tolist() for name in ("iterations", "calls", "b/step")} == {
        "iterations": 1,
        "calls": 1,
        "b/step": 1,
    }
    assert (state["b/m"].dtype, state["layer/w/m"].shape) == ("float32", (2,))


def test_before_the_first_step() -> None:
    optimizer, variables = cr.optim.Adam(), _variables()
    fresh = _state(optimizer)
    _train(optimizer, variables, range(2))
    _restore(optimizer, fresh, variables)
    assert int(optimizer.iterations.numpy()) == 0
    assert all(not np.any(slot.numpy()) for slot in optimizer.variables())


def test_a_variable_that_the_state_does_not_know_starts_anew() -> None:
    w, b = _variables()
    optimizer = cr.optim.Adagrad(initial_accumulator=0.5)
    optimizer.apply_gradients([([1.0, 1.0], w)])
    state = _state(optimizer)
    optimizer.apply_gradients([([1.0, 1.0], w), (1.0, b)])
    _restore(optimizer, state, [w])
    slots = [optimizer.get_slot(v, "sum") for v in (w, b)]
    assert [slot.numpy().tolist() for slot in slots if slot is not None] == [[1.5, 1.5], 0.5]


def test_a_variable_that_is_gone_is_not_saved() -> None:
    optimizer, variables = cr.optim.Adam(), _variables()
    _train(optimizer, variables, range(1))
    del variables[0]
    gc.collect()
    assert [*optimizer.__chainrule_state__()] == ["iterations", "b/m", "b/v", "b/step"]


def test_two_variables_of_one_name() -> None:
    optimizer = cr.optim.Adam()
    a, b = cr.Variable(1.0, name="w"), cr.Variable(1.0, name="w")
    optimizer.apply_gradients([(1.0, a), (1.0, b)])
    with pytest.raises(cr.ArgumentError, match=r"^Adam: its state: two variables are called 'w'"):
        optimizer.__chainrule_state__()
    with pytest.raises(cr.ArgumentError, match=r"^Adam: restoring its state: two variables are called 'w'"):
        cr.optim.Adam().__chainrule_restore__({"iterations": cr.tensor(0)}, [a, b])


def _changed(state: dict[str, Any], **parts: Any) -> dict[str, Any]:
    changed = {**state, **{name.replace("__", "/"): part for name, part in parts.items()}}
    return {name: part for name, part in changed.items() if part is not None}


@pytest.mark.parametrize(
    ("parts", "error", "message"),
    [
        ({"iterations": None}, cr.ArgumentError, "it lacks 'iterations': it was saved by an optimizer with another"),
        ({"calls": cr.tensor(1)}, cr.ArgumentError, "it has 'calls': "),
        ({"b__m": None}, cr.ArgumentError, "it lacks 'b/m'"),
        ({"b__m": None, "b__sum": cr.tensor(1.0)}, cr.ArgumentError, "it lacks 'b/m' and has 'b/sum'"),
        ({"c__m": cr.tensor(1.0)}, cr.ArgumentError, "slots of variables that are not here: 'c'; here are 'b', 'layer"),
        ({"b__m": cr.tensor([1.0], "float32")}, cr.ShapeError, r"b/m: expected shape \(\), got \(1,\)"),
        ({"b__m": cr.tensor(1.0)}, cr.DTypeError, "b/m: expected dtype float32, got float64"),
        ({"iterations": cr.tensor(1.0)}, cr.DTypeError, "iterations: expected dtype int64, got float64"),
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_a_state_that_does_not_fit_changes_nothing(
    parts: Any, error: type[Exception], message: str, known: bool
) -> None:
    optimizer, variables = cr.optim.Adam(), _variables()
    _train(optimizer, variables, range(2))
    state = _state(optimizer)
    if not known:
        optimizer = cr.optim.Adam()
    before = {v.name: v.numpy() for v in optimizer.variables()}
    with pytest.raises(error, match=f"^Adam: restoring its state: .*{message}"):
        optimizer.__chainrule_restore__(_changed(state, **parts), variables)
    optimizer.__chainrule_restore__(_changed(state, iterations=cr.tensor(7)), variables)  # and no commit
    after = {v.name: v.numpy() for v in optimizer.variables()}
    assert [*after] == [*before]
    for name in before:
        np.testing.assert_array_equal(after[name], before[name])


def test_a_state_from_another_backend() -> None:
    pytest.importorskip("array_api_strict", reason="array_api_strict, the other backend, is not installed")
    optimizer, variables = cr.optim.Adam(), _variables()
    _train(optimizer, variables, range(2))
    state = _state(optimizer)
    elsewhere = {name: cr.to_backend(part, "array_api_strict") for name, part in state.items()}
    other, others = cr.optim.Adam(), _variables()
    _restore(other, elsewhere, others)
    assert {v.backend.name for v in other.variables()} == {"numpy"}
    assert float(_state(other)["b/m"]) == float(state["b/m"])


def test_a_slot_may_not_be_called_like_what_is_kept_beside_it() -> None:
    class Own(cr.optim.Optimizer):
        slot_names = ("step",)

        def update(self, gradient: Any, value: Any, slots: Any, learning_rate: Any, step: Any) -> Any:
            return value, {}

    with pytest.raises(cr.ArgumentError, match=r"^Own\.create_slots: 'step' is a name that optimizers use"):
        Own(0.1).apply_gradients([(1.0, cr.Variable(1.0))])


def test_save_and_load(tmp_path: Any) -> None:
    pytest.importorskip("safetensors", reason="safetensors, the file format, is not installed")
    optimizer, variables = cr.optim.Adam(), _variables()
    _train(optimizer, variables, range(3))
    path = str(tmp_path / "model.safetensors")
    chainrule_state.save(path, {"variables": variables, "optimizer": optimizer})
    other, others = cr.optim.Adam(), _variables()
    chainrule_state.load(path, {"variables": others, "optimizer": other})
    _train(optimizer, variables, range(3, 6))
    _train(other, others, range(3, 6))
    for ours, theirs in zip(others, variables, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
