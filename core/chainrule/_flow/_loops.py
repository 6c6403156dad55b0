"""Loops over a program: along arrays, and as long as another program says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chainrule import _context, ops
from chainrule._backend import Backend
from chainrule._dim import Dim
from chainrule._dispatch import apply
from chainrule._dtypes import int64
from chainrule._errors import ShapeError
from chainrule._flow._base import (
    Overridable,
    Overrides,
    again,
    chosen,
    flow_op,
    inexact,
    narrowed,
    reaching,
    taking,
    used_inputs,
)
from chainrule._flow._looping import scan_function, while_function
from chainrule._graph import Body, Instruction, input_specs
from chainrule._plans import plan_of
from chainrule._program import Program
from chainrule._replay import building, replay, specialise, vjp_program
from chainrule._tensor import Tensor
from chainrule.infer import Spec, may_equal


@dataclass(frozen=True, eq=False, repr=False)
class Scan(Overridable):
    """A program run for each element along the first axis of some inputs.

    The program takes what is carried, the elements, and constants, and gives the new carried values and the elements
    of results. The operation takes the same with whole arrays for the elements, and gives the last carried values, the
    results stacked, and the history: what was carried into each step, stacked, which gradients read.
    """

    programs: tuple[Program, ...]
    n_carry: int
    n_xs: int
    reverse: bool
    history: tuple[int, ...]
    names: tuple[str, ...] = ("body",)
    label: str = "scan"
    overrides: Overrides | None = None

    @property
    def program(self) -> Program:
        """The program of one step."""
        return self.programs[0]

    @property
    def n_ys(self) -> int:
        """How many results each step gives."""
        return len(self.program.outputs) - self.n_carry

    def specs(self, length: Any) -> list[Spec]:
        """The results' shapes and dtypes."""
        steps = self.program.specs
        carried, ys = [x.spec for x in self.program.inputs[: self.n_carry]], steps[self.n_carry :]
        return [*carried, *(_stacked(s, length) for s in ys), *(_stacked(carried[i], length) for i in self.history)]

    def specialised(self, inputs: Sequence[Any], known: Mapping[Dim, int]) -> Scan:
        """For inputs of known shapes, given the sizes that are known around it."""
        specs = input_specs(inputs)
        stop = self.n_carry + self.n_xs
        elements = [Spec(None if s.shape is None else s.shape[1:], s.dtype) for s in specs[self.n_carry : stop]]
        carried = specs[: self.n_carry]
        program = specialise(self.program, [*carried, *elements, *specs[stop:]], known)
        return replace(self, programs=(_steady(self, program),))

    def pruned(self, instruction: Instruction, used: Sequence[bool]) -> Instruction:
        """With the results alone that are used. What is carried stays as long as a step may read it."""
        n, n_ys = self.n_carry, self.n_ys
        ys = list(used[n : n + n_ys])
        history = [i for i, u in zip(self.history, used[n + n_ys :], strict=True) if u]
        keep = [used[i] or i in history for i in range(n)]
        program, reads = _fixpoint(self.program, keep, ys)
        flow = replace(
            self,
            programs=(taking(program, [*keep, *reads[n:]]),),
            n_carry=sum(keep),
            n_xs=sum(reads[n : n + self.n_xs]),
            history=tuple(sum(keep[:i]) for i in history),
        )
        kept = [*keep, *ys, *(i in history for i in self.history)]
        attributes = {"flow": flow, "length": instruction.attributes["length"]}
        inputs = chosen(instruction.inputs, [*keep, *reads[n:]])
        return again(instruction, inputs, attributes, chosen(instruction.outputs, kept))

    def kernel(self, backend: Backend) -> Callable[..., Any]:
        """A loop over a plan of the step."""
        return scan_function(self, backend)

    def pull_back(self, g: Any, y: Any, inputs: Sequence[Any], length: Any) -> list[Any]:
        """The cotangents of the inputs: a loop the other way, which carries cotangents and reads the history."""
        n, n_ys = self.n_carry, self.n_ys
        return _backward(self, g[:n], g[n : n + n_ys], g[n + n_ys :], y[n + n_ys :], inputs, length)


