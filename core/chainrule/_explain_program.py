"""What becomes of a compiled function, or of a part of a graph, on the way to its plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import optree

from chainrule import _backends, _context
from chainrule._backend import Backend
from chainrule._convert import as_tensor
from chainrule._cost import Cost, instruction_cost
from chainrule._describe import describe_graph, fetched, needed
from chainrule._errors import ArgumentError, ShapeError
from chainrule._explain_memory import MemoryUse
from chainrule._explain_regions import RegionUse, regions_of, regions_text
from chainrule._function import Function
from chainrule._graph import Graph, Instruction
from chainrule._graph_functions import as_node, placeholder
from chainrule._graph_ops import PLACEHOLDER
from chainrule._graph_text import counted, program_lines
from chainrule._passes import lowered
from chainrule._plan import Plan
from chainrule._plugins import load_plugins
from chainrule._program import Program, subprograms
from chainrule._replay import specialise
from chainrule._session import closed
from chainrule._symbol import Symbol
from chainrule._updates import variable_pairs
from chainrule.infer import Spec, may_equal
from chainrule.regions import FUSED


@dataclass(frozen=True)
class ProgramExplanation:
    """A program on its way to a plan. Print it, or read its fields.

    Attributes:
        name: what was explained.
        backend: the backend that the plan is for.
        stages: programs by name, in order: `"traced"`, `"specialised"` for a graph that is fed, each pass that changed
            something (`"simplification (2)"` in the second round), and `"plan"`, which is what runs.
        plans: the Python code of the plan, `"plan"`, and of those of branches and loops' bodies.
        costs: what each instruction of the plan costs.
        regions: what of it is fused, in branches and loops' bodies too, and what computes that.
        memory: the memory of the plan, and of those of branches and loops' bodies, by the names of `plans`.
        executors: what runs the code of each of `plans`: `"Python"`, `"jax.jit"`, ...
    """

    name: str
    backend: str
    stages: Mapping[str, Program]
    plans: Mapping[str, str]
    costs: tuple[Cost, ...]
    regions: tuple[RegionUse, ...]
    memory: Mapping[str, MemoryUse]
    executors: Mapping[str, str]

    @property
    def counts(self) -> dict[str, int]:
        """How many instructions each stage has, those of branches and loops' bodies among them; a region is one."""
        return {name: _count(program) for name, program in self.stages.items()}

    @property
    def cost(self) -> Cost:
        """What one run of the plan costs."""
        return sum(self.costs, Cost())

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data, for JSON; see `describe_graph` for a program."""
        stages = {name: describe_graph(program).to_dict() for name, program in self.stages.items()}
        return {
            "name": self.name,
            "backend": self.backend,
            "stages": stages,
            "plans": dict(self.plans),
            "cost": asdict(self.cost),
            "costs": [asdict(cost) for cost in self.costs],
            "regions": [asdict(region) for region in self.regions],
            "memory": {name: asdict(memory) for name, memory in self.memory.items()},
            "executors": dict(self.executors),
        }

    def digest(self) -> str:
        """A hash of what was traced and by which rules of which plugins and versions, to pin in a test.

        It holds no paths and no lines: the same program gives the same digest anywhere.
        """
        return describe_graph(self.stages["traced"]).digest()

    def __str__(self) -> str:
        counts = self.counts
        lines = [
            f"{self.name}: {counted(counts['traced'], 'instruction')} traced, {counts['plan']} in the plan "
            f"for backend {self.backend}",
            f"a run of the plan: {self.cost}",
            *([f"fused: {regions_text(self.regions)}"] if self.regions else []),
            f"memory: {self.memory['plan']}",
        ]
        before: list[str] = []
        for name, program in self.stages.items():
            n = counts[name]
            described = describe_graph(program)
            text = list(program_lines(described, True, "  "))
            told = name != "plan" and text == before
            lines.append(f"\n{name}: the same" if told else f"\n{name}: {counted(n, 'instruction')}")
            if name == "plan":
                lines.extend(program_lines(described, True, "  ", tuple(map(str, self.costs))))
            elif not told:
                lines.extend(text)
            before = text
        for name, source in self.plans.items():
            shared = list(self.memory[name].lines())
            if shared:
                lines.append(f"\n{name}, memory that is used again")
                lines.extend(f"  {line}" for line in shared)
            executor = self.executors[name]
            lines.append(f"\n{name}, as Python" + (f", run by {executor}" if executor != "Python" else ""))
            lines.extend(f"  {line}" for line in source.splitlines())
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<ProgramExplanation of {self.name}: {', '.join(f'{k} {n}' for k, n in self.counts.items())}>"


def explain(what: Any, *args: Any, **kwargs: Any) -> ProgramExplanation:
    """Show the program behind a function or a part of a graph: as traced, after each pass, and the plan's code.

    Each instruction is shown under the line of your code that made it, and if it computes a gradient, under the
    definition that made it, with its plugin and whether that is an override.

    Args:
        what: a compiled function, or a function as `cr.function` takes it, with the arguments of a call; or what
            `Session.run` fetches from a graph, and its `feed_dict` if sizes are to be known; or a `Program`.
        *args: the arguments. Where only a shape and dtype matter, `cr.Spec(shape, dtype)` stands for an array.
        **kwargs: further arguments of a function.

    Raises:
        ArgumentError: arguments that a graph or program does not take.
        DTypeError: there is nothing to explain in `what`.
        ShapeError: a value that is fed does not fit.

    >>> import chainrule as cr
    >>> explanation = cr.explain(lambda x: cr.sum(x * 1.0), cr.Spec((3,), "float64"))
    >>> explanation.counts
    {'traced': 2, 'simplification': 1, 'plan': 1}
    >>> print(explanation.stages["plan"])
    inputs a0: float64[3] ...
    v0: float64[] = sum(a0, dtype=None, axis=None, keepdims=False)
    return v0
    """
    load_plugins()
    if isinstance(what, Program):
        _no_arguments(what, args, kwargs)
        return _explained("program", what, _backends.get_backend())
    if callable(what):
        f = what if hasattr(what, "python_function") else Function(what)
        compiled = _traced(f, args, kwargs).compiled
        pairs = variable_pairs(compiled.program, compiled.reads, compiled.assigned)
        return _explained(f.python_function.__qualname__, compiled.program, compiled.backend, pairs)
    if len(args) > 1:
        _no_arguments(what, args, kwargs)
    return _explained_graph(what, *args, **kwargs)


def _no_arguments(what: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    if args or kwargs:
        raise ArgumentError(
            f"explain: {what!r:.60} takes no arguments, got {len(args) + len(kwargs)}; a graph's tensors take a "
            "feed_dict, a function the arguments of a call"
        )


def _traced(f: Any, args: Any, kwargs: Any) -> Any:
    """The trace of a compiled function for arguments of which some may be specs."""
    everything: Any = (args, kwargs)
    leaves, treedef = optree.tree_flatten(everything, none_is_leaf=True)
    if not any(isinstance(leaf, Spec) for leaf in leaves):
        return f._trace_of(*_bound(f, args), kwargs)
    with Graph().as_default():
        leaves = [placeholder(x.dtype, x.shape) if isinstance(x, Spec) else x for x in leaves]
        args, kwargs = optree.tree_unflatten(treedef, leaves)
        return f._trace_of(*_bound(f, args), kwargs)


def _bound(f: Any, args: tuple[Any, ...]) -> tuple[tuple[Any, ...]]:
    """The arguments, after the instance for a method."""
    return ((f.__self__, *args),) if hasattr(f, "__self__") else (args,)


def _explained_graph(what: Any, feed_dict: Mapping[Any, Any] | None = None) -> ProgramExplanation:
    nodes, symbols = fetched(what, "explain")
    roots = [*nodes, *(s.node for s in symbols)]
    graph = roots[0].graph
    feeds = {
        as_node(graph.get_tensor(key) if isinstance(key, str) else key, "feed_dict").outputs[0]: value
        for key, value in (feed_dict or {}).items()
    }
    waiting = [n.outputs[0] for n in needed(roots) if n.op is PLACEHOLDER and n.outputs[0] not in feeds]
    program, read, assigned = closed(symbols, nodes, [*feeds, *waiting])
    specs = [_fed_spec(x, feeds[x]) if x in feeds else x.spec for x in program.inputs]
    more = f" and {len(roots) - 3} more" if len(roots) > 3 else ""
    name = ", ".join(root.name for root in roots[:3]) + more
    pairs = variable_pairs(program, read, assigned)
    return _explained(name, program, _backends.get_backend(), pairs, specs if feeds else None)


def _fed_spec(x: Symbol, value: Any) -> Spec:
    with _context.init_scope():
        shape = value.shape if isinstance(value, Spec) else as_tensor(value).shape
    if not may_equal(shape, x.shape):
        raise ShapeError(f"explain: feed of {x.node.name!r}: expected {x.spec!r}, got shape {shape}")
    return Spec(shape, x.dtype)


def _explained(
    name: str,
    program: Program,
    backend: Backend,
    variables: tuple[tuple[int, int], ...] = (),
    specs: list[Spec] | None = None,
) -> ProgramExplanation:
    stages = {"traced": program}

    def report(name: str, made: Program) -> None:
        rounds = 1 + sum(stage.partition(" ")[0] == name for stage in stages)
        stages[name if rounds == 1 else f"{name} ({rounds})"] = made

    with _backends.use(backend), _context.scope(graph=None, recording=False):
        if specs is not None:
            program = specialise(program, specs)
            if program is not stages["traced"]:
                stages["specialised"] = program
        final = _deep(program, lambda p: lowered(p, backend), lowered(program, backend, report))
        stages["plan"] = final
        costs = tuple(map(instruction_cost, final.instructions))
        plans = dict(_plans("plan", final, backend, variables))
        sources = {name: _source(plan) for name, plan in plans.items()}
        memory = {name: MemoryUse.of(plan, dict(variables)) for name, plan in plans.items()}
        regions = tuple(regions_of(final, backend))
        executors = {name: plan.executor for name, plan in plans.items()}
        return ProgramExplanation(name, backend.name, stages, sources, costs, regions, memory, executors)


def _deep(program: Program, optimise: Callable[[Program], Program], done: Program) -> Program:
    """A program whose branches and loops' bodies are optimised too, as they are when its plan is made."""
    instructions = []
    for old in done.instructions:
        if old.op is FUSED:  # a region stays as it is
            instructions.append(old)
            continue
        attributes = {
            name: replace(value, programs=tuple(_deep(p, optimise, optimise(p)) for p in value.programs))
            if any(value is holder for holder in subprograms({name: value}))
            else value
            for name, value in old.attributes.items()
        }
        instructions.append(Instruction(old.op, old.inputs, attributes, old.outputs, old.node))
    return Program(done.inputs, done.outputs, instructions)


def _plans(
    name: str, program: Program, backend: Backend, variables: tuple[tuple[int, int], ...] = ()
) -> Iterator[tuple[str, Plan]]:
    """The plan of a program and those of the programs it holds."""
    yield name, Plan(program, backend, variables=variables)
    for instruction in program.instructions:
        for holder in () if instruction.op is FUSED else subprograms(instruction.attributes):
            for inner_name, inner in zip(holder.names, holder.programs, strict=True):
                yield from _plans(f"{name} of {instruction.node.name}, {inner_name}", inner, backend)


def _source(plan: Plan) -> str:
    """The code of a plan, with each statement's operation as a comment."""
    ops = {line: instruction.op.name for line, (instruction, _) in plan._statements.items()}
    return "".join(
        f"{line}  # {ops[i]}\n" if i in ops else f"{line}\n" for i, line in enumerate(plan.source.splitlines(), 1)
    )


def _count(program: Program) -> int:
    """The instructions of a program and of those it holds; a region is one."""
    held = [holder for i in program.instructions if i.op is not FUSED for holder in subprograms(i.attributes)]
    return len(program.instructions) + sum(_count(inner) for holder in held for inner in holder.programs)
