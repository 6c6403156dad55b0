"""A laid-out picture as SVG: groups first, then edges, then nodes. No scripts and no references to anything outside."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Final

from chainrule_draw._box import Box, Edge
from chainrule_draw._layout import LINE, PAD, shortened

# Fill and outline of each kind of node, on light and on dark ground.
_COLOURS: Final[Mapping[str, tuple[tuple[str, str], tuple[str, str]]]] = {
    "input": (("#e2e8f0", "#475569"), ("#334155", "#94a3b8")),
    "variable": (("#ede9fe", "#7c3aed"), ("#3b2a6b", "#a78bfa")),
    "constant": (("#f8fafc", "#94a3b8"), ("#1e293b", "#64748b")),
    "operation": (("#dbeafe", "#2563eb"), ("#1e3a66", "#60a5fa")),
    "gradient": (("#ffedd5", "#ea580c"), ("#5c2f12", "#fb923c")),
    "update": (("#dcfce7", "#16a34a"), ("#14432a", "#4ade80")),
    "reference": (("#ffffff", "#94a3b8"), ("#0f172a", "#64748b")),
    "output": (("#1e293b", "#1e293b"), ("#e2e8f0", "#e2e8f0")),
}
_LEGEND: Final[Mapping[str, str]] = {
    "input": "input",
    "variable": "variable",
    "constant": "constant",
    "operation": "forward operation",
    "gradient": "gradient operation",
    "update": "update operation",
    "reference": "in another part",
    "output": "result",
}
# Ground, text, faint text, edges, groups, and the mark of an override.
_LIGHT: Final = ("#ffffff", "#0f172a", "#475569", "#64748b", "#0f172a", "#dc2626")
_DARK: Final = ("#0f172a", "#f1f5f9", "#cbd5e1", "#94a3b8", "#f1f5f9", "#f87171")


def svg(root: Box) -> str:
    """The picture of a box that is laid out."""
    boxes = list(root.all())
    edges = [edge for box in boxes for edge in box.edges]
    legend, legend_width = _legend(boxes, edges, root.height)
    width, height = max(root.width, legend_width), root.height + LINE + 2 * PAD
    groups = [box for box in boxes if box.children]
    nodes = [box for box in boxes[1:] if not box.children]
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chainrule" role="img" width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}">',
        f"<title>{text(root.label)}</title>",
        f"<style>{_style()}</style>",
        f'<rect class="ground" width="{width:.0f}" height="{height:.0f}"/>',
        *(line for box in groups for line in _group(box)),
        *(line for edge in edges for line in _edge(edge)),
        *(line for box in groups for line in _lines(box, box.x + PAD, box.y + PAD / 2, extra=" above")),
        *(line for box in nodes for line in _node(box)),
        *legend,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def text(shown: str) -> str:
    """Any text as XML, without what XML cannot hold."""
    return escape(re.sub(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", shown))


def _style() -> str:
    """Colours for light ground, and for dark where that is what the reader has."""
    fixed = (
        ".chainrule text{font:11px ui-sans-serif,system-ui,'DejaVu Sans',sans-serif}"
        ".chainrule .label{font-weight:600}"
        ".chainrule .path{fill:none;stroke-width:1.2}"
        ".chainrule .control .path{stroke-dasharray:4 3}"
        ".chainrule .reference rect,.chainrule .constant rect{stroke-dasharray:4 3}"
        ".chainrule .group>rect{fill-opacity:.06;stroke-opacity:.4}"
        ".chainrule .graph>rect{fill-opacity:0;stroke-opacity:0}"
        ".chainrule .above{paint-order:stroke;stroke-width:3px;stroke-linejoin:round}"
        ".chainrule .marked>rect{stroke-width:3}"
        ".chainrule .node:hover>rect,.chainrule .group:hover>rect{stroke-width:2.5}"
    )
    return fixed + _colours(0, _LIGHT) + f"@media (prefers-color-scheme:dark){{{_colours(1, _DARK)}}}"


def _colours(dark: int, ground: Sequence[str]) -> str:
    back, ink, faint, edge, group, mark = ground
    rules = [
        f".chainrule .ground{{fill:{back}}}",
        f".chainrule text{{fill:{ink}}}",
        f".chainrule .detail{{fill:{faint}}}",
        f".chainrule .path{{stroke:{edge}}}.chainrule .tip{{fill:{edge}}}",
        f".chainrule .above{{stroke:{back}}}",
        f".chainrule .group>rect{{fill:{group};stroke:{group}}}",
    ]
    for kind, colours in _COLOURS.items():
        fill, line = colours[dark]
        rules.append(f".chainrule .{kind}>rect{{fill:{fill};stroke:{line}}}")
    rules.append(f".chainrule .output>text{{fill:{back}}}")
    rules.append(f".chainrule .marked>rect{{stroke:{mark}}}")
    return "".join(rules)


def _group(box: Box) -> Iterator[str]:
    marked = " marked" * box.marked
    node = "node " * (box.kind in _COLOURS)
    yield f'<g class="group {node}{box.kind}{marked}">'
    if box.title:
        yield f"<title>{text(box.title)}</title>"
    yield f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="8"/>'
    yield "</g>"


def _node(box: Box) -> Iterator[str]:
    marked = " marked" * box.marked
    yield f'<g class="node {box.kind}{marked}">'
    yield f"<title>{text(box.title)}</title>"
    yield f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="5"/>'
    yield from _lines(box, box.x + box.width / 2, box.y + 4, ' text-anchor="middle"')
    yield "</g>"


def _lines(box: Box, x: float, y: float, anchor: str = "", extra: str = "") -> Iterator[str]:
    """The name of a box and what stands under it."""
    for style, line in (("label", box.label), ("detail", box.detail)):
        if line:
            y += LINE
            yield f'<text class="{style}{extra}" x="{x:.1f}" y="{y - 4:.1f}"{anchor}>{text(shortened(line))}</text>'


def _edge(edge: Edge) -> Iterator[str]:
    """A line that leaves and arrives vertically, with a tip."""
    (x, y), *rest = edge.points
    path = f"M{x:.1f} {y:.1f}"
    for i, (to_x, to_y) in enumerate(rest):
        if i == len(rest) - 1:
            to_y -= 5
        middle = (y + to_y) / 2
        path += f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}"
        x, y = to_x, to_y
    yield f'<g class="edge {edge.kind}">'
    yield f"<title>{text(f'{edge.source.label} to {edge.target.label} {edge.label}'.strip())}</title>"
    yield f'<path class="path" d="{path}"/>'
    yield f'<path class="tip" d="M{x - 3.5:.1f} {y - 2:.1f}h7l-3.5 7z"/>'
    if edge.label:
        start_x, start_y = edge.points[0]
        yield f'<text class="detail above" x="{start_x + 4:.1f}" y="{start_y + 11:.1f}">{text(edge.label)}</text>'
    yield "</g>"


def _legend(boxes: Sequence[Box], edges: Sequence[Edge], y: float) -> tuple[list[str], float]:
    """What the colours mean that are in the picture, and how wide that is."""
    kinds = {box.kind for box in boxes if not box.children}
    entries = [(kind, meaning) for kind, meaning in _LEGEND.items() if kind in kinds]
    if any(box.marked for box in boxes):
        entries.append(("operation marked", "gradient override"))
    x = PAD
    lines = ['<g class="legend">']
    for kind, meaning in entries:
        lines.append(f'<g class="{kind}"><rect x="{x:.1f}" y="{y + PAD:.1f}" width="16" height="12" rx="3"/></g>')
        lines.append(f'<text x="{x + 22:.1f}" y="{y + PAD + 10:.1f}">{meaning}</text>')
        x += 22 + 6.5 * len(meaning) + 18
    if any(edge.kind == "control" for edge in edges):
        lines.append(f'<g class="control"><path class="path" d="M{x:.1f} {y + PAD + 6:.1f}h24"/></g>')
        lines.append(f'<text x="{x + 30:.1f}" y="{y + PAD + 10:.1f}">runs before</text>')
        x += 30 + 6.5 * 11 + 18
    return [*lines, "</g>"], x
