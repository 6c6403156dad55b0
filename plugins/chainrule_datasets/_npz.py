"""MNIST in one `.npz` file: Keras's `mnist.npz`, or the same with names in words."""

from dataclasses import replace
from typing import Any, Final

import numpy as np

from chainrule_datasets._errors import DatasetError
from chainrule_datasets._source import Part, Source

LAYOUTS: Final = (
    ("train_images", "train_labels", "test_images", "test_labels"),
    ("x_train", "y_train", "x_test", "y_test"),
)
_ZIP_STARTS: Final = (b"PK\x03\x04", b"PK\x05\x06")  # with members, and empty
_KEYS_SHOWN: Final = 12


def read_npz(source: Source) -> list[Part]:
    """Training images and labels, then test images and labels. Pickled objects are refused."""
    with source.path.open("rb") as file:
        start = file.read(4)
        if start not in _ZIP_STARTS:
            got = f"a file that starts with the bytes {start.hex(' ')}" if start else "an empty file"
            fix = "Name an .npz file, or the folder that holds the IDX files"
            raise DatasetError(source.fault("an .npz file (a zip archive: 50 4b 03 04)", got, fix))
        file.seek(0)
        try:
            archive = np.load(file, allow_pickle=False)
        except Exception as error:  # a damaged archive can fail anywhere in zipfile
            got = f"one that is truncated or damaged ({error})"
            raise DatasetError(source.fault("a complete .npz file", got, "Copy or download it again")) from error
        with archive:
            return [_part(archive, replace(source, key=key)) for key in _layout(archive.files, source)]


def _layout(found: list[str], source: Source) -> tuple[str, ...]:
    for keys in LAYOUTS:
        if set(keys) <= set(found):
            return keys
    expected = "the arrays " + ", or ".join(", ".join(keys) for keys in LAYOUTS)
    shown = ", ".join(found[:_KEYS_SHOWN]) + (", ..." if len(found) > _KEYS_SHOWN else "")
    raise DatasetError(source.fault(expected, shown or "no arrays", "Save the four arrays under these names"))


def _part(archive: Any, source: Source) -> Part:
    try:
        array = archive[source.key]
    except Exception as error:  # a damaged member can fail anywhere in zipfile, zlib or NumPy's header parser
        expected = "a complete array of plain numbers (pickled objects can run code and are refused)"
        got = f"one that cannot be read ({error})"
        raise DatasetError(source.fault(expected, got, "Save it again as uint8, or copy the file again")) from error
    if not isinstance(array, np.ndarray):
        got = "bytes that are none"
        raise DatasetError(source.fault("a NumPy array", got, "Save the file with numpy.savez_compressed"))
    return Part(source, array)
