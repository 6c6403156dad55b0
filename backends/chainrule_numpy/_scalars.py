"""Regions of single numbers as plain Python: floats and `math`, many times cheaper than NumPy's scalars.

Python raises where NumPy gives infinity or NaN; the region is then computed again by NumPy's kernels.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from chainrule import Instruction, Symbol, bool_, float64
from chainrule.regions import Region

_DEEPEST: Final = 12  # operations in an expression
_KINDS: Final = frozenset({float64, bool_, float, int})  # of single numbers, symbols' and Python's
_new_number = itertools.count(1).__next__

# Each stands for what NumPy computes of the same float64 numbers, or raises. `{0}` may be written twice: it is a name.
_INFIX: Final[Mapping[str, str]] = {
    "add": "({0} + {1})",
    "subtract": "({0} - {1})",
    "multiply": "({0} * {1})",
    "divide": "({0} / {1})",
    "negative": "(-{0})",
    "reciprocal": "(1.0 / {0})",
    "abs": "abs({0})",
    "identity": "{0}",
    "stop_gradient": "{0}",
    "broadcast_to": "{0}",
    "less": "({0} < {1})",
    "less_equal": "({0} <= {1})",
    "greater": "({0} > {1})",
    "greater_equal": "({0} >= {1})",
    "equal": "({0} == {1})",
    "not_equal": "({0} != {1})",
    "logical_not": "(not {0})",
    "where": "({1} if {0} else {2})",
}
_TWICE: Final[Mapping[str, str]] = {
    "square": "({0} * {0})",
    "multiply_zero_wins": "(0.0 if {0} == 0.0 else {0} * {1})",
    "relu": "(0.0 if {0} < 0.0 else {0})",
    "maximum": "({0} if {0} >= {1} or {0} != {0} else {1})",
    "minimum": "({0} if {0} <= {1} or {0} != {0} else {1})",
    "isnan": "({0} != {0})",
}
_FUNCTIONS: Final[Mapping[str, Callable[..., float]]] = {
    **{
        name: getattr(math, name) for name in ("exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "erf")
    },
    **{name: getattr(math, name) for name in ("expm1", "log1p", "log2", "log10", "hypot", "atan2", "erfc", "pow")},
    **{name: getattr(math, name) for name in ("asin", "acos", "atan", "asinh", "acosh", "atanh")},
}


def takes(instruction: Instruction) -> bool:
    """Whether an instruction on single numbers can be part of a region."""
    name = instruction.op.name
    if name not in _INFIX and name not in _TWICE and name not in _FUNCTIONS:
        return False
    values = (*instruction.inputs, *instruction.outputs)
    return _KINDS.issuperset([x.dtype if type(x) is Symbol and not x.shape else type(x) for x in values])


class Scalars:
    """A region as a kernel.

    Attributes:
        source: the Python code.
    """

    def __init__(self, region: Region, one_by_one: Callable[..., tuple[Any, ...]]) -> None:
        """Write and compile it.

        Args:
            region: the region.
            one_by_one: what computes it where Python raises.
        """
        self.source = _source(region)
        names: dict[str, Any] = {**_FUNCTIONS, "inf": math.inf, "nan": math.nan, "one_by_one": one_by_one}
        names |= {"float64": np.float64, "bool_": np.bool_}
        exec(compile(self.source, f"<chainrule region {_new_number()}>", "exec"), names)
        self.kernel: Callable[..., tuple[Any, ...]] = names["region"]


def _source(region: Region) -> str:
    program = region.program
    arguments = [f"a{k}" for k in range(len(program.inputs))]
    lines = [f"def region({', '.join(arguments)}{', ' * bool(arguments)}out=()):", "    try:"]
    text: dict[Symbol, str] = {}
    depth: dict[Symbol, int] = {}
    for x, name in zip(program.inputs, arguments, strict=True):
        number = text[x] = f"x{name[1:]}"
        depth[x] = 0
        lines.append(f"        {number} = {'float' if x.dtype == 'float64' else 'bool'}({name})")
    uses: dict[Symbol, int] = {}
    for x in (*(x for step in program.instructions for x in step.inputs), *program.outputs):
        if type(x) is Symbol:
            uses[x] = uses.get(x, 0) + 1
    kept = set(program.outputs)
    for n, step in enumerate(program.instructions):
        (y,) = step.outputs
        again = step.op.name in _TWICE
        for x in step.inputs:
            if again and type(x) is Symbol and depth[x]:
                lines.append(f"        t{len(lines)} = {text[x]}")
                text[x], depth[x] = f"t{len(lines) - 1}", 0
        expression = _expression(step, text)
        deep = 1 + max((depth[x] for x in step.inputs if type(x) is Symbol), default=0)
        if uses.get(y, 0) == 1 and deep < _DEEPEST and y not in kept:
            text[y], depth[y] = expression, deep
        else:
            lines.append(f"        v{n} = {expression}")
            text[y], depth[y] = f"v{n}", 0
    results = [f"{'float64' if y.dtype == 'float64' else 'bool_'}({text[y]})" for y in program.outputs]
    lines += [
        f"        return ({''.join(f'{y}, ' for y in results)})",
        "    except (ArithmeticError, ValueError):",
        f"        return one_by_one({', '.join(arguments)})",
    ]
    return "\n".join(lines) + "\n"


def _expression(step: Instruction, text: Mapping[Symbol, str]) -> str:
    name = step.op.name
    operands = [text[x] if type(x) is Symbol else repr(float(x)) for x in step.inputs]
    if (
        name == "pow"
        and step.inputs[1] in (2, 2.0)
        and type(step.inputs[1]) is not Symbol
        and operands[0].isidentifier()
    ):
        return f"({operands[0]} * {operands[0]})"
    template = _INFIX.get(name) or _TWICE.get(name)
    return template.format(*operands) if template else f"{name}({', '.join(operands)})"
