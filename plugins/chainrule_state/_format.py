"""The content of a checkpoint: arrays in the safetensors format, and a manifest that all of them are checked against.

The manifest is JSON, the one entry `chainrule` of the file's metadata: entries of their own would come in another order
at each run, and so equal states are equal files. It has the version of the format, chainrule's, what the caller gave,
the shape, dtype and SHA-256 of each array, and a digest of itself: no damage to any byte goes unseen.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import chainrule as cr
from chainrule import DTYPES, Spec, Tensor
from chainrule_state._checkpoint import Checkpoint
from chainrule_state._encoding import code, encode, layout
from chainrule_state._errors import CheckpointError, SafetensorsMissingError

FORMAT: Final = 1  # raise it when an older chainrule would misread what is written
_ENTRY: Final = "chainrule"


class Contents(NamedTuple):
    """A checkpoint and the elements of its arrays."""

    checkpoint: Checkpoint
    data: Mapping[str, bytearray]


def pack(what: str, arrays: Mapping[str, Tensor], objects: Sequence[str], metadata: Mapping[str, str]) -> bytes:
    """The bytes of a checkpoint.

    Raises:
        SafetensorsMissingError: safetensors is not installed, or too old.
    """
    library = _safetensors(what)
    encoded = {name: encode(tensor) for name, tensor in arrays.items()}  # alive until the pointers have been followed
    specs, listed = {}, {}
    for name, tensor in arrays.items():
        dtype, shape = layout(tensor.shape, tensor.dtype)
        data = encoded[name]
        specs[name] = library.TensorSpec(dtype=str(dtype), shape=shape, data_ptr=data.ctypes.data, data_len=data.nbytes)
        listed[name] = {"dtype": str(tensor.dtype), "shape": tensor.shape, "sha256": _sha256(data)}
    manifest = {
        "arrays": listed,
        "format": FORMAT,
        "metadata": dict(metadata),
        "objects": list(objects),
        "version": cr.__version__,
    }
    manifest["digest"] = _digest(manifest)
    content: bytes = library.serialize(specs, {_ENTRY: _json(manifest)})
    return content


def unpack(what: str, path: Path, content: bytes) -> Contents:
    """The checkpoint that bytes are.

    Raises:
        CheckpointError: they are none, or damaged, or of a newer format.
        SafetensorsMissingError: safetensors is not installed.
    """
    library = _safetensors(what)
    fix = "Use another copy of it"
    try:
        entries = dict(library.deserialize(content))
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    except (library.SafetensorError, ValueError) as error:
        got = f"one that is incomplete, damaged or of another kind ({error})"
        raise CheckpointError(f"{what}: {path}: expected a file that cr.save wrote, got {got}. {fix}.") from error
    text = header.get("__metadata__", {}).get(_ENTRY)
    if text is None:
        raise CheckpointError(
            f"{what}: {path}: expected a file that cr.save wrote, got a safetensors file of another program. Read it "
            "with safetensors.numpy.load_file, and assign its arrays to variables."
        )
    manifest = _manifest(what, path, text)
    damaged = [*_damaged(manifest["arrays"], entries)]
    if damaged:
        names = ", ".join(map(repr, damaged))
        raise CheckpointError(f"{what}: {path} is damaged: {names} differ from what was saved. {fix}.")
    checkpoint = Checkpoint(
        path,
        manifest["format"],
        manifest["version"],
        manifest["metadata"],
        {name: _spec(listed) for name, listed in manifest["arrays"].items()},
        tuple(manifest["objects"]),
    )
    return Contents(checkpoint, {name: found["data"] for name, found in entries.items()})


def _manifest(what: str, path: Path, text: str) -> dict[str, Any]:
    """The manifest, once it is known to be one that this version wrote or could have written."""
    try:
        manifest: dict[str, Any] = json.loads(text)
        digest, version = manifest.pop("digest", ""), manifest["format"]
        newer = version > FORMAT
    except (ValueError, TypeError, KeyError, AttributeError):
        manifest, newer, digest = {}, False, ""
    if newer:
        raise CheckpointError(
            f"{what}: {path} is of format {version}, written by chainrule {manifest.get('version')}; this is chainrule "
            f"{cr.__version__}, which reads formats up to {FORMAT}. Upgrade chainrule."
        )
    if _digest(manifest) != digest:
        raise CheckpointError(f"{what}: {path} is damaged: its manifest is not what was saved. Use another copy of it.")
    return manifest


def _damaged(listed: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    """The names of arrays that are not as the manifest lists them."""
    for name in sorted(listed.keys() | found.keys()):
        if not (name in listed and name in found and _agree(listed[name], found[name])):
            yield name


def _agree(listed: Mapping[str, Any], array: Mapping[str, Any]) -> bool:
    dtype, shape = layout(tuple(listed["shape"]), DTYPES[listed["dtype"]])
    same = (array["dtype"], *array["shape"]) == (code(dtype), *shape)
    return same and _sha256(array["data"]) == listed["sha256"]


def _spec(listed: Mapping[str, Any]) -> Spec:
    return Spec(tuple(listed["shape"]), DTYPES[listed["dtype"]])


def _sha256(data: Any) -> str:
    return hashlib.sha256(data).hexdigest()


def _digest(manifest: Mapping[str, Any]) -> str:
    return _sha256(_json(manifest).encode())


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _safetensors(what: str) -> Any:
    try:
        import safetensors

        if not hasattr(safetensors, "TensorSpec"):
            raise ImportError(f"version {safetensors.__version__} is too old")
    except ImportError as error:
        raise SafetensorsMissingError(
            f"{what}: checkpoints are in the safetensors format, and that library cannot be imported ({error}); "
            "pip install 'safetensors>=0.8'"
        ) from error
    return safetensors
