"""Mixed dtypes and Python numbers, where the standard leaves open what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from chainrule import PYTHON_NUMBERS, DType, Kernel, Op, Spec, bool_, infer, int64, uint8
from chainrule_array_api._indexing import device_of

# Operations that do not broadcast, but whose inputs become one dtype.
_JOINING: Final = frozenset({"concat", "searchsorted", "softmax_cross_entropy", "stack", "tensordot"})

# What the standard has for numbers alone and is the same for booleans taken as 0 and 1.
_NUMERIC: Final = frozenset(
    {
        *("abs", "add", "argmax", "argmin", "argsort", "ceil", "clip", "floor", "greater", "greater_equal", "isfinite"),
        *("isinf", "isnan", "less", "less_equal", "max", "maximum", "min", "minimum", "multiply", "multiply_zero_wins"),
        *("relu", "searchsorted", "sort", "square", "trunc"),
    }
)

# Of booleans they say whether any pair is true, which is counted.
_PRODUCTS: Final = frozenset({"einsum", "matmul", "tensordot"})

# What the standard has for booleans alone; numbers are true where they are not 0.
_LOGICAL: Final = frozenset({"logical_and", "logical_not", "logical_or", "logical_xor"})


class Promotion:
    """Puts around a generic kernel the casts that make it compute in the dtype of the operation's rule."""

    def __init__(self, xp: Any, dtypes: Mapping[DType, Any]) -> None:
        self.xp = xp
        self.natives = dtypes
        self.names = {native: dtype for dtype, native in dtypes.items()}
        self.inexact = frozenset(native for dtype, native in dtypes.items() if dtype.is_inexact)

    def __call__(self, op: Op, kernel: Kernel) -> Kernel:
        """The kernel with its casts; as it is if it takes inputs of different roles to the host."""
        if getattr(op.kernel, "on_host", False) and not op.broadcasts:
            return kernel
        logical = op.name in _LOGICAL

        def promoting(*arrays: Any, **attributes: Any) -> Any:
            first = getattr(arrays[0], "dtype", None) if arrays else None
            if not logical and first in self.inexact and all(getattr(x, "dtype", None) == first for x in arrays):
                return kernel(*arrays, **attributes)  # nothing to promote
            return self.run(op, kernel, arrays, attributes)

        return promoting

    def run(self, op: Op, kernel: Kernel, arrays: tuple[Any, ...], attributes: Mapping[str, Any]) -> Any:
        """The kernel's result for inputs of any dtypes."""
        specs = [self.spec(x) for x in arrays]
        given = dict(attributes)
        if given.get("dtype") is not None:
            given["dtype"] = self.names[given["dtype"]]
        out = op.infer(*specs, **given)
        if not isinstance(out, Spec):
            return kernel(*arrays, **attributes)
        apart = _apart(op)
        dtype = _computed_in(op, [s for i, s in enumerate(specs) if s is not None and i not in apart], out.dtype)
        if dtype is not None:
            device = next(device_of(x) for x in arrays if hasattr(x, "dtype"))
            arrays = tuple(x if x is None or i in apart else self.cast(x, dtype, device) for i, x in enumerate(arrays))
        result = kernel(*arrays, **attributes)
        return self.cast(result, out.dtype, None)

    def spec(self, x: Any) -> Any:
        """What shape rules take for an input."""
        if x is None:
            return None
        return infer.scalar_spec(x) if type(x) in PYTHON_NUMBERS else Spec(x.shape, self.names[x.dtype])

    def cast(self, x: Any, dtype: DType, device: Any) -> Any:
        """An array in another dtype; a Python number as an array on a device."""
        native = self.natives[dtype]
        if type(x) in PYTHON_NUMBERS:
            return self.xp.asarray(x, dtype=native, device=device)
        return x if x.dtype == native else self.xp.astype(x, native)


def _computed_in(op: Op, specs: list[Spec], out: DType) -> DType | None:
    """The dtype that an operation's inputs are cast to; None if they have different roles and stay what they are."""
    if op.name in _LOGICAL:
        return bool_
    if op.broadcasts or op.name in _JOINING:
        dtype = infer.result_dtype(*specs)
    elif len(specs) == 1:
        dtype = specs[0].dtype
    else:
        return None
    if out.is_inexact and not dtype.is_inexact:
        return out
    if dtype is bool_:
        if op.name in _PRODUCTS:
            return int64
        return out if out.kind in ("int", "uint") else uint8 if op.name in _NUMERIC else bool_
    return dtype


def _apart(op: Op) -> frozenset[int]:
    """The inputs that never have a gradient where others have one: a condition, indices, class numbers.

    They are not numbers to compute with, and not promoted.
    """
    functions = op.definition.functions if op.definition is not None else ()
    return frozenset(i for i, function in enumerate(functions) if function is None)
