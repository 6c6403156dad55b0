"""The engine's tests run where no array library is installed: on the plain Python backend beside this file.

Tests that ask for `backend` run on NumPy too, where it is installed.
"""

from __future__ import annotations

import importlib.util
import inspect
import math
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import optree
import pytest

import chainrule as cr

BACKENDS = ("python", "numpy") if importlib.util.find_spec("numpy") else ("python",)


def _load() -> Any:
    spec = importlib.util.spec_from_file_location("python_backend", Path(__file__).with_name("python_backend.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


_python = _load()
cr.register_backend("python", _python.python_backend)


@pytest.fixture(autouse=True)
def _python_in_force() -> Iterator[None]:
    with cr.use_backend("python"):
        yield


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Iterator[cr.Backend]:
    """The backend in force: every test that asks for it runs on each."""
    with cr.use_backend(request.param) as chosen:
        yield chosen


@pytest.fixture
def array(backend: cr.Backend) -> Callable[..., Any]:
    """Makes an array of the backend's own library from numbers or nested lists."""
    return lambda data: cr.tensor(data).value


def plain(tree: Any) -> Any:
    """A tree of tensors, arrays and numbers as nested lists of Python numbers."""

    def convert(leaf: Any) -> Any:
        if isinstance(leaf, cr.IndexedSlices):
            leaf = leaf.to_dense()
        return leaf.tolist() if hasattr(leaf, "tolist") else leaf

    return optree.tree_map(convert, tree, none_is_leaf=True, is_leaf=lambda leaf: isinstance(leaf, cr.IndexedSlices))


@pytest.fixture
def same() -> Callable[..., None]:
    """Asserts that two trees of tensors, arrays and numbers have one structure and equal values."""

    def check(got: Any, expected: Any, tolerance: float = 1e-12) -> None:
        got_leaves, got_tree = optree.tree_flatten(plain(got), none_is_leaf=True)
        leaves, tree = optree.tree_flatten(plain(expected), none_is_leaf=True)
        assert got_tree == tree, f"{got!r} has another structure than {expected!r}"
        for a, b in zip(got_leaves, leaves, strict=True):
            close = a is b if a is None or b is None else a == b or abs(a - b) <= tolerance * max(1.0, abs(b))
            both_nan = isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b)
            assert close or both_nan, f"{got!r} is not {expected!r}"

    return check


@pytest.fixture
def slope() -> Callable[..., float]:
    """The derivative of a function of one number, by central differences."""

    def estimate(f: Callable[[float], Any], x: float, step: float = 1e-6) -> float:
        return (float(f(x + step)) - float(f(x - step))) / (2 * step)

    return estimate


@pytest.fixture
def here() -> Callable[..., str]:
    """The place that calls this, as errors name it: file and line; `lines` counts on from it."""

    def place(lines: int = 0) -> str:
        frame: Any = inspect.currentframe()
        return f"{frame.f_back.f_code.co_filename}:{frame.f_back.f_lineno + lines}"

    return place


class Installed:
    """A folder of throw-away distributions, and programs that run with them installed beside chainrule."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.add("python", Path(__file__).with_name("python_backend.py").read_text(), "python_backend:python_backend")

    def add(self, name: str, source: str, target: str = "", distribution: str = "", version: str = "1.0") -> None:
        """Install a distribution with one module and one entry point: a plugin, or where it says so a backend."""
        distribution = distribution or name
        target = target or distribution
        group = "chainrule.backends" if target.endswith("_backend") else "chainrule.plugins"
        module = target.partition(":")[0] if group.endswith("backends") else distribution
        self.folder.joinpath(f"{module}.py").write_text(source)
        info = self.folder / f"{distribution}-{version}.dist-info"
        info.mkdir()
        info.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        info.joinpath("entry_points.txt").write_text(f"[{group}]\n{name} = {target}\n")

    def python(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run Python with them, on the plain Python backend, and environment variables of chainrule's."""
        others = {key: value for key, value in os.environ.items() if not key.startswith("CHAINRULE_")}
        return subprocess.run(
            [sys.executable, "-W", "error", *arguments],
            env={**others, "PYTHONPATH": str(self.folder), "CHAINRULE_BACKEND": "python", "COLUMNS": "500"} | variables,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def run(self, program: str, **variables: str) -> str:
        """What a program prints, which must succeed in silence otherwise."""
        done = self.python("-c", textwrap.dedent(program), **variables)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout

    def chainrule(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the command line."""
        return self.python("-m", "chainrule", *arguments, **variables)


@pytest.fixture
def installed(tmp_path: Path) -> Installed:
    """Makes distributions with plugins, and runs programs that find them."""
    return Installed(tmp_path)
