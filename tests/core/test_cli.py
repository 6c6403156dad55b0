"""The command line: its commands, its report, its exit status; and that all it speaks of is documented."""

from __future__ import annotations

import inspect
import re
import textwrap
from typing import Any, get_origin

import pytest

import chainrule as cr
from chainrule import _registry, hookspecs
from chainrule._cli import main

PLUGIN = """
import chainrule as cr

def run(arguments):
    if arguments.what == "library":
        raise cr.ArgumentError("that is wrong")
    if arguments.what == "interrupt":
        raise KeyboardInterrupt
    return {"three": 3, "none": None}[arguments.what]

@cr.hookimpl
def chainrule_commands():
    return {"try": cr.Command("try something", lambda parser: parser.add_argument("what"), run)}
"""


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"chainrule {cr.__version__}\n"


def test_without_a_command_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("usage: chainrule ")
    assert re.search(r"^ +info +show versions, backends, plugins and settings$", captured.err, re.MULTILINE)


def test_unknown_command(installed: Any) -> None:
    done = installed.chainrule("inof")
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"chainrule: no command 'inof'; there are .*info, .*\. Did you mean 'info'\?\n", done.stderr)


def test_command_of_a_plugin_that_failed_or_is_disabled(installed: Any) -> None:
    installed.add("trial", PLUGIN)
    done = installed.chainrule("try", "none", CHAINRULE_DISABLE_PLUGINS="trial")
    assert done.returncode == 2
    assert re.search(r"chainrule: no command 'try'; there are .*info", done.stderr)
    assert "plugin 'trial' (trial 1.0) is disabled by CHAINRULE_DISABLE_PLUGINS." in done.stderr


@pytest.mark.parametrize(
    ("what", "status", "error"),
    [
        ("none", 0, ""),
        ("three", 3, ""),
        ("library", 1, "chainrule: that is wrong\n"),
        ("interrupt", 130, "chainrule: interrupted\n"),
    ],
)
def test_exit_status_of_a_command(installed: Any, what: str, status: int, error: str) -> None:
    installed.add("trial", PLUGIN)
    done = installed.chainrule("try", what)
    assert (done.returncode, done.stderr) == (status, error)


def test_wrong_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["info", "--nope"])
    assert caught.value.code == 2
    assert "unrecognized arguments: --nope" in capsys.readouterr().err


def test_info(installed: Any) -> None:
    from importlib.metadata import version
    from platform import python_version

    installed.add("broken_backend", "", "broken_backend:no_such_backend")
    unavailable = """
import chainrule as cr
def unavailable_backend():
    raise cr.BackendUnavailableError("no such device; plug one in")
"""
    installed.add("unavailable", unavailable, "unavailable:unavailable_backend")
    done = installed.chainrule("info", CHAINRULE_DATA="somewhere")
    assert (done.returncode, done.stderr) == (0, "")
    report = done.stdout
    assert report.startswith(f"chainrule {cr.__version__}, Python {python_version()} on ")
    for line in (
        f"  pluggy {version('pluggy')}",
        f"  optree {version('optree')}",
        "  CHAINRULE_BACKEND=python",
        "  CHAINRULE_DATA=somewhere",
        "  unavailable: unavailable: no such device; plug one in",
        "    7 ops: identity, multiply_zero_wins, prevent_gradient, read_variable, stop_gradient, sum_to, ...",
    ):
        assert line in report.splitlines(), line
    assert re.search(r"^ \*python: .*; devices cpu", report, re.MULTILINE)
    origin = r"'broken_backend' \(broken_backend:no_such_backend of broken_backend 1\.0\)"
    reason = rf"unavailable: backend {origin} does not import: AttributeError"
    assert re.search(rf"^  broken_backend: {reason}", report, re.MULTILINE)
    distribution = re.escape(f"chainrule {cr.__version__}")
    assert re.search(rf"^  arrays \({distribution}, chainrule_arrays\.plugin\): loaded$", report, re.MULTILINE)


def test_info_with_a_wrong_backend_goes_on(installed: Any) -> None:
    done = installed.chainrule("info", CHAINRULE_BACKEND="nope")
    assert done.returncode == 0
    assert "  no backend is in force: CHAINRULE_BACKEND: no backend 'nope'; " in done.stdout
    assert "\n  arrays (chainrule " in done.stdout


def test_info_names_the_variables_when_none_is_set(capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    names = ["CHAINRULE_BACKEND", "CHAINRULE_DISABLE_PLUGINS", "CHAINRULE_OVERRIDES", "CHAINRULE_DATA"]
    names += ["CHAINRULE_KEEP_MEMORY", "CHAINRULE_NUM_THREADS", "CHAINRULE_STRICT_MATH", "CHAINRULE_JIT"]
    for name in names:
        monkeypatch.delenv(name, raising=False)
    assert main(["info"]) == 0
    assert f"  none of chainrule's variables is set ({', '.join(names)})\n" in capsys.readouterr().out


HOOKS = [name for name in vars(hookspecs) if name.startswith("chainrule_")]


def test_there_are_hooks() -> None:
    assert len(HOOKS) == 13


@pytest.mark.parametrize("name", HOOKS)
def test_hook_is_documented_with_an_example_that_is_one(name: str) -> None:
    specification = getattr(hookspecs, name)
    doc = inspect.getdoc(specification)
    assert doc
    assert "Example:" in doc
    example = textwrap.dedent(doc.partition("Example:\n")[2])
    marked: list[Any] = []
    exec(compile(example, name, "exec"), {"hookimpl": marked.append})
    (function,) = marked
    assert function.__name__ == name
    assert inspect.signature(function).parameters.keys() == inspect.signature(specification).parameters.keys()


def test_every_public_name_is_documented() -> None:
    names = [name for name in dir(cr) if not name.startswith("_")]
    assert {"sin", "grad", "optim", "Tensor"} <= set(names)
    undocumented = [
        name
        for name in names
        if (callable(value := getattr(cr, name)) or inspect.ismodule(value))
        and get_origin(value) is None  # a type alias cannot have a docstring
        and not (inspect.getdoc(value) or "").strip()
    ]
    assert undocumented == []


def test_every_operation_is_documented() -> None:
    assert cr.sin.op.name in _registry.ops
    assert [name for name in _registry.ops if not (_registry.ops.find(name).__doc__ or "").strip()] == []
