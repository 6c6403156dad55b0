"""Operations that hold programs, over a batch: their programs over that batch, so that any nesting follows.

Where elements of the batch choose different branches, all branches run and results are chosen; where they take
different numbers of steps, all go on until the last is done, and those that are done stay as they are.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from chainrule import _context, ops
from chainrule._convert import as_tensor
from chainrule._dim import Dim
from chainrule._dtypes import int64
from chainrule._flow import REMAT, SCAN, SWITCH, WHILE, Remat, Scan, Switch, While, custom_op
from chainrule._flow._base import inexact
from chainrule._flow._custom import Custom
from chainrule._flow._implicit import Implicit
from chainrule._flow._ruled import Ruled
from chainrule._graph import Body, Instruction
from chainrule._program import Program
from chainrule._replay import building, replay, vjp_program
from chainrule._symbol import Symbol
from chainrule._tensor import Tensor
from chainrule._trace import Trace
from chainrule.batching import spread
from chainrule.infer import Spec

Ragged = dict[Dim, Tensor]  # lengths that differ within the batch, with what they are for each element
Results = tuple[Sequence[Any], Sequence[bool]]


def batched_program(
    program: Program, has: Sequence[bool], size: Any, force: Sequence[bool] | bool = ()
) -> tuple[Program, list[bool]]:
    """The program over a batch, as a program, and which of its results have the batch's axis.

    Args:
        program: for one element of the batch.
        has: which inputs have the axis.
        size: how long it is.
        force: which results are to have it in any case; all for True.
    """
    from chainrule._batching import run_batched

    body = Body("a batch")
    with building(body), _context.scope(overrides=None):
        given = [
            body.input(Spec((size, *x.shape) if h else x.shape, x.dtype), x.node.name)  # type: ignore[misc]  # of known rank
            for x, h in zip(program.inputs, has, strict=True)
        ]
        results, flags = run_batched(program, given, has, size)
        wanted = [force] * len(flags) if isinstance(force, bool) else [*force, *[False] * (len(flags) - len(force))]
        outputs = [
            body.lifted(spread(y, size) if w and not h else as_tensor(y))
            for y, h, w in zip(results, flags, wanted, strict=True)
        ]
    flags = [h or w for h, w in zip(flags, wanted, strict=True)]
    return Program(body.inputs, [y._value for y in outputs], body.nodes), flags


def _call(op: Any, inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Sequence[Any]:
    from chainrule._batching import call

    return call(op, inputs, attributes)


def _chosen(condition: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """`a` for the elements of the batch where the condition holds, else `b`."""
    shape = (*condition.shape, *[1] * (a.ndim - 1))
    chosen: Tensor = ops.where(ops.reshape(condition, shape=shape), a, b)
    return chosen


def _switch(
    instruction: Instruction, inputs: Sequence[Any], attributes: Mapping[str, Any], has: Sequence[bool], values: Any
) -> Results:
    flow: Switch = attributes["flow"]
    index, *given = inputs
    size = values.size
    if has[0]:
        return _all_branches(flow, index, given, has[1:], size)
    made = [batched_program(program, has[1:], size) for program in flow.programs]
    flags = [any(h) for h in zip(*(f for _, f in made), strict=True)]
    programs = tuple(batched_program(program, has[1:], size, flags)[0] for program in flow.programs)
    return _call(SWITCH, inputs, {**attributes, "flow": replace(flow, programs=programs)}), flags


def _all_branches(flow: Switch, index: Tensor, given: Sequence[Any], has: Sequence[bool], size: Any) -> Results:
    """Every branch, and for each element of the batch the results of its own."""
    from chainrule._batching import run_batched

    count = len(flow.programs)
    if flow.label != "cond":  # the look-up says which indices choose no branch
        index = ops.getitem(ops.arange(count), ops.where(index < 0, count, index))
    chosen: list[Any] = []
    for i, program in enumerate(flow.programs):
        results, flags = run_batched(program, given, has, size)
        whole = [y if h else spread(y, size) for y, h in zip(results, flags, strict=True)]
        chosen = [_chosen(index == i, a, b) for a, b in zip(whole, chosen, strict=True)] if i else whole
    return chosen, [True] * len(chosen)


def _carrying(
    program: Program, carried: Sequence[bool], rest: Sequence[bool], size: Any
) -> tuple[Program, list[bool], list[bool]]:
    """A step over a batch, which of the values it carries have the batch's axis, and which results."""
    have = list(carried)
    n = len(have)
    while True:
        step, flags = batched_program(program, [*have, *rest], size, have)
        more = [a or b for a, b in zip(have, flags[:n], strict=True)]
        if more == have:
            return step, have, flags
        have = more


