"""Batching rules of the operations here: all take stacks of matrices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from chainrule.batching import Rule, along, stacked

_OF_ONE: Final = (
    *("inv", "det", "cofactor", "slogdet", "cholesky", "qr", "qr_complete", "eigh", "eigvalsh", "svd", "svdvals"),
    *("pinv", "matrix_rank", "linalg.eig", "linalg.eigvals", "linalg.expm", "linalg.logm", "linalg.lu", "linalg.sqrtm"),
)

RULES: Final[Mapping[str, Rule]] = {
    **dict.fromkeys(_OF_ONE, stacked()),
    **dict.fromkeys(("solve", "solve_triangular", "cofactor_slope"), stacked(2, 2)),
    "p_norm": along(),
}
