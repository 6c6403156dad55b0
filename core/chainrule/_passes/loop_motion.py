"""Move out of loops what need not be computed step by step.

What does not depend on what is carried is computed for all steps at once before the loop, and what the next step does
not need after it: the product of all elements with a weight is one product, and so is the sum of the products that a
weight's gradient is made of. A loop of which nothing is left is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from chainrule import _context, ops
from chainrule._backend import Backend
from chainrule._dispatch import apply
from chainrule._graph import Body, GraphNode, Instruction, wrap
from chainrule._graph_ops import CONSTANT
from chainrule._op import Op
from chainrule._owner import ENGINE
from chainrule._passes._all_steps import for_all_steps, sum_over_steps
from chainrule._passes._elements import Makers, with_elements_inside
from chainrule._passes._steps import Steps
from chainrule._passes._tidied import tidied
from chainrule._passes.dead_code import has_effect
from chainrule._program import Program, is_open, substituted
from chainrule._symbol import Symbol
from chainrule._tensor import Tensor

CONTIGUOUS: Final = Op(
    "contiguous",
    1,
    lambda x: x,
    build=lambda instruction, backend: backend.kernels.get("contiguous", lambda x: x),
    owner=ENGINE,
)  # an array in the order of its axes, where a backend's arrays have one: it is read in each step


def loop_motion(program: Program, backend: Backend) -> Program:
    """The program with loops that do nothing but what has to be done step by step."""
    if not any(i.op.name == "scan" for i in program.instructions):
        return program
    values: dict[Any, Any] = {}
    makers: dict[Any, tuple[int, Instruction]] = {}
    instructions: list[Instruction] = []
    for old in program.instructions:
        instruction = Instruction(old.op, substituted(old.inputs, values), old.attributes, old.outputs, old.node)
        moved = _moved(instruction, makers, backend) if old.op.name == "scan" else None
        made, results = moved or ([instruction], instruction.outputs)
        if moved is not None:
            values.update(zip(instruction.outputs, results, strict=True))
        for each in made:
            makers.update(dict.fromkeys(each.outputs, (len(instructions), each)))
            instructions.append(each)
    return Program(program.inputs, substituted(program.outputs, values), instructions) if values else program


def _moved(loop: Instruction, makers: Makers, backend: Backend) -> tuple[Sequence[Instruction], Sequence[Any]] | None:
    """The instructions in place of a loop and the values of its results; None if there is nothing to move."""
    old = loop.attributes["flow"]
    if is_open(old.program):
        return None
    before, loop = with_elements_inside(loop, makers)
    flow = loop.attributes["flow"]
    body = tidied(flow.program, backend)
    steps = Steps(body, flow, loop.attributes["length"])
    inner = steps.inner()
    if body is old.program and len(inner) == len(body.instructions) and len(steps.state) == flow.n_carry:
        return None
    made, results = _Around(loop, steps, inner).parts()
    return [*before, *made], results


class _Around:
    """What takes a loop's place: what comes before it, what is left of it, and what comes after.

    It is written in operations, on tensors of a graph of its own.
    """

    def __init__(self, loop: Instruction, steps: Steps, inner: Sequence[Instruction]) -> None:
        self.loop = loop
        self.steps = steps
        self.inner = inner
        self.graph = Body("what a loop computes for all its steps")
        self.entered: dict[Any, Tensor] = {}  # values around the loop, as inputs of the graph
        self.found: dict[Any, Any] = {}  # values of the body for all steps, or as they always are

    def parts(self) -> tuple[Sequence[Instruction], Sequence[Any]]:
        """The instructions and the values of the loop's results."""
        with _context.scope(graph=self.graph, recording=False, scope="", controls=(), derives=None, overrides=None):
            results = self._results()
        back = {inner._value: outer for outer, inner in self.entered.items()}
        made = [
            Instruction(i.op, substituted(i.inputs, back), i.attributes, i.outputs, i)
            for i in Program((), (), self.graph.nodes).instructions
        ]
        values = [y._value if type(y) is Tensor else y for y in results]
        return made, [back.get(y, y) if type(y) is Symbol else y for y in values]

    def _results(self) -> list[Any]:
        steps, loop = self.steps, self.loop
        last = self._looped()
        results: list[Any] = []
        for k, (x, y) in enumerate(zip(steps.carry, steps.body.outputs, strict=False)):
            before = self._enter(loop.inputs[k])
            if k in steps.sums:
                results.append(self._at(y.node, ops.add, before, self.total(steps.sums[k])))
            else:
                results.append(before if x in steps.fixed else last[k])
        return results + [self._stack(y) for y in steps.results]

    def _looped(self) -> dict[int, Tensor]:
        """Run what is left of the loop; the last of what it carries. What it takes is computed before."""
        steps, loop, inner = self.steps, self.loop, self.inner
        ys, past, state = steps.kept()
        outputs = [*(steps.body.outputs[k] for k in state), *ys]
        made = {y for i in inner for y in i.outputs} | {steps.carry[k] for k in state}
        asked = [*(x for i in inner for x in i.inputs), *outputs]
        read = dict.fromkeys(x for x in asked if type(x) is Symbol and x not in made)
        xs, constants = ([x for x in read if x in kind] for kind in (steps.early, steps.fixed))
        if not (outputs or any(map(has_effect, inner))):
            return {}
        carry = [steps.carry[k] for k in state]
        flow = replace(
            loop.attributes["flow"],
            programs=(Program([*carry, *xs, *constants], outputs, inner),),
            n_carry=len(state),
            n_xs=len(xs),
            history=tuple(state.index(k) for k in past),
        )
        inputs = [*(self._enter(loop.inputs[k]) for k in state), *map(self.value, xs)]
        inputs += [self._constant(x) for x in constants]
        found = self._at(
            loop.node, lambda *values: apply(loop.op, values, {"flow": flow, "length": steps.length}), *inputs
        )
        self.found.update(zip([*ys, *(steps.carry[k] for k in past)], found[len(state) :], strict=True))
        return dict(zip(state, found, strict=False))

    def _constant(self, x: Any) -> Any:
        """A value that all steps take. Products read a right side that is transposed faster if it has been copied."""
        value = self.value(x)
        maker = self.steps.maker(x)
        if maker is None or maker.op.name != "matrix_transpose":
            return value
        if not any(i.op.name == "matmul" and i.inputs[1] is x for i in self.inner):
            return value
        return self._at(maker.node, lambda v: apply(CONTIGUOUS, (v,), {}), value)

    # Values of the body outside of it

    def _enter(self, outer: Any) -> Any:
        """A value from around the loop."""
        if type(outer) is not Symbol:
            return outer
        found = self.entered.get(outer)
        if found is None:
            found = self.entered[outer] = self.graph.input(outer.spec, outer.node.name)
        return found

    def value(self, x: Any) -> Any:
        """See `Values`."""
        if type(x) is not Symbol:
            return x
        for maker in self._missing(x):
            inputs = [self.found[v] if type(v) is Symbol else v for v in maker.inputs]
            self.found.update(zip(maker.outputs, self._at(maker.node, self._again, maker, inputs), strict=True))
        return self.found[x]

    def _missing(self, x: Symbol) -> list[Instruction]:
        """The instructions that are yet to be done for a value, in order."""
        missing: dict[int, Instruction] = {}
        pending = [x]
        while pending:
            v = pending.pop()
            place = self.steps.places.get(v)
            if v in self.found or place in missing:
                continue
            if place is None:
                self.found[v] = self._enter(self.loop.inputs[self.steps.body.inputs.index(v)])
                continue
            maker = missing[place] = self.steps.body.instructions[place]
            pending.extend(v for v in maker.inputs if type(v) is Symbol)
        return [missing[place] for place in sorted(missing)]

    def _again(self, maker: Instruction, inputs: Sequence[Any]) -> Sequence[Tensor]:
        """What an instruction of the body gives: once, or for all steps."""
        if maker.outputs[0] not in self.steps.fixed:
            rule = for_all_steps(maker, self.steps.stacked(maker))
            assert rule is not None
            return (rule(inputs, self.steps.length),)
        if maker.op is CONSTANT:
            return (self.graph.constant(maker.attributes["value"]),)
        if not inputs:
            return tuple(map(wrap, self.graph.add(maker.op, (), maker.attributes).outputs))
        made = apply(maker.op, tuple(inputs), maker.attributes)
        return made if maker.op.multiple else (made,)

    def _stack(self, x: Any) -> Any:
        """A value for all steps, one that is the same in all of them too."""
        value = self.value(x)
        if type(x) is Symbol and x not in self.steps.fixed:
            return value
        return ops.broadcast_to(value, shape=(self.steps.length, *getattr(x, "shape", ())))

    def transposed(self, x: Any) -> Any:
        """See `Values`."""
        maker = self.steps.maker(x)
        if maker is not None and maker.op.name == "matrix_transpose" and x not in self.found:
            return self.value(maker.inputs[0])
        return ops.matrix_transpose(self.value(x))

    def total(self, x: Any) -> Any:
        """See `Values`."""
        maker = self.steps.maker(x)
        rule = None
        if maker is not None and x not in self.found and self.steps.is_outside(x):
            rule = sum_over_steps(maker, self.steps.stacked(maker))
        if maker is None or rule is None:
            return ops.sum_to(self.value(x), shape=x.shape)
        return self._at(maker.node, rule, self, self.steps.length)

    def _at(self, node: GraphNode, f: Callable[..., Any], *values: Any) -> Any:
        """What a function gives, in operations that belong to a line of the user's code."""
        start = len(self.graph.nodes)
        found = f(*values)
        for made in self.graph.nodes[start:]:
            made.code, made.lasti = node.code, node.lasti
        return found
