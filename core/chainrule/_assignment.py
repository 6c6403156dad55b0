"""`x[index] = value`: the tensor takes the result of `set_at` in its own place.

Values never change. What changes is which value an object of Python stands for, as a name does that is assigned to. So
whatever was computed from it before keeps the old value: nodes hold tensors and raw values of their own, and the old
symbol of a graph gets a tensor of its own. And what comes from outside, which somebody else may hold, is refused.
"""

from __future__ import annotations

from typing import Any, Final

from chainrule import ops
from chainrule._context import current
from chainrule._errors import TrackedValueError
from chainrule._graph_ops import ARGUMENT, CONSTANT, PLACEHOLDER, READ
from chainrule._node import KEPT, Source
from chainrule._symbol import Symbol
from chainrule._tensor import Tensor

_COMES_IN: Final = (ARGUMENT, CONSTANT, PLACEHOLDER, READ)


def assign(x: Tensor, index: Any, value: Any) -> None:
    """Make `x` what it is with the elements at an index replaced; see `Tensor.__setitem__`."""
    what = _refused(x)
    if what:
        raise TrackedValueError(
            f"x[i] = v: this tensor of shape {x.shape} is {what}, and assigning to it would change what others hold; "
            "assign to a copy, x = x.copy(), or write `x = cr.set_at(x, i, v)`, or `x = cr.add_at(x, i, v)` for "
            "`x[i] += v`"
        )
    new = ops.set_at(x, index, value)
    old = x._value
    if type(old) is Symbol and old.tensor is x:
        old.tensor = Tensor(old, x._backend, x._node, x._index)
    x._value = new._value
    x._backend = new._backend
    x._node = new._node
    x._index = new._index


def _refused(x: Tensor) -> str:
    """What keeps a tensor from being assigned to: what it is; nothing if it was made here."""
    origin = x._node
    if isinstance(origin, Source):
        return "an argument, a watched tensor or a variable's value"
    if origin is KEPT:
        return "a variable's value (see Variable.assign)"
    context = current()
    if type(x._value) is Symbol:
        node = x._value.node
        if node.op in _COMES_IN:
            return "an input of the graph that is being built"
        return "" if node.graph is context.graph else "of a graph around the one that is being built"
    if context.recording or context.graph is not None:
        return "" if origin is not None else "a constant from outside of what is being differentiated or built"
    return "what was recorded for a gradient, where nothing records now" if origin is not None and origin.live else ""
