"""Programs inside of others, as passes that look into them want them."""

from __future__ import annotations

from typing import Final

from chainrule._backend import Backend
from chainrule._program import Program

_ROUNDS: Final = 4


def tidied(program: Program, backend: Backend) -> Program:
    """The program after the passes that look at nothing but instructions; the same object if they change nothing."""
    from chainrule._passes import PASSES, passes

    looking = [run for name, run in passes().items() if name in PASSES and not name.startswith("loop_")]
    for _ in range(_ROUNDS):
        before = program
        for run in looking:
            program = run(program, backend)
        if program is before:
            break
    return program
