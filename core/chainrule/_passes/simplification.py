"""Identities of algebra, shapes and broadcasting that hold for every value, infinities and NaN among them.

They may change the sign of a zero: `x + 0` is `x`, where `-0.0 + 0` would be `0.0`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from chainrule._backend import Backend
from chainrule._dim import has_dim
from chainrule._graph import Instruction
from chainrule._graph_ops import CONSTANT, FULL
from chainrule._passes._rewrite import Producers, made_by, rewrite
from chainrule._program import Program
from chainrule._symbol import Symbol
from chainrule.infer import broadcast_shapes

Found = Instruction | Sequence[Any] | None
_Rule = Callable[[Instruction, Producers], Found]


def simplification(program: Program, backend: Backend) -> Program:
    """The program without operations that change nothing, and with fewer where several come to one."""

    def rule(instruction: Instruction, producers: Producers) -> Found:
        special = _RULES.get(instruction.op.name)
        found = special(instruction, producers) if special is not None else None
        return found if found is not None else _without_broadcast(instruction, producers)

    return rewrite(program, rule)


def _like(x: Any, y: Symbol) -> bool:
    """Whether a value has the shape and dtype of a result it would take the place of."""
    return type(x) is Symbol and not x.weak and x.shape == y.shape and x.shape is not None and x.dtype == y.dtype


def _same(instruction: Instruction, producers: Producers) -> Found:
    """Operations that give their input back, where shape and dtype are the same."""
    x, y = instruction.inputs[0], instruction.outputs[0]
    return (x,) if _like(x, y) else None


def _is_all(x: Any, number: float, producers: Producers) -> bool:
    """Whether a value is this number everywhere."""
    if type(x) is not Symbol:
        return type(x) in (int, float) and x == number
    maker = producers.get(x)
    if maker is None or maker.op not in (FULL, CONSTANT):
        return False
    value = maker.attributes["value"]
    return bool(value == number) if maker.op is FULL else value.size == 1 and bool(value.item() == number)


def _neutral(number: float, both: bool) -> _Rule:
    """`x op number` is `x`, and `number op x` too if the operation commutes."""

    def rule(instruction: Instruction, producers: Producers) -> Found:
        a, b = instruction.inputs
        (y,) = instruction.outputs
        if y.dtype.kind == "complex" and number == 1:  # an infinity times one has a part that is NaN
            return None
        if _is_all(b, number, producers) and _like(a, y):
            return (a,)
        return (b,) if both and _is_all(a, number, producers) and _like(b, y) else None

    return rule


def _twice(instruction: Instruction, producers: Producers) -> Found:
    """An operation that undoes itself."""
    inner = made_by(instruction.inputs[0], instruction.op.name, producers)
    return None if inner is None else (inner.inputs[0],)


def _reshape(instruction: Instruction, producers: Producers) -> Found:
    (x,), (y,) = instruction.inputs, instruction.outputs
    if _like(x, y):
        return (x,)
    inner = made_by(x, "reshape", producers)
    return None if inner is None else _on(instruction, inner.inputs, instruction.attributes)


def _permute(instruction: Instruction, producers: Producers) -> Found:
    (x,), axes = instruction.inputs, instruction.attributes["axes"]
    axes = tuple(a % len(axes) for a in axes)
    if axes == tuple(range(len(axes))):
        return (x,)
    inner = made_by(x, "permute_dims", producers)
    if inner is None:
        return None
    before = tuple(a % len(axes) for a in inner.attributes["axes"])
    return _on(instruction, inner.inputs, {"axes": tuple(before[a] for a in axes)})


def _broadcast(instruction: Instruction, producers: Producers) -> Found:
    (x,), (y,) = instruction.inputs, instruction.outputs
    if _like(x, y):
        return (x,)
    inner = made_by(x, "broadcast_to", producers)
    return None if inner is None else _on(instruction, inner.inputs, instruction.attributes)


def _sum_to(instruction: Instruction, producers: Producers) -> Found:
    (x,), (y,) = instruction.inputs, instruction.outputs
    if _like(x, y):
        return (x,)
    inner = made_by(x, "sum_to", producers)
    return None if inner is None else _on(instruction, inner.inputs, instruction.attributes)


def _on(instruction: Instruction, inputs: tuple[Any, ...], attributes: Mapping[str, Any]) -> Instruction:
    return Instruction(instruction.op, inputs, attributes, instruction.outputs, instruction.node)


def _without_broadcast(instruction: Instruction, producers: Producers) -> Found:
    """An elementwise operation broadcasts by itself: repeating an input for it beforehand is wasted."""
    op = instruction.op
    if not op.broadcasts or not op.elementwise or op.multiple or len(instruction.inputs) < 2:
        return None
    inputs = list(instruction.inputs)
    shape = instruction.outputs[0].shape
    for i, x in enumerate(inputs):
        inner = made_by(x, "broadcast_to", producers) or _reshaped_for(x, producers)
        if inner is None:
            continue
        trial = [*inputs[:i], inner.inputs[0], *inputs[i + 1 :]]
        shapes = [s.shape for s in trial if type(s) is Symbol]
        if not has_dim(shape) and not any(map(has_dim, shapes)) and _shape_of(shapes) == shape:
            inputs = trial
    return None if inputs == list(instruction.inputs) else _on(instruction, tuple(inputs), instruction.attributes)


def _reshaped_for(x: Any, producers: Producers) -> Instruction | None:
    """A reshape that only adds axes of length 1 in front, which broadcasting does too."""
    inner = made_by(x, "reshape", producers)
    if inner is None or inner.inputs[0].shape is None:
        return None
    before, after = tuple(inner.inputs[0].shape), tuple(x.shape)
    lead = len(after) - len(before)
    return inner if lead > 0 and after[:lead] == (1,) * lead and after[lead:] == before else None


def _shape_of(shapes: list[Any]) -> Any:
    try:
        return broadcast_shapes(*shapes)
    except ValueError:
        return None


_RULES: Final[Mapping[str, _Rule]] = {
    "identity": _same,
    "stop_gradient": _same,
    "prevent_gradient": _same,
    "positive": _same,
    "astype": _same,
    "strong": _same,
    "add": _neutral(0, both=True),
    "subtract": _neutral(0, both=False),
    "multiply": _neutral(1, both=True),
    "divide": _neutral(1, both=False),
    "negative": _twice,
    "conj": _twice,
    "matrix_transpose": _twice,
    "reshape": _reshape,
    "permute_dims": _permute,
    "broadcast_to": _broadcast,
    "sum_to": _sum_to,
}
