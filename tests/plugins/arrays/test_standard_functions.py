"""The array API standard where its functions have more to them than a kernel: dtypes, copies, sets, options."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule_testing import real

SIGNED, UNSIGNED = ["int8", "int16", "int32", "int64"], ["uint8", "uint16", "uint32", "uint64"]
FLOATS, COMPLEXES = ["float32", "float64"], ["complex64", "complex128"]
X = np.array([3.0, 1.0, 3.0, -2.0, 1.0])

# Dtypes


def test_promotion():
    """The standard's tables; each is symmetric."""
    for kind in (SIGNED, UNSIGNED, FLOATS, COMPLEXES):
        for i, a in enumerate(kind):
            for b in kind[i:]:
                assert cr.result_type(a, b) == cr.result_type(b, a) == b
    for i, a in enumerate(SIGNED):
        for j, b in enumerate(UNSIGNED[:3]):
            assert cr.result_type(a, b) == SIGNED[max(i, j + 1)]
    assert [cr.result_type(f, c) for f in FLOATS for c in COMPLEXES] == ["complex64", *["complex128"] * 3]
    assert cr.result_type("bool", cr.bool) == cr.bool


def test_python_numbers_are_weak():
    x = cr.ones(2, dtype="float32")
    assert cr.result_type(x, 1, 2.0) == cr.float32
    assert cr.result_type(cr.int8, 1) == cr.int8
    assert cr.result_type(x, 1j) == cr.complex64
    with pytest.raises(cr.ArgumentError, match="at least one"):
        cr.result_type()


def test_casts():
    assert cr.can_cast("int8", cr.int16)
    assert cr.can_cast(cr.ones(2, dtype="float32"), "float64")
    assert not cr.can_cast("float64", "float32")
    assert not cr.can_cast("uint8", "int8")


@pytest.mark.parametrize(
    ("kind", "dtypes"),
    [
        ("bool", ["bool"]),
        ("signed integer", SIGNED),
        ("unsigned integer", UNSIGNED),
        ("integral", SIGNED + UNSIGNED),
        ("real floating", [*FLOATS, "float16", "bfloat16"]),
        ("complex floating", COMPLEXES),
        (("bool", cr.float32), ["bool", "float32"]),
        (cr.int8, ["int8"]),
    ],
)
def test_kinds(kind, dtypes):
    assert {str(dtype) for dtype in cr.DTYPES.values() if cr.isdtype(dtype, kind)} == {*dtypes}


def test_limits_are_those_of_numpy():
    for dtype in ("float16", "float32", "float64", "complex64", "complex128"):
        ours, theirs = cr.finfo(dtype), np.finfo(dtype)
        assert (ours.bits, ours.eps, ours.max, ours.min) == (theirs.bits, theirs.eps, theirs.max, theirs.min)
        assert (ours.smallest_normal, ours.dtype) == (theirs.smallest_normal, theirs.dtype)
        assert {type(ours.eps), type(ours.max)} == {float}
        assert ours.dtype == cr.as_dtype(ours.dtype)
        assert not isinstance(ours.dtype, str)  # which the standard does not want
    for dtype in SIGNED + UNSIGNED:
        ours, theirs = cr.iinfo(cr.zeros(1, dtype=dtype)), np.iinfo(dtype)
        assert (ours.bits, ours.max, ours.min, ours.dtype) == (theirs.bits, theirs.max, theirs.min, dtype)
    with pytest.raises(cr.DTypeError, match="iinfo is for integers"):
        cr.finfo("int8")
    with pytest.raises(cr.DTypeError, match="finfo is for floating-point ones"):
        cr.iinfo("float32")


