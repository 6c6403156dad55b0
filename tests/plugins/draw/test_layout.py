"""Where things go: apart from each other, inside of what holds them, and below what they take."""

from __future__ import annotations

import itertools
import random

import pytest

from chainrule_draw._box import Box, connect
from chainrule_draw._layout import _apart, _Item, _layers, _order, layout, shortened


def made(seed: int, n: int = 40) -> Box:
    """Boxes in boxes at random, with edges that lead onwards."""
    random.seed(seed)
    root = Box("graph", "")
    groups = [root, *(root.add(Box("scope", f"scope{i}")) for i in range(3))]
    groups += [groups[1].add(Box("scope", "inner"))]
    nodes = [random.choice(groups).add(Box("operation", "x" * random.randrange(1, 40), "y")) for i in range(n)]
    for group in groups[1:]:
        nodes.append(group.add(Box("operation", "last")))
    for i in range(1, len(nodes)):
        for j in random.sample(range(i), min(i, 2)):
            connect("data", nodes[j], nodes[i])
    return root


@pytest.mark.parametrize("seed", range(5))
def test_boxes_are_inside_of_theirs_and_apart_from_others(seed: int) -> None:
    root = made(seed)
    layout(root)
    for box in root.all():
        for child in box.children:
            assert box.x < child.x
            assert box.y < child.y
            assert child.x + child.width < box.x + box.width
            assert child.y + child.height < box.y + box.height
        for a, b in itertools.combinations(box.children, 2):
            apart_x = a.x + a.width < b.x or b.x + b.width < a.x
            apart_y = a.y + a.height < b.y or b.y + b.height < a.y
            assert apart_x or apart_y, (a.label, b.label)


@pytest.mark.parametrize("seed", range(5))
def test_edges_start_and_end_at_their_boxes(seed: int) -> None:
    root = made(seed)
    layout(root)
    for edge in (edge for box in root.all() for edge in box.edges):
        (start_x, start_y), (end_x, end_y) = edge.points[0], edge.points[-1]
        assert edge.source.x < start_x < edge.source.x + edge.source.width
        assert start_y == edge.source.y + edge.source.height
        assert edge.target.x < end_x < edge.target.x + edge.target.width
        assert end_y == edge.target.y


def test_a_node_is_below_what_it_takes() -> None:
    root = Box("graph", "")
    nodes = [root.add(Box("operation", f"{i}")) for i in range(6)]
    pairs = [(0, 1), (1, 2), (0, 2), (3, 2), (2, 4), (0, 5)]
    for a, b in pairs:
        connect("data", nodes[a], nodes[b])
    layout(root)
    assert all(nodes[a].y + nodes[a].height < nodes[b].y for a, b in pairs)
    assert nodes[3].y == nodes[1].y  # what takes nothing stands right above what takes it


def test_edges_go_round_what_is_between() -> None:
    root = Box("graph", "")
    group = root.add(Box("scope", "scope"))
    source = root.add(Box("operation", "source"))
    first, second = (group.add(Box("operation", name)) for name in ("first", "second"))
    connect("data", source, second)
    connect("data", first, second)
    layout(root)
    (edge,) = root.edges
    at_first = [x for x, y in edge.points if first.y <= y <= first.y + first.height]
    assert at_first
    assert all(x < first.x or x > first.x + first.width for x in at_first)


def test_groups_that_need_each_other() -> None:
    root = Box("graph", "")
    a, b = (root.add(Box("scope", name)) for name in "ab")
    one, two = a.add(Box("operation", "1")), b.add(Box("operation", "2"))
    three = a.add(Box("operation", "3"))
    connect("data", one, two)
    connect("data", two, three)
    layout(root)
    assert a.y + a.height < b.y
    assert all(len(edge.points) >= 2 for box in root.all() for edge in box.edges)


def test_order_is_topological_where_it_can_be() -> None:
    pairs = {(2, 0): [], (0, 1): [], (3, 1): []}
    order = _order(4, pairs)
    assert sorted(order) == [0, 1, 2, 3]
    assert all(order[a] < order[b] for a, b in pairs)
    assert sorted(_order(3, {(0, 1): [], (1, 2): [], (2, 0): []})) == [0, 1, 2]


def test_layers_are_longest_ways() -> None:
    assert _layers([0, 1, 2, 3], [(0, 1), (1, 2), (0, 2), (3, 2)]) == [0, 1, 2, 1]
    assert _layers([0], []) == [0]


def test_what_is_not_connected_stands_in_rows() -> None:
    root = Box("graph", "")
    nodes = [root.add(Box("operation", f"{i}")) for i in range(3 + 9)]
    for a, b in ((0, 1), (1, 2)):
        connect("data", nodes[a], nodes[b])
    layout(root)
    levels = [node.y for node in nodes]
    assert levels[:3] == sorted(set(levels))
    assert [levels.count(y) for y in levels[:3]] == [1 + 4, 1 + 4, 1 + 1]


def test_centres_are_nearest_by_least_squares() -> None:
    """Compared with the best of a fine grid of centres that keep their distance."""
    row = [_Item(Box("operation", "", width=30.0)) for _ in range(3)]
    wanted = [10.0, 0.0, 60.0]
    _apart(row, wanted)
    gap = 30.0 + 18.0
    grid = [x / 2 for x in range(-160, 240)]
    best = min(
        (sum((c - w) ** 2 for c, w in zip(centers, wanted, strict=True)), centers)
        for a in grid
        for b in (a + gap, *(g for g in grid if g > a + gap))
        for centers in [(a, b, max(b + gap, wanted[2]))]
    )[1]
    assert [item.center for item in row] == pytest.approx(best, abs=0.5)


def test_long_lines_keep_both_ends() -> None:
    assert shortened("a" * 30) == "a" * 30
    assert shortened("a" * 20 + "b" * 20) == "a" * 14 + "…" + "b" * 15
