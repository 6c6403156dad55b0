"""What a graph or program says, as plain data: what its text, comparisons and drawings are made of.

The identity of a node is a hash of what it computes, so that it is the same in every run and process: its operation,
its attributes (constants by value, functions by their bytecode), the identities of its inputs and its name scope.
Numbers that tell nodes of one name apart, such as the 1 of `add_1`, take no part in it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from types import CodeType
from typing import Any, Final

import optree

from chainrule._definition import Definition
from chainrule._dim import Atom, Dim
from chainrule._dtypes import DType
from chainrule._errors import DTypeError
from chainrule._graph import Graph, GraphNode, Instruction
from chainrule._graph_functions import as_node
from chainrule._graph_ops import ARGUMENT, CONSTANT, FULL, PLACEHOLDER, SIZE
from chainrule._indexed_slices import IndexedSlices
from chainrule._program import Program
from chainrule._symbol import Symbol
from chainrule._tensor import Tensor
from chainrule._variable import Variable
from chainrule.infer import Spec

_SHOWN: Final = 6  # elements of a constant that its text shows; of a larger one it shows the digest
_CONSTANTS: Final = {CONSTANT.name, FULL.name, SIZE.name}
_GRADIENTS: Final = re.compile(r"(^|/)gradients(_\d+)?(/|$)")


@dataclass(frozen=True)
class RuleDescription:
    """A gradient definition.

    Attributes:
        name: the name it is registered under.
        contract: what it promises; see `cr.exact`.
        override: whether it stands in for the operation's own.
        policy: the missing-rule policy that made it, empty where none did.
        plugin: who registered it, with distribution and version (empty for your own code).
        distribution: see `plugin`.
        version: see `plugin`.
        location: file and line of it.
        code: a digest of its code, which tells two of one name apart.
    """

    name: str
    contract: str
    override: bool
    policy: str
    plugin: str
    distribution: str
    version: str
    location: str
    code: str

    @classmethod
    def of(cls, definition: Definition) -> RuleDescription:
        """Describe a definition."""
        owner = definition.owner
        functions = [f for f in (definition.joint, *definition.functions) if f is not None]
        return cls(
            definition.name,
            str(definition.contract),
            definition.is_override,
            definition.policy,
            owner.plugin,
            owner.distribution,
            owner.version,
            definition.location,
            _digest([definition.reason, *map(_function_text, functions)]),
        )

    @property
    def identity(self) -> tuple[Any, ...]:
        """What makes it this definition, wherever its file is."""
        return tuple(value for name, value in asdict(self).items() if name != "location")

    def __str__(self) -> str:
        by = f"{self.plugin} ({self.distribution} {self.version})" if self.distribution else self.plugin
        mark = " OVERRIDE" if self.override else " MISSING-RULE POLICY" if self.policy else ""
        return f"rule {self.name!r} ({self.contract}) of {by}{mark}"


@dataclass(frozen=True)
class InputDescription:
    """What a node takes.

    Attributes:
        text: the name of what gives it, or a number as it is written.
        node: the position of the node that gives it, None for a number.
        output: which of that node's results it is.
    """

    text: str
    node: int | None = None
    output: int = 0


@dataclass(frozen=True)
class NodeDescription:
    """A node of a graph, or an input or instruction of a program.

    Attributes:
        id: its identity, the same in every run.
        name: its name.
        op: its operation.
        part: `"gradient"` for what computes gradients, `"update"` for what uses them and what serves that alone, and
            `"forward"` for the rest.
        inputs: what it takes.
        attributes: its metadata as text.
        outputs: shapes and dtypes of its results.
        controls: positions of nodes that run before it.
        followers: positions of nodes that run whenever it does.
        recorded: whether gradients pass it; false under `no_grad`.
        override: the gradient override in force on it.
        gradient_of: for a node that computes a gradient, the name of the node it is the gradient of.
        rule: for a node that computes a gradient, the definition that made it.
        site: the line of your code that made it.
        programs: the programs that it holds, by name: branches, a loop's body.
    """

    id: str
    name: str
    op: str
    part: str
    inputs: tuple[InputDescription, ...]
    attributes: Mapping[str, str]
    outputs: tuple[str, ...]
    controls: tuple[int, ...]
    followers: tuple[int, ...]
    recorded: bool
    override: RuleDescription | None
    gradient_of: str
    rule: RuleDescription | None
    site: str
    programs: Mapping[str, GraphDescription]


@dataclass(frozen=True)
class GraphDescription:
    """A graph or program as plain data; see `describe_graph`. Printed, it is a line a node, by part and name scope.

    Attributes:
        nodes: what is computed, in order, a program's inputs first.
        inputs: the positions of a program's inputs.
        outputs: what a program gives.
    """

    nodes: tuple[NodeDescription, ...]
    inputs: tuple[int, ...] = ()
    outputs: tuple[InputDescription, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        from chainrule._graph_text import graph_text

        return graph_text(self)

    def digest(self) -> str:
        """A hash of what is computed and by which rules, to pin in a test. It holds no paths and no lines."""
        nodes = sorted((n.id, n.recorded, n.gradient_of, _pinned(n.override), _pinned(n.rule)) for n in self.nodes)
        inner = [program.digest() for node in self.nodes for program in node.programs.values()]
        return _digest([nodes, inner, [self.nodes[i].id for i in self.inputs], list(map(self.identity, self.outputs))])

    def identity(self, x: InputDescription) -> str:
        """What something that a node takes is, whatever it is called."""
        return x.text if x.node is None else f"{self.nodes[x.node].id}:{x.output}"


def _pinned(rule: RuleDescription | None) -> list[Any]:
    """What a digest holds of a rule."""
    return [] if rule is None else [rule.name, rule.contract, rule.policy, rule.plugin, rule.distribution, rule.version]


def describe_graph(what: Any) -> GraphDescription:
    """Describe a graph, a program, or the part of a graph that some tensors need, as plain data.

    Args:
        what: a `Graph`; a `Program`; or symbolic tensors, nodes and variables of a graph, in any pytree.

    Raises:
        DTypeError: it is none of these.

    >>> import chainrule as cr
    >>> with cr.Graph().as_default() as graph:
    ...     x = cr.placeholder("float64", (None,), name="x")
    ...     y = cr.sum(cr.sin(x))
    >>> [(node.name, node.op, node.outputs) for node in cr.describe_graph(graph).nodes]
    [('x', 'placeholder', ('float64[None]',)), ('sin', 'sin', ('float64[None]',)), ('sum', 'sum', ('float64[]',))]
    """
    if isinstance(what, Graph):
        return _Describer({}).graph(what.nodes)
    if isinstance(what, Program):
        return _Describer({}).program(what)
    nodes, outputs = fetched(what, "describe_graph")
    return _Describer({}).graph(needed([*nodes, *(y.node for y in outputs)]), outputs)


def fetched(what: Any, who: str) -> tuple[list[GraphNode], list[Symbol]]:
    """The nodes and the symbols in a pytree of tensors, variables and nodes of a graph.

    Raises:
        DTypeError: there is something else in it, or nothing.
    """
    nodes: list[GraphNode] = []
    symbols: list[Symbol] = []
    leaves = [what] if type(what) is Tensor else optree.tree_leaves(what)
    for leaf in leaves:
        if isinstance(leaf, GraphNode):
            nodes.append(leaf)
            continue
        for part in (leaf.values, leaf.indices) if isinstance(leaf, IndexedSlices) else (leaf,):
            symbols.append(part._value if type(part) is Tensor and type(part._value) is Symbol else _read(part, who))
    if not leaves:
        raise DTypeError(f"{who}: expected symbolic tensors or nodes of a graph, got {what!r:.60}, which holds none")
    return nodes, symbols


def _read(part: Any, who: str) -> Symbol:
    return as_node(part, who).outputs[0]


def needed(roots: Sequence[GraphNode]) -> list[GraphNode]:
    """The nodes that some nodes need, themselves among them, in order."""
    found: dict[int, GraphNode] = {}
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node.serial not in found:
            found[node.serial] = node
            stack.extend([x.node for x in node.inputs if type(x) is Symbol])
            stack.extend((*node.controls, *node.followers))
    return [found[serial] for serial in sorted(found)]


class _Describer:
    """Describes the instructions of one graph or program in order."""

    def __init__(self, sizes: Mapping[Dim, str]) -> None:
        self.sizes = dict(sizes)
        self.nodes: list[NodeDescription] = []
        self.places: dict[Symbol, tuple[int, int]] = {}

    def graph(self, nodes: Sequence[GraphNode], outputs: Sequence[Symbol] = ()) -> GraphDescription:
        """Describe nodes of a graph."""
        position = {node.serial: i for i, node in enumerate(nodes)}
        for node in nodes:
            controls, followers = (
                tuple([position[n.serial] for n in group if n.serial in position])
                for group in (node.controls, node.followers)
            )
            self.add(node, controls, followers)
        return GraphDescription(self._finished(), (), tuple(map(self.source, outputs)))

    def program(self, program: Program) -> GraphDescription:
        """Describe a program, its inputs first."""
        for x in program.inputs:
            self.add(Instruction(ARGUMENT, (), {"spec": x.spec}, (x,), x.node))
        for instruction in program.instructions:
            self.add(instruction)
        inputs = tuple(range(len(program.inputs)))
        return GraphDescription(self._finished(), inputs, tuple(map(self.source, program.outputs)))

    def add(self, instruction: Instruction, controls: tuple[int, ...] = (), followers: tuple[int, ...] = ()) -> None:
        """Describe the next instruction."""
        node, op = instruction.node, instruction.op
        is_input = op is ARGUMENT or op is PLACEHOLDER
        inputs = tuple(map(self.source, instruction.inputs))
        outputs = tuple([repr(symbol.spec) for symbol in instruction.outputs])
        attributes: dict[str, str] = {}
        programs: dict[str, GraphDescription] = {}
        for name, value in instruction.attributes.items():
            if is_dataclass(value) and hasattr(value, "programs"):  # what asks a variable reads its value
                holder: Any = value
                inner = zip(holder.names, holder.programs, strict=True)
                programs |= {name: _Describer(self.sizes).program(program) for name, program in inner}
                attributes |= self._fields(value)
            elif not is_input:
                attributes[name] = self.text(value)
        position = len(self.nodes)
        for i, symbol in enumerate(instruction.outputs):
            self.places[symbol] = (position, i)
            for axis, n in enumerate(symbol.shape or ()):
                if type(n) is Dim and n.is_atom:
                    self.sizes.setdefault(n, f"{_output_name(instruction, i)}.shape[{axis}]")
        derives = None if is_input else node.derives
        self.nodes.append(
            NodeDescription(
                self._id(instruction, is_input, inputs, controls, attributes, programs),
                node.name,
                op.name,
                self._part(node.name, derives is not None, inputs, controls),
                inputs,
                attributes,
                outputs,
                controls,
                followers,
                node.recorded,
                None if node.definition is None or is_input else RuleDescription.of(node.definition),
                "" if derives is None else derives[0].name,
                None if derives is None else RuleDescription.of(derives[1]),
                str(node.site),
                programs,
            )
        )

    def source(self, x: Any) -> InputDescription:
        """Describe what an instruction takes."""
        if type(x) is not Symbol:
            return InputDescription(self.text(x))
        place = self.places.get(x)
        if place is None:
            return InputDescription(x.name)
        index, output = place
        node = self.nodes[index]
        return InputDescription(node.name if len(node.outputs) == 1 else f"{node.name}:{output}", index, output)

    def _part(self, name: str, derived: bool, inputs: Iterable[InputDescription], controls: Sequence[int]) -> str:
        if derived or _GRADIENTS.search(name.rpartition("/")[0]):
            return "gradient"
        sources = [*(x.node for x in inputs if x.node is not None), *controls]
        return "forward" if all(self.nodes[i].part == "forward" for i in sources) else "update"

    def _finished(self) -> tuple[NodeDescription, ...]:
        """All nodes, those that serve one part alone as parts of it: an update's slots, a gradient's constants.

        What is differentiated again is no update.
        """
        nodes = list(self.nodes)
        differentiated = {node.gradient_of for node in nodes}
        users: list[set[str]] = [set() for _ in nodes]
        for i in reversed(range(len(nodes))):
            node = nodes[i]
            if node.name in differentiated:
                node = nodes[i] = replace(node, part="forward" if node.part == "update" else node.part)
            elif node.part == "forward" and len(users[i]) == 1:
                (part,) = users[i]
                if part == "update" or node.op in _CONSTANTS:
                    node = nodes[i] = replace(node, part=part)
            for j in (*(x.node for x in node.inputs if x.node is not None), *node.controls):
                users[j].add(node.part)
        return tuple(nodes)

    def _id(
        self,
        instruction: Instruction,
        is_input: bool,
        inputs: Sequence[InputDescription],
        controls: Sequence[int],
        attributes: Mapping[str, str],
        programs: Mapping[str, GraphDescription],
    ) -> str:
        name = instruction.node.name
        if is_input:
            return _digest(["input", name, repr(instruction.outputs[0].spec)])
        taken = [x.text if x.node is None else f"{self.nodes[x.node].id}:{x.output}" for x in inputs]
        before = [self.nodes[i].id for i in controls]
        inner = [(name, program.digest()) for name, program in programs.items()]
        return _digest([instruction.op.name, scope_of(name), sorted(attributes.items()), taken, before, inner])

    # Values

    def text(self, value: Any) -> str:
        """An attribute's value, in the same words in every run."""
        if isinstance(value, Dim):
            return self._size(value)
        if type(value) is Tensor:
            return _constant_text(value)
        if type(value) in (tuple, list):
            parts = [self.text(part) for part in value]
            return f"({', '.join(parts)}{',' * (len(parts) == 1)})"
        if isinstance(value, Mapping):
            return f"{{{', '.join(f'{key}: {self.text(part)}' for key, part in value.items())}}}"
        if isinstance(value, Definition):
            return str(RuleDescription.of(value))
        if isinstance(value, Variable | DType):
            return value.name if isinstance(value, Variable) else str(value)
        if is_dataclass(value) and not isinstance(value, type):
            held = [f"{name}={shown}" for name, shown in self._fields(value).items()]
            return f"{type(value).__name__.strip('_')}({', '.join(held)})"
        if value is Ellipsis:
            return "..."
        if hasattr(value, "__code__"):
            return _function_text(value)
        shown = repr(value)
        return type(value).__name__.strip("_") if " at 0x" in shown else shown

    def _fields(self, value: Any) -> dict[str, str]:
        """The fields of a dataclass that say something, but for programs."""
        held = [(f, getattr(value, f.name)) for f in fields(value) if f.name not in ("program", "programs", "names")]
        return {f.name: self.text(held_value) for f, held_value in held if held_value is not f.default}

    def _size(self, size: Dim) -> str:
        """A size that is not known yet, by what tells it."""
        terms = []
        for monomial, factor in size._terms:
            atoms = [self._atom(atom) for atom in monomial]
            terms.append(" * ".join(([] if factor == 1 and atoms else [repr(factor)]) + atoms))
        return " + ".join(terms)

    def _atom(self, atom: Atom) -> str:
        if not atom.kind:
            return self.sizes.get(Dim((((atom,), 1),)), "None")
        a, b = map(self.text, atom.args)
        sign = {"floordiv": "//", "mod": "%", "truediv": "/"}.get(atom.kind)
        return f"{atom.kind}({a}, {b})" if sign is None else f"({a} {sign} {b})"


