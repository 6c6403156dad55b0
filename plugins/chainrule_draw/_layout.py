"""Where everything in a picture goes.

Each box is laid out for itself, the innermost first: its children in layers, by what depends on what, and a place in
each layer for every edge that passes it. igraph puts them into an order with few crossings (`layout_sugiyama`); then
they move as near to their neighbours as their widths allow.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Final

from chainrule_draw._box import Box, Edge
from chainrule_draw._errors import IgraphMissingError

LINE: Final = 15.0  # the height of a line of text
PAD: Final = 12.0
_GAP_X: Final = 18.0
_GAP_Y: Final = 30.0
_CHARACTER: Final = 6.7  # the width of a character, and of one of a label
_BOLD: Final = 7.4
_LONGEST: Final = 30  # characters of a line; the rest is in the title
_ABREAST: Final = 4  # what is not connected stands so many abreast
_SWEEPS: Final = 8
_STEP: Final = 120.0  # how far apart neighbours in a layer are to begin with
_ROUTE: Final = 10.0  # the width that an edge is given on its way through a layer


def layout(root: Box) -> None:
    """Give every box in a box its place and size, and every edge its points.

    Raises:
        IgraphMissingError: igraph is not installed.
    """
    for box in reversed(list(root.all())):
        if not box.children:
            box.width = max(56.0, _width(box) + 14)
            box.height = header(box) + 2
        elif box.in_row:
            _row(box)
        else:
            _layered(box)
    _absolute(root)


def shortened(line: str) -> str:
    """A line as the picture has it: of what is too long the beginning and the end."""
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST // 2 - 1]}…{line[-_LONGEST // 2 :]}"


def header(box: Box) -> float:
    """How much room the name of a group takes."""
    return PAD / 2 + LINE * (bool(box.label) + bool(box.detail))


def _width(box: Box) -> float:
    """How wide a box's lines are."""
    return max(_BOLD * len(shortened(box.label)), _CHARACTER * len(shortened(box.detail)))


def _row(box: Box) -> None:
    x = PAD
    for child in box.children:
        child.x, child.y = x, header(box) + PAD
        x += child.width + PAD
    _fit(box)


def _fit(box: Box) -> None:
    """Make a box as large as what is in it and its name need."""
    box.width = max(_width(box) + 2 * PAD, max(child.x + child.width for child in box.children) + PAD)
    box.height = max(child.y + child.height for child in box.children) + PAD


class _Item:
    """A child in its layer, or an edge on its way through one."""

    __slots__ = ("above", "below", "box", "center", "width")

    def __init__(self, box: Box | None) -> None:
        self.box = box
        self.width = _ROUTE if box is None else box.width
        self.center = 0.0
        self.above: list[_Item] = []
        self.below: list[_Item] = []


def _layered(box: Box) -> None:
    """Place the children of a box in layers, and the ways of edges between them and through its border."""
    index = {child: i for i, child in enumerate(box.children)}
    pairs: dict[tuple[int, int], list[Edge]] = {}
    for edge in box.edges:
        pairs.setdefault((index[edge.ends[0]], index[edge.ends[1]]), []).append(edge)
    order = _order(len(index), pairs)
    down = [(a, b) for a, b in pairs if order[a] < order[b]]
    layer = _layers(order, down)
    _stack(layer, pairs, {index[child] for _, child, _ in box.crossing})
    comes_in = any(crossing[2] for crossing in box.crossing)
    goes_out = any(not crossing[2] for crossing in box.crossing)
    layer = [n + comes_in for n in layer]
    items = [_Item(child) for child in box.children]
    chains = [[items[a], *(_Item(None) for _ in range(layer[b] - layer[a] - 1)), items[b]] for a, b in down]
    starts = [layer[a] for a, _ in down]
    used: list[list[Edge]] = [pairs[pair] for pair in down]
    last = max(layer) + goes_out
    for edge, child, inwards in box.crossing:
        i = index[child]
        through = [_Item(None) for _ in range(layer[i] if inwards else last - layer[i])]
        chains.append([*through, items[i]] if inwards else [items[i], *through])
        starts.append(0 if inwards else layer[i])
        used.append([edge])
    rows = _crossings(chains, starts, items, layer)
    _settle(rows)
    bands = _place(box, rows, comes_in, goes_out)
    for chain, start, edges in zip(chains, starts, used, strict=True):
        way = [(item.center, y) for level, item in enumerate(chain, start) if item.box is None for y in bands[level]]
        for edge in edges:
            edge.ways[box] = way


