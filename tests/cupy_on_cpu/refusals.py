"""What the stand-in refused and how much it computed: a journal that its libraries keep."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

# How each wrapper of CuPy's says that its library refuses: the attribute of its error, and the status.
_STATUSES = {
    "CUDARuntimeError": ("status", 801),
    "CUDADriverError": ("status", 801),
    "CUBLASError": ("status", 15),
    "CUSOLVERError": ("status", 9),
    "CUSPARSEError": ("status", 10),
    "CuFFTError": ("result", 16),
}
_PHRASE = "the CPU stand-in refuses"

_core: ctypes.CDLL | None = None


class RefusedError(RuntimeError):
    """Something that the stand-in cannot do, and a GPU can."""


def connect(core: ctypes.CDLL) -> None:
    """Read the journal of this library from now on."""
    global _core
    core.cupy_on_cpu_work.restype = ctypes.c_ulonglong
    _core = core


def is_connected() -> bool:
    """Whether the stand-in is loaded."""
    return _core is not None


def refuse(what: str) -> NoReturn:
    """Refuse, and note it."""
    _loaded().cupy_on_cpu_note_refusal(what.encode())
    raise RefusedError(f"{_PHRASE}: {what}")


def take() -> list[str]:
    """What was refused since the last call, in order."""
    buffer = ctypes.create_string_buffer(1000)
    taken = []
    while _loaded().cupy_on_cpu_take_refusal(buffer, len(buffer)):
        taken.append(buffer.value.decode(errors="replace"))
    return taken


def work() -> int:
    """How many kernels, copies and routines were run so far."""
    return int(_loaded().cupy_on_cpu_work())


@contextmanager
def expected(pattern: str) -> Iterator[None]:
    """A block in which something is refused, and nothing that this expression does not match.

    What is refused there does not count as a refusal of the run.
    """
    before = take()
    yield
    taken = take()
    for what in before:
        _loaded().cupy_on_cpu_note_refusal(what.encode())
    if not taken or not all(re.search(pattern, what) for what in taken):
        raise AssertionError(f"expected refusals that match {pattern!r}, got {taken}")


def is_refusal(error: BaseException | None) -> bool:
    """Whether an error is a refusal, or was raised because of or during one."""
    while error is not None:
        attribute, status = _STATUSES.get(type(error).__name__, ("", None))
        if isinstance(error, RefusedError) or _PHRASE in str(error):
            return True
        if attribute and getattr(error, attribute, None) == status:
            return True
        error = error.__cause__ or error.__context__
    return False


def _loaded() -> ctypes.CDLL:
    assert _core is not None, "the stand-in is not active"
    return _core