@pytest.mark.parametrize("name", ["sum", "prod", "cumulative_sum", "cumulative_prod"])
def test_short_integers_are_added_up_in_long_ones(name):
    function = getattr(cr, name)
    for dtypes, wide in ((SIGNED, "int64"), (UNSIGNED, "uint64"), (["float32"], "float32")):
        for dtype in dtypes:
            assert function(cr.ones(3, dtype=dtype)).dtype == wide
    assert function(cr.ones(3, dtype="int8"), dtype="int16").dtype == cr.int16
    assert function(cr.ones(3, dtype="int8"), dtype="float32").tolist() in (3.0, 1.0, [1.0, 2.0, 3.0], [1.0, 1.0, 1.0])
    assert cr.vecdot(cr.ones(3, dtype="int8"), cr.ones(3, dtype="int8")).dtype == cr.int8


# Creation and copies


def test_numbers_of_any_size_become_tensors_of_the_dtype_asked_for():
    assert cr.asarray([2**64 - 1], dtype="uint64").tolist() == [2**64 - 1]
    assert cr.asarray([1, 2.5]).dtype == cr.float64
    assert cr.asarray([True, 1j]).dtype == cr.complex128
    assert cr.asarray([[], []]).shape == (2, 0)
    assert cr.arange(2**53, 2**53 + 3).tolist() == [2**53, 2**53 + 1, 2**53 + 2]
    assert cr.linspace(0, 1j, 3).tolist() == [0, 0.5j, 1j]
    assert cr.empty((2, 0)).shape == cr.empty_like(cr.ones((2, 0))).shape == (2, 0)
    for made in (cr.arange(3, device="cpu"), cr.eye(2, device="cpu"), cr.zeros_like(cr.ones(2), device="cpu")):
        assert made.device == "cpu"


@pytest.mark.parametrize("k", [2**63, -(2**70), 5, -5])
def test_a_diagonal_may_lie_outside(k):
    np.testing.assert_array_equal(cr.eye(2, 3, k=k), np.zeros((2, 3)))


def test_a_copy_is_made_if_asked_for():
    array = np.array([1.0, 2.0])
    shared, copied = cr.asarray(array), cr.asarray(array, copy=True)
    array[0] = 7.0
    assert (shared.tolist(), copied.tolist()) == ([7.0, 2.0], [1.0, 2.0])
    assert cr.asarray(shared, copy=False) is cr.asarray(shared) is shared
    assert cr.asarray(shared, copy=True) is not shared
    assert cr.astype(shared, "float64") is not shared
    assert cr.astype(shared, "float64", copy=False) is shared
    assert cr.reshape(shared, (2, 1), copy=True).shape == (2, 1)


@pytest.mark.parametrize("data", [1.0, [1.0], np.ones(1, "float32")], ids=["number", "list", "other dtype"])
def test_a_copy_that_is_forbidden_is_an_error(data):
    with pytest.raises(ValueError, match=r"copy=False was given"):
        cr.asarray(data, dtype="float64", copy=False)


def test_dlpack():
    x = cr.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert x.__dlpack_device__() == (1, 0)
    np.testing.assert_array_equal(np.from_dlpack(x), x.numpy())
    assert np.from_dlpack(cr.tensor(2.0)) == 2.0  # which NumPy has as a scalar, without DLPack
    assert x.__dlpack__(max_version=(1, 0), dl_device=(1, 0), copy=True) is not None
    array = np.arange(3)
    y = cr.from_dlpack(array)
    array[0] = 5
    assert y.tolist() == [5, 1, 2]
    assert cr.from_dlpack(array, copy=True, device="cpu").tolist() == [5, 1, 2]

    class Foreign:
        def __dlpack__(self, **options):
            return array.__dlpack__(**options)

        def __dlpack_device__(self):
            return array.__dlpack_device__()

    assert cr.from_dlpack(Foreign()).tolist() == [5, 1, 2]
    with pytest.raises(cr.ArgumentError, match="expected an array with __dlpack__, got list"):
        cr.from_dlpack([1.0])
    assert cr.grad(lambda x: cr.sum(cr.from_dlpack(x) ** 2))(x).tolist() == [[2.0, 4.0], [6.0, 8.0]]


