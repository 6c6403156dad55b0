"""Regions by NumPy alone: block by block, so that what lies between stays in the processor's cache.

A region becomes a Python function with a loop over blocks of its space. What is computed on the way goes into a few
small arrays that are used again and again. Several threads take a part of the space each.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, Final

import numpy as np

from chainrule import Instruction, Symbol, get_num_threads, run_tasks
from chainrule.regions import REDUCTIONS, Region
from chainrule_numpy._block_results import Scattered, Total, Written
from chainrule_numpy._dots import Dot, with_dots
from chainrule_numpy._out import OUT, into
from chainrule_numpy._space import Slices, collapsed, reduced_axes, slices_of, wide
from chainrule_numpy._sums import add_reduce

CACHE: Final = 1 << 21  # bytes that the blocks of all arrays of a region take together
SMALLEST: Final = 1 << 15  # elements of a block that has them; in a smaller one, the calls take as long as the work
SHARE: Final = 1 << 16  # elements at least that another thread is worth; no block has more
NARROW: Final = 256  # elements of a row with which NumPy's loops are short; it is faster with as many as a block has
MANY: Final = 4  # blocks that it pays for to repeat such a row
_UFUNCS: Final = {"sum": np.add, "sum_to": np.add, "mean": np.add, "max": np.maximum, "min": np.minimum}
_new_number = itertools.count(1).__next__


def takes(instruction: Instruction) -> bool:
    """Whether an instruction can be part of a region."""
    op, (y,) = instruction.op, instruction.outputs
    if op.name in REDUCTIONS:
        return y.dtype.kind in ("float", "int") and y.dtype.bits >= 32
    if op.name == "scatter_add":
        return slices_of(instruction) is not None
    return op.name in OUT or op.name == "broadcast_to"


def fits(region: Region) -> bool:
    """Whether a region is computed in blocks: nothing in it uses a reduction of it."""
    program = region.program
    reduced = {y for step in program.instructions if step.op.name in REDUCTIONS for y in step.outputs}
    used = {x for step in program.instructions for x in step.inputs if type(x) is Symbol}
    return not reduced & used and all(map(takes, program.instructions))


class Blocks:
    """A region as a kernel.

    Attributes:
        source: the Python code of the loop.
    """

    def __init__(self, region: Region) -> None:
        writer = _Writer(region)
        self.source = writer.source
        self._inputs = writer.inputs
        self._results = writer.results
        self._scratch = writer.scratch
        self._chunks = lru_cache(partial(_chunks, writer.shape[0], writer.step, writer.most_threads))
        exec(compile(self.source, f"<chainrule region {_new_number()}>", "exec"), writer.names)
        self._run: Callable[..., Any] = writer.names["run"]
        self._free: list[list[Any]] = []  # scratch arrays that no call uses now

    def __call__(self, *inputs: Any, out: Sequence[Any] = ()) -> tuple[Any, ...]:
        arrays = [x if shape is None else x.reshape(shape) for x, shape in zip(inputs, self._inputs, strict=True)]
        results = [
            result.started(given) for result, given in zip(self._results, out or itertools.repeat(None), strict=False)
        ]
        parts = _all(self._tasks(arrays, results))
        totals = iter([list(itertools.chain(*each)) for each in zip(*parts, strict=True)])
        return tuple([result.finished(y, totals) for result, y in zip(self._results, results, strict=True)])

    def writing(self, inputs: Sequence[Any], out: Sequence[Any]) -> Callable[[], Any]:
        """What writes results of the space's shape, each over an input or not, with all memory that it takes."""
        arrays = [x if shape is None else x.reshape(shape) for x, shape in zip(inputs, self._inputs, strict=True)]
        tasks = self._tasks(arrays, out)
        return lambda: _all(tasks)

    def _tasks(self, arrays: Sequence[Any], results: Sequence[Any]) -> list[Callable[[], Any]]:
        """What computes the parts of the space, each with scratch arrays of its own."""
        places = [place for result, y in zip(self._results, results, strict=True) for place in result.places(y)]
        return [
            partial(self._part, start, stop, arrays, places, self._taken())
            for start, stop in self._chunks(get_num_threads())
        ]

    def _taken(self) -> list[Any]:
        """Scratch arrays that nobody uses now."""
        try:
            return self._free.pop()
        except IndexError:
            return [np.empty(shape, dtype) for shape, dtype in self._scratch]

    def _part(self, start: int, stop: int, arrays: Sequence[Any], places: Sequence[Any], scratch: list[Any]) -> Any:
        """Do a part of the space; the partial results of its blocks."""
        try:
            return self._run(start, stop, arrays, places, scratch)
        finally:
            self._free.append(scratch)


