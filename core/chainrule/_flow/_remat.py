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
from chainrule._graph_ops import FULL
from chainrule._plans import plan_of
from chainrule._program import Program
from chainrule._replay import specialise, vjp_program
from chainrule._symbol import Symbol
from chainrule._tensor import Tensor
from chainrule.infer import Spec


@dataclass(frozen=True, eq=False, repr=False)
class Remat(Overridable):
    """A program of which nothing but its inputs is kept: its gradient runs it again.

    Attributes:
        programs: the program.
        n_saved: how many of its last results are values on the way that are kept for its gradient all the same.
    """

    programs: tuple[Program, ...]
    n_saved: int = 0
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
        flow = replace(self, programs=(taking(program, needed),), n_saved=0)
        inputs = chosen(instruction.inputs, needed)
        return again(instruction, inputs, {"flow": flow}, chosen(instruction.outputs, used))

    def kernel(self, backend: Backend) -> Kernel:
        """The program as a plan."""
        return plan_of(self.programs[0], backend).__call__

    def pull_back(self, g: Sequence[Tensor], y: Sequence[Tensor], inputs: Sequence[Any]) -> list[Any]:
        """The cotangents of the inputs, from a program that begins by running this one."""
        (program,) = self.programs
        n = len(program.outputs) - self.n_saved
        wanted = inexact(program.inputs)
        seeds = tuple(i for i in inexact(program.outputs) if i < n or not is_zero(g[i]))
        overrides = reaching(program, self.overrides)
        if self.n_saved:
            (quiet,) = self.silent().programs
            pull = _with_saved(vjp_program(quiet, wanted, seeds, overrides, with_results=True), n, len(program.outputs))
        else:
            pull = vjp_program(program, wanted, seeds, overrides)
        flow = replace(self, programs=(pull,), overrides=None, n_saved=0)
        found = apply(REMAT, (*inputs, *(g[i] for i in seeds), *y[n:]), {"flow": flow})
        return placed(wanted, found, len(inputs))


def is_zero(g: Tensor) -> bool:
    """Whether a cotangent of a graph is known to be 0: what stands where none came."""
    value: Any = g._value
    return type(value) is Symbol and value.node.op is FULL and value.node.attributes["value"] == 0


def _with_saved(pull: Program, start: int, stop: int) -> Program:
    """A gradient that takes some results of its forward part as inputs, after the others, and does not compute them."""
    saved = pull.outputs[start:stop]
    kept = [i for i in pull.instructions if not set(i.outputs) <= set(saved) or not i.outputs]
    return Program([*pull.inputs, *saved], pull.outputs[stop:], kept)


REMAT = flow_op(
    "checkpoint",
    lambda g, y, *inputs, flow: flow.pull_back(g, y, inputs),
    lambda *specs, flow: flow.specs(),
)
