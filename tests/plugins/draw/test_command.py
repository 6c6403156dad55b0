"""`chainrule graph`: what it draws and prints, and what it says when it cannot."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from chainrule._cli import main

MODEL = """
import chainrule as cr

def graph():
    with cr.Graph().as_default() as g:
        cr.sin(cr.placeholder("float32", (None, 3), name="x"))
    return g

def tensors():
    x = cr.placeholder("float32", (None, 3), name="x")
    w = cr.Variable(1.0, name="w")
    cr.cos(x)  # not needed
    return cr.sum(cr.tanh(x * w))

def builds():
    cr.placeholder("float32", (None, 3), name="x")

@cr.function
def compiled(x, w, n=2):
    return cr.sum((x @ w) ** n)

def plain(*xs, scale):
    return [cr.sin(x) * scale for x in xs]

def constant():
    return cr.sum(cr.constant([1.0, 2.0]))

def eager():
    return 4

def nothing():
    pass

def fails():
    return {}["key"]

whole = graph()
number = 3
"""


class Outcome(NamedTuple):
    """How a command ended, and what it wrote."""

    status: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("model.py").write_text(MODEL)


@pytest.fixture
def graph(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run `chainrule graph` with these arguments."""
    return lambda *arguments: Outcome(main(["graph", *arguments]), *capsys.readouterr())


Graph = Callable[..., Outcome]
Look = Callable[[Any], Any]


def drawn(look: Look, name: str) -> Any:
    return look(Path(name).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("target", "names"),
    [
        ("graph", ["x", "sin"]),
        ("whole", ["x", "sin"]),
        ("builds", ["x"]),
        ("constant", ["constant", "sum", "result: sum"]),
        ("tensors", ["x", "w/read", "multiply", "tanh", "sum", "result: sum"]),
    ],
)
def test_functions_that_build_graphs(graph: Graph, look: Look, target: str, names: list[str]) -> None:
    count = sum(not name.startswith("result") for name in names)
    assert graph(f"model.py:{target}") == (0, f"saved {target}.svg: {count} node{'s' * (count != 1)}\n", "")
    assert drawn(look, f"{target}.svg").names() == names


def test_functions_of_arrays(graph: Graph, look: Look) -> None:
    assert graph("model.py:compiled", "--args", "float32[None,3], float32[3,2], 3") == (
        0,
        "saved compiled.svg: 5 nodes\n",
        "",
    )
    picture = drawn(look, "compiled.svg")
    assert picture.names("input") == ["x", "w"]
    assert "takes matmul, 3" in picture.node("pow")[1]


def test_many_arguments_and_named_ones(graph: Graph, look: Look) -> None:
    assert graph("model.py:plain", "--args", "float32[2] float32[3] scale=float32").status == 0
    picture = drawn(look, "plain.svg")
    assert picture.names("input") == ["xs_0", "xs_1", "scale"]
    assert picture.titles("node", "output") == ["result 0: multiply", "result 1: multiply_1"]


@pytest.mark.parametrize("option", ["--gradient", "--grad"])
def test_gradients(graph: Graph, look: Look, option: str) -> None:
    assert graph("model.py:tensors", option, "--output", "g.svg").status == 0
    picture = drawn(look, "g.svg")
    assert len(picture.of_class("part", "gradient")) == 1
    assert picture.titles("node", "output")[0] == "result 0: sum"
    assert len(picture.titles("node", "output")) == 3  # by the input and by the variable
    assert any(name.startswith("gradients/tanh_grad/") for name in picture.names("gradient"))


def test_passes(graph: Graph, look: Look) -> None:
    assert graph("model.py:compiled", "--args", "float32[4,3] float32[3,2]", "--grad", "--passes").status == 0
    stages = drawn(look, "compiled.svg").of_class("stage")
    assert len(stages) > 2
    assert graph("model.py:whole", "--passes").status == 0


def test_output_to_the_terminal(graph: Graph, look: Look) -> None:
    status, out, err = graph("model.py:graph", "--output", "-")
    assert (status, err) == (0, "")
    assert look(out).names() == ["x", "sin"]
    assert not list(Path().glob("*.svg"))


def test_text(graph: Graph) -> None:
    status, out, _ = graph("model.py:graph", "--text")
    assert status == 0
    assert out == (
        "graph of 2 nodes\n\nforward\n  x: float32[None, 3] = placeholder()\n  sin: float32[None, 3] = sin(x)\n"
    )
    status, out, _ = graph("model.py:tensors", "--text", "--passes")
    assert status == 0
    assert out.startswith("sum: 3 instructions traced, 3 in the plan for backend ")
    assert not list(Path().glob("*.svg"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["model.py"], "expected FILE:FUNCTION, such as model.py:softmax, got 'model.py'"),
        (["nowhere.py:f"], "nowhere.py: no such file"),
        (["model.py:tensor"], "model.py has no 'tensor'; did you mean 'tensors'?; it has graph, tensors, builds, "),
        (["model.py:number"], "model.py:number is of type int; expected a function or a Graph"),
        (
            ["model.py:eager"],
            "model.py:eager returned int 4; expected a Graph or symbolic tensors. A function of arrays",
        ),
        (["model.py:nothing"], "model.py:nothing returned NoneType None; expected a Graph"),
        (["model.py:compiled"], "compiled(x, w, n=2): missing a required argument: 'x'; give arguments with --args"),
        (["model.py:graph", "--args", "3"], "graph(): too many positional arguments; give arguments with --args"),
        (["model.py:compiled", "--args", "float3[2]"], "--args: 'float3[2]': unknown dtype 'float3'"),
        (["model.py:compiled", "--args", "float32[2,3] float32[4,5]"], "matmul(float32[2, 3], float32[4, 5]): shapes "),
        (["model.py:whole", "--gradient"], "--args and --gradient are for functions, and this is a graph already"),
        (["model.py:whole", "--args", "3"], "--args and --gradient are for functions, and this is a graph already"),
        (["model.py:graph", "--gradient"], "--gradient: the function returns a whole graph; let it return the loss's "),
        (["model.py:constant", "--gradient"], "--gradient: there is no floating-point input and no variable to "),
        (
            ["model.py:graph", "--output", "x.png"],
            "--output: the picture is SVG, in a file whose name ends in .svg, got",
        ),
        (["model.py:graph", "--output", "no/x.svg"], "--output: no/x.svg cannot be written: No such file or directory"),
        (["model.py:graph", "--text", "--output", "x.svg"], "--text is printed: give no --output with it"),
    ],
)
def test_mistakes(graph: Graph, arguments: list[str], message: str) -> None:
    status, out, err = graph(*arguments)
    assert (status, out) == (1, "")
    assert err.startswith(f"chainrule: {message}")
    assert err.count("\n") == 1
    assert not list(Path().glob("**/*.svg"))


def test_a_function_that_fails_keeps_its_error(graph: Graph) -> None:
    with pytest.raises(KeyError, match="key"):
        graph("model.py:fails")


def test_in_a_process_of_its_own(look: Look) -> None:
    command = [sys.executable, "-W", "error", "-m", "chainrule", "graph", "model.py:tensors", "--grad"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("saved tensors.svg: ")
    assert "tanh" in drawn(look, "tensors.svg").names("operation")


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["graph", "--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    assert all(
        option in shown for option in ("FILE:FUNCTION", "--args", "--gradient", "--passes", "--output", "--text")
    )
