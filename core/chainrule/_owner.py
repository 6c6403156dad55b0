"""Who registered a thing: a plugin with its distribution and version, or the user's own code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import is_dataclass
from typing import Any, NamedTuple

from chainrule._version import __version__


class Owner(NamedTuple):
    """A plugin, as errors and explanations name it."""

    plugin: str
    distribution: str = ""
    version: str = ""

    def __str__(self) -> str:
        if not self.distribution:
            return self.plugin
        return f"plugin {self.plugin!r} ({self.distribution} {self.version})"


USER = Owner("your code")
ENGINE = Owner("chainrule", "chainrule", __version__)


def location(function: Callable[..., Any]) -> str:
    """The file and line of a function, or its module's name where it has no Python code."""
    code = getattr(function, "__code__", None)
    if code is None:
        return str(getattr(function, "__module__", None) or type(function).__module__)
    return f"{code.co_filename}:{code.co_firstlineno}"


def same_function(a: Any, b: Any) -> bool:
    """Whether two functions are one source run twice, as happens when a notebook's cell is run again.

    What functions come in (tuples, mappings, commands) is compared by what it holds.
    """
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same_function, a, b))
    if isinstance(a, Mapping):
        return a.keys() == b.keys() and all(same_function(a[key], b[key]) for key in a)
    if isinstance(a, property):
        return same_function(a.fget, b.fget)
    if is_dataclass(a):
        return same_function(vars(a), vars(b))
    if isinstance(a, _VALUES):
        return bool(a == b)
    code_a, code_b = getattr(a, "__code__", None), getattr(b, "__code__", None)
    return (
        code_a is not None
        and code_a == code_b
        and a.__qualname__ == b.__qualname__
        and a.__module__ == b.__module__
        and _plain_values(a) == _plain_values(b)
    )


_VALUES = (bool, int, float, complex, str, bytes)


def _plain_values(function: Any) -> list[Any]:
    """The numbers and strings that a function has as defaults or closes over."""
    held = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # an empty cell
            held.append(cell.cell_contents)
    return [value for value in held if isinstance(value, _VALUES)]
