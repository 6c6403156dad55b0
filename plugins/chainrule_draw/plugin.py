"""How chainrule learns of this package. Loaded with every plugin, so it imports nothing heavy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chainrule import Command, hookimpl
from chainrule_draw import draw
from chainrule_draw._command import GRAPH


@hookimpl
def chainrule_functions() -> Mapping[str, Callable[..., Any]]:
    """What gets a name under `cr`."""
    return {"draw": draw}


@hookimpl
def chainrule_commands() -> Mapping[str, Command]:
    """Subcommands of `chainrule`."""
    return {"graph": GRAPH}
