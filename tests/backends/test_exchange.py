"""Arrays of one library and another: which tensors they become, and how they move, gradients with them."""

from __future__ import annotations

from importlib import import_module
from itertools import permutations
from typing import Any

import numpy as np
import pytest

import chainrule as cr

NAMESPACES = {
    "array_api_strict": "array_api_strict",
    "dask": "dask.array",
    "jax": "jax.numpy",
    "numpy": "numpy",
    "torch": "torch",
}
X = np.array([[0.5, -1.0], [2.0, 3.0]])


def needs(*backends: str) -> None:
    """Skip the test with a backend's own reason where it cannot compute."""
    for backend in backends:
        try:
            with cr.use_backend(backend):
                pass
        except cr.BackendUnavailableError as error:
            pytest.skip(str(error))


@pytest.mark.parametrize("backend", NAMESPACES)
def test_a_librarys_arrays_become_tensors_of_its_backend(backend: str) -> None:
    needs(backend)
    array: Any = import_module(NAMESPACES[backend]).asarray(X)
    for x in (cr.as_tensor(array), cr.tensor(array), cr.sum(array, axis=0), cr.grad(cr.sum)(cr.as_tensor(array))):
        assert x.backend.name == backend
    gradient = cr.grad(lambda x: cr.sum(x * x))(array)
    assert type(gradient) is type(array)
    np.testing.assert_array_equal(cr.as_tensor(gradient).numpy(), 2 * X)


@pytest.mark.parametrize(("source", "target"), list(permutations(NAMESPACES, 2)))
def test_moving_has_a_gradient_that_moves_back(source: str, target: str) -> None:
    needs(source, target)
    with cr.use_backend(source):
        x = cr.tensor(X, dtype="float32")

    def f(x: Any) -> Any:
        there = cr.to_backend(x, target)
        assert there.backend.name == target
        return cr.sum(there**3)

    gradient = cr.grad(f)(x)
    assert (gradient.backend.name, gradient.dtype) == (source, cr.float32)
    np.testing.assert_array_equal(gradient.numpy(), 3 * X.astype("float32") ** 2)
    with pytest.raises(cr.BackendError, match=rf"'{source}' and '{target}'"):
        x + cr.to_backend(x, target)


@pytest.mark.parametrize(("source", "target"), list(permutations(("jax", "numpy", "torch"), 2)))
def test_tensors_are_taken_by_dlpack(source: str, target: str) -> None:
    needs(source, target)
    with cr.use_backend(source):
        x = cr.tensor(X)
    array = import_module(NAMESPACES[target]).from_dlpack(x)
    assert cr.as_tensor(array).backend.name == target
    np.testing.assert_array_equal(np.asarray(array), X)
