"""Products and decompositions against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .comparing import ALL, agree, matrix, tolerance


@pytest.mark.parametrize("dtype", ALL)
def test_products(dtype: str) -> None:
    x, within = matrix(dtype), tolerance(dtype) * 20
    agree(lambda xp: xp.asarray(x) @ xp.asarray(x).T, within)
    agree(lambda xp: xp.dot(xp.asarray(x), xp.asarray(x[0])), within)
    agree(lambda xp: xp.matmul(xp.asarray(np.stack([x] * 3)), xp.asarray(np.stack([x.T] * 3))), within)
    agree(lambda xp: xp.tensordot(xp.asarray(x), xp.asarray(x), axes=([0], [0])), within)
    agree(lambda xp: xp.einsum("ij,kj->ik", xp.asarray(x), xp.asarray(x)), within)
    agree(lambda xp: xp.outer(xp.asarray(x[0]), xp.asarray(x[1])), within)
    agree(lambda xp: xp.vdot(xp.asarray(x[0]), xp.asarray(x[1])), within)


def test_small_products() -> None:
    x: Any = matrix("f8")
    agree(lambda xp: xp.trace(xp.asarray(x)))
    agree(lambda xp: xp.kron(xp.eye(2), xp.asarray(x)))
    agree(lambda xp: xp.cross(xp.asarray(x[:, :3]), xp.asarray(x[:, 2:])))
