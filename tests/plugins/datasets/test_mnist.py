"""The embedded set against published facts, the choice of the source, and what a training loop gets."""

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import DTypeLike, NDArray

import chainrule_datasets._embedded as embedded
from chainrule import ChainruleError, DTypeError
from chainrule_datasets import DatasetError, DatasetNotFoundError, Mnist, mnist
from chainrule_datasets._build_embedded import build

TEST_LABEL_COUNTS = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
TRAIN_LABEL_COUNTS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
FULL = os.environ.get("CHAINRULE_TEST_FULL_MNIST", "")


@pytest.fixture(scope="module")
def digits() -> Mnist:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CHAINRULE_DATA", raising=False)
        return mnist()


def save(path: Path, arrays: list[NDArray[np.uint8]]) -> Path:
    train_images, train_labels, test_images, test_labels = arrays
    np.savez(path, x_train=train_images, y_train=train_labels, x_test=test_images, y_test=test_labels)
    return path


def assert_official_test_set(data: Mnist) -> None:
    assert data.test_images.shape == (10_000, 28, 28)
    assert np.bincount(data.test_labels).tolist() == TEST_LABEL_COUNTS
    assert data.test_labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]


def test_embedded_set_is_what_it_says(digits: Mnist) -> None:
    assert digits.source == "embedded: 20,000 of the 60,000 training images and the official test set"
    assert repr(digits) == f"Mnist(source={digits.source!r})"
    assert_official_test_set(digits)
    assert digits.train_images.shape == (20_000, 28, 28)
    assert digits.train_labels.shape == (20_000,)
    assert {array.dtype.name for array in (digits.train_images, digits.train_labels)} == {"uint8"}


def test_embedded_training_images_are_a_fair_sample_of_the_full_set(digits: Mnist) -> None:
    # The full set's published mean and deviation, give or take four standard errors of a sample of a third of it.
    assert digits.train_images.mean() == pytest.approx(33.318, abs=0.26)
    assert digits.train_images.std() == pytest.approx(78.567, abs=0.29)
    np.testing.assert_allclose(np.bincount(digits.train_labels) * 3, TRAIN_LABEL_COUNTS, rtol=0.05)


def test_embedded_images_belong_to_their_labels(digits: Mnist) -> None:
    """The nearest class mean, learnt on the full training set, is known to be right on 82% of the test set."""
    train_x, train_y, test_x, test_y = digits.flat("float64")
    means = np.stack([train_x[train_y == digit].mean(axis=0) for digit in range(10)])
    nearest = ((means**2).sum(axis=1) - 2 * test_x @ means.T).argmin(axis=1)
    assert (nearest == test_y).mean() == pytest.approx(0.82, abs=0.01)


def test_each_call_gives_arrays_of_its_own(digits: Mnist) -> None:
    again = mnist()
    again.train_images[:] = 0
    assert digits.train_images.any()


@pytest.mark.parametrize("dtype", ["float16", "float32", np.float64])
def test_flat_gives_rows_from_0_to_1_and_integer_labels(digits: Mnist, dtype: DTypeLike) -> None:
    train_x, train_y, test_x, test_y = digits.flat(dtype)
    assert train_x.shape == (20_000, 784)
    assert test_x.shape == (10_000, 784)
    assert train_x.dtype == test_x.dtype == np.dtype(dtype)
    assert (train_x.min(), train_x.max()) == (0, 1)
    assert train_y.dtype == test_y.dtype == np.int64
    np.testing.assert_array_equal(np.rint(test_x.astype("float64") * 255), digits.test_images.reshape(10_000, 784))
    np.testing.assert_array_equal(train_y, digits.train_labels)


def test_flat_is_float32_unless_told(digits: Mnist) -> None:
    assert digits.flat()[0].dtype == np.float32


def test_flat_refuses_a_dtype_that_would_round_pixels_to_0(digits: Mnist) -> None:
    with pytest.raises(DTypeError, match=r"^Mnist\.flat: expected a floating dtype, .*, got int64\. Try 'float32'\.$"):
        digits.flat("int64")


