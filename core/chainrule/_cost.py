"""What an instruction costs: arithmetic, and memory that is read and written."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from chainrule._dim import has_dim
from chainrule._graph import Instruction
from chainrule._graph_ops import CONSTANT, FULL
from chainrule._program import Program, subprograms
from chainrule._symbol import Symbol


@dataclass(frozen=True)
class Cost:
    """What one run of an instruction or a program costs.

    Attributes:
        flops: operations on numbers, each counted as one, whatever it is.
        transcendentals: those among them that are `exp`, `log`, `tanh` and the like, which cost many times as much.
        bytes: of the arrays that are read and written.
        known: whether that is all; not where sizes are not known yet, or the number of a loop's steps.
    """

    flops: int = 0
    transcendentals: int = 0
    bytes: int = 0
    known: bool = True

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.flops + other.flops,
            self.transcendentals + other.transcendentals,
            self.bytes + other.bytes,
            self.known and other.known,
        )

    def __str__(self) -> str:
        text = f"{self.flops:,} flops"
        if self.transcendentals:
            text += f", {self.transcendentals:,} of them transcendental"
        return f"{text}, {self.bytes:,} bytes" + ("" if self.known else ", and what is not known yet")


def cost_of(program: Program) -> Cost:
    """The cost of a program."""
    return sum(map(instruction_cost, program.instructions), Cost())


def instruction_cost(instruction: Instruction) -> Cost:
    """The cost of an instruction. Views, which are other readings of the same memory, cost nothing.

    Of a branch or a loop it is that of one run of each of its programs. Of a region, whose values in between are not
    written to memory, the bytes are those that come in and go out.
    """
    op = instruction.op
    symbols = [x for x in (*dict.fromkeys(instruction.inputs), *instruction.outputs) if type(x) is Symbol]
    if any(x.shape is None or has_dim(x.shape) for x in symbols):
        return Cost(known=False)
    if op is CONSTANT or op is FULL or (op.name in _VIEWS and len(instruction.inputs) == 1):
        return Cost()
    moved = sum(_size(x) * x.dtype.bits // 8 for x in symbols)
    inner = [cost_of(program) for holder in subprograms(instruction.attributes) for program in holder.programs]
    if inner:
        total = sum(inner, Cost())
        if op.name == "fused":
            return Cost(total.flops, total.transcendentals, moved, total.known)
        return Cost(total.flops, total.transcendentals, total.bytes + moved, known=False)
    n = sum(map(_size, instruction.outputs))
    flops = _FLOPS[op.name](instruction) if op.name in _FLOPS else n
    return Cost(flops, _transcendentals(instruction, n), moved)


def _size(x: Any) -> int:
    return math.prod(x.shape) if type(x) is Symbol and x.shape is not None else 1


def _transcendentals(instruction: Instruction, n: int) -> int:
    name = instruction.op.name
    if name in _OF_INPUTS:
        return _size(instruction.inputs[0])
    return n if name in _TRANSCENDENTAL else 0


def _product(instruction: Instruction) -> int:
    """A multiplication and an addition for each element of a row, for each result."""
    (y,), a = instruction.outputs, instruction.inputs[0]
    return 2 * _size(y) * int(a.shape[-1])


def _convolution(y: Symbol, w: Symbol) -> int:
    """A multiplication and an addition for each weight of a filter, for each result; so it is for its gradients."""
    return 2 * _size(y) * _size(w) // max(1, w.shape[-1] if w.shape else 1)


def _times_inputs(times: int) -> Callable[[Instruction], int]:
    return lambda instruction: times * _size(instruction.inputs[0])


_VIEWS: Final = frozenset(
    {
        *("reshape", "broadcast_to", "permute_dims", "matrix_transpose", "getitem", "identity", "stop_gradient"),
        *("prevent_gradient", "real", "imag"),
    }
)
_OF_INPUTS: Final = frozenset(
    {"softmax", "log_softmax", "logsumexp", "softmax_cross_entropy", "sparse_softmax_cross_entropy"}
)
_TRANSCENDENTAL: Final = frozenset(
    {
        *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "pow", "sin", "cos", "tan", "asin", "acos"),
        *("atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "erfc", "erfinv", "lgamma"),
        *("digamma", "sigmoid", "softplus", "logaddexp", "gelu", "silu", "elu"),
    }
)
_FLOPS: Final[Mapping[str, Callable[[Instruction], int]]] = {
    "matmul": _product,
    "nn.conv": lambda i: _convolution(i.outputs[0], i.inputs[1]),
    "nn.conv_transpose": lambda i: _convolution(i.inputs[0], i.inputs[1]),
    "nn.conv_weight_gradient": lambda i: _convolution(i.inputs[1], i.outputs[0]),
    **dict.fromkeys(("sum", "sum_to", "mean", "prod", "max", "min", "all", "any", "argmax"), _times_inputs(1)),
    **dict.fromkeys(("var", "std"), _times_inputs(3)),
    **dict.fromkeys(_OF_INPUTS, _times_inputs(4)),
    **dict.fromkeys(("scatter_add", "scatter_add_rows"), _times_inputs(1)),
}
