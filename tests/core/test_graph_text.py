"""What graphs print, what they say as data, and that both are the same in every run."""

from __future__ import annotations

import json
import textwrap
from typing import Any

import pytest

import chainrule as cr
from chainrule import _registry


def trained() -> cr.Graph:
    """A graph with a gradient, a scope, an update, an open size and a branch."""
    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float64", (None, 3), name="x")
        w = cr.Variable([1.0, 2.0, 3.0], name="w")
        with cr.name_scope("model"):
            y = cr.sin(x * w)
            loss = cr.sum(y * 2.0)
        (dw,) = cr.gradients(loss, w)
        with cr.name_scope("train"):
            step = w.assign_sub(dw)
        cr.group(step, name="done")
    return graph


def test_a_graph_is_a_line_a_node_with_parts_and_scopes() -> None:
    expected = textwrap.dedent("""\
        graph of 18 nodes: 7 forward, 8 gradient, 3 update

        forward
          x: float64[None, 3] = placeholder()
          constant: float64[3] = constant(value=float64[3] [1.0, 2.0, 3.0])
          model/
            w/read: float64[3] = read_variable(variable=w)
            multiply: float64[None, 3] = multiply(x, model/w/read)
            sin: float64[None, 3] = sin(model/multiply)
            multiply_1: float64[None, 3] = multiply(model/sin, 2.0)
            sum: float64[] = sum(model/multiply_1, dtype=None, axis=None, keepdims=False)

        gradient
          gradients/
            full: float64[] = full(shape=(), value=1, dtype=float64)
            model/
              sum_grad/  gradient of model/sum by rule 'sum' (exact) of arrays (chainrule VERSION)
                reshape: float64[1, 1] = reshape(gradients/full, shape=(1, 1))
                broadcast_to: float64[None, 3] = broadcast_to(gradients/model/sum_grad/reshape, shape=(x.shape[0], 3))
              multiply_1_grad/multiply: float64[None, 3] = multiply(gradients/model/sum_grad/broadcast_to, 2.0)RULE
              sin_grad/  gradient of model/sin by rule 'sin' (exact) of arrays (chainrule VERSION)
                cos: float64[None, 3] = cos(model/multiply)
                multiply: float64[None, 3] = multiply(gradients/model/multiply_1_grad/multiply, COS)
              multiply_grad/  gradient of model/multiply by rule 'multiply' (exact) of arrays (chainrule VERSION)
                multiply: float64[None, 3] = multiply(gradients/model/sin_grad/multiply, x)
                sum_to: float64[3] = sum_to(gradients/model/multiply_grad/multiply, shape=(3,))

        update
          train/
            subtract: float64[3] = subtract(model/w/read, gradients/model/multiply_grad/sum_to)  no_grad
            w/assign: float64[3] = assign_variable(train/subtract, variable=w)  no_grad
          done = group()  after train/w/assign""")
    rule = "  gradient of model/multiply_1 by rule 'multiply' (exact) of arrays (chainrule VERSION)"
    expected = expected.replace("RULE", rule).replace("COS", "gradients/model/sin_grad/cos")
    assert str(trained()) == expected.replace("VERSION", cr.__version__)


def test_repr_stays_short() -> None:
    assert repr(trained()) == "<Graph of 18 nodes>"


def test_programs_inside_are_indented() -> None:
    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float64", (), name="x")
        cr.cond(x > 0.0, lambda: cr.sin(x), lambda: x * 2.0)
    lines = str(graph).splitlines()
    start = next(i for i, line in enumerate(lines) if line.lstrip().startswith("switch: "))
    assert [line.strip() for line in lines[start + 1 :]] == [
        "false_fn:",
        "inputs a0: float64[] 'x'",
        "v0: float64[] = multiply(a0, 2.0)",
        "return v0",
        "true_fn:",
        "inputs a0: float64[] 'x'",
        "v0: float64[] = sin(a0)",
        "return v0",
    ]
    assert [len(line) - len(line.lstrip()) for line in lines[start : start + 5]] == [2, 4, 6, 6, 6]


