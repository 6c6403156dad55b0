"""Operations that hold programs: a choice between some, a loop over one, a program that is run again for its gradient.

Each is described by a value in its attribute `flow`, which knows its results, how to run, and its gradient: another
operation of these, so that any order of derivative and any nesting follows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chainrule import _context, ops
from chainrule._backend import Backend, Kernel
from chainrule._contracts import Contract
from chainrule._definition import Definition
from chainrule._dim import Dim
from chainrule._dispatch import apply
from chainrule._dtypes import int64
from chainrule._errors import IndexingError, ShapeError
from chainrule._graph import Body, GraphNode, Instruction, input_specs
from chainrule._op import REQUIRED, Op
from chainrule._owner import ENGINE, USER
from chainrule._passes import optimised
from chainrule._passes.dead_code import dead_code
from chainrule._plan import Plan
from chainrule._program import Program, once
from chainrule._replay import building, replay, specialise, vjp_program
from chainrule._symbol import Symbol
from chainrule._tensor import Tensor
from chainrule.infer import Spec, may_equal

Overrides = Mapping[Any, Any]


def _plan(program: Program, backend: Backend) -> Plan:
    return Plan(optimised(program, backend), backend)


def _inexact(symbols: Sequence[Symbol]) -> tuple[int, ...]:
    return tuple(i for i, symbol in enumerate(symbols) if symbol.dtype.is_inexact)


def _narrowed(program: Program, outputs: Sequence[bool], backend: Any = None) -> Program:
    """A program with some of its outputs alone."""
    kept = [y for y, used in zip(program.outputs, outputs, strict=True) if used]
    return dead_code(Program(program.inputs, kept, program.instructions), backend)


def _used(program: Program) -> list[bool]:
    """Which inputs a program reads."""
    read = {x for i in program.instructions for x in i.inputs if type(x) is Symbol} | set(program.outputs)
    return [x in read for x in program.inputs]


def _taking(program: Program, inputs: Sequence[bool]) -> Program:
    """A program without the inputs it does not read."""
    return Program(_chosen(program.inputs, inputs), program.outputs, program.instructions)


def _chosen(things: Sequence[Any], which: Sequence[bool]) -> list[Any]:
    return [thing for thing, chosen in zip(things, which, strict=True) if chosen]


def _again(instruction: Instruction, inputs: Sequence[Any], attributes: Mapping[str, Any], outputs: Any) -> Instruction:
    return Instruction(instruction.op, tuple(inputs), attributes, tuple(outputs), instruction.node)


class _Flow:
    """What all of them share."""

    programs: tuple[Program, ...]
    label: str

    def __repr__(self) -> str:
        return f"<{self.label}>"

    def silent(self) -> Any:
        """The same without effects: it has run once already."""
        programs = tuple(once(program, frozenset(program.instructions)) for program in self.programs)
        return replace(self, programs=programs)  # type: ignore[type-var]  # all are dataclasses with this field


class _Overridable(_Flow):
    """Those whose programs gradient-time overrides reach into."""

    def overridden(self, overrides: Overrides) -> Any:
        """The same, with these in force when its gradient is taken."""
        return replace(self, overrides=overrides)  # type: ignore[type-var]  # all are dataclasses with this field


# A choice


@dataclass(frozen=True, eq=False, repr=False)
class Switch(_Overridable):
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
        programs = [_narrowed(program, used) for program in self.programs]
        needed = [any(flags) for flags in zip(*map(_used, programs), strict=True)]
        flow = replace(self, programs=tuple(_taking(program, needed) for program in programs))
        index, *inputs = instruction.inputs
        return _again(
            instruction, [index, *_chosen(inputs, needed)], {"flow": flow}, _chosen(instruction.outputs, used)
        )

    def kernel(self, backend: Backend) -> Kernel:
        """The branch that is chosen, run as a plan."""
        plans = [_plan(program, backend).__call__ for program in self.programs]
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
        wanted, seeds = _inexact(first.inputs), _inexact([y for y in first.outputs])
        programs = tuple(
            vjp_program(program, wanted, seeds, reaching(program, self.overrides)) for program in self.programs
        )
        flow = replace(self, programs=programs, overrides=None)
        found = apply(SWITCH, (*inputs, *(g[i] for i in seeds)), {"flow": flow})
        parts: list[Any] = [None] * len(inputs)
        for i, part in zip(wanted, found, strict=True):
            parts[i + 1] = part
        return parts


def _common(specs: Sequence[Spec]) -> Spec:
    shapes = [spec.shape for spec in specs]
    if any(shape is None or len(shape) != len(shapes[0] or ()) for shape in shapes):
        return Spec(None, specs[0].dtype)
    lengths = [n[0] if len(set(n)) == 1 else Dim() for n in zip(*shapes, strict=True)]
    return Spec(tuple(lengths), specs[0].dtype)


SWITCH = Op(
    "switch",
    None,
    lambda *specs, flow: flow.specs(),
    lambda g, _y, *inputs, flow: flow.pull_back(g, inputs),
    attributes={"flow": REQUIRED},
    multiple=True,
    holomorphic=False,
    build=lambda instruction, backend: instruction.attributes["flow"].kernel(backend),
    owner=ENGINE,
)


# A program that is run again for its gradient


@dataclass(frozen=True, eq=False, repr=False)
class Remat(_Overridable):
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
        program = _narrowed(self.programs[0], used)
        needed = _used(program)
        flow = replace(self, programs=(_taking(program, needed),))
        inputs = _chosen(instruction.inputs, needed)
        return _again(instruction, inputs, {"flow": flow}, _chosen(instruction.outputs, used))

    def kernel(self, backend: Backend) -> Kernel:
        """The program as a plan."""
        return _plan(self.programs[0], backend).__call__

    def pull_back(self, g: Sequence[Tensor], inputs: Sequence[Any]) -> list[Any]:
        """The cotangents of the inputs, from a program that begins by running this one."""
        (program,) = self.programs
        wanted, seeds = _inexact(program.inputs), _inexact(program.outputs)
        pull = vjp_program(program, wanted, seeds, reaching(program, self.overrides))
        flow = replace(self, programs=(pull,), overrides=None)
        found = apply(REMAT, (*inputs, *(g[i] for i in seeds)), {"flow": flow})
        parts: list[Any] = [None] * len(inputs)
        for i, part in zip(wanted, found, strict=True):
            parts[i] = part
        return parts


REMAT = Op(
    "checkpoint",
    None,
    lambda *specs, flow: flow.specs(),
    lambda g, _y, *inputs, flow: flow.pull_back(g, inputs),
    attributes={"flow": REQUIRED},
    multiple=True,
    holomorphic=False,
    build=lambda instruction, backend: instruction.attributes["flow"].kernel(backend),
    owner=ENGINE,
)


# A program with a gradient of its own


@dataclass(frozen=True, eq=False, repr=False)
class Custom(_Flow):
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
        parts: list[Any] = [None] * len(inputs)
        for i, part in zip(self.wanted, found, strict=True):
            parts[i] = part
        return parts


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
        seeds = _inexact(forward.outputs)
        pull = vjp_program(forward, outside, seeds)
        with building(body):
            found = replay(pull, [x.tensor for x in inputs] + [g[i] for i in seeds])
        parts.update(zip(outside, (part._value for part in found), strict=True))
    backward = Program([*inputs, *(x._value for x in g)], list(parts.values()), body.nodes)
    return Custom((forward, once(backward, frozenset(forward_nodes))), tuple(parts))


# Loops


@dataclass(frozen=True, eq=False, repr=False)
class Scan(_Overridable):
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
            programs=(_taking(program, [*keep, *reads[n:]]),),
            n_carry=sum(keep),
            n_xs=sum(reads[n : n + self.n_xs]),
            history=tuple(sum(keep[:i]) for i in history),
        )
        kept = [*keep, *ys, *(i in history for i in self.history)]
        attributes = {"flow": flow, "length": instruction.attributes["length"]}
        inputs = _chosen(instruction.inputs, [*keep, *reads[n:]])
        return _again(instruction, inputs, attributes, _chosen(instruction.outputs, kept))

    def kernel(self, backend: Backend) -> Callable[..., Any]:
        """A loop over a plan of the step."""
        plan = _plan(self.program, backend)
        step = plan.__call__
        n, n_xs, n_ys, history = self.n_carry, self.n_xs, self.n_ys, self.history
        specs = [*self.program.specs[n:], *(self.program.inputs[i].spec for i in history)]

        def run(*inputs: Any, length: int) -> Any:
            carried = inputs[:n]
            xs, constants = inputs[n : n + n_xs], inputs[n + n_xs :]
            columns: list[list[Any]] = [[] for _ in specs]
            for t in reversed(range(length)) if self.reverse else range(length):
                for column, i in zip(columns[n_ys:], history, strict=True):
                    column.append(carried[i])
                results = step(*carried, *[x[t] if x.ndim == 1 else x[t, ...] for x in xs], *constants)
                carried = results[:n]
                for column, y in zip(columns, results[n:], strict=False):
                    column.append(y)
            return (*carried, *[_stack(c, s, self.reverse, backend) for c, s in zip(columns, specs, strict=True)])

        return run

    def pull_back(self, g: Any, y: Any, inputs: Sequence[Any], length: Any) -> list[Any]:
        """The cotangents of the inputs: a loop the other way, which carries cotangents and reads the history."""
        n, n_ys = self.n_carry, self.n_ys
        return _backward(self, g[:n], g[n : n + n_ys], g[n + n_ys :], y[n + n_ys :], inputs, length)


SCAN = Op(
    "scan",
    None,
    lambda *specs, flow, length: flow.specs(length),
    lambda g, y, *inputs, flow, length: flow.pull_back(g, y, inputs, length),
    attributes={"flow": REQUIRED, "length": REQUIRED},
    multiple=True,
    holomorphic=False,
    build=lambda instruction, backend: instruction.attributes["flow"].kernel(backend),
    owner=ENGINE,
)


@dataclass(frozen=True, eq=False, repr=False)
class While(_Overridable):
    """A program run as long as another says so.

    Both take what is carried and constants; one gives whether to go on, the other the new carried values. The
    operation gives the last carried values, how many steps there were, and the history, as `Scan` does.
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

    def specs(self) -> list[Spec]:
        """The results' shapes and dtypes; nobody knows how many steps there will be."""
        carried = [x.spec for x in self.program.inputs[: self.n_carry]]
        return [*carried, Spec((), int64), *(_stacked(carried[i], None) for i in self.history)]

    def specialised(self, inputs: Sequence[Any], known: Mapping[Dim, int]) -> While:
        """For inputs of known shapes, given the sizes that are known around it."""
        specs = input_specs(inputs)
        condition, body = (specialise(program, specs, known) for program in self.programs)
        return replace(self, programs=(condition, _steady(self, body)))

    def pruned(self, instruction: Instruction, used: Sequence[bool]) -> Instruction:
        """With the results alone that are used. What is carried stays as long as a step or the condition reads it."""
        n = self.n_carry
        condition = self.programs[0]
        history = [i for i, u in zip(self.history, used[n + 1 :], strict=True) if u]
        asked = _used(condition)
        keep = [used[i] or i in history or asked[i] for i in range(n)]
        program, reads = _fixpoint(self.program, keep, [])
        needed = [*keep, *(a or r for a, r in zip(asked[n:], reads[n:], strict=True))]
        flow = replace(
            self,
            programs=(_taking(condition, needed), _taking(program, needed)),
            n_carry=sum(keep),
            history=tuple(sum(keep[:i]) for i in history),
        )
        kept = [*keep, True, *(i in history for i in self.history)]
        inputs = _chosen(instruction.inputs, needed)
        return _again(instruction, inputs, {"flow": flow}, _chosen(instruction.outputs, kept))

    def kernel(self, backend: Backend) -> Callable[..., Any]:
        """A loop over the plans of the condition and the step."""
        goes_on, step = (_plan(program, backend).__call__ for program in self.programs)
        n, history = self.n_carry, self.history
        specs = [self.program.inputs[i].spec for i in history]
        whole = backend.native(int64)

        def run(*inputs: Any) -> Any:
            carried, constants = inputs[:n], inputs[n:]
            columns: list[list[Any]] = [[] for _ in specs]
            steps = 0
            while bool(goes_on(*carried, *constants)[0]):
                for column, i in zip(columns, history, strict=True):
                    column.append(carried[i])
                carried = step(*carried, *constants)
                steps += 1
            pasts = [_stack(c, s, False, backend) for c, s in zip(columns, specs, strict=True)]
            return (*carried, backend.full((), steps, whole, None), *pasts)

        return run

    def pull_back(self, g: Any, y: Any, inputs: Sequence[Any]) -> list[Any]:
        """The cotangents of the inputs: a loop over the history, backwards."""
        n = self.n_carry
        past = y[n + 1 :]
        return _backward(self, g[:n], (), g[n + 1 :], past, inputs, past[0].shape[0] if past else 0)


