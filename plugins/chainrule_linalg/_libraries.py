"""Kernels for what a library has outside of its namespace's `linalg`: SciPy's for NumPy, PyTorch's, JAX's, CuPy's."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from chainrule import ArgumentError
from chainrule_linalg._matrices import explained, without_diagonal


def numpy_expm(a: Any) -> Any:
    """SciPy's, of stacks too."""
    from scipy.linalg import expm

    return expm(a) if a.size else a.copy()


def numpy_logm(a: Any) -> Any:
    """SciPy's, matrix by matrix."""
    from scipy.linalg import logm

    return _principal("logarithm", logm, a)


def numpy_sqrtm(a: Any) -> Any:
    """SciPy's, matrix by matrix."""
    from scipy.linalg import sqrtm

    return _principal("square root", sqrtm, a)


def _principal(what: str, function: Callable[[Any], Any], a: Any) -> Any:
    """A function that may be complex of real matrices, where a real result is promised."""
    import numpy as np

    y = np.empty_like(a)
    for place in np.ndindex(a.shape[:-2]):
        found = function(a[place].astype(np.result_type(a, np.float64), copy=False))  # in 32 bits SciPy warns
        if np.iscomplexobj(found) and not np.iscomplexobj(a):
            if np.any(found.imag):
                which = f"matrix {list(place)} of the stack" if place else "the matrix"
                raise ArgumentError(
                    f"{which} has no real {what}; cr.astype(a, 'complex{2 * a.itemsize * 8}') has a complex one"
                )
            found = found.real
        y[place] = found
    return y


def numpy_lu(a: Any) -> Any:
    """SciPy's, of stacks too."""
    import numpy as np
    from scipy.linalg import lu

    if a.size:
        p, l, u = lu(a, check_finite=False)  # noqa: E741  # their names everywhere
        return p.real.astype(a.real.dtype, copy=False), l, u
    return _lu_of_nothing(np, a)


def _lu_of_nothing(xp: Any, a: Any) -> Any:
    """The factors of no matrices, or of matrices without rows or columns."""
    *batch, m, n = a.shape
    k = min(m, n)
    eye = xp.broadcast_to(xp.eye(m, dtype=a.real.dtype), (*batch, m, m)).copy()
    return eye, xp.zeros((*batch, m, k), a.dtype), xp.zeros((*batch, k, n), a.dtype)


def numpy_lu_factor(a: Any) -> Any:
    """LAPACK's, matrix by matrix."""
    import numpy as np
    from scipy.linalg import get_lapack_funcs

    *batch, m, n = a.shape
    factors, piv = np.empty_like(a), np.empty((*batch, min(m, n)), np.int32)
    if a.size:
        (factorize,) = get_lapack_funcs(("getrf",), (a,))
        for place in np.ndindex(*batch):
            factors[place], piv[place], _ = factorize(a[place])
    return factors, piv


def numpy_row_order(piv: Any, n: int) -> Any:
    """The exchanges one after the other."""
    import numpy as np

    order = np.tile(np.arange(n, dtype=piv.dtype), (*piv.shape[:-1], 1))
    for place in np.ndindex(piv.shape[:-1]):
        row = order[place]
        for i, j in enumerate(piv[place].tolist()):
            row[i], row[j] = row[j], row[i]
    return order


def numpy_solve_triangular(a: Any, b: Any, lower: bool, unit_diagonal: bool) -> Any:
    """LAPACK's for one matrix; for stacks of small ones a general solve of all at once is faster."""
    import numpy as np

    if a.ndim == b.ndim == 2 and a.size and b.size:
        from scipy.linalg import solve_triangular

        def compute() -> Any:
            return solve_triangular(a, b, lower=lower, unit_diagonal=unit_diagonal, check_finite=False)

        return explained(compute, np.linalg.inv, np.tril(a) if lower else np.triu(a), "has a zero on its diagonal")
    a = without_diagonal(np, a, lower) if unit_diagonal else np.tril(a) if lower else np.triu(a)
    return explained(lambda: np.linalg.solve(a, b), np.linalg.inv, a, "has a zero on its diagonal")


def torch_expm(a: Any) -> Any:
    """PyTorch's, of stacks too."""
    import torch

    return torch.linalg.matrix_exp(a)


def torch_lu(a: Any) -> Any:
    """PyTorch's, of stacks too."""
    import torch

    p, l, u = torch.linalg.lu(a)  # noqa: E741  # as above
    return p.real if p.is_complex() else p, l, u


def torch_lu_factor(a: Any) -> Any:
    """PyTorch's, of stacks too, which counts rows from 1."""
    import torch

    factors, piv = torch.linalg.lu_factor(a)
    return factors, piv - 1


def torch_solve_triangular(a: Any, b: Any, lower: bool, unit_diagonal: bool) -> Any:
    """PyTorch's, of stacks too, which by itself gives infinities of a singular matrix."""
    import torch

    def compute() -> Any:
        if not unit_diagonal and (torch.diagonal(a, dim1=-2, dim2=-1) == 0).any():
            raise torch.linalg.LinAlgError("singular matrix")
        dtype = torch.promote_types(a.dtype, b.dtype)
        return torch.linalg.solve_triangular(a.to(dtype), b.to(dtype), upper=not lower, unitriangular=unit_diagonal)

    return explained(compute, torch.linalg.inv, torch.tril(a) if lower else torch.triu(a), "has a zero on its diagonal")


def jax_expm(a: Any) -> Any:
    """JAX's, of stacks too."""
    from jax.scipy.linalg import expm

    return expm(a)


def jax_lu(a: Any) -> Any:
    """JAX's, of one matrix, over stacks."""
    from jax.scipy.linalg import lu

    p, l, u = _over_stacks(lu, a)  # noqa: E741  # as above
    return p.real, l, u


def jax_lu_factor(a: Any) -> Any:
    """JAX's, of one matrix, over stacks."""
    from jax.scipy.linalg import lu_factor

    return _over_stacks(lu_factor, a)


def _over_stacks(compute: Callable[[Any], Any], a: Any) -> Any:
    import jax

    for _ in a.shape[:-2]:
        compute = jax.vmap(compute)
    return compute(a)


def cupy_lu(a: Any) -> Any:
    """CuPy's, matrix by matrix."""
    import cupy
    from cupyx.scipy.linalg import lu

    return _matrix_by_matrix(lu, a) if a.size else _lu_of_nothing(cupy, a)


def cupy_lu_factor(a: Any) -> Any:
    """CuPy's, matrix by matrix."""
    import cupy
    from cupyx.scipy.linalg import lu_factor

    if a.size:
        return _matrix_by_matrix(lu_factor, a)
    *batch, m, n = a.shape
    return a.copy(), cupy.zeros((*batch, min(m, n)), "int32")


def _matrix_by_matrix(factorize: Callable[..., tuple[Any, ...]], a: Any) -> tuple[Any, ...]:
    import cupy

    *batch, m, n = a.shape
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a singular matrix has factors too
        each = [factorize(matrix, check_finite=False) for matrix in a.reshape(-1, m, n)]
    return tuple(cupy.stack(parts).reshape(*batch, *parts[0].shape) for parts in zip(*each, strict=True))
