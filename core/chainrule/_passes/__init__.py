"""The compiler's passes, each from a program and a backend to a program that computes the same.

`optimised` runs them in order, ours and then those of plugins' `chainrule_passes` hooks, until nothing changes. One of
ours leaves nothing behind that it would change itself, so it runs again only after another has changed the program.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from chainrule import _registry
from chainrule._backend import Backend
from chainrule._errors import PluginError
from chainrule._owner import location
from chainrule._passes.accumulation import accumulation
from chainrule._passes.common_subexpressions import common_subexpressions
from chainrule._passes.constant_folding import constant_folding
from chainrule._passes.dead_code import dead_code
from chainrule._passes.decomposition import decomposition
from chainrule._passes.fusion import fusion
from chainrule._passes.loop_motion import loop_motion
from chainrule._passes.loop_residuals import loop_residuals
from chainrule._passes.product_updates import product_updates
from chainrule._passes.simplification import simplification
from chainrule._passes.stability import stability
from chainrule._program import Program
from chainrule._settings import strict_math
from chainrule._symbol import Symbol

Pass = Callable[[Program, Backend], Program]
Report = Callable[[str, Program], Any]

PASSES: Final[Mapping[str, Pass]] = {
    "dead_code": dead_code,
    "decomposition": decomposition,
    "stability": stability,
    "simplification": simplification,
    "constant_folding": constant_folding,
    "common_subexpressions": common_subexpressions,
    "accumulation": accumulation,
    "loop_residuals": loop_residuals,
    "loop_motion": loop_motion,
    "product_updates": product_updates,
}
_EXACT: Final = frozenset(  # to the bit
    {"dead_code", "decomposition", "constant_folding", "common_subexpressions", "loop_residuals"}
)
_ROUNDS: Final = 4  # each makes a program shorter or changes nothing; what a fourth would find is not worth looking for


def passes() -> dict[str, Pass]:
    """All passes by name, in the order they run; under strict math those of ours alone that change no bit.

    Raises:
        PluginError: a plugin's pass has the name of one of ours.
    """
    for name in PASSES.keys() & _registry.passes:
        raise PluginError(f"pass {name!r} of {_registry.passes.owners[name]}: chainrule has a pass of that name itself")
    known = {**PASSES, **_registry.passes}
    if strict_math():
        return {name: run for name, run in known.items() if name in _EXACT or name in _registry.passes}
    return known


def optimised(program: Program, backend: Backend, report: Report = lambda name, program: None) -> Program:
    """A program after all passes.

    Args:
        program: the program.
        backend: the backend it will run on.
        report: called with each pass's name and what it made of the program, where it changed something.

    Raises:
        PluginError: a plugin's pass failed, or gave what is no program from the same inputs to the same results.
    """
    known = passes()
    due = set(known)
    for _ in range(_ROUNDS):
        for name, run in known.items():
            if name not in due:
                continue
            due.discard(name)
            made = run(program, backend) if name in PASSES else _checked(name, run, program, backend)
            if made is not program:
                program = made
                report(name, program)
                if name != "dead_code":  # what is left out gives the others no openings
                    due.update(known if name not in PASSES else known.keys() - {name})
        if not due:
            break
    return dead_code(program, backend) if due else program


def lowered(program: Program, backend: Backend, report: Report = lambda name, program: None) -> Program:
    """A program as plans are made of: after all passes, and then with what the backend computes in one go as regions.

    Args:
        program, backend, report: see `optimised`.

    Raises:
        PluginError: see `optimised`.
    """
    program = optimised(program, backend, report)
    made = fusion(program, backend)
    if made is not program:
        report("fusion", made)
    return made


def _checked(name: str, run: Pass, program: Program, backend: Backend) -> Program:
    """What a plugin's pass makes of a program."""
    where = f"pass {name!r} of {_registry.passes.owners[name]}, {location(run)}"
    try:
        made = run(program, backend)
    except Exception as error:
        raise PluginError(f"{where}, raised {type(error).__name__}: {error}") from error
    if made is program:
        return made
    if not isinstance(made, Program):
        raise PluginError(f"{where}: expected a Program, got {made!r:.60}")
    if made.inputs != program.inputs:
        raise PluginError(f"{where}: the program's inputs are no longer those it had")
    before, after = (tuple(map(_kind, p.outputs)) for p in (program, made))
    if before != after:
        raise PluginError(f"{where}: the program gave {_listed(before)}, and gives {_listed(after)} now")
    known = set(made.inputs)
    for instruction in made.instructions:
        _known(instruction.inputs, known, f"{where}: {instruction.op.name!r}")
        known.update(instruction.outputs)
    _known(made.outputs, known, f"{where}: the result")
    return made


def _kind(x: Any) -> Any:
    return (x.shape, x.dtype) if type(x) is Symbol else type(x)


def _listed(kinds: Sequence[Any]) -> str:
    return ", ".join(f"{kind[1]}{list(kind[0] or ())}" if isinstance(kind, tuple) else kind.__name__ for kind in kinds)


def _known(values: Sequence[Any], known: set[Any], what: str) -> None:
    for x in values:
        if type(x) is Symbol and x not in known:
            raise PluginError(f"{what} takes {x.name!r}, which nothing before it makes")
