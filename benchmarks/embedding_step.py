"""A training step of a table of which each batch touches few rows: the rest must not be touched at all."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.contender import Made
from benchmarks.contest import Contest
from benchmarks.optimizers import Sgd
from benchmarks.ways import of_training

OPTIMIZER = Sgd(10.0)


def contest(rows: int = 50_000, width: int = 64, ids: int = 1_024) -> Contest:
    """Whole steps; the table after three."""
    random = np.random.default_rng(0)
    table, targets = random.normal(size=(rows, width)), random.normal(size=(ids, width))
    return Contest(
        f"embedding training step, table[{rows:,}, {width}], {ids:,} ids, float32",
        {"NumPy: by hand": numpy_hand, **of_training(loss, 1, OPTIMIZER)},
        inputs=(table.astype(np.float32), random.integers(0, rows, ids), targets.astype(np.float32)),
        steps=3,
        tolerance=1e-4,
        traced=True,
    )


def loss(xp: Any, table: Any, ids: Any, targets: Any) -> Any:
    """Mean squared distance of rows from what they should be."""
    miss = xp.take(table, ids) - targets
    return xp.mean(miss * miss)


def numpy_hand(table: Any, ids: Any, targets: Any) -> Made:
    """Rows are subtracted one after another, so that one that comes twice is moved twice."""
    table = table.copy()
    scale = np.float32(2.0 * OPTIMIZER.rate / targets.size)

    def step() -> None:
        miss = table[ids]
        miss -= targets
        miss *= scale
        np.subtract.at(table, ids, miss)

    return step, lambda: [table]
