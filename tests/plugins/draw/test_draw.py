"""Pictures of graphs, functions and programs: what is in them, and what each part says of itself."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import chainrule as cr

Look = Callable[[Any], Any]


def test_every_node_is_in_the_picture_once(softmax: cr.Graph, look: Look) -> None:
    picture = look(cr.draw(softmax))
    names = [name for name in picture.names() if name != "reference to"]
    assert sorted(names) == sorted(node.name for node in softmax)
    assert cr.draw(softmax).nodes == len(softmax)


def test_classes_tell_the_parts_apart(softmax: cr.Graph, look: Look) -> None:
    picture = look(cr.draw(softmax))
    assert picture.names("input") == ["x", "y"]
    assert set(picture.names("variable")) == {"model/w/read", "train/w/assign"}
    assert set(picture.names("operation")) == {"model/matmul", "tanh", "softmax_cross_entropy", "mean"}
    gradients = picture.names("gradient")
    assert gradients
    assert all(name.startswith("gradients/") for name in gradients)
    assert picture.names("update") == ["train/multiply", "train/subtract", "train/done"]
    parts = {e.get("class") for e in picture.of_class("part")}
    assert parts == {"group part forward", "group part gradient", "group part update"}


def test_parts_are_apart_and_hold_their_nodes(softmax: cr.Graph, look: Look) -> None:
    picture = look(cr.draw(softmax))
    forward, gradient, update = (
        picture.box(picture.of_class("part", part)[0]) for part in ("forward", "gradient", "update")
    )
    assert forward[2] < gradient[0]
    assert gradient[2] < update[0]
    for element in picture.of_class("node", "gradient"):
        left, top, right, bottom = picture.box(element)
        assert gradient[0] < left < right < gradient[2]
        assert gradient[1] < top < bottom < gradient[3]


def test_a_node_says_where_it_comes_from(softmax: cr.Graph, look: Look) -> None:
    picture = look(cr.draw(softmax))
    classes, title = picture.node("model/matmul")
    assert classes == "node operation"
    lines = title.splitlines()
    assert lines[:4] == ["model/matmul", "operation matmul", "gives float32[None, 3]", "takes x, model/w/read"]
    assert f"made at {Path(__file__).with_name('conftest.py')}:" in lines[4]
    assert lines[4].endswith("logits = x @ w")
    assert lines[5] == f"id {next(n.id for n in cr.describe_graph(softmax).nodes if n.name == 'model/matmul')}"


def test_a_gradient_says_which_definition_made_it(softmax: cr.Graph, look: Look) -> None:
    title = look(cr.draw(softmax)).node("gradients/model/matmul_grad/matmul")[1]
    assert f"\ngradient of model/matmul\nrule 'matmul' (exact) of arrays (chainrule {cr.__version__}), " in title
    assert "_linear_algebra.py:" in title


def test_an_override_is_marked(softmax: cr.Graph, look: Look) -> None:
    picture = look(cr.draw(softmax))
    classes, title = picture.node("tanh")
    assert classes == "node operation marked"
    assert "\noverride in force: rule 'softmax.<locals>.<lambda>' (surrogate) of your code OVERRIDE, " in title
    assert picture.node("gradients/tanh_grad/multiply")[0] == "node gradient marked"
    assert picture.legend[-2:] == ["gradient override", "runs before"]


def test_what_comes_from_another_part_is_a_reference(softmax: cr.Graph, look: Look) -> None:
    picture = look(cr.draw(softmax))
    references = [title.splitlines()[:2] for title in picture.titles("node", "reference")]
    assert ["reference to", "model/w/read"] in references
    assert ["reference to", "gradients/model/matmul_grad/matmul"] in references
    assert all(first == "reference to" for first, _ in references)


def test_scopes_are_boxes_around_their_nodes(softmax: cr.Graph, look: Look) -> None:
    picture = look(cr.draw(softmax))
    scopes = dict(zip(picture.titles("scope"), picture.of_class("scope"), strict=True))
    left, top, right, bottom = picture.box(scopes["name scope model"])
    inside = [
        name
        for name, element in zip(picture.names(), picture.of_class("node"), strict=True)
        if left < (box := picture.box(element))[0] < box[2] < right and top < box[1] < box[3] < bottom
    ]
    assert inside == ["model/w/read", "model/matmul"]
    made = [title for title in scopes if title.startswith("gradient of softmax_cross_entropy\nrule ")]
    assert len(made) == 1


def test_a_scope_with_a_way_out_and_back_is_no_box(look: Look) -> None:
    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float64", (2,), name="x")
        with cr.name_scope("layer"):
            y = cr.sin(x)
        z = cr.cos(y)
        with cr.name_scope("layer"):
            cr.exp(z)
            with cr.name_scope("inner"):
                cr.tanh(cr.exp(z))
    picture = look(cr.draw(graph))
    assert picture.titles("scope") == ["name scope layer/inner"]
    labels = {e.text for e in picture.of_class("label")}
    assert labels == {"x", "layer/sin", "cos", "layer/exp", "layer/inner", "exp", "tanh"}


def test_edges_lead_from_what_gives_to_what_takes(look: Look) -> None:
    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float64", (2,), name="x")
        with cr.control_dependencies([cr.sin(x)]):
            cr.cos(x)
    picture = look(cr.draw(graph))
    assert sorted(picture.titles("edge", "data")) == ["x to cos", "x to sin"]
    assert picture.titles("edge", "control") == ["sin to cos"]
    (rank,) = [e for e in picture.of_class("edge", "control")]
    assert rank.get("class") == "edge control"


def test_edges_of_nodes_with_several_results_tell_which(look: Look) -> None:
    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float64", (4,), name="x")
        _, sums = cr.scan(lambda c, e: (c + e, c), 0.0, x)
        cr.sin(sums)
    assert "scan to sin :1 float64[4]" in look(cr.draw(graph)).titles("edge")


def test_loops_and_branches_hold_their_programs(look: Look) -> None:
    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float64", (4,), name="x")
        cr.scan(lambda c, e: (c + cr.cond(e > 0.0, lambda: cr.sin(e), lambda: e), c), 0.0, x)
    picture = look(cr.draw(graph))
    scan = picture.box(picture.of_class("group", "node", "operation")[0])
    assert set(picture.titles("program")) == {"scan: body", "switch: true_fn", "switch: false_fn"}
    for element in picture.of_class("program"):
        left, top, right, bottom = picture.box(element)
        assert scan[0] < left < right < scan[2]
        assert scan[1] < top < bottom < scan[3]
    assert len(picture.of_class("node", "output")) == 4


def test_the_legend_has_what_is_in_the_picture(look: Look) -> None:
    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float64", (2,), name="x")
        cr.sin(x)
    assert look(cr.draw(graph)).legend == ["input", "forward operation"]


def test_functions(look: Look) -> None:
    def f(x: Any) -> Any:
        return cr.sum(cr.sin(x))

    picture = look(cr.draw(cr.grad(f), cr.Spec((3,), "float64")))
    assert "gradients/sin_grad/cos" in picture.names("gradient")
    assert picture.titles("node", "output") == ["result: gradients/sin_grad/multiply"]
    assert look(cr.draw(cr.function(f), cr.ones((3,)))).names("operation") == ["sin", "sum"]


def test_parts_of_graphs(softmax: cr.Graph, look: Look) -> None:
    picture = look(cr.draw(softmax.get_tensor("tanh")))
    assert picture.names() == ["x", "model/w/read", "model/matmul", "tanh", "result: tanh"]
    assert picture.of_class("part") == []


def test_passes_stand_side_by_side(look: Look) -> None:
    explanation = cr.explain(lambda x: cr.sin(x) * 1.0, cr.Spec((3,), "float64"))
    picture = look(cr.draw(explanation, passes=True))
    stages = picture.of_class("stage")
    boxes = [picture.box(stage) for stage in stages]
    assert len(stages) == 3
    assert all(a[2] < b[0] for a, b in pairwise(boxes))
    assert picture.names("operation") == ["sin", "multiply", "sin", "sin"]


def test_passes_of_a_graph(softmax: cr.Graph, look: Look) -> None:
    picture = look(cr.draw(softmax, passes=True))
    assert "train/multiply" in picture.names()
    assert len(picture.of_class("stage")) > 2


def test_empty_graphs(look: Look) -> None:
    assert look(cr.draw(cr.Graph())).names() == []


def test_pictures_are_the_same_every_time(softmax: cr.Graph) -> None:
    assert cr.draw(softmax).svg == cr.draw(softmax).svg


def test_a_thousand_nodes_take_seconds(look: Look) -> None:
    with cr.Graph().as_default() as graph:
        x = y = cr.placeholder("float64", (3,), name="x")
        for i in range(120):
            with cr.name_scope(f"block{i}"):
                y = cr.sin(y) * x + y
        cr.gradients(cr.sum(y), x)
    assert len(graph) > 900
    start = time.perf_counter()
    drawing = cr.draw(graph)
    assert time.perf_counter() - start < 10
    assert drawing.nodes == len(graph)


def test_many_nodes_at_one_level(look: Look) -> None:
    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float64", (3,), name="x")
        for _ in range(1000):
            cr.sin(x)
    assert cr.draw(graph).nodes == 1001


# Files and notebooks


def test_saving(softmax: cr.Graph, tmp_path: Path) -> None:
    path = tmp_path / "picture.svg"
    drawing = cr.draw(softmax, path=path)
    assert path.read_text(encoding="utf-8") == drawing.svg
    drawing.save(str(tmp_path / "again.SVG"))
    assert (tmp_path / "again.SVG").exists()


def test_saving_as_something_else(softmax: cr.Graph, tmp_path: Path) -> None:
    with pytest.raises(cr.ArgumentError, match=r"saved as SVG, in a file whose name ends in \.svg, got '.*x\.png'"):
        cr.draw(softmax, path=tmp_path / "x.png")
    assert list(tmp_path.iterdir()) == []


def test_notebooks(softmax: cr.Graph) -> None:
    drawing = cr.draw(softmax)
    assert drawing._repr_svg_() == drawing.svg == softmax._repr_svg_()
    assert drawing._repr_html_() == f'<div style="overflow: auto">{drawing.svg}</div>' == softmax._repr_html_()
    assert repr(drawing).startswith(f"<Drawing of {len(softmax)} nodes, ")


# Errors


def test_what_cannot_be_drawn(softmax: cr.Graph) -> None:
    with pytest.raises(cr.DTypeError, match="describe_graph: expected nodes or symbolic tensors of a graph, got int"):
        cr.draw(3)
    with pytest.raises(cr.ArgumentError, match=r"draw: <Graph of .* nodes> takes no arguments, got 1; a function does"):
        cr.draw(softmax, 3)


def test_igraph_is_missing() -> None:
    program = """
import sys
sys.modules["igraph"] = None
import chainrule as cr
with cr.Graph().as_default() as graph:
    cr.placeholder("float64", (), name="x")
try:
    cr.draw(graph)
except ImportError as error:
    print(type(error).__name__, error)
print(graph._repr_html_())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    first, rest = done.stdout.split("\n", 1)
    assert first.startswith("IgraphMissingError drawing needs igraph, which does not import (")
    assert first.endswith("); install it: pip install 'chainrule[draw]'")
    assert rest.startswith("<pre>graph of 1 node\n")


def test_igraph_is_imported_when_something_is_drawn() -> None:
    program = "import sys, chainrule as cr; cr.sin(1.0); cr.plugins(); print('igraph' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
