"""A program run over a batch: each instruction by its operation's batching rule.

It runs in the context in force: at once on concrete tensors, recorded or not, and as nodes where a graph is being
built. Only what depends on the batch has its axis, in front; the rest is computed once.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from chainrule import _context, _registry
from chainrule._batching_flow import FLOWS, Ragged, overridden
from chainrule._compiled import Compiled
from chainrule._composite import program_of
from chainrule._convert import as_tensor, spec_of
from chainrule._dim import Dim, atoms, has_dim, resolve
from chainrule._dispatch import apply
from chainrule._errors import ArgumentError, BatchingWarning, PluginError, ShapeError
from chainrule._graph import Body, Instruction, wrap
from chainrule._graph_ops import CONSTANT, FULL, SIZE, STRONG
from chainrule._op import Op
from chainrule._owner import Owner
from chainrule._passes.dead_code import has_effect
from chainrule._program import Program, pair_sizes, resolved, substituted
from chainrule._replay import as_then, building
from chainrule._symbol import Symbol
from chainrule._tensor import Tensor
from chainrule.batching import Batch, Rule, aligned, spread
from chainrule.infer import Spec


class Values:
    """What the symbols of a program stand for while it runs over a batch.

    Attributes:
        size: how long the batch is.
        ragged: the lengths that differ within the batch.
    """

    def __init__(self, size: Any) -> None:
        self.size = size
        self.ragged: Ragged = {}
        self._values: dict[Any, Any] = {}
        self._has: set[Any] = set()
        self._sizes: dict[Dim, Any] = {}

    def put(self, symbol: Symbol, value: Any, has: bool) -> None:
        """Note what a symbol stands for, and whether that has the batch's axis."""
        self._values[symbol] = value
        if has:
            self._has.add(symbol)
        if symbol.shape is not None and has_dim(symbol.shape) and type(value) is Tensor and value.shape is not None:
            pair_sizes(self._sizes, symbol, Spec(value.shape[has:], None))

    def has(self, x: Any) -> bool:
        """Whether an input of an instruction, or a result, has the batch's axis."""
        return type(x) is Symbol and x in self._has

    def inputs(self, instruction: Instruction) -> tuple[Any, ...]:
        """An instruction's inputs."""
        found = substituted(instruction.inputs, self._values)
        return tuple([resolve(x, self._sizes) for x in found]) if self._sizes else found

    def attributes(self, instruction: Instruction) -> Mapping[str, Any]:
        """An instruction's attributes, with the lengths that are known by now."""
        if not self._sizes:
            return instruction.attributes
        symbols = tuple(
            [
                Symbol(resolve(x.shape, self._sizes), x.dtype, x.node, x.index, x.weak) if type(x) is Symbol else x
                for x in instruction.inputs
            ]
        )
        return {name: resolved(value, symbols, self._sizes) for name, value in instruction.attributes.items()}

    def specs(self, symbols: Sequence[Any]) -> list[Any]:
        """Shapes and dtypes of inputs or results without the batch's axis."""
        return [
            Spec(resolve(x.shape, self._sizes), x.dtype, x.weak) if type(x) is Symbol else spec_of(x) for x in symbols
        ]

    def results(self, program: Program) -> tuple[list[Any], list[bool]]:
        """The program's results, and which of them have the batch's axis."""
        found = [self._values.get(y, y) if type(y) is Symbol else y for y in program.outputs]
        return found, [self.has(y) for y in program.outputs]


def run_batched(
    program: Program, inputs: Sequence[Any], has: Sequence[bool], size: Any
) -> tuple[list[Any], list[bool]]:
    """Run a program over a batch.

    Args:
        program: a program for one element of the batch.
        inputs: tensors for its inputs.
        has: which of them have the batch's axis, in front.
        size: how long it is.

    Returns:
        The results, and which of them have the axis.
    """
    values = Values(size)
    for x, given, h in zip(program.inputs, inputs, has, strict=True):
        values.put(x, given, h)
    base = _context.current()
    contexts: dict[Any, _context.Context] = {}
    token = _context.enter(base)
    try:
        for instruction in program.instructions:
            _context.enter(as_then(base, instruction.node, contexts))
            results, flags = _step(instruction, values, base)
            for symbol, result, h in zip(instruction.outputs, results, flags, strict=True):
                values.put(symbol, result, h)
                _place(result, instruction)
    finally:
        _context.leave(token)
    return values.results(program)


