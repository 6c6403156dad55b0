"""Boxes: the stretch of each axis that an index of integers and slices takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from chainrule._dim import has_dim
from chainrule._graph import Instruction
from chainrule._passes._rewrite import Producers, made
from chainrule._symbol import Symbol

Box = tuple[tuple[int, int], ...]


def box_of(key: Any, shape: tuple[int, ...]) -> Box | None:
    """The first and the end of each axis' stretch, None if the index leaves out elements between or turns them round.

    >>> box_of((-1, (1, None, None)), (5, 4, 3))
    ((4, 5), (1, 4), (0, 3))
    """
    parts = list(key)
    missing = len(shape) - sum(part is not None and part is not Ellipsis for part in parts)
    at = next((i for i, part in enumerate(parts) if part is Ellipsis), len(parts))
    parts[at : at + 1] = [(None, None, None)] * missing
    lengths = iter(shape)
    box = []
    for part in parts:
        if part is None:
            continue
        n = next(lengths)
        if type(part) is int:
            box.append((part % n, part % n + 1))
            continue
        if type(part) is not tuple or has_dim(part):
            return None
        taken = range(n)[slice(*part)]
        if taken.step != 1 and len(taken) > 1:
            return None
        box.append((taken[0], taken[0] + len(taken)) if taken else (0, 0))
    return tuple(box)


def side_by_side(parts: Sequence[Instruction], total: Instruction, producers: Producers) -> list[Instruction]:
    """The instructions that make an array of parts, if each of its elements is in one of them; else none.

    Args:
        parts: instructions that put values at places of an array of zeros.
        total: the instruction that these are for.
        producers: what made the values.
    """
    shape: Any = total.outputs[0].shape
    reshape, concat, stack = map(producers.op, ("reshape", "concat", "stack"))
    placed = sorted([(box_of(part.attributes["key"], shape) or (), i) for i, part in enumerate(parts)])
    if reshape is None or concat is None or stack is None or len(placed[0][0]) != len(shape):
        return []
    boxes = [box for box, _ in placed]
    divided = [axis for axis, n in enumerate(shape) if any(box[axis] != (0, n) for box in boxes)]
    if not divided:
        return []
    last = divided[-1]
    before, after = shape[:last], shape[last + 1 :]
    steps: list[Instruction] = []

    def reshaped(x: Symbol, shape: Any) -> Symbol:
        if x.shape != shape:
            steps.append(made(reshape, (x,), total, shape=shape))
            (x,) = steps[-1].outputs
        return x

    if all(stop - start == 1 for box in boxes for start, stop in box[: last + 1]):
        if len(set(boxes)) != len(boxes) or len(boxes) != math.prod(shape[: last + 1]):
            return []
        values = [reshaped(parts[i].inputs[0], after) for _, i in placed]
        steps.append(made(stack, tuple(values), total, axis=0))
        reshaped(steps[-1].outputs[0], shape)
        return steps
    starts, stops = zip(*(box[last] for box in boxes), strict=True)
    if len(divided) > 1 or starts != (0, *stops[:-1]) or stops[-1] != shape[last]:
        return []
    widths = [stop - start for start, stop in zip(starts, stops, strict=True)]
    values = [reshaped(parts[i].inputs[0], (*before, n, *after)) for n, (_, i) in zip(widths, placed, strict=True)]
    return [*steps, made(concat, tuple(values), total, axis=last)]
