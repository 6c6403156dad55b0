"""What the tests of `chainrule_draw` share: graphs to draw, and a way to look at a picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest

import chainrule as cr

SVG = "{http://www.w3.org/2000/svg}"


class Picture:
    """A picture as its XML says it is."""

    def __init__(self, svg: str) -> None:
        self.root = ElementTree.fromstring(svg)
        assert self.root.tag == f"{SVG}svg"

    def of_class(self, *classes: str) -> list[ElementTree.Element]:
        """The elements with all of some classes, but for the legend's."""
        legend = {id(e) for e in self.root.find(f"{SVG}g[@class='legend']").iter()}  # type: ignore[union-attr]  # it is there
        return [e for e in self.root.iter() if set(classes) <= set(e.get("class", "").split()) and id(e) not in legend]

    def titles(self, *classes: str) -> list[str]:
        """What is shown when the mouse rests on elements of some classes."""
        return [e.findtext(f"{SVG}title") or "" for e in self.of_class(*classes)]

    def names(self, *classes: str) -> list[str]:
        """The names of the nodes of some classes, the first lines of their titles."""
        return [title.partition("\n")[0] for title in self.titles("node", *classes)]

    def node(self, name: str) -> tuple[str, str]:
        """A node's classes and title."""
        ((classes, title),) = [
            (e.get("class", ""), title)
            for e in self.of_class("node")
            if (title := e.findtext(f"{SVG}title") or "").partition("\n")[0] == name
        ]
        return classes, title

    def box(self, element: ElementTree.Element) -> tuple[float, float, float, float]:
        """The left, upper, right and lower edge of an element's rectangle."""
        rect = element.find(f"{SVG}rect")
        assert rect is not None
        x, y, width, height = (float(rect.get(key, "nan")) for key in ("x", "y", "width", "height"))
        return x, y, x + width, y + height

    @property
    def legend(self) -> list[str]:
        """What the legend says."""
        return [e.text or "" for e in self.root.iterfind(f"{SVG}g[@class='legend']/{SVG}text")]


@pytest.fixture
def look() -> Callable[[Any], Picture]:
    """A drawing as a picture that can be looked into."""
    return lambda drawing: Picture(drawing if isinstance(drawing, str) else drawing.svg)


@pytest.fixture
def softmax() -> cr.Graph:
    """Softmax regression with its gradient, of which the input is scaled with an override, and an update."""
    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float32", (None, 4), name="x")
        y = cr.placeholder("float32", (None, 3), name="y")
        w = cr.Variable(cr.zeros((4, 3), dtype="float32"), name="w")
        with cr.name_scope("model"):
            logits = x @ w
        with cr.override_gradients({"tanh": cr.surrogate(lambda g, _y, _x: g * 1.0)}):
            logits = cr.tanh(logits)
        (dw,) = cr.gradients(cr.cross_entropy(logits, y), w)
        with cr.name_scope("train"):
            step = w.assign_sub(0.5 * dw)
            cr.group(step, name="done")
    return graph
