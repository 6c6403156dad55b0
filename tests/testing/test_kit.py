"""The kit itself: what it lets pass, what it does not, and what it reports."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import _registry, infer
from chainrule_testing import Samples, case, check_op, positive, real
from chainrule_testing._report import Report
from chainrule_testing._targets import target

CASES = [case(real(3)), case(real(2, 3)), case(real()), case(real(0))]


@pytest.fixture
def register() -> Iterator[Any]:
    """Operations for a test alone."""
    names: list[str] = []

    def register(function: Any) -> Any:
        cr.plugins()
        _registry.register_op(function)
        names.append(function.op.name)
        return function

    yield register
    for name in names:
        _registry.ops.discard(name)


def square(name: str, gradient: Any, kernel: Any = lambda xp, x: x * x, rule: Any = infer.same) -> Any:
    return cr.elementwise(name, rule, gradient, "x * x", kernel=kernel)


def right_slope(g: Any, _y: Any, x: Any) -> Any:
    return g * (2.0 * x)


def check(op: Any, reference: Any = np.square) -> Any:
    return check_op(op, Samples(reference, CASES), backends=["numpy"])


def test_what_is_right_passes_and_is_counted(register: Any) -> None:
    report = check(register(square("kit_right", right_slope)))
    assert report.backends == ("numpy",)
    assert ("numpy", "float64", "second derivative") in report.passed
    assert ("numpy", "float16", "gradient") in report.passed
    assert report.refused == {}


def test_without_a_reference_the_kernel_stands_for_it(register: Any) -> None:
    assert ("numpy", "float64", "gradient") in check(register(square("kit_alone", right_slope)), None).passed
    with pytest.raises(AssertionError, match="gradient 0 of kit_alone_wrong-0"):
        check(register(square("kit_alone_wrong", lambda g, _y, x: g * x)), None)


@pytest.mark.parametrize(
    ("name", "parts", "message"),
    [
        ("value", {"kernel": lambda xp, x: x * abs(x)}, "kit_value-0-int8"),
        ("slope", {"gradient": lambda g, _y, x: g * x}, "gradient 0 of kit_slope-.*: off by"),
        ("second", {"gradient": lambda g, _y, x: g * 2.0 * cr.stop_gradient(x)}, "second derivative of kit_second"),
        ("rule", {"rule": infer.boolean}, "by the rule bool"),
        ("shape", {"kernel": lambda xp, x: xp.sum(x * x)}, "by the rule"),
        ("none", {"gradient": None}, "has no gradient definition"),
    ],
)
def test_what_is_wrong_is_named(register: Any, name: str, parts: dict[str, Any], message: str) -> None:
    op = register(square(**{"name": f"kit_{name}", "gradient": right_slope, **parts}))
    with pytest.raises((AssertionError, cr.MissingGradientError), match=message):
        check(op)


def test_a_rule_of_forward_mode_that_is_not_the_transpose(register: Any) -> None:
    """What is declared linear pushes tangents through itself; x * x is not."""

    @register
    @cr.op(infer.same, right_slope, elementwise=True, linear="each")
    def kit_linear(xp: Any, x: Any, /) -> Any:
        return x * x

    with pytest.raises(AssertionError, match="tangent of kit_linear"):
        check(kit_linear)


def test_approximations_are_held_to_their_tolerance(register: Any) -> None:
    def off(g: Any, _y: Any, x: Any) -> Any:
        return g * (2.001 * x)

    check(register(square("kit_near", cr.approximate(1e-3)(off))))
    with pytest.raises(AssertionError, match="gradient 0 of kit_far"):
        check(register(square("kit_far", cr.approximate(1e-4)(off))))


def test_surrogates_have_to_be_declared(register: Any) -> None:
    def through(g: Any, _y: Any, _x: Any) -> Any:
        return g

    report = check(register(square("kit_surrogate", cr.surrogate(through))))
    assert not [check for _, _, check in report.passed if check in ("gradient", "second derivative")]
    with pytest.raises(AssertionError, match="gradient 0 of kit_undeclared"):
        check(register(square("kit_undeclared", through)))


def test_where_no_gradient_passes_none_comes_out(register: Any) -> None:
    check(register(square("kit_stopped", cr.NoGradient("for a test"))))


def test_a_kernel_that_a_backend_has_not_is_refused_and_not_passed(register: Any) -> None:
    op = register(cr.elementwise("kit_nowhere", infer.same, right_slope, "x * x"))
    with pytest.raises(AssertionError, match=r"nothing was checked; refused: .*kit_nowhere"):
        check(op)


def test_several_results(register: Any) -> None:
    def gradient(gs: Any, ys: Any, x: Any) -> Any:
        return gs[0] * cr.cos(x) - gs[1] * cr.sin(x)

    @register
    @cr.op(lambda x: (infer.floating(x), infer.floating(x)), gradient, multiple=True)
    def kit_both(xp: Any, x: Any, /) -> Any:
        return xp.sin(x), xp.cos(x)

    samples = Samples(lambda x: (np.sin(x), np.cos(x)), CASES, integers=False)
    assert ("numpy", "float64", "forward mode") in check_op(kit_both, samples, backends=["numpy"]).passed


# Runs


PLUGIN = """
import numpy as np
import chainrule as cr
from chainrule import infer
from chainrule_testing import Samples, case, real

