"""The MNIST handwritten digits: which file to read, what its arrays must be, and what a training loop gets."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from chainrule import ChainruleError, DTypeError
from chainrule_datasets._embedded import DESCRIPTION, read_embedded
from chainrule_datasets._errors import DatasetError, DatasetNotFoundError
from chainrule_datasets._idx import read_idx
from chainrule_datasets._npz import read_npz
from chainrule_datasets._source import Part, Source

_VARIABLE: Final = "CHAINRULE_DATA"
_IMAGE: Final = (28, 28)


@dataclass(frozen=True, eq=False)
class Mnist:
    """Images are uint8 of shape (n, 28, 28), 0 for paper and 255 for ink; labels are uint8 of shape (n,), 0 to 9."""

    train_images: NDArray[np.uint8] = field(repr=False)
    train_labels: NDArray[np.uint8] = field(repr=False)
    test_images: NDArray[np.uint8] = field(repr=False)
    test_labels: NDArray[np.uint8] = field(repr=False)
    source: str

    def flat(
        self, dtype: DTypeLike = "float32"
    ) -> tuple[NDArray[np.floating[Any]], NDArray[np.int64], NDArray[np.floating[Any]], NDArray[np.int64]]:
        """`train_x, train_y, test_x, test_y`: images as rows of 784 numbers from 0 to 1, labels as int64."""
        dtype = np.dtype(dtype)
        if dtype.kind != "f":
            raise DTypeError(
                f"Mnist.flat: expected a floating dtype, for pixels from 0 to 1, got {dtype}. Try 'float32'."
            )
        return (
            _rows(self.train_images, dtype),
            self.train_labels.astype(np.int64),
            _rows(self.test_images, dtype),
            self.test_labels.astype(np.int64),
        )


def mnist(data: str | os.PathLike[str] | None = None) -> Mnist:
    """The MNIST handwritten digits, from a file of yours or from the subset that is shipped with chainrule.

    `data` names an `.npz` file (with Keras's names `x_train`, `y_train`, `x_test`, `y_test`, or with `train_images`,
    `train_labels`, `test_images`, `test_labels`) or a folder of the four IDX files, plain or gzipped. Without it the
    environment variable `CHAINRULE_DATA` names one. If that is unset or blank, the result is the embedded set: 20,000
    of the 60,000 training images, and the official test set. `source` of the result says which it was.

    Raises `DatasetNotFoundError` where a file does not exist, and `DatasetError` where one is not what it should be.
    """
    source = _named(data)
    parts = _read(source) if source else read_embedded()
    train_images, train_labels = _pair(*parts[:2])
    test_images, test_labels = _pair(*parts[2:])
    return Mnist(train_images, train_labels, test_images, test_labels, str(source.path) if source else DESCRIPTION)


def _named(data: str | os.PathLike[str] | None) -> Source | None:
    origin = "from the argument data"
    if data is None:
        data, origin = os.environ.get(_VARIABLE, ""), f"from the environment variable {_VARIABLE}"
        if not data.strip():
            return None
    return Source(Path(os.path.expanduser(data)).absolute(), origin)


def _read(source: Source) -> list[Part]:
    expected, fix = "an .npz file or a folder of IDX files", "Correct the path, or leave it out to use the embedded set"
    try:
        if source.path.is_dir():
            return read_idx(source)
        if source.path.is_file():
            return read_npz(source)
        if source.path.exists():
            raise DatasetError(source.fault(expected, "neither a file nor a folder", fix))
        raise DatasetNotFoundError(source.fault(expected, "nothing at that path", fix))
    except OSError as error:
        if isinstance(error, ChainruleError):
            raise
        raise DatasetError(source.fault(expected, f"one that cannot be read ({error})", fix)) from error


def _pair(images: Part, labels: Part) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Both arrays, once they are known to be images and their labels."""
    _check_form(images, _IMAGE)
    _check_form(labels, ())
    if len(images.array) != len(labels.array):
        expected, got = f"{len(images.array):,} labels, one for each image", f"{len(labels.array):,}"
        fix = f"Use the labels that belong to the images of {images.source}"
        raise DatasetError(labels.source.fault(expected, got, fix))
    wrong = np.flatnonzero(labels.array > 9)
    if wrong.size:
        got = f"{labels.array[wrong[0]]} at index {wrong[0]:,}"
        raise DatasetError(labels.source.fault("labels from 0 to 9", got, "Use MNIST's own labels: the digits shown"))
    return images.array, labels.array


def _check_form(part: Part, item: tuple[int, ...]) -> None:
    array = part.array
    if array.dtype != np.uint8 or array.ndim == 0 or array.shape[1:] != item or len(array) == 0:
        expected = f"uint8 of shape {('n', *item)}".replace("'", "") + ", n at least 1"
        got = f"{array.dtype} of shape {array.shape}"
        raise DatasetError(part.source.fault(expected, got, "Save it again with that dtype and shape"))


def _rows(images: NDArray[np.uint8], dtype: np.dtype[Any]) -> NDArray[np.floating[Any]]:
    rows = images.reshape(len(images), -1).astype(dtype)
    rows /= 255
    return rows
