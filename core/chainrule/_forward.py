"""The forward walk: tangents pushed through a recorded graph, with no second book of rules.

A linear operation is its own derivative. An elementwise operation's definition multiplies by a diagonal, which is its
own transpose. For the rest the gradient, which is linear in the cotangent, is transposed by differentiating it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chainrule import _context, _record, ops
from chainrule._backward import Subgraph
from chainrule._convert import spec_of
from chainrule._definition import Definition
from chainrule._dim import Dim, resolve
from chainrule._dispatch import apply
from chainrule._errors import MissingGradientError, UnknownSizeError
from chainrule._gradients import gradients_of, zeros_like
from chainrule._indexed_slices import dense
from chainrule._node import NO_ATTRIBUTES, Node
from chainrule._op import REQUIRED, Op
from chainrule._owner import ENGINE
from chainrule._parts import differentiated
from chainrule._symbol import Symbol
from chainrule._tensor import Tensor
from chainrule.infer import Spec, broadcast_shapes


def push_forward(
    ys: Sequence[Tensor],
    xs: Sequence[Tensor],
    tangents: Sequence[Tensor],
    overrides: Mapping[Node, Definition] | None = None,
    graph: Subgraph | None = None,
) -> list[Tensor | None]:
    """The tangent of each y when the xs, fresh sources, move along `tangents`; None where it does not move."""
    graph = graph or Subgraph(ys, xs)
    moved: dict[tuple[Node, int], Tensor] = {}
    for x, tangent in zip(xs, tangents, strict=True):
        assert isinstance(x._node, Node)
        moved[x._node, x._index] = tangent
    with _context.scope(overrides=None), ys[0]._backend.quiet():
        for node in graph.inner:
            definition = (overrides or {}).get(node, node.definition)
            assert definition is not None
            into = [_tangent(x, moved) for x in node.inputs]
            step = _through if _context.current().graph is None else _through_symbols
            for i, out in enumerate(step(node, definition, into)):
                if out is not None:
                    moved[node, i] = out
    return [_tangent(y, moved) for y in ys]


def _tangent(x: Any, moved: Mapping[tuple[Node, int], Tensor]) -> Tensor | None:
    return moved.get((x._node, x._index)) if type(x) is Tensor and isinstance(x._node, Node) else None


def _through(node: Node, definition: Definition, tangents: list[Tensor | None]) -> Sequence[Tensor | None]:
    """The tangents of a node's outputs, given those of its inputs."""
    op = node.op
    held = node.attributes.get("call", node.attributes.get("flow"))
    if hasattr(held, "push_forward") and not definition.is_override:
        found: Sequence[Tensor | None] | None = held.push_forward(tangents, node.inputs)
        if found is not None:
            return found
    y = Tensor(node.output, _backend(node), node) if definition.reads_output and not op.multiple else None
    if op.linear and not definition.is_override:
        return [_linear(node, tangents)]
    if op.elementwise and op.holomorphic and definition.joint is None and not definition.policy:
        return [_diagonal(node, definition, y, tangents)]
    return _transposed(node, definition, y, tangents)


def _through_symbols(node: Node, definition: Definition, tangents: list[Tensor | None]) -> Sequence[Tensor | None]:
    """`_through` while a graph is being built; opaque where it asks for sizes or ranks that are not known yet."""
    graph = _context.current().graph
    assert graph is not None
    start = len(graph.nodes)
    try:
        return _through(node, definition, tangents)
    except UnknownSizeError:
        pass
    except Exception:
        if all(x.shape is not None for x in (*node.inputs, *tangents) if type(x) is Tensor):
            raise
    graph.forget(start)
    moving = tuple(i for i, tangent in enumerate(tangents) if tangent is not None)
    inputs = (*(tangents[i] for i in moving), *node.inputs)
    n_outputs = len(node.output) if node.op.multiple else 1
    calls = [_Push(node.op, definition, node.attributes, moving, i) for i in range(n_outputs)]
    return [apply(JVP, inputs, {"call": call}) for call in calls]


@dataclass(frozen=True, eq=False)
class _Push:
    """A step of the forward walk that waits for sizes: the tangent of one result of an operation."""

    op: Op
    definition: Definition
    attributes: Mapping[str, Any]
    moving: tuple[int, ...]
    wanted: int

    def spec(self, *specs: Any) -> Spec:
        """The shape and dtype of the result that the tangent belongs to."""
        found = self.op.infer(*specs[len(self.moving) :], **self.attributes)
        return found[self.wanted] if self.op.multiple else found  # type: ignore[no-any-return]  # of any rule

    def specialised(self, inputs: Sequence[Any], known: Mapping[Dim, Any]) -> _Push:
        """With the sizes in the attributes that are known."""
        return replace(self, attributes={name: resolve(value, known) for name, value in self.attributes.items()})

    def run(self, arguments: Sequence[Any]) -> Tensor:
        """Take the step, on tensors of known shapes."""
        n = len(self.moving)
        given: list[Tensor | None] = [None] * (len(arguments) - n)
        inputs = list(arguments[n:])
        with _context.scope(recording=True, overrides={self.op.name: self.definition}):
            for i, tangent in zip(self.moving, arguments[:n], strict=True):
                given[i] = tangent
                inputs[i] = _record.source(inputs[i], ops.identity.op, NO_ATTRIBUTES)
            made = apply(self.op, tuple(inputs), self.attributes)
        y: Tensor = made[self.wanted] if self.op.multiple else made
        assert isinstance(y._node, Node)
        with _context.scope(overrides=None):
            found = _through(y._node, self.definition, given)[self.wanted]
        return zeros_like(y) if found is None else found


