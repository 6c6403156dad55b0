"""What an optimizer keeps, by name, to be saved and restored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from chainrule import ArgumentError, DTypeError, ShapeError, Tensor, Variable
from chainrule_optim._slots import SlotTable, State


def state_of(owner: str, table: SlotTable) -> dict[str, Variable]:
    """What is kept of each variable, under `"<variable>/<slot>"`.

    Raises:
        ArgumentError: two variables have one name.
    """
    state: dict[str, Variable] = {}
    for name, (_, kept) in _by_name(f"{owner}: its state", _known(table)).items():
        if kept is not None:
            state |= {f"{name}/{part}": slot for part, slot in kept.named().items()}
    return state


def restored(
    owner: str,
    state: Mapping[str, Tensor],
    variables: Sequence[Variable],
    counters: Mapping[str, Variable],
    table: SlotTable,
    make: Callable[[Variable], dict[str, Variable]],
) -> tuple[list[tuple[Variable, Tensor]], list[tuple[Variable, State]]]:
    """What to assign, and the states to put in the table, for the optimizer to be in a state.

    A variable that it has updated, of which the state has nothing, is as if it had not been.

    Raises:
        ArgumentError: names that do not fit.
        ShapeError, DTypeError: values that do not fit.
    """
    what = f"{owner}: restoring its state"
    parts: dict[str, dict[str, Tensor]] = {}
    for key, tensor in state.items():
        name, _, part = key.rpartition("/")
        parts.setdefault(name, {})[part] = tensor
    values = _fitting(what, "", counters, parts.pop("", {}))
    states: list[tuple[Variable, State]] = []
    known = _by_name(what, [*_known(table), *((variable, table.get(variable)) for variable in variables)])
    strangers = [name for name in parts if name not in known]
    if strangers:
        raise ArgumentError(
            f"{what}: it has slots of variables that are not here: {', '.join(map(repr, strangers))}; here are "
            f"{', '.join(map(repr, known)) or 'none'}"
        )
    for name, (variable, kept) in known.items():
        if name in parts:
            if kept is None:
                kept = table.new(variable, make(variable))
                states.append((variable, kept))
            values += _fitting(what, f"{name}/", kept.named(), parts[name])
        elif kept is not None:
            slots = kept.named()
            fresh = slots if variable.graph is not None else make(variable)
            values += [(slot, fresh[part].initial_value) for part, slot in slots.items()]
    return values, states


def _known(table: SlotTable) -> list[tuple[Variable, State | None]]:
    """The variables that a table has something of."""
    alive = ((state.variable, state) for state in table)
    return [(variable, state) for variable, state in alive if variable is not None]


def _by_name(what: str, variables: Iterable[tuple[Variable, State | None]]) -> dict[str, tuple[Variable, State | None]]:
    found: dict[str, tuple[Variable, State | None]] = {}
    for variable, state in variables:
        if found.setdefault(variable.name, (variable, state))[0] is not variable:
            raise ArgumentError(
                f"{what}: two variables are called {variable.name!r}, and are told apart by their names: "
                "cr.Variable(..., name=...)"
            )
    return dict(sorted(found.items()))


def _fitting(
    what: str, prefix: str, slots: Mapping[str, Variable], given: Mapping[str, Tensor]
) -> list[tuple[Variable, Tensor]]:
    """Slots and the values given for them."""
    lacking = [repr(prefix + name) for name in slots if name not in given]
    foreign = [repr(prefix + name) for name in given if name not in slots]
    if lacking or foreign:
        differ = [f"lacks {', '.join(lacking)}"] * bool(lacking) + [f"has {', '.join(foreign)}"] * bool(foreign)
        raise ArgumentError(
            f"{what}: it {' and '.join(differ)}: it was saved by an optimizer with another rule or accumulate="
        )
    return [(slot, _fitted(f"{what}: {prefix}{name}", slot, given[name])) for name, slot in slots.items()]


def _fitted(where: str, slot: Variable, value: Tensor) -> Tensor:
    if value.shape != slot.shape:
        raise ShapeError(f"{where}: expected shape {slot.shape}, got {value.shape}")
    if value.dtype != slot.dtype:
        raise DTypeError(f"{where}: expected dtype {slot.dtype}, got {value.dtype}")
    return value
