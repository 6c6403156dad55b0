"""NumPy's kernels that write into a given array: the same bits as those that make one, of any dtype and layout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import _registry
from chainrule._backends import load_backend
from chainrule._dtypes import DType
from chainrule_numpy._out import OUT
from chainrule_testing import Sample

from .every import EVERY

cr.plugins()
NUMPY = load_backend("numpy")
GROUPS = [samples for samples in EVERY if samples[0].op in OUT]
ELEMENTWISE = {name for name in _registry.ops if _registry.find_op(name).elementwise}


def variants(sample: Sample) -> Iterator[list[Any]]:
    """The sample's inputs, and these in other dtypes and in other layouts."""
    yield list(sample.inputs)
    for dtype in ("float32", "float16", "complex64", "int32", "int8", "bool"):
        yield [np.asarray(x).astype(dtype) if is_floating(x) else x for x in sample.inputs]
    yield [np.asfortranarray(x) if is_floating(x) else x for x in sample.inputs]
    yield [np.repeat(x, 2, axis=-1)[..., ::2] if is_floating(x) and x.ndim else x for x in sample.inputs]
    if sample.op in ("add", "multiply", "pow", "atan2"):
        mixed = list(sample.inputs)
        mixed[0] = mixed[0].astype("float32") if is_floating(mixed[0]) else mixed[0]
        yield mixed


def is_floating(x: Any) -> bool:
    return isinstance(x, np.ndarray | np.generic) and x.dtype.kind in "fc"


def plain(sample: Sample, inputs: Sequence[Any]) -> Any:
    op = _registry.find_op(sample.op)
    attributes = {**op.attributes, **sample.attributes}
    native = {name: np.dtype(str(v)) if type(v) is DType else v for name, v in attributes.items()}
    kernel = _registry.find_kernel(op, NUMPY)
    with np.errstate(all="ignore"):
        return native, kernel(*inputs, **native)


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
@pytest.mark.parametrize("samples", GROUPS, ids=lambda samples: samples[0].op)
def test_the_same_bits(samples: list[Sample]) -> None:
    tried = 0
    for sample in samples:
        for inputs in variants(sample):
            try:
                attributes, want = plain(sample, inputs)
            except (TypeError, ValueError):  # a dtype that the operation does not take
                continue
            out = np.full(np.shape(want), 7).astype(want.dtype)
            with np.errstate(all="ignore"):
                got = OUT[sample.op](*inputs, **attributes, out=out)
            assert got is out
            assert_same(out, want, f"{sample!r} of {inputs}")
            tried += 1
            if sample.op in ELEMENTWISE or sample.op in ("where", "clip", "multiply_zero_wins"):
                check_in_place(sample.op, inputs, attributes, want)
    assert tried


def check_in_place(op: str, inputs: Sequence[Any], attributes: Any, want: Any) -> None:
    """The result may take the place of any input that has its shape and dtype."""
    for i, x in enumerate(inputs):
        if isinstance(x, np.ndarray) and x.shape == np.shape(want) and x.dtype == want.dtype:
            copies = [np.array(y) if isinstance(y, np.ndarray) else y for y in inputs]
            with np.errstate(all="ignore"):
                OUT[op](*copies, **attributes, out=copies[i])
            assert_same(copies[i], want, f"{op} in the place of input {i}: {inputs}")


def assert_same(got: Any, want: Any, what: str) -> None:
    if got.dtype.kind == "c":
        np.testing.assert_allclose(got, want, rtol=8 * np.finfo(got.dtype).eps, err_msg=what)
    else:
        np.testing.assert_array_equal(got, want, err_msg=what)
        np.testing.assert_array_equal(np.signbit(got), np.signbit(want), err_msg=what)


@pytest.mark.parametrize("op", ["add_at", "set_at"])
def test_rows_change_in_place(op: str) -> None:
    x = np.arange(12.0).reshape(4, 3)
    rows = np.array([2, 0, 2])
    values = np.array([[1.0], [2.0], [4.0]]) * np.ones(3)
    want = x.copy()
    if op == "add_at":
        want[2] += 5
        want[0] += 2
    else:
        want[2], want[0] = 4, 2
    assert OUT[op](x, values, rows, key=("array",), out=x) is x
    np.testing.assert_array_equal(x, want)


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 0.5, -1, -0.5, 2.0, True])
@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128"])
def test_powers_are_the_operators(dtype: str, exponent: Any) -> None:
    x = np.linspace(0.1, 3.0, 50).astype(dtype)
    assert_same(OUT["pow"](x, exponent, out=np.empty_like(x)), x**exponent, f"powers of {dtype}")


@pytest.mark.parametrize(("shape", "axis"), [((2, 3), None), ((2, 3), 1), ((2, 3, 2), (1, 2)), ((40, 30), 0)])
def test_means_of_short_floats_are_rounded_once(shape: tuple[int, ...], axis: Any) -> None:
    for seed in range(20):
        x = np.random.default_rng(seed).normal(size=shape).astype("float16")
        want = np.mean(x.astype("float32"), axis=axis).astype("float16")
        out = np.empty(np.shape(want), "float16")
        assert OUT["mean"](x, axis=axis, keepdims=False, out=out) is out
        np.testing.assert_array_equal(out, want)


def test_booleans_of_where() -> None:
    condition = np.array([True, False, True])
    np.testing.assert_array_equal(OUT["where"](condition, False, True, out=condition), [False, True, False])
