"""The pages of operations are whole and up to date, and what cannot be on one is an error."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import chainrule as cr

SCRIPT = Path(__file__).parents[2] / "docs/operations.py"


@pytest.fixture(scope="module")
def operations() -> ModuleType:
    """The script that writes the pages."""
    spec = importlib.util.spec_from_file_location("operations", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_public_function_is_documented_and_every_page_up_to_date(operations: ModuleType) -> None:
    pages = operations.pages()
    for name, text in pages.items():
        assert (operations.FOLDER / name).read_text(encoding="utf-8") == text, f"{name}: run `{operations.AGAIN}`"
    assert {path.name for path in operations.FOLDER.iterdir()} == set(pages)


def test_every_plugin_that_gives_names_has_a_page(operations: ModuleType) -> None:
    ours = {name: plugin for name, plugin in cr.plugins().items() if plugin.owner.distribution == "chainrule"}
    naming = {name for name, plugin in ours.items() if {"ops", "functions", "namespaces"} & set(plugin.registered)}
    assert naming == set(operations.PAGES)


def test_the_pages_have_what_users_and_authors_of_plugins_call(operations: ModuleType) -> None:
    pages = operations.pages()
    for page, name in {
        "arrays": "einsum",
        "chainrule": "value_and_grad",
        "datasets": "mnist",
        "draw": "draw",
        "nn": "MultiHeadAttention",
        "optim": "schedules.WarmUp",
        "random": "Generator",
        "scipy": "minimize",
        "state": "chainrule_state.CheckpointError",
    }.items():
        assert f"| `{name}" in pages[f"{page}.md"]
    assert all(f"| `{name}" in pages["chainrule.md"] for name in ("batching.along", "infer.floating", "GradientTape"))
    own = {name for name, x in vars(cr).items() if callable(x) and getattr(x, "__module__", "").startswith("chainrule")}
    every = "".join(pages.values())
    assert [name for name in sorted(own) if name[0] != "_" and not re.search(rf"^\| `{name}\b", every, re.M)] == []


def op(gradient: Any, doc: str = "What it computes.") -> Any:
    return cr.elementwise("undocumented", cr.infer.floating, gradient, doc, kernel=lambda xp, x: x)


def two_statements(g: Any, y: Any, x: Any) -> Any:
    slope = y * x
    return g * slope


def one_statement(g: Any, y: Any, x: Any) -> Any:
    return g * y / x


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (op(lambda g, _y, _x: g, doc=""), "it has no docstring"),
        (op(None), "it has no gradient, and no reason for having none"),
        (op(two_statements), "its docstring has no line `Derivative: ...`, and its definition is no formula"),
    ],
)
def test_what_is_not_documented_is_refused(operations: ModuleType, function: Any, reason: str) -> None:
    with pytest.raises(operations.Undocumented, match=f"^name: {reason}"):
        operations._row("name", function)


@pytest.mark.parametrize(
    ("function", "derivative"),
    [
        (op(lambda g, _y, x: g * cr.cos(x)), "`g * cr.cos(x)`"),
        (op(one_statement), "`g * y / x`"),
        (op(cr.NoGradient("it counts")), "none: it counts"),
        (
            op(two_statements, "What it computes.\n\n    Derivatives: `x`, `y`\n    and more.\n\n    Args:"),
            "`x`, `y` and more",
        ),
    ],
)
def test_what_a_row_says(operations: ModuleType, function: Any, derivative: str) -> None:
    row = operations._row("name", function)
    assert row == f"| `name(x)` | What it computes. | {derivative} | generic |"


class Table:
    """A table."""

    def __init__(self, rows: int) -> None:
        self.rows = rows

    @property
    def area(self) -> int:
        """How large it is."""
        return self.rows**2

    def turned(self) -> Table:
        """Another one."""
        return self


class Wobbly(cr.ChainruleError, ValueError):
    """It wobbles.

    Badly.
    """


def test_the_rows_of_classes_and_errors(operations: ModuleType) -> None:
    assert operations._class_row("Table", Table) == "| `Table(rows)` | A table. | `area`, `turned` |"
    assert operations._error_row("Wobbly", Wobbly) == "| `Wobbly` | It wobbles. | `ValueError` |"
    Table.__doc__ = None
    with pytest.raises(operations.Undocumented, match=r"^Table: it has no docstring$"):
        operations._class_row("Table", Table)
