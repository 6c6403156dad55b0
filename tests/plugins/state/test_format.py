"""Files that are damaged, foreign, newer or no checkpoints at all: refused by name, and nothing changes."""

import builtins
import hashlib
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import chainrule as cr
from chainrule_state import CheckpointError, SafetensorsMissingError, inspect_checkpoint, load, save


@pytest.fixture
def saved(path: Path) -> bytes:
    """A small checkpoint with everything a file can have."""
    save(path, {"w": cr.Variable([1.5, -2.5]), "c": cr.Variable(1 + 2j)}, metadata={"epoch": "3"})
    return path.read_bytes()


@pytest.fixture
def refused(path: Path) -> Callable[[bytes], str]:
    """What loading says of a content that it must refuse, once it is known that nothing has changed."""
    w, c = cr.Variable([7.0, 8.0]), cr.Variable(9j)

    def message(content: bytes) -> str:
        path.unlink(missing_ok=True)  # some systems flush a file that is written over, and no new one
        path.write_bytes(content)
        with pytest.raises(CheckpointError) as caught:
            load(path, {"w": w, "c": c})
        assert (w.tolist(), c.item()) == ([7.0, 8.0], 9j)
        text = str(caught.value)
        assert text.startswith(f"cr.load: {path}")
        return text

    return message


def rewritten(path: Path, change: Callable[[dict[str, Any]], Any], sign: bool = True) -> bytes:
    """A file as another version might have written it: with a changed manifest."""
    with safe_open(path, "np") as file:
        manifest = json.loads(file.metadata()["chainrule"])
    change(manifest)
    if sign:
        manifest.pop("digest")
        text = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
        manifest["digest"] = hashlib.sha256(text.encode()).hexdigest()
    save_file(load_file(path), path, {"chainrule": json.dumps(manifest, sort_keys=True, separators=(",", ":"))})
    return path.read_bytes()


def test_the_file_itself_loads(path: Path, saved: bytes) -> None:
    w, c = cr.Variable([7.0, 8.0]), cr.Variable(9j)
    path.write_bytes(saved)
    load(path, {"w": w, "c": c})
    assert (w.tolist(), c.item()) == ([1.5, -2.5], 1 + 2j)


def test_truncated_anywhere(saved: bytes, refused: Callable[[bytes], str]) -> None:
    for length in range(len(saved)):
        assert "incomplete, damaged or of another kind" in refused(saved[:length])


def test_longer_than_it_was(saved: bytes, refused: Callable[[bytes], str]) -> None:
    for more in (b"\0", b" ", saved):
        assert "incomplete, damaged or of another kind" in refused(saved + more)


def test_any_bit_flipped(saved: bytes, refused: Callable[[bytes], str]) -> None:
    for position in range(len(saved)):
        for bit in range(8):
            damaged = bytearray(saved)
            damaged[position] ^= 1 << bit
            refused(bytes(damaged))


def test_any_byte_of_the_header_replaced(saved: bytes, refused: Callable[[bytes], str]) -> None:
    for position in range(8 + int.from_bytes(saved[:8], "little")):
        for byte in b'\x00"{}[],:\\09aF':
            if byte != saved[position]:
                refused(saved[:position] + bytes([byte]) + saved[position + 1 :])


def test_damaged_arrays_are_named(saved: bytes, refused: Callable[[bytes], str]) -> None:
    data = 8 + int.from_bytes(saved[:8], "little")
    last = saved[:-1] + bytes([saved[-1] ^ 1])
    both = bytearray(last)
    both[data] ^= 1
    assert refused(bytes(both)).endswith("is damaged: 'c', 'w' differ from what was saved. Use another copy of it.")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"\xff" * 64,
        b"PK\x03\x04" + bytes(100),
        pickle.dumps({"w": 1}),
        b"\x02" + bytes(7) + b"{}",
        b"\x02" + bytes(7) + b"[]",
        b"\x04" + bytes(7) + b"null",
        (2**63).to_bytes(8, "little") + b"{}",
    ],
    ids=["empty", "short", "ones", "zip", "pickle", "braces", "list", "null", "huge header"],
)
def test_no_checkpoint(refused: Callable[[bytes], str], content: bytes) -> None:
    assert "expected a file that cr.save wrote, got " in refused(content)


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}], ids=str)
def test_a_safetensors_file_of_another_program(
    path: Path, refused: Callable[[bytes], str], metadata: dict[str, str] | None
) -> None:
    save_file({"w": np.ones(2)}, path, metadata)
    text = refused(path.read_bytes())
    assert "a safetensors file of another program. Read it with safetensors.numpy.load_file" in text


