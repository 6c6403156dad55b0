"""Names in the file: paths through mappings, sequences and deeper trees, and what is refused."""

from collections import OrderedDict, namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule_state import inspect_checkpoint, load, save

Layer = namedtuple("Layer", "weights bias")


def names(path: Path, objects: Any) -> list[str]:
    """The names of the arrays of what is saved, after a check that it can be loaded by them."""
    save(path, objects)
    load(path, objects)
    return list(inspect_checkpoint(path).arrays)


def variable(name: str = "v") -> cr.Variable:
    return cr.Variable([1.0], name=name)


def test_one_variable_has_its_own_name(path: Path) -> None:
    assert names(path, variable("layer/w")) == ["layer/w"]


def test_a_sequence_takes_the_names_of_variables(path: Path) -> None:
    assert names(path, [variable("a"), variable("b")]) == ["a", "b"]
    assert names(path, (variable("a"), variable("b"))) == ["a", "b"]
    assert names(path, {"model": [variable("a"), variable("b")]}) == ["model/a", "model/b"]


def test_a_mapping_gives_the_names(path: Path) -> None:
    assert names(path, {"w": variable(), "b": variable()}) == ["b", "w"]
    assert names(path, OrderedDict(w=variable())) == ["w"]
    assert names(path, {1: variable(), 2: variable()}) == ["1", "2"]


def test_paths_through_trees(path: Path) -> None:
    layers = [Layer(variable(), variable()), Layer(weights=variable(), bias=variable())]
    assert names(path, {"model": {"layers": layers, "scale": variable()}}) == [
        "model/layers/0/bias",
        "model/layers/0/weights",
        "model/layers/1/bias",
        "model/layers/1/weights",
        "model/scale",
    ]


def test_none_is_nothing(path: Path) -> None:
    assert names(path, {"model": variable(), "optimizer": None}) == ["model"]


def test_something_with_state_lends_its_name(path: Path, averages: Callable[..., Any]) -> None:
    state = averages()
    w = variable("w")
    state.update(w)
    assert names(path, state) == ["averages/count", "averages/w/sum"]
    assert names(path, [w, state]) == ["averages/count", "averages/w/sum", "w"]
    assert names(path, {"model": w, "state": state}) == ["model", "state/count", "state/w/sum"]


def test_without_a_name_of_its_own_it_is_called_by_its_class(path: Path, averages: Callable[..., Any]) -> None:
    state = averages()
    state.update(variable("w"))
    state.name = ""
    assert names(path, state) == ["Averages/count", "Averages/w/sum"]
    assert names(path, [state]) == ["0/count", "0/w/sum"]


def test_names_of_any_characters(path: Path) -> None:
    given = ["größe", "a b", "x\ny", 'quote"', "back\\slash", "\u2028", "..", "", "/"]
    assert sorted(names(path, {name: variable() for name in given})) == sorted(given)


@pytest.mark.parametrize("objects", [{}, [], None, {"model": {"layers": []}}], ids=str)
def test_nothing_to_save(path: Path, objects: Any) -> None:
    with pytest.raises(cr.ArgumentError, match=r"^cr.save: objects has no variables and nothing else with state: "):
        save(path, objects)
    assert not path.exists()


@pytest.mark.parametrize(
    ("leaf", "got"),
    [
        (3, "int 3"),
        ("text", "str 'text'"),
        (np.ones(2), r"ndarray array\(\[1., 1.\]\)"),
        (cr.tensor(1.0), r"Tensor Tensor\(1.0, float64\)"),
        ((variable() for _ in "ab"), "generator <generator"),
        (cr.Variable, "type <class"),
    ],
    ids=["int", "str", "array", "tensor", "generator", "class"],
)
@pytest.mark.parametrize("function", [save, load])
def test_something_without_state(path: Path, function: Callable[..., Any], leaf: Any, got: str) -> None:
    message = rf"objects\['epoch'\]: expected a Variable or an object with __chainrule_state__ .* got {got}.*metadata="
    with pytest.raises(cr.DTypeError, match=message):
        function(path, {"w": variable(), "epoch": leaf})
    assert not path.exists()


def test_two_of_one_name(path: Path) -> None:
    message = r"objects\[0\] and objects\[1\] are both called 'w'; give them names of their own"
    with pytest.raises(cr.ArgumentError, match=message):
        save(path, [variable("w"), variable("w")])
    message = r"objects\['a'\]\['b'\] and objects\['a/b'\] are both called 'a/b'"
    with pytest.raises(cr.ArgumentError, match=message):
        save(path, {"a": {"b": variable()}, "a/b": variable()})
    with pytest.raises(cr.ArgumentError, match=r"objects\[1\] and objects\['1'\]|objects\['1'\] and objects\[1\]"):
        save(path, {1: variable(), "1": variable()})
    assert not path.exists()


@pytest.mark.parametrize("function", [save, load])
def test_one_thing_twice(path: Path, function: Callable[..., Any]) -> None:
    w = variable()
    message = r"objects\['encoder'\] and objects\['decoder'\] are one Variable; leave one out"
    with pytest.raises(cr.ArgumentError, match=message):
        function(path, OrderedDict(encoder=w, decoder=w))


def test_a_name_inside_of_another(path: Path, averages: Callable[..., Any]) -> None:
    message = r"objects\['a/b/c'\] is called 'a/b/c', which lies inside 'a', the name of objects\['a'\]; rename one"
    with pytest.raises(cr.ArgumentError, match=message):
        save(path, {"a": averages(), "a-": variable(), "a/b/c": variable()})
    assert names(path, {"a": variable(), "a/b": variable()}) == ["a", "a/b"]


def test_the_name_of_the_file_format(path: Path) -> None:
    with pytest.raises(cr.ArgumentError, match=r"objects: the name '__metadata__' is taken by the file format"):
        save(path, variable("__metadata__"))
