"""Operations that are several others in a region, where machine code computes them row by row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from chainrule import Instruction, Symbol, ops


def expanded(instruction: Instruction) -> Sequence[Instruction] | None:
    """The instructions that compute the same, or None for one that is what it is."""
    expand = _EXPANSIONS.get(instruction.op.name)
    if expand is None:
        return None
    x, y = instruction.inputs[0], instruction.outputs[0]
    shape = y.shape or ()
    last = instruction.attributes["axis"] in (-1, len(shape) - 1) and 0 not in shape  # no row of nothing has a largest
    return expand(_Steps(instruction)) if last and x.dtype == y.dtype else None


class _Steps:
    """The instructions in place of one, whose values are of its result's shape, or one number for each row of it."""

    def __init__(self, instruction: Instruction) -> None:
        self._whole = instruction
        self.made: list[Instruction] = []
        self.x = instruction.inputs[0]

    def reduced(self, name: str, x: Symbol, **attributes: Any) -> Symbol:
        """A reduction along the last axis."""
        shape = (*self._shape[:-1], 1)
        return self._add(name, (x,), {**attributes, "axis": -1, "keepdims": True}, shape)

    def element(self, name: str, *inputs: Symbol) -> Symbol:
        """An elementwise operation."""
        shape = self._shape if any(x.shape == self._shape for x in inputs) else inputs[0].shape
        return self._add(name, inputs, {}, shape)

    def result(self, name: str, *inputs: Symbol) -> list[Instruction]:
        """All of them, of which this operation is the last."""
        whole = self._whole
        self.made.append(Instruction(getattr(ops, name).op, inputs, {}, whole.outputs, whole.node))
        return self.made

    @property
    def _shape(self) -> tuple[int, ...]:
        return self._whole.outputs[0].shape or ()

    def _add(self, name: str, inputs: tuple[Any, ...], attributes: Mapping[str, Any], shape: Any) -> Symbol:
        y = Symbol(shape, self._whole.outputs[0].dtype, self._whole.node)
        self.made.append(Instruction(getattr(ops, name).op, inputs, attributes, (y,), self._whole.node))
        return y


def _softmax(steps: _Steps) -> list[Instruction]:
    e = steps.element("exp", steps.element("subtract", steps.x, steps.reduced("max", steps.x)))
    return steps.result("divide", e, steps.reduced("sum", e, dtype=None))


def _log_softmax(steps: _Steps) -> list[Instruction]:
    shifted = steps.element("subtract", steps.x, steps.reduced("max", steps.x))
    total = steps.reduced("sum", steps.element("exp", shifted), dtype=None)
    return steps.result("subtract", shifted, steps.element("log", total))


_EXPANSIONS: Final[Mapping[str, Callable[[_Steps], list[Instruction]]]] = {
    "softmax": _softmax,
    "log_softmax": _log_softmax,
}
