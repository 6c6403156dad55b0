"""From a trace to a plan: stages, counts, places, rules and code."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

import chainrule as cr
from chainrule import _registry

VECTOR = cr.Spec((3,), "float64")


def simple(x: Any) -> Any:
    return cr.sum(cr.sin(x) * 1.0 + cr.exp(cr.sin(x)))


def test_stages_are_the_passes_that_changed_something() -> None:
    explanation = cr.explain(simple, VECTOR)
    assert explanation.counts == {"traced": 6, "simplification": 5, "common_subexpressions": 4, "plan": 4}
    assert all(isinstance(program, cr.Program) for program in explanation.stages.values())
    assert [i.op.name for i in explanation.stages["plan"].instructions] == ["sin", "exp", "add", "sum"]
    assert explanation.name == "simple"
    assert repr(explanation) == (
        "<ProgramExplanation of simple: traced 6, simplification 5, common_subexpressions 4, plan 4>"
    )


def test_text(here: Callable[..., str]) -> None:
    place = f"{here(2)} in test_text.<locals>.f"

    def f(x): return cr.sum(x * 1.0)  # fmt: skip

    lines = str(cr.explain(f, VECTOR)).splitlines()
    assert lines[0] == "test_text.<locals>.f: 2 instructions traced, 1 in the plan for backend python"
    assert lines[1] == "a run of the plan: 3 flops, 32 bytes"
    assert lines[2] == "memory: 8 bytes alive at once"
    assert lines[4] == "traced: 2 instructions"
    assert lines[5].startswith("  inputs a0: float64[3] ")
    assert lines[6].startswith(f"  # {place}: def f(x)")
    assert lines[7:10] == [
        "  v0: float64[3] = multiply(a0, 1.0)",
        "  v1: float64[] = sum(v0, dtype=None, axis=None, keepdims=False)",
        "  return v1",
    ]
    assert lines[11] == "simplification: 1 instruction"
    assert lines[14:17] == ["  v0: float64[] = sum(a0, dtype=None, axis=None, keepdims=False)", "  return v0", ""]
    assert lines[17] == "plan: 1 instruction"
    assert lines[20].endswith("= sum(a0, dtype=None, axis=None, keepdims=False)  # 3 flops, 32 bytes")
    assert lines[22:25] == ["", "plan, as Python", "  def plan(a0):"]
    assert lines[25].endswith("  # sum")


def test_the_code_of_the_plan_is_code() -> None:
    explanation = cr.explain(simple, VECTOR)
    compile(explanation.plans["plan"], "plan", "exec")
    assert [line.partition("# ")[2] for line in explanation.plans["plan"].splitlines() if "# " in line] == [
        "sin",
        "exp",
        "add",
        "sum",
    ]


def test_a_pass_that_changes_something_again_is_numbered() -> None:
    def again(program: cr.Program, backend: cr.Backend) -> cr.Program:
        """Drops one identity at a time."""
        for i, instruction in enumerate(program.instructions):
            if instruction.op.name == "neighbour":
                rest = [*program.instructions[:i], *program.instructions[i + 1 :]]
                (was,), (now,) = instruction.outputs, instruction.inputs
                outputs = [now if y is was else y for y in program.outputs]
                for j, other in enumerate(rest):
                    inputs = tuple(now if x is was else x for x in other.inputs)
                    rest[j] = cr.Instruction(other.op, inputs, other.attributes, other.outputs, other.node)
                return cr.Program(program.inputs, outputs, rest)
        return program

    neighbour = cr.elementwise("neighbour", cr.infer.same, lambda g, _y, _x: g, "Itself.", kernel=lambda xp, x: x)

    class Plugin:
        @cr.hookimpl
        def chainrule_passes() -> Any:
            return {"again": again}

        @cr.hookimpl
        def chainrule_ops() -> Any:
            return [neighbour]

    cr.register_plugin(Plugin, "again")
    try:
        explanation = cr.explain(lambda x: neighbour(neighbour(x)) + 1.0, VECTOR)
    finally:
        _registry.passes.discard("again")
    assert explanation.counts == {"traced": 3, "again": 2, "again (2)": 1, "plan": 1}


# Memory


def test_the_peak_is_of_what_is_alive_at_once() -> None:
    def f(x: Any) -> Any:
        y = cr.exp(x) * cr.sin(x)  # three arrays of 24 bytes while it is computed
        return cr.sum(cr.reshape(y, (1, 3)) + 1.0)  # two, one of which is seen in another shape

    memory = cr.explain(f, VECTOR).memory["plan"]
    assert (memory.peak, memory.workspace, memory.overwritten, memory.known) == (72, (), {}, True)
    assert str(memory) == "72 bytes alive at once"


def test_a_peak_of_unknown_sizes_is_not_all() -> None:
    with cr.Graph().as_default():
        x = cr.placeholder("float64", (None,))
        explanation = cr.explain(cr.sum(cr.sin(x)))
    assert not explanation.memory["plan"].known
    assert "\nmemory: 8 bytes alive at once, and what is not known yet\n" in str(explanation)


# Gradients


def test_definitions_and_overrides_are_told() -> None:
    def f(x: Any) -> Any:
        with cr.override_gradients({"sign": cr.surrogate(lambda g, _y, _x: g * 4.0)}):
            y = cr.sign(x)
        return cr.sum(y * cr.sin(x))

    text = str(cr.explain(cr.grad(f), VECTOR))
    rule = (
        "rule 'test_definitions_and_overrides_are_told.<locals>.f.<locals>.<lambda>' (surrogate) of your code OVERRIDE"
    )
    assert f"# gradient of sign by {rule}; " in text
    assert f"# gradient of sin by rule 'sin' (exact) of arrays (chainrule {cr.__version__}); " in text
    assert f"= sign(v0)  {rule}\n" in text


def test_the_digest_pins_rules_and_program_but_no_places() -> None:
    def traced(factor: float, override: Any = None) -> cr.ProgramExplanation:
        def f(x: Any) -> Any:
            with cr.override_gradients(override or {}):
                return cr.sum(cr.sin(x) * factor)

        return cr.explain(cr.grad(f), VECTOR)

    digest = traced(2.0).digest()
    assert len(digest) == 12
    assert traced(2.0).digest() == digest
    assert traced(3.0).digest() != digest
    assert traced(2.0, {"sin": lambda g, _y, _x: g}).digest() != digest

    def elsewhere(x: Any) -> Any:
        return cr.sum(cr.sin(x) * 2.0)

    assert cr.explain(cr.grad(elsewhere), VECTOR).digest() == digest


# Control flow


def test_branches_are_shown_inside_and_optimised_too() -> None:
    def f(x: Any) -> Any:
        return cr.cond(cr.sum(x) > 0.0, lambda: cr.sin(x) * 1.0, lambda: x)

    explanation = cr.explain(f, VECTOR)
    assert explanation.counts["traced"] == explanation.counts["plan"] + 1
    (switch,) = [i for i in explanation.stages["plan"].instructions if i.op.name == "switch"]
    branches = dict(zip(switch.attributes["flow"].names, switch.attributes["flow"].programs, strict=True))
    assert [i.op.name for i in branches["true_fn"].instructions] == ["sin"]
    assert list(explanation.plans) == ["plan", "plan of switch, false_fn", "plan of switch, true_fn"]
    assert "    true_fn:\n      inputs a0: float64[3]" in str(explanation)
    assert "\nplan of switch, true_fn, as Python\n  def plan(a0):\n" in str(explanation)


# What can be explained


def test_compiled_functions_and_their_traces() -> None:
    f = cr.function(simple)
    explanation = cr.explain(f, cr.tensor([1.0, 2.0, 3.0]))
    assert f.traces == 1
    assert explanation.stages["traced"] is f.trace(cr.tensor([1.0, 2.0, 3.0]))
    assert cr.explain(explanation.stages["traced"]).counts == explanation.counts
    assert explanation.digest() == cr.explain(simple, VECTOR).digest()


def test_methods() -> None:
    class Model:
        def __init__(self) -> None:
            self.factor = 3.0

        @cr.function
        def f(self, x: Any) -> Any:
            return x * self.factor

    (multiply,) = cr.explain(Model().f, VECTOR).stages["plan"].instructions
    assert multiply.inputs[1] == 3.0
    assert cr.explain(Model().f, cr.tensor([1.0])).counts["traced"] == 1


def test_specs_inside_of_structures_and_static_arguments() -> None:
    explanation = cr.explain(lambda batch, n: batch["x"] ** n, {"x": cr.Spec((None, 2), "float32")}, n=3)
    (x,) = explanation.stages["traced"].inputs
    assert (x.shape, str(x.dtype)) == ((None, 2), "float32")


def part() -> tuple[Any, Any, Any]:
    x = cr.placeholder("float64", (None,), name="x")
    w = cr.Variable(2.0, name="w")
    y = cr.mean(x * w)
    return x, w, y


def test_a_part_of_a_graph() -> None:
    with cr.Graph().as_default():
        x, w, y = part()
        (dx,) = cr.gradients(y, x)
        step = w.assign_sub(0.1)
        explanation = cr.explain([y, dx, step])
    traced = explanation.stages["traced"]
    assert [symbol.node.name for symbol in traced.inputs] == ["x", "w/read"]
    assert len(traced.outputs) == 4  # and the variable's new value
    assert "specialised" not in explanation.stages
    assert explanation.name == "mean, gradients/multiply_grad/multiply, w/assign"


def test_many_fetches_are_named_in_short() -> None:
    with cr.Graph().as_default():
        x = cr.placeholder("float64", (), name="x")
        assert cr.explain([cr.sin(x), cr.cos(x), cr.exp(x), cr.tanh(x), x]).name == "sin, cos, exp and 2 more"


@pytest.mark.parametrize("value", [[1.0, 2.0, 3.0], cr.Spec((3,), "float64")], ids=["value", "spec"])
def test_sizes_that_are_fed(value: Any) -> None:
    with cr.Graph().as_default():
        x, _, y = part()
        (dx,) = cr.gradients(y, x)
        for feed in ({x: value}, {"x": value}):
            explanation = cr.explain(dx, feed)
            assert explanation.stages["traced"].outputs[0].shape == (None,)
            assert explanation.stages["specialised"].outputs[0].shape == (3,)
            assert list(explanation.stages) == ["traced", "specialised", *list(explanation.stages)[2:-1], "plan"]


def test_data_is_plain() -> None:
    data = json.loads(json.dumps(cr.explain(simple, VECTOR).to_dict()))
    assert data["name"] == "simple"
    assert data["backend"] == "python"
    assert list(data["stages"]) == ["traced", "simplification", "common_subexpressions", "plan"]
    assert [node["op"] for node in data["stages"]["plan"]["nodes"]] == ["argument", "sin", "exp", "add", "sum"]
    assert data["plans"]["plan"].startswith("def plan(a0):\n")
    assert data["regions"] == []
    assert data["memory"] == {"plan": {"peak": 72, "workspace": [], "overwritten": {}, "known": True}}


# What cannot


def test_wrong_feeds() -> None:
    with cr.Graph().as_default():
        x = cr.placeholder("float64", (2,), name="x")
        y = cr.sin(x)
        with pytest.raises(cr.ShapeError, match=r"explain: feed of 'x': expected float64\[2\], got shape \(3,\)"):
            cr.explain(y, {x: [1.0, 2.0, 3.0]})
        with pytest.raises(cr.GraphError, match="no node of the graph is called 'z'"):
            cr.explain(y, {"z": 1.0})
        with pytest.raises(cr.ArgumentError, match="takes no arguments, got 2; a graph's tensors take a feed_dict"):
            cr.explain(y, {}, {})


def test_wrong_arguments() -> None:
    program = cr.function(simple).trace(cr.tensor([1.0]))
    with pytest.raises(cr.ArgumentError, match="<Program of 6 instructions, 1 in, 1 out> takes no arguments, got 1"):
        cr.explain(program, 1.0)
    with pytest.raises(cr.DTypeError, match="explain: expected nodes or symbolic tensors of a graph, got int"):
        cr.explain(3)
    with pytest.raises(cr.DTypeError, match="explain: expected symbolic tensors or nodes of a graph"):
        cr.explain([])
