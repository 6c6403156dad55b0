"""What dtypes are, hold and become together: the array API standard's functions of data types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chainrule import (
    DTYPES,
    PYTHON_NUMBERS,
    ArgumentError,
    DType,
    DTypeError,
    Tensor,
    as_dtype,
    as_tensor,
    get_backend,
    infer,
)

_KINDS = {
    "bool": ("bool",),
    "signed integer": ("int",),
    "unsigned integer": ("uint",),
    "integral": ("int", "uint"),
    "real floating": ("float",),
    "complex floating": ("complex",),
    "numeric": ("int", "uint", "float", "complex"),
}


@dataclass(frozen=True)
class FloatInfo:
    """The limits of a real floating-point dtype, or of the parts of a complex one.

    Attributes:
        bits: how many it takes.
        eps: the difference between 1 and the next larger number.
        max: the largest finite number.
        min: the smallest one, `-max`.
        smallest_normal: the smallest positive number of full precision.
        dtype: the real dtype, as the library of the backend in force has it; NumPy's equals chainrule's.
    """

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: Any


@dataclass(frozen=True)
class IntegerInfo:
    """The limits of an integer dtype.

    Attributes:
        bits: how many it takes.
        max: the largest number.
        min: the smallest one.
        dtype: the dtype, as the library of the backend in force has it; NumPy's equals chainrule's.
    """

    bits: int
    max: int
    min: int
    dtype: Any


# The bits of the fraction, and the exponent of the largest number.
_FORMATS = {"float16": (10, 15), "bfloat16": (7, 127), "float32": (23, 127), "float64": (52, 1023)}


def finfo(type: Any, /) -> FloatInfo:
    """The limits of a floating-point dtype.

    Args:
        type: a dtype, its name, or an array of it; of a complex one, the limits of its parts.

    Raises:
        DTypeError: it is no floating-point dtype.

    >>> import chainrule as cr
    >>> cr.finfo(cr.float32).eps == 2.0**-23
    True
    """
    dtype = _dtype_of(type)
    if not dtype.is_inexact:
        raise DTypeError(f"finfo: expected a floating-point dtype, got {dtype}; iinfo is for integers")
    if dtype.kind == "complex":
        dtype = DTYPES[f"float{dtype.bits // 2}"]
    fraction, exponent = _FORMATS[dtype]
    eps = 2.0**-fraction
    largest = (2.0 - eps) * 2.0**exponent
    return FloatInfo(dtype.bits, eps, largest, -largest, 2.0 ** (1 - exponent), _object(dtype))


def iinfo(type: Any, /) -> IntegerInfo:
    """The limits of an integer dtype.

    Args:
        type: a dtype, its name, or an array of it.

    Raises:
        DTypeError: it is no integer dtype.

    >>> import chainrule as cr
    >>> cr.iinfo("int8").min
    -128
    """
    dtype = _dtype_of(type)
    if dtype.kind not in ("int", "uint"):
        raise DTypeError(f"iinfo: expected an integer dtype, got {dtype}; finfo is for floating-point ones")
    if dtype.kind == "uint":
        return IntegerInfo(dtype.bits, 2**dtype.bits - 1, 0, _object(dtype))
    return IntegerInfo(dtype.bits, 2 ** (dtype.bits - 1) - 1, -(2 ** (dtype.bits - 1)), _object(dtype))


def _object(dtype: DType) -> Any:
    """A dtype as an object of the library in force: the standard wants one that is no string."""
    return get_backend().dtypes.get(dtype, dtype)


def isdtype(dtype: Any, kind: Any) -> bool:
    """Whether a dtype is of a kind.

    Args:
        dtype: a dtype or its name.
        kind: another dtype, or one of the standard's kinds (`"bool"`, `"signed integer"`, `"unsigned integer"`,
            `"integral"`, `"real floating"`, `"complex floating"`, `"numeric"`), or a tuple of any of these.

    >>> import chainrule as cr
    >>> cr.isdtype(cr.float32, "real floating"), cr.isdtype(cr.int8, (cr.int16, "complex floating"))
    (True, False)
    """
    if isinstance(kind, tuple):
        return any(isdtype(dtype, one) for one in kind)
    dtype = as_dtype(dtype)
    kinds = _KINDS.get(kind) if isinstance(kind, str) else None
    return dtype == as_dtype(kind) if kinds is None else dtype.kind in kinds


def result_type(*arrays_and_dtypes: Any) -> DType:
    """The dtype of an operation between these.

    Args:
        *arrays_and_dtypes: arrays, dtypes, and Python numbers, which are weak beside the others.

    >>> import chainrule as cr
    >>> cr.result_type(cr.float32, cr.int8, 1.0)
    chainrule.float32
    """
    if not arrays_and_dtypes:
        raise ArgumentError("result_type: expected at least one array or dtype, got none")
    specs = [
        infer.scalar_spec(x) if type(x) in PYTHON_NUMBERS else infer.Spec((), _dtype_of(x)) for x in arrays_and_dtypes
    ]
    return infer.result_dtype(*specs)


def can_cast(from_: Any, to: Any, /) -> bool:
    """Whether a dtype holds all that another has: whether both together become that dtype.

    Args:
        from_: a dtype, its name, or an array of it.
        to: a dtype or its name.

    >>> import chainrule as cr
    >>> cr.can_cast(cr.int8, cr.int64), cr.can_cast(cr.float64, cr.float32)
    (True, False)
    """
    wide = as_dtype(to)
    return result_type(_dtype_of(from_), wide) == wide


def _dtype_of(x: Any) -> DType:
    """A dtype, or that of an array."""
    return as_tensor(x).dtype if type(x) is Tensor or (hasattr(x, "dtype") and hasattr(x, "shape")) else as_dtype(x)
