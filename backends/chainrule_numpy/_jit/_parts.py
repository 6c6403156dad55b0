"""A kernel that has threads compute parts of a large space."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np

from chainrule import Symbol, run_tasks
from chainrule_numpy._jit._entry import Array
from chainrule_numpy._jit._nest import Nest
from chainrule_numpy._jit._work import Work, ends, most_parts

_COMBINE: Final[dict[str, Any]] = {"sum": np.add, "max": np.maximum, "min": np.minimum}


class _Result(NamedTuple):
    """How a result comes together.

    Attributes:
        combine: how the parts' own results become one; None if all write into one array.
        start: what an array has to hold before, or None.
        divisor: what the result is divided by in the end.
        first: where in the array the space starts, for a scatter.
        overlap: how far what a part scatters reaches into the next one.
    """

    combine: Callable[..., Any] | None
    start: Any
    divisor: int
    first: int
    overlap: int


def can_be_parted(nest: Nest, nanoseconds: float) -> bool:
    """Whether parts of the space can be computed at the same time, and take long enough."""
    return (
        most_parts(nanoseconds) > 1
        and nest.lengths[0] > 1
        and not any(scatter.into_memory for scatter in nest.scatters)
    )


class Parts:
    """The kernel."""

    def __init__(
        self,
        native: Callable[..., tuple[Any, ...]],
        expected: Callable[..., tuple[Sequence[Any], Sequence[Any]]],
        outputs: Sequence[Array],
        nest: Nest,
        work: Work,
        nanoseconds: float,
    ) -> None:
        """Prepare it.

        Args:
            native: the kernel that computes all in one thread.
            expected: `(inputs, out)` to both of them as the machine code takes them.
            outputs: the results.
            nest: the loops.
            work: what computes a part.
            nanoseconds: about how long one thread takes.
        """
        self.native = native
        self._expected = expected
        self._outputs = outputs
        self._work = work
        self._length = nest.lengths[0]
        self._step = nest.lanes if nest.flat else 1
        self._nanoseconds = nanoseconds
        self._results = [_result(nest, y) for y in nest.outputs]

    def __call__(self, *inputs: Any, out: Sequence[Any] = ()) -> tuple[Any, ...]:
        marks = ends(self._length, self._nanoseconds, self._step)
        n = len(marks) - 1
        if n < 2:
            return self.native(*inputs, out=out) if out else self.native(*inputs)
        given, into = self._expected(inputs, out)
        arrays = [np.asarray(x) for x in given]
        into = into or (None,) * len(self._outputs)
        results = [
            np.empty(shape, dtype) if x is None or not shape else x
            for x, (shape, dtype) in zip(into, self._outputs, strict=True)
        ]
        own = [[self._own(r, x, i) for r, x in zip(self._results, results, strict=True)] for i in range(n)]
        seams = [[np.empty(r.overlap + 64, x.dtype) for r, x in zip(self._results, results, strict=True) if r.overlap]
                 for _ in range(n)]  # fmt: skip
        run_tasks([partial(self._work, [*arrays, *own[i], *seams[i]], marks[i], marks[i + 1]) for i in range(n)])
        self._join(results, own, seams, marks)
        return tuple(x if x.shape else x[()] for x in results)

    def _own(self, how: _Result, x: Any, i: int) -> Any:
        """The array that a part writes into."""
        mine = x if i == 0 or how.combine is None else np.empty_like(x)
        if how.start is not None and (i == 0 or how.combine is not None):
            mine.fill(how.start)
        return mine

    def _join(self, results: Any, own: Any, seams: Any, marks: Sequence[int]) -> None:
        """Put together what the parts have computed."""
        scattered = 0
        for k, (how, x) in enumerate(zip(self._results, results, strict=True)):
            if how.combine is not None:
                for mine in own[1:]:
                    how.combine(x, mine[k], out=x)
            if how.divisor != 1:
                np.divide(x, x.dtype.type(how.divisor), out=x)
            if how.overlap:
                flat = x.reshape(-1)
                for end, seam in zip(marks[1:-1], seams, strict=False):
                    flat[how.first + end : how.first + end + how.overlap] += seam[scattered][: how.overlap]
                scattered += 1


def _result(nest: Nest, y: Symbol) -> _Result:
    reduction = nest.analysis.reductions.get(y)
    combine = _COMBINE[reduction.how] if reduction is not None and 0 in reduction.axes else None
    for result, start, divisor in nest.shared():
        if result is y:
            return _Result(combine, start, divisor, 0, 0)
    for scatter in nest.scatters:
        if scatter.result is y:
            return _Result(None, None, 1, scatter.first, scatter.overlap)
    return _Result(combine, None, 1, 0, 0)
