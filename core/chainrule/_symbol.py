"""`Symbol`: what a symbolic tensor holds in place of an array."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from chainrule._dtypes import DType
from chainrule._errors import SymbolicValueError
from chainrule.infer import Shape, Spec

if TYPE_CHECKING:
    from chainrule._graph import GraphNode
    from chainrule._tensor import Tensor


class Symbol:
    """One output of a node of a graph: a shape and a dtype, and no value.

    Attributes:
        shape: lengths, a `Dim` where one is not known; None if not even the rank is.
        dtype: the dtype.
        weak: whether it stands for a Python number, which takes its neighbour's dtype.
        node: the node it comes out of.
        index: which of the node's outputs it is.
        tensor: the tensor that holds it; there is one, so that a value has one place in gradients.
    """

    __slots__ = ("dtype", "index", "node", "shape", "tensor", "weak")

    tensor: Tensor

    def __init__(self, shape: Shape, dtype: DType, node: GraphNode, index: int = 0, weak: bool = False) -> None:
        self.shape = shape
        self.dtype = dtype
        self.node = node
        self.index = index
        self.weak = weak

    def copied(self) -> Symbol:
        """Another symbol of the same kind: a value of its own in a program."""
        return Symbol(self.shape, self.dtype, self.node, self.index, self.weak)

    @property
    def spec(self) -> Spec:
        """Its shape and dtype, as shape rules take them."""
        return Spec(self.shape, self.dtype, self.weak)

    @property
    def name(self) -> str:
        """The node's name, with the output's number."""
        return f"{self.node.name}:{self.index}"

    def refuse(self, what: str, instead: str) -> NoReturn:
        """Raise the error of a value that is asked for and is not there."""
        raise SymbolicValueError(
            f"{what} of symbolic tensor {self.name!r} ({self.spec!r}), made at {self.node.site}: it has no value while "
            f"{self.node.graph.what} is being built. {instead}"
        )

    def __repr__(self) -> str:
        return f"<Symbol {self.name} {self.spec!r}>"


def refuse_value(symbol: Symbol) -> NoReturn:
    """What stands where a backend would copy an array to the host."""
    symbol.refuse(
        "The value",
        "Run it (session.run(x)), return it from the compiled function, or show it with cr.print(x) or cr.callback",
    )
