"""`FILE:FUNCTION` and `--args`: what they are read as, and what is said of every mistake."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

import chainrule as cr
from chainrule.targets import load, parsed


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "my model.py"
    path.write_text(
        "from beside import three\nimport chainrule as cr\ndef build():\n    return three\nwhole = cr.Graph()\n"
    )
    path.with_name("beside.py").write_text("three = 3\n")
    return path


def test_a_function_of_a_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = list(sys.path)
    assert load(f"{file}:build")() == 3
    assert sys.path == before
    monkeypatch.chdir(file.parent)
    assert load("my model.py:build")() == 3
    assert isinstance(load("my model.py:whole"), cr.Graph)


@pytest.mark.parametrize("target", ["model.py", ":f", "model.py:", ""])
def test_no_function(target: str) -> None:
    with pytest.raises(cr.ArgumentError, match=r"expected FILE:FUNCTION, such as model\.py:softmax, got "):
        load(target)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(cr.ArgumentError, match=r"nowhere\.py: no such file"):
        load(f"{tmp_path / 'nowhere.py'}:f")
    with pytest.raises(cr.ArgumentError, match="is not a file"):
        load(f"{tmp_path}:f")


def test_no_such_function(file: Path) -> None:
    with pytest.raises(cr.ArgumentError, match=r"has no 'bild'; did you mean 'build'\?; it has build, whole"):
        load(f"{file}:bild")
    file.write_text("x = 3\n")
    with pytest.raises(cr.ArgumentError, match="has no 'build'; it has no functions"):
        load(f"{file}:build")


def test_no_python_file(tmp_path: Path) -> None:
    path = tmp_path / "model.txt"
    path.write_text("")
    with pytest.raises(cr.ArgumentError, match=r"model\.txt is no Python file: its name must end in \.py"):
        load(f"{path}:f")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("\nraise ValueError('no data')", r"model\.py does not run: ValueError: no data, at .*model\.py:2"),
        ("x = (", r"model\.py does not run: SyntaxError: .*line 1"),
        ("import sys; sys.exit(3)", r"model\.py does not run: SystemExit: 3, at .*model\.py:1"),
    ],
)
def test_a_file_that_does_not_run(tmp_path: Path, source: str, message: str) -> None:
    path = tmp_path / "model.py"
    path.write_text(source)
    with pytest.raises(cr.ArgumentError, match=message):
        load(f"{path}:f")
    assert "chainrule_target_model" not in sys.modules


def spec(dtype: str, shape: Any) -> tuple[str, Any]:
    return dtype, shape


def plain(value: Any) -> Any:
    return spec(str(value.dtype), value.shape) if isinstance(value, cr.Spec) else value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("float32[100,784]", [spec("float32", (100, 784))]),
        ("float32[100, 784], float64[3]", [spec("float32", (100, 784)), spec("float64", (3,))]),
        ("float32[None,784] int64[5]", [spec("float32", (None, 784)), spec("int64", (5,))]),
        ("float32[...]", [spec("float32", None)]),
        ("float32 complex64[]", [spec("float32", ()), spec("complex64", ())]),
        ("float32[3,]", [spec("float32", (3,))]),
        ("3 -0.5 True None", [3, -0.5, True, None]),
        ("'two words, one string' \"it's\"", ["two words, one string", "it's"]),
        ("(1,2),[3, 4]", [(1, 2), [3, 4]]),
    ],
)
def test_positional(text: str, expected: list[Any]) -> None:
    positional, named = parsed(text)
    assert [plain(value) for value in positional] == expected
    assert [type(value) for value in positional if not isinstance(value, cr.Spec)] == [
        type(value) for value in expected if not (isinstance(value, tuple) and isinstance(value[0], str))
    ]
    assert named == {}


def test_named() -> None:
    positional, named = parsed("float32[2] axis=(0,1), w=float64[None]")
    assert len(positional) == 1
    assert {name: plain(value) for name, value in named.items()} == {"axis": (0, 1), "w": spec("float64", (None,))}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("flot32[3]", r"--args: 'flot32\[3\]': unknown dtype 'flot32'"),
        ("float32[3", r"--args: brackets or quotes are not closed in 'float32\[3'"),
        ("'text", "--args: brackets or quotes are not closed"),
        ("float32[3,x]", r"--args: 'float32\[3,x\]': lengths are whole numbers, or None"),
        ("float32[-3]", "lengths are whole numbers"),
        ("float32[3,,4]", "lengths are whole numbers"),
        ("1+1", r"--args: '1\+1' is neither a dtype with a shape, such as float32\[100,784\], nor a value"),
        ("n=3 float32[2]", r"--args: float32\[2\] comes after n=...; give it a name too"),
    ],
)
def test_wrong_ones(text: str, message: str) -> None:
    with pytest.raises(cr.ArgumentError, match=message):
        parsed(text)
