"""Arrays of a backend: making and converting them, where they are, and what is refused."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule_testing._engine import DTYPES
from chainrule_testing._targets import Target

DATA = [[1.0, -2.0], [0.5, 4.0]]
SOURCES: dict[str, Any] = {
    "nested lists": DATA,
    "array": np.array(DATA),
    "float": 3.0,
    "integers": [1, 2],
    "booleans": [True, False],
    "complex": 1 + 2j,
    "scalar": np.float32(2.5),
    "array of integers": np.arange(6).reshape(2, 3),
    "empty": np.zeros((0, 3)),
    "no dimensions": np.array(7),
    "gaps": np.arange(12.0).reshape(3, 4)[::-1, ::2],
    "columns first": np.asfortranarray(DATA),
}


def device_of(place: Target, backend: cr.Backend) -> str:
    """The device that the run chose; a kind alone is the first of it."""
    chosen = place.choice.partition(":")[2]
    return next(name for name in backend.devices() if f"{name}:".startswith(f"{chosen}:" if chosen else ""))


@pytest.mark.parametrize("data", SOURCES.values(), ids=SOURCES)
def test_numbers_lists_and_arrays_become_tensors(place: Target, backend: cr.Backend, data: Any) -> None:
    want = np.asarray(data)
    if str(want.dtype) not in backend.dtypes:
        pytest.skip(f"backend {backend.name!r} has no dtype {str(want.dtype)!r}")
    x = cr.tensor(data)
    assert isinstance(x.value, backend.array_types)
    assert x.device == device_of(place, backend)
    assert (str(x.dtype), x.shape) == (str(want.dtype), want.shape)
    np.testing.assert_array_equal(x.numpy(), want)
    assert type(x.numpy()) is np.ndarray
    assert x.tolist() == want.tolist()


def test_a_copy_is_made_on_the_way_in_and_out(backend: cr.Backend) -> None:
    source = np.array(DATA)
    x = cr.tensor(source)
    source[0, 0] = 99.0
    out = x.numpy()
    out[0, 0] = 98.0
    assert x[0, 0].item() == 1.0
    again = cr.tensor(x)
    assert again.value is not x.value
    assert again.device == x.device


@pytest.mark.parametrize("name", DTYPES)
def test_every_dtype_goes_in_and_comes_out_or_is_refused_by_name(backend: cr.Backend, name: str) -> None:
    if name not in backend.dtypes:
        with pytest.raises(cr.DTypeError, match=f"has no dtype '{name}'; it has "):
            cr.tensor([1.0], dtype=name)
        return
    x = cr.tensor([0, 1], dtype=name)
    assert x.dtype == name
    assert backend.dtype(x.value.dtype) == name
    assert cr.astype(cr.tensor([0, 1]), name).dtype == name
    if name != "bfloat16":  # which NumPy lacks
        assert x.numpy().dtype == np.dtype(name)
        for spelling in (np.dtype(name), np.dtype(name).type):
            assert cr.tensor([0, 1], dtype=spelling).dtype == name


NO_ARRAYS: dict[str, Any] = {
    "array of text": np.array(["a"]),
    "array of objects": np.array([None]),
    "array of dates": np.array("2020", "M8[D]"),
    "object": object(),
    "text": "text",
    "list with text": [1.0, "a"],
}


@pytest.mark.parametrize("data", NO_ARRAYS.values(), ids=NO_ARRAYS)
def test_what_is_no_array_is_refused(backend: cr.Backend, data: Any) -> None:
    with pytest.raises((cr.DTypeError, TypeError, ValueError)):
        cr.tensor(data)


def test_creation_is_on_the_device_in_force(place: Target, backend: cr.Backend) -> None:
    device = device_of(place, backend)
    made = (
        cr.zeros((2,)),
        cr.ones(3),
        cr.full((1, 2), 7),
        cr.arange(4),
        cr.linspace(0, 1, 3),
        cr.eye(2),
        cr.zeros((0,)),
    )
    for x in made:
        assert x.device == device
        assert x.backend is backend
    np.testing.assert_array_equal(cr.eye(2).numpy(), np.eye(2))
    np.testing.assert_array_equal(cr.full((), 2.5).numpy(), 2.5)
    np.testing.assert_array_equal(cr.full((2, 0), 2.5).numpy(), np.zeros((2, 0)))
    np.testing.assert_array_equal(cr.linspace(0, 1, 3).numpy(), [0.0, 0.5, 1.0])


def test_a_device_that_is_not_there_is_named(place: Target, backend: cr.Backend) -> None:
    with pytest.raises(cr.BackendError, match="has no device 'nowhere'"), cr.use_backend(f"{backend.name}:nowhere"):
        pass
    assert device_of(place, backend) in backend.devices()


def test_every_device_computes_where_its_arrays_are(backend: cr.Backend) -> None:
    for device in backend.devices():
        x = cr.tensor(DATA, device=device)
        gradient = cr.grad(lambda x: cr.sum(cr.matmul(x, x) * [1.0, 2.0] + np.ones(2)))(x)
        assert (x.device, gradient.device, cr.zeros_like(x).device) == (device,) * 3
        assert (x[[0, 0]].device, cr.sum(x).device, cr.where(x > 0, x, 0).device) == (device,) * 3
        backend.synchronize(device)


def test_devices_do_not_mix_in_silence(backend: cr.Backend) -> None:
    devices = backend.devices()
    if len(devices) < 2:
        pytest.skip(f"backend {backend.name!r} has one device here")
    x, y = cr.tensor(DATA, device=devices[0]), cr.tensor(DATA, device=devices[1])
    with pytest.raises(cr.ChainruleError, match="device"):
        x + y
    moved = cr.to_backend(y, f"{backend.name}:{devices[0]}")
    assert (x + moved).device == devices[0]


def test_backends_do_not_mix_and_the_error_says_what_to_do(backend: cr.Backend) -> None:
    other = next(name for name in ("numpy", "array_api_strict") if name != backend.name)
    if other not in cr.available_backends():
        pytest.skip(f"there is no second backend: {other} is not installed")
    x = cr.tensor(DATA)
    try:
        with cr.use_backend(other):
            y = cr.tensor(DATA)
    except cr.BackendUnavailableError as error:
        pytest.skip(f"there is no second backend: {error}")
    for mixed in (lambda: x * y, lambda: y * x, lambda: cr.concat([x, y]), lambda: cr.where(x > 0, x, y)):
        with pytest.raises(cr.BackendError) as info:
            mixed()
        assert f"'{backend.name}'" in str(info.value)
        assert f"'{other}'" in str(info.value)
        assert "cr.to_backend(x, " in str(info.value)
    there = cr.to_backend(x, other)
    assert there.backend.name == other
    np.testing.assert_array_equal((there * y).numpy(), np.square(DATA))


def test_moving_has_a_gradient_that_moves_back(backend: cr.Backend) -> None:
    x = cr.tensor(DATA)

    def f(x: Any) -> Any:
        return cr.sum(cr.to_backend(cr.to_backend(x, "numpy") ** 3, backend.name))

    gradient = cr.grad(f)(x)
    assert (gradient.backend, gradient.device) == (backend, x.device)
    np.testing.assert_allclose(gradient.numpy(), 3 * np.square(DATA), rtol=1e-12)
    second = cr.grad(lambda x: cr.sum(cr.grad(f)(x)))(x)
    np.testing.assert_allclose(second.numpy(), 6 * np.array(DATA), rtol=1e-12)
    assert cr.to_backend(x, f"{backend.name}:{x.device}") is x


def test_arrays_in_arrays_out_of_the_same_library_and_device(backend: cr.Backend) -> None:
    x = cr.tensor(DATA).value
    gradient = cr.grad(lambda x: cr.sum(x * x))(x)
    assert isinstance(gradient, backend.array_types)
    assert backend.device_of(gradient) == backend.device_of(x)
    np.testing.assert_array_equal(cr.as_tensor(gradient).numpy(), 2 * np.array(DATA))


def test_gradients_share_no_memory_with_what_they_are_of(backend: cr.Backend) -> None:
    """Writing over a result that came out as an array changes no input."""
    x = np.array(DATA)
    gradient = cr.grad(lambda x: cr.sum(x * x) + cr.sum(x))(cr.tensor(x))
    out = gradient.numpy()
    out[...] = 0.0
    np.testing.assert_array_equal(gradient.numpy(), 2 * x + 1)


def test_dlpack(backend: cr.Backend) -> None:
    """An array goes to a library of the same kind of device and comes back, without its history."""
    x = cr.tensor(DATA)
    if not hasattr(x.value, "__dlpack__"):
        pytest.skip(f"arrays of backend {backend.name!r} have no __dlpack__")
    try:
        kind, _ = x.__dlpack_device__()
        if kind != 1:
            pytest.skip(f"arrays of backend {backend.name!r} are in memory of DLPack's kind {kind}, NumPy's are not")
        capsule = np.from_dlpack(x)
    except (BufferError, RuntimeError, ValueError, NotImplementedError) as error:
        pytest.skip(f"the library refuses: {type(error).__name__}: {error}")
    np.testing.assert_array_equal(capsule, DATA)
    assert cr.tensor(capsule).tolist() == DATA


def test_synchronize_memory_and_repr(backend: cr.Backend) -> None:
    for device in (None, *backend.devices()):
        backend.synchronize(device)
        assert all(type(figure) is int and figure >= 0 for figure in backend.memory(device).values())
    assert repr(backend) == f"<Backend {backend.name} {backend.version}>"
    assert pickle.loads(pickle.dumps(backend)) is backend
    text = repr(cr.tensor([1.0, 2.0]))
    assert text.startswith("Tensor([1., 2.], float64")
    assert (backend.name in text) == (backend.name != "numpy")


def test_an_operation_without_a_kernel_names_itself_and_the_backend(backend: cr.Backend) -> None:
    nameless = cr.elementwise("no_library_has_this", lambda x: x, cr.NoGradient("for a test"), "Nothing.")
    with pytest.raises(cr.MissingKernelError) as info:
        nameless(cr.tensor(1.0))
    assert "'no_library_has_this'" in str(info.value)
    assert f"backend {backend.name!r}" in str(info.value)
    assert "chainrule_kernels" in str(info.value)


def test_a_generic_kernel_computes(backend: cr.Backend) -> None:
    doubled = cr.elementwise(
        "doubled_for_test", lambda x: x, lambda g, _y, _x: 2.0 * g, "Twice x.", kernel=lambda xp, x: x + x
    )
    np.testing.assert_array_equal(doubled(cr.tensor(DATA)).numpy(), 2 * np.array(DATA))
