"""How chainrule learns of this package. Loaded with every plugin, so it imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping

from chainrule import hookimpl


@hookimpl
def chainrule_functions() -> Mapping[str, str]:
    """The three functions, by the names they get under `cr`."""
    return {name: f"chainrule_state:{name}" for name in ("inspect_checkpoint", "load", "save")}