JVP = Op(
    "jvp",
    None,
    lambda *specs, call: call.spec(*specs),
    differentiated,
    attributes={"call": REQUIRED},
    holomorphic=False,
    owner=ENGINE,
)


def _backend(node: Node) -> Any:
    return next(x._backend for x in node.inputs if type(x) is Tensor)


def _linear(node: Node, tangents: list[Tensor | None]) -> Tensor:
    """The operation itself, on tangents."""
    op, inputs = node.op, node.inputs
    if op.linear == "joint":
        mixed = [
            t if t is not None else zeros_like(x) if type(x) is Tensor and x.dtype.is_inexact else x
            for x, t in zip(inputs, tangents, strict=True)
        ]
        pushed: Tensor = apply(op, tuple(mixed), node.attributes)
        return pushed
    total: Tensor | None = None
    for i, tangent in enumerate(tangents):
        if tangent is not None:
            part = apply(op, (*inputs[:i], tangent, *inputs[i + 1 :]), node.attributes)
            total = part if total is None else total + part
    assert total is not None
    return total


def _diagonal(node: Node, definition: Definition, y: Tensor | None, tangents: list[Tensor | None]) -> Tensor | None:
    """An elementwise operation's definition, which multiplies by the derivative, on tangents."""
    shape = broadcast_shapes(*(x.shape for x in node.inputs if type(x) is Tensor))
    total: Tensor | None = None
    for function, tangent in zip(definition.functions, tangents, strict=True):
        if tangent is not None and function is not None:
            if tangent.shape != shape:
                tangent = ops.broadcast_to(tangent, shape=shape)
            part = function(tangent, y, *node.inputs, **node.attributes)
            total = part if total is None else total + part
    return total


def _transposed(
    node: Node, definition: Definition, y: Tensor | None, tangents: list[Tensor | None]
) -> Sequence[Tensor | None]:
    """The transpose of the definition: it is linear in the cotangent, so its gradient there does not depend on it."""
    op = node.op
    backend = _backend(node)
    made = node.output if op.multiple else (node.output,)
    if made and type(made[0]) is Symbol:  # of which even the rank may not be known
        zeros = [zeros_like(symbol.tensor) for symbol in made]
    else:
        device = next(t.device for t in tangents if t is not None)
        if op.multiple:
            zeros = [Tensor(backend.full(tuple(o.shape), 0, o.dtype, device), backend) for o in made]
        else:
            spec = op.infer(*(spec_of(x) for x in node.inputs), **node.attributes)
            zeros = [Tensor(backend.full(spec.shape, 0, backend.native(spec.dtype), device), backend)]
    if op.multiple:
        y = tuple(Tensor(o, backend, node, i) for i, o in enumerate(node.output)) if definition.reads_output else None  # type: ignore[assignment]
    with _context.scope(recording=True):
        sources = [_record.source(zero, ops.identity.op, NO_ATTRIBUTES) for zero in zeros]
        g: Any = tuple(sources) if op.multiple else sources[0]
        if definition.joint is not None:
            parts = definition.joint(g, y, *node.inputs, **node.attributes)
        else:
            parts = [
                f(g, y, *node.inputs, **node.attributes) if f is not None and t is not None else None
                for f, t in zip(definition.functions, tangents, strict=True)
            ]
        pairs = [(dense(p), t) for p, t in zip(parts, tangents, strict=True) if p is not None and t is not None]
    if not pairs:
        return [None] * len(sources)
    unreached = [part for part, _ in pairs if not part._node and part.size]
    if unreached and len(unreached) == len(pairs):
        return [None] * len(sources)
    fitted = [(p, t if p.shape == t.shape else ops.broadcast_to(t, shape=p.shape)) for p, t in pairs]
    # Walking back gives the conjugate transpose; a holomorphic operation's formula, not conjugated, wants the plain
    conjugate = op.holomorphic and any(source.dtype.kind == "complex" for source in sources)
    seeds = [ops.conj(t) if conjugate else t for _, t in fitted]
    found = gradients_of([p for p, _ in fitted], sources, seeds)
    if conjugate:
        found = [t if t is None else ops.conj(dense(t)) for t in found]
    if any(not isinstance(t, Tensor | None) for t in found):
        raise MissingGradientError(f"op {op.name!r} has no forward derivative: its gradient cannot be transposed")
    return found
