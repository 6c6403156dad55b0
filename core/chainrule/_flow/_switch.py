"""A choice between programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chainrule._backend import Backend, Kernel
from chainrule._dim import Dim
from chainrule._dispatch import apply
from chainrule._errors import IndexingError
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
class Switch(Overridable):
    """One of some programs of the same inputs and results, chosen by the first input."""

    programs: tuple[Program, ...]
    names: tuple[str, ...]
    label: str = "switch"
    overrides: Overrides | None = None

    def specs(self) -> list[Spec]:
        """The results' shapes and dtypes: a length in which branches differ is not known."""
        return [_common(specs) for specs in zip(*(program.specs for program in self.programs), strict=True)]

    def specialised(self, inputs: Sequence[Any], known: Mapping[Dim, int]) -> Switch:
        """For inputs of known shapes, given the sizes that are known around it."""
        specs = input_specs(inputs)[1:]
        return replace(self, programs=tuple(specialise(program, specs, known) for program in self.programs))

    def pruned(self, instruction: Instruction, used: Sequence[bool]) -> Instruction:
        """With the results alone that are used, and what they need."""
        programs = [narrowed(program, used) for program in self.programs]
        needed = [any(flags) for flags in zip(*map(used_inputs, programs), strict=True)]
        flow = replace(self, programs=tuple(taking(program, needed) for program in programs))
        index, *inputs = instruction.inputs
        return again(instruction, [index, *chosen(inputs, needed)], {"flow": flow}, chosen(instruction.outputs, used))

    def kernel(self, backend: Backend) -> Kernel:
        """The branch that is chosen, run as a plan."""
        plans = [plan_of(program, backend).__call__ for program in self.programs]
        count = len(plans)

        def run(index: Any, *inputs: Any) -> Any:
            i = int(index)
            if not 0 <= i < count:
                raise IndexingError(f"switch: index {i} chooses none of {count} branches")
            return plans[i](*inputs)

        return run

    def pull_back(self, g: Sequence[Tensor], inputs: Sequence[Any]) -> list[Any]:
        """The cotangents of the inputs: the same choice between the branches' gradients."""
        first = self.programs[0]
        wanted, seeds = inexact(first.inputs), inexact([y for y in first.outputs])
        programs = tuple(
            vjp_program(program, wanted, seeds, reaching(program, self.overrides)) for program in self.programs
        )
        flow = replace(self, programs=programs, overrides=None)
        found = apply(SWITCH, (*inputs, *(g[i] for i in seeds)), {"flow": flow})
        return placed(wanted, found, len(inputs), first=1)


def _common(specs: Sequence[Spec]) -> Spec:
    shapes = [spec.shape for spec in specs]
    if any(shape is None or len(shape) != len(shapes[0] or ()) for shape in shapes):
        return Spec(None, specs[0].dtype)
    lengths = [n[0] if len(set(n)) == 1 else Dim() for n in zip(*shapes, strict=True)]
    return Spec(tuple(lengths), specs[0].dtype)


SWITCH = flow_op(
    "switch",
    lambda g, _y, *inputs, flow: flow.pull_back(g, inputs),
    lambda *specs, flow: flow.specs(),
)
