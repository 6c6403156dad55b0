"""Python's and NumPy's objects as C sees them: where what lies in them, and the functions that make them.

Machine code reads arrays' addresses from the objects themselves, which takes nanoseconds where any way through Python
takes microseconds. What is read is part of the stable layout of CPython's and NumPy's objects, and it is checked once.
"""

from __future__ import annotations

import ctypes
import sys
import sysconfig
from functools import cache
from typing import Any, Final

import numpy as np
from numpy._core import _multiarray_umath  # type: ignore[attr-defined]

HEAD: Final = object.__basicsize__  # a count of references and a type
POINTER: Final = ctypes.sizeof(ctypes.c_void_p)
TYPE: Final = POINTER  # where an object's type is
DATA, NDIM, DIMENSIONS, DESCRIPTOR, FLAGS = HEAD, HEAD + 8, HEAD + 16, HEAD + 40, HEAD + 48
ITEMS: Final = tuple.__basicsize__  # where a tuple's items are
BYTES: Final = bytes.__basicsize__ - 1  # where those of a bytes object are
CONTIGUOUS, ALIGNED, WRITEABLE = 0x1, 0x100, 0x400
_ARRAY_TYPE, _SCALAR, _NEW_FROM_DESCRIPTOR = 2, 60, 94  # places in NumPy's table of functions, which never change
FASTCALL_WITH_KEYWORDS: Final = 0x82


class _Method(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


def why_not() -> str | None:
    """Why machine code cannot read Python's objects here, or None if it can."""
    if sys.implementation.name != "cpython":
        return f"it reads the objects of CPython, and this is {sys.implementation.name}"
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "it relies on the lock that free-threaded Python does without"
    if (POINTER, HEAD, ITEMS, BYTES) != (8, 16, 24, 32):
        return "objects are laid out otherwise than on other 64-bit systems (a debug build of Python?)"
    return None if _is_as_expected() else f"NumPy {np.__version__} lays out its arrays otherwise"


@cache
def _is_as_expected() -> bool:
    array = np.zeros((3, 5))[1:]
    at = id(array)

    def read(offset: int, kind: Any) -> Any:
        return kind.from_address(at + offset).value

    dimensions = read(DIMENSIONS, ctypes.c_void_p)
    return bool(
        read(TYPE, ctypes.c_void_p) == id(np.ndarray)
        and read(DATA, ctypes.c_void_p) == array.ctypes.data
        and read(NDIM, ctypes.c_int) == 2
        and [ctypes.c_ssize_t.from_address(dimensions + 8 * i).value for i in range(2)] == [2, 5]
        and read(DESCRIPTOR, ctypes.c_void_p) == id(array.dtype)
        and read(FLAGS, ctypes.c_int) & (CONTIGUOUS | ALIGNED | WRITEABLE) == CONTIGUOUS | ALIGNED | WRITEABLE
        and numpy_function(_ARRAY_TYPE) == id(np.ndarray)
        and ctypes.c_double.from_address(id(np.float64(1.5)) + HEAD).value == 1.5
    )


@cache
def _table() -> int:
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    address: int = get(_multiarray_umath._ARRAY_API, None)
    return address


def numpy_function(place: int) -> int:
    """An address in NumPy's table of functions and types."""
    return int(ctypes.c_void_p.from_address(_table() + place * POINTER).value or 0)


def new_scalar() -> int:
    """NumPy's function that makes a scalar: `(value, dtype, base)`."""
    return numpy_function(_SCALAR)


def new_array() -> int:
    """NumPy's function that makes an array: `(type, dtype, ndim, shape, strides, data, flags, object)`."""
    return numpy_function(_NEW_FROM_DESCRIPTOR)


def python_function(name: str) -> int:
    """The address of a function of Python's C interface."""
    return int(ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0)


def address_in_bytes(data: bytes) -> int:
    """Where the bytes of a bytes object are."""
    return id(data) + BYTES


def address_of_data(array: Any) -> int:
    """Where the elements of an array are, in a fraction of the time that the array itself takes to tell."""
    return int(ctypes.c_void_p.from_address(id(array) + DATA).value or 0)


def stay(x: object) -> None:
    """Keep an object for as long as the process lives, even after Python has ended."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(x))


def callable_of(address: int, bound: tuple[Any, ...]) -> Any:
    """A Python function that calls machine code.

    Args:
        address: a function as `METH_FASTCALL | METH_KEYWORDS` takes it.
        bound: what it gets as its first argument; it lives as long as the function.
    """
    method = _Method(b"region", address, FASTCALL_WITH_KEYWORDS, None)
    bound = (*bound, method)
    make = ctypes.pythonapi.PyCFunction_NewEx
    make.restype, make.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.py_object, ctypes.py_object)
    return make(ctypes.addressof(method), bound, "chainrule_numpy._jit")
