"""Functions of the system's mathematics library, for one number and for a vector of them."""

from __future__ import annotations

import ctypes
import ctypes.util
import sys
from functools import cache
from typing import Any, Final

# The operation's name to C's, for one argument and for two.
FUNCTIONS: Final = {name: name for name in (
    *("exp", "expm1", "exp2", "log", "log1p", "log2", "log10", "cbrt", "erf", "erfc"),
    *("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
)}  # fmt: skip
FUNCTIONS_OF_TWO: Final = {"pow": "pow", "atan2": "atan2", "hypot": "hypot"}
VECTOR_LIBRARY: Final = "libmvec.so.1"
_LANES: Final = {"float64": {"e": 8, "d": 4, "b": 2}, "float32": {"e": 16, "d": 8, "b": 4}}


@cache
def _scalar_library() -> Any:
    if sys.platform == "win32":
        return ctypes.CDLL("ucrtbase")
    return ctypes.CDLL(ctypes.util.find_library("m"))


@cache
def _vector_library() -> Any:
    try:
        return ctypes.CDLL(VECTOR_LIBRARY)
    except OSError:
        return None


def _address(library: Any, name: str) -> int | None:
    function = getattr(library, name, None)
    return None if function is None else ctypes.cast(function, ctypes.c_void_p).value


@cache
def scalar_function(name: str, dtype: str) -> int | None:
    """The address of a C function for one number, or None where there is none."""
    return _address(_scalar_library(), name + "f" * (dtype == "float32"))


@cache
def vector_functions(name: str, dtype: str, variants: str) -> dict[int, int]:
    """The addresses of a function for vectors, by how many numbers it takes, of those variants that can be called."""
    library = _vector_library()
    if library is None:
        return {}
    arguments = "vv" if name in FUNCTIONS_OF_TWO else "v"
    suffix = "f" * (dtype == "float32")
    found = {}
    for letter in variants:
        lanes = _LANES[dtype][letter]
        address = _address(library, f"_ZGV{letter}N{lanes}{arguments}_{name}{suffix}")
        if address is not None:
            found[lanes] = address
    return found


def described(variants: str) -> str:
    """What computes functions of vectors, and what is missing."""
    if _vector_library() is None:
        return f"one number at a time: there is no {VECTOR_LIBRARY} (glibc 2.22 or later on x86-64)"
    missing = [n for n in (*FUNCTIONS, *FUNCTIONS_OF_TWO) if not vector_functions(n, "float64", variants)]
    return VECTOR_LIBRARY + (f" without {', '.join(missing)}" if missing else "")
