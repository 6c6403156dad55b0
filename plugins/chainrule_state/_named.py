"""What is saved or loaded, each under the name that it has in the file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, Protocol, TypeAlias

import optree

from chainrule import ArgumentError, DTypeError, Tensor, Variable

_RESERVED = "__metadata__"  # the name that safetensors keeps for itself


class Stateful(Protocol):
    """Anything with state of its own, as optimizers have.

    >>> import chainrule as cr
    >>> class Counter:
    ...     count = 0
    ...     def __chainrule_state__(self):
    ...         return {"count": cr.tensor(self.count)}
    ...     def __chainrule_restore__(self, state, variables):
    ...         count = int(state["count"])  # whatever can fail, fails here
    ...         return lambda: setattr(self, "count", count)
    """

    def __chainrule_state__(self) -> Mapping[str, Tensor | Variable]:
        """The state now, by names that stay the same from one run of the program to the next.

        A variable stands for its value, which `cr.save` reads wherever it is: in the variable, or in a session.
        """

    def __chainrule_restore__(
        self, state: Mapping[str, Tensor], variables: Sequence[Variable]
    ) -> Callable[[], Iterable[tuple[Variable, Tensor]] | None]:
        """Check a state, change nothing, and return a function that takes it over and cannot fail.

        The function leaves variables to `cr.load`, which knows where their values are: it gives pairs of a variable
        and its new value, or None.

        Args:
            state: what `__chainrule_state__` gave when it was saved, or before a load that failed in the middle; of a
                variable, its value. The tensors can be on another backend than is needed: see `cr.to_backend`. That of
                a variable that was not initialised is symbolic: its initial value.
            variables: the variables that are loaded together with this; their values are not there yet.

        Raises:
            ChainruleError: the state does not fit; the message says what differs.
        """


Owner: TypeAlias = Variable | Stateful


class Named(NamedTuple):
    """A variable, or something with state, and what it is called."""

    name: str
    owner: Owner
    place: str  # where it is in the argument `objects`, as an expression

    def key(self, part: str) -> str:
        """The name of a part of its state."""
        return f"{self.name}/{part}"


def named(what: str, objects: Any) -> list[Named]:
    """Everything in a pytree, in order.

    A name is the path to it: the keys of mappings and the fields of named tuples as they are, and in place of the last
    index of a sequence the thing's own name, if it has one.

    Raises:
        ArgumentError: nothing is there, or something twice, or two have one name.
        DTypeError: something without state.
    """
    accessors, owners, _ = optree.tree_flatten_with_accessor(objects, is_leaf=_has_state)
    for accessor, owner in zip(accessors, owners, strict=True):
        if not (isinstance(owner, Variable) or _has_state(owner)):
            raise DTypeError(
                f"{what}: {accessor.codify('objects')}: expected a Variable or an object with __chainrule_state__ and "
                f"__chainrule_restore__, such as an optimizer, got {type(owner).__name__} {owner!r:.60}. Hold numbers "
                "in a Variable(..., trainable=False), strings in metadata="
            )
    found = [Named(_name(a, owner), owner, a.codify("objects")) for a, owner in zip(accessors, owners, strict=True)]
    if not found:
        raise ArgumentError(f"{what}: objects has no variables and nothing else with state: {objects!r:.60}")
    _refuse_twice(what, found)
    return found


def _has_state(thing: Any) -> bool:
    return hasattr(type(thing), "__chainrule_state__") and hasattr(type(thing), "__chainrule_restore__")


def _name(accessor: optree.PyTreeAccessor, owner: Owner) -> str:
    parts = [str(getattr(entry, "field", entry.entry)) for entry in accessor]
    if not accessor or type(accessor[-1]) is optree.SequenceEntry:
        own = getattr(owner, "name", None)
        if isinstance(own, str) and own:
            parts[-1:] = [own]
    return "/".join(parts) if parts else type(owner).__name__


def _refuse_twice(what: str, found: Sequence[Named]) -> None:
    places: dict[int, str] = {}
    for name, owner, place in found:
        if name == _RESERVED:
            raise ArgumentError(f"{what}: {place}: the name {name!r} is taken by the file format; use another")
        if id(owner) in places:
            raise ArgumentError(
                f"{what}: {places[id(owner)]} and {place} are one {type(owner).__name__}; leave one out"
            )
        places[id(owner)] = place
    # In this order whatever lies inside a name comes right after it.
    for outer, inner in pairwise(sorted(found, key=lambda entry: entry.name.split("/"))):
        if inner.name == outer.name:
            raise ArgumentError(
                f"{what}: {outer.place} and {inner.place} are both called {inner.name!r}; give them names of their "
                "own: Variable(..., name=...), or a mapping from names"
            )
        if not isinstance(outer.owner, Variable) and inner.name.startswith(outer.key("")):
            raise ArgumentError(
                f"{what}: {inner.place} is called {inner.name!r}, which lies inside {outer.name!r}, the name of "
                f"{outer.place}; rename one"
            )
