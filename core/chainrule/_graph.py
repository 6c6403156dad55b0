"""`Graph`: nodes in the order they were made, which is a topological order.

A graph is built by calling operations on symbolic tensors while it is the one in force. `Body` is the graph of a
function, a branch or a loop's body: closed, so that all it needs from outside are inputs of it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import CodeType
from typing import TYPE_CHECKING, Any, Final

from chainrule import _context, ops
from chainrule._dim import Dim, PossibleDim, has_dim
from chainrule._dtypes import PYTHON_NUMBERS
from chainrule._errors import GraphError, TrackedValueError, nearest
from chainrule._graph_ops import ARGUMENT, ASSIGN, CONSTANT, READ, SIZE, STRONG
from chainrule._node import NO_ATTRIBUTES, Site, new_serial, outside
from chainrule._record import origin
from chainrule._symbol import Symbol
from chainrule._tensor import Tensor
from chainrule.infer import Spec, result_dtype, scalar_spec

if TYPE_CHECKING:
    from chainrule._definition import Definition
    from chainrule._op import Op
    from chainrule._variable import Variable


class Instruction:
    """An operation on some values, giving others.

    Attributes:
        op: the operation.
        inputs: symbols, Python numbers, sizes, and None where an input is left out.
        attributes: its metadata; sub-programs among it for control flow and calls.
        outputs: the symbols it gives.
        node: the node of a graph it comes from, which knows its name and place in the user's code.
    """

    __slots__ = ("attributes", "inputs", "node", "op", "outputs")

    op: Op
    inputs: tuple[Any, ...]
    attributes: Mapping[str, Any]
    outputs: tuple[Symbol, ...]
    node: GraphNode

    def __init__(
        self, op: Op, inputs: tuple[Any, ...], attributes: Mapping[str, Any], outputs: tuple[Symbol, ...], node: Any
    ) -> None:
        self.op = op
        self.inputs = inputs
        self.attributes = attributes
        self.outputs = outputs
        self.node = node


class GraphNode(Instruction):
    """One application of an operation in a graph.

    Attributes:
        graph: the graph it belongs to.
        name: its name, unique in the graph.
        serial: grows with every node.
        controls: nodes that run before it, though it does not use their results.
        definition: the gradient override in force when it was made, if there was one.
        recorded: whether gradients pass it; false under `no_grad`.
        derives: for a node that computes a gradient, the forward node and the definition that made it.
        followers: nodes that run whenever it does: the assignments of a branch or a loop.
    """

    __slots__ = (
        *("code", "controls", "definition", "derives", "followers", "graph", "lasti", "name", "recorded", "serial"),
    )

    graph: Graph
    name: str
    serial: int
    controls: tuple[GraphNode, ...]
    definition: Definition | None
    recorded: bool
    derives: tuple[GraphNode, Definition] | None
    followers: tuple[GraphNode, ...]
    code: CodeType
    lasti: int

    @property
    def site(self) -> Site:
        """Where the user's code made it."""
        return Site(self.code, self.lasti)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """Its results as tensors."""
        return tuple(symbol.tensor for symbol in self.outputs)

    def run(self, feed_dict: Mapping[Any, Any] | None = None, session: Any = None) -> None:
        """Run it in a session, the default one if none is given."""
        from chainrule._session import default_session

        default_session(f"{self.name}.run", session).run(self, feed_dict)

    def __repr__(self) -> str:
        gives = ", ".join(repr(symbol.spec) for symbol in self.outputs) or "nothing"
        return f"<GraphNode {self.name!r}: {self.op.name} -> {gives}>"


