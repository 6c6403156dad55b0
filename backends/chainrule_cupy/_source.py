"""The CUDA sources of regions' kernels: text, of which CuPy makes and keeps the compiled kernel.

All names come from numbers, and the name of a kernel from its text: processes that make the same kernel find the same
one in CuPy's cache of files.
"""

from __future__ import annotations

import hashlib
import threading
import warnings
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from chainrule import DTYPES, DType, Instruction, Symbol
from chainrule_cupy import _expressions
from chainrule_cupy._expressions import COMPUTED, PREAMBLE, STORED, Value, cast, expression, literal, loaded

_JOINED: Final = {
    "sum": "{0} + {1}",
    "max": "({0} != {0} || {0} > {1}) ? {0} : {1}",  # NaN stays
    "min": "({0} != {0} || {0} < {1}) ? {0} : {1}",
}
_kernels: dict[str, Any] = {}
_lock = threading.Lock()


def sources() -> list[str]:
    """The CUDA sources, without CuPy's headers, that were compiled for regions in this process: for tests."""
    with _lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a kernel was not called yet
        return [source for kernel in _kernels.values() for source in kernel.cached_codes.values()]


def _kernel(text: str, make: Callable[[str], Any]) -> Any:
    """The kernel of a text, made under a name of its own if there is none yet."""
    with _lock:
        if text not in _kernels:
            _kernels[text] = make(f"chainrule_region_{hashlib.sha256(text.encode()).hexdigest()[:8]}")
        return _kernels[text]


class Body:
    """Statements that compute some values of a region from others.

    Attributes:
        inputs: what comes in, in the order of the parameters `x0`, `x1`, ...
        lines: the statements.
    """

    def __init__(self, instructions: Sequence[Instruction], wanted: Iterable[Any], given: Collection[Symbol]) -> None:
        """Write them.

        Args:
            instructions: those of the region, in order.
            wanted: the values to compute.
            given: values that come in, beside those that no instruction makes.
        """
        needed = dict.fromkeys(x for x in wanted if type(x) is Symbol)
        steps: list[Instruction] = []
        for step in reversed(instructions):
            (y,) = step.outputs
            if y in needed and y not in given:
                steps.append(step)
                needed.update(dict.fromkeys(x for x in step.inputs if type(x) is Symbol))
        made = {step.outputs[0] for step in steps}
        self.inputs = [x for x in needed if x not in made]
        self.lines: list[str] = []
        self._values: dict[Symbol, Value] = {}
        for i, x in enumerate(self.inputs):
            self._let(x, loaded(f"x{i}", x.dtype))
        for step in reversed(steps):
            self._let(step.outputs[0], expression(step, [self.value(x) for x in step.inputs]).text)

    def value(self, x: Any) -> Any:
        """What stands for a value: a name, or a Python number."""
        return self._values[x] if type(x) is Symbol else x

    def _let(self, x: Symbol, text: str) -> None:
        name = f"v{len(self._values)}"
        self.lines.append(f"const {COMPUTED[str(x.dtype)]} {name} = {text};")
        self._values[x] = Value(name, x.dtype)


def _parameters(letter: str, dtypes: Iterable[DType]) -> str:
    """Parameters as CuPy takes them."""
    return ", ".join(f"{dtype} {letter}{i}" for i, dtype in enumerate(dtypes))


def elementwise(cupy: Any, body: Body, results: Sequence[Symbol]) -> Any:
    """The `ElementwiseKernel` that computes some values."""
    ins = _parameters("x", (x.dtype for x in body.inputs))
    outs = _parameters("y", (y.dtype for y in results))
    stores = [f"y{i} = static_cast<{STORED[str(y.dtype)]}>({body.value(y).text});" for i, y in enumerate(results)]
    return _elementwise(cupy, ins, outs, "\n".join([*body.lines, *stores]))


def single(cupy: Any, name: str, dtype: DType, n: int) -> Any:
    """The `ElementwiseKernel` of an operation of `n` arrays of a dtype, with a result of that."""
    operation = f"y0 = static_cast<{STORED[str(dtype)]}>({_expressions.single(name, dtype, n)});"
    return _elementwise(cupy, _parameters("x", [dtype] * n), _parameters("y", [dtype]), operation)