def _begun(inputs: Sequence[Any], has: Sequence[bool], wanted: Sequence[bool], size: Any) -> list[Any]:
    return [spread(x, size) if w and not h else x for x, h, w in zip(inputs, has, wanted, strict=True)]


def _steps_first(x: Any) -> Tensor:
    """Elements or results of all steps, with the axis of steps before that of the batch, or back."""
    axes = (1, 0, *range(2, x.ndim))
    swapped: Tensor = ops.permute_dims(x, axes=axes)
    return swapped


def _scan(
    instruction: Instruction, inputs: Sequence[Any], attributes: Mapping[str, Any], has: Sequence[bool], values: Any
) -> Results:
    flow: Scan = attributes["flow"]
    size, n, stop = values.size, flow.n_carry, flow.n_carry + flow.n_xs
    steps = values.ragged.get(instruction.attributes["length"])
    step, carried, flags = _carrying(flow.program, [h or steps is not None for h in has[:n]], has[n:], size)
    xs = [_steps_first(x) if h else x for x, h in zip(inputs[n:stop], has[n:stop], strict=True)]
    constants = list(inputs[stop:])
    if steps is not None:
        length = xs[0].shape[0] if xs else attributes["length"]
        step, flags = _while_there_are(step, n, stop, flags, size), [True] * len(flags)
        xs, constants = [*xs, ops.arange(length)], [*constants, steps]
        flow = replace(flow, n_xs=flow.n_xs + 1)
    arguments = (*_begun(inputs[:n], has[:n], carried, size), *xs, *constants)
    made = _call(SCAN, arguments, {**attributes, "flow": replace(flow, programs=(step,))})
    found = [*flags, *(carried[i] for i in flow.history)]
    return [y if i < n or not h else _steps_first(y) for i, (y, h) in enumerate(zip(made, found, strict=True))], found


def _while_there_are(step: Program, n: int, stop: int, flags: Sequence[bool], size: Any) -> Program:
    """A step that changes nothing, and gives zeros, for the elements of a batch that have had all of theirs.

    It takes the number of the step after the elements, and how many there are for each after the constants.
    """
    body = Body("a batch")
    with building(body):
        given = [body.input(x.spec, x.node.name) for x in step.inputs[:stop]]
        at = body.input(Spec((), int64), "step")
        rest = [body.input(x.spec, x.node.name) for x in step.inputs[stop:]]
        steps = body.input(Spec((size,), int64), "steps")
        alive = at < steps
        found = [y if h else spread(y, size) for y, h in zip(replay(step, [*given, *rest]), flags, strict=True)]
        before = [*given[:n], *(ops.zeros_like(y) for y in found[n:])]
        outputs = [body.lifted(_chosen(alive, y, x)) for y, x in zip(found, before, strict=True)]
    return Program(body.inputs, [y._value for y in outputs], body.nodes)


def _while(
    instruction: Instruction, inputs: Sequence[Any], attributes: Mapping[str, Any], has: Sequence[bool], values: Any
) -> Results:
    flow: While = attributes["flow"]
    size, n = values.size, flow.n_carry
    step, carried, flags = _carrying(flow.program, has[:n], has[n:], size)
    condition, (differs,) = batched_program(flow.programs[0], [*carried, *has[n:]], size)
    if differs:
        return _until_all_are_done(instruction, flow, inputs, has, values)
    arguments = (*_begun(inputs[:n], has[:n], carried, size), *inputs[n:])
    made = _call(WHILE, arguments, {**attributes, "flow": replace(flow, programs=(condition, step))})
    found = [*flags[:n], False, *flags[n:], *(carried[i] for i in flow.history)]
    return [y if i <= n or not h else _steps_first(y) for i, (y, h) in enumerate(zip(made, found, strict=True))], found


