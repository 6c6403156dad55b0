"""When the CuPy backend can compute and what it says when not: CuPy installs and imports where there is no GPU."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import chainrule as cr
import chainrule_cupy


class CompileError(Exception):
    """As CuPy's CompileException: no RuntimeError."""


def stand_in(*, available: bool, count: Any = 1, arange: Any = np.arange) -> ModuleType:
    """A module `cupy` whose answers to the probe are given; `count` and `arange` may be errors, which are raised."""

    def answer(value: Any) -> Any:
        def function(*args: Any) -> Any:
            if isinstance(value, Exception):
                raise value
            return value(*args) if callable(value) else value

        return function

    module = ModuleType("cupy")
    runtime = SimpleNamespace(getDeviceCount=answer(count))
    compiler = SimpleNamespace(CompileException=CompileError)
    parts = {
        "__version__": "14.2.0",
        "cuda": SimpleNamespace(is_available=lambda: available, runtime=runtime, compiler=compiler),
        "arange": answer(arange),
    }
    module.__dict__.update(parts)
    return module


def pretend(monkeypatch: pytest.MonkeyPatch, module: ModuleType | None) -> None:
    """Put this module in CuPy's place, and take away what was made of CuPy if a test before this one computed by it."""
    monkeypatch.setitem(sys.modules, "cupy", module)
    monkeypatch.setitem(sys.modules, "array_api_compat.cupy", None)


def refusal(monkeypatch: pytest.MonkeyPatch, module: ModuleType | None) -> str:
    """What the backend says with this module as CuPy."""
    pretend(monkeypatch, module)
    with pytest.raises(cr.BackendUnavailableError) as info:
        chainrule_cupy.backend()
    assert str(info.value).startswith("backend 'cupy': ")
    return str(info.value)


def test_cupy_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    message = refusal(monkeypatch, None)
    assert "CuPy is not installed" in message
    assert "pip install 'chainrule[cupy]'" in message


def test_no_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    reason = "cudaErrorInsufficientDriver: CUDA driver version is insufficient for CUDA runtime version"
    message = refusal(monkeypatch, stand_in(available=False, count=RuntimeError(reason)))
    assert "CuPy 14.2.0 is installed, but finds no usable GPU" in message
    assert reason in message
    assert "driver" in message


def test_no_device(monkeypatch: pytest.MonkeyPatch) -> None:
    reason = "cudaErrorNoDevice: no CUDA-capable device is detected"
    assert reason in refusal(monkeypatch, stand_in(available=False, count=RuntimeError(reason)))
    assert "it counts 0 devices" in refusal(monkeypatch, stand_in(available=False, count=0))


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("Failed to find CUDA headers"),
        ImportError('Failure finding "libnvrtc.so"'),
        CompileError("nvrtc: error: invalid value for --gpu-architecture"),
        MemoryError("Out of memory allocating 512 bytes"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_the_first_kernel_fails(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    message = refusal(monkeypatch, stand_in(available=True, arange=error))
    assert "finds a GPU, but cannot run a kernel on it" in message
    assert f"{type(error).__name__}: {error}" in message
    assert "pip install 'chainrule[cupy]'" in message


def test_the_first_kernel_computes_nonsense(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "1 + 2 on it gives 2" in refusal(monkeypatch, stand_in(available=True, arange=np.zeros))


def test_a_fault_of_our_own_is_not_taken_for_a_missing_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, stand_in(available=True, arange=ZeroDivisionError("bug")))
    with pytest.raises(ZeroDivisionError):
        chainrule_cupy.backend()


def test_the_choice_carries_the_reason_and_is_asked_again(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, stand_in(available=False, count=RuntimeError("no driver")))
    for _ in range(2):
        with pytest.raises(cr.BackendUnavailableError, match=r"set_backend: backend 'cupy': .*no driver"):
            cr.set_backend("cupy:0")
    assert cr.get_backend().name == "numpy"


def test_importing_the_backend_imports_no_cupy(run_python: Any) -> None:
    done = run_python("import sys, chainrule_cupy; print('cupy' in sys.modules)")
    assert done.stdout == "False\n", done.stderr


@pytest.mark.skipif(importlib.util.find_spec("cupy") is None, reason="CuPy is not installed")
def test_the_real_cupy_computes_or_says_why_not() -> None:
    import cupy

    if not cupy.cuda.is_available():
        with pytest.raises(cr.BackendUnavailableError, match=r"finds no usable GPU: cuda\w+: ") as info:
            chainrule_cupy.backend()
        assert info.value.backend is not None  # which can be asked what it has
        assert cr.check(lambda x: cr.sum(cr.exp(x)), cr.Spec((2,), "float32"), backend="cupy").lacks == ()
        return
    backend = chainrule_cupy.backend()
    x = backend.asarray([1.0, 2.0], None, "0")
    assert backend.device_of(x) == "0"
    assert backend.to_numpy(x + x).tolist() == [2.0, 4.0]
    backend.synchronize("0")
    assert {"total", "free", "pool", "used"} <= backend.memory("0").keys()
    assert len(backend.notes()) == len(backend.devices())
    assert "compute capability" in backend.notes()[0]
