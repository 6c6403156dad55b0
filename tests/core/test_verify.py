"""`verify`: a program on several backends, compared, with the first operation that differs."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import chainrule as cr
from chainrule import _backends
from chainrule._cli import main

X = cr.Spec((3,), "float64")


@pytest.fixture
def wrong(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Makes a backend with some kernels replaced; gives the names of the right one and that."""

    def make(**kernels: Any) -> list[str]:
        right = cr.get_backend()
        changed = replace(right, name="wrong", kernels={**right.kernels, **kernels})
        monkeypatch.setitem(_backends._registered, "wrong", lambda: changed)
        monkeypatch.setattr(_backends, "_loaded", {k: b for k, b in _backends._loaded.items() if k != "wrong"})
        return [right.name, "wrong"]

    return make


def kernel(name: str) -> Any:
    """The right kernel of an operation."""
    return getattr(cr.ops, name).op.kernels[cr.get_backend()]


def scaled(name: str, factor: float) -> Any:
    """A kernel that is off."""
    right, multiply = kernel(name), kernel("multiply")
    return lambda *arrays, **attributes: multiply(right(*arrays, **attributes), factor)


def test_backends_that_agree(wrong: Callable[..., list[str]]) -> None:
    w = cr.Variable([1.0, 2.0, 3.0], name="w")

    def f(x: Any, *, tree: dict[str, Any]) -> Any:
        y = cr.cond(cr.sum(x) > 0, lambda: cr.exp(x), lambda: cr.sin(x))
        return {"a": cr.sum(y * w), "b": cr.argmax(tree["t"])}

    report = cr.verify(f, X, tree={"t": X}, backends=wrong())
    assert report
    (run,) = report.runs
    assert [result.result for result in run.results] == [
        "result 0",
        "result 1",
        "gradient of argument 0",
        "gradient of variable w",
    ]
    assert all(result.error == 0.0 for result in run.results)
    assert (run.error, run.first) == ("", "")
    assert str(report).startswith("test_backends_that_agree.<locals>.f: ")


def test_the_first_operation_that_differs(wrong: Callable[..., list[str]]) -> None:
    names = wrong(exp=scaled("exp", 1.001))
    report = cr.verify(lambda x: cr.sum(cr.sin(cr.exp(cr.cos(x)))), X, backends=names)
    (run,) = report.runs
    assert not report
    assert not run.agrees
    assert run.first.startswith("op 'exp' of plugin 'arrays' (chainrule ")
    assert "off by 1.0e-03, at " in run.first
    assert "test_verify.py:" in run.first
    assert "\n  first to differ: op 'exp'" in str(report)


def test_a_gradient_that_differs(wrong: Callable[..., list[str]]) -> None:
    names = wrong(cosh=scaled("cosh", 0.5))  # the derivative of sinh
    (run,) = cr.verify(lambda x: cr.sum(cr.sinh(x)), X, backends=names).runs
    assert [(result.result, result.agrees) for result in run.results] == [
        ("result", True),
        ("gradient of argument 0", False),
    ]
    assert run.results[1].error == pytest.approx(0.5, rel=0.01)
    assert run.first.startswith("op 'cosh'")
    assert cr.verify(lambda x: cr.sum(cr.sinh(x)), X, backends=names, gradients=False)


def test_differences_that_add_up(wrong: Callable[..., list[str]]) -> None:
    names = wrong(sin=scaled("sin", 1 + 4e-12))

    def f(x: Any) -> Any:
        for _ in range(40):
            x = cr.sin(x) * 1.0001
        return x

    one = cr.verify(cr.sin, X, backends=names, gradients=False)
    assert one
    many = cr.verify(f, X, backends=names, gradients=False)
    assert not many
    assert many.runs[0].first == ""
    assert "first to differ: no operation by itself; differences add up" in str(many)
    assert cr.verify(f, X, backends=names, gradients=False, rtol=1e-9)


