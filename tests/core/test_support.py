"""`check`: what a backend lacks for a program, before it runs."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import chainrule as cr
from chainrule import _backends, infer
from chainrule._cli import main


@pytest.fixture
def lacking(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Makes backends of the plain Python one with something left out; gives their name."""

    def make(dtypes: tuple[str, ...] = (), functions: tuple[str, ...] = (), **changes: Any) -> str:
        whole = cr.get_backend()

        class Namespace:
            def __getattr__(self, name: str) -> Any:
                if name in functions:
                    raise AttributeError(name)
                return getattr(whole.xp, name)

        changes = {
            "dtypes": {dtype: native for dtype, native in whole.dtypes.items() if str(dtype) not in dtypes},
            "kernels": {name: kernel for name, kernel in whole.kernels.items() if name not in functions},
            "xp": Namespace(),
            **changes,
        }
        backend = replace(whole, name="lacking", **changes)
        monkeypatch.setitem(_backends._registered, "lacking", lambda: backend)
        monkeypatch.setattr(_backends, "_loaded", {k: b for k, b in _backends._loaded.items() if k != "lacking"})
        return "lacking"

    return make


def never(*args: Any) -> Iterator[Any]:
    raise AssertionError("something was run")


X = cr.Spec((3,), "float64")


def test_nothing_is_lacking() -> None:
    report = cr.check(lambda x: cr.sum(cr.exp(x)), X)
    assert report
    assert report.backend == "python"
    assert report.lacks == ()
    assert report.ops[:2] == ("exp", "sum")
    assert report.dtypes == ("float64",)
    assert str(report).startswith("backend 'python' has all of ")


def test_all_that_is_lacking_is_told_at_once(lacking: Callable[..., str]) -> None:
    name = lacking(functions=("sinh", "atan"))
    report = cr.check(lambda x: cr.sum(cr.sinh(x) + cr.atan(x)), X, backend=name)
    assert not report
    assert [lack.op for lack in report.lacks] == ["sinh", "atan"]
    for lack in report.lacks:
        assert "has no kernel on backend 'lacking'" in lack.problem
        assert lack.plugin.startswith("plugin 'arrays' (chainrule ")
        assert not lack.gradient
        assert len(lack.sites) == 1
        assert "test_support.py:" in lack.sites[0]


def test_what_a_generic_kernel_requires_of_the_namespace(lacking: Callable[..., str]) -> None:
    @cr.op(infer.same, cr.NoGradient("for a test"), requires=("sqrt", "within.same"))
    def test_support_required(xp: Any, x: Any, /) -> Any:
        return xp.within.same(x)

    name = lacking(xp=SimpleNamespace(sqrt=math.sqrt))
    message = (
        "op 'test_support_required' of your code has no kernel on backend 'lacking', whose namespace has no "
        "'within.same' either"
    )
    (lack,) = cr.check(test_support_required, X, backend=name).lacks
    assert message in lack.problem
    with cr.use_backend(name), pytest.raises(cr.MissingKernelError, match=re.escape(message)):
        test_support_required(8.0)
    name = lacking(xp=SimpleNamespace(sqrt=math.sqrt, within=SimpleNamespace(same=lambda x: x)))
    assert cr.check(test_support_required, X, backend=name)
    with cr.use_backend(name):
        assert float(test_support_required(8.0)) == 8.0


def test_what_gradients_alone_need(lacking: Callable[..., str]) -> None:
    name = lacking(functions=("cosh",))  # the derivative of sinh
    report = cr.check(lambda x: cr.sum(cr.sinh(x)), X, backend=name)
    assert [(lack.op, lack.gradient) for lack in report.lacks] == [("cosh", True)]
    assert ", in a gradient: " in str(report)
    assert cr.check(lambda x: cr.sum(cr.sinh(x)), X, backend=name, gradients=False)


def test_gradients_by_variables(lacking: Callable[..., str]) -> None:
    name = lacking(functions=("cosh",))
    v, fixed = cr.Variable([1.0, 2.0, 3.0]), cr.Variable([1.0, 2.0, 3.0], trainable=False)
    assert not cr.check(lambda: cr.sum(cr.sinh(v)), backend=name)
    assert cr.check(lambda: cr.sum(cr.sinh(fixed)), backend=name)


def test_a_missing_dtype(lacking: Callable[..., str]) -> None:
    name = lacking(dtypes=("int64",))
    report = cr.check(lambda x: cr.argmax(x), X, backend=name)
    assert [(lack.op, lack.problem[:38]) for lack in report.lacks] == [
        ("argmax", "backend 'lacking' has no dtype 'int64'"),
    ]


def test_what_a_backend_refuses(lacking: Callable[..., str]) -> None:
    def refuses(instruction: cr.Instruction) -> str | None:
        if instruction.op.name == "sort" and len(instruction.inputs[0].shape) > 1:
            return "sorts vectors alone"
        return None

    name = lacking(refuses=refuses)
    assert cr.check(lambda x: cr.sort(x), X, backend=name)
    report = cr.check(lambda x: cr.sort(x), cr.Spec((3, 2), "float64"), backend=name)
    assert [(lack.op, lack.problem) for lack in report.lacks] == [("sort", "sorts vectors alone")]


def test_what_a_kernel_refuses(lacking: Callable[..., str]) -> None:
    def kernel(x: Any) -> Any:
        raise AssertionError("nothing is run")

    kernel.refuses = lambda instruction: f"sine of {instruction.inputs[0].dtype} is out"
    kernels = {**cr.get_backend().kernels, "sin": kernel}
    (lack,) = cr.check(lambda x: cr.sum(cr.sin(x)), X, backend=lacking(kernels=kernels)).lacks
    assert (lack.op, lack.problem) == ("sin", "sine of float64 is out")


