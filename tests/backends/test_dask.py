"""What the backend `dask` promises beside the operations: nothing is computed early, and chunks stay chunks."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import chainrule as cr
import chainrule_array_api.dask

pytest.importorskip("dask", reason="Dask is not installed; pip install 'chainrule[dask]'")
da = pytest.importorskip("dask.array", reason="Dask's arrays are not installed; pip install 'chainrule[dask]'")

X = np.random.default_rng(0).normal(size=(12, 3))


@pytest.fixture(autouse=True)
def _dask() -> Iterator[None]:
    with cr.use_backend("dask"):
        yield


class Source:
    """Rows in three chunks, which count how often they are read."""

    def __init__(self) -> None:
        self.reads = 0
        self._lock = threading.Lock()
        self.array = da.map_blocks(self._read, da.from_array(X, chunks=(4, 3)), dtype=X.dtype, meta=X[:0])

    def _read(self, chunk: Any) -> Any:
        with self._lock:
            self.reads += 1
        return chunk


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dask", None)
    with pytest.raises(cr.BackendUnavailableError, match=r"Dask is not installed; pip install 'chainrule\[dask\]'"):
        chainrule_array_api.dask.backend()


def test_nothing_is_computed_before_a_value_is_asked_for() -> None:
    source = Source()
    gradient = cr.grad(lambda x: cr.sum(cr.tanh(x) @ cr.ones((3, 2))))(source.array)
    assert isinstance(gradient, da.Array)
    assert gradient.chunks == ((4, 4, 4), (3,))
    assert source.reads == 0
    np.testing.assert_allclose(gradient.compute(), 2 / np.cosh(X) ** 2, rtol=1e-12)
    assert source.reads == 3


def test_a_compiled_program_computes_its_results_in_one_go_when_it_is_called() -> None:
    source = Source()
    f = cr.function(lambda x: (cr.sum(cr.exp(x)), cr.exp(x) * 2.0))
    total, doubled = f(cr.as_tensor(source.array))
    assert source.reads == 3
    np.testing.assert_allclose(total.item(), np.exp(X).sum(), rtol=1e-12)
    np.testing.assert_allclose(doubled.numpy(), 2 * np.exp(X), rtol=1e-12)
    assert source.reads == 3
    assert cr.explain(f, source.array).executors == {"plan": "Dask, all results at once"}


@pytest.mark.parametrize("rows", [1, 5, 12])
def test_sums_by_place_do_not_depend_on_chunks(rows: int) -> None:
    places = np.array([3, 0, 3, 3, 1, 0, 4, 3, 1, 1, 0, 3])
    expected = np.zeros((5, 3))
    np.add.at(expected, places, X)
    values, indices = da.from_array(X, chunks=(rows, 2)), da.from_array(places, chunks=4)
    np.testing.assert_allclose(cr.ops.scatter_add_rows(values, indices, rows=5).numpy(), expected, rtol=1e-12)
    gradient = cr.grad(lambda x: cr.sum(x[cr.as_tensor(indices)] * values))(da.zeros((5, 3), chunks=2))
    np.testing.assert_allclose(gradient.compute(), expected, rtol=1e-12)


@pytest.mark.parametrize("chunks", [(4, 3), (5, 2)])
def test_losses_by_class_and_their_gradients_over_chunks(chunks: Any) -> None:
    labels = np.arange(12) % 3
    with cr.use_backend("numpy"):
        loss, expected = cr.value_and_grad(lambda x: cr.cross_entropy(x, labels))(X)
    x = da.from_array(X, chunks=chunks)
    have, gradient = cr.value_and_grad(lambda x: cr.cross_entropy(x, da.from_array(labels, chunks=4)))(x)
    np.testing.assert_allclose(float(have), loss, rtol=1e-12)
    np.testing.assert_allclose(gradient.compute(), expected, rtol=1e-12)


def test_an_index_outside_is_an_error_at_once_or_when_a_compiled_program_is_called() -> None:
    x, i = cr.tensor(X), cr.tensor([0, 12])
    with pytest.raises(cr.IndexingError, match=r"getitem.*outside of an axis of length 12"):
        x[i]
    with pytest.raises(cr.IndexingError, match=r"getitem.*outside of an axis of length 12"):
        cr.function(lambda x, i: cr.sum(x[i]))(x, i)


def test_what_has_no_chunks_of_known_size_is_computed() -> None:
    source = Source()
    positive = cr.as_tensor(source.array)[cr.as_tensor(source.array) > 0]
    assert positive.shape == ((X > 0).sum(),)
    np.testing.assert_array_equal(positive.numpy(), X[X > 0])


def test_parts_without_elements_are_one_chunk() -> None:
    """Dask by itself makes two chunks without elements, and fails to compute what is made of them."""
    nothing = cr.tensor(np.zeros((0, 3)))
    y = cr.concat([nothing, nothing])
    assert y.value.chunks == ((0,), (3,))
    assert cr.concat([nothing, cr.tensor(X), nothing]).value.chunks == ((12,), (3,))
    slope = cr.grad(lambda x: cr.sum(cr.interp(cr.concat([x, x]), [0.0, 1.0], [1.0, 3.0])))
    assert slope(cr.tensor(np.zeros(0))).numpy().shape == (0,)
