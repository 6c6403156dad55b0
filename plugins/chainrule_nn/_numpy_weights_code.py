"""The gradient of a convolution's weights in machine code: a block of it at a time stays in registers.

A block is some elements of a window, and as many of the result's channels as some vectors hold. Windows that lie near
each other are gone through for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from chainrule_nn._numpy_conv_code import NANOSECONDS, VECTORS, Sizes, image, room, strides, takes
from chainrule_nn._windows import Along, offsets
from chainrule_numpy.machine_code import Kernels, contiguous, in_parts

if TYPE_CHECKING:
    from chainrule_numpy.machine_code import Writer

_TILE: Final = 256  # windows; what a block takes from them stays in the first-level cache


def conv_weight_gradient(x: Any, y: Any, axes: tuple[Along, ...]) -> Any:
    """The gradient of `sum(y * conv(x, w))` by `w`; None where there is no machine code for it."""
    sizes = Sizes(axes, x.shape[-1], y.shape[-1])
    products = len(x) * sizes.products
    work = _weights(str(x.dtype), sizes.results, sizes) if takes(x, y, products) else None
    if work is None:
        return None
    shape = (*(a.window for a in axes), sizes.channels, sizes.results)
    arrays = contiguous(x), contiguous(y)
    parts = in_parts(
        *(work, len(x), NANOSECONDS * products),
        lambda: (*arrays, np.zeros(shape, x.dtype), room(x, sizes)),
    )
    (_, _, total, _), *others = parts
    for _, _, part, _ in others:
        total += part
    return total


def _write(w: Writer, sizes: Sizes) -> None:
    x, y, weights, room = map(w.array, range(4))
    with w.part() as b:
        whole = image(w, x, b, room, sizes), w.at(y, (b, math.prod(sizes.result)))
        for here, there, counts in _tiles(w, *whole, sizes):
            for channel, lanes in w.vectors(sizes.results, VECTORS):
                columns = w.at(there, (channel, 1)), w.at(weights, (channel, 1))
                for start, row, elements in _blocks(w, here, sizes, (w.registers - 1) // len(lanes) - 1):
                    block = w.at(columns[1], (row, sizes.results))
                    _write_block(w, start, elements, columns[0], counts, block, lanes, sizes)


def _tiles(w: Writer, x: str, y: str, sizes: Sizes) -> Iterator[tuple[str, str, list[str]]]:
    """Loops over windows that lie near each other, so many that what they are computed from stays in cache.

    Yields:
        Where they begin in `x` and in `y`, and how many they are along each axis.
    """
    counts = [a.count for a in sizes.axes]
    axis = max(len(counts) - 2, 0)
    with ExitStack() as loops:
        at = [loops.enter_context(w.loop(n)) for n in counts[:axis]]
        start, count = loops.enter_context(w.pieces(counts[axis], max(1, _TILE // math.prod(counts[axis + 1 :]))))
        from_window = zip((*at, start), strides(sizes.padded), sizes.axes, strict=False)
        x = w.at(x, *((i, step * a.stride) for i, step, a in from_window))
        y = w.at(y, *zip((*at, start), strides(sizes.result), strict=False))
        yield x, y, [*["1"] * axis, count, *map(str, counts[axis + 1 :])]


def _blocks(w: Writer, x: str, sizes: Sizes, most: int) -> Iterator[tuple[str, str | int, list[int]]]:
    """Loops over the elements of a window, up to so many at once.

    Yields:
        The place of the first one in `x`, which one it is, and how far from that place each of them is.
    """
    steps = strides(sizes.padded)
    runs = math.prod(a.window for a in sizes.outer)
    if runs * sizes.run <= most:
        starts = [sum(i * s for i, s in zip(at, steps, strict=False)) for at in offsets(sizes.outer)]
        yield x, 0, [start + k for start in starts for k in range(sizes.run)]
        return
    length = -(-sizes.run // -(-sizes.run // most))  # of blocks as long as each other, but for the last one
    whole, rest = divmod(sizes.run, length)
    with ExitStack() as loops:
        at = [loops.enter_context(w.loop(a.window)) for a in sizes.outer]
        x = w.at(x, *((i, a.dilation * s) for i, a, s in zip(at, sizes.outer, steps, strict=False)))
        row = w.index(*((i, n * sizes.run) for i, n in zip(at, strides([a.window for a in sizes.outer]), strict=True)))
        with w.loop(whole) as k:
            yield w.at(x, (k, length)), w.index((row, 1), (k, length)), list(range(length))
        if rest:
            done = whole * length
            yield w.at(x, (done, 1)), w.index((row, 1), (done, 1)), list(range(rest))


def _write_block(
    w: Writer,
    x: str,
    elements: Sequence[int],
    y: str,
    windows: Sequence[str],
    weights: str,
    counts: Sequence[int | None],
    sizes: Sizes,
) -> None:
    """Add to some elements' weights what these windows have, from `x` and `y` on."""
    sums = [[w.variable(w.constant(0.0)) for _ in counts] for _ in elements]
    with ExitStack() as loops:
        at = [loops.enter_context(w.loop(n)) for n in windows]
        from_window = [(i, s * a.stride) for i, s, a in zip(at, strides(sizes.padded), sizes.axes, strict=False)]
        x, y = w.at(x, *from_window), w.at(y, *zip(at, strides(sizes.result), strict=False))
        by = [w.load(w.at(y, (v * w.lanes, 1)), n) for v, n in enumerate(counts)]
        for element, block in zip(elements, sums, strict=True):
            number = w.everywhere(w.at(x, (element, 1)))
            for total, value in zip(block, by, strict=True):
                w.set(total, w.add(w.get(total), w.multiply(number, value)))
    for k, block in enumerate(sums):
        for v, (total, n) in enumerate(zip(block, counts, strict=True)):
            place = w.at(weights, (k, sizes.results), (v * w.lanes, 1))
            w.store(w.add(w.load(place, n), w.get(total)), place, n)


_weights: Final = Kernels(_write)
