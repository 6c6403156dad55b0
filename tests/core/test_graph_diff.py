"""How graphs differ: what is told of each change, where, and in which words."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from typing import Any

import pytest

import chainrule as cr


def graph(
    *,
    override: Any = None,
    at_gradient: Any = None,
    factor: float = 2.0,
    op: Callable[..., Any] = cr.sin,
    name: str = "x",
    scope: str = "layer",
    shape: tuple[Any, ...] = (3,),
    axis: int | None = None,
    unused: int = 0,
) -> cr.Graph:
    """A graph with a gradient, of which a part can be chosen otherwise."""
    with cr.Graph().as_default() as made:
        x = cr.placeholder("float64", shape, name=name)
        for _ in range(unused):
            x + 7.0
        w = cr.constant([factor] * 3)
        with cr.name_scope(scope), cr.override_gradients(override or {}):
            y = op(x * w + 1.0)
        cr.gradients(cr.sum(cr.exp(y), axis=axis), x, overrides=at_gradient)
    return made


def told(**changes: Any) -> list[str]:
    """The differences that a choice makes, as text."""
    difference = cr.diff_graphs(graph(), graph(**changes))
    n, _, rest = str(difference).partition("\n")
    assert n == f"{len(difference.changes)} difference{'s' * (len(difference.changes) != 1)}"
    assert bool(difference)
    back = cr.diff_graphs(graph(**changes), graph())
    assert len(back.changes) == len(difference.changes)
    return [line.removeprefix("  ") for line in rest.splitlines()]


def test_equal_graphs() -> None:
    difference = cr.diff_graphs(graph(), graph())
    assert not difference
    assert difference == cr.GraphDiff()
    assert difference.changes == ()
    assert str(difference) == "no difference"
    assert difference.to_dict() == {"changes": ()}


def test_a_constant_is_compared_by_value() -> None:
    assert told(factor=3.0) == ["constant: attribute value: float64[3] [2.0, 2.0, 2.0] -> float64[3] [3.0, 3.0, 3.0]"]


def test_large_constants_are_told_apart_by_their_digests() -> None:
    def of(last: float) -> cr.Graph:
        with cr.Graph().as_default() as made:
            cr.constant([0.0] * 99 + [last])
        return made

    assert not cr.diff_graphs(of(1.0), of(1.0))
    (change,) = cr.diff_graphs(of(1.0), of(2.0)).changes
    assert (change.kind, change.node, change.what) == ("attribute", "constant", "value")
    assert change.before.startswith("float64[100] #")
    assert change.before != change.after


def test_another_operation_is_told_where_it_is_and_not_behind_it() -> None:
    assert told(op=cr.tanh)[:4] == [
        "exp: input 0: layer/sin -> layer/tanh",
        "gradients/layer/multiply_grad/multiply: input 0: gradients/layer/sin_grad/multiply -> "
        "gradients/layer/tanh_grad/multiply_1",
        "- layer/sin: float64[3] = sin(layer/add)",
        "- gradients/layer/sin_grad/cos: float64[3] = cos(layer/add)",
    ]
    assert "+ layer/tanh: float64[3] = tanh(layer/add)" in told(op=cr.tanh)


def test_an_attribute_and_the_shapes_that_follow() -> None:
    lines = told(axis=0)
    assert lines[0] == "sum: attribute axis: None -> 0"


def test_shapes() -> None:
    assert told(shape=(None,))[0] == "x: shape 0: float64[3] -> float64[None]"


def test_a_node_more() -> None:
    assert told(unused=2) == ["+ add: float64[3] = add(x, 7.0)", "+ add_1: float64[3] = add(x, 7.0)"]


def test_a_renamed_input() -> None:
    assert told(name="z") == ["x: name: x -> z"]


def test_a_renamed_scope() -> None:
    lines = told(scope="other")
    assert "layer/sin: name: layer/sin -> other/sin" in lines
    assert all(": name: " in line for line in lines)


def test_the_number_of_a_node_is_no_difference() -> None:
    def made(first: bool) -> cr.Graph:
        with cr.Graph().as_default() as graph:
            x = cr.placeholder("float64", (), name="x")
            a, b = (lambda: x + 1.0), (lambda: x + 2.0)
            if first:
                a(), b()
            else:
                b(), a()
        return graph

    assert not cr.diff_graphs(made(True), made(False))


# Rules and overrides


def test_another_rule_of_your_own_is_told_once() -> None:
    rule = cr.surrogate(lambda g, _y, _x: g * 5.0)
    name = "test_another_rule_of_your_own_is_told_once.<locals>.<lambda>"
    lines = told(at_gradient={"sin": rule})
    assert lines[0] == (
        f"layer/sin: gradient by rule 'sin' (exact) of arrays (chainrule {cr.__version__}) -> "
        f"rule '{name}' (surrogate) of your code OVERRIDE"
    )
    assert sum("gradient by" in line for line in lines) == 1
    assert lines[1:] == [
        "gradients/layer/sin_grad/multiply: input 1: gradients/layer/sin_grad/cos -> 5.0",
        "- gradients/layer/sin_grad/cos: float64[3] = cos(layer/add)",
    ]


def test_an_override_in_force_is_told_too() -> None:
    lines = told(override={"sin": lambda g, _y, _x: g * 5.0})
    assert lines[0].startswith("layer/sin: gradient by rule 'sin' (exact) of arrays ")
    assert lines[1] == (
        "layer/sin: override: none -> rule 'test_an_override_in_force_is_told_too.<locals>.<lambda>' (undeclared) of "
        "your code OVERRIDE"
    )


def test_rules_of_one_name_are_told_apart_by_their_code() -> None:
    rules = [{"sin": cr.surrogate(lambda g, _y, _x: g * 2.0)}, {"sin": cr.surrogate(lambda g, _y, _x: g * 3.0)}]
    changes = cr.diff_graphs(graph(override=rules[0]), graph(override=rules[1])).changes
    assert [change.kind for change in changes] == ["rule", "override", "input"]
    assert " with code " in changes[0].before
    assert changes[0].before != changes[0].after
    assert not cr.diff_graphs(graph(override=rules[0]), graph(override=rules[0]))


def test_rules_of_two_plugins(request: pytest.FixtureRequest) -> None:
    class Theirs:
        @cr.hookimpl
        def chainrule_gradients() -> Any:
            return {"their_sin": cr.approximate(0.1)(lambda g, _y, x: g * (1.0 - x * x / 2.0))}

    cr.register_plugin(Theirs, "theirs")
    (change, *_) = cr.diff_graphs(graph(), graph(at_gradient={"sin": "their_sin"})).changes
    assert (change.kind, change.node) == ("rule", "layer/sin")
    assert change.before == f"rule 'sin' (exact) of arrays (chainrule {cr.__version__})"
    assert change.after == "rule 'their_sin' (approximate(0.1)) of theirs OVERRIDE"


def test_no_grad() -> None:
    def made(recording: bool) -> cr.Graph:
        with cr.Graph().as_default() as graph:
            x = cr.placeholder("float64", (), name="x")
            if recording:
                cr.sin(x)
            else:
                with cr.no_grad():
                    cr.sin(x)
        return graph

    assert [str(c) for c in cr.diff_graphs(made(True), made(False)).changes] == ["sin: no_grad: no -> yes"]


# Order


def test_control_dependencies() -> None:
    def made(*before: str) -> cr.Graph:
        with cr.Graph().as_default() as graph:
            x = cr.placeholder("float64", (), name="x")
            nodes = {"sin": cr.sin(x), "cos": cr.cos(x)}
            with cr.control_dependencies([nodes[name] for name in before]):
                cr.exp(x)
        return graph

    assert not cr.diff_graphs(made("sin", "cos"), made("cos", "sin"))
    assert [str(c) for c in cr.diff_graphs(made("sin"), made("sin", "cos")).changes] == [
        "exp: order after: sin -> sin, cos"
    ]


# Programs


def traced(f: Any, *shapes: tuple[int, ...]) -> cr.Program:
    program: cr.Program = cr.function(f).trace(*(cr.ones(shape) for shape in shapes))
    return program


def test_programs_and_explanations() -> None:
    f, g = (lambda x: cr.sin(x)), (lambda x: cr.cos(x))
    assert not cr.diff_graphs(traced(f, (2,)), cr.explain(f, cr.ones((2,))))
    assert not cr.diff_graphs(cr.describe_graph(traced(f, (2,))), traced(f, (2,)))
    lines = [str(change) for change in cr.diff_graphs(traced(f, (2,)), traced(g, (2,))).changes]
    assert lines[-1] == "output 0: sin -> cos"


def test_results_in_another_order() -> None:
    a, b = traced(lambda x: (cr.sin(x), cr.cos(x)), (2,)), traced(lambda x: (cr.cos(x), cr.sin(x)), (2,))
    assert [str(change) for change in cr.diff_graphs(a, b).changes] == [
        "output 0: sin -> cos",
        "output 1: cos -> sin",
    ]


def test_one_result_more() -> None:
    a, b = traced(lambda x: cr.sin(x), (2,)), traced(lambda x: (y := cr.sin(x), y), (2,))
    assert [str(change) for change in cr.diff_graphs(a, b).changes] == ["output 1: none -> sin"]


def test_sub_programs_are_compared() -> None:
    def looped(factor: float) -> Any:
        return lambda x: cr.scan(lambda c, e: (c * factor + e, c), 0.0, x)[0]

    a, b = (traced(looped(factor), (4,)) for factor in (2.0, 3.0))
    assert not cr.diff_graphs(a, traced(looped(2.0), (4,)))
    difference = cr.diff_graphs(a, b)
    assert [str(change) for change in difference.changes] == ["scan, body: multiply: input 1: 2.0 -> 3.0"]


def test_overrides_inside_of_branches_are_told() -> None:
    def branch(x: Any) -> Any:
        return cr.cond(cr.sum(x) > 0.0, lambda: cr.sin(x), lambda: x)

    def overridden(x: Any) -> Any:
        with cr.override_gradients({"sin": lambda g, _y, _x: g}):
            return branch(x)

    kinds = {(c.kind, c.node) for c in cr.diff_graphs(traced(branch, (2,)), traced(overridden, (2,))).changes}
    assert ("override", "switch, true_fn: sin") in kinds


def test_other_inputs() -> None:
    difference = cr.diff_graphs(traced(lambda x, y: x + y, (2,), (2,)), traced(lambda x: x + x, (2,)))
    assert {change.kind for change in difference.changes} == {"input", "inputs", "removed"}


# Form


def test_data_is_plain_and_the_text_the_same_in_every_run() -> None:
    difference = cr.diff_graphs(graph(), graph(factor=4.0, unused=1))
    assert json.loads(json.dumps(difference.to_dict()))["changes"][1] == {
        "kind": "added",
        "node": "add",
        "what": "",
        "before": "",
        "after": ": float64[3] = add(x, 7.0)",
    }
    assert str(difference) == textwrap.dedent("""\
        2 differences
          constant: attribute value: float64[3] [2.0, 2.0, 2.0] -> float64[3] [4.0, 4.0, 4.0]
          + add: float64[3] = add(x, 7.0)""")


def test_what_cannot_be_compared() -> None:
    with pytest.raises(cr.DTypeError, match="describe_graph: expected "):
        cr.diff_graphs(cr.Graph(), 3)


def test_graphs_with_nothing_in_common() -> None:
    with cr.Graph().as_default() as other:
        cr.constant([1, 2])
    difference = cr.diff_graphs(cr.Graph(), other)
    assert [str(change) for change in difference.changes] == ["+ constant: int64[2] = constant(value=int64[2] [1, 2])"]


def test_long_graphs_that_differ_everywhere_are_quick() -> None:
    def chain(op: Callable[..., Any]) -> cr.Graph:
        with cr.Graph().as_default() as made:
            y = cr.placeholder("float64", (), name="x")
            for _ in range(1500):
                y = op(y) * 2.0
        return made

    changes = cr.diff_graphs(chain(cr.sin), chain(cr.cos)).changes
    assert {change.kind for change in changes} == {"input", "added", "removed"}
    assert sum(change.kind == "added" for change in changes) == 1500
