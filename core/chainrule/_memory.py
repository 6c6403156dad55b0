"""The memory of a plan: which values share the arrays of a workspace that it keeps from call to call.

A value has a place there if its backend can compute it into an array that is given, and if nobody sees that array but
operations that neither keep nor give back what they are handed. Values that are never needed at the same time share
memory, of whatever shapes they are; an elementwise result takes the place of an input that is not needed any more, and
an array with some elements changed that of the array as it was.
"""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from chainrule._backend import Backend
from chainrule._dim import has_dim
from chainrule._dtypes import DType
from chainrule._errors import MissingKernelError
from chainrule._graph import Instruction
from chainrule._layouts import Order, layouts
from chainrule._program import Program
from chainrule._settings import strict_math
from chainrule._symbol import Symbol
from chainrule.regions import FUSED

# Operations whose results are new arrays on every backend, and which keep no input. Others may give back an input, or a
# view of one.
NEW: Final = frozenset(
    {
        *("add", "subtract", "multiply", "divide", "pow", "negative", "square", "sqrt", "exp", "log", "sin", "cos"),
        *("tanh", "sigmoid", "relu", "maximum", "minimum", "where", "matmul", "sum", "mean", "softmax", "log_softmax"),
        *("sparse_softmax_cross_entropy", "softmax_cross_entropy", "scatter_add", "scatter_add_rows"),
        *("scatter_add_along_axis", "take_along_axis", "add_at", "set_at", "fused", "full"),
        *("add_product", "nn.conv", "nn.conv_transpose", "nn.conv_weight_gradient", "nn.max_pool"),
        "nn.max_pool_spread",
    }
)
# Operations whose result may be a view of their first input and of nothing else.
VIEWS: Final = frozenset(
    {
        *("reshape", "permute_dims", "matrix_transpose", "broadcast_to", "getitem", "flip", "real", "imag", "sum_to"),
        *("identity", "stop_gradient", "prevent_gradient"),
    }
)


@dataclass(frozen=True)
class Memory:
    """Places in a workspace.

    Attributes:
        slots: how many bytes each stretch of memory has.
        arrays: the arrays in it: the slot, shape and dtype of each, and the order of its axes if it is another.
        places: which array a value is computed into.
        peak: the bytes that are alive at once at most: values on the way, in the workspace or not, and results; not
            what comes in.
    """

    slots: tuple[int, ...] = ()
    arrays: tuple[tuple[int, tuple[int, ...], DType, Order | None], ...] = ()
    places: Mapping[Symbol, int] = field(default_factory=dict)
    peak: int = 0

    def workspace(self, backend: Backend) -> Sequence[Any]:
        """The arrays, of memory of their own."""
        views = [(slot, shape, backend.native(dtype), order) for slot, shape, dtype, order in self.arrays]
        assert backend.workspace is not None
        return backend.workspace(self.slots, views)


def planned(program: Program, body: Sequence[Instruction], backend: Backend) -> Memory:
    """The memory of a program's instructions, which run in this order."""
    last = _last_uses(program, body)
    hidden = _hidden(program, body, backend)
    slots: list[int] = []
    free: list[int] = []
    arrays: dict[tuple[int, tuple[int, ...], DType, Order | None], int] = {}
    orders = layouts(program, body)
    places: dict[Symbol, int] = {}
    held: dict[Symbol, int] = {}  # the slots in use
    viewed = {i.inputs[0] for i in body if i.op.name in VIEWS}
    owned = {y: 0 if _is_view(i) else _bytes(y) for i in body for y in i.outputs}
    alive = peak = 0
    dying: dict[int, list[Symbol]] = {}
    for symbol, i in last.items():
        dying.setdefault(i, []).append(symbol)
    for i, instruction in enumerate(body):
        taken = (
            {} if hidden.isdisjoint(instruction.outputs) else _taken_over(instruction, hidden, held, last, i, viewed)
        )
        alive -= sum(owned.pop(x) for x in taken.values())
        place = {y: held.pop(x) for y, x in taken.items()}
        for y in instruction.outputs:
            if y in hidden:
                slot = held[y] = place[y] if y in place else _slot(_bytes(y), slots, free)
                places[y] = arrays.setdefault((slot, tuple(y.shape or ()), y.dtype, orders.get(y)), len(arrays))
            alive += owned[y]
        peak = max(peak, alive)
        for symbol in dying.get(i, ()):
            alive -= owned.get(symbol, 0)
            if symbol in held:
                free.append(held.pop(symbol))
    return Memory(tuple(slots), tuple(arrays), places, peak)


def _bytes(y: Symbol) -> int:
    """The bytes of a value, 0 where its size is not known."""
    return 0 if y.shape is None or has_dim(y.shape) else math.prod(y.shape) * y.dtype.itemsize