def test_overrides_are_marked() -> None:
    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float64", (2,), name="x")
        with cr.override_gradients({"sign": cr.surrogate(lambda g, _y, _x: g * 1.0)}):
            y = cr.sign(x)
        cr.gradients(cr.sum(y), x)
    text = str(graph)
    rule = "rule 'test_overrides_are_marked.<locals>.<lambda>' (surrogate) of your code OVERRIDE"
    assert f"  sign: float64[2] = sign(x)  {rule}\n" in text
    (node,) = [n for n in cr.describe_graph(graph).nodes if n.gradient_of == "sign"]
    assert str(node.rule) == rule


def test_a_node_that_runs_with_another_is_told() -> None:
    counter = cr.Variable(0.0, trainable=False, name="counter")

    @cr.function
    def counted(x: Any) -> Any:
        counter.assign_add(1.0)
        return x * 2.0

    with cr.Graph().as_default() as graph:
        counted(cr.placeholder("float64", (), name="x"))
    assert "  multiply: float64[] = multiply(x, 2.0)  then counter/assign" in str(graph)


def test_an_empty_graph() -> None:
    assert str(cr.Graph()) == "graph of 0 nodes"
    assert cr.describe_graph(cr.Graph()).nodes == ()


# As data


def node_of(graph: Any, name: str) -> cr.NodeDescription:
    (node,) = [node for node in cr.describe_graph(graph).nodes if node.name == name]
    return node


def test_data_is_plain() -> None:
    data = json.loads(json.dumps(cr.describe_graph(trained()).to_dict()))
    (read,) = [node for node in data["nodes"] if node["name"] == "model/w/read"]
    assert read["attributes"] == {"variable": "w"}
    assert read["outputs"] == ["float64[3]"]
    (product,) = [node for node in data["nodes"] if node["name"] == "model/multiply"]
    assert [data["nodes"][x["node"]]["name"] for x in product["inputs"]] == ["x", "model/w/read"]


def test_what_serves_an_update_alone_is_part_of_it() -> None:
    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float64", (), name="x")
        rate = cr.placeholder("float64", (), name="rate")
        w, slot = cr.Variable(1.0, name="w"), cr.Variable(0.0, trainable=False, name="slot")
        loss = cr.square(w * x)
        (dw,) = cr.gradients(loss, w)
        step = w.assign_sub(rate * dw + 0.9 * slot)
        with cr.control_dependencies([step]):
            cr.identity(loss)
    parts = {node.name: node.part for node in cr.describe_graph(graph).nodes}
    assert {name for name, part in parts.items() if part == "forward"} == {
        *("x", "constant", "constant_1", "w/read", "multiply", "square")
    }
    assert (parts["rate"], parts["slot/read"], parts["identity"]) == ("update", "update", "update")


def test_what_is_differentiated_again_is_no_update() -> None:
    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float64", (), name="x")
        (dx,) = cr.gradients(cr.sin(x), x)
        penalty = cr.exp(dx)
        (ddx,) = cr.gradients(penalty, x)
        cr.tanh(ddx)
    parts = {node.name: node.part for node in cr.describe_graph(graph).nodes}
    assert (parts["sin"], parts["exp"], parts["tanh"]) == ("forward", "forward", "update")
    assert {part for name, part in parts.items() if name.startswith("gradients")} == {"gradient"}


def test_what_is_not_needed_is_not_described() -> None:
    with cr.Graph().as_default():
        x = cr.placeholder("float64", (2,), name="x")
        y = cr.sin(x)
        cr.cos(x)
        both = cr.describe_graph({"y": y, "x": x})
    assert [node.name for node in both.nodes] == ["x", "sin"]
    assert [output.text for output in both.outputs] == ["x", "sin"]  # a dictionary's leaves go by its keys


def test_a_node_and_a_variable_can_be_described() -> None:
    graph = trained()
    assert node_of(graph.node("done"), "done").controls
    with graph.as_default():
        (variable,) = graph.variables
        assert cr.describe_graph([variable]).nodes[-1].op == "read_variable"


@pytest.mark.parametrize("what", [3.0, "x", [], None])
def test_what_cannot_be_described(what: Any) -> None:
    with pytest.raises(cr.DTypeError, match="describe_graph: expected "):
        cr.describe_graph(what)


