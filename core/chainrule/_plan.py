"""`Plan`: a program as a Python function for one backend.

One statement an instruction, local variables alone, kernels and attributes bound beforehand: nothing of the graph is
looked at when it runs. A long program becomes functions of bounded size, which Python compiles in linear time. What
nobody outside gets to see is computed into the arrays of a workspace, which the plan keeps for its next call.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any, Final

from chainrule import _backends
from chainrule._backend import Backend, Kernel
from chainrule._dim import Dim, atoms, has_dim, resolve
from chainrule._dispatch import failure
from chainrule._errors import UnknownSizeError
from chainrule._forward import JVP
from chainrule._graph import Instruction
from chainrule._graph_ops import CONSTANT, FULL, SIZE, STRONG
from chainrule._memory import NEW, planned
from chainrule._op import Op
from chainrule._parts import VJP
from chainrule._program import Program, reads, size_owners
from chainrule._symbol import Symbol
from chainrule._tensor import Tensor
from chainrule._updates import Action, run_all, updates
from chainrule.regions import FUSED

CHUNK: Final = 500
_LARGEST: Final = 4096  # elements of an array of one number that is kept
_new_number = itertools.count(1).__next__


class Plan:
    """A program that runs.

    Attributes:
        program: what it runs, after all passes.
        backend: the backend it runs on.
        source: the Python code of it.
        executor: what runs that code, for people to read: `"Python"`, or a compiler of the backend's library.
        memory: which values are computed into which arrays of its workspace.
        overwrites: the inputs that `update` may write over.
    """

    def __init__(
        self,
        program: Program,
        backend: Backend,
        n_own: int = 0,
        given: Sequence[Symbol] = (),
        variables: Iterable[tuple[int, int]] = (),
    ) -> None:
        """Write and compile it.

        Args:
            program: what to run, after all passes.
            backend: the backend to run it on.
            n_own: how many of the first outputs are arrays of their own, which nobody else holds: neither inputs,
                nor constants, nor views of these, nor one array twice.
            given: outputs that are computed into arrays which each call gives after the inputs; some of `places`.
            variables: which inputs are values of variables, and which outputs their new ones.
        """
        self.program = program
        self.backend = backend
        writer = _Writer(program, backend, n_own, given, variables)
        self.source = writer.source
        self.memory = writer.memory
        self.overwrites = writer.overwrites
        self._statements = writer.statements
        self._file = f"<chainrule plan {_new_number()}>"
        exec(compile(self.source, self._file, "exec"), writer.names)
        self.function: Callable[..., tuple[Any, ...]]
        self.function, self.executor = backend.compile(writer.names["plan"], program)
        self._workspaces: list[Any] = []  # those that no call uses now: at most one for each thread that has called

    def __call__(self, *arrays: Any) -> tuple[Any, ...]:
        """Run it on the backend's arrays, none of which is written over.

        Raises:
            ChainruleError: a kernel failed; names the operation, its inputs and the line of the user's code.
        """
        if self.memory.arrays or self.overwrites:
            return tuple(self.update(arrays, (), lambda results: ()))
        try:
            return self.function(*arrays)
        except Exception as error:
            raise self._explained(error) from error

    def update(
        self, arrays: Sequence[Any], alone: Container[int], commit: Callable[[Sequence[Any]], Iterable[Action]]
    ) -> Sequence[Any]:
        """Run it and change variables, all of them or, where something fails or interrupts, none.

        Args:
            arrays: what it takes.
            alone: those of `overwrites` that nobody else holds: new values are written over them.
            commit: from the results to compiled functions, called at the end, that give variables the other new values.

        Raises:
            ChainruleError: see `__call__`.
        """
        first: list[Any] = [self._workspace()] if self.memory.arrays else []
        try:
            if not self.overwrites:
                results: Sequence[Any] = self.function(*first, *arrays)
                run_all(commit(results))
            else:
                *results, writes = self.function(*first, alone, *arrays)
                run_all([*filter(None, writes), *commit(results)])
            return results
        except Exception as error:
            raise self._explained(error) from error
        finally:
            self._workspaces.extend(first)

    def _workspace(self) -> Any:
        """Arrays that no other call uses now."""
        try:
            return self._workspaces.pop()
        except IndexError:
            return self.memory.workspace(self.backend)

    def _explained(self, error: Exception) -> Exception:
        """What failed, of which the line of the generated code tells."""
        found = None
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == self._file and trace.tb_lineno in self._statements:
                found = trace
            trace = trace.tb_next
        if found is None:
            return error
        instruction, names = self._statements[found.tb_lineno]
        values = found.tb_frame.f_locals
        inputs = [
            Tensor(values[name], self.backend) if hasattr(values.get(name), "dtype") else values.get(name, x)
            for name, x in zip(names, instruction.inputs, strict=True)
        ]
        told = failure(instruction.op, tuple(inputs), instruction.attributes, self.backend, error)
        node = instruction.node
        return told if told is error else type(told)(f"{told}; node {node.name!r}, made at {node.site}")


class _Writer:
    """Writes a program as Python. Names come from numbers alone, never from the user's strings."""

    def __init__(
        self,
        program: Program,
        backend: Backend,
        n_own: int,
        given: Sequence[Symbol],
        variables: Iterable[tuple[int, int]],
    ) -> None:
        self.backend = backend
        self.names: dict[str, Any] = {"resolve": resolve, "copy": lambda x: backend.asarray(x, None, None)}
        self.statements: dict[int, tuple[Instruction, tuple[str, ...]]] = {}
        self._text: list[str] = []
        self._local: dict[Symbol, str] = {}
        self._bound: dict[Symbol, str] = {}
        self._place = "w{}".format  # an array of the workspace
        self._given = {y: f"o{i}" for i, y in enumerate(given)}
        self._owners = size_owners(program)
        pairs = [(program.inputs[i], program.outputs[k]) for i, k in variables]
        late = updates(program, pairs, backend)
        self._targets = {y: x for _, targets in late for y, x in targets.items()}
        self.overwrites = tuple(program.inputs.index(x) for x in self._targets.values())
        self._writes: list[str] = []
        body = self._named(program, [instruction for instruction, _ in late])
        needs = [[x for x in self._reads(instruction) if x in self._local] for instruction in body]
        results = [y for y in program.outputs if y in self._local]
        last = {symbol: i for i, symbols in enumerate(needs) for symbol in symbols} | dict.fromkeys(results, len(body))
        self.memory = planned(program, body, backend)
        first = [*(["w"] if self.memory.arrays else []), *(["alone"] if late else [])]
        n = len(body) - len(late)
        if n <= CHUNK:
            arguments = [*first, *(self._local[x] for x in program.inputs), *self._given.values()]
            self._text.append(f"def plan({', '.join(arguments)}):")
            if self.memory.arrays:
                self._text.append(f"    {''.join(f'w{n}, ' for n in range(len(self.memory.arrays)))}= w")
            self._write(body[:n], needs, 0, last)
        else:
            self._write_in_chunks(program, body[:n], needs, last, first)
        self._write(body[n:], needs[n:], n, last)
        shared = _shared(program, n_own) - {i for i, y in enumerate(program.outputs) if y in self._targets}
        outputs = [self._argument(y) for y in program.outputs]
        returned = "".join(f"copy({y}), " if i in shared else f"{y}, " for i, y in enumerate(outputs))
        writes = f"({''.join(f'{name}, ' for name in self._writes)}), " if late else ""
        self._text.append(f"    return ({returned}{writes})")
        self.source = "\n".join(self._text) + "\n"

    def _reads(self, instruction: Instruction) -> list[Symbol]:
        """The values that an instruction needs, those whose places it takes among them."""
        taken = [self._targets[y] for y in instruction.outputs if y in self._targets]
        return [*reads(instruction, self._owners), *taken]

    # Names

    def _named(self, program: Program, late: Sequence[Instruction]) -> list[Instruction]:
        """Name every value; the instructions that compute, without the constants, those that come late at the end."""
        body = []
        self._numbers = {x: i for i, x in enumerate(program.inputs)}
        for x, i in self._numbers.items():
            self._local[x] = f"a{i}"
        for instruction in program.instructions:
            if not self._is_constant(instruction):
                body.append(instruction)
                for symbol in instruction.outputs:
                    self._local[symbol] = f"v{len(self._local)}"
        return [instruction for instruction in body if instruction not in late] + list(late)

    def _bind(self, value: Any) -> str:
        name = f"c{len(self.names)}"
        self.names[name] = value
        return name

    def _is_constant(self, instruction: Instruction) -> bool:
        """Whether an instruction is a constant, which is bound and not computed.

        A large array of one number is made anew at each call, rather than kept.
        """
        attributes = instruction.attributes
        if instruction.op is CONSTANT:
            value = native_constant(attributes["value"], self.backend)
        elif instruction.op is FULL and not has_dim(attributes["shape"]) and math.prod(attributes["shape"]) <= _LARGEST:
            value = _full(self.backend)(**attributes)
        else:
            return False
        self._bound[instruction.outputs[0]] = self._bind(value)
        return True

    # Statements

    def _write(self, body: Sequence[Instruction], needs: Any, start: int, last: Mapping[Symbol, int]) -> None:
        """Write instructions, each value deleted after its last use."""
        for i, instruction in enumerate(body, start):
            outputs = self._list(instruction.outputs)
            if instruction.op.multiple and outputs:
                outputs += ","
            if instruction.outputs and instruction.outputs[0] in self._targets:
                self._writes.append(f"u{len(self._writes)}")
                outputs = f"({outputs.rstrip(',')},), {self._writes[-1]}"
            self._text.append(f"    {outputs}{' = ' if outputs else ''}{self._call(instruction)}")
            names = tuple(self._local.get(x, "") if type(x) is Symbol else "" for x in instruction.inputs)
            self.statements[len(self._text)] = (instruction, names)
            dead = dict.fromkeys(s for s in (*needs[i - start], *instruction.outputs) if last.get(s, i) <= i)
            if dead:
                self._text.append(f"    del {self._list(dead)}")

    def _write_in_chunks(
        self,
        program: Program,
        body: list[Instruction],
        needs: list[list[Symbol]],
        last: Mapping[Symbol, int],
        first: Sequence[str],
    ) -> None:
        space = first[:1] if self.memory.arrays else ()
        self._place = "w[{}]".format
        calls = []
        for n, start in enumerate(range(0, len(body), CHUNK)):
            stop = min(start + CHUNK, len(body))
            made = dict.fromkeys(s for instruction in body[start:stop] for s in instruction.outputs)
            taken = dict.fromkeys(s for symbols in needs[start:stop] for s in symbols if s not in made)
            given = [s for s in made if last.get(s, -1) >= stop]
            self._text.append(f"def f{n}({self._list(taken, *space)}):")
            self._write(body[start:stop], needs[start:stop], start, last)
            self._text.append(f"    return ({''.join(f'{self._local[s]}, ' for s in given)})")
            calls.append(
                f"{''.join(f'{self._local[s]}, ' for s in given)}{'= ' * bool(given)}f{n}({self._list(taken, *space)})"
            )
            dead = [s for s in taken if last[s] < stop]
            if dead:
                calls.append(f"del {self._list(dead)}")
        self._text.append(f"def plan({self._list(program.inputs, *first)}):")
        self._text.extend(f"    {call}" for call in calls)

    def _list(self, symbols: Iterable[Symbol], *first: str) -> str:
        return ", ".join([*first, *(self._local[s] for s in symbols)])

    def _call(self, instruction: Instruction) -> str:
        op, attributes = instruction.op, instruction.attributes
        arguments = [self._argument(x) for x in instruction.inputs]
        targets = [self._targets[y] for y in instruction.outputs if y in self._targets]
        if targets:
            overwriting = self.backend.overwriting(instruction, self.backend)
            assert overwriting is not None
            kernel = self.backend.on_device(overwriting)
            attributes = {name: value for name, value in attributes.items() if not hasattr(value, "programs")}
        elif op.build is not None:
            kernel = self.backend.on_device(op.build(instruction, self.backend))
            attributes = {name: value for name, value in attributes.items() if not hasattr(value, "programs")}
        elif any(y in self.memory.places or y in self._given for y in instruction.outputs):
            kernel = self.backend.into(instruction) or op.kernels[self.backend]
        else:
            internal = _INTERNAL.get(op)
            kernel = op.kernels[self.backend] if internal is None else internal(self.backend)
        arguments += [f"{name}={self._argument(value)}" for name, value in attributes.items()]
        into = [self._array(y) for y in instruction.outputs]
        if targets:
            into = [f"{self._local[x]} if {self._numbers[x]} in alone else None" for x in targets]
        if any(into):
            several = op.multiple or bool(targets)
            arguments.append(f"out=({', '.join(map(str, into))},)" if several else f"out={into[0]}")
        return f"{self._bind(kernel)}({', '.join(arguments)})"

    def _array(self, y: Symbol) -> str | None:
        """The array that a value is computed into."""
        place = self.memory.places.get(y)
        return self._given.get(y) if place is None else self._place(place)

    def _argument(self, value: Any) -> str:
        """A value as an expression."""
        if type(value) is Symbol:
            return self._local.get(value) or self._bound[value]
        if has_dim(value):
            known = ", ".join(f"{self._bind(atom)}: {self._size(atom)}" for atom in atoms(value))
            return f"resolve({self._bind(value)}, {{{known}}})"
        return repr(value) if _is_literal(value) else self._bind(value)

    def _size(self, atom: Dim) -> str:
        symbol = self._owners.get(atom)
        if symbol is None:
            raise UnknownSizeError(
                "a size that depends on values computed outside of a branch or a loop's body is used in it; pass what "
                "has that size in as an operand"
            )
        assert symbol.shape is not None
        return f"{self._local[symbol]}.shape[{symbol.shape.index(atom)}]"


