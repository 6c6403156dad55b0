"""Where CuPy is not NumPy: what the backend does about each difference, so that programs need not know.

| | CuPy | so |
|---|---|---|
| 1 | gives arrays without dimensions where NumPy gives numbers | tensors convert, and have hashes |
| 2 | such arrays are no indices of Python's | tensors are |
| 3 | refuses `numpy.asarray` | tensors copy to the host |
| 4 | refuses NumPy's arrays beside its own | they move to the tensor's device |
| 5 | refuses them in assignments | `set_at` and variables take them |
| 6 | takes lists and NumPy's arrays as indices | so do tensors, on any device |
| 7 | has not all of NumPy's functions | those on tensors are chainrule's, or named in an error |
| 8 | refuses lists | operations take them |
| 9 | wraps indices that lie outside | they are errors |
| 10 | writes to a place named twice in any order | the last one stays |
| 11 | adds atomically in some dtypes alone | sums by index work in all of them |
| 12 | has `at` for few functions, `accumulate` for two | gradients need neither |
| 13 | adds atomically in any order | under strict math the order is fixed |
| 14 | lacks dtypes | they are refused by name |
| 15 | promotes as NumPy 2 does | Python's numbers are weak |
| 16 | casts numbers out of range in its own way | nothing depends on it |
| 17 | gives 0 for integers to negative powers, has no warnings | the powers are errors, nothing asks for warnings |
| 18 | casts to `out` as NumPy does | nothing is added into an array of another dtype |
| 19 | has no `where=` | values are chosen |
| 20 | has no `initial=` | empty reductions are NumPy's |
| 21 | has no arrays that cannot be written to | results that are given away are copies |
| 22 | promises no order in memory | any is read, and what leaves is in order |
| 23 | writes to overlapping parts as NumPy does | - |
| 24 | waits where a number goes to the host | steps of training do not |
| 25 | differs in the extremes of complex NaN | - |
| 26 | draws other random numbers | weights are drawn on the host |
| 27 | defers to `__array_ufunc__` | a tensor beside an array stays a tensor |
| 28 | exchanges by DLPack, but not with NumPy | tensors do |
| 29 | works on the current device | operations on that of their arrays |
| 30 | runs kernels later, in the order of a stream | all are on the current one, and can be waited for |
| 31 | gives memory that is not zeroed, and keeps what is freed | sums start at 0; the pool's figures are told |
| 32 | sums short floats in longer ones, multiplies matrices of integers | as on NumPy |
| 33 | compiles at first calls | - |
| 34 | fuses functions with names alone | kernels of regions have names |
"""

from __future__ import annotations

import copy
import pickle
import re
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import scipy.special

import chainrule as cr
from chainrule import ops

pytestmark = pytest.mark.gpu
X = np.array([[0.5, -1.0, 2.0], [3.0, 0.25, -0.5]])


@pytest.fixture(autouse=True)
def cupy() -> Iterator[Any]:
    """CuPy, in force; skipped with the backend's own reason where it cannot compute."""
    try:
        scope = cr.use_backend("cupy")
        scope.__enter__()
    except cr.BackendUnavailableError as error:
        pytest.skip(str(error))
    try:
        yield pytest.importorskip("cupy")
    finally:
        scope.__exit__(None, None, None)


def test_01_single_numbers() -> None:
    total = cr.sum(cr.tensor(X))
    assert type(total.item()) is float
    assert float(total) == total.item() == X.sum()
    assert bool(total > 4.0)
    assert f"{total:.2f}" == "4.25"
    assert {total: "a key"}[total] == "a key"
    assert cr.grad(lambda x: x * x)(3.0).item() == 6.0


def test_02_indices_of_python() -> None:
    at = cr.argmax(cr.tensor([1.0, 5.0, 2.0]))
    assert ["a", "b", "c"][at] == "b"
    assert list(range(at)) == [0]
    assert cr.tensor([7, 8, 9])[at].item() == 8
    assert cr.zeros((int(at), 2)).shape == (1, 2)


