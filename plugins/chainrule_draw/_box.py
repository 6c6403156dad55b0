"""What a picture is made of: boxes in boxes, and edges between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(eq=False)
class Box:
    """A node, or a group of boxes.

    Attributes:
        kind: what it is, `"operation"` or `"scope"` for example: its class in the picture.
        label: its name.
        detail: a second line.
        title: what is shown when the mouse rests on it.
        parent: the box around it.
        children: the boxes in it.
        edges: the edges between boxes in it that are in different children.
        crossing: the edges with one end in it, each with the child that end is in, and whether it comes in.
        in_row: whether its children stand side by side, and not by what depends on what.
        marked: whether a gradient override is in force on it or made it.
        x: the left edge; the layout's to set, as the rest is.
        y: the upper edge.
        width: how wide it is.
        height: how high it is.
    """

    kind: str
    label: str
    detail: str = ""
    title: str = ""
    parent: Box | None = None
    children: list[Box] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    crossing: list[tuple[Edge, Box, bool]] = field(default_factory=list)
    in_row: bool = False
    marked: bool = False
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    height: float = 0.0

    def add(self, child: Box) -> Box:
        """Put a box into this one."""
        child.parent = self
        self.children.append(child)
        return child

    def all(self) -> Iterator[Box]:
        """This box and all in it, outer ones first."""
        stack = [self]
        while stack:
            box = stack.pop()
            yield box
            stack.extend(reversed(box.children))

    def path(self) -> list[Box]:
        """The boxes around it, outermost first, and itself."""
        found: list[Box] = [self]
        while (parent := found[-1].parent) is not None:
            found.append(parent)
        return found[::-1]


@dataclass(eq=False)
class Edge:
    """An arrow from one box to another.

    Attributes:
        kind: `"data"`, or `"control"` for mere order.
        source: where it starts.
        target: where it ends.
        ends: the children of the box it is in that it leads from and to.
        label: what is written at its start.
        ways: the points it goes through, in each box that it passes; the layout's to set, as the next is.
        points: all of them, with both ends.
    """

    kind: str
    source: Box
    target: Box
    ends: tuple[Box, Box]
    label: str = ""
    ways: dict[Box, list[tuple[float, float]]] = field(default_factory=dict)
    points: list[tuple[float, float]] = field(default_factory=list)


def connect(kind: str, source: Box, target: Box, label: str = "") -> None:
    """Add an edge, to the innermost box that both its ends are in."""
    a, b = source.path(), target.path()
    depth = 0
    while a[depth + 1] is b[depth + 1]:
        depth += 1
    edge = Edge(kind, source, target, (a[depth + 1], b[depth + 1]), label)
    a[depth].edges.append(edge)
    for path, comes_in in ((a, False), (b, True)):
        for box, child in zip(path[depth + 1 :], path[depth + 2 :], strict=False):
            box.crossing.append((edge, child, comes_in))
