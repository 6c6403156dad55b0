"""`Program`: a straight list of instructions, which passes rewrite and plans run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from chainrule._dim import Dim, atoms, has_dim, resolve
from chainrule._errors import ChainruleError, ShapeError
from chainrule._graph import Instruction, input_specs, specs_of
from chainrule._graph_ops import ARGUMENT, PLACEHOLDER, SIZE
from chainrule._symbol import Symbol
from chainrule.infer import Shape, Spec

OPAQUE: Final = ("vjp", "jvp")  # what waits in a graph for sizes, and is expanded when they are known


class Program:
    """Instructions from inputs to outputs. It is never changed: passes make others of it.

    Attributes:
        inputs: the symbols that are given.
        outputs: symbols, and Python numbers where a result is one.
        instructions: what is computed, in order.
    """

    __slots__ = ("inputs", "instructions", "outputs")

    def __init__(self, inputs: Sequence[Symbol], outputs: Sequence[Any], instructions: Iterable[Instruction]) -> None:
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self.instructions = tuple(i for i in instructions if i.op is not ARGUMENT and i.op is not PLACEHOLDER)

    @property
    def specs(self) -> tuple[Spec, ...]:
        """The shapes and dtypes of the outputs."""
        return tuple(output.spec for output in self.outputs)

    def __str__(self) -> str:
        return "\n".join(_lines(self))

    def __repr__(self) -> str:
        n = len(self.instructions)
        return f"<Program of {n} instruction{'s' * (n != 1)}, {len(self.inputs)} in, {len(self.outputs)} out>"


def substituted(inputs: tuple[Any, ...], values: Mapping[Any, Any]) -> tuple[Any, ...]:
    """Inputs with symbols replaced by what stands for them."""
    return tuple([values.get(x, x) if type(x) is Symbol else x for x in inputs])


def pair_sizes(sizes: dict[Dim, Any], old: Symbol, new: Any) -> None:
    """Note which lengths of a value are which of the one that takes its place."""
    shape: Any = getattr(new, "shape", None)
    if old.shape is None or shape is None:
        return
    for was, now in zip(old.shape, shape, strict=True):
        if type(was) is Dim and was.is_atom and was is not now and was._terms != getattr(now, "_terms", None):
            sizes.setdefault(was, now)


def size_owners(program: Program) -> dict[Dim, Symbol]:
    """Which value, the first of them, tells each length that is known only when the program runs."""
    owners: dict[Dim, Symbol] = {}
    for symbols in (program.inputs, *[i.outputs for i in program.instructions]):
        for symbol in symbols:
            for n in symbol.shape or ():
                if type(n) is Dim and n.is_atom:
                    owners.setdefault(n, symbol)
    return owners


def reads(instruction: Instruction, owners: Mapping[Dim, Symbol]) -> list[Symbol]:
    """The values that an instruction needs: its inputs, and those that tell the sizes in its attributes."""
    found = [x for x in instruction.inputs if type(x) is Symbol]
    if not owners:
        return found
    for value in (*instruction.inputs, *instruction.attributes.values()):
        if has_dim(value):
            found.extend(owners[atom] for atom in atoms(value) if atom in owners)
    return found


def once(program: Program, past: Collection[Instruction]) -> Program:
    """A program that does again what was done in the past only as far as its results need it.

    Effects in the past are not repeated, in programs inside neither, but for those that give what is needed.
    """
    owners = size_owners(program)
    needed = {y for y in program.outputs if type(y) is Symbol}
    kept = []
    for instruction in reversed(program.instructions):
        if instruction in past:
            if needed.isdisjoint(instruction.outputs):
                continue
            attributes = {k: v.silent() if hasattr(v, "silent") else v for k, v in instruction.attributes.items()}
            instruction = Instruction(
                instruction.op, instruction.inputs, attributes, instruction.outputs, instruction.node
            )
        needed.update(reads(instruction, owners))
        kept.append(instruction)
    return Program(program.inputs, program.outputs, reversed(kept))


def subprograms(attributes: Mapping[str, Any]) -> Iterable[Any]:
    """The attributes that hold programs."""
    return (value for value in attributes.values() if hasattr(value, "programs"))


def specialised(
    program: Program, specs: Sequence[Spec], expand: Callable[..., Any], outside: Mapping[Dim, int]
) -> Program:
    """The same program for inputs of these shapes: sizes that follow from them are numbers in it.

    Args:
        program: the program.
        specs: the inputs' shapes and dtypes.
        expand: `(instruction, inputs)` to the instructions and the value in place of an opaque node.
        outside: the sizes that are known around it, if it is the program of a branch or a loop.

    Raises:
        ShapeError: a length contradicts another.
    """
    if not is_open(program) and all(x.shape == s.shape for x, s in zip(program.inputs, specs, strict=True)):
        return program
    known: dict[Dim, Any] = dict(outside)
    values: dict[Any, Any] = {}
    inputs = []
    for x, spec in zip(program.inputs, specs, strict=True):
        bind(known, x.shape, spec.shape, x.name)
        new = Symbol(spec.shape, spec.dtype, x.node, x.index, x.weak)
        values[x] = new
        inputs.append(new)
    instructions: list[Instruction] = []
    pending = list(reversed(program.instructions))
    while pending:
        old = pending.pop()
        mapped = tuple([resolve(x, known) for x in substituted(old.inputs, values)])
        attributes = {name: resolved(value, mapped, known) for name, value in old.attributes.items()}
        if old.op.name in OPAQUE:
            more, value = expand(Instruction(old.op, mapped, attributes, old.outputs, old.node), mapped)
            instructions.extend(more)
            values[old.outputs[0]] = value
            continue
        if old.op is SIZE and not has_dim(attributes["size"]):
            values[old.outputs[0]] = attributes["size"]
            continue
        try:
            found = specs_of(old.op, mapped, attributes)
        except ChainruleError as error:
            got = ", ".join(map(repr, input_specs(mapped)))
            raise type(error)(
                f"{old.op.name}({got}): {error}; node {old.node.name!r}, made at {old.node.site}"
            ) from error
        outputs = []
        for was, spec in zip(old.outputs, found, strict=True):
            shape = _closed(was.shape, spec.shape, known)
            symbol = values[was] = Symbol(shape, spec.dtype, was.node, was.index, spec.weak)
            outputs.append(symbol)
        instructions.append(Instruction(old.op, mapped, attributes, tuple(outputs), old.node))
    return Program(inputs, substituted(program.outputs, values), instructions)


def resolved(value: Any, inputs: tuple[Any, ...], known: Mapping[Dim, Any]) -> Any:
    """An attribute's value with the sizes that are known put in; what holds programs sees to that itself."""
    if hasattr(value, "specialised"):
        return value.specialised(inputs, known)
    return resolve(value, known)


