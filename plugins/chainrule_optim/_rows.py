"""Row-sparse gradients: rows that come more than once, and updates of rows alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import chainrule as cr
from chainrule import IndexedSlices, Tensor


def coalesced(rows: IndexedSlices) -> IndexedSlices:
    """The same with rows of one index summed: the sum stands at the first, zeros at the others.

    There are as many rows as before, so that the shape does not depend on the indices.
    """
    indices = cr.sort(_from_start(rows))
    return IndexedSlices(_sums(rows, cr.searchsorted(indices, _from_start(rows))), indices, rows.dense_shape)


def update_rows(
    rows: IndexedSlices,
    value: Tensor,
    slots: Mapping[str, Tensor],
    update: Callable[[Tensor, Tensor, Mapping[str, Tensor]], tuple[Tensor, Mapping[str, Tensor]]],
) -> tuple[Tensor, Mapping[str, Tensor]]:
    """Run a rule on the rows that have a gradient, summed first, and leave the others as they are."""
    indices = _from_start(rows)
    group = cr.searchsorted(cr.sort(indices), indices)
    # An index that repeats gets its sum, and so its new row, each time: whichever is written last is right.
    gradient = _sums(rows, group)[group]
    new_value, new_slots = update(gradient, value[indices], {name: slot[indices] for name, slot in slots.items()})
    return cr.set_at(value, indices, new_value), {
        name: cr.set_at(slots[name], indices, new) for name, new in new_slots.items()
    }


def _from_start(rows: IndexedSlices) -> Tensor:
    indices = rows.indices
    from_start: Tensor = cr.where(indices < 0, indices + rows.dense_shape[0], indices)
    return from_start


def _sums(rows: IndexedSlices, group: Tensor) -> Tensor:
    sums: Tensor = cr.scatter_add_rows(rows.values, group, rows=rows.indices.shape[0])
    return sums
