"""Freed memory is kept for the next arrays, where the C library is glibc.

By itself glibc gives every larger array's memory back to the system when the array is freed. The next array's pages
come from the system anew, zeroed, which takes longer than computing what is written into them. With higher thresholds
a freed array's memory is used again: elementwise code on arrays of 0.3 to 64 MiB becomes up to four times as fast.

The thresholds are the whole process's. What a process needed at its peak may stay with it until it ends, up to `KEPT`
more than it holds at the time.
"""

from __future__ import annotations

import ctypes
import os
from typing import Final

from chainrule import ArgumentError

VARIABLE: Final = "CHAINRULE_KEEP_MEMORY"
LARGEST: Final = 64 << 20  # bytes of an array; what is larger goes back at once
KEPT: Final = 512 << 20  # bytes of free memory; what is more goes back

_THEIRS: Final = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")  # glibc's own variables
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3


def keep_memory() -> str:
    """Raise the C library's thresholds, unless the environment says not to; what came of it, in words.

    Raises:
        ArgumentError: the environment variable has a wrong value.
    """
    text = os.environ.get(VARIABLE, "").strip()
    if text not in ("", "0", "1"):
        raise ArgumentError(f"{VARIABLE}: expected 0 or 1, got {text!r}")
    if text == "0":
        return f"goes back to the system ({VARIABLE})"
    theirs = [name for name in _THEIRS if os.environ.get(name)]
    if theirs:
        return f"is as {theirs[0]} says"
    if not _is_glibc():
        return "is left to the C library, which is not glibc"
    set_threshold = ctypes.CDLL(None).mallopt
    if not (set_threshold(_M_MMAP_THRESHOLD, LARGEST) and set_threshold(_M_TRIM_THRESHOLD, KEPT)):
        return "is left to the C library, which refused"
    return f"is kept for the next arrays, up to {KEPT >> 20} MiB"


def _is_glibc() -> bool:
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (AttributeError, ValueError, OSError):  # no such name here
        return False
