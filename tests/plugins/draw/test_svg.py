"""The text of pictures: escaped, self-contained, readable on light and dark ground."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

import chainrule as cr
from chainrule_draw._box import Box, connect
from chainrule_draw._layout import layout
from chainrule_draw._svg import svg, text

HOSTILE = "</title><script>alert('1 & 2')</script>\x00\ud800"


def test_text_is_escaped() -> None:
    assert text("<a href='b'>&\"") == "&lt;a href=&#x27;b&#x27;&gt;&amp;&quot;"
    assert text("a\x00b\x1fc\ud800\uffff") == "a\ufffdb\ufffdc\ufffd\ufffd"
    assert text("tab\tline\nü😀") == "tab\tline\nü😀"


def test_hostile_names_stay_text(look: Callable[[Any], Any]) -> None:
    root = Box("graph", HOSTILE)
    group = root.add(Box("scope", HOSTILE, HOSTILE, HOSTILE))
    a, b = (group.add(Box("operation", HOSTILE, HOSTILE, HOSTILE)) for _ in range(2))
    connect("data", a, b, HOSTILE)
    layout(root)
    made = svg(root)
    assert "<script" not in made
    picture = look(made)
    shown = "</title><script>alert('1 & 2')</script>\ufffd\ufffd"
    assert picture.titles("node") == [shown, shown]
    assert {e.tag.rpartition("}")[2] for e in picture.root.iter()} == {
        "svg",
        "title",
        "style",
        "rect",
        "g",
        "text",
        "path",
    }


def test_names_of_a_graph_are_escaped(look: Callable[[Any], Any]) -> None:
    with cr.Graph().as_default() as graph:
        cr.placeholder("float64", (2,), name="<b>&")
    assert look(cr.draw(graph)).names() == ["<b>&"]


def test_nothing_outside_is_referred_to(softmax: cr.Graph) -> None:
    made = cr.draw(softmax).svg
    assert re.findall(r"https?://[^\"' ]+", made) == ["http://www.w3.org/2000/svg"]
    assert "href" not in made
    assert "url(" not in made
    assert " id=" not in made  # so that two pictures on a page do not mix


def luminance(colour: str) -> float:
    """The relative luminance of a colour (W3C, WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    """The contrast ratio of two colours (W3C, WCAG 2.2)."""
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_black_on_white_at_most() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)


@pytest.mark.parametrize("dark", [False, True])
def test_text_stands_out_on_every_kind_of_node(softmax: cr.Graph, dark: bool) -> None:
    """By 4.5 to 1, what WCAG 2.2 asks of text at level AA."""
    light, _, rest = cr.draw(softmax).svg.partition("@media (prefers-color-scheme:dark){")
    style = rest.partition("</style>")[0] if dark else light
    fills = dict(re.findall(r"\.chainrule \.(\w+)>rect\{fill:(#\w{6})", style))
    (ink,) = re.findall(r"\.chainrule text\{fill:(#\w{6})", style)
    (faint,) = re.findall(r"\.chainrule \.detail\{fill:(#\w{6})", style)
    (ground,) = re.findall(r"\.chainrule \.ground\{fill:(#\w{6})", style)
    kinds = {"input", "variable", "constant", "operation", "gradient", "update", "reference"}
    assert kinds <= set(fills)
    for kind in kinds:
        assert contrast(ink, fills[kind]) >= 4.5, kind
        assert contrast(faint, fills[kind]) >= 4.5, kind
    assert contrast(ink, ground) >= 4.5
    assert contrast(ground, fills["output"]) >= 4.5