@pytest.mark.parametrize(("number", "agrees"), [(math.nan, True), (math.inf, True), (0.5, False)])
def test_infinities_and_nan(wrong: Callable[..., list[str]], number: float, agrees: bool) -> None:
    full = cr.get_backend().full
    native = cr.get_backend().native(cr.as_dtype("float64"))
    names = wrong(log=lambda x: full(x.shape, number, native, None))
    logarithm = {math.nan: -1.0, math.inf: math.inf, 0.5: -1.0}[number]
    report = cr.verify(cr.log, cr.tensor([logarithm]), backends=names, gradients=False)
    assert bool(report) is agrees
    if not agrees:
        assert report.runs[0].results[0].error == math.inf


def test_another_shape_or_dtype(wrong: Callable[..., list[str]]) -> None:
    exp, cast = kernel("exp"), kernel("astype")
    names = wrong(exp=lambda x: cast(exp(x), dtype=cr.as_dtype("float32")))
    (run,) = cr.verify(cr.exp, X, backends=names, gradients=False).runs
    assert run.results[0].problem == "float32[3] in place of float64[3]"
    assert "op 'exp'" in run.first


def test_a_backend_that_fails(wrong: Callable[..., list[str]]) -> None:
    def fails(*arrays: Any) -> Any:
        raise RuntimeError("no luck")

    report = cr.verify(cr.exp, X, backends=wrong(exp=fails), gradients=False)
    assert not report
    assert "no luck" in report.runs[0].error
    assert str(report.runs[0]).startswith("wrong: fails: ")


def test_seeds_and_dtypes(wrong: Callable[..., list[str]]) -> None:
    seen: list[Any] = []

    def watched(x: Any) -> Any:
        seen.append(cr.get_backend().to_numpy(x) if hasattr(x, "shape") else x)
        return x

    right = kernel("abs")
    names = wrong(abs=lambda x: right(watched(x)))
    for spec in (cr.Spec((2, 3), "int64"), cr.Spec((), "bool"), cr.Spec((0, 2), "float32"), X, X):
        assert cr.verify(lambda x: cr.abs(cr.astype(x, "float64")), spec, backends=names, seed=3)
    assert str(seen[-1]) == str(seen[-2])
    assert cr.verify(lambda x: cr.abs(x), X, backends=names, seed=4)
    assert str(seen[-1]) != str(seen[-2])


def test_what_it_does_not_take(wrong: Callable[..., list[str]]) -> None:
    with pytest.raises(cr.ArgumentError, match=r"verify: expected the names of two backends or more, got \['python'\]"):
        cr.verify(cr.exp, X, backends=["python"])
    with pytest.raises(cr.ArgumentError, match="got 'python'"):
        cr.verify(cr.exp, X, backends="python")
    with pytest.raises(cr.BackendError, match="verify: no backend 'pyton'; did you mean 'python'"):
        cr.verify(cr.exp, X, backends=["python", "pyton"])
    with pytest.raises(cr.ArgumentError, match=r"give lengths for float64\[None\], to make random numbers"):
        cr.verify(lambda x: cr.exp(x), cr.Spec((None,), "float64"), backends=wrong())


FILE = """
import chainrule as cr

def f(x, n=1):
    return cr.sum(cr.sinh(x) * n)
"""


def test_the_command(wrong: Callable[..., list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model.py"
    path.write_text(FILE)
    command = ["verify", f"{path}:f", "--args", "float64[3] n=2", "--backends", "python, wrong"]
    wrong()
    assert main(command) == 0
    assert "wrong: agrees\n" in capsys.readouterr().out
    wrong(cosh=scaled("cosh", 0.5))
    assert main(command) == 1
    assert "wrong: differs\n" in capsys.readouterr().out
    assert main([*command, "--no-gradients", "--json"]) == 0
    assert '"reference": "python"' in capsys.readouterr().out
    assert main([*command, "--rtol", "0.7"]) == 0
    capsys.readouterr()
    wrong(sinh=scaled("sinh", math.inf))
    assert main([*command, "--json"]) == 1
    report = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert report["runs"][0]["results"][0]["error"] is None
