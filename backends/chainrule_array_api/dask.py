"""The backend `dask`: chunked arrays of Dask, computed when their values are asked for, on one machine or a cluster.

An operation makes tasks over the chunks and computes nothing, but for an index, whose bounds are checked, what needs a
value to know a shape, and the factors of matrices. A compiled program computes its results when it is called, all of
them in one go.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from chainrule import Backend, BackendUnavailableError, Kernel
from chainrule_array_api import _indexing
from chainrule_array_api._backend import array_api_backend
from chainrule_array_api._compile import traceable

_LINALG = ("cholesky", "det", "eigh", "eigvalsh", "inv", "pinv", "qr", "slogdet", "solve", "svd", "svdvals")


def backend() -> Backend:
    """The Dask backend.

    Raises:
        BackendUnavailableError: Dask or array_api_compat is not installed.
    """
    try:
        import dask
        import dask.array as da
    except ModuleNotFoundError as error:
        if error.name != "dask":
            raise
        raise BackendUnavailableError("backend 'dask': Dask is not installed; pip install 'chainrule[dask]'") from error
    return array_api_backend(
        "dask",
        da,
        version=dask.__version__,
        devices={"cpu": "cpu"},
        functions=_functions(),
        kernels={"scatter_add_along_axis": _scatter_add_along_axis},
        to_numpy=lambda array: np.array(array.compute(pool=_pool())),
        indexing={"sums": _sums},
        compile=lambda function, program: (_persisted(function), "Dask, all results at once"),
    )


def _persisted(function: Kernel) -> Kernel:
    """A program whose results are computed when it is called, and kept where they were computed."""
    traced = traceable(function)

    def call(*arrays: Any) -> Any:
        import dask

        ((results, failed),) = dask.persist(traced(*arrays), pool=_pool())
        return results if failed is None or not failed else function(*arrays)

    return call


@cache
def _pool() -> ThreadPoolExecutor:
    """Threads for Dask's own scheduler that give no floating-point warnings: they would have no line of the user's."""
    from dask.system import CPU_COUNT

    return ThreadPoolExecutor(CPU_COUNT, initializer=_quieten)


def _quieten() -> None:
    np.seterr(all="ignore")


def _functions() -> dict[str, Any]:
    """Functions that Dask lacks, or that fail for some arrays."""
    from array_api_compat.dask import array as xp
    from array_api_compat.numpy import linalg

    def take(x: Any, indices: Any, *, axis: int) -> Any:
        if not xp.isdtype(x.dtype, "complex floating"):
            return xp.take(x, indices, axis=axis)
        return take(xp.real(x), indices, axis=axis) + 1j * take(xp.imag(x), indices, axis=axis)

    def concat(arrays: Any, /, *, axis: int = 0) -> Any:
        """Of several chunks without elements Dask makes what it then fails to compute."""
        return xp.concat([x for x in arrays if x.shape[axis]] or arrays[:1], axis=axis)

    def triangle(part: Kernel) -> Kernel:
        return lambda x, *, k=0: xp.where(part(np.ones(x.shape[-2:], bool), k), x, xp.zeros_like(x))

    def extreme(name: str) -> Kernel:
        def reduced(x: Any, *, axis: Any = None, **how: Any) -> Any:
            axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
            if not all(x.shape[i] for i in axes):
                raise ValueError(f"of nothing, an axis of length 0 of shape {x.shape}, there is no largest or smallest")
            if not x.size:
                return xp.astype(xp.sum(x, axis=axis, **how), xp.int64 if name.startswith("arg") else x.dtype)
            return getattr(xp, name)(x, axis=axis, **how)

        return reduced

    return {
        **{name: extreme(name) for name in ("argmax", "argmin", "max", "min")},
        "concat": concat,
        "linalg": SimpleNamespace(**{name: _at_once(getattr(linalg, name)) for name in _LINALG}),
        "nonzero": _nonzero,
        "searchsorted": _searchsorted,
        "take": take,
        "take_along_axis": _take_along_axis,
        "tril": triangle(np.tril),
        "triu": triangle(np.triu),
    }


def _at_once(function: Kernel) -> Kernel:
    """A function that is computed at once, by NumPy: Dask has it for one matrix at most, or fails when it computes."""
    import dask.array as da

    def computed(*arrays: Any, **how: Any) -> Any:
        result = function(*map(np.asarray, arrays), **how)
        if isinstance(result, tuple):
            return type(result)(*[da.from_array(np.asarray(part)) for part in result])
        return da.from_array(np.asarray(result))

    return computed


def _searchsorted(x: Any, v: Any, *, side: str = "left") -> Any:
    import dask.array as da

    labels = tuple(range(v.ndim))
    return da.blockwise(_found, labels, v, labels, x, (v.ndim,), side=side, concatenate=True, dtype=np.int64)


def _found(v: Any, x: Any, side: Any) -> Any:
    return np.asarray(np.searchsorted(x, v, side), np.int64)


def _nonzero(x: Any) -> tuple[Any, ...]:
    """Where an array is not 0, computed at once: how many places there are is a shape."""
    import dask.array as da

    return tuple(map(da.from_array, np.nonzero(np.asarray(x))))


def _sums(da: Any, rows: Any, places: Any, n: int) -> Any:
    """Sums of rows by place: of each chunk by itself, and then over the chunks."""
    labels = tuple(range(rows.ndim))
    made = (0, rows.ndim, *labels[1:])
    how = {"new_axes": {rows.ndim: n}, "adjust_chunks": {0: lambda _: 1}, "dtype": rows.dtype}
    return da.blockwise(_sums_of_chunk, made, rows, labels, places, (0,), n=n, **how).sum(axis=0, dtype=rows.dtype)


def _sums_of_chunk(rows: Any, places: Any, n: int) -> Any:
    return _sums_of_array(np, rows, places, n)[None]


def _sums_of_array(np: Any, rows: Any, places: Any, n: int) -> Any:
    sums = np.zeros((n, *rows.shape[1:]), rows.dtype)
    np.add.at(sums, places, rows)
    return sums


def _take_along_axis(x: Any, indices: Any, *, axis: int) -> Any:
    return _along_axis(_taken_along_axis, x, indices, axis % x.ndim, indices.shape[axis])


def _taken_along_axis(x: Any, indices: Any, axis: int, length: int) -> Any:
    return np.take_along_axis(x, indices, axis)


def _scatter_add_along_axis(values: Any, indices: Any, *, axis: int, length: int) -> Any:
    import array_api_compat.dask.array as xp

    return _along_axis(_added_along_axis, values, _indexing.wrapped(xp, indices, length), axis % values.ndim, length)


def _added_along_axis(values: Any, indices: Any, axis: int, length: int) -> Any:
    return _indexing.scatter_add_along_axis(np, values, indices, axis=axis, length=length, sums=_sums_of_array)


def _along_axis(function: Kernel, x: Any, indices: Any, axis: int, length: int) -> Any:
    """A function of two arrays and an axis, over the chunks of all others; the axis of the result has a length."""
    import dask.array as da

    def labels(own: int) -> tuple[int, ...]:
        return tuple(own if i == axis else i for i in range(x.ndim))

    result, other = x.ndim, x.ndim + 1
    return da.blockwise(
        *(function, labels(result), x, labels(axis), indices, labels(other)),
        axis=axis,
        length=length,
        new_axes={result: length},
        concatenate=True,
        dtype=x.dtype,
    )
