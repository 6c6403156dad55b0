"""Running a program again on symbolic tensors: to put it into another graph, and to differentiate it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from chainrule import _context, _record, ops
from chainrule._collector import growing
from chainrule._convert import as_tensor
from chainrule._dim import Dim, resolve
from chainrule._dispatch import apply
from chainrule._gradients import gradients_of
from chainrule._graph import Body, GraphNode, Instruction, wrap
from chainrule._graph_ops import CONSTANT
from chainrule._indexed_slices import dense
from chainrule._node import NO_ATTRIBUTES
from chainrule._program import Program, once, pair_sizes, resolved, specialised, substituted
from chainrule._symbol import Symbol
from chainrule._symbolic import SYMBOLIC
from chainrule._tensor import Tensor
from chainrule.infer import Spec


@contextmanager
def building(body: Body) -> Iterator[None]:
    """A scope in which a body is built: everything is recorded, so that it can be differentiated in there too."""
    with _context.scope(graph=body, recording=True, scope="", controls=(), derives=None), growing():
        yield


def replay(program: Program, inputs: Sequence[Any]) -> list[Any]:
    """Run a program on tensors in the graph that is being built; its results.

    Nodes keep their names, the overrides that were in force when they were made, and their places in the user's code.
    """
    values: dict[Any, Any] = dict(zip(program.inputs, inputs, strict=True))
    sizes: dict[Dim, Any] = {}
    for x, given in values.items():
        pair_sizes(sizes, x, _symbol(given))
    base = _context.current()
    contexts: dict[Any, _context.Context] = {}
    token = _context.enter(base)
    try:
        for instruction in program.instructions:
            node = instruction.node
            _context.enter(as_then(base, node, contexts))
            results = _again(instruction, values, sizes)
            for symbol, result in zip(instruction.outputs, results, strict=True):
                values[symbol] = result
                pair_sizes(sizes, symbol, _symbol(result))
                if type(result) is Tensor and type(result._value) is Symbol:
                    made = result._value.node
                    made.code, made.lasti = node.code, node.lasti
    finally:
        _context.leave(token)
    return [values.get(y, y) if type(y) is Symbol else y for y in program.outputs]


def _symbol(x: Any) -> Any:
    return x._value if type(x) is Tensor else x


def _again(instruction: Instruction, values: Mapping[Any, Any], sizes: Mapping[Dim, Any]) -> Sequence[Any]:
    op = instruction.op
    graph = _context.current().graph
    assert graph is not None
    if op is CONSTANT:
        return (graph.constant(instruction.attributes["value"]),)
    inputs, attributes = substituted(instruction.inputs, values), instruction.attributes
    if sizes:
        inputs = tuple([resolve(x, sizes) for x in inputs])
    if "flow" in attributes:  # which is no operation on arrays, even where all are constants
        inputs = tuple([graph.lifted(x) if type(x) is Tensor else x for x in inputs])
    if sizes:
        symbols = tuple(map(_symbol, inputs))
        attributes = {name: resolved(value, symbols, sizes) for name, value in attributes.items()}
    if not inputs:
        return tuple(map(wrap, graph.add(op, (), attributes).outputs))
    found = apply(op, inputs, attributes)
    return found if op.multiple else (found,)


def as_then(base: _context.Context, node: GraphNode, known: dict[Any, _context.Context]) -> _context.Context:
    """The context that a node was made in, as far as it matters."""
    scope = base.scope + node.name[: node.name.rfind("/") + 1]
    key = (scope, node.recorded, node.definition, node.derives)
    found = known.get(key)
    if found is None:
        overrides = base.overrides if node.definition is None else {node.op.name: node.definition}
        found = known[key] = base.replace(
            scope=scope,
            recording=base.recording and node.recorded,
            overrides=overrides,
            derives=node.derives or base.derives,
        )
    return found


def vjp_program(
    program: Program,
    wanted: Sequence[int],
    seeds: Sequence[int],
    overrides: Mapping[Any, Any] | None = None,
    with_results: bool = False,
) -> Program:
    """The program that pulls cotangents back through another.

    Args:
        program: the forward program.
        wanted: the inputs whose cotangents it gives.
        seeds: the outputs whose cotangents it takes, after the forward program's inputs.
        overrides: gradient-time overrides; see `gradients`.
        with_results: whether it gives the forward program's outputs too, before the cotangents.
    """
    body = Body("a gradient")
    with building(body), _context.scope(overrides=None):
        xs: list[Any] = [body.input(x.spec, x.node.name) for x in program.inputs]
        for i in wanted:
            xs[i] = _record.source(xs[i], ops.identity.op, {})
        start = len(body.nodes)
        ys = [as_tensor(y, SYMBOLIC) for y in replay(program, xs)]
        past = () if with_results else frozenset(body.nodes[start:])
        gs = [body.input(ys[i]._value.spec, f"cotangent_{i}") for i in seeds]
        sources = [xs[i] for i in wanted]
        found = gradients_of([ys[i] for i in seeds], sources, gs, zeros=True, overrides=overrides)
        results = [*(ys if with_results else ()), *(body.lifted(dense(g)) for g in found)]
    return once(Program(body.inputs, [t._value for t in results], body.nodes), past)


def expanded(instruction: Instruction, inputs: Sequence[Any]) -> tuple[list[Instruction], Any]:
    """The instructions in place of an opaque node whose inputs have known sizes, and the symbol of the result."""
    body = Body("a gradient")
    with _context.scope(graph=body, recording=False, scope="", controls=(), derives=instruction.node.derives):
        outer: list[Symbol] = [x for x in inputs if type(x) is Symbol]
        inner = {x: body.input(x.spec, x.node.name) for x in outer}
        result = body.lifted(instruction.attributes["call"].run([inner.get(x, x) for x in inputs]))
    back = {inner[x]._value: x for x in outer}
    instructions = [
        Instruction(node.op, substituted(node.inputs, back), node.attributes, node.outputs, node)
        for node in Program((), (), body.nodes).instructions
    ]
    return instructions, back.get(result._value, result._value)


def specialise(program: Program, specs: Sequence[Spec], outside: Mapping[Dim, int] = NO_ATTRIBUTES) -> Program:  # type: ignore[assignment]  # the empty mapping
    """A program for inputs of these shapes, given what is known of sizes around it."""
    return specialised(program, specs, expanded, outside)
