"""`ElementwiseNode`: the node of an elementwise operation, one object where others are several.

Most nodes are such. The collector of cycles visits every object that can hold others, again and again while a graph
grows: its passes over a graph of tuples, tensors and nodes would cost as much as recording it. So these nodes keep the
raw values of their inputs and the nodes they come from, and make tensors of them when somebody asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from chainrule._dtypes import PYTHON_NUMBERS
from chainrule._node import NO_ATTRIBUTES, Cut, Node
from chainrule._tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainrule._backend import Backend


class ElementwiseNode(Node):
    """A node of one or two inputs, each the only output of its node, without attributes.

    Attributes:
        a: the first input, a raw value or a Python number; its shape and dtype if its gradient does not read it.
        b: the second one; None if there is none.
        from_a: what the first input comes from.
        from_b: what the second one comes from.
        backend: whose values they are.
    """

    __slots__ = ("a", "b", "backend", "from_a", "from_b")

    a: Any
    b: Any
    from_a: Node | Cut | None
    from_b: Node | Cut | None
    backend: Backend
    attributes: ClassVar[Mapping[str, Any]] = NO_ATTRIBUTES  # type: ignore[misc]  # what all of them have

    @property
    def inputs(self) -> tuple[Any, ...]:  # type: ignore[override]  # made when asked for
        """What the operation was called with."""
        backend = self.backend
        a = self.a
        if type(a) not in PYTHON_NUMBERS:
            a = Tensor(a, backend, self.from_a)
        if self.op.n_inputs == 1:
            return (a,)
        b = self.b
        if type(b) not in PYTHON_NUMBERS:
            b = Tensor(b, backend, self.from_b)
        return a, b
