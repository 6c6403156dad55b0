"""The compiler's passes, each from a program and a backend to a program that computes the same.

`optimised` runs them in order, ours and then those of plugins' `chainrule_passes` hooks, until nothing changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from chainrule import _registry
from chainrule._backend import Backend
from chainrule._passes.common_subexpressions import common_subexpressions
from chainrule._passes.constant_folding import constant_folding
from chainrule._passes.dead_code import dead_code
from chainrule._passes.decomposition import decomposition
from chainrule._passes.simplification import simplification
from chainrule._program import Program

Pass = Callable[[Program, Backend], Program]
Report = Callable[[str, Program], Any]

PASSES: Final[Mapping[str, Pass]] = {
    "dead_code": dead_code,
    "decomposition": decomposition,
    "simplification": simplification,
    "constant_folding": constant_folding,
    "common_subexpressions": common_subexpressions,
}
_ROUNDS: Final = 4  # each makes a program shorter or changes nothing; what a fourth would find is not worth looking for


def passes() -> dict[str, Pass]:
    """All passes by name, in the order they run."""
    return {**PASSES, **_registry.passes}


def optimised(program: Program, backend: Backend, report: Report = lambda name, program: None) -> Program:
    """A program after all passes.

    Args:
        program: the program.
        backend: the backend it will run on.
        report: called with each pass's name and what it made of the program, where it changed something.
    """
    for _ in range(_ROUNDS):
        before = program
        for name, run in passes().items():
            made = run(program, backend)
            if made is not program:
                program = made
                report(name, program)
        if program is before:
            break
    return dead_code(program, backend)
