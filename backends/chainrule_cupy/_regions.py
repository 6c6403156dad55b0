"""A region as a kernel: a CUDA kernel for its elementwise results, and one for all reductions along the same axes.

A reduction computes what it reduces as it goes: nothing of that is written to memory, unless it is a result itself.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

import numpy as np

from chainrule import Instruction, Symbol, infer
from chainrule.regions import Region
from chainrule_cupy import _expressions, _source
from chainrule_cupy._source import Body, Total

Axes = tuple[int, ...]
Key = tuple[Any, ...]

_HOW: Final = {"sum": "sum", "sum_to": "sum", "mean": "sum", "max": "max", "min": "min"}
_BUSY: Final = 1 << 13  # results that a reduction keeps a device busy with: CuPy gives each a block's threads or a part
_LONG: Final = 1 << 10  # elements of a reduction that is worth two steps
_SHORT: Final = 64  # elements that a part has at least
_PARAMETERS: Final = 4000  # bytes that the parameters of a kernel may have
_ARRAY: Final = 24  # bytes of a parameter that is an array, beside 16 for each axis
_SHARED: Final = (48 << 10) // 512  # bytes for each thread of one of CuPy's blocks in the memory that these share


def takes(instruction: Instruction) -> bool:
    """Whether an instruction can be part of a region."""
    name, (y,) = instruction.op.name, instruction.outputs
    if name in _HOW:
        x = instruction.inputs[0]
        if type(x) is not Symbol or not {str(x.dtype), str(y.dtype)} <= _expressions.STORED.keys():
            return False
        return "complex" not in (x.dtype.kind, y.dtype.kind) or _HOW[name] == "sum"
    if name == "scatter_add":
        return y.dtype != "bool" and str(y.dtype) in _expressions.STORED and _is_basic(instruction)
    return _expressions.takes(instruction)


class Kernels:
    """The CUDA kernels of a region, as one kernel.

    What is reduced can be used again in the region: then a kernel comes after another.

    Attributes:
        count: how many there are.
        fits: whether they can be launched: an array comes into each, and not too many do.
    """

    def __init__(self, cupy: Any, region: Region) -> None:
        self._cupy = cupy
        self._program = program = region.program
        self._parts = _parts(program.instructions)
        put = [x for y in program.outputs for x, _ in self._parts.get(y, ())]
        wanted = {*program.outputs, *put}
        plain = [i for i in program.instructions if i.op.name not in _HOW and i.outputs[0] not in self._parts]
        stages = _stages(program.instructions, wanted - self._parts.keys())
        written: dict[Symbol, None] = {}
        self._steps: list[_Elementwise | _Reduction] = []
        for results, totals in stages:
            for shape, ys in results.items():
                self._steps.append(_Elementwise(cupy, Body(plain, ys, written), shape, ys))
            for ys in results.values():
                written.update(dict.fromkeys(ys))
            for (space, axes), each in totals.items():
                for some in _shared(each):
                    body = Body(plain, [total.source for total in some], written)
                    self._steps.append(_Reduction(cupy, space, axes, body, some))
        self._once = {x for x in put if put.count(x) == 1 and x in written and x not in program.outputs}
        self.count = len(self._steps)
        self.fits = all(map(_fits, self._steps))

    def __call__(self, *inputs: Any, out: Sequence[Any] = ()) -> tuple[Any, ...]:
        values = dict(zip(self._program.inputs, inputs, strict=True))
        given = {y: array for y, array in zip(self._program.outputs, out, strict=False) if array is not None}
        late = self._late(inputs, given)
        added = [part for y in self._program.outputs if y in self._parts for part in self._placed(y, given, values)]
        for step in self._steps:
            step.run(values, given)
        for place, x in added:
            place += values[x]
        for y, array in late.items():
            array[...] = values[y]
            values[y] = array
        return tuple([values[y] for y in self._program.outputs])

    def _late(self, inputs: Sequence[Any], given: dict[Symbol, Any]) -> dict[Symbol, Any]:
        """Take out of what is given the arrays that lie over inputs, if a later kernel may read these."""
        if not given or len(self._steps) == 1:
            return {}
        places = {x.data.ptr for x in inputs if type(x) is self._cupy.ndarray}
        return {y: given.pop(y) for y in list(given) if given[y].data.ptr in places}

    def _placed(self, y: Symbol, given: dict[Symbol, Any], values: dict[Symbol, Any]) -> list[tuple[Any, Symbol]]:
        """Make an array of zeros for a sum of parts; the parts that are to be added to it, and where.

        The first one is written there by the kernel that computes it, if it is put nowhere else.
        """
        total = given[y] if y in given else self._cupy.empty(y.shape, str(y.dtype))
        total.fill(0)
        values[y] = total
        (x, index), *rest = self._parts[y]
        if x in self._once:
            given[x] = total[index]
            return [(total[at], part) for part, at in rest]
        return [(total[at], part) for part, at in self._parts[y]]


Results = dict[Axes, list[Symbol]]  # by their shape
Totals = dict[tuple[Axes, Axes], list[Total]]  # by what they reduce, and along which axes


def _stages(steps: Sequence[Instruction], wanted: Collection[Any]) -> list[tuple[Results, Totals]]:
    """What is computed and then reduced at once, what can be when that is known, and so on."""
    level: dict[Any, int] = {}
    stages: list[tuple[Results, Totals]] = []
    used = {x for step in steps for x in step.inputs if type(x) is Symbol}
    for step in steps:
        (y,) = step.outputs
        known = max((level.get(x, 0) for x in step.inputs if type(x) is Symbol), default=0)
        while len(stages) <= known:
            stages.append(({}, {}))
        level[y] = known
        if step.op.name in _HOW:
            level[y] += 1
            if y in wanted or y in used:
                stages[known][1].setdefault((step.inputs[0].shape, _reduced_axes(step)), []).append(_total(step))
        elif y in wanted:
            stages[known][0].setdefault(y.shape or (), []).append(y)
    return stages


def _total(step: Instruction) -> Total:
    (x,), (y,), name = step.inputs, step.outputs, step.op.name
    count = math.prod(x.shape[axis] for axis in _reduced_axes(step)) if name == "mean" else 1
    return Total(y, x, _HOW[name], count)


def _shared(totals: Sequence[Total]) -> Iterator[list[Total]]:
    """Reductions in as many kernels as need be: each thread of a block keeps its totals in memory that they share."""
    some: list[Total] = []
    n_bytes = 0
    for total in totals:
        own = max(total.held.itemsize, 8)
        if n_bytes + own > _SHARED:
            yield some
            some, n_bytes = [], 0
        some.append(total)
        n_bytes += own
    yield some


def _fits(step: _Elementwise | _Reduction) -> bool:
    """Whether a kernel can be launched."""
    most = _PARAMETERS // (_ARRAY + 16 * max(len(step.space), 1)) - 1  # one is the space
    inputs = step.body.inputs
    return any(not x.weak for x in inputs) and len(inputs) + step.n_results <= most


def _fills(body: Body, space: Axes) -> bool:
    """Whether the arrays that come in broadcast to a shape."""
    shapes = [x.shape or () for x in body.inputs if not x.weak]
    return bool(shapes) and np.broadcast_shapes(*shapes) == space


class _Elementwise:
    """Elementwise results of one shape, in one CUDA kernel.

    Attributes:
        body: what computes them.
        space: their shape.
        n_results: how many there are.
    """

    def __init__(self, cupy: Any, body: Body, space: Axes, results: Sequence[Symbol]) -> None:
        self.body = body
        self.space = space
        self.n_results = len(results)
        self._cupy = cupy
        self._results = results
        self._fills = _fills(body, space)
        self._kernel = _source.elementwise(cupy, body, results)

    def run(self, values: dict[Symbol, Any], given: dict[Symbol, Any]) -> None:
        """Put the results into `values`, in the arrays that are given for them or new ones."""
        inputs = [values[x] for x in self.body.inputs]
        if self._fills and given.keys().isdisjoint(self._results):
            arrays = self._kernel(*inputs)  # which makes them in less time
        else:
            arrays = [given[y] if y in given else self._cupy.empty(self.space, str(y.dtype)) for y in self._results]
            self._kernel(*inputs, *arrays)
        values.update(zip(self._results, arrays, strict=True))


class _Reduction:
    """Reductions along the same axes, in one CUDA kernel, or two where one would leave most of a device idle.

    Attributes:
        body: what computes the values that are reduced.
        space: the shape of these.
        n_results: how many reductions there are.
    """

    def __init__(self, cupy: Any, space: Axes, axes: Axes, body: Body, totals: Sequence[Total]) -> None:
        self.body = body
        self.space = space
        self.n_results = len(totals)
        self._cupy = cupy
        self._axes = axes
        self._totals = totals
        self._kept = tuple(n for axis, n in enumerate(space) if axis not in axes)
        self._fills = _fills(body, space)
        self._split = _split(space, axes, sum(not x.weak for x in body.inputs))
        self._kernel = _source.reduction(cupy, body, totals, partly=self._split is not None)
        self._join = _source.join(cupy, totals) if self._split is not None else None

    def run(self, values: dict[Symbol, Any], given: dict[Symbol, Any]) -> None:
        """Put the totals into `values`, in the arrays that are given for them or new ones."""
        cupy = self._cupy
        inputs = [values[x] for x in self.body.inputs]
        if not self._fills:
            first = next(i for i, x in enumerate(inputs) if type(x) is cupy.ndarray)
            inputs[first] = cupy.broadcast_to(inputs[first], self.space)
        if self.n_results == 1 and self._split is None:
            y = self._totals[0].result
            # In an array of CuPy's own making: in one that is given it may take another order of axes than that has.
            values[y] = self._kernel(*inputs, axis=self._axes).reshape(y.shape)
            if y in given:
                given[y][...] = values[y]
                values[y] = given[y]
            return
        results = []
        for total in self._totals:
            y = total.result
            array = given[y] if y in given else cupy.empty(y.shape, str(y.dtype))
            values[y] = array
            results.append(array.reshape(self._kept))
        if self._split is None or self._join is None:
            self._kernel(*inputs, *results, axis=self._axes)
            return
        axis, n = self._split
        inputs = [_in_parts(x, len(self.space) - axis, n) if type(x) is cupy.ndarray else x for x in inputs]
        along = tuple(a if a <= axis else a + 1 for a in self._axes)
        shape = [length for a, length in enumerate(self.space) if a not in self._axes]
        at = sum(a not in self._axes for a in range(axis))
        parts = [cupy.empty((*shape[:at], n, *shape[at:]), str(total.held)) for total in self._totals]
        self._kernel(*inputs, *parts, axis=along)
        self._join(*parts, *results, axis=at)


def _in_parts(x: Any, from_end: int, n: int) -> Any:
    """An array with an axis, counted from the end, as two, of which the second has so many elements."""
    axis = x.ndim - from_end
    if axis < 0:
        return x
    length = x.shape[axis]
    return x.reshape((*x.shape[:axis], *((1, 1) if length == 1 else (length // n, n)), *x.shape[axis + 1 :]))


def _split(space: Axes, axes: Axes, n_arrays: int) -> tuple[int, int] | None:
    """The axis along which a reduction is done in parts first, and how many, or None to do it at once.

    CuPy's kernel for reductions gives few threads to each result. For one array, reduced along its last axes, it has a
    better one.
    """
    each = math.prod(space[axis] for axis in axes)
    kept = math.prod(space) // max(each, 1)
    is_last = sorted(axes) == list(range(len(space) - len(axes), len(space)))
    if kept >= _BUSY or each < _LONG or (n_arrays == 1 and is_last):
        return None
    axis = max(axes, key=space.__getitem__)
    wanted = min(_BUSY // kept, each // _SHORT)
    n = _divisor(space[axis], wanted)
    return (axis, n) if n > 1 else None


def _divisor(length: int, wanted: int) -> int:
    """A divisor of a length near to what is wanted: the next larger one, if not by much, or the next smaller."""
    small = [n for n in range(1, math.isqrt(length) + 1) if not length % n]
    all_of_them = sorted({*small, *(length // n for n in small)})
    larger = next((n for n in all_of_them if n >= wanted), None)
    if larger is not None and larger <= 4 * wanted:
        return larger
    return max(n for n in all_of_them if n <= wanted)


def _reduced_axes(step: Instruction) -> Axes:
    """The axes of the space that a reduction is along."""
    x, y = step.inputs[0].shape, step.outputs[0].shape or ()
    if step.op.name == "sum_to":
        lead = len(x) - len(y)
        return (*range(lead), *(i + lead for i, n in enumerate(y) if n != x[i + lead]))
    axis = step.attributes["axis"]
    return tuple(sorted(infer.as_axes(axis, len(x))))


def _parts(steps: Sequence[Instruction]) -> dict[Symbol, list[tuple[Symbol, Key]]]:
    """What is put at places of arrays of zeros, and where, by the array that it ends up in."""
    found: dict[Symbol, list[tuple[Symbol, Key]]] = {}
    for step in steps:
        (y,) = step.outputs
        if step.op.name == "scatter_add":
            found[y] = [(step.inputs[0], _index(step))]
        elif step.op.name == "add" and all(type(x) is Symbol and x in found for x in step.inputs):
            found[y] = [part for x in step.inputs for part in found[x]]
    return found


def _index(step: Instruction) -> Key:
    """The place that a `scatter_add` puts its values at."""
    return tuple([slice(*part) if isinstance(part, tuple) else part for part in step.attributes["key"]])


def _is_basic(step: Instruction) -> bool:
    """Whether a `scatter_add` puts each of its values at one place."""
    whole = np.broadcast_to(np.empty(()), step.attributes["shape"])
    return len(step.inputs) == 1 and whole[_index(step)].shape == step.inputs[0].shape