def test_a_program_is_described_with_its_inputs() -> None:
    described = cr.describe_graph(cr.function(lambda x: cr.sin(x) + 1.0).trace(cr.tensor([1.0, 2.0])))
    assert described.inputs == (0,)
    assert [node.op for node in described.nodes] == ["argument", "sin", "add"]
    assert [(y.node, y.output) for y in described.outputs] == [(2, 0)]


def test_identities_tell_what_is_computed_and_nothing_else() -> None:
    def graph(before: int, value: float, scope: str = "layer", op: Any = cr.sin) -> cr.Graph:
        with cr.Graph().as_default() as made:
            x = cr.placeholder("float64", (2,), name="x")
            for _ in range(before):
                x + 5.0
            with cr.name_scope(scope):
                op(x + cr.constant([value, 1.0])) + 5.0
        return made

    plain = node_of(graph(0, 1.0), "layer/add_1").id
    assert node_of(graph(3, 1.0), "layer/add_1").id == plain
    assert node_of(graph(0, 2.0), "layer/add_1").id != plain
    assert node_of(graph(0, 1.0, "other"), "other/add_1").id != plain
    assert node_of(graph(0, 1.0, op=cr.cos), "layer/add_1").id != plain


def test_sizes_are_told_by_what_has_them() -> None:
    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float64", (None, 4), name="x")
        n = x.shape[0]
        cr.reshape(x, (2 * n, 2))
        cr.reshape(x, (n * 4,))
        cr.reshape(x, (n // 3, -1))
    shapes = [node.attributes["shape"] for node in cr.describe_graph(graph).nodes if node.op == "reshape"]
    assert shapes[:2] == ["(2 * x.shape[0], 2)", "(4 * x.shape[0],)"]
    assert shapes[2].startswith("((x.shape[0] // 3), ")


def test_values_of_attributes_are_told_alike_in_every_run(installed: Any) -> None:
    program = """
        import chainrule as cr
        with cr.Graph().as_default() as graph:
            for _ in range(ROUNDS):
                cr.placeholder("float64", (), name="unused")
        with cr.Graph().as_default() as graph:
            x = cr.placeholder("float64", (None, 8), name="x")
            y = x[..., 1:3, None] * cr.constant([[1.0]] * 9, name="nine")[:, 0][0]
            with cr.override_gradients({"sin": lambda g, _y, _x: g * 3.0}):
                z = cr.sin(y)
            h, _ = cr.scan(lambda c, e: (c + cr.sum(e), c), cr.sum(z), x)
            cr.gradients(h, x)
        print(graph, [node.id for node in cr.describe_graph(graph).nodes], cr.describe_graph(graph).digest())
    """
    runs = [installed.run(program.replace("ROUNDS", str(n)), PYTHONHASHSEED=str(n)) for n in (0, 7)]
    assert runs[0] == runs[1]
    assert "key=(..., (1, 3, None), None)" in runs[0]
    assert " at 0x" not in runs[0]


# In notebooks


def test_a_notebook_gets_text_where_nothing_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    with cr.Graph().as_default() as graph:
        cr.greater(cr.placeholder("float64", (2,), name="x"), 0.0)
    monkeypatch.delitem(_registry.functions, "draw", raising=False)
    assert graph._repr_svg_() is None
    html = graph._repr_html_()
    assert html.startswith("<pre>graph of 2 nodes\n")
    assert html.endswith("</pre>")


def test_a_notebook_gets_text_where_the_layout_library_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def draw(graph: Any) -> Any:
        raise ImportError("igraph")

    monkeypatch.setitem(_registry.functions, "draw", draw)
    graph = trained()
    assert graph._repr_svg_() is None
    assert "&lt;" not in graph._repr_html_()
    assert "rule &#x27;sin&#x27; (exact)" in graph._repr_html_()


def test_a_notebook_gets_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    class Drawn:
        svg = "<svg/>"

    monkeypatch.setitem(_registry.functions, "draw", lambda graph: Drawn)
    assert cr.Graph()._repr_svg_() == "<svg/>"
    assert cr.Graph()._repr_html_() == '<div style="overflow: auto"><svg/></div>'
