"""Where the tests of `chainrule_nn` compute: on kernels for NumPy and PyTorch, on the generic ones, and on a GPU."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import chainrule as cr


@pytest.fixture(params=["numpy", "array_api_strict", "torch", pytest.param("cupy", marks=pytest.mark.gpu)])
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    """A backend in force for the test; skipped with its own reason where it cannot compute."""
    try:
        scope = cr.use_backend(request.param)
        scope.__enter__()
    except cr.BackendUnavailableError as error:
        pytest.skip(str(error))
    try:
        yield request.param
    finally:
        scope.__exit__(None, None, None)
