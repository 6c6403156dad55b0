"""Batching rules of the operations here: all take stacks of matrices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from chainrule import ops
from chainrule.batching import Batch, Rule, along, stacked


def _tolerant(batch: Batch, a: Any, rtol: Any) -> Any:
    a = batch.spread(a, 0)
    if batch.has[1]:
        rtol = ops.reshape(rtol, shape=(batch.size, *[1] * (a.ndim - 2 - rtol.ndim), *rtol.shape[1:]))
    return batch.run(a, rtol)


_OF_ONE: Final = (
    *("cholesky", "cofactor", "det", "eig", "eigh", "eigvals", "eigvalsh", "expm", "inv", "logm", "lu"),
    *("lu_factor", "qr", "qr_complete", "slogdet", "sqrtm", "svd", "svdvals"),
)
_OF_TWO: Final = ("cofactor_slope", "solve", "solve_triangular")

RULES: Final[Mapping[str, Rule]] = {
    **{f"linalg.{name}": stacked() for name in _OF_ONE},
    **{f"linalg.{name}": stacked(2, 2) for name in _OF_TWO},
    **{f"linalg.{name}": _tolerant for name in ("pinv", "matrix_rank")},
    "linalg.p_norm": along(),
    "linalg.row_order": stacked(1),
}
