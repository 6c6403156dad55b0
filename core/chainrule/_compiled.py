"""`Compiled`: a closed program with the variables it reads and assigns, as something that can be called.

It runs as one plan. Differentiated from outside it is one node: a forward plan gives what the gradient needs besides
the results, and the gradient is a second plan. Where that is to be differentiated again, it is a `Compiled` itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from itertools import repeat
from typing import Any

from chainrule import _context, _record
from chainrule._backend import Backend
from chainrule._errors import BackendError
from chainrule._graph import Instruction
from chainrule._graph_ops import CONSTANT
from chainrule._op import REQUIRED, Op
from chainrule._owner import ENGINE
from chainrule._passes import optimised
from chainrule._plan import Plan
from chainrule._plans import plan_of
from chainrule._program import Program, reads, size_owners
from chainrule._replay import replay, specialise, vjp_program
from chainrule._settings import plan_settings
from chainrule._symbol import Symbol
from chainrule._tensor import Tensor
from chainrule._updates import Action, is_alone, run_all, variable_pairs
from chainrule._variable import Variable

Overrides = Mapping[Any, Any]


class Compiled:
    """A closed program, ready to be called.

    Attributes:
        program: from arguments and the values of `reads` to results and the new values of `assigned`.
        reads: the variables whose values come in after the arguments.
        assigned: the variables whose new values come out after the results.
        backend: the backend it runs on.
        what: what errors call it.
        settings: the settings that its plans are made under, and those of its gradient.
    """

    def __init__(
        self,
        program: Program,
        backend: Backend,
        reads: Sequence[Variable] = (),
        assigned: Sequence[Variable] = (),
        what: str = "a gradient",
        device: str | None = None,
        settings: tuple[bool, str] | None = None,
    ) -> None:
        self.device = device
        self.settings = plan_settings() if settings is None else settings
        self.program = program
        self.backend = backend
        self.reads = tuple(reads)
        self.assigned = tuple(assigned)
        self.what = what
        self.n_results = len(program.outputs) - len(self.assigned)
        self._plan: Plan | None = None
        self._splits: dict[Any, tuple[Plan, Plan, int]] = {}
        self._gradients: dict[Any, Compiled] = {}

    @property
    def plan(self) -> Plan:
        """The plan of the whole program."""
        if self._plan is None:
            self._check_variables()
            variables = variable_pairs(self.program, self.reads, self.assigned)
            self._plan = self._planned(self.program, len(self.program.outputs), variables)
        return self._plan

    def _planned(self, program: Program, n_own: int = 0, variables: tuple[tuple[int, int], ...] = ()) -> Plan:
        """A plan of what belongs to it."""
        with self._home():
            return plan_of(program, self.backend, n_own, variables)

    def _home(self) -> AbstractContextManager[None]:
        """Where its plans are made: on the device of the arguments, under the settings it was made under."""
        strict, jit = self.settings
        return _context.scope(backend=self.backend, device=self.device, strict=strict, jit=jit)

    def __call__(self, arguments: Sequence[Any]) -> Sequence[Tensor]:
        """Run it on tensors (or Python numbers, where the program takes them); its results.

        Variables get their new values when all of it has been computed.
        """
        context = _context.current()
        inputs = (*arguments, *[variable.read() for variable in self.reads])
        if context.graph is not None and not self._is_constant(inputs):
            return self._inlined(arguments)
        if context.assigned is not None:
            for variable in self.assigned:
                context.assigned.setdefault(variable, variable._value)
        if context.recording:
            wanted = tuple([i for i, x in enumerate(inputs) if type(x) is Tensor and _is_tracked(x)])
            if wanted:
                return self._recorded(inputs, wanted, context)
        plan = self.plan
        if not self.assigned:
            values: Sequence[Any] = plan(*[x._value if type(x) is Tensor else x for x in inputs])
        else:
            del inputs  # which hold variables' values
            values = self.updated(plan, arguments)
        return [Tensor(value, self.backend) for value in values]

    def updated(self, plan: Plan, arguments: Sequence[Any]) -> Sequence[Any]:
        """The results of a plan that gives variables new values, some in place of the old ones."""
        alone: list[int] = []
        if plan.overwrites:
            first = len(arguments)
            alone = [i for i in plan.overwrites if is_alone(self.reads[i - first])]
        arrays = [x._value if type(x) is Tensor else x for x in arguments]
        arrays += [variable._value._value for variable in self.reads]
        return plan.update(arrays, alone, self._commits)[: self.n_results]

    def _check_variables(self) -> None:
        """Refuse variables of another backend."""
        for variable in self.reads:
            if variable.graph is None and variable.backend is not self.backend:
                raise BackendError(
                    f"{self.what} runs on backend {self.backend.name!r}, and its variable {variable.name!r} is of "
                    f"{variable.backend.name!r}; move its arguments: cr.to_backend(x, {variable.backend.name!r})"
                )

    def commit(self, values: Sequence[Any]) -> None:
        """Give the variables their new values, which come after the results."""
        run_all(self._commits(values))

    def _commits(self, values: Sequence[Any]) -> list[Action]:
        """What gives the variables their new values, all of them by one call."""
        backend = self.backend
        tensors = [Tensor(value, backend) for value in values[self.n_results : self.n_results + len(self.assigned)]]
        return [partial(deque, map(setattr, self.assigned, repeat("_value"), tensors), 0)]

    def _is_constant(self, inputs: Sequence[Any]) -> bool:
        """Whether there is nothing for a graph that is being built: it can run now, as operations on constants do."""
        symbolic = any(type(x) is Tensor and type(x._value) is Symbol for x in inputs)
        return not (symbolic or self.assigned or any(i.op.effect for i in self.program.instructions))

    def _inlined(self, arguments: Sequence[Any]) -> Sequence[Tensor]:
        """Its nodes in the graph that is being built."""
        outputs = replay(self.program, [*arguments, *[variable.read() for variable in self.reads]])
        followers = []
        for variable, value in zip(self.assigned, outputs[self.n_results :], strict=True):
            followers.append(variable.assign(value)._value.node)
        for y in outputs[: self.n_results]:
            y._value.node.followers += tuple(followers)
        return outputs[: self.n_results]

    # Differentiated from outside

    def _recorded(
        self, inputs: tuple[Any, ...], wanted: tuple[int, ...], context: _context.Context
    ) -> Sequence[Tensor]:
        forward, backward, n_kept = self._split(wanted)
        values = forward(*[x._value if type(x) is Tensor else x for x in inputs])
        self.commit(values)
        results, kept = values[: self.n_results], values[len(values) - n_kept :]
        call = _Call(self, wanted, backward, kept)
        outputs: Sequence[Tensor] = _record.finish(CALL, inputs, {"call": call}, results, self.backend, context)
        return outputs

    @property
    def seeds(self) -> tuple[int, ...]:
        """The results that have cotangents."""
        return tuple(i for i, s in enumerate(self.program.specs[: self.n_results]) if s.dtype.is_inexact)

    def _split(self, wanted: tuple[int, ...]) -> tuple[Plan, Plan, int]:
        """The plan that gives results and what the gradient needs, the gradient's plan, and how many those are."""
        found = self._splits.get(wanted)
        if found is None:
            self._check_variables()
            joint = vjp_program(self.program, wanted, self.seeds, with_results=True)
            with self._home():
                joint = optimised(specialise(joint, [x.spec for x in joint.inputs]), self.backend)
            forward, backward = _partitioned(joint, len(self.program.inputs), len(self.program.outputs))
            n_kept = len(backward.inputs) - len(self.seeds)
            run = self._planned(forward, len(self.program.outputs))
            found = self._splits[wanted] = (run, self._planned(backward), n_kept)
        return found

    def gradient(self, wanted: tuple[int, ...], overrides: Overrides | None = None) -> Compiled:
        """The compiled function of its inputs and its results' cotangents to the wanted inputs' cotangents."""
        key = (wanted, None if overrides is None else tuple((k, _hashable(v)) for k, v in overrides.items()))
        found = self._gradients.get(key)
        if found is None:
            program = vjp_program(self.program, wanted, self.seeds, overrides)
            found = self._gradients[key] = Compiled(program, self.backend, device=self.device, settings=self.settings)
        return found


