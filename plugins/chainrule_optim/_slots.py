"""What an optimizer remembers of each variable, for as long as the variable lives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from weakref import ref

import chainrule as cr
from chainrule import ArgumentError, Graph, Tensor, Variable, no_grad

STEP = "step"
ACCUMULATED = "accumulated"


class State:
    """One variable's slots, and what is kept for it beside them.

    Attributes:
        slots: the rule's, by name.
        step: how many updates it has had, where the rule reads that.
        accumulated: the sum of its gradients since the last update, where they are accumulated.
    """

    __slots__ = ("_variable", "accumulated", "slots", "step")

    def __init__(
        self,
        variable: ref[Variable],
        slots: dict[str, Variable],
        step: Variable | None = None,
        accumulated: Variable | None = None,
    ) -> None:
        self._variable = variable
        self.slots = slots
        self.step = step
        self.accumulated = accumulated

    @property
    def variable(self) -> Variable | None:
        """Whose state it is; None once that is gone."""
        return self._variable()

    def named(self) -> dict[str, Variable]:
        """All of it, by name."""
        extra = ((STEP, self.step), (ACCUMULATED, self.accumulated))
        return {**self.slots, **{name: kept for name, kept in extra if kept is not None}}


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

    def new(self, variable: Variable, made: Mapping[str, Variable]) -> State:
        """A state that is not in the table yet."""
        slots = dict(made)
        step, accumulated = slots.pop(STEP, None), slots.pop(ACCUMULATED, None)
        # The table is referred to weakly: a callback that held it would be a reference cycle.
        return State(ref(variable, partial(_forget, ref(self), id(variable))), slots, step, accumulated)

    def add(self, variable: Variable, state: State) -> None:
        """Put a state in the table; it leaves with its variable."""
        self._states[id(variable)] = state

    def __iter__(self) -> Iterator[State]:
        return iter(list(self._states.values()))


def _forget(table: ref[SlotTable], key: int, _variable: ref[Variable]) -> None:
    alive = table()
    if alive is not None:
        alive._states.pop(key, None)


def make_slots(
    owner: str,
    variable: Variable,
    create: Callable[[Tensor], Mapping[str, Tensor]],
    counted: bool = False,
    accumulated: bool = False,
) -> dict[str, Variable]:
    """New variables for what an optimizer keeps of a variable, by name.

    They are made here and in `make_count` alone: by values there are, outside of whatever is being traced.
    """
    with _home(variable) as value:
        initial = dict(create(value))
        taken = {STEP, ACCUMULATED} & initial.keys()
        if taken:
            raise ArgumentError(f"{owner}.create_slots: {taken.pop()!r} is a name that optimizers use themselves")
        if counted:
            initial[STEP] = new_count(value)
        if accumulated:
            initial[ACCUMULATED] = cr.zeros_like(value)
        return {name: _variable(f"{variable.name}/{owner}/{name}", start) for name, start in initial.items()}


def make_count(name: str, beside: Variable | None = None) -> Variable:
    """A new variable that counts from 0, on the backend and device of another, or in its graph, if there is one.

    Without another it is made in the graph that is being built.
    """
    if beside is not None:
        with _home(beside) as value:
            return _variable(name, new_count(value))
    graph = cr.get_default_graph()
    with graph.as_default() if type(graph) is Graph else cr.init_scope():
        return _variable(name, cr.tensor(0))


@contextmanager
def _home(variable: Variable) -> Iterator[Tensor]:
    """Where variables are made that belong to another: in its graph, or in none. Gives a value of that variable."""
    if variable.graph is None:
        with cr.init_scope():
            yield variable.read()
    else:
        with variable.graph.as_default(), no_grad():
            yield variable.initial_value


def _variable(name: str, value: Tensor) -> Variable:
    made = Variable(value, trainable=False, name=name)
    if made.graph is None:
        made.name = name  # without the name scope of this moment
    return made


def new_count(like: Tensor) -> Tensor:
    """A count of nothing, where a tensor is."""
    zero: Tensor = cr.zeros_like(like, dtype="int64", shape=())
    return zero
