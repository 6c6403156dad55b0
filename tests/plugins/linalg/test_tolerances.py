"""Ranks and pseudoinverses of stacks of matrices, each with a tolerance of its own."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr

linalg = cr.linalg
RNG = np.random.default_rng(5)
LEFT, RIGHT = np.linalg.qr(RNG.normal(size=(2, 3, 4, 4))).Q[..., :3], np.linalg.qr(RNG.normal(size=(2, 3, 3, 3))).Q
STACK = (LEFT * [1.0, 1e-2, 1e-4]) @ RIGHT  # the numbers are the singular values
TOLERANCES = np.array([1e-5, 1e-3, 1e-1])


def expected(*tolerances: float) -> np.ndarray:
    """The pseudoinverses of the stack, from its factors."""
    values = np.array([[1.0, 1e-2, 1e-4]] * len(tolerances))
    inverses = np.where(values > np.array(tolerances)[:, None], 1 / values, 0.0)
    return np.swapaxes(RIGHT, -1, -2) * inverses[:, None, :] @ np.swapaxes(LEFT, -1, -2)


def test_each_matrix_has_its_own() -> None:
    np.testing.assert_array_equal(linalg.matrix_rank(STACK, TOLERANCES), [[3, 2, 1]] * 2)
    np.testing.assert_allclose(linalg.pinv(STACK, TOLERANCES), expected(*TOLERANCES), rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(linalg.matrix_rank(STACK, [[1e-5], [1e-1]]), [[3, 3, 3], [1, 1, 1]])
    for one in (1, np.float64(1.0), np.float32(1.0), cr.tensor(1.0)):
        np.testing.assert_array_equal(linalg.matrix_rank(STACK * [1.0, 2.0, 4.0], one), np.zeros((2, 3)))


@pytest.mark.parametrize("axes", [(0, None), (None, 0), (0, 0)], ids=["matrices", "tolerances", "both"])
def test_batches(axes: tuple[int | None, int | None]) -> None:
    a = STACK if axes[0] == 0 else STACK[0]
    rtol = np.stack([TOLERANCES, TOLERANCES[::-1]]) if axes[1] == 0 else TOLERANCES
    ranks = cr.vmap(linalg.matrix_rank, in_axes=axes)(a, rtol)
    np.testing.assert_array_equal(ranks, [[3, 2, 1], [1, 2, 3] if axes[1] == 0 else [3, 2, 1]])
    found = cr.vmap(linalg.pinv, in_axes=axes)(a, rtol)
    wanted = np.linalg.pinv(np.broadcast_to(a, (2, 3, 4, 3)), rtol=np.broadcast_to(rtol, (2, 3)))
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9)


def test_a_batch_of_tolerances_for_all_of_a_stack() -> None:
    ranks = cr.vmap(linalg.matrix_rank, in_axes=(None, 0))(STACK[0], TOLERANCES)
    np.testing.assert_array_equal(ranks, [[3, 3, 3], [2, 2, 2], [1, 1, 1]])


def test_gradients_and_compiled_functions() -> None:
    rtol = np.array([1e-9, 1e-8, 1e-7])
    a = RNG.normal(size=(3, 4, 3))
    cr.check_gradient(lambda a: linalg.pinv(a, rtol), a, order=2)
    compiled = cr.function(linalg.pinv)
    np.testing.assert_allclose(compiled(a, rtol), np.linalg.pinv(a), rtol=1e-9)
    with cr.GradientTape() as tape:
        tolerance = tape.watch(cr.tensor(rtol))
        y = cr.sum(linalg.pinv(a, tolerance))
    assert tape.gradient(y, tolerance) is None