def test_devices():
    x = cr.tensor([1.0, 2.0])
    assert x.to_device("cpu") is x
    assert cr.grad(lambda x: cr.sum(x.to_device("cpu") ** 2))(x).tolist() == [2.0, 4.0]
    with pytest.raises(cr.BackendError, match="no device 'gpu'"):
        x.to_device("gpu")
    with pytest.raises(cr.ArgumentError, match="takes no stream"):
        x.to_device("cpu", stream=1)


@pytest.mark.parametrize(
    ("convert", "data", "error"),
    [(int, 1j, TypeError), (float, 1j, TypeError), (int, np.inf, OverflowError), (bool, [1, 2], ValueError)],
    ids=["int of complex", "float of complex", "int of infinity", "bool of two"],
)
def test_conversions_that_fail(convert, data, error):
    with pytest.raises(error):
        convert(cr.tensor(data))
    with pytest.raises(TypeError):
        cr.tensor(1.0).__index__()


# Sets


def test_sets():
    values, indices, inverse, counts = cr.unique_all(cr.tensor(X.reshape(5, 1)))
    assert values.tolist() == [-2.0, 1.0, 3.0]
    assert indices.tolist() == [3, 1, 0]
    assert values[inverse].tolist() == X.reshape(5, 1).tolist()
    assert counts.tolist() == [1, 2, 2]
    assert cr.unique_counts(cr.tensor(X)).counts.tolist() == [1, 2, 2]
    assert cr.unique_inverse(cr.tensor(X)).inverse_indices.tolist() == [2, 1, 2, 0, 1]


def test_sets_of_what_is_special():
    assert cr.unique_all(cr.tensor([np.nan, 1.0, np.nan])).counts.tolist() == [1, 1, 1]
    assert cr.unique_values(cr.tensor([0.0, -0.0])).shape == (1,)
    assert cr.unique_values(cr.tensor([True, False, True])).tolist() == [False, True]
    assert cr.unique_values(cr.tensor([2j, 1 + 0j, 2j])).tolist() == [2j, 1]
    for x in (cr.zeros((2, 0)), cr.tensor(7.0)):
        found = cr.unique_all(x)
        assert found.inverse_indices.shape == x.shape
        assert found.values.shape == found.counts.shape == (min(x.size, 1),)


def test_the_first_of_equal_elements_has_the_gradient():
    def f(x):
        return cr.sum(cr.unique_values(x) ** 3)

    assert cr.grad(f)(X).tolist() == [27.0, 3.0, 0.0, 12.0, 0.0]
    assert cr.hessian(f)(X).diagonal().tolist() == [18.0, 6.0, 0.0, -12.0, 0.0]
    assert cr.grad(cr.function(f))(X).tolist() == [27.0, 3.0, 0.0, 12.0, 0.0]


# Options


def test_running_sums_and_products_that_begin_with_what_is_neutral():
    x = real(2, 3)
    for name, reference, first in (("cumulative_sum", np.cumsum, 0.0), ("cumulative_prod", np.cumprod, 1.0)):
        got = getattr(cr, name)(cr.tensor(x), axis=0, include_initial=True)
        np.testing.assert_allclose(got.numpy(), np.concatenate([np.full((1, 3), first), reference(x, axis=0)]))
        with pytest.raises(cr.ShapeError, match=f"{name}: say along which axis"):
            getattr(cr, name)(cr.tensor(x))
        assert getattr(cr, name)(cr.zeros(0), include_initial=True).tolist() == [first]


