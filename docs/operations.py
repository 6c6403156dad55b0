"""Writes `reference/operations`: a page for each namespace, with the derivative of each of its functions.

    python docs/operations.py [--check]

What a page says comes from signatures, docstrings and gradient definitions; `--check` fails if a page is stale.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

import chainrule as cr
from chainrule import _registry

FOLDER = Path(__file__).parent / "reference/operations"
AGAIN = "python docs/operations.py"
# Plugin to the page's title, what its functions are called by, and a handwritten page that introduces them.
PAGES: dict[str, tuple[str, str, str]] = {
    "arrays": ("Array functions", "cr", "../array-api.md"),
    "chainrule": ("Functions of the engine", "cr", "../../explanation/how-gradients-are-computed.md"),
    "fft": ("Fourier transforms", "cr.fft", "../fft.md"),
    "linalg": ("Linear algebra", "cr.linalg", "../linear-algebra.md"),
    "nn": ("Neural networks", "cr.nn", "../neural-networks.md"),
    "random": ("Random numbers", "cr.random", "../random.md"),
    "special": ("Special functions", "cr.special", "../special-functions.md"),
}
_COMPOSED = "that of what it is composed of"


class Undocumented(Exception):
    """A function of which a page has nothing to say."""


def pages() -> dict[str, str]:
    """The pages by their names."""
    cr.plugins()
    written = {plugin: _page(plugin) for plugin in PAGES if plugin in cr.plugins()}
    titles = [f"- [{PAGES[plugin][0]}]({plugin}.md): `{PAGES[plugin][1]}`" for plugin in written]
    index = ["# Operations", "", "Every function with its derivative, by namespace:", "", *titles, "", *_LEGEND]
    return {"README.md": _text(index), **{f"{plugin}.md": text for plugin, text in written.items()}}


_LEGEND = [
    "`g` is the cotangent of the result `y`, and what stands under *derivative* is the cotangent of the argument; of "
    "several arguments, theirs in order; of a function of single elements, its slope, by which `g` is multiplied. "
    "`x^T` is the transpose, `x^H` the conjugate transpose. Where a function is "
    "complex-differentiable it is the textbook formula, which the engine conjugates. A function composed of others "
    "has the derivative of what it is composed of.",
    "",
    "The kernel of an operation is *generic*, written on the array API's namespace, or the library's function of its "
    "name; where a plugin has kernels for single libraries, these are named. [What each backend "
    "computes](../conformance.md) shows how far that goes.",
]


def _page(plugin: str) -> str:
    title, where, introduction = PAGES[plugin]
    functions = dict(sorted(_functions(plugin)))
    lines = [
        f"# {title}",
        "",
        f"The functions of `{where}`. [How to read this](README.md); [an introduction]({introduction}).",
    ]
    lines += ["", "| function | computes | derivative | kernels |", "|---|---|---|---|"]
    return _text([*lines, *(_row(name, function) for name, function in functions.items())])


def _text(lines: list[str]) -> str:
    return f"<!-- Written by {AGAIN} -->\n" + "\n".join(lines) + "\n"


def _functions(plugin: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The functions of a plugin, by the names they have in its namespace; operations that are in none by their own."""
    registered = cr.plugins()[plugin].registered
    public = {name: getattr(cr, name) for name in registered.get("functions", ())}
    for namespace in registered.get("namespaces", ()):
        module = getattr(cr, namespace)
        public |= {name: getattr(module, name) for name in module.__all__}
    named = {id(getattr(function, "op", function)) for function in public.values()}
    for name in registered.get("ops", ()):
        function = _registry.ops.find(name)
        assert function is not None
        if id(_registry.find_op(name)) not in named:
            public[name] = function
    return ((name, value) for name, value in public.items() if callable(value) and not inspect.isclass(value))


def _row(name: str, function: Callable[..., Any]) -> str:
    doc = inspect.getdoc(function) or ""
    if not doc:
        raise Undocumented(f"{name}: it has no docstring")
    first = " ".join(doc.partition("\n\n")[0].split())
    cells = (f"`{name}{_signature(function)}`", first, _derivative(name, function, doc), _kernels(function))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _signature(function: Callable[..., Any]) -> str:
    signature = inspect.signature(function)
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()]
    text = str(signature.replace(parameters=bare, return_annotation=inspect.Signature.empty))
    return text.replace("/, ", "").replace(", /", "")


def _derivative(name: str, function: Any, doc: str) -> str:
    """What the docstring says of it, or the definition itself."""
    paragraph = re.search(r"^Derivatives?(?: [^:\n]*)?: (.+?)(?:\n\n|\Z)", doc, re.MULTILINE | re.DOTALL)
    if paragraph:
        return " ".join(paragraph[1].split()).removesuffix(".")
    op = getattr(function, "op", None)
    if op is None or (op.definition is not None and op.decomposition is not None):
        return _COMPOSED
    definition = op.definition
    if definition is None:
        raise Undocumented(f"{name}: it has no gradient, and no reason for having none")
    if definition.reason is not None:
        return f"none: {definition.reason}"
    formulas = [_formula(f) for f in ((definition.joint,) if definition.joint else definition.functions)]
    if None in formulas:
        raise Undocumented(f"{name}: its docstring has no line `Derivative: ...`, and its definition is no formula")
    return ", ".join(f"`{formula}`" if formula else "none" for formula in formulas)


def _formula(definition: Any) -> str | None:
    """The expression that a definition returns, if that is all it does; nothing for an input without a gradient."""
    if definition is None:
        return ""
    if not isinstance(definition, FunctionType):
        return None
    code = definition.__code__
    tree = ast.parse("".join(linecache.getlines(code.co_filename)))
    for node in ast.walk(tree):
        if isinstance(node, ast.Lambda | ast.FunctionDef) and node.lineno == code.co_firstlineno:
            names = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
            body = node.body if isinstance(node, ast.Lambda) else _returned(node)
            if names == list(code.co_varnames[: len(names)]) and body is not None and _is_at(code, body):
                return ast.unparse(body).replace("ops.", "")
    return None


def _returned(node: ast.FunctionDef) -> ast.expr | None:
    """What a function of one statement returns."""
    only = node.body[-1] if len(node.body) == 1 else None
    return only.value if isinstance(only, ast.Return) else None


def _is_at(code: Any, body: ast.expr) -> bool:
    """Whether the code is that of an expression: lambdas can share a line."""
    return (body.lineno, body.col_offset) in {(line, column) for line, _, column, _ in code.co_positions()}


def _kernels(function: Any) -> str:
    op = getattr(function, "op", None)
    if op is None:
        return ""
    own = sorted({key.partition(":")[0] for key in _registry.kernels if key.partition(":")[2] == op.name})
    return ", ".join([*own, "generic" if op.kernel is not None or op.decomposition is not None else "the library's"])


def main(arguments: list[str]) -> int:
    """Write the pages, or check them."""
    written = pages()
    if "--check" in arguments:
        stale = [name for name, text in written.items() if _read(FOLDER / name) != text]
        print(f"stale, run `{AGAIN}`: {', '.join(stale)}" if stale else "every page is up to date")
        return bool(stale)
    FOLDER.mkdir(exist_ok=True)
    for name, text in written.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
