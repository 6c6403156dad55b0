"""Pooling in machine code: a window at a time, and of it as many channels as a vector holds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from chainrule_nn._windows import Along, offsets, volume
from chainrule_numpy.machine_code import Kernels, contiguous, in_parts

if TYPE_CHECKING:
    from chainrule_numpy.machine_code import Writer

_FEW: Final = 1 << 15  # elements, for which compiling takes too long
_NANOSECONDS: Final = 0.1  # that reading or writing a byte takes, about
_LARGEST: Final = 64  # elements of a window, each of which has code of its own
_UNROLLED: Final = 64  # elements of windows of all channels


def max_pool(x: Any, axes: tuple[Along, ...], out: Any) -> Any:
    """The largest elements of a padded array's windows, in `out` if given; None if there is no machine code."""
    work = _max_pool(str(x.dtype), x.shape[-1], x.shape[1:], axes) if _takes(x, axes) else None
    if work is None:
        return None
    y = np.empty((len(x), *(a.count for a in axes), x.shape[-1]), x.dtype) if out is None else out
    arrays = contiguous(x), y
    in_parts(work, len(x), _NANOSECONDS * x.nbytes, lambda: arrays)
    return y


def max_pool_spread(g: Any, x: Any, y: Any, result: Any, disjoint: bool, axes: tuple[Along, ...]) -> bool:
    """Write shares of `g` into a result, which is contiguous; False where there is no machine code for it.

    Args:
        g: the gradient by the largest elements `y` of the windows of `x`, which is padded.
        x, y: see `g`.
        result: zeros, of the shape of `x`; where windows are disjoint, those of their elements may be anything.
        disjoint: whether no two windows have an element in common.
        axes: the windows.
    """
    how = x.shape[1:], axes, disjoint
    fits = _takes(x, axes) and g.dtype == y.dtype == x.dtype
    work = _spread(str(x.dtype), x.shape[-1], *how) if fits else None
    if work is None:
        return False
    arrays = *map(contiguous, (g, y, x)), result
    in_parts(work, len(x), 2 * _NANOSECONDS * x.nbytes, lambda: arrays)
    return True


def _takes(x: Any, axes: tuple[Along, ...]) -> bool:
    return volume(axes) <= _LARGEST and x.size >= _FEW and x.dtype in (np.float32, np.float64)


def _write_max_pool(w: Writer, shape: Sequence[int], axes: tuple[Along, ...]) -> None:
    for (y,), window, count in _windows(w, [w.array(1)], [w.array(0)], shape, axes):
        largest = reduce(w.maximum, [w.load(x, count) for (x,) in window])
        w.store(largest, y, count)


def _write_spread(w: Writer, shape: Sequence[int], axes: tuple[Along, ...], disjoint: bool) -> None:
    g_y, x_result = [w.array(0), w.array(1)], [w.array(2), w.array(3)]
    for (g, y), window, count in _windows(w, g_y, x_result, shape, axes):
        largest = w.load(y, count)
        hits = [w.equal(w.load(x, count), largest) for x, _ in window]
        share = w.divide(w.load(g, count), reduce(w.add, hits))
        for hit, (_, result) in zip(hits, window, strict=True):
            part = w.multiply(share, hit)
            w.store(part if disjoint else w.add(w.load(result, count), part), result, count)


def _windows(
    w: Writer, pooled: list[str], padded: list[str], shape: Sequence[int], axes: tuple[Along, ...]
) -> Iterator[tuple[list[str], list[list[str]], int | None]]:
    """Loops over windows and their channels: where these are in arrays of the result's shape, and of `shape`.

    The latter for each element of the window. Last comes how many channels there are, None if they fill a vector.
    """
    steps = _steps(shape)
    counts = (*(a.count for a in axes), shape[-1])
    with ExitStack() as loops:
        b = loops.enter_context(w.part())
        at = [loops.enter_context(w.loop(a.count)) for a in axes]
        from_window = [(i, step * a.stride) for i, step, a in zip(at, steps, axes, strict=False)]
        results = [w.at(p, (b, math.prod(counts)), *zip(at, _steps(counts), strict=False)) for p in pooled]
        windows = [w.at(p, (b, math.prod(shape)), *from_window) for p in padded]

        def here(channel: str | int, count: int | None) -> tuple[list[str], list[list[str]], int | None]:
            elements = [
                [w.at(p, *zip(element, steps, strict=False), (channel, 1)) for p in windows]
                for element in offsets(axes)
            ]
            return [w.at(p, (channel, 1)) for p in results], elements, count

        whole, rest = divmod(shape[-1], w.lanes)
        if whole * volume(axes) > _UNROLLED:
            with w.loop(whole) as vector:
                yield here(w.times(vector, w.lanes), None)
        else:
            for i in range(whole):
                yield here(i * w.lanes, None)
        if rest:
            yield here(whole * w.lanes, rest)


def _steps(shape: Sequence[int]) -> list[int]:
    return [math.prod(shape[i + 1 :]) for i in range(len(shape))]


_max_pool: Final = Kernels(_write_max_pool)
_spread: Final = Kernels(_write_spread)
