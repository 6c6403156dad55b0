"""The recorded graph: nodes, and the marks left where a gradient path ends.

Tensors point at the node that made them and nodes at their input tensors, never the other way, so that a graph has no
reference cycle and is freed with the last tensor that leads to it.
"""

from __future__ import annotations

import itertools
import linecache
import sys
from collections.abc import Mapping
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any, ClassVar, Final
from weakref import ref

if TYPE_CHECKING:
    from chainrule._definition import Definition
    from chainrule._op import Op

new_serial = itertools.count(1).__next__
NO_ATTRIBUTES: Final[Mapping[str, Any]] = {}


class Node:
    """One application of an operation, kept because a gradient may have to pass through it.

    Attributes:
        op: the operation.
        inputs: what it was called with. An input whose value its gradient does not read is kept as shape and dtype.
        attributes: its metadata.
        output: the raw result, or a tuple of them, if the gradient reads it.
        serial: grows with every node, so that falling serials are a topological order.
        definition: how cotangents pass through; `None` for a source, where differentiation starts.
        scope: the name scope it was made in.
    """

    __slots__ = (
        *("__weakref__", "attributes", "code", "definition", "inputs", "lasti", "op", "output", "scope", "serial"),
    )
    live: ClassVar[bool] = True

    op: Op
    inputs: tuple[Any, ...]
    attributes: Mapping[str, Any]
    output: Any
    serial: int
    code: CodeType
    lasti: int
    definition: Definition | None
    scope: str

    @property
    def name(self) -> str:
        """The operation's name inside its name scope, as selectors of overrides see it."""
        return self.scope + self.op.name

    @property
    def site(self) -> Site:
        """Where the user's code made it."""
        return Site(self.code, self.lasti)

    def __repr__(self) -> str:
        return f"<Node {self.serial} {self.name} at {self.site}>"


class Source(Node):
    """A node that gradients are taken at, not one that made something."""

    __slots__ = ()


class Cut:
    """The mark on a tensor that was computed from tracked values, through something no gradient passes.

    It refers to what it cut weakly: explaining a missing gradient must not keep a graph alive.
    """

    __slots__ = ("code", "lasti", "op", "parents", "reason")
    live: ClassVar[bool] = False

    def __init__(self, op: Op, reason: str, inputs: tuple[Any, ...], depth: int) -> None:
        self.op = op
        self.reason = reason
        self.parents = tuple(ref(t._node) for t in inputs if getattr(getattr(t, "_node", None), "live", False))
        frame = outside(sys._getframe(depth))
        self.code = frame.f_code
        self.lasti = frame.f_lasti

    @property
    def site(self) -> Site:
        """Where the user's code cut the path."""
        return Site(self.code, self.lasti)


class _Mark:
    """Says of a tensor that no gradient reaches whether it may be assigned to. As an origin it counts as nothing."""

    __slots__ = ()
    live: ClassVar[bool] = False

    def __bool__(self) -> bool:
        return False


MADE: Final[Any] = _Mark()  # made while something records or a graph is built; None is from outside of that
KEPT: Final[Any] = _Mark()  # a variable holds the tensor itself

outsiders: Final[set[str]] = set()  # files known to hold code outside of chainrule, to look at each once
_MANY: Final = 10_000


def outside(frame: FrameType) -> FrameType:
    """The innermost frame, from this one up, that runs code outside of chainrule."""
    while frame.f_globals.get("__name__", "")[:9] == "chainrule":
        if frame.f_back is None:
            return frame
        frame = frame.f_back
    file = frame.f_code.co_filename
    if file[:1] != "<" and len(outsiders) < _MANY:  # "<string>" and the like are names of many
        outsiders.add(file)
    return frame


def caller() -> Site:
    """Where the user's code is now."""
    frame = outside(sys._getframe(1))
    return Site(frame.f_code, frame.f_lasti)


class Site:
    """A place in the user's code, worked out when somebody asks for it."""

    __slots__ = ("code", "lasti")

    def __init__(self, code: CodeType, lasti: int) -> None:
        self.code = code
        self.lasti = lasti

    @property
    def file(self) -> str:
        """The file's name."""
        return self.code.co_filename

    @property
    def line(self) -> int:
        """The line's number, counted from 1."""
        for start, end, line in self.code.co_lines():
            if start <= self.lasti < end and line is not None:
                return line
        return self.code.co_firstlineno

    @property
    def function(self) -> str:
        """The function's qualified name."""
        return self.code.co_qualname

    @property
    def source(self) -> str:
        """The line's text, empty where the file cannot be read."""
        return linecache.getline(self.file, self.line).strip()

    def __str__(self) -> str:
        source = self.source
        return f"{self.file}:{self.line}" + (f" in {self.function}: {source}" if source else f" in {self.function}")
