"""A program that is run again for its gradient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chainrule._backend import Backend, Kernel
from chainrule._dim import Dim
from chainrule._dispatch import apply
from chainrule._flow._base import (
    Overridable,
    Overrides,
    again,
    chosen,
    flow_op,
    inexact,
    narrowed,
    placed,
    reaching,
    taking,
    used_inputs,
)
from chainrule._graph import Instruction, input_specs
from chainrule._plans import plan_of
from chainrule._program import Program
from chainrule._replay import specialise, vjp_program
from chainrule._tensor import Tensor
from chainrule.infer import Spec


@dataclass(frozen=True, eq=False, repr=False)
class Remat(Overridable):
    """A program of which nothing but its inputs is kept: its gradient runs it again."""

    programs: tuple[Program, ...]
    names: tuple[str, ...] = ("body",)
    label: str = "checkpoint"
    overrides: Overrides | None = None

    def specs(self) -> Sequence[Spec]:
        """The results' shapes and dtypes."""
        return self.programs[0].specs

    def specialised(self, inputs: Sequence[Any], known: Mapping[Dim, int]) -> Remat:
        """For inputs of known shapes, given the sizes that are known around it."""
        return replace(self, programs=(specialise(self.programs[0], input_specs(inputs), known),))

    def pruned(self, instruction: Instruction, used: Sequence[bool]) -> Instruction:
        """With the results alone that are used, and what they need."""
        program = narrowed(self.programs[0], used)
        needed = used_inputs(program)
        flow = replace(self, programs=(taking(program, needed),))
        inputs = chosen(instruction.inputs, needed)
        return again(instruction, inputs, {"flow": flow}, chosen(instruction.outputs, used))

    def kernel(self, backend: Backend) -> Kernel:
        """The program as a plan."""
        return plan_of(self.programs[0], backend).__call__

    def pull_back(self, g: Sequence[Tensor], inputs: Sequence[Any]) -> list[Any]:
        """The cotangents of the inputs, from a program that begins by running this one."""
        (program,) = self.programs
        wanted, seeds = inexact(program.inputs), inexact(program.outputs)
        pull = vjp_program(program, wanted, seeds, reaching(program, self.overrides))
        flow = replace(self, programs=(pull,), overrides=None)
        found = apply(REMAT, (*inputs, *(g[i] for i in seeds)), {"flow": flow})
        return placed(wanted, found, len(inputs))


REMAT = flow_op(
    "checkpoint",
    lambda g, _y, *inputs, flow: flow.pull_back(g, inputs),
    lambda *specs, flow: flow.specs(),
)
