"""A region as a kernel: machine code behind a Python function, one for all regions of the same structure."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from chainrule import ArgumentError, Symbol
from chainrule.regions import Region
from chainrule_numpy._jit import _operations, _scalar
from chainrule_numpy._jit._analysis import UnsupportedRegion, analysed
from chainrule_numpy._jit._entry import Array, bound
from chainrule_numpy._jit._machine import Code
from chainrule_numpy._jit._nest import Nest
from chainrule_numpy._jit._parts import Parts
from chainrule_numpy._jit._whole import can_be_parted, write_whole
from chainrule_numpy._jit._work import most_parts

Kernel = Callable[..., tuple[Any, ...]]

_KEPT: Final = 2048  # kernels; the one that was not asked for longest goes first
_lock: Final = threading.RLock()  # one compiles at a time; what is collected meanwhile may come here again
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
        _kernels[key] = kernel
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
    nanoseconds = _duration(region)
    declarations: dict[str, str] = {}
    nest = None
    if region.space:
        nest = Nest(analysed(region), declarations)
        functions = [nest.write(), write_whole(nest)]
    else:
        functions = [_scalar.write(region, declarations)]
    code = Code("\n".join([*declarations.values(), *functions]))

    def native(parts: int) -> Kernel:
        slow = _Slow(inputs, outputs)
        slow.native = bound(inputs, outputs, code.address("whole"), slow, nanoseconds, code, parts)
        return slow.native

    if nest is not None and can_be_parted(nest):
        most = most_parts(nest.lengths[0] // (nest.lanes if nest.flat else 1), nanoseconds)
        if most > 1:
            return Parts(native, most)
    return native(1)


def _duration(region: Region) -> float:
    """About how many nanoseconds it takes."""
    an_element = 0.1 + sum(_operations.cost(i) for i in region.program.instructions)
    return an_element * math.prod(region.space) if region.space else 10 * an_element


class _Slow:
    """Makes what comes in as the machine code expects it, and calls again."""

    native: Kernel

    def __init__(self, inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
        self._inputs = inputs
        self._outputs = outputs

    def __call__(self, *inputs: Any, out: Sequence[Any] = ()) -> tuple[Any, ...]:
        arrays, into = self.expected(inputs, out)
        return self.native(*arrays, out=into) if into else self.native(*arrays)

    def expected(self, inputs: Sequence[Any], out: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
        """Inputs, and the arrays for results, as the machine code takes them.

        Raises:
            ArgumentError: they are others than the region's.
        """
        if len(inputs) != len(self._inputs):
            raise ArgumentError(f"region: expected {len(self._inputs)} inputs, got {len(inputs)}")
        arrays = [_as_expected(x, array, i) for i, (x, array) in enumerate(zip(inputs, self._inputs, strict=True))]
        if out and len(out) != len(self._outputs):
            raise ArgumentError(f"region: expected {len(self._outputs)} arrays in out, got {len(out)}")
        for i, x in enumerate(out):
            _check_out(x, self._outputs[i], i)
        return arrays, tuple(out)


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
