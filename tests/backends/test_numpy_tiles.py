"""Products in tiles, against exact ones of whole numbers: right with any BLAS, faster with one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule_numpy import _tiles
from chainrule_numpy._out import OUT
from chainrule_numpy._tiles import tiled

SHAPES = [
    ((1024,), 256, 256),
    ((1031,), 250, 203),  # what is left of rows and of columns
    ((2050,), 1000, 33),
    ((8, 128), 64, 128),
    ((3, 2, 257), 64, 129),
]


@pytest.fixture(autouse=True)
def _everywhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if every BLAS had the kernels, and on one thread."""
    monkeypatch.setattr(_tiles, "_DIRECT_KERNELS", True)
    with cr.use_num_threads(1):
        yield


def numbers(shape: tuple[int, ...], dtype: str, turned: bool = False) -> Any:
    """Whole numbers, whose products and sums are exact, in order of rows or of columns."""
    x = np.random.default_rng(len(shape)).integers(-3, 4, shape).astype(dtype)
    return np.ascontiguousarray(x.swapaxes(-1, -2)).swapaxes(-1, -2) if turned else x


def product(a: Any, b: Any) -> Any:
    return (a.astype("int64") @ b.astype("int64")).astype(a.dtype)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("rows", "depth", "columns"), SHAPES, ids=str)
def test_values(rows: tuple[int, ...], depth: int, columns: int, dtype: str, turned: bool) -> None:
    a, b = numbers((*rows, depth), dtype, turned), numbers((*rows[:-1], depth, columns), dtype)
    want, place = product(a, b), np.full((*rows, columns), np.nan, dtype)
    got = tiled(a, b, None)
    assert got.dtype == dtype
    assert got.flags.c_contiguous
    np.testing.assert_array_equal(got, want)
    assert tiled(a, b, place) is place
    np.testing.assert_array_equal(place, want)


def test_a_right_side_and_a_result_in_order_of_columns() -> None:
    a, b = numbers((1024, 100), "float32"), numbers((100, 130), "float32", turned=True)
    np.testing.assert_array_equal(tiled(a, b, None), product(a, b))
    a, b = numbers((2, 130, 100), "float32"), numbers((2, 100, 515), "float32", turned=True)
    place = np.full((2, 515, 130), np.nan, "float32").swapaxes(-1, -2)
    assert tiled(a, b, place) is place
    np.testing.assert_array_equal(place, product(a, b))


def test_one_matrix_with_a_stack() -> None:
    one, stack = numbers((300, 200), "float64"), numbers((4, 200, 150), "float64")
    np.testing.assert_array_equal(tiled(one, stack, None), product(one, stack))
    stack, one = numbers((4, 150, 200), "float64"), numbers((200, 300), "float64")
    np.testing.assert_array_equal(tiled(stack, one, None), product(stack, one))


def test_parts_of_larger_arrays() -> None:
    large, other, whole = numbers((700, 600), "float32"), numbers((500, 300), "float32"), np.zeros((640, 300), "f")
    place = whole[:600, 30:230]
    assert tiled(large[50:650, 100:350], other[100:350, 60:260], place) is place
    np.testing.assert_array_equal(place, product(large[50:650, 100:350], other[100:350, 60:260]))
    assert not whole[600:].any()
    assert not whole[:, :30].any()
    assert not whole[:, 230:].any()


def ones(*shape: int, dtype: str = "float32") -> Any:
    return np.ones(shape, dtype)


LEFT = {
    "BLAS does not copy them": (ones(100, 100), ones(100, 100)),
    "integers": (ones(1024, 256, dtype="int64"), ones(256, 256, dtype="int64")),
    "complex numbers": (ones(1024, 256, dtype="complex64"), ones(256, 256, dtype="complex64")),
    "mixed": (ones(1024, 256), ones(256, 256, dtype="float64")),
    "deep": (ones(600, 2048), ones(2048, 64)),
    "large": (ones(600, 1024), ones(1024, 1024)),
    "thin": (ones(4096, 256), ones(256, 8)),
    "stacks that broadcast": (ones(2, 1, 1024, 256), ones(2, 256, 256)),
    "sizes that do not fit": (ones(1024, 256), ones(250, 256)),
    "few rows, and a right side that is turned": (ones(64, 100, 128), ones(64, 96, 128).swapaxes(1, 2)),
    "a left side in no order": (ones(1024, 512)[:, ::2], ones(256, 256)),
    "a left side of one row": (np.broadcast_to(ones(256), (1024, 256)), ones(256, 256)),
    "a right side of one row": (ones(1024, 256), np.broadcast_to(ones(256), (256, 256))),
}


@pytest.mark.parametrize("why", LEFT)
def test_what_is_left_to_blas(why: str) -> None:
    assert tiled(*LEFT[why], None) is None


def test_a_matrix_by_itself_is_left_to_blas_which_computes_half() -> None:
    x = numbers((1024, 256), "float32")
    assert tiled(x.T, x, None) is None
    np.testing.assert_array_equal(cr.matmul(x.T, x).numpy(), product(x.T, x))


def test_nothing_is_cut_without_kernels_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_tiles, "_DIRECT_KERNELS", False)
    assert tiled(numbers((1024, 256), "float32"), numbers((256, 256), "float32"), None) is None


def test_kernels_compute_in_tiles() -> None:
    a, b = numbers((1024, 256), "float32"), numbers((256, 256), "float32", turned=True)
    np.testing.assert_array_equal(cr.matmul(a, b).numpy(), product(a, b))
    np.testing.assert_array_equal(cr.function(lambda a, b: cr.matmul(a, b) * 2.0)(a, b), 2 * product(a, b))
    place = np.zeros((1024, 256), "float32")
    assert OUT["matmul"](a, b, out=place) is place
    np.testing.assert_array_equal(place, product(a, b))
    with pytest.raises(cr.ShapeError):
        cr.matmul(a, np.ones((255, 256), "float32"))


def test_infinities_and_nan_stay_in_their_rows_and_columns() -> None:
    a, b = numbers((1024, 256), "float32"), numbers((256, 256), "float32")
    a[40, 3], b[7, 200] = np.nan, np.inf
    with np.errstate(invalid="ignore"):
        got = tiled(a, b, None)
    np.testing.assert_array_equal(np.isnan(got).all(1).nonzero()[0], [40])
    np.testing.assert_array_equal((~np.isfinite(got)).all(0).nonzero()[0], [200])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients(dtype: str) -> None:
    rng = np.random.default_rng(0)
    x, w, g = (rng.normal(size=shape).astype(dtype) for shape in ((1024, 200), (200, 250), (1024, 250)))
    got = cr.function(cr.grad(lambda x, w: cr.sum(cr.matmul(x, w) * g), argnums=(0, 1)))(x, w)
    for mine, left, right in zip(got, (g, x.T), (w.T, g), strict=True):
        terms = np.max(np.abs(left) @ np.abs(right))
        want = left.astype("longdouble") @ right
        np.testing.assert_allclose(mine, want, rtol=0, atol=16 * np.finfo(dtype).eps * terms)
