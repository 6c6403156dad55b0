"""How NumPy computes regions: as machine code where there is a JIT, else in blocks, single numbers as Python's own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from chainrule import Backend, Instruction, Kernel, Symbol, jit_mode
from chainrule.regions import Region
from chainrule_numpy import _blocks, _expansions, _jit, _scalars

_LARGE: Final = 1 << 15  # elements; without machine code, less is as fast one operation after the other
_FEW: Final = 5  # operations on single numbers that are as fast one after the other
_MANY: Final = 3000  # operations on single numbers; machine code for more would take longer to make than is waited for


class NumpyFusion:
    """Regions by NumPy."""

    @property
    def rows(self) -> bool:
        """Whether reductions along the last axes can be used again in a region: machine code can."""
        return _jit.is_on()

    def expanded(self, instruction: Instruction) -> Sequence[Instruction] | None:
        """The instructions of a region that compute what one does: of machine code."""
        found = _expansions.expanded(instruction)
        return found if found and _jit.is_on() and all(map(_jit.takes, found)) else None

    def takes(self, instruction: Instruction) -> bool:
        """Whether an instruction can be part of a region."""
        if _is_scalar(instruction):
            return _scalars.takes(instruction)
        return _jit.takes(instruction) if _jit.is_on() else _blocks.takes(instruction)

    def pays(self, region: Region) -> bool:
        """Whether a region is computed faster than its instructions one after the other."""
        if 0 in region.space:
            return False
        if not region.space:
            return len(region.program.instructions) > _FEW
        return _jit.is_on() or math.prod(region.space) >= _LARGE

    def executor(self, region: Region) -> str:
        """What computes a region, for people to read."""
        if _machine_code(region) is not None:
            return "machine code"
        if not region.space:
            return "Python's numbers"
        return "NumPy in blocks" if _blocks.fits(region) else "NumPy, one after the other"

    def compile(self, region: Region, backend: Backend) -> Kernel:
        """The kernel of a region, the same at every call: results do not depend on how often it was called."""
        kernel = _machine_code(region)
        if kernel is not None:
            return kernel
        if not region.space:
            return _scalars.Scalars(region, _OneByOne(region, backend)).kernel
        return _blocks.Blocks(region) if _blocks.fits(region) else _OneByOne(region, backend)


def _is_scalar(instruction: Instruction) -> bool:
    return not any([x.shape for x in (*instruction.inputs, *instruction.outputs) if type(x) is Symbol])


def _machine_code(region: Region) -> Kernel | None:
    """A region as machine code, where there is some for it."""
    if not _jit.is_on():
        return None
    if not region.space and len(region.program.instructions) > _MANY and jit_mode() != "always":
        return None
    return _jit.compile(region)


class _OneByOne:
    """A region's instructions by their own kernels, one after the other."""

    def __init__(self, region: Region, backend: Backend) -> None:
        self._program = region.program
        self._backend = backend
        self._steps: list[Any] = []

    def __call__(self, *inputs: Any, out: Any = ()) -> tuple[Any, ...]:
        values = dict(zip(self._program.inputs, inputs, strict=True))
        self._steps = self._steps or self._prepared()
        for run, arguments, attributes, y, done in self._steps:
            values[y] = run(*[values[x] if type(x) is Symbol else x for x in arguments], **attributes)
            for x in done:
                del values[x]
        results = [values[y] for y in self._program.outputs]
        for i, array in enumerate(out):
            if array is not None:
                array[...] = results[i]
                results[i] = array
        return tuple(results)

    def _prepared(self) -> list[Any]:
        """The kernel of each instruction, what it takes and gives, and what nobody needs after it."""
        program = self._program
        kept = set(program.outputs)
        last = {x: i for i, step in enumerate(program.instructions) for x in (*step.outputs, *step.inputs)}
        done: dict[int, list[Symbol]] = {}
        for x, i in last.items():
            if type(x) is Symbol and x not in kept:
                done.setdefault(i, []).append(x)
        return [
            (step.op.kernels[self._backend], step.inputs, step.attributes, step.outputs[0], done.get(i, ()))
            for i, step in enumerate(program.instructions)
        ]
