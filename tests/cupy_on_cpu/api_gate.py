"""What the CuPy backend uses of CuPy exists, with the parameters it uses: `python -m tests.cupy_on_cpu.api_gate`.

It reads the backend's source and asks the installed wheel, for which no GPU is needed. Names that are put together
while the program runs are beyond it. The exit status is 1 where something is missing.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .options import ROOT

# The sources, and what the names in them stand for.
SOURCES = (
    *(ROOT / "backends" / "chainrule_cupy").glob("*.py"),
    ROOT / "backends" / "chainrule_array_api" / "_kernels.py",
    ROOT / "backends" / "chainrule_array_api" / "_indexing.py",
)
MODULES = {"cupy": "cupy", "cupyx": "cupyx", "xp": "array_api_compat.cupy"}


@dataclass(frozen=True)
class Use:
    """A name of CuPy's in a source, and the arguments it is called with, if it is called there.

    Args:
        place: File and line.
        module: The module that it begins with.
        names: The attributes that follow.
        call: Positional arguments, with the names of keyword arguments; None if it is not called.
    """

    place: str
    module: str
    names: tuple[str, ...]
    call: tuple[int, tuple[str, ...]] | None = None

    def problem(self) -> str | None:
        """What CuPy lacks of it."""
        found: Any = importlib.import_module(self.module)
        path = self.module
        for name in self.names:
            found = _attribute(found, path, name)
            path += f".{name}"
            if found is None:
                return f"{path} does not exist"
        if self.call is None:
            return None
        positional, keywords = self.call
        if type(found).__name__ == "ufunc":
            unknown = set(keywords) - {"out", "dtype", "casting"}
            return f"{path} takes no {', '.join(sorted(unknown))}" if unknown else None
        try:
            signature = inspect.signature(found)
        except (TypeError, ValueError):
            return None  # a function of the compiled part without one
        try:
            signature.bind_partial(*[None] * positional, **dict.fromkeys(keywords))
        except TypeError as error:
            return f"{path}{signature}: {error}"
        return None


def uses(path: Path) -> Iterator[Use]:
    """All that a source uses, each chain of attributes once at its longest."""
    tree = ast.parse(path.read_text())
    calls = {node.func: node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    inner = {node.value for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or node in inner:
            continue
        names: list[str] = []
        base: ast.expr = node
        while isinstance(base, ast.Attribute):
            names.insert(0, base.attr)
            base = base.value
        if isinstance(base, ast.Name) and base.id in MODULES:
            place = f"{path.relative_to(ROOT)}:{node.lineno}"
            yield Use(place, MODULES[base.id], tuple(names), _arguments(calls.get(node)))


def main() -> int:
    """Check all sources; the exit status."""
    import cupy

    found = [use for path in SOURCES for use in uses(path)]
    problems = [f"{use.place}: {problem}" for use in found if (problem := use.problem())]
    print("\n".join(problems), end="\n" if problems else "")
    distinct = {(use.module, use.names) for use in found}
    print(f"CuPy {cupy.__version__}: {len(found)} uses of {len(distinct)} names, {len(problems)} that it has not")
    return 1 if problems or not found else 0


def _arguments(call: ast.Call | None) -> tuple[int, tuple[str, ...]] | None:
    if call is None:
        return None
    positional = sum(not isinstance(argument, ast.Starred) for argument in call.args)
    return positional, tuple(keyword.arg for keyword in call.keywords if keyword.arg is not None)


def _attribute(owner: Any, path: str, name: str) -> Any:
    """An attribute, or the submodule of that name; None if there is neither."""
    if not hasattr(owner, name) and inspect.ismodule(owner):
        try:
            return importlib.import_module(f"{path}.{name}")
        except ModuleNotFoundError:
            return None
    return getattr(owner, name, None)


if __name__ == "__main__":
    sys.exit(main())