def bind(known: dict[Dim, Any], shape: Shape, given: Shape, name: str) -> None:
    """Note what unknown lengths are, from a shape with them and the one that is there.

    Raises:
        ShapeError: one of them is something else already.
    """
    if shape is None or given is None:
        return
    for axis, (dim, n) in enumerate(zip(shape, given, strict=True)):
        if type(dim) is not Dim or not dim.is_atom or type(n) not in (int, Dim):
            continue
        have = known.get(dim)
        if type(have) is not int:
            known[dim] = n
        elif type(n) is int and n != have:
            raise ShapeError(f"{name}: axis {axis} is of length {n}, and a length that equals it is {have}")


def _closed(was: Shape, now: Shape, known: dict[Dim, Any]) -> Shape:
    """A result's shape where lengths keep their identity, or get the numbers they now have."""
    if now is None:
        return was
    if was is None:
        return tuple([Dim() if n is None else n for n in now])
    for dim, n in zip(was, now, strict=True):
        if type(dim) is Dim and type(n) is int and dim.is_atom:
            known.setdefault(dim, n)
    return tuple([(resolve(m, known) if n is None or type(n) is Dim else n) for m, n in zip(was, now, strict=True)])


def is_open(program: Program) -> bool:
    """Whether some size in it is not known."""
    symbols = [*program.inputs, *(s for i in program.instructions for s in i.outputs)]
    return any(s.shape is None or has_dim(s.shape) for s in symbols) or any(map(_has_open, program.instructions))


def _has_open(instruction: Instruction) -> bool:
    attributes = instruction.attributes
    if instruction.op.name in OPAQUE or any(map(has_dim, attributes.values())):
        return True
    return any(is_open(program) for holder in subprograms(attributes) for program in holder.programs)


# Text


def _lines(program: Program, indent: str = "") -> Iterable[str]:
    names: dict[Any, str] = {}

    def show(x: Any) -> str:
        return names.get(x, x.name) if type(x) is Symbol else repr(x)

    for i, x in enumerate(program.inputs):
        names[x] = f"a{i}"
    yield f"{indent}inputs " + (", ".join(f"{names[x]}: {x.spec!r} {x.name!r}" for x in program.inputs) or "none")
    count = 0
    for instruction in program.instructions:
        for symbol in instruction.outputs:
            names[symbol] = f"v{count}"
            count += 1
        left = ", ".join(f"{names[s]}: {s.spec!r}" for s in instruction.outputs)
        shown = [show(x) for x in instruction.inputs]
        shown += [f"{name}={_shown(value)}" for name, value in instruction.attributes.items()]
        yield f"{indent}{left or '_'} = {instruction.op.name}({', '.join(shown)})"
        for holder in subprograms(instruction.attributes):
            for name, inner in zip(holder.names, holder.programs, strict=True):
                yield f"{indent}  {name}:"
                yield from _lines(inner, f"{indent}    ")
    yield f"{indent}return " + ", ".join(map(show, program.outputs))


def _shown(value: Any) -> str:
    name = getattr(value, "name", None)
    if isinstance(name, str) and not isinstance(value, str):
        return name
    return repr(value) if isinstance(value, str | int | float | complex | tuple | bool | None) else type(value).__name__
