"""Run the installed CuPy on the CPU: `activate()` before anything imports `cupy`."""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import os
import sys
from types import ModuleType

from . import options, precompiled, refusals, versions
from .build import CORE, REPLACED, RUNTIME, Build, build


class UnavailableError(RuntimeError):
    """CuPy cannot run on the CPU here; the message says why and what to do."""


def activate() -> ModuleType:
    """CuPy, on the stand-in; builds what is missing.

    Returns:
        The module `cupy`.

    Raises:
        UnavailableError: Another CuPy is installed, or something that the stand-in needs is not.
        RuntimeError: CuPy is imported already, or building failed.
    """
    if "cupy" in sys.modules:
        raise RuntimeError("activate() comes before the first import of cupy, which binds it to its libraries")
    if reason := versions.problem():
        raise UnavailableError(reason)
    built = build()
    _set_environment(built)
    for name in (CORE, *(library.soname for library in REPLACED)):
        ctypes.CDLL(str(built.libraries / name), mode=ctypes.RTLD_GLOBAL)
    refusals.connect(ctypes.CDLL(str(built.libraries / CORE)))
    _install_runtime(built)
    cupy = importlib.import_module("cupy")
    precompiled.replace(cupy)
    if not options.has_pool():
        cupy.cuda.set_allocator(None)
    return cupy


def is_active() -> bool:
    """Whether CuPy runs on the stand-in in this process."""
    return refusals.is_connected()


def _set_environment(built: Build) -> None:
    os.environ |= {
        "CUPY_ACCELERATORS": "",  # CUB's and cuTENSOR's kernels are GPU machine code
        "CUPY_CACHE_DIR": str(built.kernels),  # never that of a real GPU
        "CUPY_ON_CPU_COMPILER": str(built.compiler),
        "CUPY_ON_CPU_SOURCES": str(built.sources),
        "CUPY_ON_CPU_LAPACK": str(versions.lapack()),
    }


def _install_runtime(built: Build) -> None:
    """Put the recompiled module where CuPy imports its own from."""
    package, _, name = RUNTIME.rpartition(".")
    spec = importlib.util.spec_from_file_location(RUNTIME, built.runtime)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[RUNTIME] = module
    spec.loader.exec_module(module)
    setattr(importlib.import_module(package), name, module)
