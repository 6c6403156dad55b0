"""Compute beforehand what depends on constants alone."""

from __future__ import annotations

from typing import Any, Final

from chainrule._backend import Backend
from chainrule._dim import has_dim
from chainrule._dtypes import PYTHON_NUMBERS
from chainrule._graph import Instruction
from chainrule._graph_ops import CONSTANT, FULL, STRONG
from chainrule._passes._rewrite import Producers, rewrite
from chainrule._passes.dead_code import has_effect
from chainrule._plan import device_of_plan, native_constant
from chainrule._program import Program
from chainrule._symbol import Symbol
from chainrule._tensor import Tensor
from chainrule.infer import size

_LARGEST: Final = 4096  # elements; a larger result is kept only if its inputs were as large


def constant_folding(program: Program, backend: Backend) -> Program:
    """The program with constants in place of operations on constants. What fails is left to fail when it runs."""
    if not any(i.op is CONSTANT or i.op is FULL for i in program.instructions):
        return program

    def rule(instruction: Instruction, producers: Producers) -> Instruction | None:
        for x in instruction.inputs:
            if type(x) is Symbol:
                maker = producers.get(x)
                if maker is None or (maker.op is not CONSTANT and maker.op is not FULL):
                    return None
        return _folded(instruction, producers, backend) if instruction.inputs else None

    return rewrite(program, rule, backend)


def _folded(instruction: Instruction, producers: Producers, backend: Backend) -> Instruction | None:
    if len(instruction.outputs) != 1:
        return None
    op, attributes, (output,) = instruction.op, instruction.attributes, instruction.outputs
    numbers = [x for x in instruction.inputs if type(x) is not Symbol and x is not None]
    if op.build is not None or has_effect(instruction) or any(type(x) not in PYTHON_NUMBERS for x in numbers):
        return None
    if any(map(has_dim, attributes.values())) or has_dim(output.shape) or output.shape is None:
        return None
    shapes = [x.shape for x in instruction.inputs if type(x) is Symbol]
    if any(map(has_dim, shapes)):
        return None
    sizes = [size(shape) or 0 for shape in shapes]
    if (size(output.shape) or 0) > max([_LARGEST, *sizes]):
        return None
    arrays = [_array(producers[x], backend) if type(x) is Symbol else x for x in instruction.inputs]
    if any(a is None and x is not None for a, x in zip(arrays, instruction.inputs, strict=True)):
        return None
    try:
        if op is STRONG:
            value = backend.full((), arrays[0], backend.native(attributes["dtype"]), device_of_plan(backend))
        else:
            with backend.quiet():
                value = op.kernels[backend](*arrays, **attributes)
    except Exception:
        return None
    folded = Tensor(value, backend)
    if folded.dtype != output.dtype or folded.shape != tuple(output.shape):
        return None
    return Instruction(CONSTANT, (), {"value": folded}, instruction.outputs, instruction.node)


def _array(maker: Instruction, backend: Backend) -> Any:
    """A constant's array; None for one that is made when the program runs, or is large for what it says."""
    if maker.op is CONSTANT:
        return native_constant(maker.attributes["value"], backend)
    shape = maker.attributes["shape"]
    if has_dim(shape) or (size(shape) or 0) > _LARGEST:
        return None
    dtype = backend.native(maker.attributes["dtype"])
    return backend.full(shape, maker.attributes["value"], dtype, device_of_plan(backend))
