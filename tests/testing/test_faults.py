"""Backends that are wrong on purpose, each in one way that a new backend can be: the kit finds every one of them."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr

OPS, ARRAYS, INDEXING, CONVENTIONS, MEMORY, THREADS = (
    f"chainrule_testing.test_{module}" for module in ("ops", "arrays", "indexing", "conventions", "memory", "threads")
)
Fault = tuple[Callable[[], cr.Backend], list[str], str]
FAULTS: dict[str, Fault] = {}


def numpy_with(**changes: Any) -> cr.Backend:
    """NumPy's backend with other parts, and nothing that compiles around its kernels."""
    with cr.use_backend("numpy") as backend:
        plain = {"fusion": None, "into": lambda instruction: None, "overwriting": lambda instruction, backend: None}
        return replace(backend, **plain, **changes)


def fault(found_by: list[str], finding: str, **changes: Any) -> Callable[[Any], Any]:
    """A wrong kernel of the operation that the function is called like, before `__`; where it is found, and as what."""

    def decorate(kernel: Any) -> Any:
        op = kernel.__name__.partition("__")[0]

        def make() -> cr.Backend:
            with cr.use_backend("numpy") as backend:
                right = cr.Op.kernels.__get__(getattr(cr.ops, op).op)[backend]
            wrong = lambda *arrays, **attributes: kernel(right, *arrays, **attributes)  # noqa: E731
            return numpy_with(kernels={**backend.kernels, op: wrong}, **changes)

        FAULTS[kernel.__name__] = (make, found_by, finding)
        return kernel

    return decorate


def only(*ops: str) -> list[str]:
    return [OPS, *(part for op in ops for part in ("--op", op))]


@fault(only("scatter_add_rows"), "scatter_add_rows-float64-value")
def scatter_add_rows__loses_duplicates(right: Any, values: Any, indices: Any, rows: int) -> Any:
    result = np.zeros((rows, *values.shape[1:]), values.dtype)
    result[indices] += values
    return result


@fault([INDEXING], "test_places_that_repeat_add_up")
def scatter_add_rows__last_write_wins(right: Any, values: Any, indices: Any, rows: int) -> Any:
    result = np.zeros((rows, *values.shape[1:]), values.dtype)
    result[indices] = values
    return result


@fault([INDEXING], "test_places_that_repeat_add_up*complex")
def scatter_add_rows__drops_the_imaginary_part(right: Any, values: Any, indices: Any, rows: int) -> Any:
    return right(np.real(values), indices, rows=rows).astype(values.dtype)


@fault(only("scatter_add_rows"), "scatter_add_rows-float64-value")
def scatter_add_rows__into_dirty_memory(right: Any, values: Any, indices: Any, rows: int) -> Any:
    result = np.empty((rows, *values.shape[1:]), values.dtype)
    np.add.at(result, indices, values)
    return result


@fault([INDEXING], "test_an_index_outside_is_an_error")
def getitem__wraps_indices_outside(right: Any, x: Any, *arrays: Any, key: Any) -> Any:
    if key == ("array",) and arrays[0].dtype != bool and x.shape[0]:
        return np.take(x, arrays[0], axis=0, mode="wrap")
    return right(x, *arrays, key=key)


@fault([INDEXING], "test_a_scatter_outside_is_an_error")
def scatter_add_rows__wraps_indices_outside(right: Any, values: Any, indices: Any, rows: int) -> Any:
    return right(values, np.mod(indices, rows), rows=rows)


@fault(only("exp"), "exp-float64-value")
def exp__writes_into_its_input(right: Any, x: Any) -> Any:
    return np.exp(x, out=x) if isinstance(x, np.ndarray) and x.dtype.kind in "fc" else right(x)


@fault(only("sum"), "sum-float32-value")
def sum__in_another_dtype(right: Any, x: Any, **how: Any) -> Any:
    result = right(x, **how)
    return result.astype("float64") if result.dtype == "float32" else result


@fault(only("reciprocal"), "reciprocal-float32-value")
def reciprocal__by_integers_in_one_dtype(right: Any, x: Any) -> Any:
    return np.trunc(right(x)) if x.dtype == "float32" else right(x)


@fault(only("where"), "where-float64-value")
def where__leaves_places_unwritten(right: Any, condition: Any, x: Any, y: Any) -> Any:
    result = np.empty(np.broadcast_shapes(*map(np.shape, (condition, x, y))), np.result_type(x, y))
    np.copyto(result, x, where=condition)
    return result


@fault(only("flip"), "flip-float64-layout")
def flip__takes_memory_to_be_in_order(right: Any, x: Any, axis: Any = None) -> Any:
    return right(np.ravel(x, order="K").reshape(x.shape), axis=axis)


@fault(only("maximum"), "maximum-float64-extremes")
def maximum__loses_nan(right: Any, x: Any, y: Any) -> Any:
    return np.fmax(x, y)


