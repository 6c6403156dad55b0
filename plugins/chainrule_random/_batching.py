"""Batching rules of draws: each element of the batch has numbers of its own, all from one draw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from chainrule import float64, ops
from chainrule.batching import Batch, Rule, draws
from chainrule_random._draws import DRAWS, standard_uniform


@draws
def _draw(batch: Batch, state: Any, *parameters: Any, shape: Any, dtype: Any) -> Any:
    """Of states that differ the numbers are drawn one after the other."""
    if batch.has[0]:
        return NotImplemented
    given = [batch.spread(x, i) for i, x in enumerate(parameters, 1)]
    return batch.run(state, *given, shape=(batch.size, *shape), dtype=dtype)


@draws
def _permutation(batch: Batch, state: Any, shape: Any, dtype: Any) -> Any:
    """The order that independent numbers are in is any with the same probability."""
    if batch.has[0]:
        return NotImplemented
    order = ops.argsort(standard_uniform(state, shape=(batch.size, *shape), dtype=float64))
    return ops.astype(order, dtype=dtype)


RULES: Final[Mapping[str, Rule]] = {
    "random.next_state": lambda batch, state: ops.concat([state[:, :-1], state[:, -1:] + 1], axis=1),
    **dict.fromkeys(DRAWS, _draw),
    "random.permutation": _permutation,
}
