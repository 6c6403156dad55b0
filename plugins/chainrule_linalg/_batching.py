"""Batching rules of the operations here: all take stacks of matrices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from chainrule.batching import Rule, along, stacked

_OF_ONE: Final = (
    *("cholesky", "cofactor", "det", "eig", "eigh", "eigvals", "eigvalsh", "expm", "inv", "logm", "lu"),
    *("lu_factor", "matrix_rank", "pinv", "qr", "qr_complete", "slogdet", "sqrtm", "svd", "svdvals"),
)
_OF_TWO: Final = ("cofactor_slope", "solve", "solve_triangular")

RULES: Final[Mapping[str, Rule]] = {
    **{f"linalg.{name}": stacked() for name in _OF_ONE},
    **{f"linalg.{name}": stacked(2, 2) for name in _OF_TWO},
    "linalg.p_norm": along(),
    "linalg.row_order": stacked(1),
}
