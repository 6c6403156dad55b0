"""What pytest finds installed: it does nothing but load the kit's own plugin in runs of the kit."""

from __future__ import annotations

import re
from typing import Any

PACKAGE = "chainrule_testing"


def pytest_load_initial_conftests(early_config: Any, args: list[str]) -> None:
    """Add the kit's options where its package, a module of it or its folder is among the arguments."""
    if any(PACKAGE in re.split(r"[/\\.:]", argument) for argument in args):
        early_config.pluginmanager.import_plugin(f"{PACKAGE}.suite")