def test_branches_loops_and_calls_are_looked_into(lacking: Callable[..., str]) -> None:
    name = lacking(functions=("sinh", "atan", "tanh"))

    def f(x: Any) -> Any:
        y = cr.cond(cr.sum(x) > 0, lambda: cr.sinh(x), lambda: x)
        y = cr.scan(lambda c, t: (cr.atan(c) + t, c), y, cr.stack([y, y]))[0]
        return cr.sum(cr.function(cr.tanh)(y))

    assert {lack.op for lack in cr.check(f, X, backend=name, gradients=False).lacks} == {"sinh", "atan", "tanh"}
    assert {lack.op for lack in cr.check(cr.function(f), X, backend=name).lacks} == {"sinh", "atan", "tanh"}


def test_what_a_composite_operation_is_made_of(lacking: Callable[..., str]) -> None:
    @cr.composite
    def both(x: Any, /) -> Any:
        return cr.sinh(x) + 1.0

    name = lacking(functions=("sinh",))
    assert [lack.op for lack in cr.check(both, X, backend=name, gradients=False).lacks] == ["sinh"]
    whole = lacking(functions=("sinh",), kernels={**cr.get_backend().kernels, "both": never})
    assert cr.check(both, X, backend=whole, gradients=False)


def test_a_function_with_its_own_gradient(lacking: Callable[..., str]) -> None:
    @cr.custom_gradient
    def f(x: Any) -> Any:
        return cr.sinh(x), lambda g: g * cr.atan(x)

    name = lacking(functions=("sinh", "atan"))
    found = {lack.op: lack.gradient for lack in cr.check(lambda x: cr.sum(f(x)), X, backend=name).lacks}
    assert found == {"sinh": False, "atan": True}


def test_a_graph_and_a_program(lacking: Callable[..., str]) -> None:
    name = lacking(functions=("sinh",))
    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float64", (3,))
        cr.gradients(cr.sum(cr.sinh(x)), x)
    assert [lack.op for lack in cr.check(graph, backend=name).lacks] == ["sinh"]
    program = cr.function(lambda x: cr.sinh(x)).trace(cr.tensor([1.0, 2.0, 3.0]))
    assert [lack.op for lack in cr.check(program, backend=name).lacks] == ["sinh"]
    with pytest.raises(cr.GraphError, match="check: a Graph takes no arguments, got 1"):
        cr.check(graph, X)


def test_nothing_runs(lacking: Callable[..., str]) -> None:
    name = lacking(kernels=dict.fromkeys(cr.get_backend().kernels, never), xp=None)
    assert cr.check(lambda x: cr.sum(cr.add(x, x)), X, backend=name, gradients=False).ops == ("add", "sum")


def test_a_backend_without_its_device(lacking: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    name = lacking(functions=("sinh",))
    described = _backends._registered[name]()

    def absent() -> cr.Backend:
        raise cr.BackendUnavailableError("no usable GPU", described)

    monkeypatch.setitem(_backends._registered, name, absent)
    report = cr.check(cr.sinh, X, backend=f"{name}:1")
    assert (report.unavailable, [lack.op for lack in report.lacks]) == ("no usable GPU", ["sinh"])
    assert "\n  it cannot compute here: no usable GPU\n" in str(report)
    assert cr.check(cr.exp, X, backend=name)

    def not_installed() -> cr.Backend:
        raise cr.BackendUnavailableError("not installed; pip install it")

    monkeypatch.setitem(_backends._registered, name, not_installed)
    with pytest.raises(cr.BackendUnavailableError, match="not installed; pip install it"):
        cr.check(cr.sinh, X, backend=name)


def test_what_cannot_be_traced() -> None:
    with pytest.raises(cr.SymbolicValueError):
        cr.check(lambda x: x if x > 0 else -x, cr.Spec((), "float64"))
    with pytest.raises(cr.DTypeError, match="the result holds no array, got "):
        cr.check(lambda x: "text", X)
    with pytest.raises(cr.ArgumentError, match="makes variables: make them before"):
        cr.check(lambda x: x * cr.Variable([1.0, 2.0, 3.0]), X)
    v = cr.Variable([1.0, 2.0, 3.0], name="v")
    with pytest.raises(cr.ArgumentError, match="changes variable 'v': give what computes, not what trains"):
        cr.check(lambda x: v.assign_add(x), X)


FILE = """
import chainrule as cr

def f(x, n=1):
    return cr.sum(cr.sinh(x) * n)
"""


def test_the_command(lacking: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = lacking(functions=("cosh",))
    path = tmp_path / "model.py"
    path.write_text(FILE)
    assert main(["check", f"{path}:f", "--args", "float64[3] n=2"]) == 0
    assert capsys.readouterr().out.startswith("backend 'python' has all of 6 operations in float64\n")
    assert main(["check", f"{path}:f", "--args", "float64[3]", "--backend", name]) == 1
    assert capsys.readouterr().out.splitlines()[1].startswith("  op 'cosh' of plugin 'arrays' (chainrule ")
    assert main(["check", f"{path}:f", "--args", "float64[3]", "--backend", name, "--no-gradients", "--json"]) == 0
    assert '"lacks": []' in capsys.readouterr().out
    assert main(["check", f"{path}:f"]) == 1
    assert "missing a required argument: 'x'; give arguments with --args" in capsys.readouterr().err
