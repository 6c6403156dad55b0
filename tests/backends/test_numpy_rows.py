"""Adding to rows on NumPy: named once, often, from the end, out of bounds, in any layout, against a loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule_numpy._out import OUT
from chainrule_numpy._rows import add_at


def by_loop(x: Any, rows: Any, values: Any) -> Any:
    result = x.copy()
    for i, v in zip(rows.reshape(-1), values.reshape(rows.size, *x.shape[1:]), strict=True):
        result[i] += v
    return result


def whole(shape: Any, dtype: str, seed: int = 0) -> Any:
    return np.random.default_rng(seed).integers(-9, 10, shape).astype(dtype)  # sums of these are exact


ROWS = {
    "once": np.random.default_rng(1).permutation(200)[:60],
    "often": np.random.default_rng(2).integers(0, 5, 60),
    "few twice": np.array([*range(60), 3, 7]),
    "one": np.full(40, 2),
    "from the end": np.random.default_rng(3).integers(-200, 200, 80),
    "of two axes": np.random.default_rng(4).integers(0, 200, (8, 9)),
    "unsigned": np.random.default_rng(5).integers(0, 200, 50).astype("uint8"),
    "few": np.array([1, 1, 4]),
    "none": np.zeros(0, "int64"),
}


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "complex64", "float16"])
@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS.keys())
@pytest.mark.parametrize("width", [(3,), (1,), (2, 4), (0,)], ids=str)
def test_against_a_loop(rows: Any, width: tuple[int, ...], dtype: str) -> None:
    x = whole((200, *width), dtype)
    values = whole((*rows.shape, *width), dtype, 1)
    want = by_loop(x, rows, values)
    before = x.copy()
    np.testing.assert_array_equal(cr.add_at(x, rows, values).numpy(), want)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(
        cr.ops.scatter_add_rows(values.reshape(rows.size, *width), rows.reshape(-1), rows=200).numpy(), want - x
    )
    OUT["add_at"](x, values, rows, key=("array",), out=x)
    np.testing.assert_array_equal(x, want)


def test_layouts() -> None:
    rows = ROWS["often"]
    values = whole((60, 4), "float64", 1)
    for x in (np.asfortranarray(whole((200, 4), "float64")), whole((400, 8), "float64")[::2, ::2]):
        want = by_loop(x, rows, values)
        add_at(x, (rows,), values)
        np.testing.assert_array_equal(x, want)


def test_nothing_is_written_where_a_row_is_missing() -> None:
    x = whole((200, 4), "float64")
    before = x.copy()
    rows = np.array([*range(30), 200])
    with pytest.raises(IndexError, match="200"):
        add_at(x, (rows,), np.ones((31, 4)))
    np.testing.assert_array_equal(x, before)


def test_values_that_broadcast_or_are_cast() -> None:
    x, rows = whole((200, 4), "float64"), ROWS["often"]
    for values in (np.ones(4), np.ones((60, 1)), np.ones((60, 4), "float32"), 2.0):
        want = x.copy()
        np.add.at(want, rows, values)
        got = x.copy()
        add_at(got, (rows,), values)
        np.testing.assert_array_equal(got, want)
