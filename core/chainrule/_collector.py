"""The collector of reference cycles while a graph or a program grows.

A graph that is being recorded is all new objects, none of them garbage. The collector's full passes, one each time that
their number has grown by a quarter, would visit each of a million nodes five times, which takes as long as recording
them. So while something records, or is compiled, full passes are due less often; young garbage is collected as ever.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_PATIENCE: Final = 50  # how many times as long until a full pass is due

_lock = threading.Lock()
_recordings = 0
_before = _during = (0, 0, 0)


def recording_starts() -> None:
    """Have full passes less often until as many recordings have ended as have started, in whatever threads."""
    global _recordings, _before, _during
    with _lock:
        if _recordings == 0:
            _before = gc.get_threshold()
            _during = (_before[0], _before[1], _before[2] * _PATIENCE)
            gc.set_threshold(*_during)
        _recordings += 1


def recording_ends() -> None:
    """Undo `recording_starts`, unless somebody has set other thresholds meanwhile."""
    global _recordings
    with _lock:
        _recordings -= 1
        if _recordings == 0 and gc.get_threshold() == _during:
            gc.set_threshold(*_before)


@contextmanager
def growing() -> Iterator[None]:
    """Have full passes less often in a `with` block."""
    recording_starts()
    try:
        yield
    finally:
        recording_ends()
