"""`FILE:FUNCTION`: what it finds, and what is said of every mistake."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import chainrule as cr
from chainrule_draw._load import load


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
    assert "graph_of_model" not in sys.modules