def test_03_to_the_host(cupy: Any) -> None:
    x = cr.tensor(X)
    for host in (np.asarray(x), x.numpy(), np.concatenate([x.numpy(), X])[:2]):
        assert type(host) is np.ndarray
        np.testing.assert_array_equal(host, X)
    with pytest.raises(TypeError, match="Implicit conversion"):
        np.asarray(x.value)  # which is CuPy's to refuse


def test_04_arrays_of_numpy_beside_tensors() -> None:
    x = cr.tensor(X)
    for y in (x + X, X + x, cr.add(X, x), cr.where(X > 0, x, X) + x - np.minimum(X, X), x * np.array(2.0)):
        assert y.backend.name == "cupy"
    np.testing.assert_array_equal((x + X).numpy(), X + X)
    np.testing.assert_array_equal((np.float64(2) * x).numpy(), 2 * X)
    gradient = cr.grad(lambda x: cr.sum(x * X))(X)
    assert type(gradient) is np.ndarray
    np.testing.assert_array_equal(gradient, X)


def test_05_assignments_of_numpys_arrays() -> None:
    np.testing.assert_array_equal(cr.set_at(cr.tensor(X), 0, np.ones(3)).numpy(), [np.ones(3), X[1]])
    np.testing.assert_array_equal(cr.set_at(cr.tensor(X), (slice(None), [0]), [[8.0], [9.0]])[:, 0].numpy(), [8, 9])
    v = cr.Variable(np.zeros(3))
    v.assign(np.arange(3.0))
    np.testing.assert_array_equal(v.numpy(), [0, 1, 2])


def test_06_indices_of_any_library(cupy: Any) -> None:
    x = cr.tensor(X)
    for index in ([1, 0], np.array([1, 0]), cupy.asarray([1, 0]), cr.tensor([1, 0])):
        np.testing.assert_array_equal(x[index].numpy(), X[[1, 0]])
    np.testing.assert_array_equal(x[X > 0].numpy(), X[X > 0])


def test_07_functions_of_numpy() -> None:
    x = cr.tensor(X)
    for y, want in ((np.sin(x), np.sin(X)), (np.sum(x, axis=0), X.sum(0)), (np.concatenate([x, x]), [*X, *X])):
        assert type(y) is cr.Tensor
        np.testing.assert_allclose(y.numpy(), want)
    with pytest.raises(cr.MissingKernelError, match=r"np\.spacing"):
        np.spacing(x)


def test_08_lists() -> None:
    assert cr.add([1.0], [2.0]).tolist() == [3.0]
    assert cr.sum([1, 2]).item() == 3
    assert cr.concat([[1.0], [2.0]]).tolist() == [1.0, 2.0]
    assert cr.stack([cr.sum(cr.tensor(X)), 2.0]).tolist() == [4.25, 2.0]


@pytest.mark.parametrize("index", [[0, 3], [-4]])
def test_09_indices_that_lie_outside(index: list[int]) -> None:
    x = cr.ones((3,))
    calls = {
        "getitem": lambda: x[index],
        "set_at": lambda: cr.set_at(x, index, 1.0),
        "add_at": lambda: cr.add_at(x, index, 1.0),
        "take_along_axis": lambda: ops.take_along_axis(x, cr.tensor(index)),
        "scatter_add_rows": lambda: ops.scatter_add_rows(cr.ones((len(index),)), cr.tensor(index), rows=3),
        "sparse_softmax_cross_entropy": lambda: cr.cross_entropy(cr.ones((len(index), 3)), cr.tensor(index)),
    }
    for name, call in calls.items():
        with pytest.raises(cr.ChainruleError, match=name):
            call()
    with pytest.raises(cr.ChainruleError, match="getitem"):
        cr.function(lambda x: x[index] * 2.0)(x)