double = cr.elementwise("kit_double", infer.same, lambda g, _y, _x: 2 * g, "2 x.", kernel=lambda xp, x: x + x)
bare = cr.elementwise("kit_bare", infer.same, lambda g, _y, _x: g, "x.", kernel=lambda xp, x: x)

class Plugin:
    @cr.hookimpl
    def chainrule_ops():
        return OPS

    @cr.hookimpl
    def chainrule_overrides():
        return {"kit_set": {"sign": GRADIENT}}

    @cr.hookimpl
    def chainrule_samples():
        return {"kit_double": Samples(lambda x: 2 * x, [case(real(3))])}

cr.register_plugin(Plugin, "kit")
"""


def run(folder: Path, *arguments: str, plugin: str = "") -> tuple[int, str]:
    """The kit in a process of its own; with the text of a plugin to register there."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    if plugin:
        (folder / "kit_plugin.py").write_text(plugin)
        arguments = ("-p", "kit_plugin", *arguments)
    command = [sys.executable, "-m", "pytest", "--pyargs", "chainrule_testing.test_ops", "-p", "no:cacheprovider"]
    done = subprocess.run([*command, *arguments], cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_plugins_run(tmp_path: Path) -> None:
    plugin = PLUGIN.replace("OPS", "[double]").replace("GRADIENT", "cr.surrogate(lambda g, _y, _x: g)")
    code, text = run(tmp_path, "--plugin", "kit", "--backend", "numpy", plugin=plugin)
    assert code == 0, text
    assert "1 operations of kit on numpy" in text
    assert "1 of 1 operations passed in every dtype that they define" in text


def test_an_operation_without_samples_and_an_undeclared_surrogate_fail(tmp_path: Path) -> None:
    plugin = PLUGIN.replace("OPS", "[double, bare]").replace("GRADIENT", "lambda g, _y, _x: g")
    code, text = run(tmp_path, "--plugin", "kit", "--backend", "numpy", plugin=plugin)
    assert code == 1, text
    assert "no samples for kit_bare of plugin 'kit'" in text
    assert "declare it: cr.surrogate(f)" in text


def test_reports(tmp_path: Path) -> None:
    reports = [f"--report=table{suffix}" for suffix in (".json", ".md", ".html")]
    code, text = run(tmp_path, "--op", "floor", "--op", "sort", *reports)
    assert code == 0, text
    data = json.loads((tmp_path / "table.json").read_text())
    (numpy,) = data["backends"]
    assert numpy["choice"] == "numpy"
    assert numpy["version"] == np.__version__
    assert {dtype: cell["state"] for dtype, cell in numpy["ops"]["floor"].items()} == {
        **{dtype: "passed" for dtype in ("bool", "float16", "float32", "float64")},
        **{f"{sign}int{bits}": "passed" for sign in ("", "u") for bits in (8, 16, 32, 64)},
        **{dtype: "undefined" for dtype in ("complex64", "complex128")},
    }
    assert "| `floor` | ✓ |" in (tmp_path / "table.md").read_text(encoding="utf-8")
    assert '<th>floor</th><td class="passed"' in (tmp_path / "table.html").read_text(encoding="utf-8")


def test_reasons_are_told_once_for_all_dtypes_that_have_them(tmp_path: Path) -> None:
    report = Report([target("numpy")], ["exp"], ["arrays"], {})
    outcomes = {
        ("float32", "gradient"): "no kernel",
        ("float32", "value"): "no kernel",
        ("int8", "value"): "no kernel",
        ("float64", "value"): None,
        ("float64", "gradient"): "no derivative",
        ("float64", "layout"): "no derivative",
    }
    for (dtype, check), reason in outcomes.items():
        properties = [("conformance", ("numpy", "exp", dtype, check))]
        how = ("passed", None) if reason is None else ("skipped", ("", 1, f"Skipped: refused: {reason}"))
        report.pytest_runtest_logreport(
            pytest.TestReport("", ("", 1, ""), {}, *how, "call", user_properties=properties)
        )
    report.left_out = 6
    report.save(tmp_path / "table.md")
    assert [line for line in (tmp_path / "table.md").read_text(encoding="utf-8").splitlines() if line[:2] == "- "] == [
        "- left out by --fraction: 6 of 12 checks of operations",
        "- 1 checks passed, 5 refused (83.3 %), 0 failed; 0 of what operations do not define",
        "- no dtype bfloat16",
        "- refused: `exp`, int8, float32: no kernel",
        "- refused: `exp`, float64: gradient, layout: no derivative",
    ]


def test_a_part_of_the_checks_says_what_it_leaves_out(tmp_path: Path) -> None:
    arguments = ("--op", "add", "--fraction", "0.5")
    first, again = (run(tmp_path, *arguments)[1] for _ in range(2))
    line = next(line for line in first.splitlines() if line.startswith("left out by --fraction"))
    assert line in again
    left, total = (int(word) for word in line.split() if word.isdigit())
    assert 0.3 * total < left < 0.7 * total


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--backend", "nunpy"], "no backend 'nunpy'; did you mean 'numpy'?"),
        (["--backend", "numpy:9"], "has no device '9'"),
        (["--plugin", "nobody"], "plugin 'nobody': there is none of that name"),
        (["--op", "sinn"], "--op sinn: no such operation"),
        (["--fraction", "0"], "--fraction is a number above 0"),
        (["--report", "table.pdf"], "a file ends in .json, .md, .html"),
    ],
    ids=["backend", "device", "plugin", "op", "fraction", "report"],
)
def test_what_cannot_be_run_is_said(tmp_path: Path, arguments: list[str], message: str) -> None:
    code, text = run(tmp_path, *arguments)
    assert code == pytest.ExitCode.USAGE_ERROR
    assert message in text


def test_other_runs_of_pytest_do_not_have_the_options(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("import sys\ndef test():\n    assert 'numpy' not in sys.modules\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "test_it.py"]
    options = {"cwd": tmp_path, "capture_output": True, "text": True, "timeout": 100, "check": False}
    assert subprocess.run(command, **options).returncode == 0
    assert "unrecognized arguments: --backend" in subprocess.run([*command, "--backend", "numpy"], **options).stderr


def test_points_are_where_they_should_be() -> None:
    assert (positive(100) > 0).all()
    assert (abs(real(100)) > 0.2).all()
