"""`chainrule verify`: a function of a file on several backends."""

from __future__ import annotations

import argparse
import json

from chainrule._cli import Command
from chainrule._verify import verify
from chainrule.targets import bound, load


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("target", metavar="FILE:FUNCTION", help="a function of arrays")
    add("--args", metavar="ARGS", default="", help="arguments: dtypes with shapes, which get random numbers, or values")
    add("--backends", metavar="NAMES", required=True, help="with commas between them; the first is the reference")
    add("--no-gradients", action="store_true", help="compare values alone")
    add("--rtol", type=float, help="how far results may be apart, relative to the largest number in each")
    add("--seed", type=int, default=0, help="of the random numbers (default: %(default)s)")
    add("--json", action="store_true", help="print the report as JSON")


def _run(arguments: argparse.Namespace) -> int:
    function = load(arguments.target)
    call = bound(arguments.target, function, arguments.args)
    report = verify(
        function,
        *call.args,
        backends=[name.strip() for name in arguments.backends.split(",")],
        gradients=not arguments.no_gradients,
        rtol=arguments.rtol,
        seed=arguments.seed,
        **call.kwargs,
    )
    print(json.dumps(report.to_dict(), indent=2) if arguments.json else report)
    return 0 if report else 1


COMMAND = Command("compare a function's values and gradients on several backends", _add_arguments, _run)