@fault(only("multiply"), "multiply-float64-gradient")
def sum_to__forgets_an_axis(right: Any, x: Any, shape: Any) -> Any:
    """What undoes broadcasting keeps the first of what it should add."""
    result = right(x, shape=shape)
    return result if x.ndim == len(shape) else np.reshape(x, (-1, *shape))[0] if result.size else result


@fault([CONVENTIONS], "test_the_largest_of_nothing_is_an_error")
def max__of_nothing(right: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.max(x, axis=axis, keepdims=keepdims, initial=-np.inf) if x.size == 0 else right(x, axis, keepdims)


@fault([CONVENTIONS], "test_a_negative_power_of_integers_is_an_error")
def pow__of_integers_to_negative_ones(right: Any, x: Any, y: Any) -> Any:
    integral = np.asarray(x).dtype.kind == "i" and np.asarray(y).dtype.kind == "i"
    return np.power(x, np.abs(y)) * (np.asarray(y) >= 0) if integral else right(x, y)


@fault([CONVENTIONS], "test_equal_numbers_keep_their_order")
def argsort__not_stable(right: Any, x: Any, **how: Any) -> Any:
    return right(x[::-1], **how) * -1 + len(x) - 1 if x.ndim == 1 else right(x, **how)


@fault(only("matmul"), "matmul-float64-value")
def matmul__ignores_the_batch(right: Any, x: Any, y: Any) -> Any:
    return right(x, np.broadcast_to(y[:1], y.shape) if y.ndim > 2 else y)


_buffer = np.zeros(50)


@fault(only("tanh"), "tanh-float64-value")
def tanh__into_the_same_buffer(right: Any, x: Any) -> Any:
    return np.tanh(x, out=_buffer[: len(x)]) if np.ndim(x) == 1 and x.dtype == "float64" else right(x)


@fault([THREADS], "test_threads_give_what_one_gives")
def exp__through_a_buffer_of_all_threads(right: Any, x: Any) -> Any:
    if np.shape(x) != (39,):
        return right(x)
    shared = _buffer[:39]
    shared[...] = x
    for _ in range(200):  # others come between
        shared += 0.0
    return np.exp(shared)


_kept: list[Any] = []


@fault([MEMORY], "test_memory_is_steady")
def multiply__keeps_all_it_made(right: Any, x: Any, y: Any) -> Any:
    result = right(x, y)
    _kept.append(result)
    return result


def _copies_nothing_out() -> cr.Backend:
    return numpy_with(to_numpy=np.asarray)


def _copies_nothing_in() -> cr.Backend:
    return numpy_with(asarray=lambda data, dtype, device: np.asarray(data, dtype=dtype)[()])


def _takes_objects() -> cr.Backend:
    def asarray(data: Any, dtype: Any, device: Any) -> Any:
        array = np.array(data, dtype=dtype)
        return np.zeros(array.shape) if array.dtype.kind in "OUM" else array

    return numpy_with(asarray=asarray)


def _ignores_the_device() -> cr.Backend:
    with cr.use_backend("array_api_strict") as strict:
        return replace(strict, full=lambda shape, value, dtype, device: strict.full(shape, value, dtype, None))


def _computes_on_another_device() -> cr.Backend:
    with cr.use_backend("array_api_strict") as strict:
        import array_api_strict as xp

        right = cr.sum.op.kernels[strict]
        home = xp.Device("CPU_DEVICE")
        return replace(strict, kernels={**strict.kernels, "sum": lambda x, **how: right(x, **how).to_device(home)})


FAULTS |= {
    "copies_nothing_out": (_copies_nothing_out, [ARRAYS], "test_a_copy_is_made_on_the_way_in_and_out"),
    "copies_nothing_in": (_copies_nothing_in, [ARRAYS], "test_a_copy_is_made_on_the_way_in_and_out"),
    "takes_objects": (_takes_objects, [ARRAYS], "test_what_is_no_array_is_refused"),
    "ignores_the_device": (_ignores_the_device, [ARRAYS], "test_creation_is_on_the_device_in_force"),
    "computes_on_another_device": (_computes_on_another_device, only("sum"), "sum-float64-value"),
}
ON_A_DEVICE = {"ignores_the_device": ":device1", "computes_on_another_device": ":device1"}


class Failures:
    """The tests that failed in a run."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.names.append(report.nodeid)


@pytest.mark.parametrize("name", FAULTS)
def test_it_is_found(name: str, tmp_path: Path) -> None:
    make, found_by, finding = FAULTS[name]
    broken = f"broken_{name.lower()}"
    backend = replace(make(), name=broken)
    cr.register_backend(broken, lambda: backend)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    failures = Failures()
    arguments = ["--pyargs", *found_by, "--backend", broken + ON_A_DEVICE.get(name, ""), "--steps", "3000"]
    quiet = ["-c", str(tmp_path / "pytest.ini"), "-p", "no:terminal", "-p", "no:cacheprovider", "--capture=no"]
    code = pytest.main([*arguments, *quiet], plugins=[failures])
    assert code == pytest.ExitCode.TESTS_FAILED
    assert fnmatch.filter(failures.names, f"*{finding}*"), failures.names
