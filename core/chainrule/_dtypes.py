"""Data types without an array library: their names, how they promote, and what Python numbers become.

A `DType` is a string with properties, so that NumPy and every library that takes dtype names accepts one as it is.
"""

from __future__ import annotations

import threading
from typing import Any, Final

from chainrule._context import settings_changed
from chainrule._errors import DTypeError

PYTHON_NUMBERS: Final = frozenset({float, int, bool, complex})
_KINDS: Final = ("bool", "uint", "int", "float", "complex")


class DType(str):
    """The name of an element type (`"float32"`), with its kind and size.

    Equal to its name, to NumPy's dtype and to NumPy's scalar type of that name:

    >>> import chainrule as cr, numpy as np
    >>> cr.float32 == "float32", cr.float32 == np.dtype("float32"), cr.float32 == np.float32
    (True, True, True)
    >>> np.zeros(2, dtype=cr.float32).dtype
    dtype('float32')
    """

    __slots__ = ("bits", "kind")
    kind: str
    bits: int

    def __new__(cls, kind: str, bits: int) -> DType:
        self = super().__new__(cls, kind if kind == "bool" else "bfloat16" if kind == "bfloat" else f"{kind}{bits}")
        self.kind = "float" if kind == "bfloat" else kind
        self.bits = bits
        return self

    @property
    def itemsize(self) -> int:
        """Bytes an element takes."""
        return max(self.bits // 8, 1)

    @property
    def name(self) -> str:
        """The name itself."""
        return str(self)

    @property
    def type(self) -> type[bool | int | float | complex]:
        """The class of Python's numbers of its kind, where NumPy's dtypes have that of its scalars."""
        return {"bool": bool, "float": float, "complex": complex}.get(self.kind, int)

    @property
    def is_inexact(self) -> bool:
        """Whether gradients exist for it: real or complex floating point."""
        return self.kind in ("float", "complex")

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            return str.__eq__(self, other)
        name = getattr(other, "name", None) or getattr(other, "__name__", None)
        return isinstance(name, str) and str.__eq__(self, name)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__

    def __repr__(self) -> str:
        return f"chainrule.{self}"

    def __reduce__(self) -> tuple[Any, ...]:
        return as_dtype, (str(self),)


bool_ = DType("bool", 8)
int8, int16, int32, int64 = (DType("int", bits) for bits in (8, 16, 32, 64))
uint8, uint16, uint32, uint64 = (DType("uint", bits) for bits in (8, 16, 32, 64))
float16, float32, float64 = (DType("float", bits) for bits in (16, 32, 64))
bfloat16 = DType("bfloat", 16)
complex64, complex128 = (DType("complex", bits) for bits in (64, 128))

DTYPES: Final[dict[str, DType]] = {
    str(d): d
    for d in (
        *(bool_, int8, int16, int32, int64, uint8, uint16, uint32, uint64),
        *(float16, bfloat16, float32, float64, complex64, complex128),
    )
}  # fmt: skip

_default_lock = threading.Lock()
_default_float = float64


def set_default_dtype(dtype: Any) -> None:
    """Set what Python floats become when they turn into tensors by themselves: `float64` until this is called.

    A Python number beside a tensor is *weak*: it takes the tensor's dtype and never changes it.

    Raises:
        DTypeError: `dtype` is no real floating-point type.

    >>> import chainrule as cr
    >>> cr.set_default_dtype("float32")
    >>> cr.tensor(1.5).dtype
    chainrule.float32
    >>> cr.set_default_dtype("float64")
    """
    global _default_float
    chosen = as_dtype(dtype)
    if chosen.kind != "float":
        raise DTypeError(f"set_default_dtype: expected a real floating-point dtype, got {str(chosen)!r}")
    with _default_lock:
        _default_float = chosen
        settings_changed()


def default_dtype() -> DType:
    """What Python floats become; see `set_default_dtype`."""
    return _default_float


def as_dtype(dtype: Any) -> DType:
    """The `DType` that a name, a Python type, or a library's dtype object means.

    Raises:
        DTypeError: it names none of chainrule's dtypes.
    """
    if type(dtype) is DType:
        return dtype
    if dtype is float:
        return _default_float
    for kind, meant in ((bool, bool_), (int, int64), (complex, complex128)):
        if dtype is kind:  # and not `==`, which NumPy's dtypes answer too
            return meant
    name = dtype if isinstance(dtype, str) else getattr(dtype, "name", None) or getattr(dtype, "__name__", None)
    if not isinstance(name, str):
        name = str(dtype)
    found = DTYPES.get(name) or DTYPES.get(name.rpartition(".")[2].rstrip("_"))
    if found is None:
        raise DTypeError(f"unknown dtype {dtype!r}; chainrule knows {', '.join(DTYPES)}")
    return found


def scalar_dtype(value: complex) -> DType:
    """What a Python number becomes when it turns into a tensor by itself."""
    kind = type(value)
    if kind is bool:
        return bool_
    if kind is int:
        return int64
    return _default_float if kind is float else (complex64 if _default_float.bits < 64 else complex128)


def promote(a: DType, b: DType) -> DType:
    """The dtype that holds both: the array API standard's table, and NumPy's answers where the standard is silent.

    >>> promote(float32, float64), promote(int8, uint8), promote(int64, float32)
    (chainrule.float64, chainrule.int16, chainrule.float64)
    """
    if a is b:
        return a
    if _KINDS.index(a.kind) > _KINDS.index(b.kind):
        a, b = b, a
    if a.kind == "bool":
        return b
    if a.kind == b.kind:
        if {a, b} == {float16, bfloat16}:
            return float32
        return a if a.bits > b.bits else b
    if b.kind == "int":  # a is unsigned
        if b.bits > a.bits:
            return b
        return float64 if a.bits == 64 else DTYPES[f"int{a.bits * 2}"]
    real = DTYPES[f"float{b.bits // 2}"] if b.kind == "complex" else b
    if a.kind in ("int", "uint"):  # the smallest float that holds the integers, up to float64
        a = float16 if a.bits == 8 else float32 if a.bits == 16 else float64
    real = promote(a, real)
    return DTYPES[f"complex{max(real.bits, 32) * 2}"] if b.kind == "complex" else real


def promote_weak(strong: DType, weak: DType) -> DType:
    """The dtype of an operation between a tensor and a Python number whose own dtype would be `weak`."""
    if _KINDS.index(weak.kind) <= _KINDS.index(strong.kind) or (weak.kind == "int" and strong.kind == "uint"):
        return strong
    if weak.kind == "complex" and strong.kind == "float":
        return complex128 if strong.bits == 64 else complex64
    return weak


def real_dtype(dtype: DType) -> DType:
    """The dtype of the real part."""
    return DTYPES[f"float{dtype.bits // 2}"] if dtype.kind == "complex" else dtype
