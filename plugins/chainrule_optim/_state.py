"""What an optimizer keeps, by name, to be saved and restored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import chainrule as cr
from chainrule import ArgumentError, DTypeError, ShapeError, Tensor, Variable
from chainrule_optim._slots import SlotTable, State, make_count


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
    counters: Iterable[str],
    table: SlotTable,
    make: Callable[[Variable], dict[str, Variable]],
) -> tuple[list[tuple[Variable, Tensor]], list[tuple[Variable, Mapping[str, Tensor]]]]:
    """What to assign to slots, and variables with the values of slots that are to be made, to be in a state.

    A variable that it has updated, of which the state has nothing, is as if it had not been. Nothing is made here: a
    graph would keep it.

    Raises:
        ArgumentError: names that do not fit.
        ShapeError, DTypeError: values that do not fit.
    """
    what = f"{owner}: restoring its state"
    parts: dict[str, dict[str, Tensor]] = {}
    for key, tensor in state.items():
        name, _, part = key.rpartition("/")
        parts.setdefault(name, {})[part] = tensor
    _fitting(what, "", dict.fromkeys(counters, make_count(owner)), parts.pop("", {}))
    values: list[tuple[Variable, Tensor]] = []
    new: list[tuple[Variable, Mapping[str, Tensor]]] = []
    known = _by_name(what, [*_known(table), *((variable, table.get(variable)) for variable in variables)])
    strangers = [name for name in parts if name not in known]
    if strangers:
        raise ArgumentError(
            f"{what}: it has slots of variables that are not here: {', '.join(map(repr, strangers))}; here are "
            f"{', '.join(map(repr, known)) or 'none'}"
        )
    for name, (variable, kept) in known.items():
        if name in parts:
            slots = make(_alike(variable)) if kept is None else kept.named()
            fitting = _fitting(what, f"{name}/", slots, parts[name])
            if kept is None:
                new.append((variable, parts[name]))
            else:
                values += fitting
        elif kept is not None:
            slots = kept.named()
            fresh = slots if variable.graph is not None else make(variable)
            values += [(slot, fresh[part].initial_value) for part, slot in slots.items()]
    return values, new


def _alike(variable: Variable) -> Variable:
    """A variable of no graph that would have slots of the same shapes and dtypes."""
    return Variable(cr.zeros(shape=variable.shape, dtype=variable.dtype), trainable=False)


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
