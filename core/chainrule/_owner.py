"""Who registered a thing: a plugin with its distribution and version, or the user's own code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Owner:
    """A plugin, as errors and explanations name it."""

    plugin: str
    distribution: str = ""
    version: str = ""

    def __str__(self) -> str:
        if not self.distribution:
            return self.plugin
        return f"plugin {self.plugin!r} ({self.distribution} {self.version})"


USER = Owner("your code")


def location(function: Callable[..., Any]) -> str:
    """The file and line of a function, or its module's name where it has no Python code."""
    code = getattr(function, "__code__", None)
    if code is None:
        return str(getattr(function, "__module__", None) or type(function).__module__)
    return f"{code.co_filename}:{code.co_firstlineno}"


def same_function(a: Any, b: Any) -> bool:
    """Whether two functions are one source run twice, as happens when a notebook's cell is run again."""
    if a is b:
        return True
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(same_function, a, b))
    code_a, code_b = getattr(a, "__code__", None), getattr(b, "__code__", None)
    return code_a is not None and code_a == code_b and a.__qualname__ == b.__qualname__ and a.__module__ == b.__module__
