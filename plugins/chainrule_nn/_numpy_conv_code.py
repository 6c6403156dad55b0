"""Convolution in machine code: a block of the result at a time stays in registers until it is complete.

A block is some windows next to each other, and as many of the result's channels as some vectors hold. The elements of
a window are gone through once for it, each with the weights that take it to those channels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from chainrule_nn._windows import Along
from chainrule_numpy.machine_code import Kernels, contiguous, in_parts

if TYPE_CHECKING:
    from chainrule_numpy.machine_code import Writer

_FEW: Final = 1 << 20  # products, for which compiling takes too long
NANOSECONDS: Final = 0.03  # that a product takes, about
_LARGE: Final = 1 << 20  # bytes of weights, which the second-level cache does not hold; BLAS goes through them better
VECTORS: Final = 2  # of channels of the result


class Sizes(NamedTuple):
    """What the code for a convolution depends on.

    Attributes:
        axes: its windows.
        channels: of the array.
        results: the result's channels.
    """

    axes: tuple[Along, ...]
    channels: int
    results: int

    @property
    def image(self) -> tuple[int, ...]:
        """One array of the batch."""
        return (*(a.size for a in self.axes), self.channels)

    @property
    def padded(self) -> tuple[int, ...]:
        """The same with its padding."""
        return (*(a.low + a.size + a.high for a in self.axes), self.channels)

    @property
    def is_padded(self) -> bool:
        """Whether there is any."""
        return self.image != self.padded

    @property
    def result(self) -> tuple[int, ...]:
        """One result of the batch."""
        return (*(a.count for a in self.axes), self.results)

    @property
    def run(self) -> int:
        """How many elements of a window lie next to each other."""
        last = self.axes[-1]
        return int(self.channels * (last.window if last.dilation == 1 else 1))

    @property
    def outer(self) -> tuple[Along, ...]:
        """The axes along which a window's runs follow each other."""
        return self.axes[:-1] if self.axes[-1].dilation == 1 else self.axes

    @property
    def products(self) -> int:
        """How many numbers are multiplied, for one of the batch."""
        window: int = math.prod(a.window for a in self.axes)
        return math.prod(self.result) * window * self.channels


def takes(x: Any, w: Any, products: int) -> bool:
    """Whether there is to be machine code for arrays of these dtypes, of which so many numbers are multiplied."""
    return products >= _FEW and x.dtype == w.dtype and x.dtype in (np.float32, np.float64)


def conv(x: Any, w: Any, axes: tuple[Along, ...], out: Any = None) -> Any:
    """The convolution of `x` with the weights `w`, in `out` if given; None where there is no machine code for it."""
    sizes = Sizes(axes, x.shape[-1], w.shape[-1])
    products = len(x) * sizes.products
    fits = w.nbytes <= _LARGE and takes(x, w, products)
    work = _conv(str(x.dtype), sizes.results, sizes) if fits else None
    if work is None:
        return None
    y = np.empty((len(x), *sizes.result), x.dtype) if out is None else out
    arrays = contiguous(x), contiguous(w), y
    in_parts(work, len(x), NANOSECONDS * products, lambda: (*arrays, room(x, sizes)))
    return y


def room(x: Any, sizes: Sizes) -> Any:
    """Memory for one of the batch with its padding, which is there already."""
    return np.zeros(sizes.padded if sizes.is_padded else 0, x.dtype)


def image(w: Writer, x: str, b: str, room: str, sizes: Sizes) -> str:
    """Where the b-th of the batch is, with its padding."""
    here = w.at(x, (b, math.prod(sizes.image)))
    if not sizes.is_padded:
        return here
    have, steps = strides(sizes.image), strides(sizes.padded)
    start = w.at(room, *((a.low, step) for a, step in zip(sizes.axes, steps, strict=False)))
    with ExitStack() as loops:
        at = [loops.enter_context(w.loop(a.size)) for a in sizes.axes[:-1]]
        source, target = (w.at(p, *zip(at, s, strict=False)) for p, s in ((here, have), (start, steps)))
        w.copy(source, target, sizes.axes[-1].size * sizes.channels)
    return room


def strides(shape: Sequence[int]) -> list[int]:
    """How many elements there are from one to the next along each axis."""
    return [math.prod(shape[i + 1 :]) for i in range(len(shape))]


def _write_conv(w: Writer, sizes: Sizes) -> None:
    x, weights, y, room = map(w.array, range(4))
    with w.part() as b:
        here, there = image(w, x, b, room, sizes), w.at(y, (b, math.prod(sizes.result)))
        for channel, counts in w.vectors(sizes.results, VECTORS):
            _write_channels(w, here, w.at(weights, (channel, 1)), w.at(there, (channel, 1)), counts, sizes)


def _write_channels(w: Writer, x: str, weights: str, y: str, counts: Sequence[int | None], sizes: Sizes) -> None:
    """Some channels of a result."""
    steps, results = strides(sizes.padded), strides(sizes.result)
    last = sizes.axes[-1]
    with ExitStack() as loops:
        at = [loops.enter_context(w.loop(a.count)) for a in sizes.axes[:-1]]
        from_window = [(i, step * a.stride) for i, step, a in zip(at, steps, sizes.axes, strict=False)]
        x, y = w.at(x, *from_window), w.at(y, *zip(at, results, strict=False))
        # Of blocks that are as long as each other, but for the last one.
        most = (w.registers - 1) // len(counts) - 1
        length = -(-last.count // -(-last.count // most))
        whole, rest = divmod(last.count, length)
        with w.loop(whole) as i:
            here = w.at(x, (i, length * last.stride * sizes.channels)), w.at(y, (i, length * sizes.results))
            _write_block(w, here[0], weights, here[1], length, counts, sizes)
        if rest:
            done = whole * length
            here = w.at(x, (done, last.stride * sizes.channels)), w.at(y, (done, sizes.results))
            _write_block(w, here[0], weights, here[1], rest, counts, sizes)


def _write_block(
    w: Writer, x: str, weights: str, y: str, length: int, counts: Sequence[int | None], sizes: Sizes
) -> None:
    """Some channels of windows next to each other."""
    sums = [[w.variable(w.constant(0.0)) for _ in counts] for _ in range(length)]
    steps, step = strides(sizes.padded), sizes.axes[-1].stride * sizes.channels
    runs = strides([*(a.window for a in sizes.outer), 1])
    with ExitStack() as loops:
        at = [loops.enter_context(w.loop(a.window)) for a in sizes.outer]
        x = w.at(x, *((i, a.dilation * s) for i, a, s in zip(at, sizes.outer, steps, strict=False)))
        weights = w.at(weights, *((i, n * sizes.run * sizes.results) for i, n in zip(at, runs, strict=False)))
        k = loops.enter_context(w.loop(sizes.run))
        by = [w.load(w.at(weights, (k, sizes.results), (v * w.lanes, 1)), n) for v, n in enumerate(counts)]
        for p, block in enumerate(sums):
            element = w.everywhere(w.at(x, (k, 1), (p, step)))
            for total, weight in zip(block, by, strict=True):
                w.set(total, w.add(w.get(total), w.multiply(element, weight)))
    for p, block in enumerate(sums):
        for v, (total, n) in enumerate(zip(block, counts, strict=True)):
            w.store(w.get(total), w.at(y, (p, sizes.results), (v * w.lanes, 1)), n)


_conv: Final = Kernels(_write_conv)