def _until_all_are_done(
    instruction: Instruction, flow: While, inputs: Sequence[Any], has: Sequence[bool], values: Any
) -> Results:
    """A loop that elements of the batch leave at different times; how many steps each took is carried too."""
    size, n = values.size, flow.n_carry
    asked, _ = batched_program(flow.programs[0], [*[True] * n, *has[n:]], size, True)
    step, _ = batched_program(flow.program, [*[True] * n, *has[n:]], size, True)

    def program(kind: str) -> Program:
        body = Body("a batch")
        with building(body):
            given = [body.input(x.spec, x.node.name) for x in step.inputs[:n]]
            steps = body.input(Spec((size,), int64), "steps")
            rest = [body.input(x.spec, x.node.name) for x in step.inputs[n:]]
            (alive,) = replay(asked, [*given, *rest])
            if kind == "condition":
                outputs = [body.lifted(ops.any(alive))]
            else:
                found = replay(step, [*given, *rest])
                before = [*given, *(ops.zeros_like(y) for y in found[n:])]
                kept = [_chosen(alive, y, x) for y, x in zip(found, before, strict=True)]
                counted = steps + ops.astype(alive, dtype=int64)
                outputs = [body.lifted(y) for y in (*kept[:n], counted, *kept[n:])]
        return Program(body.inputs, [y._value for y in outputs], body.nodes)

    begun = _begun(inputs[:n], has[:n], [True] * n, size)
    none = spread(ops.zeros_like(begun[0], dtype=int64, shape=()), size) if begun else ops.zeros((size,), int64)
    arguments = (*begun, none, *inputs[n:])
    loop = replace(flow, programs=(program("condition"), program("body")), n_carry=n + 1)
    loop = replace(loop, history=(*flow.history, n))
    made = _call(WHILE, arguments, {"flow": loop})
    steps, past = made[n], [_steps_first(y) for y in made[n + 2 : -1]]
    for symbol in instruction.outputs[n + 1 :]:
        if symbol.shape and type(symbol.shape[0]) is Dim:
            values.ragged[symbol.shape[0]] = steps
    results = [*made[:n], steps, *past]
    return results, [True] * len(results)


def _remat(
    instruction: Instruction, inputs: Sequence[Any], attributes: Mapping[str, Any], has: Sequence[bool], values: Any
) -> Results:
    flow: Remat = attributes["flow"]
    program, flags = batched_program(flow.programs[0], has, values.size)
    return _call(REMAT, inputs, {**attributes, "flow": replace(flow, programs=(program,))}), flags


def _custom(
    instruction: Instruction, inputs: Sequence[Any], attributes: Mapping[str, Any], has: Sequence[bool], values: Any
) -> Results:
    """A program with a gradient of its own: both over the batch; what was not in it gets the sum of its cotangents."""
    flow: Custom = attributes["flow"]
    forward, flags = batched_program(flow.programs[0], has, values.size, True)
    single, _ = batched_program(flow.programs[1], [*has, *flags], values.size, True)
    body = Body("a batch")
    with building(body):
        found = replay(single, [body.input(x.spec, x.node.name) for x in single.inputs])
        parts = [y if has[i] else ops.sum(y, axis=0) for i, y in zip(flow.wanted, found, strict=True)]
        outputs = [body.lifted(as_tensor(part))._value for part in parts]
    backward = Program(body.inputs, outputs, body.nodes)
    made = _call(instruction.op, inputs, {**attributes, "flow": replace(flow, programs=(forward, backward))})
    return made, flags


def _ruled(
    instruction: Instruction, inputs: Sequence[Any], attributes: Mapping[str, Any], has: Sequence[bool], values: Any
) -> Results:
    """A program whose derivatives a rule makes: the rule is for each element of the batch by itself, too."""
    flow: Ruled = attributes["flow"]
    program, size, n = flow.programs[0], values.size, flow.n_own
    specs, own = [[x.spec for x in symbols] for symbols in (program.outputs, program.inputs[:n])], has[:n]
    forward, flags = batched_program(program, has, size, True)
    batched = replace(
        flow, programs=(forward,), rule=lambda given: _RuleOfBatch(flow.rule, given, own, size, specs[1], specs[0])
    )
    return _call(instruction.op, inputs, {"flow": batched}), flags


class _RuleOfBatch:
    """The derivatives of a batch by a rule for its elements."""

    def __init__(self, rule: Any, given: Sequence[Any], has: Sequence[bool], size: Any, *specs: Sequence[Spec]) -> None:
        self.rule = rule
        self.given = given
        self.has = has
        self.size = size
        self.specs = specs

    def pull_back(self, gs: Sequence[Tensor]) -> Sequence[Any]:
        """The cotangents of the arguments."""
        n = len(self.given)
        return _summed(
            lambda xs: self.rule(xs[:n]).pull_back(xs[n:]),
            [*self.specs[0], *self.specs[1]],
            [*self.given, *gs],
            [*self.has, *[True] * len(gs)],
            self.has,
            self.size,
        )


