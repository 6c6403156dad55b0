"""How far a long run is: a bar on a terminal, a few lines elsewhere."""

from __future__ import annotations

from typing import TextIO

_WIDTH = 30
_LINES = 4  # where a bar cannot be drawn over itself


class Progress:
    """Report steps to a stream, as a context manager; the bar's line is ended however the block is left.

    Args:
        total: how many steps there will be.
        stream: where to write.

    >>> import sys
    >>> with Progress(8, sys.stdout) as progress:
    ...     for step in range(1, 9):
    ...         progress.update(step, 1 / step)
     25%  step 2 of 8  loss 0.500
     50%  step 4 of 8  loss 0.250
     75%  step 6 of 8  loss 0.167
    100%  step 8 of 8  loss 0.125
    """

    def __init__(self, total: int, stream: TextIO) -> None:
        self._total = total
        self._stream = stream
        self._bar = stream.isatty()
        self._shown = 0

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar and self._shown:
            self._stream.write("\n")

    def update(self, step: int, loss: float) -> None:
        """Show that a step is done, if it is time to show anything."""
        stages = 100 if self._bar else _LINES
        stage = step * stages // self._total
        if stage > self._shown:
            self._shown = stage
            text = f"{100 * step // self._total:3d}%  step {step:,} of {self._total:,}  loss {loss:.3f}"
            if self._bar:
                done = _WIDTH * step // self._total
                text = f"\r[{'#' * done}{'.' * (_WIDTH - done)}] {text}\x1b[K"
            self._stream.write(text if self._bar else text + "\n")
            self._stream.flush()
