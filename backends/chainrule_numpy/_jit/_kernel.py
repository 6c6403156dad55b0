"""A region as a kernel: machine code behind a Python function, one for all regions of the same structure."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from chainrule import ArgumentError
from chainrule._region import Region
from chainrule._symbol import Symbol
from chainrule_numpy._jit import _objects, _operations
from chainrule_numpy._jit._analysis import Analysis, UnsupportedRegion, analysed
from chainrule_numpy._jit._entry import Array, entry
from chainrule_numpy._jit._machine import Code
from chainrule_numpy._jit._nest import Nest

Kernel = Callable[..., tuple[Any, ...]]

_KEPT: Final = 2048  # kernels; the one that was not asked for longest goes first
_lock: Final = threading.Lock()
_kernels: Final[OrderedDict[Any, Kernel | None]] = OrderedDict()


def kernel_of(region: Region) -> Kernel | None:
    """The kernel of a region, or None if there is no code for it."""
    key = _structure(region)
    with _lock:
        if key in _kernels:
            _kernels.move_to_end(key)
            return _kernels[key]
    try:
        kernel: Kernel | None = _compiled(region)
    except (UnsupportedRegion, OverflowError):
        kernel = None
    with _lock:
        kernel = _kernels.setdefault(key, kernel)
        if len(_kernels) > _KEPT:
            _kernels.popitem(last=False)
    return kernel


def _structure(region: Region) -> Any:
    """What regions have in common that can share a kernel."""
    program = region.program
    numbers = {x: i for i, x in enumerate(program.inputs)}

    def shown(x: Any) -> Any:
        return numbers[x] if type(x) is Symbol else (type(x), repr(x))

    steps = []
    for instruction in program.instructions:
        inputs = tuple(map(shown, instruction.inputs))
        attributes = tuple((name, repr(value)) for name, value in instruction.attributes.items())
        for y in instruction.outputs:
            numbers[y] = len(numbers)
        made = tuple((y.shape, str(y.dtype)) for y in instruction.outputs)
        steps.append((instruction.op.name, inputs, attributes, made))
    given = tuple((x.shape, str(x.dtype), x.weak) for x in program.inputs)
    return region.space, given, tuple(steps), tuple(map(shown, program.outputs))


def _compiled(region: Region) -> Kernel:
    program = region.program
    if any(type(y) is not Symbol or y in program.inputs for y in program.outputs):
        raise UnsupportedRegion("a result that is not computed")
    if len(set(program.outputs)) < len(program.outputs):
        raise UnsupportedRegion("a result that is given twice")
    inputs = [Array.of(x) for x in program.inputs]
    outputs = [Array.of(y) for y in program.outputs]
    analysis = analysed(region)
    nanoseconds = _duration(analysis)
    declarations: dict[str, str] = {}
    nest = Nest(analysis, declarations)
    work, whole = nest.write(), nest.write_whole()
    slow = _Slow(inputs, outputs)
    start = entry(inputs, outputs, id(slow), nanoseconds)
    code = Code("\n".join([*declarations.values(), work, whole, start]))
    native: Kernel = _objects.callable_of(code.address("entry"), [code, slow])
    slow.native = native
    return native


def _duration(analysis: Analysis) -> float:
    """About how many nanoseconds it takes."""
    an_element = 0.1 + sum(_operations.cost(i) for i in analysis.elementwise)
    return an_element * math.prod(analysis.region.space)


class _Slow:
    """Makes what comes in as the machine code expects it, and calls again."""

    native: Kernel

    def __init__(self, inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
        self._inputs = inputs
        self._outputs = outputs

    def __call__(self, *inputs: Any, out: Sequence[Any] = ()) -> tuple[Any, ...]:
        if len(inputs) != len(self._inputs):
            raise ArgumentError(f"region: expected {len(self._inputs)} inputs, got {len(inputs)}")
        arrays = [_as_expected(x, array, i) for i, (x, array) in enumerate(zip(inputs, self._inputs, strict=True))]
        if not out:
            return self.native(*arrays)
        for i, (x, array) in enumerate(zip(out, self._outputs, strict=True)):
            _check_out(x, array, i)
        return self.native(*arrays, out=tuple(out))


def _as_expected(x: Any, array: Array, i: int) -> Any:
    """An input as an array, contiguous and of the processor's byte order, or a scalar."""
    shape, dtype = array
    if not shape:
        return dtype.type(x)
    x = np.asarray(x)
    if x.shape != shape or x.dtype.newbyteorder("=") != dtype:
        raise ArgumentError(f"region: input {i}: expected {dtype}{list(shape)}, got {x.dtype}{list(x.shape)}")
    x = np.array(x, dtype, order="C", copy=None)
    if not x.flags.aligned:
        x = x.copy()
    return x if x.dtype is dtype else x.view(dtype)


def _check_out(x: Any, array: Array, i: int) -> None:
    if x is None or not array.shape:
        return
    fits = type(x) is np.ndarray and x.shape == array.shape and x.dtype is array.dtype
    if not (fits and x.flags.carray):
        raise ArgumentError(
            f"region: out[{i}]: expected a contiguous, writeable {array.dtype}{list(array.shape)}, got {x!r:.60}"
        )
