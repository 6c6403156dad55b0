"""Writes `reference/operations`: a page for each namespace, with the derivative of each function that has one.

    python docs/operations.py [--check]

What a page says comes from signatures, docstrings and gradient definitions; `--check` fails if a page is stale.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import re
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import chainrule as cr
from chainrule import _registry

FOLDER = Path(__file__).parent / "reference/operations"
AGAIN = "python docs/operations.py"
# Plugin to the page's title, what its functions are called by, and a handwritten page that introduces them.
PAGES: dict[str, tuple[str, str, str]] = {
    "arrays": ("Array functions", "cr", "../array-api.md"),
    "chainrule": ("The engine", "cr", "../transformations.md"),
    "datasets": ("Data sets", "cr.datasets", "../../tutorials/first-gradient.md"),
    "draw": ("Drawing", "cr", "../../how-to/look-at-a-graph.md"),
    "fft": ("Fourier transforms", "cr.fft", "../fft.md"),
    "linalg": ("Linear algebra", "cr.linalg", "../linear-algebra.md"),
    "nn": ("Neural networks", "cr.nn", "../neural-networks.md"),
    "optim": ("Optimizers", "cr.optim", "../../how-to/choose-an-optimizer.md"),
    "random": ("Random numbers", "cr.random", "../random.md"),
    "scipy": ("SciPy's solvers", "cr.scipy", "../../how-to/use-scipy-functions.md"),
    "special": ("Special functions", "cr.special", "../special-functions.md"),
    "state": ("Saving and loading", "cr", "../../how-to/save-and-resume.md"),
}
# What the engine has for authors of plugins, by the names of its modules.
MODULES = ("batching", "infer")
_COMPOSED = "that of what it is composed of"


class Undocumented(Exception):
    """A function of which a page has nothing to say."""


def pages() -> dict[str, str]:
    """The pages by their names."""
    cr.plugins()
    written = {plugin: _page(plugin) for plugin in PAGES if plugin in cr.plugins()}
    titles = [f"- [{PAGES[plugin][0]}]({plugin}.md): `{PAGES[plugin][1]}`" for plugin in written]
    index = ["# Functions and classes", "", "Everything public, by namespace:", "", *titles, "", *_LEGEND]
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
    "computes](../conformance/README.md) shows how far that goes.",
    "",
    "Of a class, what it defines itself stands under *has*; `help(cr.Tensor)` tells the rest.",
]


def _page(plugin: str) -> str:
    title, where, introduction = PAGES[plugin]
    members = _members(plugin)
    classes = {name: value for name, value in members.items() if inspect.isclass(value)}
    errors = {name: value for name, value in classes.items() if issubclass(value, Exception)}
    functions = {name: value for name, value in members.items() if name not in classes}
    of_arrays = {name: value for name, value in functions.items() if _is_of_arrays(plugin, value)}
    tables = [
        ("Functions of arrays", "computes | derivative | kernels", _row, of_arrays),
        ("Functions", "does", _plain_row, _without(functions, of_arrays)),
        ("Classes", "is | has", _class_row, _without(classes, errors)),
        ("Errors and warnings", "says | is also", _error_row, errors),
    ]
    tables = [table for table in tables if table[-1]]
    lines = [
        f"# {title}",
        "",
        f"What is in `{where}`. [How to read this](README.md); [an introduction]({introduction}).",
    ]
    for heading, columns, row, listed in tables:
        lines += ["", f"## {heading}"] if len(tables) > 1 else []
        lines += ["", f"| name | {columns} |", "|---|" + "---|" * (columns.count("|") + 1)]
        lines += [row(name, value) for name, value in listed.items()]
    return _text(lines)


def _text(lines: list[str]) -> str:
    return f"<!-- Written by {AGAIN} -->\n" + "\n".join(lines) + "\n"


def _without(members: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if name not in others}


def _members(plugin: str) -> dict[str, Any]:
    """What a plugin gives to its users, by the names they call it by; operations that are in no namespace by theirs."""
    registered = cr.plugins()[plugin].registered
    public = {name: getattr(cr, name) for name in registered.get("functions", ())}
    for namespace in registered.get("namespaces", ()):
        public |= _public(getattr(cr, namespace))
    if plugin == "chainrule":
        public |= {name: getattr(cr, name) for name in cr._RESERVED if not name.startswith("_")}
        for name in MODULES:
            module = import_module(f"chainrule.{name}")
            own = {key: x for key, x in vars(module).items() if getattr(x, "__module__", "") == module.__name__}
            public |= {f"{name}.{key}": x for key, x in own.items() if key not in public and not key.startswith("_")}
    elif not registered.keys() & {"ops", "namespaces"}:
        package = import_module(cr.plugins()[plugin].module.partition(".")[0])
        public |= {f"{package.__name__}.{name}": x for name, x in _public(package).items() if name not in public}
    named = {id(getattr(function, "op", function)) for function in public.values()}
    for name in registered.get("ops", ()):
        if id(_registry.find_op(name)) not in named:
            public[name] = _registry.ops.find(name)
    return {name: value for name, value in sorted(public.items()) if callable(value) and _is_ours(value)}


def _public(module: ModuleType) -> dict[str, Any]:
    """What a module names as its own, and what the modules do that it has among that."""
    public: dict[str, Any] = {}
    for name in module.__all__:
        value = getattr(module, name)
        inner = _public(value) if inspect.ismodule(value) else {}
        public |= {f"{name}.{own}": x for own, x in inner.items()} or {name: value}
    return public


def _is_ours(value: Any) -> bool:
    return hasattr(value, "op") or getattr(value, "__module__", "").startswith("chainrule")


def _is_of_arrays(plugin: str, function: Any) -> bool:
    """Whether there is a derivative to tell: of operations, and of what is composed of them."""
    return hasattr(function, "op") or (plugin != "chainrule" and "ops" in cr.plugins()[plugin].registered)


def _row(name: str, function: Callable[..., Any]) -> str:
    doc, first = _doc(name, function)
    return _cells(f"`{name}{_signature(function)}`", first, _derivative(name, function, doc), _kernels(function))


def _plain_row(name: str, function: Callable[..., Any]) -> str:
    return _cells(f"`{name}{_signature(function)}`", _doc(name, function)[1])


def _class_row(name: str, cls: type) -> str:
    own = (key for key, x in vars(cls).items() if not key.startswith("_") and _is_defined_in(cls, x))
    signature = "" if getattr(cls, "_is_protocol", False) else _signature(cls)
    return _cells(f"`{name}{signature}`", _doc(name, cls)[1], ", ".join(f"`{key}`" for key in own))


def _error_row(name: str, cls: type) -> str:
    builtin = next(base for base in cls.__mro__ if base.__module__ == "builtins")
    return _cells(f"`{name}`", _doc(name, cls)[1], "" if builtin is Exception else f"`{builtin.__name__}`")


def _cells(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _doc(name: str, value: Any) -> tuple[str, str]:
    """A docstring, and its first paragraph in one line."""
    doc = inspect.getdoc(value) or ""
    if not doc:
        raise Undocumented(f"{name}: it has no docstring")
    return doc, " ".join(doc.partition("\n\n")[0].split())


def _is_defined_in(cls: type, value: Any) -> bool:
    """Whether it is a method or a property that the class itself defines: plugins give some classes more."""
    function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
    return getattr(function, "__qualname__", "").startswith(f"{cls.__qualname__}.")


def _signature(function: Callable[..., Any]) -> str:
    signature = inspect.signature(function)
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()]
    text = str(signature.replace(parameters=bare, return_annotation=inspect.Signature.empty))
    text = re.sub(r"<function \S+ at 0x\w+>", "...", text)
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
    generic = op.decomposition is not None or (op.kernel is not None and not op.requires)
    return ", ".join([*own, "generic" if generic else "the library's"])


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
