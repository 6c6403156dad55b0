"""Folders of IDX files: each spelling reads back as written, and each way to be wrong is said."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from chainrule_datasets import DatasetNotFoundError, mnist

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
PARTS = ("train_images", "train_labels", "test_images", "test_labels")

Refusal = Callable[[Path], str]


def idx(array: NDArray[np.uint8]) -> bytes:
    """`array` in the published format: magic number 2051 for images, 2049 for labels."""
    return struct.pack(f">{1 + array.ndim}I", {3: 2051, 1: 2049}[array.ndim], *array.shape) + array.tobytes()


@pytest.fixture
def folder(tmp_path: Path, arrays: list[NDArray[np.uint8]]) -> Path:
    """The small set as four plain files, for a test to spoil."""
    for name, array in zip(FILES, arrays, strict=True):
        (tmp_path / name).write_bytes(idx(array))
    return tmp_path


@pytest.mark.parametrize("mark", ["-", "."])
@pytest.mark.parametrize(("suffix", "pack"), [("", bytes), (".gz", gzip.compress), (".gz", bytes), ("", gzip.compress)])
def test_round_trip(
    tmp_path: Path, arrays: list[NDArray[np.uint8]], mark: str, suffix: str, pack: Callable[[bytes], bytes]
) -> None:
    for name, array in zip(FILES, arrays, strict=True):
        (tmp_path / (name.replace("-idx", f"{mark}idx") + suffix)).write_bytes(pack(idx(array)))
    data = mnist(tmp_path)
    for part, array in zip(PARTS, arrays, strict=True):
        np.testing.assert_array_equal(getattr(data, part), array)
        assert getattr(data, part).flags.writeable
    assert data.source == str(tmp_path)


def test_missing_files_are_listed(folder: Path) -> None:
    (folder / FILES[0]).unlink()
    (folder / FILES[3]).unlink()
    with pytest.raises(DatasetNotFoundError) as caught:
        mnist(folder)
    assert str(caught.value) == (
        f"{folder} (from the argument data): expected a folder of MNIST's four IDX files, got a folder without "
        "train-images-idx3-ubyte, t10k-labels-idx1-ubyte. Add what is missing, plain or .gz, or name an .npz file."
    )


def test_the_variable_is_named_for_a_file_of_its_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINRULE_DATA", str(folder))
    (folder / FILES[2]).write_bytes(b"")
    with pytest.raises(ValueError, match="from the environment variable CHAINRULE_DATA") as caught:
        mnist()
    assert str(caught.value).startswith(f"{folder / FILES[2]} (from ")


@pytest.mark.parametrize(
    ("content", "got"),
    [
        (b"", "an empty file"),
        (b"\x00\x00\x08", "the bytes 00 00 08"),
        (struct.pack(">2I", 2049, 7), "the bytes 00 00 08 01"),
        (b"<html>", "the bytes 3c 68 74 6d"),
    ],
)
def test_wrong_magic_number(folder: Path, refusal: Refusal, content: bytes, got: str) -> None:
    (folder / FILES[0]).write_bytes(content)
    assert refusal(folder) == (
        f"{folder / FILES[0]} (from the argument data): expected an IDX file of unsigned bytes with 3 axes "
        f"(magic number 00 00 08 03), got {got}. Check that this is MNIST's file of that name."
    )


def test_header_cut_short(folder: Path, refusal: Refusal) -> None:
    (folder / FILES[0]).write_bytes(struct.pack(">2I", 2051, 7))
    assert refusal(folder) == (
        f"{folder / FILES[0]} (from the argument data): expected an IDX header of 16 bytes, got 8 bytes in all. "
        "Copy or download it again."
    )


@pytest.mark.parametrize(("change", "got"), [(-1, "5,503"), (1, "5,505")])
def test_length_other_than_the_header_says(folder: Path, refusal: Refusal, change: int, got: str) -> None:
    path = folder / FILES[0]
    path.write_bytes((path.read_bytes() + b"\0")[: 16 + 7 * 784 + change])
    assert refusal(folder) == (
        f"{path} (from the argument data): expected 5,504 bytes, for its header says shape (7, 28, 28), "
        f"got {got} bytes. Copy or download it again."
    )


@pytest.mark.parametrize("shape", [(0, 28, 28), (0, 2**32 - 1, 2**32 - 1)])
def test_header_of_nothing(folder: Path, refusal: Refusal, shape: tuple[int, ...]) -> None:
    (folder / FILES[2]).write_bytes(struct.pack(">4I", 2051, *shape))
    assert refusal(folder) == (
        f"{folder / FILES[2]} (from the argument data): expected at least one element, "
        f"got a header that says shape {shape}. Copy or download it again."
    )


@pytest.mark.parametrize("kept", [5, 12, 200, -4])
def test_truncated_gzip(folder: Path, refusal: Refusal, kept: int) -> None:
    path = folder / FILES[0]
    path.write_bytes(gzip.compress(path.read_bytes())[:kept])
    message = refusal(folder)
    assert message.startswith(
        f"{path} (from the argument data): expected a complete gzip file, got one that is truncated or damaged ("
    )
    assert message.endswith(
        "Compressed file ended before the end-of-stream marker was reached). Copy or download it again."
    )


@pytest.mark.parametrize("position", [3, 15, -5])
def test_damaged_gzip(folder: Path, refusal: Refusal, position: int) -> None:
    path = folder / FILES[0]
    content = bytearray(gzip.compress(path.read_bytes()))
    content[position] ^= 0xFF
    path.write_bytes(content)
    assert f"{path} (from the argument data): expected a complete gzip file, got one that is" in refusal(folder)


def test_images_of_another_size(folder: Path, refusal: Refusal) -> None:
    (folder / FILES[0]).write_bytes(idx(np.zeros((7, 32, 32), np.uint8)))
    assert refusal(folder) == (
        f"{folder / FILES[0]} (from the argument data): expected uint8 of shape (n, 28, 28), n at least 1, "
        "got uint8 of shape (7, 32, 32). Save it again with that dtype and shape."
    )


def test_labels_of_the_other_half(folder: Path, refusal: Refusal) -> None:
    (folder / FILES[3]).write_bytes((folder / FILES[1]).read_bytes())
    assert refusal(folder) == (
        f"{folder / FILES[3]} (from the argument data): expected 5 labels, one for each image, got 7. "
        f"Use the labels that belong to the images of {folder / FILES[2]} (from the argument data)."
    )


def test_label_that_is_no_digit(folder: Path, refusal: Refusal) -> None:
    (folder / FILES[1]).write_bytes(idx(np.array([0, 1, 2, 3, 4, 5, 77], np.uint8)))
    assert refusal(folder) == (
        f"{folder / FILES[1]} (from the argument data): expected labels from 0 to 9, got 77 at index 6. "
        "Use MNIST's own labels: the digits shown."
    )
