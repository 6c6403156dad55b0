"""`chainrule check`: what a backend lacks for a function of a file."""

from __future__ import annotations

import argparse
import json

from chainrule._cli import Command
from chainrule._errors import ArgumentError
from chainrule._graph import Graph
from chainrule._support import check
from chainrule.targets import bound, load


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("target", metavar="FILE:FUNCTION", help="a function of arrays, with --args; or a Graph")
    add("--args", metavar="ARGS", default="", help="arguments: dtypes with shapes, or values: 'float32[100,784] n=3'")
    add("--backend", metavar="NAME", help="the backend (default: the one in force)")
    add("--no-gradients", action="store_true", help="leave out gradients")
    add("--json", action="store_true", help="print the report as JSON")


def _run(arguments: argparse.Namespace) -> int:
    what = load(arguments.target)
    if isinstance(what, Graph):
        if arguments.args or arguments.no_gradients:
            raise ArgumentError("--args and --no-gradients are for functions, and this is a graph already")
        report = check(what, backend=arguments.backend)
    else:
        call = bound(arguments.target, what, arguments.args)
        report = check(what, *call.args, backend=arguments.backend, gradients=not arguments.no_gradients, **call.kwargs)
    print(json.dumps(report.to_dict(), indent=2) if arguments.json else report)
    return 0 if report else 1


COMMAND = Command("tell what a backend lacks for a function, without running it", _add_arguments, _run)
