"""Identities of shapes, axes and broadcasting."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from chainrule._dim import has_dim
from chainrule._graph import Instruction
from chainrule._passes._algebra import twice
from chainrule._passes._boxes import box_of
from chainrule._passes._coefficients import like
from chainrule._passes._rewrite import ALWAYS, Found, Producers, Rules, instead, made
from chainrule._symbol import Symbol
from chainrule.infer import broadcast_shapes


def is_plain(*values: Any) -> bool:
    """Whether these are arrays whose lengths are all known."""
    return all(type(x) is Symbol and x.shape is not None and not x.weak and not has_dim(x.shape) for x in values)


def size_of(x: Any) -> int:
    """The number of elements of an array whose lengths are all known."""
    return math.prod(x.shape)


def _of_its_kind(instruction: Instruction, producers: Producers) -> Found:
    """The same operation on what another of its kind got: it decides alone."""
    (x,), (y,) = instruction.inputs, instruction.outputs
    if like(x, y):
        return (x,)
    inner = producers.made(x, instruction.op.name)
    return None if inner is None else instead(instruction.op, inner.inputs, instruction, **instruction.attributes)


def _permute(instruction: Instruction, producers: Producers) -> Found:
    (x,), axes = instruction.inputs, instruction.attributes["axes"]
    axes = tuple(a % len(axes) for a in axes)
    if axes == tuple(range(len(axes))):
        return (x,)
    inner = producers.made(x, "permute_dims")
    before = None if inner is None else tuple(a % len(axes) for a in inner.attributes["axes"])
    if inner is None and len(axes) > 1:
        inner = producers.made(x, "matrix_transpose")
        before = (*range(len(axes) - 2), len(axes) - 1, len(axes) - 2)
    if inner is None or before is None:
        return None
    return instead(instruction.op, inner.inputs, instruction, axes=tuple(before[a] for a in axes))


def _sum_of_broadcast(instruction: Instruction, producers: Producers) -> Found:
    """One number that was repeated, summed to one, is a multiple of it, and so is the sum that undoes a broadcast."""
    (x,), (y,) = instruction.inputs, instruction.outputs
    inner = producers.made(x, "broadcast_to")
    multiply, reshape = producers.op("multiply"), producers.op("reshape")
    if inner is None or multiply is None or reshape is None or not is_plain(x, y, inner.inputs[0]):
        return None
    (z,) = inner.inputs
    undone = instruction.op.name == "sum_to" and z.shape == y.shape
    if (
        y.dtype.kind != "float"
        or z.dtype != y.dtype
        or 0 in x.shape
        or not (undone or math.prod(z.shape + y.shape) == 1)
    ):
        return None
    step = made(multiply, (z, size_of(x) // size_of(y)), instruction)
    return [step, instead(reshape, step.outputs, instruction, shape=y.shape)]


def _key_of_nothing(instruction: Instruction, producers: Producers) -> Found:
    """Indexing that only adds and drops axes of length 1 is a change of shape, and so is putting back what it took."""
    x, y = instruction.inputs[0], instruction.outputs[0]
    op = producers.op("reshape")
    if len(instruction.inputs) > 1 or op is None or not is_plain(x, y):
        return None
    large: Any = (y if instruction.op.name == "scatter_add" else x).shape
    if box_of(instruction.attributes["key"], large) != tuple((0, n) for n in large):
        return None
    return instead(op, (x,), instruction, shape=y.shape)


def without_broadcast(instruction: Instruction, producers: Producers) -> Found:
    """An elementwise operation broadcasts by itself: repeating an input for it beforehand is wasted."""
    op = instruction.op
    if not op.elementwise or op.multiple or op.effect:
        return None
    inputs = list(instruction.inputs)
    repeated = None
    shape = instruction.outputs[0].shape
    for i, x in enumerate(inputs):
        inner = producers.made(x, "broadcast_to") or _reshaped_for(x, producers)
        if inner is None:
            continue
        repeated = producers.op("broadcast_to") if inner.op.name == "broadcast_to" else repeated
        trial = [*inputs[:i], inner.inputs[0], *inputs[i + 1 :]]
        symbols = [x for x in trial if type(x) is Symbol]
        if is_plain(instruction.outputs[0], *symbols) and _fits(trial, shape):
            inputs = trial
    if inputs == list(instruction.inputs):
        return None
    if _shape_of(inputs) == shape:
        return instead(op, tuple(inputs), instruction, **instruction.attributes)
    if repeated is None or instruction.outputs[0].weak:
        return None
    step = made(op, tuple(inputs), instruction, **instruction.attributes)
    return [step, instead(repeated, step.outputs, instruction, shape=shape)]


def _fits(inputs: Sequence[Any], shape: Any) -> bool:
    """Whether what an operation makes of inputs has a shape, or is smaller and can be repeated to it."""
    found = _shape_of(inputs)
    if found is None or found == shape:
        return found is not None
    smaller: bool = math.prod(found) < math.prod(shape)
    return smaller and bool(_shape_of(inputs, shape) == shape)


def _reshaped_for(x: Any, producers: Producers) -> Instruction | None:
    """A reshape that only adds axes of length 1 in front, which broadcasting does too."""
    inner = producers.made(x, "reshape")
    if inner is None or inner.inputs[0].shape is None:
        return None
    before, after = tuple(inner.inputs[0].shape), tuple(x.shape)
    lead = len(after) - len(before)
    return inner if lead > 0 and after[:lead] == (1,) * lead and after[lead:] == before else None


def _shape_of(inputs: Sequence[Any], *more: Any) -> Any:
    try:
        return broadcast_shapes(*(x.shape for x in inputs if type(x) is Symbol), *more)
    except ValueError:
        return None


SHAPES: Final[Rules] = {
    "matrix_transpose": {twice: frozenset({"matrix_transpose"})},
    "reshape": {_of_its_kind: ALWAYS},
    "permute_dims": {_permute: ALWAYS},
    "broadcast_to": {_of_its_kind: ALWAYS},
    "sum_to": {_of_its_kind: ALWAYS, _sum_of_broadcast: frozenset({"broadcast_to"})},
    "sum": {_sum_of_broadcast: frozenset({"broadcast_to"})},
    "getitem": {_key_of_nothing: ALWAYS},
    "scatter_add": {_key_of_nothing: ALWAYS},
}