def test_10_the_last_value_of_a_place_stays() -> None:
    places = np.random.default_rng(0).integers(0, 50, 3000)
    values = np.arange(3000.0)
    want = np.full(60, -1.0)
    for place, value in zip(places, values, strict=True):
        want[place] = value
    np.testing.assert_array_equal(cr.set_at(cr.full((60,), -1.0), places, values).numpy(), want)


NUMBERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64"]


@pytest.mark.parametrize("dtype", [*NUMBERS, "complex64", "complex128"])
@pytest.mark.parametrize("strict", [False, True])
def test_11_sums_by_index_of_every_dtype(dtype: str, strict: bool) -> None:
    values = np.arange(12).astype(dtype) * (1 + 2j if dtype.startswith("complex") else 1)
    values = values.astype(dtype)
    places = np.array([0, 1, 1, 4, 0, 2, 2, 2, 4, 4, 0, 1])
    want = np.zeros(5, dtype)
    np.add.at(want, places, values)
    with cr.use_strict_math(strict):
        for have in (
            ops.scatter_add_rows(cr.tensor(values), cr.tensor(places), rows=5),
            cr.add_at(cr.zeros((5,), dtype=dtype), places, values),
            ops.scatter_add(cr.tensor(values), cr.tensor(places), key=("array",), shape=(5,)),
        ):
            assert have.dtype == dtype
            np.testing.assert_array_equal(have.numpy(), want)


def test_11_gradients_of_gathers() -> None:
    z = cr.tensor([1 + 2j, 3 - 1j])
    gradient = cr.grad(lambda z: cr.sum(cr.real(z[[0, 0, 1]] * (1 + 1j))))(z)
    np.testing.assert_allclose(gradient.numpy(), [2 - 2j, 1 - 1j])


def test_12_gradients_of_products_and_extremes() -> None:
    assert cr.grad(cr.prod)(cr.tensor([2.0, 0.0, 3.0])).tolist() == [0.0, 6.0, 0.0]
    assert cr.grad(lambda x: cr.sum(cr.cumulative_prod(x)))(cr.tensor([2.0, 0.0, 3.0])).tolist() == [1.0, 8.0, 0.0]
    assert cr.grad(cr.max)(cr.tensor([1.0, 1.0, 0.0])).tolist() == [0.5, 0.5, 0.0]
    np.testing.assert_allclose(cr.logsumexp(cr.tensor(X)).item(), np.logaddexp.reduce(X.ravel()))