SCAN = flow_op(
    "scan",
    lambda g, y, *inputs, flow, length: flow.pull_back(g, y, inputs, length),
    lambda *specs, flow, length: flow.specs(length),
    "length",
)


@dataclass(frozen=True, eq=False, repr=False)
class While(Overridable):
    """A program run as long as another says so.

    Both take what is carried and constants; one gives whether to go on, the other the new carried values and the
    elements of results. The operation gives the last carried values, how many steps there were, the results stacked
    and the history, as `Scan` does.
    """

    programs: tuple[Program, ...]
    n_carry: int
    history: tuple[int, ...]
    names: tuple[str, ...] = ("condition", "body")
    label: str = "while_loop"
    overrides: Overrides | None = None

    n_xs = 0

    @property
    def program(self) -> Program:
        """The program of one step."""
        return self.programs[1]

    @property
    def n_ys(self) -> int:
        """How many results each step gives."""
        return len(self.program.outputs) - self.n_carry

    def specs(self) -> list[Spec]:
        """The results' shapes and dtypes; nobody knows how many steps there will be."""
        carried, ys = [x.spec for x in self.program.inputs[: self.n_carry]], self.program.specs[self.n_carry :]
        kept = [*ys, *(carried[i] for i in self.history)]
        return [*carried, Spec((), int64), *(_stacked(spec, None) for spec in kept)]

    def specialised(self, inputs: Sequence[Any], known: Mapping[Dim, int]) -> While:
        """For inputs of known shapes, given the sizes that are known around it."""
        specs = input_specs(inputs)
        condition, body = (specialise(program, specs, known) for program in self.programs)
        return replace(self, programs=(condition, _steady(self, body)))

    def pruned(self, instruction: Instruction, used: Sequence[bool]) -> Instruction:
        """With the results alone that are used. What is carried stays as long as a step or the condition reads it."""
        n, n_ys = self.n_carry, self.n_ys
        condition = self.programs[0]
        ys = list(used[n + 1 : n + 1 + n_ys])
        history = [i for i, u in zip(self.history, used[n + 1 + n_ys :], strict=True) if u]
        asked = used_inputs(condition)
        keep = [used[i] or i in history or asked[i] for i in range(n)]
        program, reads = _fixpoint(self.program, keep, ys)
        needed = [*keep, *(a or r for a, r in zip(asked[n:], reads[n:], strict=True))]
        flow = replace(
            self,
            programs=(taking(condition, needed), taking(program, needed)),
            n_carry=sum(keep),
            history=tuple(sum(keep[:i]) for i in history),
        )
        kept = [*keep, True, *ys, *(i in history for i in self.history)]
        inputs = chosen(instruction.inputs, needed)
        return again(instruction, inputs, {"flow": flow}, chosen(instruction.outputs, kept))

    def kernel(self, backend: Backend) -> Callable[..., Any]:
        """A loop over the plans of the condition and the step."""
        whole = backend.native(int64)
        goes_on = plan_of(self.programs[0], backend)
        return while_function(self, goes_on, backend, lambda steps: backend.full((), steps, whole, None))

    def pull_back(self, g: Any, y: Any, inputs: Sequence[Any]) -> list[Any]:
        """The cotangents of the inputs: a loop over the history, backwards."""
        n = self.n_carry
        past = y[n + 1 :]
        return _backward(self, g[:n], (), g[n + 1 :], past, inputs, past[0].shape[0] if past else 0)


WHILE = flow_op(
    "while_loop",
    lambda g, y, *inputs, flow: flow.pull_back(g, y, inputs),
    lambda *specs, flow: flow.specs(),
)


