"""How chainrule learns of this package. Loaded with every plugin, so it imports nothing heavy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chainrule import hookimpl
from chainrule_state import inspect_checkpoint, load, save


@hookimpl
def chainrule_functions() -> Mapping[str, Callable[..., Any]]:
    """The three functions, by the names they get under `cr`."""
    return {"inspect_checkpoint": inspect_checkpoint, "load": load, "save": save}
