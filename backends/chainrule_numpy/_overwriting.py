"""Kernels that write over variables at the end of a run: what can fail is done before, and a compiled call is left."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import partial
from types import BuiltinFunctionType
from typing import Any, Final

import numpy as np

from chainrule import Backend, Instruction, Kernel, get_num_threads
from chainrule.regions import FUSED
from chainrule_numpy import _rows
from chainrule_numpy._kernels import native
from chainrule_numpy._out import into

Prepared = tuple[tuple[Any, ...], Callable[[], Any] | None]


def overwriting(instruction: Instruction, backend: Backend) -> Kernel | None:
    """The kernel of an instruction that writes over arrays at the end of a run, if there is one."""
    if instruction.op is FUSED:
        kernel = instruction.op.build(instruction, backend) if instruction.op.build else None
        return _Region(kernel) if hasattr(kernel, "settled") or _is_compiled(kernel) else None
    special = _SPECIAL.get(instruction.op.name)
    if special is not None:
        return partial(special, instruction.op.kernels[backend])
    ufunc = into(instruction)
    return partial(_by_ufunc, ufunc) if isinstance(ufunc, np.ufunc) else None


def _is_compiled(kernel: Any) -> bool:
    return type(kernel) is BuiltinFunctionType


class _Region:
    """A region that is machine code, or becomes it."""

    def __init__(self, kernel: Any) -> None:
        self.kernel = kernel
        if hasattr(kernel, "settled"):
            kernel.settled = partial(setattr, self, "kernel")

    def __call__(self, *inputs: Any, out: tuple[Any, ...]) -> Prepared:
        kernel = self.kernel
        if get_num_threads() < 2:
            kernel = getattr(kernel, "native", kernel)
        if not _is_compiled(kernel) or any(array is None for array in out):
            return kernel(*inputs), None
        inputs = tuple([np.ascontiguousarray(x) if type(x) is np.ndarray and x.ndim else x for x in inputs])
        return out, partial(kernel, *inputs, out=out)


def _by_ufunc(ufunc: np.ufunc, *inputs: Any, out: tuple[Any, ...]) -> Prepared:
    if out[0] is None:
        return (ufunc(*inputs),), None
    return out, partial(ufunc, *inputs, out=out[0])


def _add_at(kernel: Kernel, x: Any, values: Any, *arrays: Any, key: Any, out: tuple[Any, ...]) -> Prepared:
    place = native(key, arrays)
    if out[0] is None or not _rows.are_rows(x, place, values):
        return (kernel(x, values, *arrays, key=key),), None
    rows = place[0].reshape(-1)
    return out, partial(operator.setitem, out[0], rows, _rows.changed(x, rows, values))


_SPECIAL: Final[Mapping[str, Callable[..., Prepared]]] = {"add_at": _add_at}