def _hashable(gradient: Any) -> Any:
    return gradient if callable(gradient) or isinstance(gradient, str | tuple) else id(gradient)


def _is_tracked(x: Tensor) -> bool:
    return x._node is not None and x._node.live and x.dtype.is_inexact


def _partitioned(joint: Program, n_inputs: int, n_outputs: int) -> tuple[Program, Program]:
    """A program split into what its first inputs suffice for, and the rest.

    The first part gives the first outputs and then what the second takes from it.
    """
    owners = size_owners(joint)
    late = set(joint.inputs[n_inputs:])
    first: list[Instruction] = []
    second: list[Instruction] = []
    shared: dict[Any, Instruction] = {}
    for instruction in joint.instructions:
        if instruction.op is CONSTANT:
            shared[instruction.outputs[0]] = instruction
        elif any(x in late for x in reads(instruction, owners)):
            late.update(instruction.outputs)
            second.append(instruction)
        else:
            first.append(instruction)
    results = joint.outputs[n_outputs:]
    taken = dict.fromkeys(
        x
        for x in (*(x for instruction in second for x in reads(instruction, owners)), *results)
        if type(x) is Symbol and x not in late and x not in shared
    )
    forward = Program(joint.inputs[:n_inputs], (*joint.outputs[:n_outputs], *taken), [*shared.values(), *first])
    backward = Program((*taken, *joint.inputs[n_inputs:]), results, [*shared.values(), *second])
    return forward, backward


class _Call:
    """One call of a compiled function while something records, with what its gradient needs."""

    def __init__(
        self,
        compiled: Compiled,
        wanted: tuple[int, ...],
        backward: Plan,
        kept: Sequence[Any],
        overrides: Overrides | None = None,
    ) -> None:
        self.compiled = compiled
        self.wanted = wanted
        self.backward = backward
        self.kept = kept
        self.overrides = overrides

    @property
    def programs(self) -> tuple[Program, ...]:
        """The program that was called, for overrides to reach into."""
        return (self.compiled.program,)

    def overridden(self, overrides: Overrides) -> _Call:
        """The same, with gradient-time overrides in force when its gradient is taken."""
        return _Call(self.compiled, self.wanted, self.backward, self.kept, overrides)

    def pull_back(self, g: Sequence[Tensor], inputs: Sequence[Any]) -> list[Any]:
        """The cotangents of the inputs."""
        compiled = self.compiled
        context = _context.current()
        seeds = [g[i] for i in compiled.seeds]
        if context.recording or context.graph is not None or self.overrides:
            found: Sequence[Tensor] = compiled.gradient(self.wanted, self.overrides)([*inputs, *seeds])
        else:
            found = [
                Tensor(value, compiled.backend) for value in self.backward(*self.kept, *[seed._value for seed in seeds])
            ]
        parts: list[Any] = [None] * len(inputs)
        for i, part in zip(self.wanted, found, strict=True):
            parts[i] = part
        return parts


CALL = Op(
    "call",
    None,
    lambda *specs, call: call.compiled.program.specs[: call.compiled.n_results],
    lambda g, _y, *inputs, call: call.pull_back(g, inputs),
    attributes={"call": REQUIRED},
    multiple=True,
    holomorphic=False,
    owner=ENGINE,
)
