"""Indexing, updating, gathering: NumPy's answers on random indices, gradients, and rows that stay sparse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule import IndexedSlices, Spec

Array = Any
examples = settings(max_examples=150, deadline=None, derandomize=True)


def numbered(shape: tuple[int, ...]) -> Array:
    """An array with elements that tell where they came from."""
    return np.arange(1.0, 1 + np.prod(shape, dtype=int)).reshape(shape)


shapes = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)


@st.composite
def slices(draw: Callable[..., Any], n: int) -> slice:
    ends = st.none() | st.integers(-n - 1, n + 1)
    return slice(draw(ends), draw(ends), draw(st.sampled_from([None, 1, 2, -1, -2])))


@st.composite
def indexed(draw: Callable[..., Any], arrays: bool = True) -> tuple[Array, Any]:
    """An array and an index of it: integers, slices, None, an ellipsis, arrays of integers that broadcast, masks."""
    shape = draw(shapes)
    together = draw(st.sampled_from([(2,), (3,), (2, 1), (1, 3), (2, 3), (0,), ()]))
    parts: list[Any] = []
    axis = 0
    masked = False
    kinds = ["integer", "slice", "slice", "none", "array", "mask"] if arrays else ["integer", "slice", "slice", "none"]
    while axis < len(shape) and draw(st.integers(0, 5)):
        n = shape[axis]
        kind = draw(st.sampled_from(kinds))
        if kind == "none":
            parts.append(None)
            continue
        if kind == "integer":
            parts.append(draw(st.integers(-n, n - 1)))
        elif kind == "slice":
            parts.append(draw(slices(n)))
        elif kind == "array" and not masked:
            own = draw(st.sampled_from([together, together[-1:], tuple(1 if i else m for i, m in enumerate(together))]))
            size = int(np.prod(own))
            values = draw(st.lists(st.integers(-n, n - 1), min_size=size, max_size=size))
            array = np.array(values, int).reshape(own)
            parts.append(array.tolist() if own == (2,) and draw(st.booleans()) else array)
        elif kind == "mask" and not masked and not any(isinstance(p, np.ndarray | list) for p in parts):
            masked = True
            covered = draw(st.integers(1, len(shape) - axis))
            size = int(np.prod(shape[axis : axis + covered]))
            mask = draw(st.lists(st.booleans(), min_size=size, max_size=size))
            parts.append(np.array(mask).reshape(shape[axis : axis + covered]))
            axis += covered - 1
        else:
            parts.append(slice(None))
        axis += 1
    if draw(st.booleans()):
        parts.insert(draw(st.integers(0, len(parts))) if axis == len(shape) else len(parts), Ellipsis)
    return numbered(shape), parts[0] if len(parts) == 1 and draw(st.booleans()) else tuple(parts)


def scattered(shape: tuple[int, ...], index: Any, values: Array) -> Array:
    """What `getitem`'s gradient is by its meaning: each value added where it was taken."""
    result = np.zeros(shape)
    np.add.at(result, index, values)
    return result


@examples
@given(indexed())
def test_getitem_is_numpys(case: tuple[Array, Any]) -> None:
    x, index = case
    want = x[index]
    got = cr.tensor(x)[index]
    assert got.shape == want.shape
    np.testing.assert_array_equal(got.numpy(), want)
    with cr.GradientTape() as tape:
        node = tape.watch(cr.tensor(x))[index].node
    assert node is not None
    rule = node.op.infer(*(Spec(part.shape, part.dtype) for part in node.inputs), **node.attributes)
    assert len(rule.shape) == want.ndim
    assert all(n in (None, m) for n, m in zip(rule.shape, want.shape, strict=True))
    c = np.cos(numbered(want.shape)) if want.size else want
    np.testing.assert_allclose(cr.grad(lambda x: cr.sum(c * x[index]))(x), scattered(x.shape, index, c), atol=1e-14)


@examples
@given(indexed())
def test_add_at_is_numpys(case: tuple[Array, Any]) -> None:
    x, index = case
    values = np.sin(numbered(x[index].shape))
    want = x.copy()
    np.add.at(want, index, values)
    got = cr.add_at(x, index, values)
    np.testing.assert_allclose(got.numpy(), want, rtol=1e-14)
    c = np.cos(numbered(x.shape))
    to_x, to_values = cr.grad(lambda x, v: cr.sum(c * cr.add_at(x, index, v)), argnums=(0, 1))(x, values)
    np.testing.assert_array_equal(to_x, c)
    np.testing.assert_array_equal(to_values, c[index])


