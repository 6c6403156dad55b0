"""`save`: the values of variables and the state of optimizers into a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainrule import DTypeError, Tensor, Variable
from chainrule_state import _values
from chainrule_state._file import StrPath, as_path, check_target, write_file
from chainrule_state._format import pack
from chainrule_state._named import Named, Stateful, named


def save(path: StrPath, objects: Any, *, metadata: Mapping[str, str] | None = None, overwrite: bool = True) -> None:
    """Save variables, optimizers and whatever else has state, for `cr.load`.

    The file is in the safetensors format, which many libraries read. It is put in place in one step: after an error,
    an interrupt or a full disk, the file that was there before is there still.

    Args:
        path: the file; its folder must exist. The usual suffix is `.safetensors`.
        objects: a `Variable`, an optimizer, anything else with the methods of `chainrule_state.Stateful`, or a mapping,
            sequence or deeper pytree of them. In the file a thing's name is the path to it (`"model/w"`); in a
            sequence, and where it is all there is, its own name takes the place of an index.
        metadata: strings to keep with it, which `cr.load` and `cr.inspect_checkpoint` give back.
        overwrite: whether to replace a file that is there. It keeps its permissions.

    Raises:
        ArgumentError: nothing to save, one thing twice, or two things of one name.
        DTypeError: something without state, or metadata that are no strings.
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
    check_target(what, target, overwrite)
    arrays: dict[str, Tensor] = {}
    for entry in entries:
        if isinstance(entry.owner, Variable):
            arrays[entry.name] = _values.read(entry.owner)
        else:
            arrays |= {entry.key(part): tensor for part, tensor in state_of(what, entry, entry.owner).items()}
    stateful = [entry.name for entry in entries if not isinstance(entry.owner, Variable)]
    write_file(what, target, pack(what, arrays, stateful, strings), overwrite)


def state_of(what: str, entry: Named, owner: Stateful) -> Mapping[str, Tensor]:
    """The state of something now.

    Raises:
        DTypeError: it gives something else than tensors by name.
    """
    state: Any = owner.__chainrule_state__()
    if not isinstance(state, Mapping):
        raise DTypeError(f"{what}: {entry.place}: __chainrule_state__ gave {type(state).__name__}, not a mapping")
    for part, tensor in state.items():
        if not isinstance(part, str) or not isinstance(tensor, Tensor):
            raise DTypeError(
                f"{what}: {entry.place}: __chainrule_state__ gave {part!r}: {type(tensor).__name__}; expected tensors "
                "by names: make one with cr.tensor"
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
