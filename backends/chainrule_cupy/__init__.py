"""The backend `cupy`: CuPy on an NVIDIA GPU.

CuPy installs and imports on machines that have no GPU, so that it can be imported says nothing: it is asked for its
devices, and one small kernel has to compute.
"""

from __future__ import annotations

from typing import Any

from chainrule import Backend, BackendUnavailableError

INSTALL = "pip install 'chainrule[cupy]' (for CUDA 13; for CUDA 12, pip install 'cupy-cuda12x[ctk]' array-api-compat)"


def backend() -> Backend:
    """The CuPy backend.

    Raises:
        BackendUnavailableError: CuPy is not installed, finds no usable GPU, or cannot run a kernel on it.
    """
    try:
        import cupy
    except ModuleNotFoundError as error:
        if error.name != "cupy":
            raise
        raise BackendUnavailableError(f"backend 'cupy': CuPy is not installed; {INSTALL}") from error
    _find_device(cupy)
    _run_kernel(cupy)
    try:
        import array_api_compat.cupy as xp
    except ModuleNotFoundError as error:
        raise BackendUnavailableError(
            "backend 'cupy': array-api-compat is not installed; pip install 'chainrule[array-api]'"
        ) from error
    from chainrule_cupy._backend import cupy_backend

    return cupy_backend(cupy, xp)


def _find_device(cupy: Any) -> None:
    if cupy.cuda.is_available():
        return
    try:
        reason = f"it counts {cupy.cuda.runtime.getDeviceCount()} devices"
    except RuntimeError as error:
        reason = str(error)
    raise BackendUnavailableError(
        f"backend 'cupy': CuPy {cupy.__version__} is installed, but finds no usable GPU: {reason}. It needs an NVIDIA "
        "GPU and its driver (`nvidia-smi` shows both), and in a container access to them"
    )


def _run_kernel(cupy: Any) -> None:
    """Compile and run something: a device may be there without the CUDA libraries that are needed to use it."""
    try:
        result = (cupy.arange(2) + 1).sum().item()
    except (RuntimeError, ImportError, MemoryError, cupy.cuda.compiler.CompileException) as error:
        raise BackendUnavailableError(
            f"backend 'cupy': CuPy {cupy.__version__} finds a GPU, but cannot run a kernel on it: "
            f"{type(error).__name__}: {error}. If CUDA's libraries are missing: {INSTALL}"
        ) from error
    if result != 3:
        raise BackendUnavailableError(
            f"backend 'cupy': CuPy {cupy.__version__} finds a GPU, but 1 + 2 on it gives {result}"
        )