def scope_of(name: str) -> str:
    """The name scope of a name, without the numbers that tell gradients of one name apart."""
    scope = name.rpartition("/")[0]
    return re.sub(r"(?<![^/])gradients_\d+(?=/|$)|_\d+(?=_grad(/|$))", lambda m: "gradients" * (m[0][0] == "g"), scope)


def plain_name(name: str) -> str:
    """A name without the numbers that tell nodes of one name apart."""
    base = re.sub(r"_\d+$", "", name.rpartition("/")[2])
    scope = scope_of(name)
    return f"{scope}/{base}" if scope else base


def _output_name(instruction: Instruction, output: int) -> str:
    name = instruction.node.name
    return name if len(instruction.outputs) == 1 else f"{name}:{output}"


def _constant_text(value: Tensor) -> str:
    spec = Spec(value.shape, value.dtype)
    array = value.backend.to_numpy(value.value)
    if value.size <= _SHOWN:
        return f"{spec!r} {array.tolist()!r}"
    data = array.tobytes() if hasattr(array, "tobytes") else repr(array.tolist()).encode()
    return f"{spec!r} #{hashlib.sha256(data).hexdigest()[:12]}"


def _function_text(function: Callable[..., Any]) -> str:
    name = getattr(function, "__qualname__", type(function).__name__)
    code = getattr(function, "__code__", None)
    return name if code is None else f"{name}#{_digest(_code_parts(code))}"


def _code_parts(code: CodeType) -> list[Any]:
    """What a function does, without where it is."""
    constants = [_code_parts(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    return [code.co_code.hex(), code.co_names, constants]


def _digest(parts: Any) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]
