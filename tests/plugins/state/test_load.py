"""Loading: all or nothing, with everything that differs in one message."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule_state import CheckpointError, Loaded, inspect_checkpoint, load, save


def test_all_differences_at_once(path: Path) -> None:
    save(path, {"a": cr.Variable([1.0, 2.0]), "b": cr.Variable(np.float32(1.0)), "only": cr.Variable(1.0)})
    a, b, new = cr.Variable([9.0, 9.0, 9.0]), cr.Variable([9.0]), cr.Variable(9.0)
    with pytest.raises(CheckpointError) as caught:
        load(path, {"a": a, "b": b, "new": new})
    assert str(caught.value).splitlines() == [
        f"cr.load: {path} does not fit; nothing was loaded (strict=False loads what is in both):",
        "  not in the file: 'new'",
        "  'a': shape (2,) in the file, (3,) in the variable",
        "  'b': shape () in the file, (1,) in the variable",
        "  'b': dtype float32 in the file, float64 in the variable; make that with dtype='float32'",
        "  only in the file: 'only'",
    ]
    for variable in (a, b, new):
        assert set(variable.numpy().ravel()) == {9.0}


def test_one_misfit_among_many_changes_nothing(path: Path, variables: list[cr.Variable]) -> None:
    save(path, variables)
    others = [cr.Variable(np.zeros((2, 3)), name="w"), cr.Variable([0.0, 0.0], name="b")]
    with pytest.raises(CheckpointError, match=r"nothing was loaded:\n  'b': dtype float32 in the file, float64"):
        load(path, others)
    assert not others[0].numpy().any()


def test_not_strict_loads_what_is_in_both(path: Path) -> None:
    save(path, {"a": cr.Variable(1.0), "old": cr.Variable(2.0)}, metadata={"epoch": "7"})
    a, new = cr.Variable(0.0), cr.Variable(5.0)
    assert load(path, {"a": a, "new": new}, strict=False) == Loaded(("a",), ("new",), ("old",), {"epoch": "7"})
    assert (a.item(), new.item()) == (1.0, 5.0)


def test_not_strict_still_refuses_what_does_not_fit(path: Path) -> None:
    save(path, {"a": cr.Variable(1.0), "b": cr.Variable([2.0])})
    a, b = cr.Variable(0.0), cr.Variable(5.0)
    with pytest.raises(CheckpointError, match=r"nothing was loaded:\n  'b': shape \(1,\) in the file, \(\) in the var"):
        load(path, {"a": a, "b": b}, strict=False)
    assert (a.item(), b.item()) == (0.0, 5.0)


def test_state_comes_back_with_the_variables(
    path: Path, variables: list[cr.Variable], averages: Callable[..., Any]
) -> None:
    state = averages()
    for _ in range(3):
        state.update(*variables)
    save(path, {"model": variables, "state": state}, metadata={"epoch": "3"})
    fresh = averages()
    result = load(path, {"model": variables, "state": fresh})
    assert result == Loaded(("model/w", "model/b", "state"), (), (), {"epoch": "3"})
    assert fresh.count == 3
    for variable in variables:
        np.testing.assert_array_equal(fresh.sums[variable.name].numpy(), variable.numpy() * 3)
        assert fresh.sums[variable.name].dtype == variable.dtype


def test_state_before_its_first_update_empties_a_later_one(
    path: Path, variables: list[cr.Variable], averages: Callable[..., Any]
) -> None:
    save(path, [*variables, averages()])
    assert inspect_checkpoint(path).objects == ("averages",)
    later = averages()
    later.update(*variables)
    load(path, [*variables, later])
    assert (later.count, later.sums) == (0, {})


def test_state_is_made_on_the_backend_of_the_variables(path: Path, averages: Callable[..., Any]) -> None:
    pytest.importorskip("array_api_strict")
    w = cr.Variable([1.0, 2.0], name="w")
    state = averages()
    state.update(w)
    save(path, [w, state])
    with cr.use_backend("array_api_strict:device1"):
        there = cr.Variable([0.0, 0.0], name="w")
    fresh = averages()
    load(path, [there, fresh])
    assert fresh.sums["w"].backend.name == "array_api_strict"
    assert fresh.sums["w"].read().device == "device1"


def test_what_an_object_says_against_its_state_is_in_the_list(
    path: Path, variables: list[cr.Variable], averages: Callable[..., Any]
) -> None:
    state = averages()
    state.update(*variables)
    save(path, {"w": variables[0], "b": variables[1], "state": state})
    fresh, w = averages(), cr.Variable([0.0], name="w")
    with pytest.raises(CheckpointError) as caught:
        load(path, {"w": w, "state": fresh}, strict=False)
    assert str(caught.value).splitlines()[1:] == [
        "  'state': no variable is called b",
        "  'w': shape (2, 3) in the file, (1,) in the variable",
    ]
    assert (fresh.count, float(w[0])) == (0, 0.0)


def test_an_object_is_missing_or_left_over_as_a_whole(path: Path, averages: Callable[..., Any]) -> None:
    w = cr.Variable(1.0, name="w")
    save(path, w)
    with pytest.raises(CheckpointError, match="not in the file: 'averages'"):
        load(path, [w, averages()])
    save(path, [w, averages()])
    with pytest.raises(CheckpointError, match="only in the file: 'averages'"):
        load(path, w)
    state = averages()
    state.update(w)
    save(path, [w, state])
    assert load(path, w, strict=False).unexpected == ("averages/count", "averages/w/sum")


def test_parts_of_state_can_be_loaded_into_variables(path: Path, averages: Callable[..., Any]) -> None:
    w, total = cr.Variable(2.0, name="w"), cr.Variable(0.0)
    state = averages()
    state.update(w)
    state.update(w)
    save(path, state)
    assert load(path, {"averages": {"w": {"sum": total}}}, strict=False).unexpected == ("averages/count",)
    assert total.item() == 4.0


@pytest.mark.parametrize("error", [RuntimeError("no"), KeyboardInterrupt(), MemoryError()], ids=repr)
def test_a_failure_in_the_middle_takes_back_what_was_done(
    path: Path,
    variables: list[cr.Variable],
    averages: Callable[..., Any],
    failing: Callable[..., Any],
    error: BaseException,
) -> None:
    state, bad = averages(), failing(error)
    state.update(*variables)
    save(path, {"1": variables[0], "2": state, "3": bad, "4": variables[1]})
    before = [cr.Variable(np.ones((2, 3)), name="w"), cr.Variable(np.float32([1, 1]), name="b")]
    later = averages()
    later.update(*before)
    later.update(*before)
    with pytest.raises(type(error)):
        load(path, {"1": before[0], "2": later, "3": bad, "4": before[1]})
    assert all((variable.numpy() == 1).all() for variable in before)
    assert later.count == 2
    assert all((total.numpy() == 2).all() for total in later.sums.values())
    assert bad.calls == 2


class Wrong:
    name = "wrong"

    def __init__(self, state: Any) -> None:
        self.state = state

    def __chainrule_state__(self) -> Any:
        return self.state

    def __chainrule_restore__(self, state: Any, variables: Any) -> Any:
        return None


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (None, "__chainrule_state__ gave NoneType, not a mapping"),
        (
            {"count": 3},
            "__chainrule_state__ gave 'count': int; expected tensors and variables by names: make",
        ),
        ({3: cr.tensor(3)}, "__chainrule_state__ gave 3: Tensor; expected tensors and variables by names"),
    ],
    ids=str,
)
def test_state_that_is_none(path: Path, state: Any, message: str) -> None:
    with pytest.raises(cr.DTypeError, match=rf"^cr.save: objects\['x'\]: {message}"):
        save(path, {"x": Wrong(state)})
    assert not path.exists()


def test_restoring_that_gives_no_function(path: Path) -> None:
    w = cr.Variable(1.0)
    save(path, {"w": w, "x": Wrong({})})
    w.assign(2.0)
    with pytest.raises(cr.DTypeError, match=r"^cr.load: objects\['x'\]: __chainrule_restore__ gave NoneType, not a fu"):
        load(path, {"w": w, "x": Wrong({})})
    assert w.item() == 2.0


def test_metadata(path: Path) -> None:
    w = cr.Variable(1.0, name="w")
    strings = {"epoch": "3", "größe": "ß", "chainrule": "mine", "": "", "text": 'a "quoted"\nline\u2028 \x00'}
    save(path, w, metadata=strings)
    assert load(path, w).metadata == strings
    assert inspect_checkpoint(path).metadata == strings
    for wrong in ({"epoch": 3}, {3: "epoch"}):
        with pytest.raises(cr.DTypeError, match=r"^cr.save: metadata: expected strings, got .*; write str\(...\)"):
            save(path, w, metadata=wrong)  # type: ignore[arg-type]
    with pytest.raises(cr.DTypeError, match=r"^cr.save: metadata: expected a mapping from strings to strings, got str"):
        save(path, w, metadata="epoch 3")  # type: ignore[arg-type]
    assert load(path, w).metadata == strings


@pytest.mark.parametrize("name", ["save", "load"])
def test_while_a_function_is_traced_there_are_no_values(path: Path, name: str) -> None:
    w = cr.Variable(1.0, name="w")
    save(path, w)
    message = rf"^cr.{name}: variables have no values while a compiled function .* save and load outside of it$"
    with pytest.raises(cr.ArgumentError, match=message):
        cr.function(lambda: {"save": save, "load": load}[name](path, w))()
    assert inspect_checkpoint(path).arrays == {"w": cr.Spec((), cr.float64)}
    assert w.numpy() == 1.0
