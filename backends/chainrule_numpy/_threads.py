"""The threads of the BLAS libraries that NumPy and SciPy call: threadpoolctl knows how each is told."""

from __future__ import annotations

import ctypes
import itertools
import sys
import threading
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any, Final

# What loads a BLAS, each its own where it comes from a wheel.
_USERS: Final = ("numpy", "scipy.linalg")

_lock = threading.Lock()
_libraries: Sequence[Any] = ()
_users: Sequence[str] = ()  # whose libraries these are
_own: dict[Any, int] = {}  # how many threads the libraries had that are told now how many to have


def has_control() -> bool:
    """Whether BLAS's threads can be set."""
    return find_spec("threadpoolctl") is not None


def set_threads(n: int | None) -> None:
    """Set how many threads each BLAS computes with; None: as many as it had before the first of such calls."""
    with _lock:
        if n is None:
            while _own:
                library, own = _own.popitem()
                library.set_num_threads(own)
            return
        for library in _loaded():
            if library not in _own:
                _own[library] = library.num_threads
            library.set_num_threads(n)


def _loaded() -> Sequence[Any]:
    """The BLAS libraries that are loaded, looked for again when more can have come."""
    global _libraries, _users
    users = [name for name in _USERS if name in sys.modules]
    if users != _users and has_control():
        from threadpoolctl import ThreadpoolController

        known = {library.filepath for library in _libraries}
        found = ThreadpoolController().select(user_api="blas").lib_controllers
        _libraries = [*_libraries, *[library for library in found if library.filepath not in known]]
        _users = users
    return _libraries


def _function(library: Any, name: str) -> Any:
    """A function of OpenBLAS, under one of the names that it may have; None where there is none."""
    if library.internal_api != "openblas":
        return None
    functions = ctypes.PyDLL(library.filepath)
    names = [f"{prefix}{name}{suffix}" for prefix, suffix in itertools.product(("scipy_", ""), ("64_", "_64", ""))]
    return next((getattr(functions, name) for name in names if hasattr(functions, name)), None)


def openblas(*names: str) -> tuple[Sequence[Any], bool] | None:
    """Functions of OpenBLAS, and whether its integers have 64 bits; None where NumPy calls another BLAS."""
    with _lock:
        for library in _loaded():
            config, *functions = [_function(library, name) for name in ("openblas_get_config", *names)]
            if config is not None and all(functions):
                config.restype = ctypes.c_char_p
                return functions, b"USE64BITINT" in config()
    return None


def report() -> Iterator[str]:
    """Lines for `chainrule info`."""
    if not has_control():
        yield (
            "BLAS: its threads are not set by chainrule, because threadpoolctl is not installed; "
            "pip install 'chainrule[threads]', or set OPENBLAS_NUM_THREADS or MKL_NUM_THREADS"
        )
    with _lock:
        for library in _loaded():
            n = library.num_threads
            yield f"BLAS: {library.internal_api} {library.version}, {n} thread{'s' * (n != 1)}"
