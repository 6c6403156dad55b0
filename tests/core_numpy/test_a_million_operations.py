"""A chain of a million operations, built, differentiated and freed."""

from __future__ import annotations

import gc
import time

import pytest

import chainrule as cr


def test_a_million_operations_take_ten_times_as_long_as_a_tenth():
    def seconds(n):
        start = time.process_time()
        with cr.GradientTape() as tape:
            x = tape.watch(cr.tensor(1.0))
            y = x
            for _ in range(n):
                y = y * 1.0000001
        assert tape.gradient(y, x).item() == pytest.approx(1.0000001**n, rel=1e-6)
        del tape, x, y
        return time.process_time() - start

    gc.collect()
    gc.freeze()  # so that full collections do not walk what other tests left
    try:
        short = seconds(100_000)
        assert seconds(1_000_000) < 25 * short
    finally:
        gc.unfreeze()
