"""Arrays of a backend: making, converting and moving them, where they are, and what happens when backends meet."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import _registry
from chainrule._dtypes import DTYPES

DATA = [[1.0, -2.0], [0.5, 4.0]]


def test_numbers_lists_and_arrays_become_tensors(choice: str) -> None:
    backend = cr.get_backend()
    device = choice.partition(":")[2] or backend.devices()[0]
    for data in (DATA, np.array(DATA), 3.0, [1, 2], [True, False], 1 + 2j, np.float32(2.5), np.arange(6).reshape(2, 3)):
        x = cr.tensor(data)
        assert isinstance(x.value, backend.array_types)
        assert x.device == device
        want = np.asarray(data)
        assert str(x.dtype) == str(want.dtype)
        np.testing.assert_array_equal(x.numpy(), want)
        assert type(x.numpy()) is np.ndarray
        assert x.tolist() == want.tolist()


def test_a_copy_is_made_on_the_way_in_and_out(choice: str) -> None:
    source = np.array(DATA)
    x = cr.tensor(source)
    source[0, 0] = 99.0
    out = x.numpy()
    out[0, 0] = 98.0
    assert x[0, 0].item() == 1.0
    again = cr.tensor(x)
    assert again.value is not x.value
    assert again.device == x.device


@pytest.mark.parametrize("name", [name for name in DTYPES if name not in ("bfloat16", "float16")])
def test_every_dtype_goes_in_and_comes_out(choice: str, name: str) -> None:
    x = cr.tensor([0, 1], dtype=name)
    assert x.dtype == name
    assert x.numpy().dtype == np.dtype(name)
    assert cr.get_backend().dtype(x.value.dtype) == name
    assert cr.astype(cr.tensor([0, 1]), name).dtype == name


def test_a_dtype_the_library_lacks_is_named(choice: str) -> None:
    missing = [name for name in DTYPES if name not in cr.get_backend().dtypes]
    if not missing:
        pytest.skip(f"{choice} has every dtype")
    with pytest.raises(cr.DTypeError, match=rf"has no dtype '{missing[0]}'; it has bool, int8"):
        cr.tensor([1.0], dtype=missing[0])


@pytest.mark.parametrize("data", [np.array(["a"]), np.array([None]), object(), "text", [1.0, "a"]])
def test_what_is_no_array_is_refused(choice: str, data: Any) -> None:
    with pytest.raises((cr.DTypeError, TypeError, ValueError)):
        cr.tensor(data)


def test_creation_is_on_the_device_in_force(choice: str) -> None:
    device = cr.tensor(0.0).device
    for x in (cr.zeros((2,)), cr.ones(3), cr.full((1, 2), 7), cr.arange(4), cr.linspace(0, 1, 3), cr.eye(2)):
        assert x.device == device
        assert x.backend is cr.get_backend()
    np.testing.assert_array_equal(cr.eye(2).numpy(), np.eye(2))
    np.testing.assert_array_equal(cr.full((), 2.5).numpy(), 2.5)


def test_a_device_that_is_not_there(choice: str) -> None:
    if cr.get_backend().name == "numpy":
        pytest.skip("NumPy has one device, and no device argument can be wrong")
    with pytest.raises((cr.BackendError, ValueError)):
        cr.tensor(DATA, device="gpu77")


def test_constants_go_to_the_device_of_the_tensor_beside_them() -> None:
    with cr.use_backend("array_api_strict:device1"):
        x = cr.tensor(DATA)
    for y in (
        x + np.ones((2, 2)),
        x * [1.0, 2.0],
        cr.stack([x, np.ones((2, 2))]),
        cr.zeros_like(x),
        cr.where(x > 0, x, 0),
    ):
        assert y.device == "device1"
    with cr.use_backend("array_api_strict:device2"):
        assert (x + np.ones(2)).device == "device1"
        assert cr.tensor(1.0).device == "device2"
    for active in ("numpy", "array_api_strict:device2"):
        with cr.use_backend(active):
            assert cr.grad(lambda x: cr.sum(x * np.ones(2)))(x).device == "device1"
            assert cr.grad(lambda x: cr.sum(x[[1, 1]] * x[:, np.array([0])]))(x).device == "device1"
            assert cr.set_at(x, [1], [[0.0, 1.0]]).tolist() == [DATA[0], [0.0, 1.0]]
            assert cr.add_at(cr.Variable(x), ([0], [1]), 2.0).device == "device1"
            assert cr.Variable(x)[[1, 0]].device == "device1"


def test_an_array_that_has_a_device_stays_there_unless_told_otherwise() -> None:
    with cr.use_backend("array_api_strict:device1"):
        x = cr.tensor(DATA)
    for active in ("numpy", "array_api_strict:device2"):
        with cr.use_backend(active):
            assert [cr.tensor(data).device for data in (x, x.value)] == ["device1", "device1"]
            assert cr.tensor(x, dtype="float32").device == "device1"
            assert cr.tensor(x, device="device2").device == "device2"


def test_devices_do_not_mix_in_silence() -> None:
    with cr.use_backend("array_api_strict:device1"):
        x = cr.tensor(DATA)
    with cr.use_backend("array_api_strict:device2"):
        y = cr.tensor(DATA)
    with pytest.raises(cr.ChainruleError, match=r"add.*device"):
        x + y
    assert (x + cr.to_backend(y, "array_api_strict:device1")).device == "device1"


def test_backends_do_not_mix_and_the_error_says_what_to_do() -> None:
    x = cr.tensor(DATA)
    with cr.use_backend("array_api_strict"):
        y = cr.tensor(DATA)
    for mixed in (lambda: x * y, lambda: y * x, lambda: cr.concat([x, y]), lambda: cr.where(x > 0, x, y)):
        with pytest.raises(cr.BackendError) as info:
            mixed()
        assert "'numpy'" in str(info.value)
        assert "'array_api_strict'" in str(info.value)
        assert "cr.to_backend(x, " in str(info.value)
    np.testing.assert_array_equal((x * cr.to_backend(y, "numpy")).numpy(), np.square(DATA))


def test_moving_has_a_gradient_that_moves_back() -> None:
    with cr.use_backend("array_api_strict:device1"):
        x = cr.tensor(DATA)

    def f(x: Any) -> Any:
        there = cr.to_backend(x, "numpy") ** 3
        assert there.backend.name == "numpy"
        back = cr.to_backend(there, "array_api_strict:device2")
        assert back.device == "device2"
        return cr.sum(back)

    gradient = cr.grad(f)(x)
    assert (gradient.backend.name, gradient.device) == ("array_api_strict", "device1")
    np.testing.assert_allclose(gradient.numpy(), 3 * np.square(DATA))
    second = cr.grad(lambda x: cr.sum(cr.grad(f)(x)))(x)
    assert second.device == "device1"
    np.testing.assert_allclose(second.numpy(), 6 * np.array(DATA))


def test_moving_to_where_it_is_does_nothing() -> None:
    x = cr.tensor(DATA)
    assert cr.to_backend(x, "numpy") is x
    assert cr.to_backend(x, "numpy:cpu") is x


def test_arrays_in_arrays_out_of_the_same_library_and_device() -> None:
    with cr.use_backend("array_api_strict:device1"):
        x = cr.tensor(DATA).value
    gradient = cr.grad(lambda x: cr.sum(x * x))(x)
    assert type(gradient) is type(x)
    assert gradient.device == x.device
    np.testing.assert_array_equal(cr.as_tensor(gradient).numpy(), 2 * np.array(DATA))


def test_an_array_of_an_installed_library_finds_its_backend() -> None:
    import array_api_strict

    x = cr.as_tensor(array_api_strict.asarray(DATA))
    assert x.backend.name == "array_api_strict"


def test_synchronize_memory_and_repr(choice: str) -> None:
    backend = cr.get_backend()
    for device in (None, *backend.devices()):
        backend.synchronize(device)
        assert all(isinstance(figure, int) for figure in backend.memory(device).values())
    assert repr(backend) == f"<Backend {backend.name} {backend.version}>"
    assert pickle.loads(pickle.dumps(backend)) is backend
    text = repr(cr.tensor([1.0, 2.0]))
    assert text.startswith("Tensor([1., 2.], float64")
    assert (backend.name in text) == (backend.name != "numpy")


def test_training_by_hand_stays_on_the_device(choice: str) -> None:
    """Softmax regression on points that a line divides: the loss falls to that of a good fit."""
    points = np.random.default_rng(0).normal(size=(40, 2))
    labels = (points @ [1.0, -2.0] > 0).astype(np.int64)
    x, y = cr.tensor(points), cr.tensor(labels)
    w, b = cr.zeros((2, 2)), cr.zeros((2,))
    for _ in range(60):
        loss, (gw, gb) = cr.value_and_grad(lambda w, b: cr.cross_entropy(x @ w + b, y), argnums=(0, 1))(w, b)
        w, b = w - 1.0 * gw, b - 1.0 * gb
    assert w.device == x.device
    assert loss.item() < 0.25


# How a kernel is found


@pytest.fixture
def own_op() -> Any:
    """An operation with a generic kernel that doubles, registered for the test alone."""

    @cr.op(lambda x: x, cr.NoGradient("for a test"))
    def doubled_for_test(xp: Any, x: Any, /) -> Any:
        """Twice x."""
        return x + x

    cr.plugins()
    _registry.register_op(doubled_for_test)
    yield doubled_for_test
    del _registry.ops["doubled_for_test"]
    for key in [key for key in _registry.kernels if key.endswith(":doubled_for_test")]:
        del _registry.kernels[key]


def test_a_generic_kernel_serves_every_backend(choice: str, own_op: Any) -> None:
    np.testing.assert_array_equal(own_op(cr.tensor(DATA)).numpy(), 2 * np.array(DATA))


def test_a_registered_kernel_comes_first_and_for_its_backend_alone(own_op: Any) -> None:
    x = cr.tensor([1.0])
    assert own_op(x).item() == 2.0  # the generic one is found, and must not stay
    _registry.register_kernels({"numpy": {"doubled_for_test": lambda x: x * 10}})
    assert own_op(x).item() == 10.0
    with cr.use_backend("array_api_strict"):
        assert own_op(cr.tensor([1.0])).item() == 2.0


def test_two_kernels_for_one_op_and_backend_are_an_error(own_op: Any) -> None:
    _registry.register_kernels({"numpy": {"doubled_for_test": lambda x: x * 10}})
    with pytest.raises(cr.PluginError, match="numpy:doubled_for_test"):
        _registry.register_kernels({"numpy": {"doubled_for_test": lambda x: x * 11}})


def test_an_op_without_a_kernel_names_itself_and_the_backend(choice: str) -> None:
    nameless = cr.elementwise("no_library_has_this", lambda x: x, cr.NoGradient("for a test"), "Nothing.")
    with pytest.raises(cr.MissingKernelError) as info:
        nameless(cr.tensor(1.0))
    assert "'no_library_has_this'" in str(info.value)
    assert f"backend {cr.get_backend().name!r}" in str(info.value)
    assert "chainrule_kernels" in str(info.value)


@pytest.mark.parametrize("name", ["bool", "int64", "float64", "complex128", "uint8"])
def test_numpys_dtype_objects_and_classes_are_dtypes(choice: str, name: str) -> None:
    for spelling in (name, np.dtype(name), getattr(np, name)):
        assert cr.tensor([0, 1], dtype=spelling).dtype == name
