"""Kernels where CuPy differs from NumPy in silence, or has a faster way than the generic one.

CuPy wraps indices that lie outside of an axis, so they are checked (by the indexing kernels of `chainrule_array_api`);
it leaves duplicate places of an assignment undefined, so nothing assigns to them; it gives 0 for an integer to a
negative power, and numbers for a system that has no solution; it takes booleans for integers of one byte; its `hypot`
is infinite next to the largest number.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from chainrule import DTYPES, Kernel, Op, default_dtype, strict_math
from chainrule_array_api._indexing import segment_sums
from chainrule_array_api._kernels import kernels as standard_kernels
from chainrule_cupy import _source, _updates

_ONE_KERNEL: Final = frozenset({"cbrt", "hypot", "multiply_zero_wins", "sigmoid", "softplus"})
_STACKED: Final = frozenset({"linalg.solve", "linalg.solve_triangular"})
_CHECKED: Final = _STACKED | {
    *("linalg.cholesky", "linalg.eigh", "linalg.eigvalsh", "linalg.inv", "linalg.svd", "linalg.svdvals")
}


def kernels(cupy: Any, xp: Any) -> dict[str, Kernel]:
    """The kernels by operation."""
    atomic = frozenset({"int32", "int64", "uint32", "uint64", "float16", "float32", "float64"})

    def sums(xp: Any, rows: Any, places: Any, n: int) -> Any:
        """Sums of rows by place: by atomic additions, in any order, or under strict math in the order of the rows."""
        if strict_math() and rows.dtype.kind in "fc":
            return segment_sums(xp, rows, places, n)
        if rows.dtype.kind == "c":
            result = cupy.zeros((n, *rows.shape[1:]), rows.dtype)
            cupy.add.at(result.real, places, rows.real)
            cupy.add.at(result.imag, places, rows.imag)
            return result
        wide = rows if rows.dtype.name in atomic else rows.astype("int64")  # booleans and small integers
        result = cupy.zeros((n, *rows.shape[1:]), wide.dtype)
        cupy.add.at(result, places, wide)
        return result.astype(rows.dtype, copy=False)

    def power(a: Any, b: Any) -> Any:
        result = cupy.power(a, b)
        if result.dtype.kind in "iu" and (b < 0 if isinstance(b, int) else cupy.any(b < 0)):  # only arrays wait
            raise ValueError("integers to negative integer powers are not allowed")
        return result

    def angle(x: Any) -> Any:
        wide = x if x.dtype.kind in "fc" else x.astype(str(default_dtype()))
        return cupy.arctan2(wide.imag, wide.real)

    def sign(x: Any) -> Any:
        if x.dtype.kind == "b":
            raise TypeError("booleans have no sign")
        return xp.sign(x)  # which keeps NaN

    def special(name: str) -> Kernel:
        def kernel(x: Any) -> Any:
            import cupyx.scipy.special

            wide = x if x.dtype.kind == "f" else x.astype(str(default_dtype()))
            return getattr(cupyx.scipy.special, name)(wide).astype(wide.dtype, copy=False)

        return kernel

    def relu(x: Any) -> Any:
        return cupy.maximum(x, x.dtype.type(0))  # which keeps NaN

    def sparse_softmax_cross_entropy(logits: Any, labels: Any) -> Any:
        shifted = logits - cupy.max(logits, axis=-1, keepdims=True)
        log_total = cupy.log(cupy.sum(cupy.exp(shifted), axis=-1))
        picked = standard["take_along_axis"](shifted, cupy.expand_dims(labels, axis=-1), axis=-1)
        return log_total - picked.reshape(labels.shape)

    standard = standard_kernels(xp, sums)
    return standard | {
        _updates.NAME: _updates.add_product(cupy),
        "angle": angle,
        "einsum": lambda *operands, subscripts: cupy.einsum(subscripts, *operands),
        "erf": special("erf"),
        "erfc": special("erfc"),
        "pow": power,
        "relu": relu,
        "sign": sign,
        "sparse_softmax_cross_entropy": sparse_softmax_cross_entropy,
        "square": lambda x: x * x,
    }


def checked(op: Op, kernel: Kernel) -> Kernel:
    """A kernel of linear algebra that fails where a matrix has no answer: CuPy would give any numbers then."""
    if op.name not in _CHECKED:
        return kernel

    def run(*inputs: Any, **attributes: Any) -> Any:
        import cupyx

        with cupyx.errstate(linalg="raise"):
            return kernel(*inputs, **attributes)

    return run


def of_one_stack(cupy: Any, op: Op, kernel: Kernel) -> Kernel:
    """A kernel that solves equations whose stacks broadcast: CuPy wants the same stack on both sides."""
    if op.name not in _STACKED:
        return kernel

    def run(a: Any, b: Any, **attributes: Any) -> Any:
        if a.shape[:-2] != b.shape[:-2]:
            stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
            a, b = (cupy.broadcast_to(x, stack + x.shape[-2:]) for x in (a, b))
        return kernel(a, b, **attributes)

    return run


def in_one_kernel(cupy: Any, op: Op, kernel: Kernel) -> Kernel:
    """A kernel that CuPy has not, or calls several functions for, as one CUDA kernel where all arrays are alike."""
    if op.name not in _ONE_KERNEL:
        return kernel
    ndarray, made = cupy.ndarray, dict[Any, Any]()

    def run(*inputs: Any) -> Any:
        dtype = inputs[0].dtype if type(inputs[0]) is ndarray else None
        if dtype is None or dtype.kind != "f" or any(type(x) is not ndarray or x.dtype != dtype for x in inputs):
            return kernel(*inputs)
        found = made.get(dtype)
        if found is None:
            found = made[dtype] = _source.single(cupy, op.name, DTYPES[dtype.name], len(inputs))
        return found(*inputs)[0]

    return run
