"""Why there is no gradient, and where the ones there are come from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from chainrule._backward import Subgraph
from chainrule._definition import Definition
from chainrule._errors import DTypeError
from chainrule._node import Cut, Node
from chainrule._overrides import resolve_overrides
from chainrule._tensor import Tensor
from chainrule._variable import Variable


@dataclass(frozen=True)
class CutEdge:
    """A place where a gradient path ends.

    Attributes:
        op: the operation that ends it.
        reason: why nothing passes.
        site: the line of your code, as file, line and text.
        certain: whether the cut is known to lie between the two; otherwise what came before it is no longer known.
    """

    op: str
    reason: str
    site: str
    certain: bool

    def __str__(self) -> str:
        doubt = "" if self.certain else " (what was before it is not kept)"
        return f"op {self.op!r} at {self.site}: {self.reason}{doubt}"


@dataclass(frozen=True)
class MissingGradient:
    """The answer of `why_no_gradient`.

    Attributes:
        connected: whether there is a gradient after all.
        reason: the answer in a sentence.
        cuts: the places where paths end.
    """

    connected: bool
    reason: str
    cuts: tuple[CutEdge, ...] = ()

    def __str__(self) -> str:
        return "\n  ".join([self.reason, *map(str, self.cuts)])


def why_no_gradient(y: Any, x: Any) -> MissingGradient:
    """Explain why the gradient of `y` with respect to `x` is missing.

    Args:
        y: the result, a tensor.
        x: the tensor or variable that no gradient reaches.

    Returns:
        The reason, with the places in your code where the path was cut. Print it, or read its fields.

    >>> import chainrule as cr
    >>> with cr.GradientTape() as tape:
    ...     x = tape.watch(cr.tensor([1.0, 3.0]))
    ...     y = cr.astype(cr.argmax(x), "float64") * 2.0
    >>> tape.gradient(y, x) is None
    True
    >>> print(cr.why_no_gradient(y, x))  # doctest: +ELLIPSIS
    y depends on x only through cuts
      op 'argmax' at ...: its result is an index
    """
    if type(y) is not Tensor or not (type(x) is Tensor or isinstance(x, Variable)):
        raise DTypeError(f"why_no_gradient: expected a tensor and a tensor or variable, got {y!r:.60} and {x!r:.60}")
    graph = Subgraph([y], [x] if type(x) is Tensor else [], [x] if isinstance(x, Variable) else [])
    reached = any(node in graph.found.values() for node in graph.sources)
    if y is x or (reached and (graph.inner or y._node in graph.sources)):
        return _connected(graph)
    if not x.dtype.is_inexact:
        return MissingGradient(False, f"x is of dtype {x.dtype}: only floating-point values have gradients")
    if isinstance(x, Tensor) and not isinstance(x._node, Node):
        if isinstance(x._node, Cut):
            cut = _edge(x._node, certain=True)
            return MissingGradient(False, "x itself is cut off: nothing records what is computed from it", (cut,))
        return MissingGradient(
            False, "x is not tracked: watch it (tape.watch(x)) or pass it to cr.grad before computing y from it"
        )
    if isinstance(x, Variable) and not x.trainable:
        return MissingGradient(False, f"variable {x.name!r} is not trainable: its reads are constants")
    cuts = cuts_between(y, x)
    if cuts:
        return MissingGradient(False, "y depends on x only through cuts", tuple(cuts))
    if not y._node:
        return MissingGradient(
            False,
            "y has no history: it was computed from untracked values, while nothing recorded, or under no_grad",
        )
    return MissingGradient(False, "y was not computed from x")


def _connected(graph: Subgraph) -> MissingGradient:
    """A path exists; a definition on it may still give nothing for the input it passes."""
    cuts = []
    for node in graph.nodes():
        functions = node.definition.functions if node.definition is not None else ()
        for i, (function, x) in enumerate(zip(functions, node.inputs, strict=False)):
            if function is None and type(x) is Tensor and (x._node in graph.inner or x._node in graph.sources):
                cuts.append(
                    CutEdge(node.op.name, f"its definition has no gradient for input {i}", str(node.site), True)
                )
    if cuts:
        return MissingGradient(False, "y depends on x only through inputs without gradients", tuple(cuts))
    return MissingGradient(True, "a gradient path leads from y to x")


def cuts_between(y: Tensor, x: Tensor | Variable) -> list[CutEdge]:
    """The cuts on the way from y, those that x is known to lie behind first."""
    marks: dict[int, Cut] = {}
    found = Subgraph([y], []).found.values()
    for t in (y, *(t for node in found for t in node.inputs if type(t) is Tensor)):
        if isinstance(t._node, Cut):
            marks[id(t._node)] = t._node
    edges = [_edge(mark, _lies_behind(x, mark)) for mark in marks.values()]
    return sorted(edges, key=lambda edge: not edge.certain)


def _lies_behind(x: Tensor | Variable, cut: Cut) -> bool:
    stack = [node for parent in cut.parents if (node := parent()) is not None]
    seen: set[Node] = set()
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if node is getattr(x, "_node", None) or node.attributes.get("variable") is x:
            return True
        stack.extend(t._node for t in node.inputs if type(t) is Tensor and isinstance(t._node, Node))
    return False


def _edge(cut: Cut, certain: bool) -> CutEdge:
    return CutEdge(cut.op.name, cut.reason, str(cut.site), certain)


@dataclass(frozen=True)
class GradientStep:
    """One node that a gradient passes, and which rule takes it through.

    Attributes:
        op: the operation.
        node: its name inside its name scope.
        rule: the name of the definition.
        override: whether an override is in force.
        contract: what the definition promises: `"exact"`, `"approximate(0.001)"`, `"surrogate"` or `"undeclared"`.
        policy: the missing-rule policy that made the definition, empty where none did.
        plugin: who registered the definition, with distribution and version (empty for your own code).
        distribution: see `plugin`.
        version: see `plugin`.
        definition: file and line of the definition.
        site: the line of your code that called the operation.
    """

    op: str
    node: str
    rule: str
    override: bool
    contract: str
    policy: str
    plugin: str
    distribution: str
    version: str
    definition: str
    site: str


@dataclass(frozen=True)
class Explanation:
    """Where a gradient comes from, step by step from the result backwards. Print it, or read `steps`."""

    steps: tuple[GradientStep, ...] = field(default=())

    def to_list(self) -> list[dict[str, Any]]:
        """The steps as plain data, for JSON."""
        return [asdict(step) for step in self.steps]

    def digest(self) -> str:
        """A hash of which rules of which plugins and versions were used, under which contracts, to pin in a test.

        It holds no paths and no lines: the same program gives the same digest anywhere.
        """
        used = [
            (s.node, s.rule, s.override, s.contract, s.policy, s.plugin, s.distribution, s.version) for s in self.steps
        ]
        return hashlib.sha256(repr(used).encode()).hexdigest()[:16]

    def __str__(self) -> str:
        lines = []
        for step in self.steps:
            by = f"{step.plugin} ({step.distribution} {step.version})" if step.distribution else step.plugin
            mark = " OVERRIDE" if step.override else " MISSING-RULE POLICY" if step.policy else ""
            lines.append(
                f"{step.node}: rule {step.rule!r} ({step.contract}) of {by}{mark}, {step.definition}; "
                f"called at {step.site}"
            )
        return "\n".join(lines) or "no gradient passes through any operation"


def explain_gradients(y: Any, x: Any, overrides: Mapping[Any, Any] | None = None) -> Explanation:
    """Tell which rule, of which plugin, makes each step of the gradient of `y` with respect to `x`.

    Args:
        y: a result that was recorded, or a list of them.
        x: a tensor or variable, or a list of them.
        overrides: gradient-time overrides, as they would be given to `gradients`.

    >>> import chainrule as cr
    >>> with cr.GradientTape() as tape:
    ...     x = tape.watch(cr.tensor(2.0))
    ...     y = cr.sin(x) * x
    >>> [(step.op, step.plugin) for step in cr.explain_gradients(y, x).steps]
    [('multiply', 'arrays'), ('sin', 'arrays')]
    """
    ys = y if isinstance(y, list | tuple) else [y]
    xs = x if isinstance(x, list | tuple) else [x]
    graph = Subgraph(ys, [t for t in xs if type(t) is Tensor], [v for v in xs if isinstance(v, Variable)])
    nodes = graph.nodes()
    chosen = resolve_overrides(overrides, nodes) if overrides else {}
    return Explanation(tuple([step_of(node, chosen.get(node, node.definition)) for node in nodes]))


def step_of(node: Node, definition: Definition | None) -> GradientStep:
    """What a definition does at a node."""
    assert definition is not None
    owner = definition.owner
    return GradientStep(
        node.op.name,
        node.name,
        definition.name,
        definition.is_override,
        str(definition.contract),
        definition.policy,
        owner.plugin,
        owner.distribution,
        owner.version,
        definition.location,
        str(node.site),
    )
