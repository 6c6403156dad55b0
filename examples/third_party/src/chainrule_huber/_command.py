"""`chainrule huber`: the robust mean of some numbers."""

from __future__ import annotations

import argparse

from chainrule import Command
from chainrule_huber._robust import location


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("values", nargs="+", type=float, metavar="VALUE", help="a number")
    parser.add_argument("--delta", type=float, default=1.0, help="from which distance a value counts less (default 1)")


def _run(arguments: argparse.Namespace) -> None:
    values = arguments.values
    print(f"mean {sum(values) / len(values):.6g}, robust mean {location(values, arguments.delta):.6g}")


COMMAND = Command("the mean of some numbers that outliers hardly move", _add_arguments, _run)
