"""What the operations share: arguments, shape rules, functions of a namespace and their errors, the adjoint."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

from chainrule import ArgumentError, DTypeError, ShapeError, Tensor, as_tensor, default_dtype, infer, ops

_EPSILON = {"float32": 2.0**-23, "float64": 2.0**-52}
_TOO_SHORT = "expected numbers of at least 32 bits, got {}; LAPACK has no shorter ones: cr.astype(x, 'float32')"


def as_floating(x: Any) -> Tensor:
    """A tensor of floating-point numbers; integers in the default dtype."""
    y: Tensor = as_tensor(x)
    return y if y.dtype.is_inexact else ops.astype(y, dtype=default_dtype())


def as_rtol(op: str, rtol: Any) -> Any:
    """A tolerance as an input of an operation: None, a float, or a tensor with one for each matrix of a stack.

    Raises:
        DTypeError: it is not of real numbers.
    """
    if rtol is None or type(rtol) in (int, float):
        return None if rtol is None else float(rtol)
    tolerance = as_tensor(rtol)
    if tolerance.dtype.kind not in ("float", "int", "uint"):
        raise DTypeError(f"{op}: rtol: expected real numbers, got {tolerance.dtype}")
    return tolerance


def tolerated(a: Any, rtol: Any) -> tuple[Any, Any, Any]:
    """What `matrices` tells of those that have tolerances.

    Raises:
        DTypeError, ShapeError: they are none, or there is not one tolerance for each.
    """
    batch, m, n = matrices("a", a)
    if rtol is not None and batch is not None and not infer.may_equal(infer.broadcast_shapes(batch, rtol.shape), batch):
        raise ShapeError(f"rtol: expected one for each matrix of the stack {batch}, got shape {rtol.shape}")
    return batch, m, n


def matrices(name: str, spec: Any, square: bool = False) -> tuple[Any, Any, Any]:
    """The lengths of a spec of matrices: those of the stack, None if unknown, rows and columns.

    Raises:
        DTypeError, ShapeError: it is not one of matrices.
    """
    if not spec.dtype.is_inexact:
        raise DTypeError(f"{name}: expected floating-point numbers, got {spec.dtype}")
    if spec.dtype.bits < 32:
        raise DTypeError(f"{name}: {_TOO_SHORT.format(spec.dtype)}")
    if spec.shape is None:
        return None, None, None
    if len(spec.shape) < 2:
        raise ShapeError(f"{name}: expected matrices, of at least 2 dimensions, got shape {spec.shape}")
    *batch, m, n = spec.shape
    if square and isinstance(m, int) and isinstance(n, int) and m != n:
        raise ShapeError(f"{name}: expected square matrices, got shape {spec.shape}")
    return tuple(batch), m, n


def shorter(m: Any, n: Any) -> Any:
    """The smaller of two lengths, None while one is unknown."""
    return min(m, n) if isinstance(m, int) and isinstance(n, int) else None


def function_of(xp: Any, name: str, *arrays: Any) -> Callable[..., Any]:
    """A function of a namespace's extension `linalg`, for arrays of floating-point numbers.

    Raises:
        DTypeError: see `check_dtypes`.
    """
    check_dtypes(*arrays)
    function: Callable[..., Any] = getattr(xp.linalg, name)
    return function


def check_dtypes(*arrays: Any) -> None:
    """Check that a library's arrays are of numbers of which all libraries make the same.

    Raises:
        DTypeError: they are of integers, or numbers of 16 bits.
    """
    for x in arrays:
        name = str(x.dtype).rpartition(".")[2]  # of PyTorch's, "torch.float64"
        if name.endswith("float16"):
            raise DTypeError(_TOO_SHORT.format(name))
        if not name.startswith(("float", "complex")):
            raise DTypeError(f"expected floating-point numbers, got {name}")


def check_integers(*arrays: Any) -> None:
    """Check that a library's arrays are of integers.

    Raises:
        DTypeError: they are not.
    """
    for x in arrays:
        name = str(x.dtype).rpartition(".")[2]
        if not name.startswith(("int", "uint")):
            raise DTypeError(f"expected integers, got {name}")


def explained(compute: Callable[[], Any], probe: Callable[[Any], Any], a: Any, fault: str) -> Any:
    """What `compute` gives; if the library finds a matrix of `a` unfit, an error that says which, and what is wrong.

    Args:
        compute: computes the result.
        probe: fails for one matrix if that is unfit.
        a: the matrices.
        fault: what is wrong with it, and what to do.

    Raises:
        ArgumentError: a matrix is unfit.
    """
    try:
        return compute()
    except Exception as error:
        if not _is_unfit(error):
            raise
        raise ArgumentError(f"{_first_unfit(probe, a)} {fault} ({error})") from error


def _is_unfit(error: Exception) -> bool:
    return type(error).__name__.lstrip("_") == "LinAlgError"  # NumPy's, and PyTorch's


def _first_unfit(probe: Callable[[Any], Any], a: Any) -> str:
    for place in product(*map(range, a.shape[:-2])):
        try:
            probe(a[(*place, ...)])
        except Exception as error:
            if not _is_unfit(error):
                raise
            return f"matrix {list(place)} of the stack" if place else "the matrix"
    return "a matrix"


def adjoint(x: Any) -> Any:
    """The conjugate transpose."""
    x = ops.matrix_transpose(x)
    return ops.conj(x) if x.dtype.kind == "complex" else x


def hermitian_part(x: Any) -> Any:
    """`(x + x^H) / 2`."""
    return (x + adjoint(x)) * 0.5


def hermitian(xp: Any, a: Any) -> Any:
    """`hermitian_part` in kernels."""
    turned = xp.matrix_transpose(a)
    return (a + (xp.conj(turned) if xp.isdtype(a.dtype, "complex floating") else turned)) * 0.5


def without_diagonal(xp: Any, a: Any, lower: bool) -> Any:
    """A triangle with ones on its diagonal, in kernels."""
    strict = xp.tril(a, k=-1) if lower else xp.triu(a, k=1)
    return strict + xp.eye(a.shape[-1], dtype=a.dtype, device=getattr(a, "device", None))


def rounding(largest: Any, shape: tuple[Any, ...]) -> Any:
    """How far apart singular values or eigenvalues of matrices of a shape are by rounding alone, given the largest."""
    return max(shape[-2:]) * _EPSILON[str(largest.dtype)] * largest


def reciprocal(x: Any, floor: Any) -> Any:
    """`1 / x`, and 0 where `x` is 0 up to `floor`, so that what is undefined there counts as 0."""
    small = ops.abs(x) <= floor
    return ops.where(small, 0.0, 1.0 / ops.where(small, 1.0, x))
