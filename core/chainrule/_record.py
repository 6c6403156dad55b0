"""What an operation leaves behind when something attends to it: a node, or the mark of a cut; and the NaN check."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chainrule._context import Context, current
from chainrule._elementwise_node import ElementwiseNode
from chainrule._node import MADE, NO_ATTRIBUTES, Cut, Node, Source, new_serial, outside, outsiders
from chainrule._symbol import Symbol
from chainrule._tensor import Tensor

if TYPE_CHECKING:
    from chainrule._backend import Backend
    from chainrule._definition import Definition
    from chainrule._op import Op

_new = object.__new__
_getframe = sys._getframe


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
    if context.graph is not None and type(value[0] if op.multiple and value else value) is Symbol:
        return _symbolic(op, inputs, attributes, value, backend, context)
    if context.debugging:
        from chainrule._debug import check_finite

        check_finite(op, inputs, value, backend, context)
    origin = _origin(op, inputs, attributes, value, context) if context.recording else None
    if op.multiple:
        return tuple(Tensor(part, backend, origin, i) for i, part in enumerate(value))
    y: Tensor = _new(Tensor)
    y._value = value
    y._backend = backend
    y._node = MADE if origin is None else origin
    y._index = 0
    return y


def _symbolic(
    op: Op, inputs: tuple[Any, ...], attributes: Mapping[str, Any], value: Any, backend: Backend, context: Context
) -> Any:
    """`finish` for an operation that became a node of a graph. What is recorded keeps all of it: it costs nothing."""
    graph = context.graph
    assert graph is not None
    for x in inputs:
        if type(x) is Tensor and type(x._value) is Symbol and x._value.node.graph is not graph:
            inputs = tuple([graph.local_tensor(x) for x in inputs])
            break
    node = _origin(op, inputs, attributes, value, context, 0) if context.recording else None
    if node is not None and node.live:
        made = (value[0] if op.multiple else value).node
        node.code, node.lasti = made.code, made.lasti
        node.output = value  # type: ignore[union-attr]  # a live origin is a Node
    if not op.multiple:
        tensor = value.tensor = Tensor(value, backend, node)
        return tensor
    for i, symbol in enumerate(value):
        symbol.tensor = Tensor(symbol, backend, node, i)
    return tuple([symbol.tensor for symbol in value])


def _origin(
    op: Op, inputs: tuple[Any, ...], attributes: Mapping[str, Any], value: Any, context: Context, depth: int = 4
) -> Node | Cut | None:
    """What the result of an operation comes from: its node, the mark of a cut, or nothing that is tracked."""
    tracked = 0
    cut = None
    bit = 1
    for x in inputs:
        if type(x) is Tensor:
            origin: Any = x._node  # which can be a mark that counts as nothing
            if origin is not None:
                if origin.live:
                    tracked |= bit
                elif origin:
                    cut = origin
        bit <<= 1
    return record(op, inputs, attributes, value, tracked, context, depth) if tracked else cut


def record(
    op: Op,
    inputs: tuple[Any, ...],
    attributes: Mapping[str, Any],
    value: Any,
    tracked: int,
    context: Context,
    depth: int = 2,
) -> Node | Cut:
    """The node of an operation of which the inputs of bit mask `tracked` are; or the mark where the gradient ends.

    `depth` says how many calls up the first frame that can be the user's is; 0 for a node of a graph, which keeps all
    and knows its place already.
    """
    definition = op.definition
    if context.overrides is not None:
        definition = context.overrides.get(op.name, definition)
    if definition is None:
        definition = missing_definition(op)
    if definition.reason is not None or op.cut is not None:
        reason = definition.reason
        if reason is None and op.cut is not None and not definition.is_override:
            reason = op.cut(**attributes)
        if reason is not None:
            return Cut(op, reason, inputs, depth + 1)
    node: Node = _new(Node)
    node.op = op
    node.attributes = attributes
    node.definition = definition
    node.scope = context.scope
    node.serial = new_serial()
    if not depth:
        node.inputs = _own(inputs, ())
        return node
    node.output = value if definition.reads_output else None
    if op.multiple or value.shape or not op.elementwise:
        node.inputs = _own(inputs, definition.drops(tracked, len(inputs)))
        if op.multiple and not definition.reads_output:
            node.output = tuple(map(Dropped, value))
    else:
        node.inputs = _own(inputs, ())
    frame = _getframe(depth)
    if frame.f_code.co_filename not in outsiders:
        frame = outside(frame)
    node.code = frame.f_code
    node.lasti = frame.f_lasti
    return node


def record_elementwise(
    op: Op,
    a: Any,
    b: Any,
    from_a: Node | Cut | None,
    from_b: Node | Cut | None,
    value: Any,
    backend: Backend,
    tracked: int,
    context: Context,
) -> Node | Cut:
    """`record`, of an elementwise operation of raw values whose definition is its own; called by its function."""
    definition = op.definition
    if definition is None or definition.reason is not None:
        inputs = tuple(
            [
                Tensor(x, backend, origin) if hasattr(x, "dtype") else x
                for x, origin in ((a, from_a), (b, from_b))[: op.n_inputs]
            ]
        )
        return record(op, inputs, NO_ATTRIBUTES, value, tracked, context, 3)
    if value.shape:
        for i in definition.drops(tracked, op.n_inputs):  # type: ignore[arg-type]  # it has one or two
            if i == 0 and getattr(a, "shape", None):
                a = Dropped(a)
            elif i == 1 and getattr(b, "shape", None):
                b = Dropped(b)
    node: ElementwiseNode = _new(ElementwiseNode)
    node.op = op
    node.a = a
    node.b = b
    node.from_a = from_a
    node.from_b = from_b
    node.backend = backend
    node.definition = definition
    node.scope = context.scope
    node.serial = new_serial()
    node.output = value if definition.reads_output else None
    frame = _getframe(2)
    if frame.f_code.co_filename not in outsiders:
        frame = outside(frame)
    node.code = frame.f_code
    node.lasti = frame.f_lasti
    return node


def missing_definition(op: Op) -> Definition:
    """The definition of an operation that came without one, or the error that it has none."""
    from chainrule._registry import find_definition

    return find_definition(op)


def _own(inputs: tuple[Any, ...], dropped: tuple[int, ...]) -> tuple[Any, ...]:
    """The inputs as a node's own tensors, which stay what they are when the caller's are assigned to.

    Arrays that are not read are replaced by their shape and dtype. Scalars are not worth it.
    """
    own = []
    for x in inputs:
        if type(x) is Tensor:
            y = _new(Tensor)
            y._value = x._value
            y._backend = x._backend
            y._node = x._node
            y._index = x._index
            x = y
        own.append(x)
    for i in dropped:
        x = own[i]
        if type(x) is Tensor and x._value.shape:
            x._value = Dropped(x._value)
    return tuple(own)


def source(x: Tensor, op: Op, attributes: Mapping[str, Any]) -> Tensor:
    """`x` as a fresh tensor that gradients can be taken at: what was computed from `x` itself does not depend on it.

    If `x` is tracked, gradients around this one flow on into it.
    """
    graph = current().graph
    if graph is not None and graph.closed:
        x = graph.lifted(x)
    inputs = (x,) if x._node is not None and x._node.live else ()
    node = origin(op, attributes, inputs)
    if type(x._value) is not Symbol:
        return Tensor(x._value, x._backend, node)
    from chainrule._graph import alias

    return alias(x, node)


def origin(op: Op, attributes: Mapping[str, Any] = NO_ATTRIBUTES, inputs: tuple[Tensor, ...] = ()) -> Node:
    """A node that gradients can be taken at."""
    node: Node = _new(Source)
    node.op = op
    node.inputs = inputs
    node.attributes = attributes
    node.output = None
    node.serial = new_serial()
    node.definition = op.definition
    node.scope = ""
    frame = outside(_getframe(1))
    node.code = frame.f_code
    node.lasti = frame.f_lasti
    return node