class Graph:
    """Nodes in the order they were made.

    While a graph is in force (`with graph.as_default():`) placeholders, constants and reads of variables are symbolic
    tensors of it, and so is what is computed from them.

    >>> import chainrule as cr
    >>> graph = cr.Graph()
    >>> with graph.as_default():
    ...     x = cr.placeholder("float64", (None,), name="x")
    ...     y = cr.sum(x * x)
    ...     (dx,) = cr.gradients(y, x)
    >>> cr.Session(graph).run([y, dx], {x: [1.0, 2.0]})
    [np.float64(5.0), array([2., 4.])]
    """

    what = "a graph"
    closed = False  # whether all it needs from outside comes in as inputs

    def __init__(self) -> None:
        self.nodes: list[GraphNode] = []
        self.variables: list[Variable] = []
        self._by_name: dict[str, GraphNode] = {}
        self._counts: dict[str, int] = {}
        self._constants: dict[int, tuple[Any, Tensor]] = {}
        self._reads: dict[int, Tensor] = {}
        self._lock = threading.RLock()

    # In force

    @contextmanager
    def as_default(self) -> Iterator[Graph]:
        """Build in this graph in a `with` block. Everything is recorded, so that gradients can be asked for later."""
        with _context.scope(graph=self, recording=True, scope="", controls=()):
            yield self

    @contextmanager
    def gradient_override_map(self, op_type_map: Mapping[Any, Any]) -> Iterator[None]:
        """Give operations called in this block other gradients: `cr.override_gradients`, for TensorFlow's habits.

        Args:
            op_type_map: operations to gradients. Operations can be named as TensorFlow does (`"Sign"`, `"MatMul"`,
                `"Mul"`), gradients by what they are registered as with `cr.register_gradient`; whatever
                `override_gradients` takes will do too. A gradient is `f(g, y, *inputs, **attributes)`, as everywhere.

        Raises:
            GraphError: the graph is not being built here.
            DTypeError: it is no mapping.
            SelectorError: no such operation or gradient; suggests the nearest. Nothing is then in force.

        >>> import chainrule as cr
        >>> _ = cr.register_gradient("DoctestOfTheIdentity", lambda g, _y, _x: g)
        >>> with cr.Graph().as_default() as graph, cr.Session(graph):
        ...     x = cr.constant(3.0)
        ...     with graph.gradient_override_map({"Sign": "DoctestOfTheIdentity"}):
        ...         y = cr.sign(x)
        ...     cr.gradients(y, x)[0].eval()
        np.float64(1.0)
        """
        from chainrule._graph_functions import override_map

        with override_map(self, op_type_map):
            yield

    # Building

    def add(
        self, op: Op, inputs: Sequence[Any], attributes: Mapping[str, Any] = NO_ATTRIBUTES, name: str | None = None
    ) -> GraphNode:
        """Append a node; its outputs' shapes and dtypes are the rule's.

        Raises:
            ShapeError, DTypeError: the rule refuses the inputs.
            GraphError: an input belongs to another graph.
        """
        context = _context.current()
        own = tuple(inputs)
        weak = foreign = False
        for x in own:
            if type(x) is Symbol:
                weak = weak or x.weak
                foreign = foreign or x.node.graph is not self
        if foreign:
            own = tuple([self.local(x) if type(x) is Symbol and x.node.graph is not self else x for x in own])
            weak = any(type(x) is Symbol and x.weak for x in own)
        if weak:
            weak = op.name in _ARITHMETIC and all(type(x) is not Symbol or x.weak for x in own)
            own = self._with_dtype(op, own)
        specs = specs_of(op, own, attributes)
        node: GraphNode = object.__new__(GraphNode)
        node.op = op
        node.inputs = own
        node.attributes = attributes
        node.outputs = tuple([Symbol(_named(s.shape), s.dtype, node, i, weak or s.weak) for i, s in enumerate(specs)])
        node.node = node
        node.graph = self
        node.serial = new_serial()
        node.controls = context.controls
        node.definition = None if context.overrides is None else context.overrides.get(op.name)
        node.recorded = context.recording
        node.derives = context.derives
        node.followers = ()
        frame = outside(sys._getframe(1))
        node.code = frame.f_code
        node.lasti = frame.f_lasti
        with self._lock:
            node.name = self._unique(context.scope + (name or op.name))
            self._by_name[node.name] = node
            self.nodes.append(node)
        return node

    def unique_scope(self, name: str) -> str:
        """A name scope that no other part of this graph has."""
        with self._lock:
            return f"{self._unique(name)}/"

    def forget(self, start: int) -> None:
        """Take back the nodes from the given one on, to which nothing refers."""
        with self._lock:
            gone = self.nodes[start:]
            for node in gone:
                del self._by_name[node.name]
                self._counts.pop(node.name, None)
            del self.nodes[start:]
            self._constants = {key: known for key, known in self._constants.items() if known[1]._value.node not in gone}
            self._reads = {key: known for key, known in self._reads.items() if known._value.node not in gone}

    def _unique(self, name: str) -> str:
        count = self._counts.get(name)
        if count is None:
            self._counts[name] = 0
            return name
        while True:
            count += 1
            candidate = f"{name}_{count}"
            if candidate not in self._counts:
                break
        self._counts[name] = count
        self._counts[candidate] = 0
        return candidate

    def _with_dtype(self, op: Op, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """Inputs where a Python number is one with a dtype, unless it stands beside an array it takes the dtype of.

        What is computed from such numbers alone is one when the program runs too: it is cast to that dtype here.
        """
        if op is STRONG:
            return inputs
        strong = [x.spec for x in inputs if type(x) is Symbol and not x.weak]
        if not op.broadcasts or not strong:
            return tuple([self._strong(x) if type(x) is Symbol and x.weak else x for x in inputs])
        dtype = result_dtype(*input_specs([x for x in inputs if x is not None]))
        return tuple(
            [
                self._cast(x, dtype) if type(x) is Symbol and x.weak and x.node.op.name in _ARITHMETIC else x
                for x in inputs
            ]
        )

    def _strong(self, x: Symbol) -> Symbol:
        return self.add(STRONG, (x,), {"dtype": x.dtype}).outputs[0]

    def _cast(self, x: Symbol, dtype: Any) -> Symbol:
        x = self._strong(x)
        return x if x.dtype == dtype else self.add(ops.astype.op, (x,), {"dtype": dtype}).outputs[0]

    def tensor(
        self,
        op: Op,
        inputs: Sequence[Any] = (),
        attributes: Mapping[str, Any] = NO_ATTRIBUTES,
        name: str | None = None,
        source: Op | None = None,
    ) -> Tensor:
        """Append a node of one output; its tensor, one that gradients can be taken at if `source` says as what."""
        (symbol,) = self.add(op, inputs, attributes, name).outputs
        node = None
        if source is not None and symbol.dtype.is_inexact and _context.current().recording:
            node = origin(source, attributes if source is op else NO_ATTRIBUTES)
            node.output = symbol
        return wrap(symbol, node)

    def constant(self, value: Tensor, own: bool = False) -> Tensor:
        """A concrete tensor as a symbolic one of this graph, the same for the same value.

        It is copied, unless it is an array of its own that nobody else holds.
        """
        if value._node is not None and value._node.live:
            raise TrackedValueError(
                f"a tensor of shape {value.shape} that is being differentiated was used while {self.what} is being "
                "built, where it would be a constant; pass it as an argument, or cut it knowingly with "
                f"cr.stop_gradient(x); it was made at {value._node.site}"
            )
        key = id(value._value)
        known = self._constants.get(key)
        if known is None:
            kept = value
            if not own:  # what is written into an array later does not change the graph
                kept = Tensor(value._backend.asarray(value._value, None, value.device), value._backend)
            known = self._constants[key] = (value._value, self.tensor(CONSTANT, (), {"value": kept}))
        return known[1]

    def local(self, symbol: Symbol) -> Symbol:
        """This graph's own symbol for another graph's.

        Raises:
            GraphError: it cannot be used here.
        """
        raise GraphError(
            f"symbolic tensor {symbol.name!r}, made at {symbol.node.site}, belongs to another graph: it is of "
            f"{symbol.node.graph.what}, and used while {self.what} is being built"
        )

    def local_tensor(self, x: Any) -> Any:
        """This graph's own tensor for one of a graph around it; anything else as it is."""
        if type(x) is Tensor and type(x._value) is Symbol and x._value.node.graph is not self:
            return self.local(x._value).tensor
        return x

    def sees(self, graph: Graph) -> bool:
        """Whether what another graph computes can be used here: it is this one, or around it."""
        return graph is self

    # Variables

    def own(self, variable: Variable) -> None:
        """Take in a variable that is being made in this graph, under a name that no other has."""
        with self._lock:
            variable.name = self._unique(variable.name)
        self.variables.append(variable)

    def initializer(self, variable: Variable, value: Tensor) -> GraphNode:
        """The node that gives a variable its initial value."""
        token = _context.enter(_context.current().replace(graph=self, recording=False, scope="", controls=()))
        try:
            return self.add(ASSIGN, (value._value,), {"variable": variable}, f"{variable.name}/initializer")
        finally:
            _context.leave(token)

    def lifted(self, x: Tensor, own: bool = False) -> Tensor:
        """A tensor as a symbolic one of this graph; see `constant`."""
        return self.local_tensor(x) if type(x._value) is Symbol else self.constant(x, own)

    def read(self, variable: Variable) -> Tensor:
        """The value that a variable has at this point of the graph."""
        known = self._reads.get(id(variable))
        context = _context.current()
        if (
            known is None
            or known._value.node.controls != context.controls
            or (not known._node and variable.trainable and context.recording)
        ):
            self.watch(variable)
            source = READ if variable.trainable else None
            known = self._touch(READ, (), variable, "read", source)
            self._reads[id(variable)] = known
        return known

    def watch(self, variable: Variable) -> None:
        """Count a variable among this graph's.

        Raises:
            GraphError: it was made in another graph.
        """
        if variable.graph is not None and variable.graph is not self:
            raise GraphError(
                f"variable {variable.name!r} was made in another graph, and was used while {self.what} is being built; "
                "make variables that graphs share before, outside of any graph"
            )
        if all(variable is not other for other in self.variables):
            self.variables.append(variable)

    def assign(self, variable: Variable, value: Tensor) -> Tensor:
        """Give a variable a new value when this part of the graph runs; the tensor of that value."""
        self.watch(variable)
        self._reads.pop(id(variable), None)
        return self._touch(ASSIGN, (self.local_tensor(value)._value,), variable, "assign")

    def _touch(self, op: Op, inputs: Sequence[Any], variable: Variable, what: str, source: Op | None = None) -> Tensor:
        """Append a node that reads or assigns a variable, whose name may have the name scope in it already."""
        name = variable.name.removeprefix(_context.current().scope)
        return self.tensor(op, inputs, {"variable": variable}, f"{name}/{what}", source)

    # Looking

    def node(self, name: str) -> GraphNode:
        """The node of a name.

        Raises:
            GraphError: there is none; suggests the nearest.
        """
        found = self._by_name.get(name)
        if found is None:
            near = nearest(name, self._by_name)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise GraphError(f"no node of the graph is called {name!r}{hint}")
        return found

    def get_tensor(self, name: str) -> Tensor:
        """The tensor of a name: `"x"` for a node's only result, `"x:1"` for one of several."""
        node_name, colon, index = name.partition(":")
        node = self.node(node_name)
        i = int(index) if index.isdigit() else 0
        if (colon and not index.isdigit()) or i >= len(node.outputs) or (not colon and len(node.outputs) != 1):
            n = len(node.outputs)
            first = f", {node_name}:0 the first" if n else ""
            raise GraphError(f"{name!r}: node {node_name!r} has {n or 'no'} result{'s' * (n != 1)}{first}")
        return node.outputs[i].tensor

    def __len__(self) -> int:
        return len(self.nodes)

    def __iter__(self) -> Iterator[GraphNode]:
        return iter(tuple(self.nodes))

    def __repr__(self) -> str:
        return f"<Graph of {len(self.nodes)} node{'s' * (len(self.nodes) != 1)}>"

    def __str__(self) -> str:
        from chainrule._describe import describe_graph

        return str(describe_graph(self))

    def _repr_svg_(self) -> str | None:
        from chainrule._graph_text import picture

        return picture(self)

    def _repr_html_(self) -> str:
        from chainrule._graph_text import page

        return page(self)


class Body(Graph):
    """The graph of a function, a branch or a loop's body.

    What it uses from the graph around it comes in as further inputs, and so do the values of variables it reads; the
    variables it assigns are further results. So it can be run, differentiated and copied by itself.
    """

    closed = True

    def __init__(self, what: str, parent: Graph | None = None, outer: Graph | None = None) -> None:
        """Start one.

        Args:
            what: what errors call it.
            parent: the graph around it, whose symbols and variables come in.
            outer: the same for a function, which sees to variables itself.
        """
        super().__init__()
        self.what = what
        self.parent = parent
        self.outer = outer if parent is None else parent
        self.inputs: list[Symbol] = []
        self.captures: dict[Symbol, Symbol] = {}
        self.reads: list[Variable] = []
        self.assigned: list[Variable] = []
        self._state: dict[int, Tensor] = {}

    def own(self, variable: Variable) -> None:
        """See `Graph.own`: not here.

        Raises:
            GraphError: always.
        """
        raise GraphError(
            f"variable {variable.name!r} was made while {self.what} is being built, which happens once for many runs; "
            "make variables before, or in `with cr.init_scope():`"
        )

    def input(self, spec: Spec, name: str | None = None, source: Op | None = None) -> Tensor:
        """A further input of this shape and dtype, one that gradients can be taken at if `source` says as what."""
        x = self.tensor(ARGUMENT, (), {"spec": spec}, name, source)
        self.inputs.append(x._value)
        return x

    def constant(self, value: Tensor, own: bool = False) -> Tensor:
        """See `Graph.constant`: what is being differentiated comes in, if it can into the graph around this one."""
        if value._node is not None and value._node.live and isinstance(self.outer, Body):
            return self._captured(self.outer.constant(value, own)).tensor
        return super().constant(value, own)

    def local(self, symbol: Symbol) -> Symbol:
        """See `Graph.local`: a symbol of a graph around this one becomes an input."""
        if not self.sees(symbol.node.graph):
            return super().local(symbol)
        assert self.outer is not None
        return self._captured(self.outer.local_tensor(symbol.tensor))

    def sees(self, graph: Graph) -> bool:
        """See `Graph.sees`."""
        around: Graph | None = self
        while around is not None and around is not graph:
            around = around.outer if isinstance(around, Body) else None
        return around is graph

    def _captured(self, outer: Tensor) -> Symbol:
        """The input that a tensor of the graph around this one comes in by."""
        symbol: Symbol = outer._value
        inner = self.captures.get(symbol)
        if inner is None:
            token = _context.enter(_context.current().replace(graph=self, scope="", derives=None, controls=()))
            try:
                inner = self.input(symbol.spec, symbol.node.name.rpartition("/")[2])._value
            finally:
                _context.leave(token)
            self.captures[symbol] = inner
        return inner

    def read(self, variable: Variable) -> Tensor:
        """See `Graph.read`."""
        key = id(variable)
        value = self._state.get(key)
        if value is None:
            if self.parent is None:
                value = self.input(Spec(variable.shape, variable.dtype), variable.name)
                self.reads.append(variable)
            else:
                value = self._captured(read_outside(self.parent, variable)).tensor
            self._state[key] = value
        if variable.trainable and not value._node and _context.current().recording:
            value = alias(value, origin(READ, {"variable": variable}))
            self._state[key] = value
        return value

    def assign(self, variable: Variable, value: Tensor) -> Tensor:
        """See `Graph.assign`."""
        self.read(variable)
        if all(variable is not other for other in self.assigned):
            self.assigned.append(variable)
        self._state[id(variable)] = alias(value)
        return value

    def state(self, variable: Variable) -> Tensor:
        """The value a variable has at the end so far."""
        return self._state[id(variable)]


def read_outside(graph: Graph, variable: Variable) -> Tensor:
    """A variable read in a graph around the one in force."""
    changes = {"graph": graph, "recording": True, "scope": "", "derives": None, "controls": ()}
    token = _context.enter(_context.current().replace(**changes))
    try:
        return graph.read(variable)
    finally:
        _context.leave(token)


def wrap(symbol: Symbol, node: Any = None, index: int = 0) -> Tensor:
    """The tensor of a symbol."""
    from chainrule._symbolic import SYMBOLIC

    tensor = Tensor(symbol, SYMBOLIC, node, index)
    symbol.tensor = tensor
    return tensor


def alias(x: Tensor, node: Any = None) -> Tensor:
    """A symbolic tensor's value as another tensor, with this origin in place of its own."""
    graph = _context.current().graph
    assert graph is not None
    (symbol,) = graph.add(ops.identity.op, (x._value,)).outputs
    if node is not None:
        node.output = symbol
        node.inputs = tuple(map(graph.local_tensor, node.inputs))
    return wrap(symbol, node)


def size_tensor(size: Dim) -> Tensor:
    """A size that is not known yet as a tensor, which takes the dtype of what it meets."""
    graph = _context.current().graph
    if graph is None:
        raise GraphError("a size that is not known yet was used as a tensor where no graph is being built")
    return graph.tensor(SIZE, (), {"size": size})


# What Python computes from its numbers is a number, and takes the dtype of what it meets.
_ARITHMETIC: Final = frozenset(
    {"add", "subtract", "multiply", "divide", "floor_divide", "remainder", "pow", "negative", "positive", "abs"}
)


def input_specs(inputs: Sequence[Any]) -> list[Any]:
    """The shapes and dtypes of an instruction's inputs, None for one that is left out."""
    return [x.spec if type(x) is Symbol else x if x is None else scalar_spec(x) for x in inputs]


_known_specs: Final[dict[Any, Sequence[Spec]]] = {}
_MANY_SPECS: Final = 4096


def specs_of(op: Op, inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Sequence[Spec]:
    """The shapes and dtypes of an operation's results, by its rule.

    A rule that refuses an unknown length for what it may turn out not to be is asked again, giving it the benefit of
    the doubt: the operation checks its inputs when it runs.
    """
    key: Any = None
    if op.elementwise and not attributes:
        key = (op, *[(x.shape, x.dtype, x.weak) if type(x) is Symbol else type(x) for x in inputs])
        known = _known_specs.get(key)
        if known is not None:
            return known
    specs = input_specs(inputs)
    try:
        found = op.infer(*specs, **attributes)
    except Exception:
        if not any(s is not None and (s.shape is None or has_dim(s.shape)) for s in specs):
            raise
        found = op.infer(*map(_in_doubt, specs), **attributes)
    found = found if op.multiple else (found,)
    if key is not None and all(map(_decides, inputs)) and len(_known_specs) < _MANY_SPECS:
        _known_specs[key] = found
    return found


def _decides(x: Any) -> bool:
    """Whether all that a shape rule could ask of an input is in its shape and dtype, or its type."""
    if type(x) is not Symbol:
        return type(x) in PYTHON_NUMBERS
    return not x.weak and x.dtype.is_inexact and x.shape is not None and not has_dim(x.shape)


def _in_doubt(spec: Spec | None) -> Spec | None:
    if spec is None or spec.shape is None:
        return spec
    return Spec(tuple([PossibleDim.of(n) if type(n) is Dim else n for n in spec.shape]), spec.dtype, spec.weak)


def _named(shape: Any) -> Any:
    """A shape where each unknown length has an identity."""
    if not shape or all(type(n) is int for n in shape):
        return shape if shape is None else tuple(shape)
    return tuple([n.certain if type(n) is PossibleDim else Dim() if n is None else n for n in shape])
