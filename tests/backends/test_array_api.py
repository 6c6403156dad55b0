"""What `chainrule_array_api` adds to the standard, and a backend made with it as a third party would."""

from __future__ import annotations

import sys
from typing import Any

import array_api_compat
import array_api_strict
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import chainrule as cr
from chainrule_array_api import _indexing, array_api_backend, strict


def test_a_package_that_is_missing_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "array_api_strict", None)
    with pytest.raises(
        cr.BackendUnavailableError, match=r"array-api-strict is not installed; pip install 'chainrule\["
    ):
        strict.backend()
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "array_api_compat", None)
    with pytest.raises(
        cr.BackendUnavailableError, match=r"array-api-compat is not installed; pip install 'chainrule\["
    ):
        strict.backend()


@pytest.mark.parametrize("device", ["cpu_device", "device1", "device2"])
def test_numpy_cannot_touch_what_is_on_another_device_but_chainrule_reads_it(device: str) -> None:
    with cr.use_backend(f"array_api_strict:{device}"):
        x = cr.tensor([1.0, 2.0])
    assert x.value.device == array_api_strict.Device(device if device != "cpu_device" else "CPU_DEVICE")
    if device != "cpu_device":
        with pytest.raises(RuntimeError, match="device"):
            np.asarray(x.value)
    assert x.tolist() == [1.0, 2.0]
    assert np.asarray(x).tolist() == [1.0, 2.0]


def test_devices_are_found_where_none_are_given() -> None:
    backend = array_api_backend("strict", array_api_strict)
    assert len(backend.devices()) >= 3
    x = backend.asarray([1.0], None, backend.devices()[1])
    assert backend.device_of(x) == backend.devices()[1]
    np.testing.assert_array_equal(backend.to_numpy(x), [1.0])


def test_an_array_is_moved_only_from_another_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some libraries cannot move an array to where it is."""
    backend = strict.backend()
    x = backend.asarray([1.0, 2.0], None, "device1")
    moves: list[Any] = []
    move = array_api_compat.to_device

    def moved(array: Any, device: Any) -> Any:
        moves.append(device)
        return move(array, device)

    monkeypatch.setattr(array_api_compat, "to_device", moved)
    same = backend.asarray(x, None, "device1")
    assert not moves
    x[0] = 9.0
    np.testing.assert_array_equal(backend.to_numpy(same), [1.0, 2.0])  # a copy all the same
    moves.clear()
    assert backend.device_of(backend.asarray(x, None, "device2")) == "device2"
    assert moves == [array_api_strict.Device("device2")]


def test_a_backend_of_another_library_is_one_call(fresh: None) -> None:
    """NumPy through array-api-compat stands for a third party's library."""

    def backend() -> cr.Backend:
        return array_api_backend("third", np)

    cr.register_backend("third", backend)
    assert backend().version == np.__version__
    with cr.use_backend("third"):
        x = cr.tensor([0.5, 2.0])
        assert x.backend.name == "third"
        assert x.device == "cpu"
        gradient = cr.grad(lambda x: cr.sum(cr.log(x)[[0, 0, 1]]))(x)
        np.testing.assert_allclose(gradient.numpy(), [4.0, 0.5])
        assert (cr.tensor([1, 2]) / 2).tolist() == [0.5, 1.0]


MIXED = ["bool", "uint8", "int8", "int32", "int64", "float32", "float64", "complex64"]


@pytest.mark.parametrize("a", MIXED)
@pytest.mark.parametrize("b", MIXED)
def test_mixed_dtypes_give_what_numpy_gives(a: str, b: str) -> None:
    x, y = np.array([1, 0, 3], a), np.array([1, 1, 2], b)
    with cr.use_backend("array_api_strict:device1"):
        t, u = cr.tensor(x), cr.tensor(y)
        for have, want in (
            (t + u, x + y),
            (t * u, x * y),
            (t == u, x == y),
            (cr.where(t == u, t, u), np.where(x == y, x, y)),
        ):
            assert str(have.dtype) == str(want.dtype)
            np.testing.assert_array_equal(have.numpy(), want)
        have, want = cr.concat([t, u]), np.concatenate([x, y])
        assert str(have.dtype) == str(want.dtype)
        np.testing.assert_array_equal(have.numpy(), want)


