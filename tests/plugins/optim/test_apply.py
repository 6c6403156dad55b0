"""`apply_gradients`: what it takes, what it refuses, and that a refusal changes nothing."""

import gc
import weakref
from typing import Any

import numpy as np
import pytest

import chainrule as cr


@pytest.fixture
def w() -> cr.Variable:
    return cr.Variable([1.0, 2.0], name="w")


def _rows(values: Any, indices: Any, shape: tuple[int, ...]) -> cr.IndexedSlices:
    return cr.IndexedSlices(values, indices, shape)


GRADIENTS = {
    "array": np.array([1.0, -1.0]),
    "narrower array": np.array([1.0, -1.0], np.float32),
    "tensor": cr.tensor([1.0, -1.0]),
    "list": [1, -1],
    "tuple": (1.0, -1.0),
    "list with a tensor": [cr.tensor(1.0), -1.0],
    "variable": cr.Variable([1.0, -1.0]),
    "rows": _rows(np.array([1.0, -3.0, 2.0]), np.array([0, 1, 1]), (2,)),
}


@pytest.mark.parametrize("kind", GRADIENTS)
def test_gradients_of_every_kind(w: cr.Variable, kind: str) -> None:
    cr.optim.GradientDescent(1.0).apply_gradients([(GRADIENTS[kind], w)])
    assert w.numpy().tolist() == [0.0, 3.0]


def test_pairs_from_a_generator_and_as_lists(w: cr.Variable) -> None:
    b = cr.Variable(1.0)
    cr.optim.GradientDescent(1.0).apply_gradients(pair for pair in [[np.ones(2), w], (0.5, b)])  # type: ignore[misc]
    assert (w.numpy().tolist(), float(b.numpy())) == ([0.0, 1.0], 0.5)


def test_some_none_are_left_out(w: cr.Variable) -> None:
    b = cr.Variable(1.0)
    optimizer = cr.optim.Momentum(1.0, 0.9)
    optimizer.apply_gradients([(None, w), (0.5, b)])
    assert (w.numpy().tolist(), float(b.numpy())) == ([1.0, 2.0], 0.5)
    assert optimizer.get_slot(w, "momentum") is None


def test_nan_is_not_looked_for(w: cr.Variable) -> None:
    cr.optim.GradientDescent(1.0).apply_gradients([([np.nan, 0.0], w)])
    assert np.isnan(w.numpy()).tolist() == [True, False]


