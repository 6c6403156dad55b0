"""Values in LLVM's language, one number or a vector of them: constants, casts, memory, and calls of functions."""

from __future__ import annotations

import struct
from typing import Any, Final, NamedTuple

from chainrule_numpy._jit._machine import host
from chainrule_numpy._jit._math import scalar_function, vector_functions
from chainrule_numpy._jit._text import Text

KINDS: Final = {"float64": "double", "float32": "float", "int64": "i64", "int32": "i32", "int8": "i8", "bool": "i1"}
STORED: Final = KINDS | {"bool": "i8"}
SIZES: Final = {"float64": 8, "float32": 4, "int64": 8, "int32": 4, "bool": 1}
_SHORT: Final = {"float64": "f64", "float32": "f32", "int64": "i64", "int32": "i32", "bool": "i8"}


class Value(NamedTuple):
    """A name or a constant, and its dtype."""

    text: str
    dtype: str

    @property
    def is_float(self) -> bool:
        """Whether it is a floating-point number."""
        return self.dtype in ("float64", "float32")


class Values:
    """Writes values of so many lanes; of one lane they are no vectors."""

    def __init__(self, text: Text, lanes: int, contract: bool = True) -> None:
        """Begin.

        Args:
            text: where to write.
            lanes: how many.
            contract: whether a product and the sum it goes into may be rounded once.
        """
        self.text = text
        self.lanes = lanes
        self.flags = " contract" if contract else ""

    def kind(self, dtype: str) -> str:
        """The type in registers."""
        return self._of(KINDS[dtype])

    def stored(self, dtype: str) -> str:
        """The type in memory."""
        return self._of(STORED[dtype])

    def _of(self, kind: str) -> str:
        return kind if self.lanes == 1 else f"<{self.lanes} x {kind}>"

    def suffix(self, dtype: str) -> str:
        """How the names of intrinsic functions end."""
        return _SHORT[dtype] if self.lanes == 1 else f"v{self.lanes}{_SHORT[dtype]}"

    def constant(self, number: Any, dtype: str) -> Value:
        """A number in every lane.

        Raises:
            OverflowError: the integer does not fit.
        """
        one = _literal(number, dtype)
        if self.lanes == 1:
            return Value(one, dtype)
        return Value("<" + ", ".join([f"{KINDS[dtype]} {one}"] * self.lanes) + ">", dtype)

    def let(self, dtype: str, expression: str) -> Value:
        """Compute something of a dtype."""
        return Value(self.text.let(expression), dtype)

    def spread(self, value: Value) -> Value:
        """One number in all lanes."""
        if self.lanes == 1:
            return value
        kind, one = self.kind(value.dtype), KINDS[value.dtype]
        first = self.text.let(f"insertelement {kind} poison, {one} {value.text}, i64 0")
        zeros = "zeroinitializer"
        return self.let(value.dtype, f"shufflevector {kind} {first}, {kind} poison, <{self.lanes} x i32> {zeros}")

    def select(self, condition: Value, a: Value, b: Value) -> Value:
        """`a` where the condition holds, else `b`."""
        kind = self.kind(a.dtype)
        return self.let(a.dtype, f"select {self.kind('bool')} {condition.text}, {kind} {a.text}, {kind} {b.text}")

    def compare(self, how: str, a: Value, b: Value) -> Value:
        """A comparison by the name of LLVM's predicate."""
        op = "fcmp" if a.is_float else "icmp"
        return self.let("bool", f"{op} {how} {self.kind(a.dtype)} {a.text}, {b.text}")

    def cast(self, value: Value, dtype: str) -> Value:
        """The value in another dtype, as NumPy casts it."""
        have = value.dtype
        if have == dtype:
            return value
        if dtype == "bool":
            return self.compare("une" if value.is_float else "ne", value, self.constant(0, have))
        if value.is_float:
            if dtype == "float64":
                how = "fpext"
            elif dtype == "float32":
                how = "fptrunc"
            else:
                how = "fptosi"
        elif dtype in ("float64", "float32"):
            how = "uitofp" if have == "bool" else "sitofp"
        elif have == "bool":
            how = "zext"
        else:
            how = "sext" if SIZES[dtype] > SIZES[have] else "trunc"
        cast = self.let(dtype, f"{how} {self.kind(have)} {value.text} to {self.kind(dtype)}")
        # A number out of an integer's range gives some number, and no licence to give none.
        return self.let(dtype, f"freeze {self.kind(dtype)} {cast.text}") if how == "fptosi" else cast

    # Memory

    def load(self, pointer: str, dtype: str, mask: str | None = None) -> Value:
        """Read numbers that lie next to each other; lanes that the mask leaves out are 1."""
        stored = self.stored(dtype)
        if mask is None:
            value = Value(self.text.let(f"load {stored}, ptr {pointer}, align {SIZES[dtype]}"), dtype)
        else:
            ones = self.constant(1, "int8" if dtype == "bool" else dtype).text
            value = Value(
                self.text.call(
                    f"llvm.masked.load.{self.suffix(dtype)}.p0",
                    stored,
                    *(("ptr", pointer), ("i32", str(SIZES[dtype])), (self.kind("bool"), mask), (stored, ones)),
                ),
                dtype,
            )
        if dtype == "bool":
            return Value(self.text.let(f"trunc {stored} {value.text} to {self.kind('bool')}"), dtype)
        return value

    def store(self, value: Value, pointer: str, mask: str | None = None) -> None:
        """Write numbers next to each other."""
        stored, name = self.stored(value.dtype), value.text
        if value.dtype == "bool":
            name = self.text.let(f"zext {self.kind('bool')} {name} to {stored}")
        if mask is None:
            self.text.do(f"store {stored} {name}, ptr {pointer}, align {SIZES[value.dtype]}")
        else:
            self.text.run(
                f"llvm.masked.store.{self.suffix(value.dtype)}.p0",
                *((stored, name), ("ptr", pointer), ("i32", str(SIZES[value.dtype])), (self.kind("bool"), mask)),
            )

    # Functions

    def intrinsic(self, name: str, *values: Value) -> Value:
        """Call one of LLVM's own functions."""
        dtype = values[0].dtype
        kind = self.kind(dtype)
        return Value(
            self.text.call(f"llvm.{name}.{self.suffix(dtype)}", kind, *((kind, v.text) for v in values)), dtype
        )

    def function(self, name: str, *values: Value) -> Value:
        """Call a function of the system's mathematics library."""
        dtype = values[0].dtype
        if self.lanes == 1:
            address = scalar_function(name, dtype)
            assert address is not None, name
            return Value(self._call(address, KINDS[dtype], [v.text for v in values]), dtype)
        functions = vector_functions(name, dtype, host().x86)
        if not functions:
            return self._one_by_one(name, *values)
        lanes = max([n for n in functions if n <= self.lanes], default=min(functions))
        kind = f"<{lanes} x {KINDS[dtype]}>"
        if lanes == self.lanes:
            return Value(self._call(functions[lanes], kind, [v.text for v in values]), dtype)
        parts = []
        for start in range(0, self.lanes, lanes):
            taken = [min(start + i, self.lanes - 1) for i in range(lanes)]
            parts.append(self._call(functions[lanes], kind, [self._taken(v, taken) for v in values]))
        while len(parts) > 1:
            parts = [self._joined(a, b, KINDS[dtype], lanes) for a, b in zip(parts[::2], parts[1::2], strict=True)]
            lanes *= 2
        if lanes == self.lanes:
            return Value(parts[0], dtype)
        indices = ", ".join(f"i32 {i}" for i in range(self.lanes))
        kind = f"<{lanes} x {KINDS[dtype]}>"
        return self.let(dtype, f"shufflevector {kind} {parts[0]}, {kind} poison, <{self.lanes} x i32> <{indices}>")

    def _taken(self, value: Value, lanes: list[int]) -> str:
        kind = self.kind(value.dtype)
        indices = ", ".join(f"i32 {i}" for i in lanes)
        return self.text.let(f"shufflevector {kind} {value.text}, {kind} poison, <{len(lanes)} x i32> <{indices}>")

    def _joined(self, a: str, b: str, one: str, lanes: int) -> str:
        indices = ", ".join(f"i32 {i}" for i in range(2 * lanes))
        kind = f"<{lanes} x {one}>"
        return self.text.let(f"shufflevector {kind} {a}, {kind} {b}, <{2 * lanes} x i32> <{indices}>")

    def _one_by_one(self, name: str, *values: Value) -> Value:
        dtype = values[0].dtype
        address = scalar_function(name, dtype)
        assert address is not None, name
        kind, one = self.kind(dtype), KINDS[dtype]
        result = "poison"
        for i in range(self.lanes):
            arguments = [self.text.let(f"extractelement {kind} {v.text}, i64 {i}") for v in values]
            y = self._call(address, one, arguments)
            result = self.text.let(f"insertelement {kind} {result}, {one} {y}, i64 {i}")
        return Value(result, dtype)

    def _call(self, address: int, kind: str, arguments: list[str]) -> str:
        given = ", ".join(f"{kind} {a}" for a in arguments)
        return self.text.let(f"call {kind} inttoptr (i64 {address} to ptr)({given}) nounwind willreturn memory(none)")


def _literal(number: Any, dtype: str) -> str:
    if dtype == "float64":
        return f"0x{struct.pack('>d', float(number)).hex().upper()}"
    if dtype == "float32":
        (rounded,) = struct.unpack("f", struct.pack("f", _in_single(float(number))))
        return f"0x{struct.pack('>d', rounded).hex().upper()}"
    if dtype == "bool":
        return "true" if number else "false"
    bits = {"int64": 64, "int32": 32, "int8": 8}[dtype]
    whole = int(number)
    if not -(1 << bits - 1) <= whole < 1 << bits - 1:
        raise OverflowError(f"{number} does not fit {dtype}")
    return str(whole)


def _in_single(number: float) -> float:
    """A number that `struct` can pack: too large a one is infinite."""
    try:
        struct.pack("f", number)
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")
    return number
