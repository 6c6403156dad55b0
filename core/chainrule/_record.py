"""What an operation leaves behind when something attends to it: a node, or the mark of a cut; and the NaN check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chainrule._context import Context
from chainrule._node import Cut, Node, caller, new_serial
from chainrule._tensor import Tensor

if TYPE_CHECKING:
    from chainrule._backend import Backend
    from chainrule._op import Op

_new = object.__new__


class Dropped:
    """What a node keeps of an array that its gradient does not read."""

    __slots__ = ("dtype", "shape")

    def __init__(self, value: Any) -> None:
        self.shape = value.shape
        self.dtype = value.dtype


def finish(
    op: Op, inputs: tuple[Any, ...], attributes: Mapping[str, Any], value: Any, backend: Backend, context: Context
) -> Any:
    """Wrap an operation's raw result, recording a node where a gradient may have to pass."""
    if context.debugging:
        from chainrule._debug import check_finite

        check_finite(op, inputs, value, backend, context)
    made_by = _origin(op, inputs, attributes, value, context) if context.recording else None
    if op.multiple:
        return tuple(Tensor(part, backend, made_by, i) for i, part in enumerate(value))
    y: Tensor = _new(Tensor)
    y._value = value
    y._backend = backend
    y._node = made_by
    y._index = 0
    return y


def _origin(
    op: Op, inputs: tuple[Any, ...], attributes: Mapping[str, Any], value: Any, context: Context
) -> Node | Cut | None:
    """The node of an operation with tracked inputs, or the mark where its gradient ends."""
    tracked = 0
    cut = None
    bit = 1
    for x in inputs:
        if type(x) is Tensor:
            origin = x._node
            if origin is not None:
                if origin.live:
                    tracked |= bit
                else:
                    cut = origin
        bit <<= 1
    if not tracked:
        return cut
    definition = op.definition
    if context.overrides is not None:
        definition = context.overrides.get(op.name, definition)
    if definition is None:
        from chainrule._registry import missing_definition

        definition = missing_definition(op)
    reason = definition.reason
    if reason is None and op.cut is not None and not definition.is_override:
        reason = op.cut(**attributes)
    if reason is not None:
        return Cut(op, reason, inputs)
    dropped = definition.drops(tracked, len(inputs))
    if dropped:
        inputs = _without(inputs, dropped)
    node: Node = _new(Node)
    node.op = op
    node.inputs = inputs
    node.attributes = attributes
    if definition.reads_output:
        node.output = value
    else:
        node.output = tuple(map(Dropped, value)) if op.multiple else None
    node.serial = new_serial()
    node.definition = definition
    node.scope = context.scope
    node.code, node.lasti = caller(4)
    return node


def _without(inputs: tuple[Any, ...], dropped: tuple[int, ...]) -> tuple[Any, ...]:
    """The inputs with the arrays that are not read replaced by their shape and dtype. Scalars are not worth it."""
    for i in dropped:
        x = inputs[i]
        if type(x) is Tensor and x._value.shape:
            inputs = (*inputs[:i], Tensor(Dropped(x._value), x._backend, x._node, x._index), *inputs[i + 1 :])
    return inputs


def source(x: Tensor, op: Op, attributes: Mapping[str, Any]) -> Tensor:
    """`x` as a fresh tensor that gradients can be taken at: what was computed from `x` itself does not depend on it.

    If `x` is tracked, gradients around this one flow on into it.
    """
    node: Node = _new(Node)
    node.op = op
    node.inputs = (x,) if x._node is not None and x._node.live else ()
    node.attributes = attributes
    node.output = None
    node.serial = new_serial()
    node.definition = op.definition
    node.scope = ""
    node.code, node.lasti = caller(3)
    return Tensor(x._value, x._backend, node)