REFUSED = {
    "shape": ([1.0], cr.ShapeError, r"of variable 'bad': expected shape \(2,\), got \(1,\)"),
    "transposed": (np.ones((2, 1)), cr.ShapeError, r"expected shape \(2,\), got \(2, 1\)"),
    "broadcast": (1.0, cr.ShapeError, r"expected shape \(2,\), got \(\)"),
    "wider array": (np.ones(2), cr.DTypeError, "of variable 'bad': expected dtype float32, got float64; cast it"),
    "wider tensor": (cr.tensor([1.0, 1.0]), cr.DTypeError, "expected dtype float32, got float64"),
    "narrower tensor": (cr.tensor([1.0, 1.0], "float16"), cr.DTypeError, "expected dtype float32, got float16"),
    "integers": (np.array([1, 1]), cr.DTypeError, "expected dtype float32, got int64"),
    "complex": ([1j, 1.0], cr.DTypeError, "expected dtype float32, got complex128"),
    "text": ("ab", cr.DTypeError, "expected a tensor, array, IndexedSlices or None"),
    "ragged": ([[1.0], [1.0, 2.0]], cr.DTypeError, "expected a tensor, array, IndexedSlices or None"),
    "object": (object(), cr.DTypeError, "expected a tensor, array, IndexedSlices or None"),
    "rows of another": (
        _rows(np.ones(1, np.float32), [0], (3,)),
        cr.ShapeError,
        r"expected rows of shape \(2,\), got rows of \(3,\)",
    ),
    "wider rows": (_rows(np.ones(1), [0], (2,)), cr.DTypeError, "expected dtype float32, got float64"),
    "rows and indices": (
        _rows(np.ones(2, np.float32), [0], (2,)),
        cr.ShapeError,
        r"its rows: expected shape \(1,\), got \(2,\)",
    ),
    "row numbers": (
        _rows(np.ones(1, np.float32), [0.5], (2,)),
        cr.DTypeError,
        r"row indices are integers of one dimension, got float64 \(1,\)",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("rule", ["GradientDescent", "Adam"])
def test_a_gradient_that_does_not_fit_changes_nothing(w: cr.Variable, rule: str, case: str) -> None:
    gradient, error, message = REFUSED[case]
    bad = cr.Variable([1.0, 2.0], dtype="float32", name="bad")
    steps = cr.Variable(0, trainable=False)
    optimizer = getattr(cr.optim, rule)(1.0)
    with pytest.raises(error, match=rf"^{optimizer.name}\.apply_gradients: the gradient .*{message}"):
        optimizer.apply_gradients([(np.ones(2), w), (gradient, bad)], global_step=steps)
    assert w.numpy().tolist() == bad.numpy().tolist() == [1.0, 2.0]
    assert (int(steps.numpy()), int(optimizer.iterations.numpy()), optimizer.get_slot_names()) == (0, 0, [])


def test_a_numpy_scalar_is_an_array() -> None:
    w = cr.Variable(1.0, dtype="float32")
    with pytest.raises(cr.DTypeError, match="expected dtype float32, got float64"):
        cr.optim.GradientDescent(1.0).apply_gradients([(np.float64(1.0), w)])


def test_rows_that_are_not_there_change_nothing(w: cr.Variable) -> None:
    other = cr.Variable([1.0, 2.0])
    with pytest.raises(cr.IndexingError):
        cr.optim.GradientDescent(1.0).apply_gradients([(np.ones(2), w), (_rows(np.ones(1), [2], (2,)), other)])
    assert w.numpy().tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("pairs", "error", "message"),
    [
        ([], cr.ArgumentError, "no variables: expected pairs"),
        (3, cr.DTypeError, r"expected pairs \(gradient, variable\), got int 3"),
        ([3], cr.DTypeError, r"entry 0: expected a pair \(gradient, variable\), got 3"),
        ([(1.0, 2.0, 3.0)], cr.DTypeError, "entry 0: expected a pair"),
        (
            [(1.0, cr.tensor(1.0))],
            cr.DTypeError,
            r"entry 0: expected \(gradient, variable\), got a Tensor in the variable",
        ),
        ([(1, cr.Variable(1, trainable=False, name="count"))], cr.DTypeError, "'count': the variable is int64"),
        ([(None, cr.Variable(1.0, name="b"))], cr.MissingGradientError, "all are None, of b; cr.why_no_gradient"),
    ],
)
def test_pairs_that_are_none(pairs: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=rf"^GradientDescent\.apply_gradients: .*{message}"):
        cr.optim.GradientDescent(1.0).apply_gradients(pairs)


def test_a_variable_that_comes_twice(w: cr.Variable) -> None:
    with pytest.raises(cr.ArgumentError, match="variable 'w' comes twice"):
        cr.optim.GradientDescent(1.0).apply_gradients([(np.ones(2), w), (np.ones(2), w)])
    assert w.numpy().tolist() == [1.0, 2.0]


def test_a_variable_that_may_come_twice(w: cr.Variable) -> None:
    rows = _rows(np.array([1.0]), np.array([0]), (2,))
    other = cr.Variable(0.0)
    pairs = [(np.ones(2), w), (None, w), (1.0, other), (rows, w)]
    cr.optim.GradientDescent(1.0).apply_gradients(pairs, allow_duplicates=True)
    assert w.numpy().tolist() == [1.0 - 2.0, 2.0 - 1.0]
    once = cr.Variable(0.0)
    optimizer = cr.optim.Adam(0.5)
    optimizer.apply_gradients([(1.0, once), (2.0, once)], allow_duplicates=True)
    assert float(once.numpy()) == pytest.approx(-0.5)  # one step, by their sum
    m = optimizer.get_slot(once, "m")
    assert m is not None
    assert float(m.numpy()) == pytest.approx(0.3)


def test_a_name(w: cr.Variable) -> None:
    cr.optim.GradientDescent(1.0).apply_gradients([(np.ones(2), w)], name="train")
    with pytest.raises(cr.ArgumentError, match=r"^GradientDescent\.apply_gradients: name: expected a non-empty string"):
        cr.optim.GradientDescent(1.0).apply_gradients([(np.ones(2), w)], name="")
    assert w.numpy().tolist() == [0.0, 1.0]


def test_iterations_are_a_variable(w: cr.Variable) -> None:
    optimizer = cr.optim.Adam(name="adam")
    assert (optimizer.iterations.dtype, optimizer.iterations.trainable) == ("int64", False)
    assert optimizer.iterations.name == "adam/iterations"
    for _ in range(3):
        optimizer.apply_gradients([(np.ones(2), w)])
    assert int(optimizer.iterations.numpy()) == 3
    optimizer.iterations.assign(10)
    optimizer.apply_gradients([(np.ones(2), w)])
    assert int(optimizer.iterations.numpy()) == 11


def test_counters_are_where_the_variables_are() -> None:
    pytest.importorskip("array_api_strict", reason="array_api_strict, the other backend, is not installed")
    optimizer = cr.optim.Adam(accumulate=2)
    with cr.use_backend("array_api_strict"):
        w = cr.Variable(1.0)
    optimizer.apply_gradients([(1.0, w)])
    assert {v.backend.name for v in optimizer.variables()} == {"array_api_strict"}


def test_global_step_counts_after_the_updates(w: cr.Variable) -> None:
    steps = cr.Variable(10, trainable=False, dtype="int32")
    optimizer = cr.optim.GradientDescent(0.1)
    for _ in range(3):
        optimizer.minimize(lambda: cr.sum(w), global_step=steps)
    assert (int(steps.numpy()), steps.dtype, int(optimizer.iterations.numpy())) == (13, "int32", 3)


@pytest.mark.parametrize(
    "step", [3, cr.Variable(0.0), cr.Variable(0.0, trainable=False), cr.Variable([0], trainable=False)], ids=repr
)
def test_global_step_of_another_kind(w: cr.Variable, step: Any) -> None:
    with pytest.raises(cr.DTypeError, match=r"apply_gradients: global_step: expected "):
        cr.optim.GradientDescent(0.1).apply_gradients([(np.ones(2), w)], global_step=step)
    assert w.numpy().tolist() == [1.0, 2.0]


def test_an_interrupt_while_values_are_assigned_takes_them_back(
    w: cr.Variable, monkeypatch: pytest.MonkeyPatch
) -> None:
    b = cr.Variable(1.0)
    optimizer = cr.optim.Momentum(1.0, 0.5)
    optimizer.apply_gradients([([1.0, 1.0], w), (1.0, b)])
    before = [v.numpy().tolist() for v in (w, b, *optimizer.variables())]
    assign, calls = cr.Variable.assign, 0

    def interrupted(self: cr.Variable, value: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return assign(self, value)

    monkeypatch.setattr(cr.Variable, "assign", interrupted)
    with pytest.raises(KeyboardInterrupt):
        optimizer.apply_gradients([([1.0, 1.0], w), (1.0, b)])
    assert [v.numpy().tolist() for v in (w, b, *optimizer.variables())] == before
    assert int(optimizer.iterations.numpy()) == 1


def test_a_rule_that_changes_the_dtype_is_refused(w: cr.Variable) -> None:
    class Careless(cr.optim.Optimizer):
        def update(self, gradient: Any, value: Any, slots: Any, learning_rate: float, step: int) -> Any:
            return cr.astype(value, "float32"), {}

    with pytest.raises(cr.DTypeError, match=r"^Careless\.update: 'w' is float64 \(2,\), the rule gave float32 \(2,\)$"):
        Careless(0.1).apply_gradients([(np.ones(2), w)])


# Slots


def test_slots_are_made_when_they_are_needed(w: cr.Variable) -> None:
    b = cr.Variable(1.0, name="b")
    optimizer = cr.optim.Adam(name="adam")
    assert (optimizer.get_slot_names(), optimizer.get_slot(w, "m")) == ([], None)
    assert [v.name for v in optimizer.variables()] == ["adam/iterations"]
    with cr.name_scope("training"):
        optimizer.apply_gradients([([1.0, 3.0], w)])
    assert optimizer.get_slot_names() == ["m", "v"]
    assert optimizer.get_slot(w, "other") is None
    assert optimizer.get_slot(b, "m") is None
    optimizer.apply_gradients([(2.0, b)])  # a new variable, later
    names = ["adam/iterations", *(f"{v}/adam/{slot}" for v in "bw" for slot in ("m", "step", "v"))]
    assert [v.name for v in optimizer.variables()] == names
    m, v = optimizer.get_slot(w, "m"), optimizer.get_slot(w, "v")
    assert isinstance(m, cr.Variable)
    assert isinstance(v, cr.Variable)
    assert not m.trainable
    np.testing.assert_allclose(m.numpy(), [0.1, 0.3], rtol=1e-14)
    np.testing.assert_allclose(v.numpy(), [0.001, 0.009], rtol=1e-12)


def test_slots_can_be_set(w: cr.Variable) -> None:
    optimizer = cr.optim.Momentum(1.0, 0.5)
    optimizer.apply_gradients([([1.0, 1.0], w)])
    slot = optimizer.get_slot(w, "momentum")
    assert slot is not None
    slot.assign([0.0, 4.0])
    optimizer.apply_gradients([([0.0, 0.0], w)])
    assert w.numpy().tolist() == [0.0, 1.0 - 2.0]


def test_equal_variables_have_slots_of_their_own() -> None:
    a, b = cr.Variable([1.0, 2.0], name="same"), cr.Variable([1.0, 2.0], name="same")
    optimizer = cr.optim.Momentum(1.0, 0.5)
    optimizer.apply_gradients([([1.0, 1.0], a), ([2.0, 2.0], b)])
    slots = [optimizer.get_slot(v, "momentum") for v in (a, b)]
    assert [slot.numpy().tolist() for slot in slots if slot is not None] == [[1.0, 1.0], [2.0, 2.0]]


def test_slots_leave_with_their_variable_and_nothing_waits_for_the_collector() -> None:
    gc.disable()
    try:
        optimizer = cr.optim.Adam()
        w = cr.Variable([1.0, 2.0])
        optimizer.apply_gradients([([1.0, 1.0], w)])
        gone = weakref.ref(w)
        slot = weakref.ref(optimizer.variables()[-1])
        del w
        assert gone() is None
        assert slot() is None
        assert [v.name for v in optimizer.variables()] == ["Adam/iterations"]
        last = weakref.ref(optimizer)
        del optimizer
        assert last() is None
    finally:
        gc.enable()
