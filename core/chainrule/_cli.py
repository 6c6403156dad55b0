"""The command line, `chainrule`: subcommands come from plugins, `info` from here."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from chainrule._errors import ChainruleError
from chainrule._version import __version__


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
    """Run a subcommand; errors of chainrule's family are shown as one line."""
    from chainrule import _info, _plugins, _registry

    _plugins.load_plugins()
    commands: dict[str, Any] = {"info": _info.COMMAND, **_registry.commands}
    parser = argparse.ArgumentParser(
        "chainrule", description="Automatic differentiation, with every gradient in your hands."
    )
    parser.add_argument("--version", action="version", version=f"chainrule {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, command in sorted(commands.items()):
        subparser = subparsers.add_parser(name, help=command.help, description=command.help)
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    parsed = parser.parse_args(arguments)
    try:
        return parsed.run(parsed) or 0
    except ChainruleError as error:
        print(f"chainrule: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("chainrule: interrupted", file=sys.stderr)
        return 130
