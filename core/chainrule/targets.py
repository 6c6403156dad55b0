"""What a subcommand is pointed at: `FILE:FUNCTION`, and the arguments in `--args`: `float32[100,784] axis=0`."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from chainrule._dtypes import as_dtype
from chainrule._errors import ArgumentError, ChainruleError, nearest
from chainrule._graph import Graph
from chainrule.infer import Spec

_ITEM: Final = re.compile(r"""(?:[^\s,\[\]()'"]|\[[^\]]*\]|\([^)]*\)|'[^']*'|"[^"]*")+""")
_SPEC: Final = re.compile(r"(\w+)(?:\[(.*)\])?")


def load(target: str) -> Any:
    """The function, or whatever it is, of a Python file.

    Raises:
        ArgumentError: there is no such file, it cannot be run, or it has nothing of the name.
    """
    file, colon, name = target.rpartition(":")
    if not colon or not file or not name:
        raise ArgumentError(f"expected FILE:FUNCTION, such as model.py:softmax, got {target!r}")
    path = Path(file).expanduser()
    if not path.is_file():
        raise ArgumentError(f"{file}: no such file" if not path.exists() else f"{file} is not a file")
    module = _module(path)
    if not hasattr(module, name):
        names = [key for key, value in vars(module).items() if _is_own(value, module)]
        near = nearest(name, names)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ArgumentError(f"{file} has no {name!r}{hint}; it has {', '.join(names) or 'no functions'}")
    return getattr(module, name)


def _module(path: Path) -> ModuleType:
    """A file run as a module, with its folder where it looks for others, as Python does."""
    spec = importlib.util.spec_from_file_location(f"chainrule_target_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ArgumentError(f"{path} is no Python file: its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent.resolve()))
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[spec.name]
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = "" if isinstance(error, SyntaxError) else f", at {place.filename}:{place.lineno}"
        raise ArgumentError(f"{path} does not run: {type(error).__name__}: {error}{where}") from error
    finally:
        sys.path.remove(str(path.parent.resolve()))
    return module


def _is_own(value: Any, module: ModuleType) -> bool:
    return isinstance(value, Graph) or (callable(value) and getattr(value, "__module__", "") == module.__name__)


def bound(target: str, function: Callable[..., Any], text: str) -> inspect.BoundArguments:
    """The arguments in a text as those of a function.

    Raises:
        ArgumentError: the function does not take them, or one is nothing that can be read; see `parsed`.
    """
    positional, named = parsed(text)
    signature = inspect.signature(function)
    try:
        return signature.bind(*positional, **named)
    except TypeError as error:
        name = target.rpartition(":")[2]
        raise ArgumentError(
            f"{name}{signature}: {error}; give arguments with --args, e.g. 'float32[100,784]'"
        ) from error


def parsed(text: str) -> tuple[list[Any], dict[str, Any]]:
    """The arguments and keyword arguments in a text, apart from each other by blanks or commas.

    One is a dtype with a shape, which gives a `cr.Spec`: `float32[100,784]`, `float32[None,784]` with an open length,
    `float32[...]` of any shape, `float32` for `float32[]`. Or it is a Python number, string, tuple or the like, which
    is passed as it is.

    Raises:
        ArgumentError: one is nothing of the kind.

    >>> parsed("float32[None,784], 3 axis=(0,1)")
    ([float32[None, 784], 3], {'axis': (0, 1)})
    """
    if _ITEM.sub("", text).strip(" \t\n,"):
        raise ArgumentError(f"--args: brackets or quotes are not closed in {text!r}")
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for item in _ITEM.findall(text):
        name, equals, value = item.partition("=")
        if equals and name.isidentifier():
            named[name] = _value(value)
        elif named:
            raise ArgumentError(f"--args: {item} comes after {next(iter(named))}=...; give it a name too")
        else:
            positional.append(_value(item))
    return positional, named


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        found = _SPEC.fullmatch(text)
    if found is None:
        raise ArgumentError(f"--args: {text!r} is neither a dtype with a shape, such as float32[100,784], nor a value")
    name, lengths = found.groups()
    try:
        dtype = as_dtype(name)
    except ChainruleError as error:
        raise ArgumentError(f"--args: {text!r}: {error}") from error
    return Spec(_shape(text, lengths or ""), dtype)


def _shape(text: str, lengths: str) -> tuple[int | None, ...] | None:
    if lengths.strip() == "...":
        return None
    parts = [part.strip() for part in lengths.split(",")]
    if parts[-1] == "":
        parts.pop()
    if not all(part == "None" or part.isdecimal() for part in parts):
        raise ArgumentError(f"--args: {text!r}: lengths are whole numbers, or None for an open one, e.g. [None,784]")
    return tuple(None if part == "None" else int(part) for part in parts)
