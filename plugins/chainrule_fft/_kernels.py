"""Kernels: those of the namespace's extension `fft`; SciPy's for NumPy's arrays, over several axes in half the time."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

from chainrule import DTypeError, Spec, as_dtype

Kernel = Callable[..., Any]
_DTYPES: Final = ("float32", "float64", "complex64", "complex128")


def generic(name: str, takes: str, rule: Callable[..., Spec]) -> Kernel:
    """The kernel of a transform on any namespace that has it.

    Args:
        name: the function in `xp.fft`.
        takes: `"real"` or `"complex"`: the numbers that the standard has it defined for.
        rule: the shape rule, for arrays without elements, which not all libraries take.
    """

    def kernel(xp: Any, x: Any, /, s: Any, axes: Any, norm: str) -> Any:
        _check(x)
        if 0 in x.shape:
            result = rule(Spec(x.shape, as_dtype(x.dtype)), s, axes, norm)
            if result.shape is not None and 0 in result.shape:
                like = xp.real(x) if xp.isdtype(x.dtype, "complex floating") else x
                return xp.reshape(xp.zeros_like(like, dtype=getattr(xp, str(result.dtype))), result.shape)
        if takes == "complex" and xp.isdtype(x.dtype, "real floating"):
            x = xp.astype(x, xp.complex64 if x.dtype == xp.float32 else xp.complex128)
        return getattr(xp.fft, name)(x, norm=norm, **_where(name, s, axes))

    return kernel


def scipys(name: str) -> Kernel:
    """The kernel of a transform on NumPy's arrays; SciPy is imported when it first computes."""

    def kernel(x: Any, *, s: Any, axes: Any, norm: str) -> Any:
        _check(x)
        return getattr(import_module("scipy.fft"), name)(x, norm=norm, **_where(name, s, axes))

    return kernel


def torchs(name: str) -> Kernel:
    """The generic kernel on PyTorch's arrays, with the conjugation of `ihfft` done, which PyTorch puts off."""

    def kernel(x: Any, *, s: Any, axes: Any, norm: str) -> Any:
        return _generic(name)(import_module("array_api_compat.torch"), x, s, axes, norm).resolve_conj()

    return kernel


def dasks(name: str) -> Kernel:
    """The generic kernel on Dask's arrays, with all that is transformed in one chunk."""

    def kernel(x: Any, *, s: Any, axes: Any, norm: str) -> Any:
        xp = import_module("array_api_compat.dask.array")
        over = range(x.ndim) if axes is None else axes
        return _generic(name)(xp, x.rechunk(dict.fromkeys(over, -1)), s, axes, norm)

    return kernel


def cupys_irfftn(x: Any, *, s: Any, axes: Any, norm: str) -> Any:
    """`irfftn` of CuPy's arrays axis by axis: cuFFT takes it over several at once only of what mirrors itself fully."""
    return axis_by_axis(import_module("array_api_compat.cupy"), x, s, axes, norm)


def axis_by_axis(xp: Any, x: Any, s: Any, axes: Any, norm: str) -> Any:
    """`irfftn` by its definition: `ifftn` over all axes but the last, then `irfft` over that."""
    *first, last = range(x.ndim) if axes is None else axes
    if first:
        x = _generic("ifftn")(xp, x, s and s[:-1], tuple(first), norm)
    return _generic("irfft")(xp, x, s and s[-1:], (last,), norm)


def _generic(name: str) -> Kernel:
    """The generic kernel of a transform."""
    kernel: Kernel = import_module("chainrule_fft._transforms").TRANSFORMS[name].op.kernel
    return kernel


def _check(x: Any) -> None:
    """Refuse what libraries make different things of.

    Raises:
        DTypeError: an array of integers, or of numbers of 16 bits.
    """
    if not str(x.dtype).endswith(_DTYPES):
        raise DTypeError(f"expected floating-point numbers of at least 32 bits, got {x.dtype}")


def _where(name: str, s: Any, axes: Any) -> dict[str, Any]:
    """Lengths and axes as libraries call them."""
    return {"s": s, "axes": axes} if name.endswith("n") else {"n": s and s[0], "axis": axes[0]}