def _elementwise(cupy: Any, ins: str, outs: str, operation: str) -> Any:
    preamble = _headers(operation) + PREAMBLE

    def make(name: str) -> Any:
        return cupy.ElementwiseKernel(ins, outs, operation, name, preamble=preamble, return_tuple=True)

    return _kernel(f"{ins} -> {outs}\n{operation}", make)


def _headers(text: str) -> str:
    """What a text needs of CuPy's headers that CuPy brings for parameters alone."""
    return "#include <cupy/float16.cuh>\n" if "float16" in text else ""


@dataclass(frozen=True)
class Total:
    """A reduction.

    Attributes:
        result: the value it gives.
        source: the value that it reduces.
        how: "sum", "max" or "min".
        count: what a sum is divided by at the end.
    """

    result: Symbol
    source: Symbol
    how: str
    count: int

    @property
    def held(self) -> DType:
        """The dtype that it is added up in."""
        return DTYPES["float32"] if self.result.dtype == "float16" else self.result.dtype

    def start(self) -> str:
        """What there is before the first element."""
        if self.how == "sum":
            return literal(0, self.held)
        if self.held.kind == "float":
            return literal(float("-inf" if self.how == "max" else "inf"), self.held)
        if self.held.kind == "bool":
            return literal(self.how == "min", self.held)
        limits = np.iinfo(str(self.held))
        return literal(int(limits.min if self.how == "max" else limits.max), self.held)

    def finished(self, text: str) -> str:
        """The result, given what was added up."""
        if self.count != 1:
            text = f"{text} / {literal(float(self.count), self.held)}"
        return f"static_cast<{STORED[str(self.result.dtype)]}>({text})"


def reduction(cupy: Any, body: Body, totals: Sequence[Total], partly: bool) -> Any:
    """The `ReductionKernel` that computes some values and reduces them.

    Args:
        cupy: the module.
        body: what computes them.
        totals: the reductions, along the same axes.
        partly: whether `join` is to finish them.
    """
    values = [cast(body.value(total.source), total.held) for total in totals]
    return _reduction(cupy, [x.dtype for x in body.inputs], body.lines, values, totals, partly)


def join(cupy: Any, totals: Sequence[Total]) -> Any:
    """The `ReductionKernel` that finishes reductions of parts."""
    values = [f"x{i}" for i in range(len(totals))]
    return _reduction(cupy, [total.held for total in totals], [], values, totals, False)


def _reduction(
    cupy: Any,
    dtypes: Sequence[DType],
    lines: Sequence[str],
    values: Sequence[str],
    totals: Sequence[Total],
    partly: bool,
) -> Any:
    ins = _parameters("x", dtypes)
    outs = _parameters("y", (total.held if partly else total.result.dtype for total in totals))
    arguments = ", ".join(f"{STORED[str(dtype)]} x{i}" for i, dtype in enumerate(dtypes))
    members = "\n".join(f"  {STORED[str(total.held)]} s{i};" for i, total in enumerate(totals))
    starts = ", ".join(f"s{i}({total.start()})" for i, total in enumerate(totals))
    computed = "\n".join([*lines, *(f"all.s{i} = {value};" for i, value in enumerate(values))])
    joined = "\n".join(
        f"  a.s{i} = {_JOINED[total.how].format(f'a.s{i}', f'b.s{i}')};" for i, total in enumerate(totals)
    )
    post = ", ".join(f"y{i} = {f'a.s{i}' if partly else total.finished(f'a.s{i}')}" for i, total in enumerate(totals))
    preamble = f"""{_headers(computed)}{PREAMBLE}
struct chainrule_totals {{
{members}
  __device__ chainrule_totals() : {starts} {{}}
}};
__device__ chainrule_totals chainrule_computed({arguments}) {{
chainrule_totals all;
{computed}
return all;
}}
__device__ chainrule_totals chainrule_joined(chainrule_totals a, chainrule_totals b) {{
{joined}
  return a;
}}
"""
    call = f"chainrule_computed({', '.join(f'x{i}' for i in range(len(dtypes)))})"

    def make(name: str) -> Any:
        return cupy.ReductionKernel(
            *(ins, outs, call, "chainrule_joined(a, b)", post, "chainrule_totals()", name),
            reduce_type="chainrule_totals",
            preamble=preamble,
        )

    return _kernel(f"{ins} -> {outs}\n{preamble}{post}", make)
