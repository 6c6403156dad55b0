"""Indices: bounds, places that repeat, and values that are scattered to them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr

X = np.array([[2.0, -1.0, 0.5], [0.3, 1.5, -0.2], [-0.4, 0.1, 1.0]])
DTYPES = ["float64", "complex128", "float32", "complex64", "float16", "int64", "int32", "int8", "uint8"]


FORMS: list[Any] = [
    *(1, -1, (0, 2), slice(None, None, -1), (slice(None), slice(5, None)), (..., None, 1), (None, slice(0, 1), -2)),
    *(
        [0, 0, 1],
        np.array([-1, 0]),
        ([1, 0], [2, -3]),
        (slice(None), [2, 0, 0]),
        ([[0, 1], [1, 1]], slice(0, 2)),
        X > 0,
    ),
    *((X[:, 0] > 0,), (1, [0, 2]), (slice(None), np.array([True, False, True])), (None, [1], None, [0, 2])),
    *((np.array([0, 1], np.uint8), slice(None, None, -2)), np.zeros((3, 3), bool), np.zeros((0,), np.int64)),
]


@pytest.mark.parametrize("index", FORMS, ids=range(len(FORMS)))
def test_indices_of_every_form(backend: cr.Backend, index: Any) -> None:
    """Values, scattered values and gradients as NumPy has them."""
    x = cr.tensor(X)
    want = X[index]
    np.testing.assert_array_equal(x[index].numpy(), want)
    values = np.asarray(want + 1.0)
    weights = np.cos(1.0 + np.arange(values.size)).reshape(values.shape)
    scattered, added = np.zeros_like(X), X.copy()
    np.add.at(scattered, index, weights)
    np.add.at(added, index, values)
    np.testing.assert_allclose(cr.add_at(x, index, values).numpy(), added, rtol=1e-12)
    gradient = cr.grad(lambda x: cr.sum(x[index] * cr.tensor(weights)))(x)
    np.testing.assert_allclose(gradient.numpy(), scattered, rtol=1e-12)
    if np.unique(np.arange(9).reshape(3, 3)[index]).size == values.size:  # else which one stays is nobody's promise
        replaced = X.copy()
        replaced[index] = values
        np.testing.assert_array_equal(cr.set_at(x, index, values).numpy(), replaced)


def test_an_infinity_stays_in_its_row(backend: cr.Backend) -> None:
    values = cr.tensor([1.0, np.inf, 2.0])
    assert cr.ops.scatter_add_rows(values, cr.tensor([0, 2, 0]), rows=3).tolist() == [3.0, 0.0, np.inf]


def values_in(backend: cr.Backend, dtype: str, *shape: int) -> Any:
    """Numbers of which no two, and no two sums of a few, are the same."""
    if dtype not in backend.dtypes:
        pytest.skip(f"backend {backend.name!r} has no dtype {dtype!r}")
    numbers = np.arange(1, 1 + np.prod(shape, dtype=int)).reshape(shape)
    return (numbers + 0.5j * numbers[::-1] if dtype.startswith("complex") else numbers).astype(dtype)


@pytest.mark.parametrize(
    "index", [3, -4, [0, 3], [-4], (slice(None), [0, 5]), ([0], [3]), np.zeros((3, 4), bool)], ids=repr
)
def test_an_index_outside_is_an_error(backend: cr.Backend, index: Any) -> None:
    with pytest.raises(cr.IndexingError, match="getitem"):
        cr.tensor(X)[index]


@pytest.mark.parametrize("index", [[0, 3], [-4]], ids=repr)
def test_a_scatter_outside_is_an_error(backend: cr.Backend, index: list[int]) -> None:
    indices = cr.tensor(index)
    with pytest.raises(cr.IndexingError, match="scatter_add_rows"):
        cr.ops.scatter_add_rows(cr.ones((len(index),)), indices, rows=3)
    with pytest.raises(cr.IndexingError, match="take_along_axis"):
        cr.ops.take_along_axis(cr.ones((3,)), indices)
    with pytest.raises(cr.IndexingError, match="scatter_add_along_axis"):
        cr.ops.scatter_add_along_axis(cr.ones((len(index),)), indices, axis=0, length=3)
    with pytest.raises(cr.IndexingError, match="add_at"):
        cr.add_at(cr.ones((3,)), index, 1.0)
    with pytest.raises(cr.IndexingError, match="set_at"):
        cr.set_at(cr.ones((3,)), index, 1.0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_places_that_repeat_add_up(backend: cr.Backend, dtype: str) -> None:
    values = values_in(backend, dtype, 5, 2)
    places = np.array([3, 1, 3, 0, 3])
    want = np.zeros((4, 2), dtype)
    np.add.at(want, places, values)
    rows = cr.ops.scatter_add_rows(cr.tensor(values), cr.tensor(places), rows=4)
    assert rows.dtype == dtype
    np.testing.assert_array_equal(rows.numpy(), want)
    np.testing.assert_array_equal(cr.add_at(cr.zeros((4, 2), dtype=dtype), places, values).numpy(), want)
    along = cr.ops.scatter_add_along_axis(cr.tensor(values[:, 0]), cr.tensor(places), axis=0, length=4)
    np.testing.assert_array_equal(along.numpy(), want[:, 0])


@pytest.mark.parametrize("dtype", ["float64", "complex128", "float32", "complex64"])
def test_the_gradient_of_a_gather_adds_up(backend: cr.Backend, dtype: str) -> None:
    weights = values_in(backend, dtype, 6)
    x = cr.tensor(values_in(backend, dtype, 3))
    places = [0, 2, 0, 0, 2, 1]
    gradient = cr.grad(lambda x: cr.sum(cr.real(x[places] * cr.tensor(weights))))(x)
    want = np.zeros(3, dtype)
    np.add.at(want, places, np.conj(weights))
    assert gradient.dtype == dtype
    np.testing.assert_allclose(gradient.numpy(), want, rtol=1e-6)


def test_many_repeats_in_one_place(backend: cr.Backend) -> None:
    places = np.arange(3000) % 3
    gradient = cr.grad(lambda x: cr.sum(x[places] * cr.tensor(np.arange(3000.0))))(cr.tensor([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(gradient.numpy(), [np.arange(k, 3000.0, 3).sum() for k in range(3)], rtol=1e-12)


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "uint8"])
def test_indices_of_any_integer_dtype(backend: cr.Backend, dtype: str) -> None:
    if dtype not in backend.dtypes:
        pytest.skip(f"backend {backend.name!r} has no dtype {dtype!r}")
    index = np.array([2, 0, 2], dtype)
    np.testing.assert_array_equal(cr.tensor(X)[cr.tensor(index)].numpy(), X[index])
    np.testing.assert_array_equal(cr.tensor(X)[:, cr.tensor(index)].numpy(), X[:, index])


def test_setting_changes_a_copy(backend: cr.Backend) -> None:
    x = cr.tensor(X)
    y = cr.set_at(x, (0, [1, 2]), 9.0)
    assert y.tolist() == [[2.0, 9.0, 9.0], *X[1:].tolist()]
    np.testing.assert_array_equal(x.numpy(), X)


def test_a_mask_picks_what_numpy_picks(backend: cr.Backend) -> None:
    x = cr.tensor(X)
    np.testing.assert_array_equal(x[x > 0].numpy(), X[X > 0])
    gradient = cr.grad(lambda x: cr.sum(x[x > 0] ** 2))(x)
    np.testing.assert_allclose(gradient.numpy(), np.where(X > 0, 2 * X, 0.0), rtol=1e-12)
    assert x[cr.tensor(np.zeros((3, 3), bool))].shape == (0,)
