"""Packages whose parts are imported when they are first asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from chainrule._errors import nearest


def lazy_attributes(package: str, parts: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` of a package that imports none of its parts itself.

    Args:
        package: its `__name__`.
        parts: the module that each public name is in, or is, if they have the same name; one that starts with a dot
            is the package's own.

    Example:
        __getattr__, __dir__ = lazy_attributes(__name__, {"rfft": "._public"})
    """

    def attribute(name: str) -> Any:
        if name not in parts:
            meant = f"did you mean {near[0]!r}? " if (near := nearest(name, parts)) else ""
            raise AttributeError(f"module {package!r} has no attribute {name!r}; {meant}it has {', '.join(parts)}")
        module = import_module(parts[name], package)
        value = vars(sys.modules[package])[name] = module if parts[name] == f".{name}" else getattr(module, name)
        return value

    return attribute, lambda: sorted({*vars(sys.modules[package]), *parts})