def _all(tasks: Sequence[Callable[[], Any]]) -> list[Any]:
    return run_tasks(tasks) if len(tasks) > 1 else [task() for task in tasks]


def _chunks(length: int, step: int, most: int, threads: int) -> list[tuple[int, int]]:
    """The part of the first axis that each thread takes: whole blocks."""
    n = max(1, min(threads, most))
    blocks = math.ceil(length / step)
    ends = [min(length, round(blocks * i / n) * step) for i in range(n + 1)]
    return [(a, b) for a, b in itertools.pairwise(ends) if a < b]


class _Writer:
    """Writes the loop of a region."""

    def __init__(self, region: Region) -> None:
        program, space = region.program, region.space
        self.shape, axes_of = collapsed(region)
        rows = self.shape[1:]
        self.names: dict[str, Any] = {"copyto": np.copyto}
        self.inputs: list[tuple[int, ...] | None] = []
        self.results: list[Written] = []
        self.scratch: list[tuple[tuple[int, ...], Any]] = []
        self._values: dict[Symbol, str] = {}
        views: list[str] = []
        repeated: list[str] = []
        for k, x in enumerate(program.inputs):
            shape = wide(x, space, axes_of, self.shape)
            self.inputs.append(None if shape == x.shape else shape)
            self._values[x] = f"a{k}"
            if shape is not None and shape[0] == self.shape[0]:
                views.append(f"x{k} = a{k}[i:j]")
                self._values[x] = f"x{k}"
            elif shape == (1, *rows) and 1 < math.prod(rows) <= NARROW and math.prod(self.shape) >= MANY * SHARE:
                self._values[x] = self._slot(x)
                repeated.append(f"copyto({self._values[x]}, a{k})")
        instructions: Sequence[Instruction] = program.instructions
        self._dots: dict[Symbol, list[Dot]] = {}
        if len(self.shape) == 1:
            instructions, self._dots = with_dots(region)
        body = self._body(instructions, program.outputs, axes_of)
        width = math.prod(rows)
        dtypes = [str(x.dtype) for x in (*program.inputs, *program.outputs) if x.shape]
        bytes_a_row = width * sum(np.dtype(dtype).itemsize for dtype in (*dtypes, *(d for _, d in self.scratch)))
        most = min(max(math.ceil(SMALLEST / width), CACHE // bytes_a_row), math.ceil(SHARE / width))
        self.step = math.ceil(self.shape[0] / math.ceil(self.shape[0] / most))  # with none that is much shorter
        self.scratch = [((self.step, *rows), dtype) for _, dtype in self.scratch]
        scatters = any(isinstance(result, Scattered) for result in self.results)
        self.most_threads = 1 if scatters else math.prod(space) // SHARE
        places = [f"o{k}" for k in range(self._n_places)]
        totals = [f"p{k}" for k in range(self._n_totals)]
        head = [
            *([f"{', '.join(f'a{k}' for k in range(len(self.inputs)))}, = arrays"] if self.inputs else []),
            *([f"{', '.join(places)}, = places"] if places else []),
            *([f"{', '.join(f'b{k}' for k in range(len(self.scratch)))}, = scratch"] if self.scratch else []),
            *repeated,
            *(f"{name} = []" for name in totals),
            f"for i in range(start, stop, {self.step}):",
        ]
        block = [f"j = i + {self.step}", "if j > stop:", *(f"    {line}" for line in ("j = stop", *self._shorter()))]
        self.source = "\n".join(
            [
                "def run(start, stop, arrays, places, scratch):",
                *(f"    {line}" for line in head),
                *(f"        {line}" for line in (*block, *views, *body)),
                f"    return ({''.join(f'{name}, ' for name in totals)})",
                "",
            ]
        )

    def _body(self, instructions: Sequence[Instruction], results: Sequence[Any], axes_of: Any) -> list[str]:
        """The statements of a block, of arrays that are named; notes which results there are and how they are made."""
        outputs = {y: k for k, y in enumerate(results)}
        scattered = _scattered(instructions)
        last = {x: i for i, step in enumerate(instructions) for x in step.inputs if type(x) is Symbol}
        for parts in scattered.values():  # these are written at the end of a block
            last.update(dict.fromkeys((values for values, _ in parts), len(instructions)))
        made: dict[int, Written] = {}
        places: dict[int, list[str]] = {}
        ends: list[str] = []
        self._n_places = self._n_totals = 0
        homes: dict[Symbol, str] = {}  # where values are first put, and can be computed
        free: dict[Any, list[str]] = {}
        slot: dict[Symbol, str] = {}
        lines: list[str] = []

        def place() -> str:
            self._n_places += 1
            return f"o{self._n_places - 1}"

        for y, k in outputs.items():  # in the order of the results, as their places are given
            step = next(step for step in instructions if y in step.outputs)
            if y in scattered:
                parts = scattered[y]
                made[k] = Scattered(y, [at for _, at in parts], self.shape)
                places[k] = [place() for _ in parts]
                if parts[0][0] not in outputs:
                    homes.setdefault(parts[0][0], places[k][0])
            elif step.op.name not in REDUCTIONS:
                made[k] = Written(y, self.shape)
                places[k] = [place()]
            else:
                gone = {n for n, group in enumerate(axes_of) if group and group[0] in reduced_axes(step)}
                count = math.prod(self.shape[n] for n in gone) if step.op.name == "mean" else 1
                if 0 in gone or not axes_of[0]:
                    made[k] = Total(y, _UFUNCS[step.op.name], count)
                else:
                    made[k] = Written(y, tuple(n for axis, n in enumerate(self.shape) if axis not in gone))
                    places[k] = [place()]
        self.results = [made[k] for k in range(len(outputs))]

        for i, step in enumerate(instructions):
            (y,) = step.outputs
            if y in scattered:
                continue
            kernel = None if step.op.name in REDUCTIONS or step.op.name == "broadcast_to" else into(step)
            arguments = [self._argument(x, kernel, y) for x in step.inputs]
            for x in dict.fromkeys(step.inputs):
                if type(x) is Symbol and last[x] == i and x in slot:
                    free.setdefault(x.dtype, []).append(slot.pop(x))
            if step.op.name in REDUCTIONS:
                lines.append(self._reduction(step, arguments, made[outputs[y]], places.get(outputs[y]), axes_of))
                continue
            if y in outputs:
                target = f"t{outputs[y]}"
                lines.append(f"{target} = {places[outputs[y]][0]}[i:j]")
            elif y in homes and isinstance(kernel, np.ufunc):
                target = f"h{homes[y]}"
                lines.append(f"{target} = {homes[y]}[i:j]")
            else:
                kept = free.get(y.dtype)
                target = slot[y] = kept.pop() if kept else self._slot(y)
                if y not in last:
                    free.setdefault(y.dtype, []).append(slot.pop(y))
            self._values[y] = target
            if step.op.name == "broadcast_to":
                lines.append(f"copyto({target}, {arguments[0]})")
                continue
            arguments += [f"{name}={self._bind(value)}" for name, value in step.attributes.items()]
            lines.append(f"{self._bind(kernel)}({', '.join(arguments)}, out={target})")
        for y, k in outputs.items():
            if y in scattered:
                for n, ((values, _), at) in enumerate(zip(scattered[y], places[k], strict=True)):
                    if n or self._values[values] != f"h{places[k][0]}":
                        ends.append(f"{at}[i:j] {'+=' if n else '='} {self._values[values]}")
        return lines + ends

    def _argument(self, x: Any, kernel: Any, y: Symbol) -> str:
        """What an instruction takes, of which NumPy's own functions take numbers faster as arrays of the dtype."""
        if type(x) is Symbol:
            return self._values[x]
        if type(x) in (int, float) and isinstance(kernel, np.ufunc) and y.dtype.kind == "float":
            return self._bind(np.array(x, str(y.dtype)))
        return self._bind(x)

    def _reduction(
        self, step: Instruction, arguments: Sequence[str], made: Written, places: list[str] | None, axes_of: Any
    ) -> str:
        (y,) = step.outputs
        gone = tuple(n for n, group in enumerate(axes_of) if group and group[0] in reduced_axes(step))
        ufunc = _UFUNCS[step.op.name]
        dtype = f", dtype={self._bind(np.dtype(str(y.dtype)))}" if ufunc is np.add else ""
        axis = "None" if len(gone) == len(self.shape) or not axes_of[0] else str(gone)
        reduce = add_reduce if ufunc is np.add else ufunc.reduce
        call = f"{self._bind(reduce)}({arguments[0]}, axis={axis}{dtype}"
        if y in self._dots:
            call = self._sum_of_dots(self._dots[y], arguments)
        if isinstance(made, Total):
            self._n_totals += 1
            return f"p{self._n_totals - 1}.append({call}))"
        assert places is not None
        line = f"{call}, out={places[0]}[i:j])"
        if step.op.name == "mean":
            count = math.prod(self.shape[n] for n in gone)
            line += f"; {places[0]}[i:j] /= {self._bind(np.dtype(str(y.dtype)).type(count))}"
        return line

    def _sum_of_dots(self, dots: Sequence[Dot], arguments: Sequence[str]) -> str:
        """The sum, but for the last bracket."""
        dot = self._bind(np.dot)
        terms = [
            f"{f'{each.number!r} * ' * (each.number != 1)}{dot}({a}, {b})"
            for each, a, b in zip(dots, arguments[::2], arguments[1::2], strict=True)
        ]
        return " + ".join(terms)[:-1]

    def _slot(self, y: Symbol) -> str:
        """A scratch array more."""
        self.scratch.append(((), np.dtype(str(y.dtype))))
        return f"b{len(self.scratch) - 1}"

    def _shorter(self) -> list[str]:
        """The scratch arrays, as long as the last block is."""
        return [f"b{k} = b{k}[: j - i]" for k in range(len(self.scratch))]

    def _bind(self, value: Any) -> str:
        name = f"c{len(self.names)}"
        self.names[name] = value
        return name


def _scattered(instructions: Sequence[Instruction]) -> dict[Symbol, list[tuple[Symbol, Slices]]]:
    """What is put at slices of arrays of zeros, by the array it ends up in, and by those on the way there."""
    found: dict[Symbol, list[tuple[Symbol, Slices]]] = {}
    for step in instructions:
        (y,) = step.outputs
        if step.op.name == "scatter_add":
            slices = slices_of(step)
            assert slices is not None
            found[y] = [(step.inputs[0], slices)]
        elif step.op.name == "add" and all(x in found for x in step.inputs):
            found[y] = sorted((part for x in step.inputs for part in found[x]), key=lambda part: -part[1][0].start)
    return found
