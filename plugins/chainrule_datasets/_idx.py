"""MNIST as it was published: a folder of four IDX files, each plain or gzipped.

An IDX file is a magic number (two zero bytes, the element type, the number of axes), the length of each axis as a
big-endian 32-bit integer, and the elements.
"""

import gzip
import math
import struct
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from chainrule_datasets._errors import DatasetError, DatasetNotFoundError
from chainrule_datasets._source import Part, Source

_MEMBERS: Final = {"train-images": 3, "train-labels": 1, "t10k-images": 3, "t10k-labels": 1}  # name -> axes
_UNSIGNED_BYTE: Final = 0x08
_GZIP_START: Final = b"\x1f\x8b"


def read_idx(source: Source) -> list[Part]:
    """Training images and labels, then test images and labels, from the folder `source`."""
    paths = {name: _find(source.path, name, axes) for name, axes in _MEMBERS.items()}
    missing = [f"{name}-idx{axes}-ubyte" for name, axes in _MEMBERS.items() if paths[name] is None]
    if missing:
        got = f"a folder without {', '.join(missing)}"
        fix = "Add what is missing, plain or .gz, or name an .npz file"
        raise DatasetNotFoundError(source.fault("a folder of MNIST's four IDX files", got, fix))
    files = {name: replace(source, path=path) for name, path in paths.items() if path}
    return [Part(file, _decode(file, _MEMBERS[name])) for name, file in files.items()]


def _find(folder: Path, name: str, axes: int) -> Path | None:
    candidates = (folder / f"{name}{mark}idx{axes}-ubyte{suffix}" for suffix in ("", ".gz") for mark in "-.")
    return next((path for path in candidates if path.is_file()), None)


def _decode(source: Source, axes: int) -> NDArray[np.uint8]:
    data = _content(source)
    magic = bytes((0, 0, _UNSIGNED_BYTE, axes))
    if data[:4] != magic:
        got = f"the bytes {data[:4].hex(' ')}" if data else "an empty file"
        expected = f"an IDX file of unsigned bytes with {axes} axes (magic number {magic.hex(' ')})"
        raise DatasetError(source.fault(expected, got, "Check that this is MNIST's file of that name"))
    header = 4 + 4 * axes
    if len(data) < header:
        expected, got = f"an IDX header of {header} bytes", f"{len(data)} bytes in all"
        raise DatasetError(source.fault(expected, got, "Copy or download it again"))
    shape = struct.unpack_from(f">{axes}I", data, 4)
    if 0 in shape:
        got = f"a header that says shape {shape}"
        raise DatasetError(source.fault("at least one element", got, "Copy or download it again"))
    size = header + math.prod(shape)
    if len(data) != size:
        expected = f"{size:,} bytes, for its header says shape {shape}"
        raise DatasetError(source.fault(expected, f"{len(data):,} bytes", "Copy or download it again"))
    return np.frombuffer(data, np.uint8)[header:].reshape(shape).copy()


def _content(source: Source) -> bytes:
    data = source.path.read_bytes()
    if not data.startswith(_GZIP_START):
        return data
    try:
        return gzip.decompress(data)
    except (EOFError, OSError, zlib.error) as error:
        got = f"one that is truncated or damaged ({error})"
        raise DatasetError(source.fault("a complete gzip file", got, "Copy or download it again")) from error
