"""A root of a program, with the gradient of the implicit function theorem."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chainrule._backend import Backend, Kernel
from chainrule._dim import Dim
from chainrule._flow._base import Flow, flow_op
from chainrule._graph import Instruction, input_specs
from chainrule._plans import plan_of
from chainrule._program import Program
from chainrule._replay import replay, specialise
from chainrule._tensor import Tensor
from chainrule.infer import Spec


@dataclass(frozen=True, eq=False, repr=False)
class Implicit(Flow):
    """The values of a program's first inputs for which its results are zero.

    Attributes:
        programs: the program of the residual and, after it, that of the solver, if there is one: of the same inputs,
            the start in place of the root.
        n: how many values are looked for.
        solve: the solver, from the residual as a function of tensors, and a start.
        cotangents: `(residual, g=, y=, parameters=)` to the cotangents of the inputs after the start.
    """

    programs: tuple[Program, ...]
    n: int
    solve: Callable[..., Sequence[Tensor]]
    cotangents: Callable[..., Sequence[Any]]
    label: str = "implicit_root"

    @property
    def names(self) -> tuple[str, ...]:
        """What the programs are."""
        return ("residual", "solver")[: len(self.programs)]

    def specs(self) -> Sequence[Spec]:
        """The results' shapes and dtypes: those of the start."""
        return [x.spec for x in self.programs[0].inputs[: self.n]]

    def specialised(self, inputs: Sequence[Any], known: Mapping[Dim, int]) -> Implicit:
        """For inputs of known shapes, given the sizes that are known around it."""
        specs = input_specs(inputs)
        return replace(self, programs=tuple(specialise(program, specs, known) for program in self.programs))

    def pruned(self, instruction: Instruction, used: Sequence[bool]) -> Instruction:
        """As it is: all that is looked for takes all of it."""
        return instruction

    def kernel(self, backend: Backend) -> Kernel:
        """The solver: its program, or itself with the residual as a plan."""
        if len(self.programs) > 1:
            return plan_of(self.programs[1], backend).__call__
        plan = plan_of(self.programs[0], backend)
        n = self.n

        def run(*arrays: Any) -> tuple[Any, ...]:
            def residual(xs: Sequence[Tensor]) -> list[Tensor]:
                return [Tensor(y, backend) for y in plan(*[x._value for x in xs], *arrays[n:])]

            return tuple([x._value for x in self.solve(residual, [Tensor(x, backend) for x in arrays[:n]])])

        return run

    def pull_back(self, g: Sequence[Tensor], y: Sequence[Tensor], inputs: Sequence[Any]) -> list[Any]:
        """The cotangents of the inputs; the start has none."""
        residual = self.programs[0]
        found = self.cotangents(
            lambda xs, parameters: replay(residual, [*xs, *parameters]), g=g, y=y, parameters=inputs[self.n :]
        )
        return [*[None] * self.n, *found]


IMPLICIT = flow_op(
    "implicit_root",
    lambda g, y, *inputs, flow: flow.pull_back(g, y, inputs),
    lambda *specs, flow: flow.specs(),
)
