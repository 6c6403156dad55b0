"""Where arrays are when backends and devices meet, and how a kernel is found; the rest is in the conformance kit."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import _registry

DATA = [[1.0, -2.0], [0.5, 4.0]]


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


def test_arrays_in_arrays_out_of_the_same_library_and_device() -> None:
    with cr.use_backend("array_api_strict:device1"):
        x = cr.tensor(DATA).value
    gradient = cr.grad(lambda x: cr.sum(x * x))(x)
    assert type(gradient) is type(x)
    assert gradient.device == x.device
    np.testing.assert_array_equal(cr.as_tensor(gradient).numpy(), 2 * np.array(DATA))


def test_an_array_of_a_library_that_two_backends_share_goes_to_the_one_of_its_name() -> None:
    program = """
from dataclasses import replace
import numpy as np, chainrule as cr
from chainrule_numpy import backend
cr.register_backend("other", lambda: replace(backend(), name="other"))
with cr.use_backend("other"):
    x = cr.tensor([1.0])
print(x.backend.name, cr.as_tensor(np.ones(2)).backend.name, cr.sin(np.ones(2)).backend.name)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100, check=True)
    assert done.stdout == "other numpy numpy\n"


def test_an_array_of_an_installed_library_finds_its_backend() -> None:
    import array_api_strict

    x = cr.as_tensor(array_api_strict.asarray(DATA))
    assert x.backend.name == "array_api_strict"


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