def test_13_strict_math_adds_nothing_atomically(cupy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Add:
        """`cupy.add` without its `at`."""

        def __call__(self, *arrays: Any, add: Any = cupy.add, **options: Any) -> Any:
            return add(*arrays, **options)

        def at(self, *_: Any) -> None:
            raise AssertionError("atomic additions come in any order")

    values = np.random.default_rng(0).normal(size=500)
    places = np.arange(500) % 7
    want = np.zeros(7)
    np.add.at(want, places, values)
    monkeypatch.setattr(cupy, "add", Add())
    with cr.use_strict_math():
        once, again = (ops.scatter_add_rows(cr.tensor(values), cr.tensor(places), rows=7).numpy() for _ in range(2))
    np.testing.assert_array_equal(once, again)
    np.testing.assert_allclose(once, want, rtol=1e-13)
    with pytest.raises(cr.ChainruleError, match="atomic"):  # which is quicker where the order may be any
        ops.scatter_add_rows(cr.tensor(values), cr.tensor(places), rows=7)


@pytest.mark.parametrize("dtype", ["longdouble", "clongdouble", "O", "U1", "M8[D]"])
def test_14_dtypes_it_lacks(dtype: str) -> None:
    with pytest.raises(cr.DTypeError, match=r"backend 'cupy'.*cannot be tensors; convert to one of"):
        cr.tensor(np.zeros(2, dtype))


def test_15_promotion() -> None:
    x = cr.ones((2,), dtype="float32")
    assert (x + 1.0).dtype == (2 * x).dtype == cr.maximum(x, 0).dtype == "float32"
    assert (x + np.float64(1)).dtype == (x + cr.tensor(1.0)).dtype == "float64"
    assert cr.exp(cr.tensor([1, 2], dtype="int8")).dtype == "float64"
    np.testing.assert_allclose(cr.exp(cr.tensor([1, 2], dtype="int8")).numpy(), np.exp([1.0, 2.0]))
    assert cr.mean(cr.tensor([1, 2], dtype="uint8")).dtype == "float64"


def test_17_powers_quotients_and_warnings() -> None:
    for exponent in (cr.tensor([-1]), -1):
        with pytest.raises(cr.ArgumentError, match="negative integer powers"):
            cr.tensor([2]) ** exponent
    assert (cr.tensor([2, 3]) ** True).tolist() == [2, 3]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert cr.log(cr.tensor([0.0])).tolist() == [-np.inf]
        assert cr.floor_divide(cr.tensor([1]), cr.tensor([0])).tolist() == [0]
        assert cr.grad(lambda x: cr.sum(cr.sqrt(x)))(cr.tensor([0.0])).tolist() == [np.inf]


def test_18_cotangents_of_two_dtypes() -> None:
    def f(x: Any) -> Any:
        wide = cr.astype(x, "float64")
        return cr.sum(x * 2.0) + cr.sum(wide) + cr.sum(wide * wide) + cr.sum(x) + cr.sum(x * x)

    gradient = cr.grad(f)(cr.tensor(X, dtype="float32"))
    assert gradient.dtype == "float32"
    np.testing.assert_allclose(gradient.numpy(), 4 + 4 * X, rtol=1e-6)


def test_19_a_branch_that_is_not_taken() -> None:
    x = cr.tensor([-1.0, 0.0, 2.0])
    for f in (
        lambda x: cr.sum(cr.where(x > 0, cr.log(x), 0.0)),
        cr.function(lambda x: cr.sum(cr.where(x > 0, cr.log(x), 0.0))),
    ):
        np.testing.assert_allclose(cr.grad(f)(x).numpy(), [0, 0, 0.5])


def test_20_empty_reductions() -> None:
    empty = cr.zeros((0, 3))
    assert cr.sum(empty).item() == 0.0
    assert cr.prod(empty, axis=0).tolist() == [1.0, 1.0, 1.0]
    for name in ("max", "min", "argmax"):
        with pytest.raises(cr.ArgumentError, match=name):
            getattr(cr, name)(empty, axis=0)


def test_21_what_is_given_away_is_no_view(cupy: Any) -> None:
    x = cupy.ones(3)
    for function in (
        cr.grad(cr.sum),
        cr.function(cr.grad(cr.sum)),
        cr.function(lambda x: cr.broadcast_to(x[:1], (3,))),
        cr.function(lambda x: x),
    ):
        y = function(x)
        y[0] = 7.0
        assert y.tolist() == [7.0, 1.0, 1.0]
    assert x.tolist() == [1.0, 1.0, 1.0]


def test_21_cotangents_that_repeat_are_not_written_over() -> None:
    def f(x: Any) -> Any:
        y = cr.sum(x)  # whose cotangent goes to all of x
        return y + cr.sum(x) + cr.sum(x * x) + y * 2.0

    np.testing.assert_allclose(cr.grad(f)(cr.tensor(X)).numpy(), 4 + 2 * X)


def test_22_orders_in_memory(cupy: Any) -> None:
    x = cupy.asarray(X, order="F")
    assert x.flags.f_contiguous
    f = cr.function(lambda x: (cr.exp(x) * 2.0, cr.reshape(x, (-1,)) + 0.0, cr.transpose(x) @ x))
    for have, want in zip(f(x), (np.exp(X) * 2, X.reshape(-1), X.T @ X), strict=True):
        np.testing.assert_allclose(have.get(), want, rtol=1e-14)
    assert cr.tensor(x).numpy().flags.c_contiguous
    assert cr.tensor(x.T[::-1]).numpy().tolist() == X.T[::-1].tolist()


@pytest.mark.filterwarnings("ignore:cupyx.allow_synchronize")
def test_24_training_does_not_wait(cupy: Any) -> None:
    import cupyx

    def loss(w: Any, x: Any, y: Any) -> Any:
        return cr.mean(cr.square(cr.tanh(x @ w) - y))

    def step(w: Any, x: Any, y: Any) -> Any:
        value, gradient = cr.value_and_grad(loss)(w, x, y)
        return value, w - 0.1 * gradient

    compiled = cr.function(step)
    w, x, y = cr.zeros((3, 1)), cr.tensor(X), cr.tensor([[1.0], [-1.0]])
    compiled(w, x, y)
    with cupyx.allow_synchronize(False):
        for run in (step, compiled):
            first, w_next = run(w, x, y)
            second, _ = run(w_next, x, y)
    assert second.item() < first.item()


def test_26_weights_are_the_same_on_every_backend() -> None:
    dense = cr.nn.glorot_uniform((3, 2), seed=5)
    with cr.use_backend("numpy"):
        want = cr.nn.glorot_uniform((3, 2), seed=5)
    np.testing.assert_array_equal(dense.numpy(), want.numpy())


def test_27_tensors_beside_arrays(cupy: Any) -> None:
    x, a = cr.tensor([1.0, 2.0]), cupy.asarray([3.0, 4.0])
    for y in (a * x, x * a, cupy.eye(2) @ cr.reshape(x, (2, 1)), a - x):
        assert type(y) is cr.Tensor
    assert cr.grad(lambda x: cr.sum(a * x))(x).tolist() == [3.0, 4.0]


def test_28_exchange_by_dlpack(cupy: Any) -> None:
    x = cr.tensor(X)
    assert tuple(x.__dlpack_device__()) == (2, 0)
    shared = cupy.from_dlpack(x)
    assert shared.data.ptr == x.value.data.ptr

    class Foreign:
        """An array of another library on the same device."""

        def __dlpack__(self, **options: Any) -> Any:
            return shared.__dlpack__(**options)

        def __dlpack_device__(self) -> Any:
            return shared.__dlpack_device__()

    y = cr.tensor(Foreign())
    assert y.backend.name == "cupy"
    assert y.value.data.ptr != shared.data.ptr  # a copy
    np.testing.assert_array_equal((y * Foreign()).numpy(), X * X)


def test_28_exchange_with_other_libraries(cupy: Any) -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("PyTorch sees no GPU")
    there = torch.from_dlpack(cr.tensor(X))
    assert there.device.type == "cuda"
    np.testing.assert_array_equal(cr.tensor(cupy.from_dlpack(there * 2)).numpy(), X * 2)


def test_29_operations_on_the_device_of_their_arrays(cupy: Any) -> None:
    devices = cr.get_backend().devices()
    if len(devices) < 2:
        pytest.skip("needs two devices")
    with cr.use_backend("cupy:1"):
        x = cr.tensor(X)
        assert x.device == "1"
        assert cr.arange(3).device == "1"

    def f(x: Any) -> Any:
        return cr.sum(cr.exp(x)[[1, 1]] * x[:1] + cr.softmax(x @ x.T) @ x[[1, 0]] @ np.ones((3, 3)) + x.sum() * 2.0)

    with cr.use_backend("numpy"):
        want = cr.grad(f)(X)
    for active in ("cupy:0", "cupy:1", "numpy"):
        with cr.use_backend(active):
            for gradient in (cr.grad(f)(x), cr.function(cr.grad(f))(x)):
                assert gradient.device == "1"
                np.testing.assert_allclose(gradient.numpy(), want, rtol=1e-12)
    assert cr.to_backend(x, "cupy:0").device == "0"
    assert cupy.cuda.Device().id == 0


def test_29_what_plugins_compute_loops_and_updates_on_the_device_of_their_arrays(cupy: Any) -> None:
    if len(cr.get_backend().devices()) < 2:
        pytest.skip("needs two devices")
    with cr.use_backend("cupy:1"):
        x, generator = cr.tensor(X), cr.random.Generator(3)
    gamma, update = cr.special.gammaln(abs(x)), cr.add_product(x, x @ x.T, x, factor=-0.5)
    np.testing.assert_allclose(gamma.numpy(), scipy.special.gammaln(abs(X)), rtol=1e-12)
    np.testing.assert_allclose(update.numpy(), X - 0.5 * (X @ X.T) @ X, rtol=1e-12)
    drawn = generator.normal((3,))
    assert gamma.device == update.device == drawn.device == "1"

    @cr.function
    def horner(x: Any) -> Any:
        return cr.fori_loop(0, 3, lambda _, y: y * x + 1.0, x)

    slope = cr.grad(lambda x: cr.sum(horner(x)))(x)
    assert slope.device == "1"
    np.testing.assert_allclose(slope.numpy(), 4 * X**3 + 2 * X + 1, rtol=1e-12)


def test_29_devices_do_not_mix(cupy: Any) -> None:
    if len(cr.get_backend().devices()) < 2:
        pytest.skip("needs two devices")
    with cr.use_backend("cupy:1"):
        x = cr.tensor(X)
    with pytest.raises(cr.ChainruleError, match=r"add.*device"):
        x + cr.tensor(X)


def test_30_kernels_run_on_the_current_stream(cupy: Any) -> None:
    f = cr.function(lambda x: (cr.exp(x) * 2.0, cr.sum(x * x), x @ x.T))
    x = cr.tensor(X)
    stream = cupy.cuda.Stream(non_blocking=True)
    with stream:
        results = [f(x) for _ in range(3)]
        cr.get_backend().synchronize(None)
    for y, total, product in results:
        np.testing.assert_allclose(y.numpy(), np.exp(X) * 2.0)
        np.testing.assert_allclose(total.numpy(), (X * X).sum())
        np.testing.assert_allclose(product.numpy(), X @ X.T)


def test_31_memory(cupy: Any) -> None:
    junk = cupy.full(1000, np.nan)
    del junk
    total = ops.scatter_add_rows(cr.ones((5,)), cr.tensor([0, 0, 3, 3, 3]), rows=1000)
    assert total[:4].tolist() == [2.0, 0.0, 0.0, 3.0]
    assert cr.sum(total).item() == 5.0
    figures = cr.get_backend().memory("0")
    assert figures["total"] >= figures["free"] > 0
    assert figures["pool"] >= figures["used"] > 0
    kept = cr.ones((1 << 16,))
    assert cr.get_backend().memory("0")["used"] >= figures["used"] + kept.size * 8


def test_31_a_program_goes_on_after_memory_was_short() -> None:
    x = cr.ones((1,))
    for call in (
        lambda x: cr.broadcast_to(x, (1 << 45,)) * 2.0,
        cr.function(lambda x: cr.broadcast_to(x, (1 << 45,)) * 2.0),
    ):
        with pytest.raises(MemoryError, match="Out of memory"):
            call(x)
    assert (x * 2.0).item() == 2.0


def test_31_memory_stays_steady(cupy: Any) -> None:
    f = cr.function(lambda x: cr.grad(lambda x: cr.sum(cr.tanh(x @ x.T)))(x) * 0.5)
    x = cr.tensor(X)
    for _ in range(3):
        f(x)
    before = cr.get_backend().memory("0")["used"]
    for _ in range(50):
        f(x)
    assert cr.get_backend().memory("0")["used"] == before


def test_32_short_floats_and_products_of_integers() -> None:
    ones = cr.ones((3000,), dtype="float16")
    assert cr.sum(ones).item() == 3000.0
    assert cr.mean(cr.full((100,), 60000.0, dtype="float16")).item() == 60000.0
    k = np.arange(6).reshape(2, 3)
    np.testing.assert_array_equal((cr.tensor(k) @ cr.tensor(k.T)).numpy(), k @ k.T)
    np.testing.assert_array_equal((cr.tensor(k > 2) @ cr.tensor(k.T > 2)).numpy(), (k > 2) @ (k.T > 2))
    for twin in (pickle.loads(pickle.dumps(cr.tensor(X))), copy.deepcopy(cr.tensor(X))):
        np.testing.assert_array_equal(twin.numpy(), X)


def test_32_relu_keeps_nan() -> None:
    np.testing.assert_array_equal(cr.relu(cr.tensor([np.nan, -1.0, 2.0])).numpy(), [np.nan, 0.0, 2.0])


def test_34_kernels_have_names() -> None:
    from chainrule_cupy import _source

    cr.function(lambda x: cr.sin(x) * 2.0)(cr.tensor(X))
    names = [kernel.name for kernel in _source._kernels.values()]
    assert names
    assert all(re.fullmatch(r"chainrule_region_[0-9a-f]{8}", name) for name in names)


def test_large_arrays_come_through_pinned_memory(cupy: Any) -> None:
    large = np.arange(float(1 << 15))
    host = cr.tensor(large).numpy()
    np.testing.assert_array_equal(host, large)
    host[0] = -1.0
    assert isinstance(host.base, cupy.cuda.PinnedMemoryPointer)
    small = cr.tensor(X).numpy()
    assert small.base is None
    assert cr.tensor(np.zeros((0, 3))).numpy().shape == (0, 3)


def test_matrices_that_have_no_answer() -> None:
    """CuPy gives some numbers for them, unless it is told to look."""
    singular, indefinite = cr.tensor([[1.0, 2.0], [2.0, 4.0]]), cr.tensor([[1.0, 2.0], [2.0, 1.0]])
    with pytest.raises(cr.ArgumentError, match="is singular"):
        cr.linalg.inv(singular)
    with pytest.raises(cr.ArgumentError, match="is singular"):
        cr.linalg.solve(cr.stack([indefinite, singular]), cr.ones((2, 2, 1)))
    with pytest.raises(cr.ArgumentError, match="zero on its diagonal"):
        cr.linalg.solve_triangular([[1.0, 2.0], [0.0, 0.0]], cr.ones((2, 1)))
    with pytest.raises(cr.ArgumentError, match="is not positive definite"):
        cr.linalg.cholesky(indefinite)
    assert cr.linalg.det(singular).item() == 0.0
    np.testing.assert_allclose(cr.linalg.eigh(indefinite)[0].numpy(), [-1.0, 3.0])


def test_triangles_of_stacks_of_singular_matrices_and_of_none() -> None:
    """CuPy factorizes one matrix, warns of a singular one, and fails on one without elements."""
    for a in (np.ones((2, 3, 3)), np.zeros((3, 2)), np.zeros((0, 2, 3)), np.zeros((2, 0, 3))):
        p, l, u = (factor.numpy() for factor in cr.linalg.lu(a))  # noqa: E741  # their names everywhere
        np.testing.assert_array_equal(p @ l @ u, a)
        np.testing.assert_array_equal(l, np.tril(l, -1) + np.eye(*l.shape[-2:]))
        np.testing.assert_array_equal(u, np.triu(u))
        assert cr.linalg.lu_factor(a).piv.shape == (*a.shape[:-2], min(a.shape[-2:]))


def test_every_difference_that_is_handled_has_a_test() -> None:
    assert __doc__ is not None
    rows = dict(re.findall(r"^\| (\d+) \|.*\| (.*) \|$", __doc__, re.MULTILINE))
    assert len(rows) == 34
    tested = {int(name.split("_")[1]) for name in globals() if re.match(r"test_\d\d_", name)}
    assert {int(n) for n in rows} - tested == {16, 23, 25, 33}  # that no operation meets
