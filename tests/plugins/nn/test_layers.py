"""Functions composed of operations: dense layers and flattening."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr

RNG = np.random.default_rng(3)


def test_dense(backend: str) -> None:
    x, w, b = RNG.normal(size=(5, 4)), RNG.normal(size=(4, 3)), RNG.normal(size=3)
    np.testing.assert_allclose(cr.nn.dense(*map(cr.tensor, (x, w, b))).numpy(), x @ w + b, rtol=1e-13)
    np.testing.assert_allclose(cr.nn.dense(cr.tensor(x[None]), cr.tensor(w)).numpy(), (x @ w)[None], rtol=1e-13)
    gradients = cr.grad(lambda x, w, b: cr.sum(cr.nn.dense(x, w, b)), argnums=(0, 1, 2))(*map(cr.tensor, (x, w, b)))
    for have, want in zip(gradients, (np.tile(w.sum(1), (5, 1)), np.tile(x.sum(0)[:, None], 3), 5.0), strict=True):
        np.testing.assert_allclose(have.numpy(), np.broadcast_to(want, have.shape), rtol=1e-12)
    with pytest.raises(cr.ShapeError, match="4 columns against 5 rows"):
        cr.nn.dense(x, np.ones((5, 3)))


def test_flatten(backend: str) -> None:
    x = RNG.normal(size=(2, 3, 4))
    np.testing.assert_array_equal(cr.nn.flatten(cr.tensor(x)).numpy(), x.reshape(2, 12))
    assert [cr.nn.flatten(cr.zeros(s)).shape for s in ((3,), (0, 2, 5), (2, 0, 5))] == [(3, 1), (0, 10), (2, 0)]
    assert cr.grad(lambda x: cr.sum(cr.nn.flatten(x) ** 2))(cr.tensor(x)).shape == x.shape
    with pytest.raises(cr.ShapeError, match="flatten: x: expected a batch axis"):
        cr.nn.flatten(1.0)
