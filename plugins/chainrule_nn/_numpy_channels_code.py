"""Convolution with a channel a group in machine code: as many channels at a time as a vector holds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from chainrule_nn._numpy_conv_code import NANOSECONDS, Sizes, image, room, strides, takes
from chainrule_nn._windows import Along, offsets, volume
from chainrule_numpy.machine_code import Kernels, contiguous, in_parts

if TYPE_CHECKING:
    from chainrule_numpy.machine_code import Writer

_WINDOWS: Final = 8  # that are summed at the same time
_LARGEST: Final = 25  # elements of a window whose gradient has code
_SLOWER: Final = 4  # times as long a product takes as in `conv`, which reads a number once for several


def conv(x: Any, w: Any, axes: tuple[Along, ...], out: Any = None) -> Any:
    """The convolution of each channel with its weights, in `out` if given; None where there is no machine code."""
    sizes = Sizes(axes, x.shape[-1], x.shape[-1])
    products = len(x) * _products(sizes)
    work = _conv(str(x.dtype), x.shape[-1], sizes) if takes(x, w, products) else None
    if work is None:
        return None
    y = np.empty((len(x), *sizes.result), x.dtype) if out is None else out
    arrays = contiguous(x), contiguous(w), y
    in_parts(work, len(x), _SLOWER * NANOSECONDS * products, lambda: (*arrays, room(x, sizes)))
    return y


def conv_weight_gradient(x: Any, y: Any, axes: tuple[Along, ...]) -> Any:
    """The gradient of `sum(y * conv(x, w))` by `w`; None where there is no machine code for it."""
    sizes = Sizes(axes, x.shape[-1], x.shape[-1])
    products = len(x) * _products(sizes)
    fits = volume(axes) <= _LARGEST and takes(x, y, products)
    work = _weights(str(x.dtype), x.shape[-1], sizes) if fits else None
    if work is None:
        return None
    shape = (*(a.window for a in axes), 1, x.shape[-1])
    arrays = contiguous(x), contiguous(y)
    parts = in_parts(
        *(work, len(x), _SLOWER * NANOSECONDS * products),
        lambda: (*arrays, np.zeros(shape, x.dtype), room(x, sizes)),
    )
    return sum((part[2] for part in parts[1:]), parts[0][2])


def _products(sizes: Sizes) -> int:
    return math.prod(sizes.result) * volume(sizes.axes)


def _write_conv(w: Writer, sizes: Sizes) -> None:
    x, weights, y, room = map(w.array, range(4))
    steps, results, last = strides(sizes.padded), strides(sizes.result), sizes.axes[-1]
    with w.part() as b:
        here, there = image(w, x, b, room, sizes), w.at(y, (b, math.prod(sizes.result)))
        for channel, (count,) in w.vectors(sizes.channels, 1):
            places = [w.at(p, (channel, 1)) for p in (here, weights, there)]
            with ExitStack() as loops:
                at = [loops.enter_context(w.loop(a.count)) for a in sizes.axes[:-1]]
                from_window = [(i, s * a.stride) for i, s, a in zip(at, steps, sizes.axes, strict=False)]
                row = w.at(places[0], *from_window), w.at(places[2], *zip(at, results, strict=False))
                whole, rest = divmod(last.count, _WINDOWS)
                with w.loop(whole) as i:
                    block = (
                        w.at(row[0], (i, _WINDOWS * last.stride * steps[-2])),
                        w.at(row[1], (i, _WINDOWS * results[-2])),
                    )
                    _write_block(w, block[0], places[1], block[1], _WINDOWS, count, sizes)
                if rest:
                    done = whole * _WINDOWS
                    block = w.at(row[0], (done, last.stride * steps[-2])), w.at(row[1], (done, results[-2]))
                    _write_block(w, block[0], places[1], block[1], rest, count, sizes)


def _write_block(w: Writer, x: str, weights: str, y: str, windows: int, count: int | None, sizes: Sizes) -> None:
    """Some windows next to each other."""
    sums = [w.variable(w.constant(0.0)) for _ in range(windows)]
    steps, lengths = strides(sizes.padded), [a.window for a in sizes.axes]
    with ExitStack() as loops:
        at = [loops.enter_context(w.loop(n)) for n in lengths]
        x = w.at(x, *((i, a.dilation * s) for i, a, s in zip(at, sizes.axes, steps, strict=False)))
        weight = w.load(w.at(weights, *zip(at, strides([*lengths, sizes.channels]), strict=False)), count)
        for p, total in enumerate(sums):
            element = w.load(w.at(x, (p, sizes.axes[-1].stride * steps[-2])), count)
            w.set(total, w.add(w.get(total), w.multiply(element, weight)))
    for p, total in enumerate(sums):
        w.store(w.get(total), w.at(y, (p, strides(sizes.result)[-2])), count)


def _write_weights(w: Writer, sizes: Sizes) -> None:
    x, y, weights, room = map(w.array, range(4))
    steps, results = strides(sizes.padded), strides(sizes.result)
    elements: Sequence[int] = [sum(i * s for i, s in zip(at, steps, strict=False)) for at in offsets(sizes.axes)]
    with w.part() as b:
        here, there = image(w, x, b, room, sizes), w.at(y, (b, math.prod(sizes.result)))
        for channel, (count,) in w.vectors(sizes.channels, 1):
            sums = [w.variable(w.constant(0.0)) for _ in elements]
            with ExitStack() as loops:
                at = [loops.enter_context(w.loop(a.count)) for a in sizes.axes]
                from_window = [(i, s * a.stride) for i, s, a in zip(at, steps, sizes.axes, strict=False)]
                value = w.load(w.at(there, *zip(at, results, strict=False), (channel, 1)), count)
                window = w.at(here, *from_window, (channel, 1))
                for element, total in zip(elements, sums, strict=True):
                    number = w.load(w.at(window, (element, 1)), count)
                    w.set(total, w.add(w.get(total), w.multiply(number, value)))
            for k, total in enumerate(sums):
                place = w.at(weights, (k, sizes.channels), (channel, 1))
                w.store(w.add(w.load(place, count), w.get(total)), place, count)


_conv: Final = Kernels(_write_conv)
_weights: Final = Kernels(_write_weights)