def _summed(
    f: Callable[[list[Tensor]], Sequence[Any]],
    specs: Sequence[Spec],
    given: Sequence[Any],
    has: Sequence[bool],
    of: Sequence[bool],
    size: Any,
) -> list[Any]:
    """The cotangents that a function of single elements gives, over a batch; the sum where what they are of has none.

    Args:
        f: from tensors to cotangents, None where there is none.
        specs: what the tensors are like.
        given: the tensors of the batch.
        has: which of them have its axis.
        of: whether what each cotangent is of has it.
        size: how long it is.
    """
    from chainrule._batching import run_batched

    trace = Trace("a batch")
    with building(trace):
        own = [trace.input(spec) for spec in specs]
        parts = [part if part is None else trace.lifted(as_tensor(part)) for part in f(own)]
    flags = {x._value: h for x, h in zip(own, has, strict=True)}
    program = trace.program([part for part in parts if part is not None])
    found, differ = run_batched(program, trace.given(own, given), [flags.get(x, False) for x in trace.inputs], size)
    whole = iter([y if h else spread(y, size) for y, h in zip(found, differ, strict=True)])
    cotangents = [part if part is None else next(whole) for part in parts]
    return [y if h or y is None else ops.sum(y, axis=0) for y, h in zip(cotangents, of, strict=True)]


def _implicit(
    instruction: Instruction, inputs: Sequence[Any], attributes: Mapping[str, Any], has: Sequence[bool], values: Any
) -> Results:
    """A root for each element of the batch: together, if the solver is a program, and else one after the other."""
    from chainrule._batching import in_a_loop

    flow: Implicit = attributes["flow"]
    size, n = values.size, flow.n
    if len(flow.programs) == 1:
        results = in_a_loop(instruction, inputs, attributes, has, "its solver is not traced: say traced=True")
        return results, [True] * len(results)
    residual, solver = flow.programs
    flags = [*[True] * n, *has[n:]]
    programs = tuple(batched_program(program, flags, size, True)[0] for program in (residual, solver))
    specs = [x.spec for x in residual.inputs]

    def cotangents(_: Any, g: Sequence[Tensor], y: Sequence[Tensor], parameters: Sequence[Any]) -> Sequence[Any]:
        return _summed(
            lambda xs: flow.cotangents(
                lambda roots, ps: replay(residual, [*roots, *ps]), g=xs[n : 2 * n], y=xs[:n], parameters=xs[2 * n :]
            ),
            [*specs[:n], *specs],
            [*y, *g, *parameters],
            [*[True] * n, *flags],
            has[n:],
            size,
        )

    arguments = [*_begun(inputs[:n], has[:n], flags[:n], size), *inputs[n:]]
    batched = replace(flow, programs=programs, cotangents=cotangents)
    return _call(instruction.op, arguments, {"flow": batched}), flags[:n]


def overridden(instruction: Instruction, inputs: Sequence[Any], has: Sequence[bool], values: Any) -> Results:
    """An operation with a gradient override in force: the override is for each element of the batch by itself."""
    definition = instruction.node.definition
    assert definition is not None
    symbols = list(dict.fromkeys(x for x in instruction.inputs if type(x) is Symbol))
    wanted, seeds = inexact(symbols), inexact(instruction.outputs)
    pull = vjp_program(Program(symbols, instruction.outputs, [instruction]), wanted, seeds)
    node = copy.copy(instruction.node)
    node.definition = None
    forward = Program(
        symbols,
        instruction.outputs,
        [Instruction(instruction.op, instruction.inputs, instruction.attributes, instruction.outputs, node)],
    )
    n = len(symbols)
    cotangents = [y.copied() for y in instruction.outputs]
    for i, y in zip(seeds, pull.inputs[n:], strict=True):
        cotangents[i] = y
    backward = Program([*pull.inputs[:n], *cotangents], pull.outputs, pull.instructions)
    flow = Custom((forward, backward), wanted)
    op = custom_op(instruction.op.name, definition.contract)
    places = [instruction.inputs.index(x) for x in symbols]
    again = Instruction(op, tuple(symbols), {"flow": flow}, instruction.outputs, instruction.node)
    with _context.scope(overrides=None):  # which is in the flow by now
        return _custom(again, [inputs[i] for i in places], {"flow": flow}, [has[i] for i in places], values)


FLOWS: Final[Mapping[type, Callable[..., Results]]] = {
    Switch: _switch,
    Scan: _scan,
    While: _while,
    Remat: _remat,
    Custom: _custom,
    Implicit: _implicit,
    Ruled: _ruled,
}