WHILE = Op(
    "while_loop",
    None,
    lambda *specs, flow: flow.specs(),
    lambda g, y, *inputs, flow: flow.pull_back(g, y, inputs),
    attributes={"flow": REQUIRED},
    multiple=True,
    holomorphic=False,
    build=lambda instruction, backend: instruction.attributes["flow"].kernel(backend),
    owner=ENGINE,
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
        narrowed = _narrowed(program, [*keep, *ys])
        reads = _used(narrowed)
        more = [k or r for k, r in zip(keep, reads[:n], strict=True)]
        if more == keep:
            return narrowed, reads
        keep[:] = more


def _stacked(spec: Spec, length: Any) -> Spec:
    return Spec(None if spec.shape is None else (length, *spec.shape), spec.dtype)


def _stack(rows: list[Any], spec: Spec, backwards: bool, backend: Backend) -> Any:
    """The values of all steps as one array."""
    if not rows:
        shape = tuple(0 if type(n) is Dim else n for n in spec.shape or ())
        return backend.full((0, *shape), 0, backend.native(spec.dtype), None)
    return backend.xp.stack(rows[::-1] if backwards else rows)


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
    wanted, seeds = _inexact(program.inputs), _inexact(program.outputs)
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


def reaching(program: Program, overrides: Overrides | None) -> Overrides | None:
    """Those of gradient-time overrides that select something in a program."""
    if not overrides:
        return None
    from chainrule._overrides import selects_in

    return {selector: gradient for selector, gradient in overrides.items() if selects_in(selector, program)} or None
