"""What the tests of `chainrule_datasets` share: a small set in MNIST's form, and the message of a refusal."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from chainrule_datasets import DatasetError, DatasetNotFoundError, mnist

Arrays: TypeAlias = list[NDArray[np.uint8]]


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHAINRULE_DATA", raising=False)


@pytest.fixture
def arrays() -> Arrays:
    """Training images and labels, test images and labels: 7 and 5 of them."""
    rng = np.random.default_rng(0)
    sizes = ((256, (7, 28, 28)), (10, (7,)), (256, (5, 28, 28)), (10, (5,)))
    return [rng.integers(0, high, shape, np.uint8) for high, shape in sizes]


@pytest.fixture
def refusal() -> Callable[[Path], str]:
    """What `mnist(path)` says when it finds something there and refuses it."""

    def message(path: Path) -> str:
        with pytest.raises(DatasetError) as caught:
            mnist(path)
        assert not isinstance(caught.value, DatasetNotFoundError)
        return str(caught.value)

    return message
