"""From what a graph says to the boxes of its picture."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import chainrule as cr
from chainrule_draw._box import Box, connect

PARTS: Final = ("forward", "gradient", "update")
_KINDS: Final = {
    "placeholder": "input",
    "argument": "input",
    "read_variable": "variable",
    "assign_variable": "variable",
    "constant": "constant",
    "full": "constant",
    "size": "constant",
}
NODES: Final = frozenset({*_KINDS.values(), "operation", "gradient", "update"})
_GRADIENTS: Final = re.compile(r"gradients(_\d+)?")


def scene(graph: cr.GraphDescription, name: str) -> Box:
    """The boxes of a graph: a part for what is computed forward, one for gradients, one for updates that use them.

    What a part takes from another stands in it as a reference, so that no edge leads from part to part. Where all is
    computed forward there are no parts.
    """
    apart = any(node.part != "forward" for node in graph.nodes)
    root = Box("graph", name, in_row=apart)
    _Builder(graph).build(root, apart)
    return root


class _Builder:
    """Makes the boxes of one graph or program."""

    def __init__(self, graph: cr.GraphDescription) -> None:
        self.graph = graph
        self.apart = False
        self.after: list[list[int]] = [[] for _ in graph.nodes]  # what takes each node, in the same part
        self.boxes: dict[int, Box] = {}
        self.references: dict[tuple[Box | None, int], Box] = {}

    def build(self, around: Box, apart: bool) -> None:
        """Fill a box, with forward and gradient parts apart or together."""
        self.apart = apart
        for i, node in enumerate(self.graph.nodes):
            for j in (*(x.node for x in node.inputs if x.node is not None), *node.controls):
                if not apart or self.graph.nodes[j].part == node.part:
                    self.after[j].append(i)
        everything = range(len(self.graph.nodes))
        for part in PARTS if apart else ():
            members = [i for i in everything if self.graph.nodes[i].part == part]
            if members:
                inner = around.add(Box(f"part {part}", part))
                self._scoped(inner, members, 0, 0)
        if not apart:
            self._scoped(around, list(everything), 0, 0)
        for i, node in enumerate(self.graph.nodes):
            for x in node.inputs:
                if x.node is not None:
                    self._edge("data", x.node, i, x.output)
            for j in node.controls:
                self._edge("control", j, i)
            for j in node.followers:
                self._edge("control", i, j)
        for n, y in enumerate(self.graph.outputs):
            if y.node is None:
                continue
            source = self.boxes[y.node]
            label = "result" if len(self.graph.outputs) == 1 else f"result {n}"
            result = (source.parent or around).add(Box("output", label, title=f"{label}: {y.text}"))
            connect("data", source, result, self._label(y.node, y.output))

    def _scoped(self, around: Box, members: Sequence[int], start: int, at: int) -> None:
        """Put nodes into a box, those of a name scope into a box of their own.

        A scope gets none if it would hold one node, or if a way leads out of it and back: a picture reads downwards.

        Args:
            around: the box.
            members: the nodes.
            start: where in the nodes' names the box's own name ends.
            at: where the part of the names begins that they are now sorted by.
        """
        groups: dict[str, list[int]] = {}
        for i in members:
            head, slash, _ = self.graph.nodes[i].name[at:].partition("/")
            groups.setdefault(f"{head}/" if slash else f"{i}", []).append(i)
        scopes = [head for head, inside in groups.items() if head.endswith("/") and len(inside) > 1]
        for head, inside in groups.items():
            end = at + len(head)
            if head not in scopes:
                for i in inside:
                    self._node(around, i, start)
            elif len(scopes) == 1 and _GRADIENTS.fullmatch(head[:-1]):  # the part says so already
                self._scoped(around, inside, end, end)
            elif not self._is_closed(inside):
                self._scoped(around, inside, start, end)
            else:
                name = self.graph.nodes[inside[0]].name[start : end - 1]
                self._scoped(around.add(self._scope(name, inside)), inside, end, end)

    def _is_closed(self, members: Sequence[int]) -> bool:
        """Whether no way leads from some nodes over others of their part back to them."""
        inside, last = set(members), max(members)
        stack = [j for i in members for j in self.after[i] if j not in inside]
        seen = set(stack)
        while stack:
            for j in self.after[stack.pop()]:
                if j in inside:
                    return False
                if j < last and j not in seen:
                    seen.add(j)
                    stack.append(j)
        return True

    def _scope(self, name: str, members: Sequence[int]) -> Box:
        """The box of a name scope; where one definition made all in it, it tells which."""
        nodes = [self.graph.nodes[i] for i in members]
        rule = nodes[0].rule
        if rule is None or any((n.rule, n.gradient_of) != (rule, nodes[0].gradient_of) for n in nodes):
            return Box("scope", name, title=f"name scope {name}")
        return Box("scope", name, title=f"gradient of {nodes[0].gradient_of}\n{_rule(rule)}", marked=rule.override)

    def _node(self, around: Box, i: int, start: int) -> None:
        node = self.graph.nodes[i]
        short = node.name[start:]
        kind = _KINDS.get(node.op, "operation")
        if kind == "operation" and node.part != "forward":
            kind = node.part
        box = Box(kind, _label(node, short), ", ".join(node.outputs), title=_title(node))
        box.marked = node.override is not None or (node.rule is not None and node.rule.override)
        self.boxes[i] = around.add(box)
        for name, program in node.programs.items():
            inner = box.add(Box("program", name, title=f"{node.name}: {name}"))
            _Builder(program).build(inner, apart=False)

    def _edge(self, kind: str, source: int, target: int, output: int = 0) -> None:
        start, end = self.boxes[source], self.boxes[target]
        label = "" if kind == "control" else self._label(source, output)
        if self.graph.nodes[source].part != self.graph.nodes[target].part and self.apart:
            start = self._reference(source, end.parent)
        connect(kind, start, end, label)

    def _label(self, source: int, output: int) -> str:
        """What is written at an edge: which result it is, where there are several."""
        outputs = self.graph.nodes[source].outputs
        return f":{output} {outputs[output]}" if len(outputs) > 1 else ""

    def _reference(self, source: int, around: Box | None) -> Box:
        """What stands for a node of another part in a box."""
        assert around is not None
        found = self.references.get((around, source))
        if found is None:
            node = self.graph.nodes[source]
            short = "/".join(node.name.split("/")[-2:])
            made = Box("reference", short, ", ".join(node.outputs), title=f"reference to\n{_title(node)}")
            found = self.references[around, source] = around.add(made)
        return found


def _label(node: cr.NodeDescription, short: str) -> str:
    """A node's name, and its operation where the name does not tell."""
    base = re.sub(r"_\d+$", "", short.rpartition("/")[2])
    if node.op == "full":
        return f"{short} {node.attributes['value']}"
    if node.op in ("placeholder", "argument", "read_variable", "assign_variable") or base == node.op:
        return short
    return f"{short}: {node.op}"


def _title(node: cr.NodeDescription) -> str:
    """All there is to know of a node."""
    takes = ", ".join(x.text for x in node.inputs)
    lines = [
        node.name,
        f"operation {node.op}",
        f"gives {', '.join(node.outputs) or 'nothing'}",
        f"takes {takes}" if takes else "",
        *(f"{name}={value}" for name, value in node.attributes.items()),
        f"made at {node.site}",
        f"gradient of {node.gradient_of}\n{_rule(node.rule)}" if node.rule is not None else "",
        f"override in force: {_rule(node.override)}" if node.override is not None else "",
        "" if node.recorded else "no gradient passes: made under no_grad",
        f"id {node.id}",
    ]
    return "\n".join(filter(None, lines))


def _rule(rule: cr.RuleDescription) -> str:
    return f"{rule}, {rule.location}" if rule.location else str(rule)
