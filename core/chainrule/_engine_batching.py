"""Batching rules of the engine's own operations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from chainrule import ops
from chainrule.batching import Batch, Rule


def _sum_to(batch: Batch, x: Any, shape: tuple[Any, ...]) -> Any:
    lead = x.ndim - 1 - len(shape)
    if lead:
        x = ops.sum(x, axis=tuple(range(1, lead + 1)))
    return ops.sum_to(x, shape=(batch.size, *shape))


RULES: Final[Mapping[str, Rule]] = {
    "sum_to": _sum_to,
    "to_backend": lambda batch, x, **attributes: ops.to_backend(x, attributes["backend"]),
}