def _place(result: Any, instruction: Instruction) -> None:
    """Let a node of a graph say which line of the user's made it."""
    if type(result) is Tensor and type(result._value) is Symbol:
        made = result._value.node
        made.code, made.lasti = instruction.node.code, instruction.node.lasti


def _step(instruction: Instruction, values: Values, base: _context.Context) -> tuple[Sequence[Any], Sequence[bool]]:
    """The results of one instruction, and which of them have the batch's axis."""
    if has_effect(instruction):
        raise ArgumentError(
            f"vmap: {instruction.op.name} has an effect, which would happen once for the whole batch, or in an order "
            f"that nobody knows; do it outside, and pass what it gives as an argument; made at {instruction.node.site}"
        )
    op = instruction.op
    inputs, attributes = values.inputs(instruction), values.attributes(instruction)
    has = [values.has(x) for x in instruction.inputs]
    if not any(has) and not getattr(rule_of(op), "draws", False):
        once = call(op, inputs, attributes)
        return once, (False,) * len(once)
    flow = attributes.get("flow")
    if flow is not None:
        return FLOWS[type(flow)](instruction, inputs, attributes, has, values)
    if values.ragged:
        _refuse_ragged(instruction, values)
    definition = instruction.node.definition
    if (
        definition is not None
        and (base.recording or base.graph is not None)
        and any(x.dtype.is_inexact for x in instruction.inputs if type(x) is Symbol)
    ):
        return overridden(instruction, inputs, has, values)
    batch = Batch(op, values.size, has, values.specs(instruction.outputs))
    found = _by_rule(instruction, batch, inputs, attributes, values)
    results = found if op.multiple else (found,)
    return results, (True,) * len(results)


def _by_rule(
    instruction: Instruction, batch: Batch, inputs: tuple[Any, ...], attributes: Mapping[str, Any], values: Values
) -> Any:
    """The results of an operation of arrays by its rule, by what it is made of, by a trait, or in a loop."""
    op = instruction.op
    rule = rule_of(op)
    if rule is not None:
        found = rule(batch, *inputs, **attributes)
        if found is not NotImplemented:
            return found
    elif op.elementwise:
        return apply(op, tuple(aligned(batch, inputs) if len(inputs) > 1 else inputs), attributes)
    elif op.decomposition is not None and op.name not in _registry.gradients:  # one of its own goes before
        program = program_of(op, values.specs(instruction.inputs), attributes)
        given = [(x, h) for x, h in zip(inputs, batch.has, strict=True) if x is not None]
        results, flags = run_batched(program, [x for x, _ in given], [h for _, h in given], batch.size)
        whole = [y if h else spread(y, batch.size) for y, h in zip(results, flags, strict=True)]
        return whole if op.multiple else whole[0]
    why = "it has no batching rule for these inputs; give it one in a plugin's chainrule_batching hook"
    made = in_a_loop(instruction, inputs, attributes, batch.has, why)
    return made if op.multiple else made[0]


def _refuse_ragged(instruction: Instruction, values: Values) -> None:
    """Refuse to compute with all steps of a loop, of which there are as many as each element of the batch takes."""
    for x in instruction.inputs:
        if values.has(x) and any(atom in values.ragged for atom in atoms(x.shape)):
            raise ShapeError(
                f"vmap: {instruction.op.name} takes an array with an entry for each step of a while_loop, whose length "
                f"differs within the batch; use cr.scan with a fixed length; made at {instruction.node.site}"
            )


# Without a batch