def _is_view(instruction: Instruction) -> bool:
    """Whether a result is most likely other readings of its input's memory."""
    name = instruction.op.name
    return name in VIEWS and (name != "sum_to" or instruction.inputs[0].shape == instruction.outputs[0].shape)


def _slot(size: int, slots: list[int], free: list[int]) -> int:
    """A free slot that is large enough, or is made so, or a new one."""
    fitting = [slot for slot in free if slots[slot] >= size]
    if fitting or free:
        slot = min(fitting, key=slots.__getitem__) if fitting else max(free, key=slots.__getitem__)
        free.remove(slot)
        slots[slot] = max(slots[slot], size)
        return slot
    slots.append(size)
    return len(slots) - 1


def _taken_over(
    instruction: Instruction,
    hidden: Container[Symbol],
    held: Mapping[Symbol, int],
    last: Mapping[Symbol, int],
    i: int,
    viewed: Container[Any],
) -> Mapping[Symbol, Symbol]:
    """The inputs whose places results take, by result."""
    name, inputs = instruction.op.name, instruction.inputs
    if instruction.op is FUSED:
        return _taken_by_region(instruction, hidden, {x for x in held if last[x] == i and x not in viewed})
    if name in ("add_at", "set_at"):
        if len(inputs) > 2 and (inputs[0] in viewed or inputs[0] in inputs[1:]):  # read while it is changed
            return {}
        inputs = inputs[:1]
    elif not instruction.op.elementwise or len(instruction.outputs) != 1:
        return {}
    elif len(inputs) > 1:  # of which one may be a view of another, with each element in another place
        inputs = tuple([x for x in inputs if x not in viewed])
    (y,) = instruction.outputs
    for x in inputs:
        if type(x) is Symbol and x in held and last[x] == i and x.shape == y.shape and x.dtype == y.dtype:
            return {y: x}
    return {}


def _taken_by_region(
    instruction: Instruction, hidden: Container[Symbol], dying: set[Symbol]
) -> Mapping[Symbol, Symbol]:
    """The same for a region, of inputs that nobody needs any more and nobody views."""
    region, taken = instruction.attributes["region"], {}
    for y, result in zip(instruction.outputs, region.program.outputs, strict=True):
        for x, given in zip(instruction.inputs, region.program.inputs, strict=True):
            if y in hidden and x in dying and region.may_replace(result, given):
                taken[y] = x
                dying.discard(x)
                break
    return taken


def _last_uses(program: Program, body: Sequence[Instruction]) -> dict[Symbol, int]:
    """The place of the instruction after which nobody needs a value, nor a view of it; results are needed for good."""
    last: dict[Symbol, int] = {y: i for i, instruction in enumerate(body) for y in instruction.outputs}
    for i, instruction in enumerate(body):
        last.update({x: i for x in instruction.inputs if type(x) is Symbol and x in last})
    last.update({y: len(body) for y in program.outputs if type(y) is Symbol and y in last})
    for instruction in reversed(body):
        if instruction.op.name in VIEWS and instruction.inputs[0] in last:
            x = instruction.inputs[0]
            last[x] = max(last[x], last[instruction.outputs[0]])
    return last


def _hidden(program: Program, body: Sequence[Instruction], backend: Backend) -> set[Symbol]:
    """The values that can be computed into a workspace: nobody outside of the plan gets to see them.

    None under strict math: the order of a sum's terms, say, goes by how arrays lie in memory, as kernels make them.
    """
    if strict_math() or backend.workspace is None:
        return set()
    seen = exposed(program, body, backend)
    able = [i for i in body if i.op is FUSED or backend.into(i) is not None or _writes(i, backend)]
    return {y for i in able for y in i.outputs if y not in seen and y.shape and _bytes(y)}


def _writes(instruction: Instruction, backend: Backend) -> bool:
    """Whether the kernel, a plugin's, says by an attribute that it takes `out=`."""
    try:
        return bool(getattr(instruction.op.kernels[backend], "writes", False))
    except MissingKernelError:  # it is built, or made of others
        return False


def exposed(program: Program, body: Sequence[Instruction], backend: Backend) -> set[Symbol]:
    """The values whose arrays are seen from outside: results, what unknown kernels are handed, and what these view."""
    seen = {y for y in program.outputs if type(y) is Symbol}
    for instruction in reversed(body):
        name = instruction.op.name
        if name in VIEWS:
            if instruction.outputs[0] in seen:
                seen.update(x for x in instruction.inputs if type(x) is Symbol)
        elif name not in NEW and backend.into(instruction) is None:
            seen.update(x for x in instruction.inputs if type(x) is Symbol)
    return seen
