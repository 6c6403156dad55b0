"""The command line, `chainrule`: subcommands come from plugins, and those about backends and all of it from here."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final

from chainrule._errors import ChainruleError, nearest
from chainrule._version import __version__

if TYPE_CHECKING:
    import argparse

OWN: Final = ("check", "info", "verify")  # each in `_<name>_command`


@dataclass(frozen=True)
class Command:
    """A subcommand of `chainrule`.

    Attributes:
        help: what it does, in a line.
        add_arguments: adds its arguments to an `argparse` parser.
        run: does it; gets the parsed arguments and gives the exit status, or None for success.
    """

    help: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int | None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand.

    Args:
        arguments: the command line, `sys.argv` by default.

    Returns:
        The exit status: the command's own; 1 for an error of chainrule's family, which is shown as one line; 2 for a
        wrong command line.
    """
    import argparse  # here, as plugins' commands are made of this module whenever they load

    from chainrule import _plugins, _registry

    arguments = sys.argv[1:] if arguments is None else list(arguments)
    _plugins.plugins()
    commands: dict[str, Command] = {name: _own(name) for name in OWN} | _registry.commands
    if arguments and not arguments[0].startswith("-") and arguments[0] not in commands:
        print(f"chainrule: {_unknown(arguments[0], commands)}", file=sys.stderr)
        return 2
    parser = argparse.ArgumentParser(
        "chainrule", description="Automatic differentiation, with every gradient in your hands."
    )
    parser.add_argument("--version", action="version", version=f"chainrule {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND")
    for name, command in sorted(commands.items()):
        subparser = subparsers.add_parser(name, help=command.help, description=command.help)
        if arguments[:1] == [name]:  # the only one whose arguments matter, so that no other plugin's can break it
            command.add_arguments(subparser)
            subparser.set_defaults(run=command.run)
    parsed = parser.parse_args(arguments)
    if not arguments:
        parser.print_help(sys.stderr)
        return 2
    try:
        return parsed.run(parsed) or 0
    except ChainruleError as error:
        print(f"chainrule: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("chainrule: interrupted", file=sys.stderr)
        return 130


def _own(name: str) -> Command:
    """The engine's own command of a name."""
    command: Command = import_module(f"chainrule._{name}_command").COMMAND
    return command


def _unknown(name: str, commands: Iterable[str]) -> str:
    """What to say of a command that there is not."""
    from chainrule._plugins import absent

    near = nearest(name, commands)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"no command {name!r}; there are {', '.join(sorted(commands))}.{hint} {absent()}".rstrip()
