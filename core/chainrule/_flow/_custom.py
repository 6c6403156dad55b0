"""A program with a gradient of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chainrule._contracts import Contract
from chainrule._definition import Definition
from chainrule._dim import Dim
from chainrule._flow._base import (
    Flow,
    inexact,
    placed,
)
from chainrule._graph import Body, GraphNode, Instruction, input_specs
from chainrule._op import REQUIRED, Op
from chainrule._owner import USER
from chainrule._program import Program, once
from chainrule._replay import building, replay, specialise, vjp_program
from chainrule._tensor import Tensor
from chainrule.infer import Spec


@dataclass(frozen=True, eq=False, repr=False)
class Custom(Flow):
    """A program and the program of its gradient, which takes the same inputs and the results' cotangents.

    Attributes:
        programs: the two.
        wanted: the inputs whose cotangents the second gives.
    """

    programs: tuple[Program, Program]
    wanted: tuple[int, ...]
    names: tuple[str, ...] = ("function", "gradient")
    label: str = "custom_gradient"

    def silent(self) -> Custom:
        """The same without effects, but for those of its gradient, which is yet to run."""
        forward, backward = self.programs
        return replace(self, programs=(once(forward, frozenset(forward.instructions)), backward))

    def specs(self) -> Sequence[Spec]:
        """The results' shapes and dtypes."""
        return self.programs[0].specs

    def specialised(self, inputs: Sequence[Any], known: Mapping[Dim, int]) -> Custom:
        """For inputs of known shapes, given the sizes that are known around it."""
        specs = input_specs(inputs)
        forward = specialise(self.programs[0], specs, known)
        return replace(self, programs=(forward, specialise(self.programs[1], [*specs, *forward.specs], known)))

    def pruned(self, instruction: Instruction, used: Sequence[bool]) -> Instruction:
        """As it is: it is expanded before anything is left out."""
        return instruction

    def expansion(self) -> Program:
        """The program that takes its place when no gradient is asked for any more."""
        return self.programs[0]

    def pull_back(self, g: Sequence[Tensor], inputs: Sequence[Any]) -> list[Any]:
        """The cotangents of the inputs, by the second program."""
        found = replay(self.programs[1], [*inputs, *g])
        return placed(self.wanted, found, len(inputs))


def custom_op(name: str, contract: Contract) -> Op:
    """The operation, in graphs, of a function with a gradient of its own."""

    def gradient(g: Any, _y: Any, *inputs: Any, flow: Custom) -> list[Any]:
        return flow.pull_back(g, inputs)

    op = Op(
        name,
        None,
        lambda *specs, flow: flow.specs(),
        attributes={"flow": REQUIRED},
        multiple=True,
        holomorphic=False,
    )
    op.definition = Definition(op, contract(gradient), USER, name)
    return op


def custom_flow(
    body: Body,
    forward_nodes: Sequence[GraphNode],
    results: Sequence[Tensor],
    g: Sequence[Tensor],
    cotangents: Sequence[Tensor | None],
) -> Custom:
    """What a body that computes results, and then its arguments' cotangents from theirs, comes to.

    What the body takes from outside has no rule of its own: it gets the gradient of the function's program.
    """
    given = {x._value for x in g}
    arguments = [x for x in body.inputs if x not in given]
    captured = set(body.captures.values())
    own = [x for x in arguments if x not in captured]
    inputs = [*own, *body.captures.values()]
    forward = Program(inputs, [y._value for y in results], forward_nodes)
    parts = {i: part._value for i, part in enumerate(cotangents) if part is not None}
    outside = [i for i in range(len(own), len(inputs)) if inputs[i].dtype.is_inexact]
    if outside:
        seeds = inexact(forward.outputs)
        pull = vjp_program(forward, outside, seeds)
        with building(body):
            found = replay(pull, [x.tensor for x in inputs] + [g[i] for i in seeds])
        parts.update(zip(outside, (part._value for part in found), strict=True))
    backward = Program([*inputs, *(x._value for x in g)], list(parts.values()), body.nodes)
    return Custom((forward, once(backward, frozenset(forward_nodes))), tuple(parts))
