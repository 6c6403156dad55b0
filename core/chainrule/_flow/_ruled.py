"""A program whose derivatives a Python rule makes, when they are asked for: so the rule can call the same again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from chainrule._dim import Dim
from chainrule._flow._base import Flow, flow_op, inexact
from chainrule._graph import Instruction, input_specs
from chainrule._program import Program
from chainrule._replay import replay, specialise, vjp_program
from chainrule._tensor import Tensor
from chainrule.infer import Spec


class Derivatives(Protocol):
    """The derivatives of a function at some arguments."""

    def pull_back(self, gs: Sequence[Tensor]) -> Sequence[Any]:
        """The cotangents of the arguments."""


@dataclass(frozen=True, eq=False, repr=False)
class Ruled(Flow):
    """A program with a rule for its derivatives.

    Attributes:
        programs: the program, from arguments and what comes from outside.
        n_own: how many inputs are arguments.
        rule: from arguments to the derivatives there, which may also have a `push_forward`.
    """

    programs: tuple[Program, ...]
    n_own: int
    rule: Callable[[Sequence[Any]], Derivatives]
    names: tuple[str, ...] = ("function",)
    label: str = "custom_jvp"

    def specs(self) -> Sequence[Spec]:
        """The results' shapes and dtypes."""
        return self.programs[0].specs

    def specialised(self, inputs: Sequence[Any], known: Mapping[Dim, int]) -> Ruled:
        """For inputs of known shapes, given the sizes that are known around it."""
        return replace(self, programs=(specialise(self.programs[0], input_specs(inputs), known),))

    def pruned(self, instruction: Instruction, used: Sequence[bool]) -> Instruction:
        """As it is: it is expanded before anything is left out."""
        return instruction

    def expansion(self) -> Program:
        """The program that takes its place when no derivative is asked for any more."""
        return self.programs[0]

    def push_forward(self, tangents: Sequence[Tensor | None], inputs: Sequence[Any]) -> Sequence[Tensor] | None:
        """The tangents of the results by the rule itself, if it has a way forward and only arguments move."""
        n = self.n_own
        forward = getattr(self.rule(inputs[:n]), "push_forward", None)
        if forward is None or any(t is not None for t in tangents[n:]):
            return None
        found: Sequence[Tensor] = forward(tangents[:n])
        return found

    def pull_back(self, g: Sequence[Tensor], inputs: Sequence[Any]) -> list[Any]:
        """The cotangents of the arguments by the rule, and of what comes from outside by the program's gradient."""
        (program,) = self.programs
        n = self.n_own
        parts = list(self.rule(inputs[:n]).pull_back(g))
        outside = [i for i in inexact(program.inputs) if i >= n]
        found: dict[int, Any] = {}
        if outside:
            seeds = inexact(program.outputs)
            pull = vjp_program(program, outside, seeds)
            found = dict(zip(outside, replay(pull, [*inputs, *(g[i] for i in seeds)]), strict=True))
        return [*parts, *(found.get(i) for i in range(n, len(inputs)))]


RULED = flow_op(
    "custom_jvp",
    lambda g, _y, *inputs, flow: flow.pull_back(g, inputs),
    lambda *specs, flow: flow.specs(),
)