def _steady(loop: Scan | While, program: Program) -> Program:
    """The program of a step, once what it carries is known to keep its shape.

    Raises:
        ShapeError: it does not.
    """
    for x, y in zip(program.inputs[: loop.n_carry], program.outputs, strict=False):
        if not may_equal(x.shape, y.shape):
            raise ShapeError(
                f"{loop.label}: what is carried, {x.name!r}, was {x.spec!r}, the body gave {y.spec!r}; it must stay "
                "the same"
            )
    return program


def _fixpoint(program: Program, keep: list[bool], ys: list[bool]) -> tuple[Program, list[bool]]:
    """A step that gives the carried values in `keep`, to which those are added that it reads, and some results."""
    n = len(keep)
    while True:
        step = narrowed(program, [*keep, *ys])
        reads = used_inputs(step)
        more = [k or r for k, r in zip(keep, reads[:n], strict=True)]
        if more == keep:
            return step, reads
        keep[:] = more


def _stacked(spec: Spec, length: Any) -> Spec:
    return Spec(None if spec.shape is None else (length, *spec.shape), spec.dtype)


def _backward(
    loop: Scan | While,
    g_carry: Sequence[Tensor],
    g_ys: Sequence[Tensor],
    g_past: Sequence[Tensor],
    past: Sequence[Tensor],
    inputs: Sequence[Any],
    length: Any,
) -> list[Any]:
    """The cotangents of a loop's inputs, by a scan over its history in the other direction.

    It carries the cotangents of what was carried, and the sums of those of constants; it gives those of elements.
    """
    program, n, n_xs = loop.program, loop.n_carry, loop.n_xs
    stop = n + n_xs
    wanted, seeds = inexact(program.inputs), inexact(program.outputs)
    carried = [i for i in wanted if i < n]
    elements = [i for i in wanted if n <= i < stop]
    constants = [i for i in wanted if i >= stop]
    ys = [i - n for i in seeds if i >= n]
    pull = vjp_program(program, wanted, seeds, reaching(program, loop.overrides))
    body = Body("the gradient of a loop")
    with building(body), _context.scope(overrides=None):

        def given(symbols: Sequence[Any], name: str | None = None) -> list[Tensor]:
            return [body.input(x.spec, name or x.node.name) for x in symbols]

        take = given([program.inputs[i] for i in carried], "cotangent")
        totals = given([program.inputs[i] for i in constants], "total")
        was = given(program.inputs[:n])
        xs = given(program.inputs[n:stop])
        gy = given([program.outputs[n + i] for i in ys], "cotangent")
        gp = given([program.inputs[i] for i in carried], "cotangent")
        rest = given(program.inputs[stop:])
        found = dict(zip(wanted, replay(pull, [*was, *xs, *rest, *take, *gy]), strict=True))
        results = [
            *(found[i] + h for i, h in zip(carried, gp, strict=True)),
            *(found[i] + total for i, total in zip(constants, totals, strict=True)),
            *(found[i] for i in elements),
        ]
    n_back = len(carried) + len(constants)
    flow = Scan(
        (Program(body.inputs, [t._value for t in results], body.nodes),),
        n_back,
        n + n_xs + len(ys) + len(carried),
        not loop.reverse if isinstance(loop, Scan) else True,
        tuple(range(n_back)),
        label=f"{loop.label}_grad",
    )
    arguments = [
        *(g_carry[i] for i in carried),
        *(ops.zeros_like(inputs[i]) for i in constants),
        *past,
        *inputs[n:stop],
        *(g_ys[i] for i in ys),
        *(g_past[i] for i in carried),
        *inputs[stop:],
    ]
    made = apply(SCAN, tuple(arguments), {"flow": flow, "length": length})
    parts: list[Any] = [None] * len(inputs)
    for i, part in zip([*carried, *constants], made[:n_back], strict=True):
        parts[i] = part
    for i, part in zip(elements, made[n_back:], strict=False):
        parts[i] = part
    return parts
