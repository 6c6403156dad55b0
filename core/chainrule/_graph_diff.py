"""How two graphs or programs differ: nodes, rules, overrides, attributes, shapes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
from typing import Any

from chainrule._describe import (
    GraphDescription,
    InputDescription,
    NodeDescription,
    RuleDescription,
    describe_graph,
    plain_name,
)
from chainrule._explain_program import ProgramExplanation
from chainrule._graph_text import counted, statement


@dataclass(frozen=True)
class GraphChange:
    """One difference between two graphs.

    Attributes:
        kind: `"rule"`, `"override"`, `"operation"`, `"attribute"`, `"input"`, `"shape"`, `"order"` (of nodes that run
            before or with it), `"no_grad"`, `"name"`, `"removed"`, `"added"`, `"inputs"` or `"outputs"`.
        node: the name of the node, that of the first graph where it is in both; empty for inputs and outputs. A node
            of a branch or a loop's body is named after what holds it, as `"scan, body: add"`.
        what: the attribute's name, or the number of the input or output.
        before: what it is in the first graph, empty if it is not there.
        after: what it is in the second.
    """

    kind: str
    node: str
    what: str
    before: str
    after: str

    def __str__(self) -> str:
        if self.kind == "added":
            return f"+ {self.node}{self.after}"
        if self.kind == "removed":
            return f"- {self.node}{self.before}"
        what = "gradient by" if self.kind == "rule" else " ".join(filter(None, (self.kind, self.what)))
        place = f"{self.node}: " if self.node else ""
        return f"{place}{what}{'' if self.kind == 'rule' else ':'} {self.before or 'none'} -> {self.after or 'none'}"


@dataclass(frozen=True)
class GraphDiff:
    """The differences between two graphs: false if there are none. Print it, or read `changes`."""

    changes: tuple[GraphChange, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changes)

    def to_dict(self) -> dict[str, Any]:
        """The differences as plain data, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        if not self.changes:
            return "no difference"
        return "\n".join([counted(len(self.changes), "difference"), *(f"  {change}" for change in self.changes)])


def diff_graphs(a: Any, b: Any) -> GraphDiff:
    """Tell how two graphs or programs differ: which node, rule of a gradient, override, attribute or shape.

    Nodes are matched by what they compute, and what is left by its place and name, so that a change is told where it
    was made and not everywhere behind it. Nothing depends on the order in which nodes were made or on where in the code
    that was; constants are compared by value. The text is the same in every run, so that a test can hold it.

    Args:
        a: a `Graph`, a `Program` (`function.trace(*args)`), what `explain` or `describe_graph` gave, or tensors of a
            graph.
        b: what to compare it with.

    Raises:
        DTypeError: one of them is nothing of the kind.

    >>> import chainrule as cr
    >>> x = cr.Spec((3,), "float64")
    >>> f = cr.explain(lambda x: cr.sum(cr.sin(x)), x)
    >>> g = cr.explain(lambda x: cr.sum(cr.sin(x), keepdims=True), x)
    >>> print(cr.diff_graphs(f, g))
    2 differences
      sum: attribute keepdims: False -> True
      sum: shape 0: float64[] -> float64[1]
    >>> bool(cr.diff_graphs(f, f))
    False
    """
    return GraphDiff(tuple(_Comparison(_described(a), _described(b)).changes()))


def _described(what: Any) -> GraphDescription:
    if isinstance(what, GraphDescription):
        return what
    return describe_graph(what.stages["traced"] if isinstance(what, ProgramExplanation) else what)


