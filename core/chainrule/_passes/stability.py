"""Put in place of a formula that loses digits, or all of them, an operation that is exact where it does.

`log(softmax(x))`, `log(sum(exp(x)))`, `log(1 + x)` and `exp(x) - 1`. Where the formula is right, so is the operation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from chainrule._backend import Backend
from chainrule._graph import Instruction
from chainrule._passes._coefficients import like
from chainrule._passes._rewrite import Found, Producers, instead, rewrite
from chainrule._passes._splats import is_all
from chainrule._program import Program


def stability(program: Program, backend: Backend) -> Program:
    """The program with stable operations in place of unstable formulas."""
    if not any(instruction.op.name in _RULES for instruction in program.instructions):
        return program
    return rewrite(program, _stable, backend)


def _stable(instruction: Instruction, producers: Producers) -> Found:
    rule = _RULES.get(instruction.op.name)
    return None if rule is None else rule(instruction, producers)


def _log(instruction: Instruction, producers: Producers) -> Found:
    (x,), (y,) = instruction.inputs, instruction.outputs
    maker = producers.get(x)
    if maker is None or y.dtype.kind != "float" or x.dtype != y.dtype:
        return None
    if maker.op.name == "softmax":
        return _made("log_softmax", maker.inputs, maker.attributes, instruction, producers)
    if maker.op.name == "add":
        a, b = maker.inputs
        for one, other in ((a, b), (b, a)):
            if is_all(one, 1, producers) and like(other, y):
                return _made("log1p", (other,), {}, instruction, producers)
    exponential = producers.made(maker.inputs[0], "exp") if maker.op.name == "sum" else None
    if exponential is not None and exponential.inputs[0].dtype == y.dtype and maker.attributes["dtype"] is None:
        attributes = {name: value for name, value in maker.attributes.items() if name != "dtype"}
        return _made("logsumexp", exponential.inputs, attributes, instruction, producers)
    return None


def _subtract(instruction: Instruction, producers: Producers) -> Found:
    a, b = instruction.inputs
    (y,) = instruction.outputs
    exponential = producers.made(a, "exp")
    if exponential is None or y.dtype.kind != "float" or not is_all(b, 1, producers) or not like(a, y):
        return None
    x = exponential.inputs[0]
    return _made("expm1", (x,), {}, instruction, producers) if like(x, y) else None


def _made(
    name: str, inputs: Any, attributes: Mapping[str, Any], instruction: Instruction, producers: Producers
) -> Found:
    op = producers.op(name)
    return None if op is None else instead(op, inputs, instruction, **attributes)


_RULES: Final[Mapping[str, Callable[[Instruction, Producers], Found]]] = {"log": _log, "subtract": _subtract}
