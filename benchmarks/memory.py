"""Peak memory: of a process, and of one step of a computation."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

MIB = 2**20
_STATUS = Path("/proc/self/status")


def peak_of_process() -> float:
    """The most that this process has had in memory so far, in MiB.

    `getrusage` counts, on Linux, what the process was forked from; the kernel's own record of the program does not.
    """
    if _STATUS.exists():
        line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    import resource  # not on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB  # macOS counts bytes


def peak_of_step(make: Callable[[], Callable[[], Any]], warm: int = 3) -> float:
    """The most that NumPy's arrays take during a step, in MiB: parameters, what is kept between steps, temporaries.

    Args:
        make: gives the step; what it allocates counts.
        warm: steps to do before.
    """
    tracemalloc.start(1)
    try:
        step = make()
        for _ in range(warm):
            step()
        tracemalloc.reset_peak()
        step()
        peak = tracemalloc.get_traced_memory()[1]
        objects = tracemalloc.take_snapshot().filter_traces([tracemalloc.DomainFilter(True, 0)])  # Python's own
        return (peak - sum(trace.size for trace in objects.traces)) / MIB
    finally:
        tracemalloc.stop()
