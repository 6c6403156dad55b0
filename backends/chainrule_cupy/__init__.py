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
    reason = _no_device(cupy) or _no_kernel(cupy)
    if reason is not None:
        raise BackendUnavailableError(f"backend 'cupy': CuPy {cupy.__version__} {reason}", _unusable(cupy))
    try:
        import array_api_compat.cupy as xp
    except ModuleNotFoundError as error:
        raise BackendUnavailableError(
            "backend 'cupy': array-api-compat is not installed; pip install 'chainrule[array-api]'"
        ) from error
    from chainrule_cupy._backend import cupy_backend

    return cupy_backend(cupy, xp, cupy.cuda.runtime.getDeviceCount())


def _no_device(cupy: Any) -> str | None:
    """Why there is no device to use, if there is none."""
    if cupy.cuda.is_available():
        return None
    try:
        reason = f"it counts {cupy.cuda.runtime.getDeviceCount()} devices"
    except RuntimeError as error:
        reason = str(error)
    return (
        f"is installed, but finds no usable GPU: {reason}. It needs an NVIDIA GPU and its driver (`nvidia-smi` shows "
        "both), and in a container access to them"
    )


def _no_kernel(cupy: Any) -> str | None:
    """Why no kernel can run: a device may be there without the CUDA libraries that are needed to use it."""
    try:
        result = (cupy.arange(2) + 1).sum().item()
    except (RuntimeError, ImportError, MemoryError, cupy.cuda.compiler.CompileException) as error:
        return (
            f"finds a GPU, but cannot run a kernel on it: {type(error).__name__}: {error}. If CUDA's libraries are "
            f"missing: {INSTALL}"
        )
    return None if result == 3 else f"finds a GPU, but 1 + 2 on it gives {result}"


def _unusable(cupy: Any) -> Backend | None:
    """The backend as it would be on a device, to be asked what it has."""
    try:
        import array_api_compat.cupy as xp
    except ImportError:
        return None
    from chainrule_cupy._backend import cupy_backend

    return cupy_backend(cupy, xp, 0)
