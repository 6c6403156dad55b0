"""How chainrule learns of this package. Loaded with every plugin, so it imports nothing heavy."""

from chainrule import Command, hookimpl
from chainrule_tutorials._command import MNIST


@hookimpl
def chainrule_commands() -> dict[str, Command]:
    """Subcommands of `chainrule`."""
    return {"mnist": MNIST}
