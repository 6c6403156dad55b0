"""What an optimizer remembers of each variable, for as long as the variable lives."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from weakref import ref

from chainrule import Variable


class State:
    """One variable's slots, and how many updates it has had."""

    __slots__ = ("_variable", "slots", "step")

    def __init__(self, variable: ref[Variable], slots: dict[str, Variable]) -> None:
        self._variable = variable
        self.slots = slots
        self.step = 0


class SlotTable:
    """States by variable.

    Variables are told apart by identity: `==` of variables is elementwise, which no mapping with weak keys survives.
    """

    __slots__ = ("__weakref__", "_states")

    def __init__(self) -> None:
        self._states: dict[int, State] = {}

    def get(self, variable: Variable) -> State | None:
        """The state of a variable; None before its first update."""
        return self._states.get(id(variable))

    def new(self, variable: Variable, slots: dict[str, Variable]) -> State:
        """A state that is not in the table yet."""
        # The table is referred to weakly: a callback that held it would be a reference cycle.
        return State(ref(variable, partial(_forget, ref(self), id(variable))), slots)

    def add(self, variable: Variable, state: State) -> None:
        """Put a state in the table; it leaves with its variable."""
        self._states[id(variable)] = state

    def __iter__(self) -> Iterator[State]:
        return iter(list(self._states.values()))


def _forget(table: ref[SlotTable], key: int, _variable: ref[Variable]) -> None:
    alive = table()
    if alive is not None:
        alive._states.pop(key, None)