def _place(box: Box, rows: Sequence[list[_Item]], comes_in: bool, goes_out: bool) -> list[tuple[float, float]]:
    """Give the children their places and the box its size; where each layer begins and ends."""
    left = min(item.center - item.width / 2 for row in rows for item in row) - PAD
    bands = []
    y = header(box) + PAD
    for level, row in enumerate(rows):
        height = max(0.0 if item.box is None else item.box.height for item in row)
        for item in row:
            item.center -= left
            if item.box is not None:
                item.box.x, item.box.y = item.center - item.width / 2, y + (height - item.box.height) / 2
        bands.append((y, y + height))
        near_border = (comes_in and level == 0) or (goes_out and level == len(rows) - 2)
        y += height + (_GAP_Y / 2 if near_border else _GAP_Y)
    _fit(box)
    box.width = max(box.width, *(item.center + item.width / 2 + PAD for row in rows for item in row))
    box.height = max(box.height, bands[-1][1] + PAD)
    return bands


def _order(n: int, pairs: Any) -> list[int]:
    """A place for each child such that as few edges as may be lead back: topological, where groups do not cycle."""
    after: list[list[int]] = [[] for _ in range(n)]
    waiting = [0] * n
    for a, b in pairs:
        after[a].append(b)
        waiting[b] += 1
    place = [-1] * n
    ready = [i for i in range(n) if not waiting[i]][::-1]
    left = iter(range(n))
    for count in range(n):
        if not ready:  # a cycle of groups: break it at the first of them
            ready.append(next(i for i in left if place[i] < 0))
        i = ready.pop()
        place[i] = count
        for j in after[i]:
            waiting[j] -= 1
            if not waiting[j] and place[j] < 0:
                ready.append(j)
    return place


def _layers(order: Sequence[int], down: Sequence[tuple[int, int]]) -> list[int]:
    """The layer of each child: below all it takes; what takes nothing stands right above what takes it."""
    below: list[list[int]] = [[] for _ in order]
    above: list[list[int]] = [[] for _ in order]
    for a, b in down:
        below[a].append(b)
        above[b].append(a)
    layer = [0] * len(order)
    for i in sorted(range(len(order)), key=order.__getitem__):
        layer[i] = max((layer[j] + 1 for j in above[i]), default=0)
    for i, takers in enumerate(below):
        if takers and not above[i]:
            layer[i] = min(layer[j] for j in takers) - 1
    lowest = min(layer, default=0)
    return [n - lowest for n in layer]


def _stack(layer: list[int], pairs: Iterable[tuple[int, int]], fixed: set[int]) -> None:
    """Move small parts that are connected with nothing else into rows, so that a picture does not grow too wide."""
    joined: list[set[int]] = [{i} for i in range(len(layer))]
    for a, b in pairs:
        if joined[a] is not joined[b]:
            more, less = sorted((joined[a], joined[b]), key=len, reverse=True)
            more |= less
            for i in less:
                joined[i] = more
    largest = max(joined, key=len, default=set())
    loose = {min(part): part for part in joined if part is not largest and not part & fixed}
    parts = list(loose.values())
    top = 0
    for n in range(0, len(parts), _ABREAST):
        row = parts[n : n + _ABREAST]
        for part in row:
            first = min(layer[i] for i in part)
            for i in part:
                layer[i] += top - first
        top = 1 + max(layer[i] for part in row for i in part)


