"""Who may import whom: the core no array library and no plugin, ours nothing that a stranger's could not."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LIBRARIES = {"numpy", "scipy", "cupy", "torch", "jax", "matplotlib"}


def imported(file):
    """The modules that a file imports at run time, wherever in it."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    typing = {
        id(node)
        for test in ast.walk(tree)
        if isinstance(test, ast.If) and ast.unparse(test.test) == "TYPE_CHECKING"
        for node in ast.walk(test)
    }
    for node in ast.walk(tree):
        if id(node) not in typing:
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files(*folders):
    found = [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]
    assert found
    return [pytest.param(file, id=str(file.relative_to(ROOT))) for file in found]


@pytest.mark.parametrize("file", files("core/chainrule"))
def test_the_core_imports_no_library_backend_or_plugin(file):
    roots = {module.partition(".")[0] for module in imported(file)}
    assert not roots & LIBRARIES
    assert not {root for root in roots if root.startswith("chainrule_")}


@pytest.mark.parametrize("file", files("plugins", "backends", "examples"))
def test_plugins_backends_and_examples_use_the_public_interface(file):
    assert not [module for module in imported(file) if module.startswith("chainrule._")]