@pytest.mark.parametrize("number", [True, 2, 2.5, 1j])
@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32", "float64", "complex64"])
def test_python_numbers_are_weak(dtype: str, number: complex) -> None:
    """A number takes the tensor's dtype; one of a wider kind makes it that kind's default, as for Python numbers."""
    with cr.use_backend("array_api_strict:device1"):
        strict_result = cr.tensor([1, 2], dtype=dtype) * number
    result = cr.tensor([1, 2], dtype=dtype) * number
    assert strict_result.dtype == result.dtype == (np.array([1, 2], dtype) * number).dtype.name
    np.testing.assert_array_equal(strict_result.numpy(), result.numpy())


@pytest.mark.parametrize("function", ["conj", "real", "imag"])
@pytest.mark.parametrize("dtype", ["bool", "int8", "float32", "complex64"])
def test_parts_of_numbers_have_numpys_dtypes(function: str, dtype: str) -> None:
    x = np.array([1, 0, 3 + 2j]).astype(dtype) if dtype == "complex64" else np.array([1, 0, 3], dtype)
    with cr.use_backend("array_api_strict:device1"):
        have = getattr(cr, function)(cr.tensor(x))
    want = getattr(np, function)(x)
    assert str(have.dtype) == str(want.dtype)
    np.testing.assert_array_equal(have.numpy(), want)


@pytest.mark.parametrize("name", ["logical_and", "logical_or", "logical_xor"])
def test_floating_point_numbers_are_true_where_they_are_not_zero(name: str) -> None:
    x, y = np.array([0.0, 0.0, -2.5, np.nan]), np.array([0.0, 1.0, 0.0, 0.5])
    with cr.use_backend("array_api_strict:device1"):
        have = getattr(cr, name)(cr.tensor(x), cr.tensor(y))
        assert cr.logical_not(cr.tensor(x)).tolist() == [True, True, False, False]
    assert have.tolist() == getattr(np, name)(x, y).tolist()


@pytest.mark.parametrize("name", ["abs", "floor", "ceil", "trunc"])
def test_functions_of_numbers_take_booleans_as_numpy_does(name: str) -> None:
    x = np.array([True, False])
    with cr.use_backend("array_api_strict:device1"):
        have = getattr(cr, name)(cr.tensor(x))
    want = getattr(np, name)(x)
    assert str(have.dtype) == str(want.dtype)
    np.testing.assert_array_equal(have.numpy(), want)


@pytest.mark.parametrize("backend", ["array_api_strict:device1", "torch"])
def test_products_of_booleans_say_whether_any_pair_is_true(backend: str) -> None:
    """Of 256 pairs too, which are 0 in 8 bits."""
    if backend == "torch":
        pytest.importorskip("torch", reason="PyTorch is not installed; pip install 'chainrule[torch]'")
    x, y = np.ones((2, 256), bool), np.ones((256, 3), bool)
    x[1] = False
    with cr.use_backend(backend):
        t, u = cr.tensor(x), cr.tensor(y)
        for have in (t @ u, cr.tensordot(t, u, axes=1), cr.einsum("ij,jk->ik", t, u)):
            assert have.dtype == cr.bool_
            np.testing.assert_array_equal(have.numpy(), x @ y)


def test_a_number_that_does_not_fit_is_an_error() -> None:
    with cr.use_backend("array_api_strict"), pytest.raises((cr.ChainruleError, OverflowError), match="300"):
        cr.tensor([1], dtype="uint8") + 300


def test_what_the_standard_refuses_and_has_no_meaning_is_refused_by_name() -> None:
    with cr.use_backend("array_api_strict"), pytest.raises(cr.DTypeError, match=r"floor.*complex"):
        cr.floor(cr.tensor([1j]))


# Any index, and sums by place, against NumPy


