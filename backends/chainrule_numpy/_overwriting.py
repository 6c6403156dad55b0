"""Kernels that write over variables at the end of a run: what can fail is done before, and a compiled call is left."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import partial
from types import BuiltinFunctionType
from typing import Any, Final

import numpy as np

from chainrule import Backend, Instruction, Kernel
from chainrule.regions import FUSED
from chainrule_numpy import _rows
from chainrule_numpy._blocks import Blocks
from chainrule_numpy._kernels import native
from chainrule_numpy._out import into

Prepared = tuple[tuple[Any, ...], Callable[[], Any] | None]


def overwriting(instruction: Instruction, backend: Backend) -> Kernel | None:
    """The kernel of an instruction that writes over arrays at the end of a run, if there is one."""
    if instruction.op is FUSED:
        kernel = instruction.op.build(instruction, backend) if instruction.op.build else None
        if isinstance(kernel, Blocks):
            return partial(_by_blocks, kernel)
        return partial(_by_machine_code, kernel) if _is_compiled(getattr(kernel, "native", kernel)) else None
    special = _SPECIAL.get(instruction.op.name)
    if special is not None:
        return partial(special, instruction.op.kernels[backend])
    ufunc = into(instruction)
    return partial(_by_ufunc, ufunc) if isinstance(ufunc, np.ufunc) else None


def _can_be_written(array: Any) -> bool:
    """Whether there is an array to write over, in order in memory; one that was read from a file may be protected."""
    return array is not None and array.flags.carray and array.dtype is np.dtype(array.dtype.char)


def _is_compiled(kernel: Any) -> bool:
    return type(kernel) is BuiltinFunctionType


def _by_machine_code(kernel: Any, *inputs: Any, out: tuple[Any, ...]) -> Prepared:
    if not all(map(_can_be_written, out)):
        return kernel(*inputs), None
    inputs = tuple([np.ascontiguousarray(x) if type(x) is np.ndarray and x.ndim else x for x in inputs])
    return out, partial(getattr(kernel, "native", kernel), *inputs, out=out)


def _by_blocks(kernel: Blocks, *inputs: Any, out: tuple[Any, ...]) -> Prepared:
    if not all(map(_can_be_written, out)):
        return kernel(*inputs), None
    return out, kernel.writing(inputs, out)


def _by_ufunc(ufunc: np.ufunc, *inputs: Any, out: tuple[Any, ...]) -> Prepared:
    if not _can_be_written(out[0]):
        return (ufunc(*inputs),), None
    return out, partial(ufunc, *inputs, out=out[0])


def _add_at(kernel: Kernel, x: Any, values: Any, *arrays: Any, key: Any, out: tuple[Any, ...]) -> Prepared:
    place = native(key, arrays)
    if not _can_be_written(out[0]) or not _rows.are_rows(x, place, values):
        return (kernel(x, values, *arrays, key=key),), None
    rows = place[0].reshape(-1)
    return out, partial(operator.setitem, out[0], rows, _rows.changed(x, rows, values))


_SPECIAL: Final[Mapping[str, Callable[..., Prepared]]] = {"add_at": _add_at}
