"""One training run on every array library: the same weights."""

from __future__ import annotations

import numpy as np
import pytest
from tests.examples.loading import load

import chainrule as cr

LIBRARIES = ["array_api_strict", "torch", "jax", "dask", pytest.param("cupy", marks=pytest.mark.gpu)]


@pytest.mark.parametrize("name", ["mnist_functional", "mnist_compiled"])
@pytest.mark.parametrize("library", LIBRARIES)
def test_mnist_gives_the_same_weights(library: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHAINRULE_DATA", raising=False)
    example = load(name)
    expected = example.train(steps=30)
    try:
        with cr.use_backend(library):
            have = example.train(steps=30)
    except cr.BackendUnavailableError as error:
        pytest.skip(str(error))
    assert np.abs(expected[0]).max() > 0.05
    for ours, theirs in zip(have[:2], expected[:2], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)
    assert have[2] == pytest.approx(expected[2], abs=2e-4)  # two images of 10,000 may fall on an edge
