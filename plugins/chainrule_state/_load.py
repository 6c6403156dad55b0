"""`load`: a file back into variables and optimizers, all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from chainrule import (
    ChainruleError,
    DTypeError,
    Session,
    Spec,
    Tensor,
    Variable,
    get_backend,
    get_device,
    infer,
    init_scope,
)
from chainrule_state._checkpoint import Checkpoint
from chainrule_state._encoding import Home, decode
from chainrule_state._errors import CheckpointError
from chainrule_state._file import StrPath, as_path, read_file
from chainrule_state._format import Contents, unpack
from chainrule_state._named import Named, Owner, Stateful, named
from chainrule_state._save import state_of
from chainrule_state._values import Values


@dataclass(frozen=True)
class Loaded:
    """What `cr.load` did.

    Attributes:
        loaded: the names of what was loaded.
        missing: what was given and is not in the file. Empty unless `strict=False`.
        unexpected: what is in the file and was not given. Empty unless `strict=False`.
        metadata: the strings that were saved with it.
    """

    loaded: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    metadata: Mapping[str, str]


class _Change(NamedTuple):
    do: Callable[[], None]
    undo: Callable[[], None]


def load(path: StrPath, objects: Any, *, session: Session | None = None, strict: bool = True) -> Loaded:
    """Load what `cr.save` saved into variables, optimizers and whatever else has state.

    Everything is read and checked first. If anything is wrong, or fails later, all of `objects` is as it was.

    Args:
        path: the file.
        objects: what to load into, under the names it was saved by: see `cr.save`. Values keep their backends and
            devices, whichever they were saved from.
        session: the session that gets the values; the one in force if None. Variables that are loaded need not be
            initialised. A variable that was made outside of any graph, and that the session's graph does not use, gets
            its own value.
        strict: whether `objects` and the file must have the same names. With False, what both have is loaded, and
            what is left over is in the result; shapes and dtypes must agree all the same.

    Raises:
        CheckpointError: the file is no checkpoint, is damaged, is of a newer format, or does not fit `objects`; then
            it says all that differs.
        CheckpointFileError: it cannot be read. It is an `OSError`; `CheckpointNotFoundError`, if there is no file, is
            a `FileNotFoundError`.
        GraphError: a variable of a graph, and no session of that graph, or a closed one.
        ArgumentError, DTypeError, SafetensorsMissingError: as `cr.save`.

    >>> import tempfile, chainrule as cr
    >>> path = tempfile.mkdtemp() + "/model.safetensors"
    >>> w = cr.Variable([1.0, 2.0], name="w")
    >>> cr.save(path, [w])
    >>> b = cr.Variable(0.0, name="b")
    >>> cr.load(path, [b, w])
    Traceback (most recent call last):
    chainrule_state._errors.CheckpointError: cr.load: /...model.safetensors does not fit; nothing was loaded ...
      not in the file: 'b'
    >>> cr.load(path, [b, w], strict=False)
    Loaded(loaded=('w',), missing=('b',), unexpected=(), metadata={})
    """
    what = "cr.load"
    file = as_path(what, path)
    entries = named(what, objects)
    values = Values(what, session)
    contents = unpack(what, file, read_file(what, file))
    found: list[Named] = []
    absent: list[Named] = []
    for entry in entries:
        (found if entry.name in _names(contents.checkpoint, entry.owner) else absent).append(entry)
    missing = tuple(entry.name for entry in absent)
    unexpected = _unclaimed(contents.checkpoint, found)
    with init_scope():
        changes, differences = _prepare(what, contents, values, found)
        if strict:
            differences[:0] = [f"not in the file: {name!r}" for name in missing]
            differences += [f"only in the file: {name!r}" for name in unexpected]
        if differences:
            hint = " (strict=False loads what is in both)" if strict and (missing or unexpected) else ""
            lines = "\n  ".join(differences)
            raise CheckpointError(f"{what}: {file} does not fit; nothing was loaded{hint}:\n  {lines}")
        _commit(changes)
    return Loaded(tuple(entry.name for entry in found), missing, unexpected, contents.checkpoint.metadata)


def _names(checkpoint: Checkpoint, owner: Owner) -> Collection[str]:
    """The names in a file of things of this kind."""
    return checkpoint.arrays if isinstance(owner, Variable) else checkpoint.objects


def _unclaimed(checkpoint: Checkpoint, found: Sequence[Named]) -> tuple[str, ...]:
    """The names in a file of what is not loaded."""
    claimed = {entry.name for entry in found}
    inside = tuple(entry.key("") for entry in found if not isinstance(entry.owner, Variable))
    arrays = [name for name in checkpoint.arrays if name not in claimed and not name.startswith(inside)]
    without = [
        name
        for name in checkpoint.objects
        if name not in claimed and not any(array.startswith(f"{name}/") for array in checkpoint.arrays)
    ]
    return (*arrays, *without)


def _prepare(what: str, contents: Contents, values: Values, found: Sequence[Named]) -> tuple[list[_Change], list[str]]:
    """All changes, ready to be made, and what speaks against them; nothing is changed."""
    arrays = contents.checkpoint.arrays
    variables = [entry.owner for entry in found if isinstance(entry.owner, Variable)]
    changes: list[_Change] = []
    differences: list[str] = []
    for entry in found:
        if isinstance(entry.owner, Variable):
            different = _differences(entry.name, arrays[entry.name], entry.owner)
            differences += different
            if not different:
                changes.append(_assignment(contents, values, entry.name, entry.owner))
        else:
            try:
                changes.append(_restoration(what, contents, values, entry, entry.owner, variables))
            except CheckpointError as error:
                differences.append(str(error))
    return changes, differences


def _differences(name: str, saved: Spec, variable: Variable) -> list[str]:
    found = []
    if not infer.may_equal(saved.shape, variable.shape):
        found.append(f"{name!r}: shape {saved.shape} in the file, {variable.shape} in the variable")
    if saved.dtype != variable.dtype:
        found.append(
            f"{name!r}: dtype {saved.dtype} in the file, {variable.dtype} in the variable; make that with "
            f"dtype={str(saved.dtype)!r}"
        )
    return found


def _assignment(contents: Contents, values: Values, name: str, variable: Variable) -> _Change:
    before = values.read_or_initial(variable)
    after = decode(contents.data[name], contents.checkpoint.arrays[name], values.home(variable))
    return _Change(partial(values.write, variable, after), partial(values.write, variable, before))


def _restoration(
    what: str, contents: Contents, values: Values, entry: Named, owner: Stateful, variables: Sequence[Variable]
) -> _Change:
    state = state_of(what, entry, owner)
    before = {name: values.read_or_initial(x) if isinstance(x, Variable) else x for name, x in state.items()}
    homes = {name: values.home(x) if isinstance(x, Variable) else Home.of(x) for name, x in state.items()}
    # What it does not have yet is made where the variables are.
    home = next(iter((*map(values.home, variables), *homes.values())), Home(get_backend(), get_device()))
    start = entry.key("")
    try:
        after = {}
        for name, spec in contents.checkpoint.arrays.items():
            if name.startswith(start):
                part = name.removeprefix(start)
                after[part] = decode(contents.data[name], spec, homes.get(part, home))
        do: Any = owner.__chainrule_restore__(after, variables)
    except ChainruleError as error:
        raise CheckpointError(f"{entry.name!r}: {error}") from error
    if not callable(do):
        raise DTypeError(f"{what}: {entry.place}: __chainrule_restore__ gave {type(do).__name__}, not a function")

    def assign(given: Iterable[tuple[Variable, Tensor]] | None) -> None:
        for variable, value in given or ():
            values.write(variable, value)

    # The way back starts from what the object has then, such as slots that were made meanwhile.
    return _Change(lambda: assign(do()), lambda: assign(owner.__chainrule_restore__(before, variables)()))


def _commit(changes: Sequence[_Change]) -> None:
    """Make all changes; if one fails or is interrupted, take back what was done."""
    with ExitStack() as back:
        for change in changes:
            back.callback(change.undo)
            change.do()
        back.pop_all()
