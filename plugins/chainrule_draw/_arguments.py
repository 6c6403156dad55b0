"""Arguments as the command line gives them: `float32[100,784] axis=0 'text'`."""

from __future__ import annotations

import ast
import re
from typing import Any, Final

import chainrule as cr

_ITEM: Final = re.compile(r"""(?:[^\s,\[\]()'"]|\[[^\]]*\]|\([^)]*\)|'[^']*'|"[^"]*")+""")
_SPEC: Final = re.compile(r"(\w+)(?:\[(.*)\])?")


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
        raise cr.ArgumentError(f"--args: brackets or quotes are not closed in {text!r}")
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for item in _ITEM.findall(text):
        name, equals, value = item.partition("=")
        if equals and name.isidentifier():
            named[name] = _value(value)
        elif named:
            raise cr.ArgumentError(f"--args: {item} comes after {next(iter(named))}=...; give it a name too")
        else:
            positional.append(_value(item))
    return positional, named


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        found = _SPEC.fullmatch(text)
    if found is None:
        raise cr.ArgumentError(
            f"--args: {text!r} is neither a dtype with a shape, such as float32[100,784], nor a value"
        )
    name, lengths = found.groups()
    try:
        dtype = cr.as_dtype(name)
    except cr.ChainruleError as error:
        raise cr.ArgumentError(f"--args: {text!r}: {error}") from error
    return cr.Spec(_shape(text, lengths or ""), dtype)


def _shape(text: str, lengths: str) -> tuple[int | None, ...] | None:
    if lengths.strip() == "...":
        return None
    parts = [part.strip() for part in lengths.split(",")]
    if parts[-1] == "":
        parts.pop()
    if not all(part == "None" or part.isdecimal() for part in parts):
        raise cr.ArgumentError(f"--args: {text!r}: lengths are whole numbers, or None for an open one, e.g. [None,784]")
    return tuple(None if part == "None" else int(part) for part in parts)
