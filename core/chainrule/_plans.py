"""Plans by the structure of their programs: what was compiled once is not compiled again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Final

from chainrule import _registry
from chainrule._backend import Backend
from chainrule._collector import growing
from chainrule._graph_ops import CONSTANT
from chainrule._passes import lowered
from chainrule._plan import Plan, device_of_plan
from chainrule._program import Program
from chainrule._settings import plan_settings
from chainrule._structure import structure_of

_KEPT: Final = 128  # plans; the one that was not asked for longest goes first
_LARGEST: Final = 1 << 24  # bytes of constants and workspace of a plan that is kept for others

_lock: Final = threading.Lock()
_plans: Final[OrderedDict[Hashable, Plan]] = OrderedDict()


def plan_of(program: Program, backend: Backend, n_own: int = 0, variables: tuple[tuple[int, int], ...] = ()) -> Plan:
    """The plan of a program, after all passes.

    It is an older one's if that program was the same in structure, from the same lines of the user's code, and compiled
    under the same settings.

    Args:
        program: the program, before any pass.
        backend: the backend to run it on.
        n_own: how many of the first outputs are arrays of their own; see `Plan`.
        variables: which inputs are values of variables, and which outputs their new ones.
    """
    with growing():
        return _known_or_made(program, backend, n_own, variables)


def _known_or_made(program: Program, backend: Backend, n_own: int, variables: tuple[tuple[int, int], ...]) -> Plan:
    settings = (plan_settings(), _registry.generation)
    key = (structure_of(program), backend, device_of_plan(backend), n_own, variables, settings)
    with _lock:
        plan = _plans.get(key)
        if plan is not None:
            _plans.move_to_end(key)
            return plan
    plan = Plan(lowered(program, backend), backend, n_own, variables=variables)
    if _bytes(plan) <= _LARGEST:
        with _lock:
            plan = _plans.setdefault(key, plan)
            if len(_plans) > _KEPT:
                _plans.popitem(last=False)
    return plan


def _bytes(plan: Plan) -> int:
    """What a plan holds besides its code."""
    constants = [i.attributes["value"] for i in plan.program.instructions if i.op is CONSTANT]
    held: int = sum(plan.memory.slots) + sum(x.size * x.dtype.itemsize for x in constants)
    return held