def test_a_newer_format(path: Path, saved: bytes, refused: Callable[[bytes], str]) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest.update(format=2, version="9.1.0", arrays="elsewhere")

    for sign in (True, False):
        text = refused(rewritten(path, change, sign))
        assert "is of format 2, written by chainrule 9.1.0; this is chainrule " in text
        assert text.endswith(f"{cr.__version__}, which reads formats up to 1. Upgrade chainrule.")
        path.write_bytes(saved)


@pytest.mark.parametrize("manifest", ["", "{", "[]", "3", "null", "{}", '{"format":"1"}', '{"format":1}'])
def test_a_manifest_that_is_none(path: Path, refused: Callable[[bytes], str], manifest: str) -> None:
    save_file({"w": np.ones(2)}, path, {"chainrule": manifest})
    assert refused(path.read_bytes()).endswith(
        "is damaged: its manifest is not what was saved. Use another copy of it."
    )


def test_a_changed_manifest(path: Path, saved: bytes, refused: Callable[[bytes], str]) -> None:
    text = refused(rewritten(path, lambda manifest: manifest["metadata"].update(epoch="4"), sign=False))
    assert "its manifest is not what was saved" in text


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: arrays.pop("w"),
        lambda arrays: arrays.update(v=arrays["w"]),
        lambda arrays: arrays["w"].update(shape=[2, 1]),
        lambda arrays: arrays["w"].update(dtype="int64"),
        lambda arrays: arrays["w"].update(sha256="0" * 64),
    ],
    ids=["one less", "one more", "shape", "dtype", "data"],
)
def test_arrays_that_are_not_those_of_the_manifest(
    path: Path, saved: bytes, refused: Callable[[bytes], str], change: Callable[[dict[str, Any]], Any]
) -> None:
    assert "differ from what was saved" in refused(rewritten(path, lambda manifest: change(manifest["arrays"])))


def test_inspecting_refuses_the_same(path: Path, saved: bytes) -> None:
    path.write_bytes(saved[:-1])
    with pytest.raises(CheckpointError, match=r"^cr.inspect_checkpoint: .*incomplete, damaged or of another kind"):
        inspect_checkpoint(path)


def test_inspection(path: Path, saved: bytes) -> None:
    found = inspect_checkpoint(path)
    assert (found.path, found.format, found.version) == (path.resolve(), 1, cr.__version__)
    assert found.arrays == {"c": cr.Spec((), cr.complex128), "w": cr.Spec((2,), cr.float64)}
    assert found.metadata == {"epoch": "3"}
    assert found.objects == ()
    assert str(found).splitlines() == [
        f"{found.path}: format 1, written by chainrule {cr.__version__}",
        "  c        complex128 ()",
        "  w        float64 (2,)",
        "  [epoch]  3",
    ]


@pytest.mark.parametrize("function", [save, load])
def test_without_the_library(
    monkeypatch: pytest.MonkeyPatch, path: Path, saved: bytes, function: Callable[..., Any]
) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.partition(".")[0] == "safetensors":
            raise ModuleNotFoundError("No module named 'safetensors'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    message = (
        rf"^cr.{function.__name__}: checkpoints .* \(No module named 'safetensors'\); pip install 'safetensors>=0.8'$"
    )
    with pytest.raises(SafetensorsMissingError, match=message):
        function(path, {"w": cr.Variable([1.0, 2.0])})
    assert path.read_bytes() == saved


def test_with_a_library_that_is_too_old(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    monkeypatch.delattr(safetensors, "TensorSpec")
    monkeypatch.setattr(safetensors, "__version__", "0.7.0")
    with pytest.raises(SafetensorsMissingError, match=r"\(version 0.7.0 is too old\); pip install 'safetensors>=0.8'$"):
        save(path, cr.Variable(1.0))
    assert not path.exists()
