"""Sums of arrays that are zero but for some places, as gradients of slices are."""

from __future__ import annotations

from typing import Final

from chainrule._graph import Instruction
from chainrule._passes._rewrite import Found, Producers, Rules, instead, made


def _of_one_place(instruction: Instruction, producers: Producers) -> Found:
    """Values put at the same places of two arrays that are added are added first, and put there once."""
    a, b = instruction.inputs
    merged = _merged(producers.made(a, "scatter_add"), producers.made(b, "scatter_add"), instruction, producers)
    if merged is not None:
        return merged
    for total, x in ((a, b), (b, a)):  # (c + scatter) + scatter
        last = producers.made(x, "scatter_add")
        inner = producers.made(total, "add")
        if last is None or inner is None or inner.outputs[0].shape != instruction.outputs[0].shape:
            continue
        for rest, y in (inner.inputs, inner.inputs[::-1]):
            other = producers.made(y, "scatter_add")
            if other is None or not producers.used_once(total) or _is_same(other, last, rest):
                continue
            merged = _merged(other, last, instruction, producers)
            if merged is not None:
                merged[-1] = made(last.op, merged[-1].inputs, instruction, **last.attributes)
                return [*merged, instead(instruction.op, (rest, *merged[-1].outputs), instruction)]
    return None


def _is_same(a: Instruction, b: Instruction, rest: object) -> bool:
    return a is b or rest is b.outputs[0]


def _merged(
    a: Instruction | None, b: Instruction | None, instruction: Instruction, producers: Producers
) -> list[Instruction] | None:
    """The instructions that put the sum of two arrays' values at their places, if these are the same."""
    if a is None or b is None or a.attributes != b.attributes or a.inputs[1:] != b.inputs[1:]:
        return None
    x, y = a.inputs[0], b.inputs[0]
    if x.shape != y.shape or x.shape is None or x.dtype != y.dtype or a.outputs[0].dtype != b.outputs[0].dtype:
        return None
    total = made(instruction.op, (x, y), instruction)
    return [total, instead(a.op, (*total.outputs, *a.inputs[1:]), instruction, **a.attributes)]


SCATTERS: Final[Rules] = {"add": {_of_one_place: frozenset({"scatter_add"})}}