def call(op: Op, inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Sequence[Any]:
    """The results of any instruction's operation, in the context in force: at once, or as a node."""
    graph = _context.current().graph
    if op is CONSTANT:
        value = attributes["value"]
        return (value if graph is None else graph.constant(value),)
    if graph is None:
        special = _AT_ONCE.get(op)
        if special is not None:
            return (special(*inputs, **attributes),)
        if op.build is not None or "flow" in attributes:
            return _compiled(op, inputs, attributes)
    elif not inputs:
        return tuple(map(wrap, graph.add(op, (), attributes).outputs))
    elif op.build is not None or "flow" in attributes:
        inputs = [graph.lifted(as_tensor(x)) for x in inputs]
    found = apply(op, tuple(inputs), attributes)
    return found if op.multiple else (found,)


def _full(shape: Any, value: Any, dtype: Any) -> Tensor:
    from chainrule._backends import get_backend, get_device

    backend = get_backend()
    return Tensor(backend.full(shape, value, backend.native(dtype), get_device()), backend)


_AT_ONCE: Final[Mapping[Op, Callable[..., Any]]] = {
    FULL: _full,
    SIZE: lambda size: size,
    STRONG: lambda x, dtype: _full((), x, dtype) if type(x) is not Tensor else x,
}


def _compiled(op: Op, inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Sequence[Any]:
    """An operation that holds programs, at once."""
    tensors = [as_tensor(x) for x in inputs]
    body = Body(f"operation {op.name!r}")
    with building(body):
        given = [body.input(Spec(x.shape, x.dtype)) for x in tensors]
        made = apply(op, tuple(given), attributes)
    program = Program(body.inputs, [y._value for y in made], body.nodes)
    return Compiled(program, tensors[0]._backend, what=f"operation {op.name!r}")(tensors)


# Rules, and loops in their place


_lock: Final = threading.Lock()
_rules: dict[str, tuple[Rule, Owner]] = {}
_generation = -1


def rule_of(op: Op) -> Rule | None:
    """The batching rule that a plugin gives for an operation.

    Raises:
        PluginError: a plugin's hook fails, or two plugins have a rule for one operation.
    """
    global _rules, _generation
    if _generation != _registry.generation:
        with _lock:
            generation = _registry.generation
            _rules, _generation = _all_rules(), generation
    found = _rules.get(op.name)
    return None if found is None else found[0]


def _all_rules() -> dict[str, tuple[Rule, Owner]]:
    from chainrule._engine_batching import RULES
    from chainrule._owner import ENGINE
    from chainrule._plugins import late_hook, plugins

    rules: dict[str, tuple[Rule, Owner]] = {name: (rule, ENGINE) for name, rule in RULES.items()}
    for name, plugin in plugins().items():
        if plugin.status != "loaded":
            continue
        for table in late_hook("chainrule_batching", name):
            for op, rule in table.items():
                if not callable(rule):
                    raise PluginError(f"batching rule of op {op!r} by {plugin.owner}: {rule!r:.80} cannot be called")
                if op in rules and rules[op][0] is not rule:
                    raise PluginError(f"batching rule of op {op!r} by {plugin.owner}: {rules[op][1]} has one already")
                rules[op] = rule, plugin.owner
    return rules


@dataclass(frozen=True)
class BatchingLoop:
    """An operation that has no batching rule, and ran once for each element of a batch.

    Attributes:
        op: the operation.
        plugin: who registered it.
        calls: how many calls of it a batch went through so.
    """

    op: str
    plugin: str
    calls: int


_used: dict[tuple[str, str], int] = {}


def batching_loops() -> list[BatchingLoop]:
    """The operations that `vmap` ran in loops in this process so far, because they have no batching rule.

    >>> import chainrule as cr
    >>> [loop for loop in cr.batching_loops() if loop.op == "sin"]
    []
    """
    with _lock:
        return [BatchingLoop(*names, calls) for names, calls in _used.items()]


def in_a_loop(
    instruction: Instruction, inputs: Sequence[Any], attributes: Mapping[str, Any], has: Sequence[bool], why: str
) -> Sequence[Any]:
    """An operation once for each element of the batch, which is reported."""
    from chainrule._control_flow import map

    op = instruction.op
    with _lock:
        key = (op.name, str(op.owner))
        _used[key] = _used.get(key, 0) + 1
    site = instruction.node.site
    message = f"vmap: op {op.name!r} of {op.owner} runs in a loop over the batch: {why}"
    warnings.warn_explicit(message, BatchingWarning, site.file, site.line)

    def one(given: Sequence[Any]) -> Any:
        rest = iter(given)
        return tuple(call(op, [next(rest) if h else x for x, h in zip(inputs, has, strict=True)], attributes))

    found: Sequence[Any] = map(one, [x for x, h in zip(inputs, has, strict=True) if h])
    return found