class _Comparison:
    """Two descriptions, with the nodes of one that are those of the other."""

    def __init__(self, a: GraphDescription, b: GraphDescription, place: str = "") -> None:
        self.a = a
        self.b = b
        self.place = place
        self.forth: dict[int, int] = {}
        self.back: dict[int, int] = {}
        self._match()

    # Matching

    def _match(self) -> None:
        """Pair nodes: by identity; sources by name, then by what they are; the rest by what they take, then by name."""
        everything = range(len(self.a.nodes))
        self._pair(everything, [lambda x: (x.id, x.name), lambda x: x.id])
        self._pair([i for i in everything if not self.a.nodes[i].inputs], [_name_and_op, _form])
        self._pair([i for i in everything if self.a.nodes[i].inputs], [None, _name_and_op])
        self._pair(everything, [lambda x: x.name])

    def _pair(self, which: Sequence[int], keys: Sequence[Callable[[NodeDescription], Hashable] | None]) -> None:
        """Pair nodes whose keys are equal, in order; None is the key of what a node does with what is paired already.

        Keys that look at one node are tried one after another for all of them, where None is among them for each node,
        so that what a node takes is paired before it.
        """
        left = [i for i in which if i not in self.forth]
        if not left:
            return
        tables = [self._waiting(key) for key in keys]
        if None in keys:
            for i in left:
                any(self._paired(i, key, table) for key, table in zip(keys, tables, strict=True))
            return
        for key, table in zip(keys, tables, strict=True):
            for i in left:
                if i not in self.forth:
                    self._paired(i, key, table)

    def _waiting(self, key: Callable[[NodeDescription], Hashable] | None) -> dict[Hashable, list[int]]:
        """The unpaired nodes of the second graph by key, the first of them last."""
        table: dict[Hashable, list[int]] = defaultdict(list)
        for j in reversed(range(len(self.b.nodes))):
            if j not in self.back:
                node = self.b.nodes[j]
                table[(_form(node), self._taken(node)) if key is None else key(node)].append(j)
        return table

    def _paired(
        self, i: int, key: Callable[[NodeDescription], Hashable] | None, table: dict[Hashable, list[int]]
    ) -> bool:
        node = self.a.nodes[i]
        found = table.get((_form(node), self._taken(node, self.forth)) if key is None else key(node), [])
        while found:
            j = found.pop()
            if j not in self.back:
                self.forth[i], self.back[j] = j, i
                return True
        return False

    def _taken(self, node: NodeDescription, places: Mapping[int, int] | None = None) -> Hashable:
        """What a node takes, each node by its place in the second graph."""
        taken = [
            x.text if x.node is None else (x.node if places is None else places.get(x.node), x.output)
            for x in node.inputs
        ]
        return tuple(taken)

    # Telling

    def changes(self) -> Iterator[GraphChange]:
        """All differences: of paired nodes in the first graph's order, then what is in one graph alone."""
        rules = [_rules(self.a), _rules(self.b)]
        for i, x in enumerate(self.a.nodes):
            if i in self.forth:
                yield from self._node_changes(x, self.b.nodes[self.forth[i]], rules)
        for i, x in enumerate(self.a.nodes):
            if i not in self.forth:
                yield self._change("removed", x, "", statement(x, _text), "")
        for j, y in enumerate(self.b.nodes):
            if j not in self.back:
                yield self._change("added", y, "", "", statement(y, _text))
        names = [self.a.nodes[i].name for i in self.a.inputs], [self.b.nodes[j].name for j in self.b.inputs]
        if [self.forth.get(i) for i in self.a.inputs] != list(self.b.inputs):
            yield GraphChange("inputs", self.place.rstrip(": "), "", *map(", ".join, names))
        yield from self._source_changes("output", None, self.a.outputs, self.b.outputs)

    def _change(self, kind: str, node: NodeDescription | None, what: str, before: str, after: str) -> GraphChange:
        name = self.place.rstrip(": ") if node is None else f"{self.place}{node.name}"
        return GraphChange(kind, name, what, before, after)

    def _node_changes(
        self, x: NodeDescription, y: NodeDescription, rules: Sequence[Mapping[str, list[RuleDescription]]]
    ) -> Iterator[GraphChange]:
        ways = [rules[0].get(x.name, []), rules[1].get(y.name, [])]
        if all(ways) and [w.identity for w in ways[0]] != [w.identity for w in ways[1]]:
            yield self._change("rule", x, "", *_told(*ways))
        if (x.override and x.override.identity) != (y.override and y.override.identity):
            overrides = [[] if n.override is None else [n.override] for n in (x, y)]
            yield self._change("override", x, "", *_told(*overrides))
        simple = (
            ("name", plain_name(x.name) != plain_name(y.name), x.name, y.name),
            ("operation", x.op != y.op, x.op, y.op),
            ("no_grad", x.recorded != y.recorded, _yes(not x.recorded), _yes(not y.recorded)),
        )
        for kind, differs, before, after in simple:
            if differs:
                yield self._change(kind, x, "", before, after)
        for name in dict.fromkeys([*x.attributes, *y.attributes]):
            before, after = x.attributes.get(name, ""), y.attributes.get(name, "")
            if before != after:
                yield self._change("attribute", x, name, before, after)
        yield from self._source_changes("input", x, x.inputs, y.inputs)
        for i, (before, after) in enumerate(zip_longest(x.outputs, y.outputs, fillvalue="")):
            if before != after:
                yield self._change("shape", x, str(i), before, after)
        for what, ours, theirs in (("after", x.controls, y.controls), ("then", x.followers, y.followers)):
            if {self.forth.get(i) for i in ours} != set(theirs):
                told = (", ".join(g.nodes[i].name for i in n) for g, n in ((self.a, ours), (self.b, theirs)))
                yield self._change("order", x, what, *told)
        for name in dict.fromkeys([*x.programs, *y.programs]):
            inner = [n.programs.get(name, GraphDescription(())) for n in (x, y)]
            yield from _Comparison(inner[0], inner[1], f"{self.place}{x.name}, {name}: ").changes()

    def _source_changes(
        self,
        kind: str,
        node: NodeDescription | None,
        ours: Sequence[InputDescription],
        theirs: Sequence[InputDescription],
    ) -> Iterator[GraphChange]:
        for i, (x, y) in enumerate(zip_longest(ours, theirs)):
            if x is None or y is None or x.node is None or y.node is None:
                same = x == y
            else:
                same = (self.forth.get(x.node), x.output) == (y.node, y.output)
            if not same:
                yield self._change(kind, node, str(i), "" if x is None else x.text, "" if y is None else y.text)


def _name_and_op(node: NodeDescription) -> Hashable:
    return node.name, node.op


def _form(node: NodeDescription) -> Hashable:
    """What a node is, but for its name and what it takes."""
    programs = tuple((name, program.digest()) for name, program in node.programs.items())
    return node.op, node.part, tuple(node.attributes.items()), node.outputs, programs


def _rules(graph: GraphDescription) -> dict[str, list[RuleDescription]]:
    """Which definitions made the gradient of each node."""
    found: dict[str, dict[Any, RuleDescription]] = defaultdict(dict)
    for node in graph.nodes:
        if node.rule is not None:
            found[node.gradient_of].setdefault(node.rule.identity, node.rule)
    return {name: list(rules.values()) for name, rules in found.items()}


def _told(before: Sequence[RuleDescription], after: Sequence[RuleDescription]) -> tuple[str, str]:
    """Definitions in words, with a digest of their code where the words alone are the same."""
    texts = ["; ".join(map(str, rules)) for rules in (before, after)]
    if texts[0] == texts[1]:
        texts = ["; ".join(f"{rule} with code {rule.code}" for rule in rules) for rules in (before, after)]
    return texts[0], texts[1]


def _text(x: InputDescription) -> str:
    return x.text


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"