GRADIENTS = {
    "sum": lambda x: cr.cumulative_sum(x, axis=1, include_initial=True),
    "product": lambda x: cr.cumulative_prod(x, axis=-1, include_initial=True, dtype="complex128"),
    "prod": lambda x: cr.prod(x, dtype="float64"),
    "diff": lambda x: cr.diff(x, axis=0, n=2, prepend=x[:1], append=0.5),
    "repeat by numbers": lambda x: cr.repeat(x, cr.tensor([2, 0, 1]), axis=1),
    "repeat": lambda x: cr.repeat(x, cr.tensor([3])),
    "meshgrid": lambda x: cr.meshgrid(x[0], x[:, 1], x[1, 1])[0],
    "take": lambda x: cr.take(x, cr.tensor([1, 1, -1]), axis=1),
    "astype": lambda x: cr.astype(x, "complex128", copy=False, device="cpu"),
    "asarray": lambda x: cr.asarray(x, copy=True),
    "unique_all": lambda x: cr.unique_all(x).values,
    "nextafter": lambda x: cr.nextafter(x, cr.inf) * x,
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients(name):
    f = GRADIENTS[name]
    cr.check_gradient(lambda x: cr.sum(cr.real(f(x) ** 2)), cr.tensor(real(2, 3)))


def test_arguments_that_others_lack():
    x = np.array([3.0, 1.0, 2.0])
    v = cr.tensor([[0.0, 1.0], [2.5, 9.0]])
    assert cr.searchsorted(cr.tensor(x), v, side="right", sorter=cr.argsort(cr.tensor(x))).tolist() == [[0, 1], [2, 3]]
    for how in ("xy", "ij"):
        for got, want in zip(cr.meshgrid(x, x[:2], indexing=how), np.meshgrid(x, x[:2], indexing=how), strict=True):
            np.testing.assert_array_equal(got.numpy(), want)
    assert cr.meshgrid() == []
    with pytest.raises(cr.ArgumentError, match="'xy' or 'ij', got 'yx'"):
        cr.meshgrid(x, indexing="yx")
    with pytest.raises(cr.ShapeError, match=r"expected 3 numbers for axis 0, got shape \(2,\)"):
        cr.repeat(cr.tensor(x), cr.tensor([1, 2]))
    assert cr.diff(cr.tensor(x), n=0, append=0.0).tolist() == x.tolist()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: cr.expand_dims(x, axis=3), IndexError, "expand_dims: axis"),
        (lambda x: cr.squeeze(x, axis=0), ValueError, "squeeze: axis 0"),
        (lambda x: cr.nonzero(x[0, 0]), ValueError, "at least one dimension"),
        (lambda x: cr.vecdot(x, x[:, :1]), ValueError, "not as long in both"),
        (lambda x: cr.matmul(x, cr.ones((1, 3))), ValueError, "3 columns against 1 rows"),
        (lambda x: x[cr.ones((3, 3), dtype="bool")], IndexError, "mask of shape"),
        (lambda x: cr.concat([x, x[0]]), ValueError, "differ"),
        (lambda x: cr.reshape(x, (4,)), ValueError, "cannot reshape 6 elements"),
        (lambda x: cr.isdtype(cr.float32, "floating"), TypeError, "unknown dtype 'floating'"),
    ],
    ids=["expand_dims", "squeeze", "nonzero", "vecdot", "matmul", "mask", "concat", "reshape", "isdtype"],
)
def test_what_does_not_fit_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call(cr.ones((2, 3)))


def test_concat_of_flattened_arrays():
    """`axis=None` flattens, as the standard says; the gradient has the shapes back."""
    x, y, w = np.arange(6.0).reshape(2, 3), np.array([7.0, 8.0]), np.arange(8.0)

    def loss(x, y):
        return cr.sum(w * cr.concat([x, y], axis=None))

    np.testing.assert_array_equal(cr.concat([x, y], axis=None).numpy(), np.concatenate([x, y], axis=None))
    for gradient in (cr.grad(loss, argnums=(0, 1)), cr.function(cr.grad(loss, argnums=(0, 1)))):
        to_x, to_y = gradient(x, y)
        np.testing.assert_array_equal(to_x, w[:6].reshape(2, 3))
        np.testing.assert_array_equal(to_y, w[6:])
