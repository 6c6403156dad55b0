"""`check`: what a backend lacks for a program, told before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from chainrule import _backends, _context
from chainrule._backend import Backend
from chainrule._errors import BackendUnavailableError, ChainruleError, GraphError, MissingKernelError
from chainrule._graph import Graph, Instruction
from chainrule._owner import ENGINE
from chainrule._passes.decomposition import decomposition
from chainrule._plugins import load_plugins
from chainrule._program import Program, subprograms
from chainrule._registry import find_kernel
from chainrule._symbol import Symbol
from chainrule._trial import trial


@dataclass(frozen=True)
class Lack:
    """Something that a backend lacks for a program.

    Attributes:
        op: the operation.
        plugin: whose it is.
        problem: what the backend lacks or refuses, as the error would say that came of running it.
        sites: the lines of the user's code that need it.
        gradient: whether gradients alone need it.
    """

    op: str
    plugin: str
    problem: str
    sites: tuple[str, ...]
    gradient: bool

    def __str__(self) -> str:
        where = ", ".join(self.sites[:3]) + (f" and {len(self.sites) - 3} more" if len(self.sites) > 3 else "")
        return f"op {self.op!r} of {self.plugin}{', in a gradient' if self.gradient else ''}: {self.problem}; {where}"


@dataclass(frozen=True)
class BackendCheck:
    """What `check` found. It is true if nothing is lacking; print it, or read its fields.

    Attributes:
        backend: the backend's name.
        unavailable: why the backend cannot compute here whatever it is asked; empty if it can.
        ops: the operations of the program.
        dtypes: the dtypes in it.
        lacks: what is lacking.
    """

    backend: str
    unavailable: str
    ops: tuple[str, ...]
    dtypes: tuple[str, ...]
    lacks: tuple[Lack, ...]

    def __bool__(self) -> bool:
        return not self.lacks

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        what = f"{len(self.ops)} operation{'s' * (len(self.ops) != 1)} in {', '.join(self.dtypes) or 'no dtype'}"
        head = f"backend {self.backend!r} has all of {what}" if self else f"backend {self.backend!r}, {what}; it lacks"
        here = [f"  it cannot compute here: {self.unavailable}"] if self.unavailable else []
        return "\n".join([head, *here, *(f"  {lack}" for lack in self.lacks)])


def check(what: Any, *args: Any, backend: str | None = None, gradients: bool = True, **kwargs: Any) -> BackendCheck:
    """Tell what a backend lacks for a program: every operation and dtype of it at once, and nothing is run.

    Branches, bodies of loops and what operations are made of are looked into. A backend whose library is installed
    can be asked on a machine without the device that it computes on.

    Args:
        what: a function of arrays, compiled or not, with the arguments of a call; or a `cr.Graph`, or a `cr.Program`.
        *args: the arguments. Where only a shape and dtype matter, `cr.Spec(shape, dtype)` stands for an array.
        backend: its name; the one in force by default.
        gradients: whether to look at the gradients of a function too: of the sum of its results, by all
            floating-point arrays in the arguments and the trainable variables it reads.
        **kwargs: further arguments of a function.

    Raises:
        BackendError: no backend has that name.
        BackendUnavailableError: what the backend has cannot be known here: its library is not installed.
        ChainruleError: what tracing the function raises.

    >>> import chainrule as cr
    >>> report = cr.check(lambda x: cr.sum(cr.exp(x)), cr.Spec((3,), "bfloat16"), backend="numpy")
    >>> bool(report), report.ops
    (False, ('exp', 'sum', ...))
    >>> print(report.lacks[0].problem)
    backend 'numpy' has no dtype 'bfloat16'; it has ...
    """
    load_plugins()
    chosen, unavailable = _asked(backend)
    if isinstance(what, Graph | Program):
        if args or kwargs:
            raise GraphError(f"check: a {type(what).__name__} takes no arguments, got {len(args) + len(kwargs)}")
        program = what if isinstance(what, Program) else Program((), (), what)
    else:
        program = trial(what, args, kwargs, gradients).program
    with _backends.use(chosen), _context.scope(graph=None, recording=False):
        instructions = list(_everything(program, chosen))
    found: dict[tuple[str, str], list[Instruction]] = {}
    for instruction in instructions:
        for problem in _problems(instruction, chosen):
            found.setdefault((instruction.op.name, problem), []).append(instruction)
    symbols = [*program.inputs, *(s for i in instructions for s in i.outputs)]
    return BackendCheck(
        chosen.name,
        unavailable,
        tuple(dict.fromkeys(i.op.name for i in instructions if i.op.owner != ENGINE)),
        tuple(dict.fromkeys(str(s.dtype) for s in symbols)),
        tuple(_lack(op, problem, where) for (op, problem), where in found.items()),
    )


def _asked(name: str | None) -> tuple[Backend, str]:
    """A backend, and why it cannot compute here if it cannot."""
    if name is None:
        return _backends.get_backend(), ""
    try:
        return _backends.load_backend(name.partition(":")[0]), ""  # its devices do not matter
    except BackendUnavailableError as error:
        if error.backend is None:
            raise
        return error.backend, str(error)


def _everything(program: Program, backend: Backend) -> Iterator[Instruction]:
    """The instructions of a program that the backend would run, those of the programs in it among them."""
    for instruction in decomposition(program, backend).instructions:
        yield instruction
        for holder in subprograms(instruction.attributes):
            for inner in holder.programs:
                yield from _everything(inner, backend)


def _problems(instruction: Instruction, backend: Backend) -> Iterator[str]:
    """What a backend lacks for an instruction."""
    symbols = [*(x for x in instruction.inputs if type(x) is Symbol), *instruction.outputs]
    for dtype in dict.fromkeys(s.dtype for s in symbols):
        try:
            backend.native(dtype)
        except ChainruleError as error:
            yield str(error)
    if instruction.op.owner == ENGINE:  # no kernel of a backend computes it
        return
    try:
        kernel = find_kernel(instruction.op, backend)
    except MissingKernelError as error:
        yield str(error)
        return
    for refuses in (backend.refuses, getattr(kernel, "refuses", None)):
        if refuses is not None and (reason := refuses(instruction)) is not None:
            yield reason


def _lack(op: str, problem: str, where: Sequence[Instruction]) -> Lack:
    sites = tuple(dict.fromkeys(str(instruction.node.site) for instruction in where))
    plugin = str(where[0].op.owner)
    return Lack(op, plugin, problem, sites, all(instruction.node.derives is not None for instruction in where))