def places(program: Program, backend: Backend) -> set[Symbol]:
    """The outputs of a program that a plan can compute into arrays that it is given."""
    body = program.instructions
    able = {y for i in body if i.op is FUSED or backend.into(i) is not None for y in i.outputs if y.shape}
    return {y for y in able if not has_dim(y.shape)} & set(program.outputs) if len(body) <= CHUNK else set()


def _shared(program: Program, n_own: int) -> set[int]:
    """Which of the first outputs may share memory with something else, and are to be copied."""
    new = {s for i in program.instructions if i.op.name in NEW for s in i.outputs}
    shared, seen = set(), set()
    for i, y in enumerate(program.outputs[:n_own]):
        if type(y) is Symbol and (y not in new or y in seen):
            shared.add(i)
        seen.add(y)
    return shared


def _is_literal(value: Any) -> bool:
    """Whether a value can be written as it prints."""
    return value is None or type(value) in (bool, int) or (type(value) is tuple and all(map(_is_literal, value)))


def native_constant(value: Tensor, backend: Backend) -> Any:
    """A constant as an array of the backend that a plan runs on, on the device in force."""
    device = device_of_plan(backend)
    if value.backend is backend and device in (None, value.device):
        return value.value
    array = value.value if value.backend is backend else value.backend.to_numpy(value.value)
    return backend.asarray(array, backend.native(value.dtype), device)


def device_of_plan(backend: Backend) -> str | None:
    """The device that a plan made now makes its arrays on."""
    return _backends.get_device() if backend is _backends.get_backend() else None


def _full(backend: Backend) -> Kernel:
    device = device_of_plan(backend)
    return lambda *, shape, value, dtype: backend.full(shape, value, backend.native(dtype), device)


def _strong(backend: Backend) -> Kernel:
    device = device_of_plan(backend)

    def kernel(x: Any, *, dtype: Any) -> Any:
        return backend.full((), x, backend.native(dtype), device) if not hasattr(x, "dtype") else x

    return kernel


def _opaque(backend: Backend) -> Kernel:
    """An opaque gradient whose sizes no program knows, because they depend on values: the definition runs eagerly."""

    def kernel(*arrays: Any, call: Any) -> Any:
        return call.run([x if x is None else Tensor(x, backend) for x in arrays])._value

    return kernel


_INTERNAL: Final[Mapping[Op, Callable[[Backend], Kernel]]] = {
    FULL: _full,
    STRONG: _strong,
    SIZE: lambda backend: lambda *, size: size,
    VJP: _opaque,
    JVP: _opaque,
}
