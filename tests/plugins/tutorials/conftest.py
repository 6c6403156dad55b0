"""What the tests of `chainrule_tutorials` share: digits that are easy to tell apart, and a way to run the command."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from chainrule._cli import main
from chainrule_datasets import Mnist


class Outcome(NamedTuple):
    """How a command ended, and what it wrote."""

    status: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHAINRULE_DATA", raising=False)


@pytest.fixture
def digits() -> Mnist:
    """30 images to learn from and 10 to test on; digit d is lit in row d alone."""
    labels = np.arange(40, dtype=np.uint8) % 10
    images = np.zeros((40, 28, 28), np.uint8)
    images[np.arange(40), labels] = 255
    return Mnist(images[:30], labels[:30], images[30:], labels[30:], "rows")


@pytest.fixture
def data(digits: Mnist, tmp_path: Path) -> str:
    """The same digits as a file."""
    path = tmp_path / "rows.npz"
    np.savez(
        path,
        x_train=digits.train_images,
        y_train=digits.train_labels,
        x_test=digits.test_images,
        y_test=digits.test_labels,
    )
    return str(path)


@pytest.fixture
def chainrule_mnist(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run `chainrule mnist` with these arguments."""

    def run(*arguments: str) -> Outcome:
        try:
            status = main(["mnist", *arguments])
        except SystemExit as ended:
            status = int(str(ended.code))
        return Outcome(status, *capsys.readouterr())

    return run


@pytest.fixture
def png_size() -> Callable[[Path], tuple[int, int]]:
    """Width and height of a PNG file, after its structure, checksums and amount of pixel data were checked."""

    def size(path: Path) -> tuple[int, int]:
        content = path.read_bytes()
        assert content[:8] == b"\x89PNG\r\n\x1a\n"
        at, chunks = 8, []
        while at < len(content):
            (length,) = struct.unpack(">I", content[at : at + 4])
            body = content[at + 4 : at + 8 + length]
            assert struct.unpack(">I", content[at + 8 + length : at + 12 + length]) == (zlib.crc32(body),)
            chunks.append((body[:4], body[4:]))
            at += 12 + length
        assert chunks[0][0] == b"IHDR"
        assert chunks[-1] == (b"IEND", b"")
        width, height, depth, colour = struct.unpack(">IIBB", chunks[0][1][:10])
        assert (depth, colour) == (8, 6)  # RGBA, a byte each
        pixels = zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
        assert len(pixels) == height * (1 + 4 * width)
        return width, height

    return size