def test_argument_wins_over_variable(
    tmp_path: Path, arrays: list[NDArray[np.uint8]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAINRULE_DATA", str(tmp_path / "absent.npz"))
    path = save(tmp_path / "mine.npz", arrays)
    assert mnist(path).source == mnist(str(path)).source == str(path)


def test_variable_wins_over_the_embedded_set(
    tmp_path: Path, arrays: list[NDArray[np.uint8]], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path / "mine.npz", arrays)
    monkeypatch.setenv("CHAINRULE_DATA", str(path))
    data = mnist()
    assert data.source == str(path)
    np.testing.assert_array_equal(data.test_labels, arrays[3])


@pytest.mark.parametrize("blank", ["", "  "])
def test_blank_variable_counts_as_unset(blank: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINRULE_DATA", blank)
    assert mnist().source.startswith("embedded: ")


def test_relative_and_home_paths_are_made_whole(
    tmp_path: Path, arrays: list[NDArray[np.uint8]], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path / "mine.npz", arrays)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert mnist("mine.npz").source == mnist("~/mine.npz").source == str(path)


def test_absent_path_named_by_the_argument(tmp_path: Path) -> None:
    path = tmp_path / "absent.npz"
    with pytest.raises(DatasetNotFoundError) as caught:
        mnist(path)
    assert str(caught.value) == (
        f"{path} (from the argument data): expected an .npz file or a folder of IDX files, got nothing at that path. "
        "Correct the path, or leave it out to use the embedded set."
    )


def test_absent_path_named_by_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "absent.npz"
    monkeypatch.setenv("CHAINRULE_DATA", str(path))
    with pytest.raises(DatasetNotFoundError) as caught:
        mnist()
    assert str(caught.value).startswith(f"{path} (from the environment variable CHAINRULE_DATA): expected an .npz file")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are POSIX only")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(DatasetError, match="got neither a file nor a folder"):
        mnist(path)


def test_a_file_that_the_system_will_not_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "locked.npz"
    path.touch()

    def locked(*_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", locked)
    with pytest.raises(DatasetError) as caught:
        mnist(path)
    assert str(caught.value).startswith(f"{path} (from the argument data): expected ")
    assert "got one that cannot be read ([Errno 13] Permission denied" in str(caught.value)


def test_errors_are_chainrules_and_the_builtins_users_would_catch() -> None:
    assert DatasetError.__mro__[1:3] == (ChainruleError, ValueError)
    assert DatasetNotFoundError.__mro__[1:3] == (ChainruleError, FileNotFoundError)


def test_altered_embedded_set_is_refused(
    tmp_path: Path, arrays: list[NDArray[np.uint8]], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path / "mnist.npz", arrays)
    monkeypatch.setattr(embedded, "EMBEDDED", path)
    with pytest.raises(DatasetError) as caught:
        mnist()
    assert str(caught.value) == (
        f"{path} (shipped with chainrule): expected the arrays that were shipped (SHA-256 {embedded.DIGEST}), "
        f"got others ({embedded.digest(arrays)}). Reinstall chainrule, or name a file of your own."
    )


@pytest.mark.parametrize("content", [None, b"version https://git-lfs.example\n"])
def test_unreadable_embedded_set_is_refused(
    tmp_path: Path, content: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mnist.npz"
    if content:
        path.write_bytes(content)
    monkeypatch.setattr(embedded, "EMBEDDED", path)
    with pytest.raises(DatasetError) as caught:
        mnist()
    assert str(caught.value).startswith(f"{path} (shipped with chainrule): expected the arrays that were shipped, got ")
    assert str(caught.value).endswith("Reinstall chainrule, or name a file of your own.")


def test_build_refuses_anything_but_the_full_set(tmp_path: Path) -> None:
    target = tmp_path / "cut.npz"
    with pytest.raises(SystemExit, match=r"expected the full set of 60,000 and 10,000 images, got 20,000 and 10,000$"):
        build(embedded.EMBEDDED, target)
    assert not target.exists()


@pytest.mark.skipif(not FULL, reason="CHAINRULE_TEST_FULL_MNIST does not name a file of the full MNIST")
def test_full_set_and_the_cut_from_it(tmp_path: Path) -> None:
    data = mnist(FULL)
    assert_official_test_set(data)
    assert data.train_labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert np.bincount(data.train_labels).tolist() == TRAIN_LABEL_COUNTS
    assert data.train_images.mean() == pytest.approx(33.318, abs=5e-4)
    assert data.train_images.std() == pytest.approx(78.567, abs=5e-4)

    one, two = tmp_path / "one.npz", tmp_path / "two.npz"
    assert build(FULL, one) == build(FULL, two) == embedded.DIGEST
    assert one.read_bytes() == two.read_bytes()
