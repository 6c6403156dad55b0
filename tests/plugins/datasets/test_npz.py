"""`.npz` files: both layouts read back as written, and each way to be wrong is said."""

import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from chainrule_datasets import DatasetError, mnist

KERAS = ("x_train", "y_train", "x_test", "y_test")
WORDS = ("train_images", "train_labels", "test_images", "test_labels")

Refusal = Callable[[Path], str]


def save(path: Path, named: dict[str, NDArray[np.generic]]) -> None:
    np.savez(path, **named)  # type: ignore[arg-type]  # NumPy's stub takes the arrays for allow_pickle


@pytest.fixture
def named(arrays: list[NDArray[np.uint8]]) -> dict[str, NDArray[np.generic]]:
    """The small set under Keras's names, for a test to spoil."""
    return dict(zip(KERAS, arrays, strict=True))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mnist.npz"


@pytest.mark.parametrize("pack", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("keys", [KERAS, WORDS])
def test_round_trip(
    path: Path, arrays: list[NDArray[np.uint8]], keys: tuple[str, ...], pack: Callable[..., None]
) -> None:
    pack(path, **dict(zip(keys, arrays, strict=True)), note=np.array("other arrays are ignored"))
    data = mnist(path)
    for part, array in zip(WORDS, arrays, strict=True):
        np.testing.assert_array_equal(getattr(data, part), array)
    assert data.source == str(path)


def test_not_a_zip(path: Path, refusal: Refusal) -> None:
    path.write_bytes(b"\x1f\x8b\x08\x00 and so on")
    assert refusal(path) == (
        f"{path} (from the argument data): expected an .npz file (a zip archive: 50 4b 03 04), "
        "got a file that starts with the bytes 1f 8b 08 00. Name an .npz file, or the folder that holds the IDX files."
    )


def test_empty_file(path: Path, refusal: Refusal) -> None:
    path.touch()
    assert "got an empty file. Name an .npz file" in refusal(path)


@pytest.mark.parametrize("kept", [0.01, 0.5, 0.99])
def test_truncated(path: Path, named: dict[str, NDArray[np.generic]], refusal: Refusal, kept: float) -> None:
    save(path, named)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    assert refusal(path) == (
        f"{path} (from the argument data): expected a complete .npz file, "
        "got one that is truncated or damaged (File is not a zip file). Copy or download it again."
    )


def test_damaged_inside(path: Path, named: dict[str, NDArray[np.generic]], refusal: Refusal) -> None:
    save(path, named)
    content = bytearray(path.read_bytes())
    content[2000] ^= 1
    path.write_bytes(content)
    message = refusal(path)
    assert message.startswith(f"array 'x_train' of {path} (from the argument data): expected a complete array")
    assert "(Bad CRC-32 for file 'x_train.npy'). Save it again as uint8, or copy the file again." in message


def test_no_damage_escapes_as_another_error(path: Path, named: dict[str, NDArray[np.generic]]) -> None:
    """Each byte of the first member's headers, spoilt in turn."""
    save(path, named)
    whole = path.read_bytes()
    for position in range(4, 200):
        spoilt = bytearray(whole)
        spoilt[position] ^= 0xFF
        path.write_bytes(spoilt)
        with suppress(DatasetError):
            mnist(path)


def test_wrong_keys(path: Path, named: dict[str, NDArray[np.generic]], refusal: Refusal) -> None:
    named["labels"] = named.pop("y_test")
    save(path, named)
    assert refusal(path) == (
        f"{path} (from the argument data): expected the arrays train_images, train_labels, test_images, test_labels, "
        "or x_train, y_train, x_test, y_test, got x_train, y_train, x_test, labels. "
        "Save the four arrays under these names."
    )


def test_no_keys(path: Path, refusal: Refusal) -> None:
    np.savez(path)
    assert "got no arrays. Save the four" in refusal(path)


def test_many_keys_are_cut_short(path: Path, refusal: Refusal) -> None:
    np.savez(path, *np.zeros((100, 1)))
    assert "got arr_0, arr_1, " in refusal(path)
    assert "arr_11, .... Save" in refusal(path)


def test_member_that_is_no_array(path: Path, refusal: Refusal) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for key in KERAS:
            archive.writestr(key, "text")
    assert refusal(path) == (
        f"array 'x_train' of {path} (from the argument data): expected a NumPy array, got bytes that are none. "
        "Save the file with numpy.savez_compressed."
    )


def test_pickled_objects_are_refused(path: Path, named: dict[str, NDArray[np.generic]], refusal: Refusal) -> None:
    named["y_train"] = named["y_train"].astype(object)
    save(path, named)
    assert refusal(path) == (
        f"array 'y_train' of {path} (from the argument data): expected a complete array of plain numbers (pickled "
        "objects can run code and are refused), got one that cannot be read (Object arrays cannot be loaded when "
        "allow_pickle=False). Save it again as uint8, or copy the file again."
    )


@pytest.mark.parametrize(
    ("key", "wrong", "expected", "got"),
    [
        ("x_train", np.zeros((7, 784), "uint8"), "(n, 28, 28)", "uint8 of shape (7, 784)"),
        ("x_test", np.zeros((5, 28, 28), "float32"), "(n, 28, 28)", "float32 of shape (5, 28, 28)"),
        ("x_train", np.zeros((0, 28, 28), "uint8"), "(n, 28, 28)", "uint8 of shape (0, 28, 28)"),
        ("y_train", np.zeros(7, "int64"), "(n,)", "int64 of shape (7,)"),
        ("y_test", np.zeros((5, 10), "uint8"), "(n,)", "uint8 of shape (5, 10)"),
        ("y_test", np.uint8(3), "(n,)", "uint8 of shape ()"),
    ],
)
def test_wrong_dtype_or_shape(
    path: Path,
    named: dict[str, NDArray[np.generic]],
    refusal: Refusal,
    key: str,
    wrong: NDArray[np.generic],
    expected: str,
    got: str,
) -> None:
    named[key] = wrong
    save(path, named)
    assert refusal(path) == (
        f"array {key!r} of {path} (from the argument data): expected uint8 of shape {expected}, n at least 1, "
        f"got {got}. Save it again with that dtype and shape."
    )


def test_label_that_is_no_digit(path: Path, named: dict[str, NDArray[np.generic]], refusal: Refusal) -> None:
    named["y_test"] = np.array([1, 2, 3, 10, 255], "uint8")
    save(path, named)
    assert refusal(path) == (
        f"array 'y_test' of {path} (from the argument data): expected labels from 0 to 9, got 10 at index 3. "
        "Use MNIST's own labels: the digits shown."
    )


def test_fewer_labels_than_images(path: Path, named: dict[str, NDArray[np.generic]], refusal: Refusal) -> None:
    named["y_train"] = named["y_train"][:-1]
    save(path, named)
    assert refusal(path) == (
        f"array 'y_train' of {path} (from the argument data): expected 7 labels, one for each image, got 6. "
        f"Use the labels that belong to the images of array 'x_train' of {path} (from the argument data)."
    )
