"""Every dtype, shape and backend comes back to the bit; other readers of the format find the same numbers."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import deserialize, safe_open
from safetensors.numpy import load_file

import chainrule as cr
from chainrule_state import inspect_checkpoint, load, save

SHAPES = [(), (1,), (5,), (2, 3), (0,), (2, 0, 3), (1, 1, 1, 1)]
NUMPY_DTYPES = [name for name in cr.DTYPES if name != "bfloat16"]
SPECIAL = {
    "f": [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0 / 3.0],
    "c": [complex(-0.0, np.inf), complex(np.nan, -0.0), complex(1 / 3, -2 / 3)],
}


def filled(dtype: str, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """An array of random bits, or truth values."""
    kind = np.dtype(dtype)
    count = int(np.prod(shape))
    data = np.random.default_rng(7).integers(0, 2 if dtype == "bool" else 256, count * kind.itemsize, np.uint8)
    return data.view(kind)[:count].reshape(shape)


def bits(variable: cr.Variable) -> bytes:
    return variable.numpy().tobytes()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", NUMPY_DTYPES)
def test_every_dtype_and_shape_to_the_bit(path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    array = filled(dtype, shape)
    save(path, {"x": cr.Variable(array, trainable=False)})
    target = cr.Variable(np.zeros_like(array), trainable=False)
    load(path, {"x": target})
    assert bits(target) == array.tobytes()
    assert (target.shape, target.dtype) == (shape, dtype)
    assert type(target.value) is type(cr.Variable(array, trainable=False).value)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64", "complex128"])
def test_zeros_with_a_sign_infinities_and_nan(path: Path, dtype: str) -> None:
    array = np.array(SPECIAL[np.dtype(dtype).kind], dtype)
    save(path, {"x": cr.Variable(array)})
    target = cr.Variable(np.ones_like(array))
    load(path, {"x": target})
    assert bits(target) == array.tobytes()


@pytest.mark.parametrize("dtype", [name for name in NUMPY_DTYPES if name != "complex128"])
def test_other_programs_read_the_same_array(path: Path, dtype: str) -> None:
    array = filled(dtype, (2, 3))
    save(path, {"model": {"x": cr.Variable(array, trainable=False)}})
    (found,) = load_file(path).values()
    assert found.dtype == array.dtype
    assert found.tobytes() == array.tobytes()
    assert list(load_file(path)) == ["model/x"]


def test_other_programs_read_complex128_as_real_and_imaginary_parts(path: Path) -> None:
    array = np.array([[1 + 2j, 3 - 4j]])
    save(path, {"x": cr.Variable(array), "y": cr.Variable(5 - 6j)})
    found = load_file(path)
    np.testing.assert_array_equal(found["x"], [[[1.0, 2.0], [3.0, -4.0]]])
    np.testing.assert_array_equal(found["y"], [5.0, -6.0])
    assert inspect_checkpoint(path).arrays["x"] == cr.Spec((1, 2), cr.complex128)


def test_arrays_of_any_layout_in_memory(path: Path) -> None:
    array = np.arange(24.0).reshape(2, 3, 4)
    views = {"fortran": np.asfortranarray(array), "transposed": array.T, "strided": array[:, ::-2, 1::2]}
    save(path, {name: cr.Variable(view) for name, view in views.items()})
    targets = {name: cr.Variable(np.zeros(view.shape)) for name, view in views.items()}
    load(path, targets)
    for name, view in views.items():
        np.testing.assert_array_equal(targets[name].numpy(), view)
        np.testing.assert_array_equal(load_file(path)[name], view)


def bfloat16_backend() -> cr.Backend:
    """NumPy with a bfloat16 made of bits: the upper half of a float32's."""
    numpy = cr.get_backend()
    stored = np.dtype([("bits", np.uint16)])

    def asarray(data: Any, dtype: Any, device: str | None) -> Any:
        if dtype == stored and np.asarray(data).dtype != stored:
            return (np.asarray(data, np.float32).view(np.uint32) >> 16).astype(np.uint16).view(stored)
        return np.array(data, dtype)

    def astype(x: Any, *, dtype: str) -> Any:
        assert (x.dtype, dtype) == (stored, "float32")
        return (x.view(np.uint16).astype(np.uint32) << 16).view(np.float32)

    return dataclasses.replace(
        numpy,
        name="with_bfloat16",
        dtypes={**numpy.dtypes, cr.bfloat16: stored},
        asarray=asarray,
        kernels={**numpy.kernels, "astype": astype},
    )


def test_bfloat16(path: Path) -> None:
    backend = bfloat16_backend()
    patterns = np.array([0x3F80, 0xC000, 0x7F80, 0x4049, 0x8000, 0x0001], np.uint16)  # 1, -2, infinity, pi, -0, tiny
    array = patterns.view(backend.native(cr.bfloat16))
    save(path, {"x": cr.Variable(cr.Tensor(array, backend))})
    ((name, found),) = deserialize(path.read_bytes())
    assert (name, found["dtype"], found["shape"]) == ("x", "BF16", [6])
    assert found["data"] == patterns.tobytes()
    target = cr.Variable(cr.Tensor(np.zeros_like(array), backend))
    load(path, {"x": target})
    assert target.value.tobytes() == patterns.tobytes()
    assert target.backend is backend


@pytest.mark.parametrize("dtype", ["bool", "int16", "uint64", "float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("shape", [(), (2, 3), (0, 2)], ids=str)
def test_between_backends(path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    pytest.importorskip("array_api_strict")
    array = filled(dtype, shape)
    with cr.use_backend("array_api_strict:device1"):
        there = cr.Variable(array, trainable=False)
        back = cr.Variable(np.zeros_like(array), trainable=False)
    here = cr.Variable(np.zeros_like(array), trainable=False)
    save(path, {"x": there})
    load(path, {"x": here})
    assert bits(here) == array.tobytes()
    assert here.backend.name == "numpy"
    save(path, {"x": here})
    load(path, {"x": back})
    assert bits(back) == array.tobytes()
    assert back.backend.name == "array_api_strict"
    assert back.read().device == "device1"


def test_equal_states_are_equal_files(path: Path, variables: list[cr.Variable], averages: Callable[[], Any]) -> None:
    state = averages()
    state.update(*variables)
    contents = set()
    for _ in range(5):
        save(path, [*variables, state], metadata={"b": "1", "a": "2", "c": "3"})
        contents.add(path.read_bytes())
    assert len(contents) == 1


def test_what_the_manifest_says(path: Path) -> None:
    save(path, {"x": cr.Variable(1.0)}, metadata={"author": "Ada"})
    with safe_open(path, "np") as file:
        manifest = json.loads(file.metadata()["chainrule"])
    assert manifest["version"] == cr.__version__
    assert manifest["format"] == 1
    assert manifest["metadata"] == {"author": "Ada"}


def test_a_variable_that_takes_part_in_a_recording_is_saved_and_loaded_without_a_trace(path: Path) -> None:
    w = cr.Variable(3.0, name="w")
    with cr.GradientTape() as tape:
        y = w * w
        save(path, w)
        load(path, w)
        z = w * y
    assert float(tape.gradient(z, w)) == 27.0  # of w**3
    assert w.trainable


def test_what_is_loaded_is_nobody_elses_memory(path: Path) -> None:
    w = cr.Variable([1.0, 2.0], name="w")
    save(path, w)
    load(path, w)
    w.assign_add([1.0, 1.0])
    np.testing.assert_array_equal(load_file(path)["w"], [1.0, 2.0])
    load(path, w)
    np.testing.assert_array_equal(w.numpy(), [1.0, 2.0])
