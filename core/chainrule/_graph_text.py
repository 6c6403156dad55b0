"""Graphs and programs as text: a line a node."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Final

from chainrule import _registry
from chainrule._describe import GraphDescription, InputDescription, NodeDescription
from chainrule._plugins import load_plugins

if TYPE_CHECKING:
    from chainrule._graph import Graph

_PARTS: Final = ("forward", "gradient", "update")


def graph_text(graph: GraphDescription) -> str:
    """A graph as text: forward nodes and those of gradients apart, each part by name scope.

    A line has a node's name, what it gives, its operation and what that takes, and where there are any: the nodes that
    run before it (`after`), those that run with it (`then`), `no_grad`, and the gradient override in force.
    """
    return "\n".join(_graph_lines(graph))


def _graph_lines(graph: GraphDescription) -> Iterator[str]:
    parts = {part: [n for n in graph.nodes if n.part == part] for part in _PARTS}
    counts = ", ".join(f"{len(nodes)} {part}" for part, nodes in parts.items() if nodes)
    yield f"graph of {counted(len(graph.nodes), 'node')}" + (
        f": {counts}" if len(parts["forward"]) < len(graph.nodes) else ""
    )
    names = [n.name for n in graph.nodes]

    def line(node: NodeDescription, name: str, indent: str) -> Iterator[str]:
        yield f"{indent}{name}{statement(node, lambda x: x.text)}{_notes(node, names)}"
        yield from _inner(node, indent)

    for part, nodes in parts.items():
        if nodes:
            yield f"\n{part}"
            yield from _scoped(nodes, 0, "  ", line)


def _scoped(
    nodes: Sequence[NodeDescription],
    start: int,
    indent: str,
    line: Callable[[NodeDescription, str, str], Iterator[str]],
    told: str = "",
) -> Iterator[str]:
    """Nodes by name scope, each scope where its first node is; a scope of one node is no block of its own.

    Where one definition made all of a scope, the scope's line tells it, and else each node's.
    """

    def scope(node: NodeDescription) -> str:
        head, slash, _ = node.name[start:].partition("/")
        return head + slash if slash else ""

    order = {key: i for i, key in enumerate(dict.fromkeys(_place(scope(node), i) for i, node in enumerate(nodes)))}
    placed = sorted(enumerate(nodes), key=lambda pair: order[_place(scope(pair[1]), pair[0])])
    for head, group in groupby((node for _, node in placed), key=scope):
        members = list(group)
        if not head or len(members) == 1:
            for node in members:
                first, *inner = line(node, node.name[start:], indent)
                yield first + ("" if _made(node) == told else _made(node))
                yield from inner
        else:
            rules = set(map(_made, members))
            rule = rules.pop() if len(rules) == 1 else ""
            yield f"{indent}{head}{'' if rule == told else rule}"
            yield from _scoped(members, start + len(head), f"{indent}  ", line, rule)


def _made(node: NodeDescription) -> str:
    """Which definition made a node, if one did."""
    return "" if node.rule is None else f"  gradient of {node.gradient_of} by {node.rule}"


def _place(scope: str, i: int) -> str | int:
    """A node outside of any scope is a place of its own."""
    return scope or i


def program_lines(
    program: GraphDescription, sites: bool = False, indent: str = "", remarks: Sequence[str] = ()
) -> Iterator[str]:
    """A program as lines of text, values by number: `a0` for an input, `v0` for a result.

    Args:
        program: the program.
        sites: whether comments say which line of the user's code, and which rule, made what follows them.
        indent: what each line begins with.
        remarks: what to say of each instruction in a comment at the end of its line.
    """
    names: dict[tuple[int, int], str] = {}

    def show(x: InputDescription) -> str:
        return x.text if x.node is None else names.get((x.node, x.output), x.text)

    for i in program.inputs:
        names[i, 0] = f"a{i}"
    given = ", ".join(f"a{i}: {program.nodes[i].outputs[0]} {program.nodes[i].name!r}" for i in program.inputs)
    yield f"{indent}inputs {given or 'none'}"
    said = ""
    for i, node in enumerate(program.nodes):
        if i in program.inputs:
            continue
        for j in range(len(node.outputs)):
            names[i, j] = f"v{len(names) - len(program.inputs)}"
        left = ", ".join(f"{names[i, j]}: {spec}" for j, spec in enumerate(node.outputs)) or "_"
        if sites and said != (said := _origin(node)):
            yield f"{indent}# {said}"
        remark = f"  # {remarks[i - len(program.inputs)]}" if remarks else ""
        yield f"{indent}{left}{statement(node, show, False)}{_notes(node, ())}{remark}"
        yield from _inner(node, indent, sites)
    yield f"{indent}return {', '.join(map(show, program.outputs))}".rstrip()


def statement(node: NodeDescription, show: Callable[[InputDescription], str], typed: bool = True) -> str:
    """What follows a node's name: what it gives, its operation, and what that takes."""
    specs = f": {', '.join(node.outputs)}" if typed and node.outputs else ""
    arguments = [*map(show, node.inputs), *(f"{name}={value}" for name, value in node.attributes.items())]
    return f"{specs} = {node.op}({', '.join(arguments)})"


def _notes(node: NodeDescription, names: Sequence[str]) -> str:
    notes = "".join(
        f"  {word} {', '.join(names[i] for i in others)}"
        for word, others in (("after", node.controls), ("then", node.followers))
        if others and names
    )
    return notes + "  no_grad" * (not node.recorded) + (f"  {node.override}" if node.override is not None else "")


def _origin(node: NodeDescription) -> str:
    return "; ".join(filter(None, (_made(node).strip(), node.site)))


def _inner(node: NodeDescription, indent: str, sites: bool = False) -> Iterator[str]:
    for name, program in node.programs.items():
        yield f"{indent}  {name}:"
        yield from program_lines(program, sites, f"{indent}    ")


def picture(graph: Graph) -> str | None:
    """A graph as SVG; None where what draws is not installed."""
    load_plugins()
    draw = _registry.functions.find("draw")
    if draw is None:
        return None
    try:
        svg: str = draw(graph).svg
    except ImportError:
        return None
    return svg


def page(graph: Graph) -> str:
    """A graph as HTML: its picture, or its text where what draws is not installed."""
    svg = picture(graph)
    return f"<pre>{escape(str(graph))}</pre>" if svg is None else f'<div style="overflow: auto">{svg}</div>'


def counted(n: int, what: str) -> str:
    """A number of things in words."""
    return f"{n} {what}{'s' * (n != 1)}"