@examples
@given(indexed(arrays=False))
def test_set_at_is_numpys(case: tuple[Array, Any]) -> None:
    x, index = case
    values = np.sin(numbered(x[index].shape))
    want = x.copy()
    want[index] = values
    np.testing.assert_array_equal(cr.set_at(x, index, values).numpy(), want)
    c = np.cos(numbered(x.shape))
    to_x, to_values = cr.grad(lambda x, v: cr.sum(c * cr.set_at(x, index, v)), argnums=(0, 1))(x, values)
    kept = c.copy()
    kept[index] = 0
    np.testing.assert_array_equal(to_x, kept)
    np.testing.assert_array_equal(to_values, c[index])
    assert np.array_equal(x, numbered(x.shape)), "the array itself is not written to"


@examples
@given(shapes, st.data())
def test_take_is_numpys(shape: tuple[int, ...], data: st.DataObject) -> None:
    x = numbered(shape)
    axis = data.draw(st.none() | st.integers(-len(shape), len(shape) - 1))
    n = x.size if axis is None else shape[axis]
    indices = np.array(data.draw(st.lists(st.integers(-n, n - 1), max_size=4)), int)
    want = np.take(x, indices, axis)
    np.testing.assert_array_equal(cr.take(x, indices, axis).numpy(), want)
    c = np.cos(numbered(want.shape)) if want.size else want
    expected = np.zeros(shape) if axis is not None else np.zeros(x.size)
    place = (indices,) if axis is None else (*[slice(None)] * (axis % len(shape)), indices)
    np.add.at(expected, place, c)
    gradient = cr.grad(lambda x: cr.sum(c * cr.take(x, indices, axis)))(x)
    np.testing.assert_allclose(gradient, expected.reshape(shape), atol=1e-14)


@examples
@given(shapes, st.data())
def test_take_along_axis_is_numpys(shape: tuple[int, ...], data: st.DataObject) -> None:
    x = numbered(shape)
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    n = shape[axis]
    places = list(shape)
    places[axis] = data.draw(st.integers(0, 3))
    size = int(np.prod(places))
    drawn = data.draw(st.lists(st.integers(-n, n - 1), min_size=size, max_size=size))
    indices = np.array(drawn, int).reshape(places)
    want = np.take_along_axis(x, indices, axis)
    np.testing.assert_array_equal(cr.take_along_axis(x, indices, axis=axis).numpy(), want)
    c = np.cos(numbered(want.shape)) if want.size else want
    expected = np.zeros(shape)
    for place in np.ndindex(*places):
        target = list(place)
        target[axis] = indices[place]
        expected[tuple(target)] += c[place]
    gradient = cr.grad(lambda x: cr.sum(c * cr.take_along_axis(x, indices, axis=axis)))(x)
    np.testing.assert_allclose(gradient, expected, atol=1e-14)


def test_indices_that_broadcast_over_take_along_axis() -> None:
    x = numbered((3, 4))
    indices = np.array([[1, 0]])
    np.testing.assert_array_equal(
        cr.take_along_axis(x, indices, axis=1).numpy(), np.take_along_axis(x, np.broadcast_to(indices, (3, 2)), 1)
    )
    gradient = cr.grad(lambda x: cr.sum(cr.take_along_axis(x, indices, axis=1)))(x)
    np.testing.assert_array_equal(gradient, [[1, 1, 0, 0]] * 3)


def test_an_array_that_broadcasts_over_take_along_axis() -> None:
    x = numbered((1, 4))
    indices = np.array([[1, 0], [1, 3]])
    np.testing.assert_array_equal(
        cr.take_along_axis(x, indices, axis=1).numpy(), np.take_along_axis(np.broadcast_to(x, (2, 4)), indices, 1)
    )
    gradient = cr.grad(lambda x: cr.sum(cr.take_along_axis(x, indices, axis=1)))(x)
    np.testing.assert_array_equal(gradient, [[1, 2, 0, 1]])


