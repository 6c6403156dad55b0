"""Ten thousand steps of training take no more memory than the first thousand."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr

WARM = 1000
SLACK = 200_000  # bytes: a tenth of what keeping one array of each step would take


def meter(backend: cr.Backend) -> Callable[[], int]:
    """What tells how much memory arrays take: the backend's figure, or Python's where it sees the library's arrays."""
    if "used" in backend.memory(None):
        return lambda: backend.memory(None)["used"]
    before = tracemalloc.get_traced_memory()[0]
    probe = cr.zeros((1_000_000,))
    seen = tracemalloc.get_traced_memory()[0] - before
    assert probe.size == 1_000_000
    if seen < 1_000_000:
        pytest.skip(f"backend {backend.name!r} tells no figure 'used' of memory, and Python does not see its arrays")
    return lambda: tracemalloc.get_traced_memory()[0]


@pytest.mark.parametrize("way", ["eager", "compiled"])
def test_memory_is_steady(backend: cr.Backend, way: str, steps: int) -> None:
    x, y = cr.tensor(np.linspace(-1, 1, 25)), cr.tensor(np.linspace(0, 2, 25))

    def step(w: Any) -> Any:
        return w - 0.004 * cr.grad(lambda w: cr.sum((w * x - y) ** 2))(w)

    run = step if way == "eager" else cr.function(step)
    w = cr.zeros((25,))
    tracemalloc.start()
    gc.disable()  # a cycle would be a leak where nobody collects
    try:
        used = meter(backend)
        for _ in range(min(WARM, steps)):
            w = run(w)
        backend.synchronize(None)
        before = used()
        for n in range(steps):
            w = run(w)
            if n % 100 == 99:
                backend.synchronize(None)  # libraries that only note what to do would note all of it
        backend.synchronize(None)
        grown = used() - before
    finally:
        gc.enable()
        tracemalloc.stop()
    assert np.isfinite(w.numpy()).all()
    assert grown < SLACK, f"{grown} bytes more after {steps} steps"