@st.composite
def indexed(draw: st.DrawFn) -> tuple[Any, Any]:
    """A shape and an index that NumPy takes for it."""
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4))
    parts: list[Any] = []
    together = draw(hnp.array_shapes(min_dims=1, max_dims=2, max_side=3))
    for n in shape:
        kind = draw(st.sampled_from(["slice", "int", "array", "mask", "none"]))
        if kind == "none":
            parts.append(None)
        if kind in ("none", "slice"):
            parts.append(draw(st.slices(n)))
        elif kind == "int":
            parts.append(draw(st.integers(-n, n - 1)))
        elif kind == "array":
            parts.append(draw(hnp.arrays(np.int64, together, elements=st.integers(-n, n - 1))))
        else:
            mask = np.zeros(n, bool)
            mask[draw(st.integers(0, n - 1))] = True
            parts.append(mask)
    if draw(st.booleans()):
        parts = [*parts[: draw(st.integers(0, len(parts)))], Ellipsis]
    return shape, tuple(parts)


@settings(max_examples=150, deadline=None)
@given(indexed())
def test_any_index_gathers_and_scatters_as_numpy_does(case: tuple[Any, Any]) -> None:
    shape, index = case
    source = np.arange(1.0, 1.0 + np.prod(shape)).reshape(shape)
    expected = source[index]
    with cr.use_backend("array_api_strict:device1"):
        x = cr.tensor(source)
        y = x[index]
        assert y.shape == expected.shape
        np.testing.assert_array_equal(y.numpy(), expected)
        values = np.cos(np.arange(expected.size)).reshape(expected.shape)
        scattered = np.zeros(shape)
        np.add.at(scattered, index, values)
        gradient = cr.grad(lambda x: cr.sum(x[index] * cr.tensor(values)))(x)
        np.testing.assert_allclose(np.asarray(gradient.numpy()), scattered, rtol=1e-12, atol=1e-15)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 6), max_size=40), st.sampled_from([(), (2,), (1, 3)]))
def test_sums_by_place(places: list[int], tail: tuple[int, ...]) -> None:
    rows = np.random.default_rng(len(places)).normal(size=(len(places), *tail))
    expected = np.zeros((7, *tail))
    np.add.at(expected, np.array(places, int), rows)
    xp = array_api_strict
    sums = _indexing.segment_sums(xp, xp.asarray(rows), xp.asarray(np.array(places, np.int64)), 7)
    np.testing.assert_allclose(np.asarray(sums), expected, rtol=1e-12, atol=1e-14)


def test_one_row_that_is_not_finite_stays_in_its_place() -> None:
    xp = array_api_strict
    rows = xp.asarray([1.0, float("inf"), float("nan"), 2.0])
    sums = _indexing.segment_sums(xp, rows, xp.asarray([0, 1, 3, 0]), 4)
    np.testing.assert_array_equal(np.asarray(sums), [3.0, np.inf, 0.0, np.nan])


@pytest.mark.parametrize("backend", ["numpy", "array_api_strict"])
def test_rows_of_a_hessian_that_come_all_at_once_have_the_librarys_dtypes(backend: str) -> None:
    with cr.use_backend(backend):
        x = cr.tensor([3.0, 1.0, -2.0])
        smooth = cr.hessian(lambda x: cr.sum(cr.sin(x) * x))(x).numpy()
        chosen = cr.hessian(lambda x: cr.sum(x[x > 0.0] ** 3))(x)
    values = np.array([3.0, 1.0, -2.0])
    np.testing.assert_allclose(smooth, np.diag(2 * np.cos(values) - values * np.sin(values)))
    assert chosen.tolist() == [[18.0, 0.0, 0.0], [0.0, 6.0, 0.0], [0.0, 0.0, 0.0]]


@pytest.mark.parametrize("backend", ["numpy", "array_api_strict"])
def test_quotients_by_infinities_are_rounded_down_everywhere(backend: str) -> None:
    with cr.use_backend(backend), np.errstate(all="ignore"):
        a, b = cr.tensor([np.inf, -np.inf, 1.0, 7.0]), cr.tensor([2.0, 2.0, -np.inf, 2.0])
        got = cr.floor_divide(a, b).tolist()
        assert (a // 2.0).tolist() == [np.inf, -np.inf, 0.0, 3.0]
        assert cr.floor_divide(cr.tensor([-7]), 2).tolist() == [-4]
    assert got == [np.inf, -np.inf, 0.0, 3.0]
    assert np.signbit(got[2])