def _crossings(
    chains: Sequence[list[_Item]], starts: Sequence[int], items: Sequence[_Item], layer: Sequence[int]
) -> list[list[_Item]]:
    """The layers of children and of edges on their way, each in an order with few crossings."""
    try:
        import igraph
    except ImportError as error:
        raise IgraphMissingError(
            f"drawing needs igraph, which does not import ({error}); install it: pip install 'chainrule[draw]'"
        ) from error
    levels = dict(zip(items, layer, strict=True))
    steps = []
    for chain, start in zip(chains, starts, strict=True):
        levels.update(zip(chain, range(start, start + len(chain)), strict=True))
        for upper, lower in pairwise(chain):
            upper.below.append(lower)
            lower.above.append(upper)
            steps.append((upper, lower))
    position = {item: i for i, item in enumerate(levels)}
    drawn = igraph.Graph(n=len(levels), edges=[(position[a], position[b]) for a, b in steps], directed=True)
    places = drawn.layout_sugiyama(layers=list(levels.values()), hgap=1.0, vgap=1.0)
    rows: list[list[_Item]] = [[] for _ in range(max(levels.values()) + 1)]
    for (item, level), place in zip(levels.items(), places, strict=False):
        item.center = place[0] * _STEP
        rows[level].append(item)
    for row in rows:
        row.sort(key=lambda item: item.center)
    return rows


def _settle(rows: Sequence[list[_Item]]) -> None:
    """Move everything near to the mean of its neighbours, down and up again; the order in each layer stays."""
    for row in rows:
        _apart(row, [item.center for item in row])
    for sweep in range(_SWEEPS):
        downwards = sweep % 2 == 0
        for row in rows if downwards else reversed(rows):
            wanted = []
            for item in row:
                near = item.above if downwards else item.below
                near = near or item.below or item.above
                wanted.append(sum(other.center for other in near) / len(near) if near else item.center)
            _apart(row, wanted)


def _apart(row: Sequence[_Item], wanted: Sequence[float]) -> None:
    """The centres nearest to those wanted, by least squares, that keep order and distance.

    With the distances taken off, that is isotonic regression: neighbours in the wrong order become a block at their
    mean (Ayer and others, 1955, An empirical distribution function for sampling with incomplete information).
    """
    offsets = [0.0]
    for a, b in pairwise(row):
        offsets.append(offsets[-1] + (a.width + b.width) / 2 + _GAP_X)
    blocks: list[tuple[float, int]] = []
    for want, offset in zip(wanted, offsets, strict=True):
        mean, count = want - offset, 1
        while blocks and blocks[-1][0] > mean:
            other, n = blocks.pop()
            mean, count = (mean * count + other * n) / (count + n), count + n
        blocks.append((mean, count))
    centers = [mean for mean, count in blocks for _ in range(count)]
    for item, center, offset in zip(row, centers, offsets, strict=True):
        item.center = center + offset


def _absolute(root: Box) -> None:
    """Turn places inside boxes into places in the picture, and give edges their points."""
    edges = []
    for box in root.all():
        edges += box.edges
        for child in box.children:
            child.x += box.x
            child.y += box.y
    for edge in edges:
        inwards = edge.target.path()
        out = [box for box in reversed(edge.source.path()) if box in edge.ways and box not in inwards]
        for box in [*out, *(box for box in inwards if box in edge.ways)]:
            edge.points += [(x + box.x, y + box.y) for x, y in edge.ways[box]]
    leaving: dict[Box, list[tuple[float, Edge]]] = {}
    arriving: dict[Box, list[tuple[float, Edge]]] = {}
    for edge in edges:
        a, b = edge.source, edge.target
        leaving.setdefault(a, []).append((edge.points[0][0] if edge.points else b.x + b.width / 2, edge))
        arriving.setdefault(b, []).append((edge.points[-1][0] if edge.points else a.x + a.width / 2, edge))
    starts, ends = _spread(leaving), _spread(arriving)
    for edge in edges:
        a, b = edge.source, edge.target
        edge.points = [
            (a.x + a.width * starts[edge], a.y + a.height),
            *edge.points,
            (b.x + b.width * ends[edge], b.y),
        ]


def _spread(ends: dict[Box, list[tuple[float, Edge]]]) -> dict[Edge, float]:
    """Where along a box's side each edge ends: in the order of what it leads to."""
    found = {}
    for edges in ends.values():
        edges.sort(key=lambda pair: pair[0])
        for i, (_, edge) in enumerate(edges, 1):
            found[edge] = i / (len(edges) + 1)
    return found
