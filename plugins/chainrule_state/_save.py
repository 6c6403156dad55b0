"""`save`: the values of variables and the state of optimizers into a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainrule import DTypeError, Session, Tensor, Variable, init_scope
from chainrule_state._file import StrPath, as_path, check_target, write_file
from chainrule_state._format import pack
from chainrule_state._named import Named, Stateful, named
from chainrule_state._values import Values


def save(
    path: StrPath,
    objects: Any,
    *,
    session: Session | None = None,
    metadata: Mapping[str, str] | None = None,
    overwrite: bool = True,
) -> None:
    """Save variables, optimizers and whatever else has state, for `cr.load`.

    The file is in the safetensors format, which many libraries read. It is put in place in one step: after an error,
    an interrupt or a full disk, the file that was there before is there still.

    Args:
        path: the file; its folder must exist. The usual suffix is `.safetensors`.
        objects: a `Variable`, an optimizer, anything else with the methods of `chainrule_state.Stateful`, or a mapping,
            sequence or deeper pytree of them. In the file a thing's name is the path to it (`"model/w"`); in a
            sequence, and where it is all there is, its own name takes the place of an index.
        session: the session whose values are saved; the one in force if None. A variable that was made outside of
            any graph, and that the session's graph does not use, has its own value.
        metadata: strings to keep with it, which `cr.load` and `cr.inspect_checkpoint` give back.
        overwrite: whether to replace a file that is there. It keeps its permissions.

    Raises:
        ArgumentError: nothing to save, one thing twice, or two things of one name; or a compiled function is being
            traced.
        DTypeError: something without state, metadata that are no strings, or a session that is none.
        GraphError: a variable of a graph, and no session of that graph, a closed one, or one where it is not
            initialised.
        CheckpointExistsError: the file is there, with `overwrite=False`. It is a `FileExistsError`.
        CheckpointNotFoundError: the folder is not there. It is a `FileNotFoundError`.
        CheckpointFileError: the system refuses to write, or the disk is full. It is an `OSError`.
        SafetensorsMissingError: the safetensors library is not installed.

    >>> import tempfile, chainrule as cr
    >>> path = tempfile.mkdtemp() + "/model.safetensors"
    >>> w, b = cr.Variable([1.0, 2.0], name="w"), cr.Variable(0.0, name="b")
    >>> cr.save(path, [w, b])
    >>> cr.save(path, {"layer": {"w": w, "b": b}}, metadata={"accuracy": "0.92"})
    >>> list(cr.inspect_checkpoint(path).arrays)
    ['layer/b', 'layer/w']
    """
    what = "cr.save"
    target = as_path(what, path)
    entries = named(what, objects)
    strings = _strings(what, metadata or {})
    values = Values(what, session)
    check_target(what, target, overwrite)
    parts: dict[str, Tensor | Variable] = {}
    with init_scope():
        for entry in entries:
            if isinstance(entry.owner, Variable):
                parts[entry.name] = entry.owner
            else:
                parts |= {entry.key(name): part for name, part in state_of(what, entry, entry.owner).items()}
        arrays = {name: values.read(part) if isinstance(part, Variable) else part for name, part in parts.items()}
        stateful = [entry.name for entry in entries if not isinstance(entry.owner, Variable)]
        content = pack(what, arrays, stateful, strings)
    write_file(what, target, content, overwrite)


def state_of(what: str, entry: Named, owner: Stateful) -> Mapping[str, Tensor | Variable]:
    """The state of something now.

    Raises:
        DTypeError: it gives something else than tensors and variables by name.
    """
    state: Any = owner.__chainrule_state__()
    if not isinstance(state, Mapping):
        raise DTypeError(f"{what}: {entry.place}: __chainrule_state__ gave {type(state).__name__}, not a mapping")
    for name, part in state.items():
        if not isinstance(name, str) or not isinstance(part, Tensor | Variable):
            raise DTypeError(
                f"{what}: {entry.place}: __chainrule_state__ gave {name!r}: {type(part).__name__}; expected tensors "
                "and variables by names: make a tensor with cr.tensor"
            )
    return state


def _strings(what: str, metadata: Mapping[str, str]) -> Mapping[str, str]:
    given: Any = metadata
    if not isinstance(given, Mapping):
        raise DTypeError(f"{what}: metadata: expected a mapping from strings to strings, got {type(given).__name__}")
    for key, text in given.items():
        if not isinstance(key, str) or not isinstance(text, str):
            raise DTypeError(f"{what}: metadata: expected strings, got {key!r}: {text!r:.60}; write str(...)")
    return metadata