@pytest.mark.parametrize("dtype", ["int8", "int32", "uint8", "int64"])
def test_indices_of_every_integer_dtype(dtype: str) -> None:
    x, indices = numbered((4, 2)), np.array([3, 0, 3], dtype)
    np.testing.assert_array_equal(cr.tensor(x)[indices].numpy(), x[indices])
    np.testing.assert_array_equal(cr.grad(lambda x: cr.sum(x[indices]))(x), [[1, 1], [0, 0], [0, 0], [2, 2]])


def test_tensors_index_tensors() -> None:
    x = cr.tensor(numbered((3, 2)))
    np.testing.assert_array_equal(x[cr.tensor([2, 0])].numpy(), numbered((3, 2))[[2, 0]])
    np.testing.assert_array_equal(x[x > 3].numpy(), [4, 5, 6])
    np.testing.assert_array_equal(x[cr.tensor(1)].numpy(), [3, 4])
    np.testing.assert_array_equal(cr.grad(lambda x: cr.sum(x[cr.argmax(x, axis=0)] ** 2))(x).numpy()[2], [20, 24])


def test_a_python_list_of_booleans_is_a_mask() -> None:
    np.testing.assert_array_equal(cr.tensor([1.0, 2.0])[[True, False]].numpy(), [1])


@pytest.mark.parametrize(
    ("index", "error", "words"),
    [
        (5, cr.IndexingError, "5"),
        ((0, 0, 0), cr.IndexingError, "too many indices"),
        (1.5, cr.IndexingError, "indices are integers"),
        ("a", cr.IndexingError, "no named fields"),
        (np.array([1.0]), cr.IndexingError, "float64"),
        (True, cr.IndexingError, "bool"),
        (np.array([True, False]), cr.IndexingError, "mask"),
        ([7], cr.IndexingError, "7"),
        (([0, 1], [0, 1, 0]), cr.ChainruleError, "broadcast"),
    ],
    ids=["outside", "too many", "float", "string", "floats", "bool", "mask", "outside in an array", "misfit"],
)
def test_what_is_no_index_is_refused(index: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        cr.tensor(numbered((3, 2)))[index]


def test_values_that_do_not_fit_are_refused() -> None:
    x = cr.tensor(numbered((3, 2)))
    for update in (cr.set_at, cr.add_at):
        with pytest.raises(cr.ShapeError, match=r"\(3,\) do not fit the place, of shape \(2,\)"):
            update(x, 0, [1.0, 2.0, 3.0])
        with pytest.raises(cr.DTypeError, match="values of float64 do not fit an array of int64"):
            update(cr.tensor([1, 2]), 0, 1.5)


def test_updates_keep_the_dtype_of_the_array() -> None:
    x = cr.tensor([1.0, 2.0], dtype="float32")
    assert cr.set_at(x, 0, 5.0).dtype == cr.add_at(x, 0, np.float64(5)).dtype == "float32"
    gradient = cr.grad(lambda v: cr.sum(cr.set_at(x, 0, v) * 2.0))(np.float64(3.0))
    assert (gradient, gradient.dtype) == (2.0, np.float64)


# Row-sparse cotangents


def gathered(rows: Any, f: Callable[[Any], Any] = cr.sum, shape: tuple[int, ...] = (5, 2)) -> Any:
    """The cotangent of an array of which rows were gathered."""
    with cr.GradientTape() as tape:
        x = tape.watch(cr.tensor(numbered(shape)))
        y = f(x[rows])
    return tape.gradient(y, x)


def test_gathered_rows_have_a_sparse_cotangent() -> None:
    g = gathered([1, 3])
    assert isinstance(g, IndexedSlices)
    assert (g.shape, g.dtype, g.values.shape) == ((5, 2), "float64", (2, 2))
    np.testing.assert_array_equal(g.indices.numpy(), [1, 3])
    np.testing.assert_array_equal(g.numpy(), [[0, 0], [1, 1], [0, 0], [1, 1], [0, 0]])


def test_duplicates_add_up_when_made_dense() -> None:
    g = gathered([4, 0, 4], lambda y: cr.sum(y * [[1.0], [10.0], [100.0]]))
    assert isinstance(g, IndexedSlices)
    assert len(g.values) == 3
    np.testing.assert_array_equal(g.numpy()[:, 0], [10, 0, 0, 0, 101])


def test_negative_rows_are_counted_from_the_front() -> None:
    g = gathered([-1, -5, 0])
    assert isinstance(g, IndexedSlices)
    np.testing.assert_array_equal(g.indices.numpy(), [4, 0, 0])
    np.testing.assert_array_equal(g.numpy()[:, 0], [2, 0, 0, 0, 1])


def test_rows_of_rows() -> None:
    g = gathered(np.array([[0, 1], [1, -1]]), shape=(3, 2, 2))
    assert isinstance(g, IndexedSlices)
    assert g.values.shape == (4, 2, 2)
    np.testing.assert_array_equal(g.numpy()[:, 0, 0], [1, 2, 1])


def test_take_along_the_first_axis_is_sparse_too() -> None:
    x = cr.Variable(numbered((5, 2)))
    with cr.GradientTape() as tape:
        y = cr.sum(cr.take(x, [2, 2], axis=0))
    assert isinstance(tape.gradient(y, x), IndexedSlices)


def test_two_gathers_stay_sparse() -> None:
    with cr.GradientTape() as tape:
        x = tape.watch(cr.tensor(numbered((5, 2))))
        y = cr.sum(x[[0, 1]]) + 10.0 * cr.sum(x[[1, 2]])
    g = tape.gradient(y, x)
    assert isinstance(g, IndexedSlices)
    np.testing.assert_array_equal(g.numpy()[:, 0], [1, 11, 10, 0, 0])


def test_a_gather_beside_another_use_is_dense() -> None:
    with cr.GradientTape() as tape:
        x = tape.watch(cr.tensor(numbered((3, 2))))
        y = cr.sum(x[[0, 0]]) + cr.sum(x)
    g = tape.gradient(y, x)
    assert isinstance(g, cr.Tensor)
    np.testing.assert_array_equal(g.numpy()[:, 0], [3, 1, 1])


def test_gradients_gives_sparse_cotangents() -> None:
    with cr.GradientTape() as tape:
        x = tape.watch(cr.tensor(numbered((3, 2))))
        y = cr.sum(x[[2, 2]] ** 2)
        (g,) = cr.gradients(y, x)
    assert isinstance(g, IndexedSlices)
    np.testing.assert_array_equal(g.numpy(), [[0, 0], [0, 0], [20, 24]])


def test_a_gather_of_a_computed_array_is_made_dense_on_the_way() -> None:
    x = numbered((3, 2))
    np.testing.assert_array_equal(cr.grad(lambda x: cr.sum((x * x)[[0, 0]]))(x), [[4, 8], [0, 0], [0, 0]])


def test_functional_gradients_are_dense_arrays() -> None:
    g = cr.grad(lambda x: cr.sum(x[[0, 2]]))(numbered((3, 2)))
    assert type(g) is np.ndarray
    np.testing.assert_array_equal(g, [[1, 1], [0, 0], [1, 1]])


def test_hessian_through_gathered_rows() -> None:
    """sum of x_i**3 over gathered elements: 6 x_i on the diagonal, times how often."""
    x = numbered((3,))
    np.testing.assert_array_equal(cr.hessian(lambda x: cr.sum(x[[0, 2, 2]] ** 3))(x), np.diag([6.0, 0, 36]))


def test_sparse_arithmetic() -> None:
    g = gathered([0, 0, 2])
    np.testing.assert_array_equal((-g).numpy(), -g.numpy())
    np.testing.assert_array_equal((2.0 * g * cr.tensor(3.0)).numpy(), 6 * g.numpy())
    np.testing.assert_array_equal((g + g).numpy(), 2 * g.numpy())
    assert isinstance(g + g, IndexedSlices)
    np.testing.assert_array_equal((g + np.ones((5, 2))).numpy(), 1 + g.numpy())
    np.testing.assert_array_equal(np.asarray(g), g.numpy())


def test_no_rows_at_all() -> None:
    g = gathered(np.array([], int))
    assert isinstance(g, IndexedSlices)
    np.testing.assert_array_equal(g.numpy(), np.zeros((5, 2)))


@pytest.mark.parametrize(("mask", "slope"), [(True, 3.0), (False, 0.0)])
def test_the_gradient_of_a_mask_without_axes(mask: bool, slope: float) -> None:
    found = cr.grad(lambda x: cr.sum(3.0 * x[cr.tensor(mask)]))
    assert found(2.0) == slope
    assert found(np.array([1.0, 2.0])).tolist() == [slope, slope]
