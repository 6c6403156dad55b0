"""`Session`: runs parts of a graph, and keeps the values of its variables."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar, Token
from functools import partial
from typing import Any, Final

import optree

from chainrule import _backends, _context, _registry, ops
from chainrule._convert import as_tensor, tensor
from chainrule._dim import Dim, atoms, has_dim
from chainrule._dtypes import DType
from chainrule._errors import ArgumentError, DTypeError, GraphError, ShapeError, TrackedValueError, UnknownSizeError
from chainrule._graph import Graph, GraphNode, Instruction, size_tensor
from chainrule._graph_functions import set_default_graph
from chainrule._graph_ops import ASSIGN, GROUP, PLACEHOLDER, READ
from chainrule._indexed_slices import IndexedSlices
from chainrule._plan import Plan
from chainrule._plans import plan_of
from chainrule._plugins import load_plugins
from chainrule._program import Program, substituted
from chainrule._replay import specialise
from chainrule._settings import plan_settings
from chainrule._symbol import Symbol
from chainrule._tensor import Tensor
from chainrule._updates import Action, is_alone_in_store, variable_pairs
from chainrule._variable import Variable
from chainrule.infer import Spec, may_equal

_default: ContextVar[Session | None] = ContextVar("chainrule_session", default=None)
_process_default: Session | None = None


class Session:
    """Runs a graph on a backend.

    Each session has its own values of the graph's variables. Variables that were made outside of any graph start from
    the value they have when the session first needs it.

    Args:
        graph: the graph; the default one if None.
        backend: a choice as for `use_backend`; by default the backend in force when the session is made.

    Raises:
        GraphError: there is no default graph.
        DTypeError: `graph` is none.
        BackendError, BackendUnavailableError: the backend cannot be had; see `use_backend`.

    Threads can share a session. Runs that assign variables go one after the other, so that no update is lost; others
    go at the same time.

    >>> import chainrule as cr
    >>> with cr.Graph().as_default() as graph:
    ...     x = cr.placeholder("float64", (), name="x")
    ...     w = cr.Variable(2.0, name="w")
    ...     y = w * x
    ...     step = w.assign_add(1.0)
    >>> with cr.Session(graph) as session:
    ...     session.run(cr.global_variables_initializer())
    ...     session.run(step)
    ...     session.run({"y": y, "w": w}, {x: 10.0})
    np.float64(3.0)
    {'y': np.float64(30.0), 'w': np.float64(3.0)}
    """

    def __init__(self, graph: Graph | None = None, backend: str | None = None) -> None:
        load_plugins()
        if graph is not None and type(graph) is not Graph:
            raise DTypeError(f"Session: expected a Graph, got {graph!r:.60}")
        found = graph if graph is not None else _context.current().graph
        if type(found) is not Graph:
            raise GraphError(
                "Session: there is no graph to run; pass one, Session(graph), or make it inside "
                "`with graph.as_default():`"
            )
        self.graph = found
        if backend is None:
            self.backend, self.device = _backends.get_backend(), _backends.get_device()
        else:
            self.backend, self.device = _backends.parse(backend, "Session")
        self._store: dict[int, tuple[Variable, Any]] = {}
        self._runs: dict[Any, _Run] = {}
        self._lock = threading.RLock()
        self._closed = False
        self._entered: list[tuple[Token[Any], Token[Any]]] = []

    # Scopes

    def __enter__(self) -> Session:
        context = _context.current().replace(graph=self.graph, recording=True, scope="", controls=())
        self._entered.append((_default.set(self), _context.enter(context)))
        return self

    def __exit__(self, *exception: object) -> None:
        token, context = self._entered.pop()
        _context.leave(context)
        _default.reset(token)
        if not self._entered:
            self.close()

    @contextmanager
    def as_default(self) -> Iterator[Session]:
        """Make it the session of `tensor.eval()` and `node.run()` in a block, without closing it after."""
        token = _default.set(self)
        try:
            yield self
        finally:
            _default.reset(token)

    def close(self) -> None:
        """Forget its variables and plans; it cannot run any more."""
        self._closed = True
        self._store.clear()
        self._runs.clear()

    # Running

    def run(self, fetches: Any, feed_dict: Mapping[Any, Any] | None = None) -> Any:
        """Run what some fetches need, and nothing else.

        Args:
            fetches: a symbolic tensor, variable, node, `IndexedSlices` or a name, or any pytree of them.
            feed_dict: values for placeholders; any other tensor of the graph can be given a value too, in place of
                the one it would be computed from. Keys are tensors or their names.

        Returns:
            Arrays of the session's backend in the structure of `fetches`; None for a node that is no tensor.

        Raises:
            GraphError: a placeholder that is needed has no value, a variable is not initialised, or a fetch or feed is
                none, unknown or of another graph.
            ShapeError, DTypeError: a value does not fit its placeholder, or a variable.
            TrackedValueError: a value that is fed is being differentiated.
            ChainruleError: an operation failed; no variable has changed then.
        """
        self._check_open("Session.run")
        if type(fetches) in _SINGLE:
            leaves, treedef = [fetches], None
        else:
            leaves, treedef = optree.tree_flatten(fetches, none_is_leaf=True)
        feeds = feed_dict or {}
        if type(feeds) is not dict and not isinstance(feeds, Mapping):
            raise DTypeError(f"Session.run: feed_dict is a mapping from tensors to values, got {feeds!r:.60}")
        key = (
            tuple([x if type(x) is str else id(x) for x in leaves]),
            tuple([x if type(x) is str else id(x) for x in feeds]),
            _registry.generation,
        )
        run = self._runs.get(key)
        if run is None:
            run = _Run(self, leaves, feeds)
            with self._lock:
                self._runs[key] = run
        results = run(list(feeds.values()))
        return results[0] if treedef is None else optree.tree_unflatten(treedef, results)

    def make_callable(self, fetches: Any, feed_list: Sequence[Any] = ()) -> Callable[..., Any]:
        """A function of the values of `feed_list` that runs `fetches`, with less to look up at each call."""
        leaves, treedef = [fetches], None
        if type(fetches) not in _SINGLE:
            leaves, treedef = optree.tree_flatten(fetches, none_is_leaf=True)
        run = _Run(self, leaves, dict.fromkeys(feed_list))

        def call(*values: Any) -> Any:
            if len(values) != len(feed_list):
                raise ArgumentError(f"this callable takes {len(feed_list)} values, got {len(values)}")
            results = run(values)
            return results[0] if treedef is None else optree.tree_unflatten(treedef, results)

        return call

    # Variables

    def load(self, variable: Variable, value: Any) -> None:
        """Give a variable a value in this session; an array is copied.

        Raises:
            ShapeError, DTypeError: it does not fit.
            GraphError: the variable belongs to another graph, or the session is closed.
        """
        self._check_open("Session.load")
        self._check_own(variable, "Session.load")
        spec = Spec(variable.shape, variable.dtype)
        array = self._converted(value, spec, f"value of variable {variable.name!r}")
        own = self.backend.asarray(array, self.backend.native(spec.dtype), self.device)
        self._store[id(variable)] = (variable, own)

    def forget(self, variable: Variable) -> None:
        """Let a variable have no value in this session any more, as before it was initialised."""
        self._store.pop(id(variable), None)

    def value(self, variable: Variable) -> Any:
        """A variable's array in this session, to read and never to write to.

        Raises:
            GraphError: it has none yet, or belongs to another graph, or the session is closed.
        """
        found = self._store.get(id(variable))
        if found is None:
            self._check_open("Session.value")
            self._check_own(variable, "Session.value")
            if variable.graph is not None:
                raise GraphError(
                    f"variable {variable.name!r} is not initialised in this session; run "
                    "session.run(cr.global_variables_initializer()) first"
                )
            value = variable._value
            array = value._value
            if value._backend is not self.backend:
                array = value._backend.to_numpy(array)
                array = self.backend.asarray(array, self.backend.native(value.dtype), self.device)
            found = self._store.setdefault(id(variable), (variable, array))  # unless a run has assigned it meanwhile
        return found[1]

    def _converted(self, value: Any, spec: Spec, what: str) -> Any:
        """A value that is fed, as an array of this backend with the dtype that is expected."""
        if type(value) is Tensor and type(value._value) is Symbol:
            raise DTypeError(f"{what}: expected {spec!r}, got the symbolic tensor {value.name!r}, which has no value")
        if type(value) is Tensor and value.node is not None:
            raise TrackedValueError(
                f"{what}: it is being differentiated, and no gradient passes a session; build what is differentiated "
                "in the graph, or cut it knowingly: feed x.value"
            )
        array: Any
        if isinstance(value, self.backend.array_types) and value.dtype == self.backend.native(spec.dtype):  # type: ignore[attr-defined]  # an array has one
            self.backend.admit(value)
            array = value
        else:
            with _context.init_scope(), _backends.use(self.backend, self.device):
                array = self._cast(value, spec, what)
        _check_shape(array.shape, spec, what)
        return array

    def _cast(self, value: Any, spec: Spec, what: str) -> Any:
        """An array of the dtype that is expected, of a value of another: nothing but precision may be lost."""
        try:
            x = tensor(value) if isinstance(value, list | tuple) else as_tensor(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise DTypeError(f"{what}: expected {spec!r}, got {value!r:.60}: {error}") from None
        have, want = x.dtype, spec.dtype
        got = f"got {have}{list(x.shape)}"
        if not _casts(have, want):
            raise DTypeError(f"{what}: expected {spec!r}, {got}; cast it first")
        if have != want and want.kind in ("int", "uint") and have.kind != "bool":
            cast = ops.astype(x, dtype=want)
            kept = ops.equal(ops.astype(cast, dtype=have), x)
            if not bool(ops.all(ops.logical_and(kept, ops.equal(ops.less(cast, 0), ops.less(x, 0))))):
                raise DTypeError(f"{what}: expected {spec!r}, {got} with values that {want} does not hold")
        data = x.value if x.backend is self.backend else x.numpy()
        return self.backend.asarray(data, self.backend.native(want), self.device)

    def _check_open(self, what: str) -> None:
        if self._closed:
            raise GraphError(f"{what}: the session is closed")

    def _check_own(self, variable: Variable, what: str) -> None:
        """Refuse a variable of another graph."""
        if variable.graph is not None and variable.graph is not self.graph:
            raise GraphError(f"{what}: variable {variable.name!r} belongs to another graph than the session")

    def __repr__(self) -> str:
        return f"<Session of {self.graph!r} on {self.backend.name}>"


class InteractiveSession(Session):
    """A session that is the default of the process, with its graph, until it is closed: for notebooks and scripts.

    >>> import chainrule as cr
    >>> session = cr.InteractiveSession()
    >>> x = cr.constant([1.0, 2.0])
    >>> cr.sum(x * x).eval()
    np.float64(5.0)
    >>> session.close()
    """

    def __init__(self, graph: Graph | None = None, backend: str | None = None) -> None:
        global _process_default
        around = _context.current().graph
        super().__init__(graph if graph is not None else Graph() if around is None else around, backend)
        self._before: tuple[Session | None, Graph | None] = (_process_default, _context.default_graph())
        _process_default = self
        set_default_graph(self.graph)

    def close(self) -> None:
        """Close it; the default graph and session are those from before it was made, in whatever order they close."""
        global _process_default
        if not self._closed:
            later = _process_default
            if later is self:
                _process_default, graph = self._before
                if _context.default_graph() is self.graph:  # and nobody has set another since
                    set_default_graph(graph)
            while isinstance(later, InteractiveSession) and later is not self:
                before = later._before[0]
                if before is self:
                    later._before = self._before
                later = before
        super().close()


def get_default_session() -> Session | None:
    """The session in force: of the innermost block, else the interactive one."""
    return _default.get() or _process_default


def default_session(what: str, session: Session | None = None) -> Session:
    """A session that is given, or the one in force.

    Raises:
        GraphError: there is none.
    """
    found = session or get_default_session()
    if found is None:
        raise GraphError(f"{what}: no session is in force; pass session=, or call it inside `with cr.Session(graph):`")
    return found


_SINGLE: Final = frozenset({Tensor, GraphNode, Variable})  # fetches that are no trees


def _check_shape(shape: Any, spec: Spec, what: str) -> None:
    if not may_equal(tuple(shape), spec.shape):
        raise ShapeError(f"{what}: expected {spec!r}, got {spec.dtype}{list(shape)}")


def _casts(have: DType, want: DType) -> bool:
    """Whether values of a dtype are taken for another: within a kind, and from narrower kinds to wider."""
    kinds = ("bool", "uint", "int", "float", "complex")
    return kinds.index(have.kind) <= kinds.index(want.kind) or {have.kind, want.kind} == {"int", "uint"}


class _Run:
    """What some fetches need, as a program closed over nothing, with a plan for each set of shapes that is fed."""

    def __init__(self, session: Session, fetches: Sequence[Any], feeds: Mapping[Any, Any]) -> None:
        self.session = session
        self.kept = (tuple(fetches), tuple(feeds))  # whose identities are the key of this run
        graph = session.graph
        self.fed = [_fed(feed, graph) for feed in feeds]
        if len(set(self.fed)) < len(self.fed):
            raise GraphError("Session.run: a tensor is fed twice")
        self.made: list[Any] = []
        symbols: list[Symbol] = []
        targets: list[GraphNode] = []
        for fetch in fetches:
            self.made.append(_fetched(fetch, graph, symbols, targets))
        self.program, self.reads, self.assigned = closed(symbols, targets, self.fed)
        n = len(self.program.outputs) - len(self.assigned)
        self.unsure = [  # the variables, and where their new values are, of whose shape the graph does not know
            (variable, i)
            for i, (variable, y) in enumerate(zip(self.assigned, self.program.outputs[n:], strict=True), n)
            if y.shape is None or has_dim(y.shape)
        ]
        self.names = [x.name.removesuffix(":0") for x in self.fed]
        self.specs = [x.spec for x in self.fed]
        backend = session.backend
        self._natives = [backend.native(x.dtype) for x in self.fed]
        self._array_types = frozenset(backend.array_types)
        self._scalar: Any = backend.scalar_type
        dtype = None if self._scalar is None else backend.dtype(self._scalar(0).dtype)
        self._scalars = [x.shape == () and x.dtype == dtype for x in self.fed]  # that take Python's floats as they are
        self._plans: dict[Any, Plan] = {}
        self._variables = variable_pairs(self.program, self.reads, self.assigned)

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        arrays = list(values)
        types = self._array_types
        for i, native in enumerate(self._natives):
            value = arrays[i]
            if type(value) is float and self._scalars[i]:
                arrays[i] = self._scalar(value)
            elif type(value) not in types or (value.dtype is not native and value.dtype != native):
                arrays[i] = self.session._converted(value, self.specs[i], f"feed of {self.names[i]!r}")
        session = self.session
        if not self.reads and not self.assigned:
            return self._run(arrays)
        with session._lock:  # while variables are read, and on to where they get new values
            arrays += [session.value(variable) for variable in self.reads]
            if self.assigned:
                return self._run(arrays)
        return self._run(arrays)

    def _run(self, arrays: list[Any]) -> list[Any]:
        shapes = tuple([x.shape for x in arrays])
        key = (shapes, plan_settings())
        plan = self._plans.get(key)
        if plan is None:
            for shape, spec, name in zip(shapes, self.specs, self.names, strict=False):  # feeds come first
                _check_shape(shape, spec, f"feed of {name!r}")
            plan = self._plans[key] = self._plan(shapes)
        if not self.assigned:
            results: Sequence[Any] = plan(*arrays)
        else:
            alone = [i for i in plan.overwrites if is_alone_in_store(arrays, i)]
            results = plan.update(arrays, alone, self._commits)
        return [make(results) for make in self.made]

    def _commits(self, results: Sequence[Any]) -> list[Action]:
        """What gives the variables their new values, in one step."""
        for variable, at in self.unsure:
            shape = tuple(results[at].shape)
            if not may_equal(shape, variable.shape):
                raise ShapeError(
                    f"Session.run: variable {variable.name!r} has shape {variable.shape}, cannot take a value of shape "
                    f"{shape}; nothing was assigned"
                )
        n = len(results) - len(self.assigned)
        new = {id(variable): (variable, value) for variable, value in zip(self.assigned, results[n:], strict=True)}
        return [partial(self.session._store.update, new)]

    def _plan(self, shapes: Sequence[Any]) -> Plan:
        backend = self.session.backend
        inputs = self.program.inputs
        specs = [Spec(tuple(shape), x.dtype) for shape, x in zip(shapes, inputs, strict=True)]
        with _backends.use(backend, self.session.device), _context.scope(graph=None, recording=False):
            return plan_of(specialise(self.program, specs), backend, len(self.program.outputs), self._variables)


def _fed(feed: Any, graph: Graph) -> Symbol:
    tensor = graph.get_tensor(feed) if isinstance(feed, str) else feed
    if type(tensor) is not Tensor or type(tensor._value) is not Symbol:
        hint = "; give a variable its value with session.load(variable, value)" if isinstance(feed, Variable) else ""
        raise GraphError(
            f"Session.run: feeds are symbolic tensors of the graph or their names, got {type(feed).__name__} "
            f"{feed!r:.60}{hint}"
        )
    return _of(graph, tensor._value, "a feed")


def _of(graph: Graph, symbol: Symbol, what: str) -> Symbol:
    if symbol.node.graph is not graph:
        raise GraphError(
            f"Session.run: {what}, {symbol.name!r} made at {symbol.node.site}, belongs to another graph than the "
            "session"
        )
    return symbol


def _fetched(fetch: Any, graph: Graph, symbols: list[Symbol], targets: list[GraphNode]) -> Callable[[Any], Any]:
    """Note what a fetch needs; a function from all results to the fetch's own."""

    def one(symbol: Symbol) -> Callable[[Any], Any]:
        place = len(symbols)
        symbols.append(_of(graph, symbol, "a fetch"))
        return lambda results: results[place]

    if isinstance(fetch, str):
        node = graph.node(fetch.partition(":")[0])
        fetch = graph.get_tensor(fetch) if ":" in fetch or len(node.outputs) == 1 else node
    if isinstance(fetch, Variable):
        if fetch.graph is not None and fetch.graph is not graph:
            raise GraphError(
                f"Session.run: a fetch, variable {fetch.name!r}, belongs to another graph than the session"
            )
        with graph.as_default():
            fetch = graph.read(fetch)
    if isinstance(fetch, IndexedSlices):
        with graph.as_default():
            lengths: tuple[Any, ...] = fetch.dense_shape
            sizes = [size_tensor(n) if type(n) is Dim else as_tensor(n) for n in lengths]
        values, indices, *shape = (
            _fetched(part, graph, symbols, targets) for part in (fetch.values, fetch.indices, *sizes)
        )
        return lambda results: IndexedSlices(
            as_tensor(values(results)), as_tensor(indices(results)), tuple(int(n(results)) for n in shape)
        )
    if isinstance(fetch, GraphNode):
        if fetch.graph is not graph:
            raise GraphError(f"Session.run: a fetch, node {fetch.name!r}, belongs to another graph than the session")
        targets.append(fetch)
        return lambda results: None
    if type(fetch) is Tensor:
        if type(fetch._value) is Symbol:
            return one(fetch._value)
        value = fetch.value
        return lambda results: value
    raise GraphError(
        f"Session.run: fetches are tensors, variables, nodes or names of the graph, got {type(fetch).__name__} "
        f"{fetch!r:.60}"
    )


def closed(
    symbols: Sequence[Symbol], targets: Sequence[GraphNode], fed: Sequence[Symbol]
) -> tuple[Program, list[Variable], list[Variable]]:
    """What some symbols and nodes need, as a program from feeds and variables' values to results and new values.

    Returns:
        The program, the variables whose values come in after the feeds, and those whose new values come out last.

    Raises:
        GraphError: a placeholder is needed that is not fed.
    """
    values: dict[Any, Any] = {x: x for x in fed}
    states: list[Symbol] = []
    reads: list[Variable] = []
    current: dict[int, Any] = {}
    assigned: dict[int, Variable] = {}
    instructions: list[Instruction] = []
    for node in _ancestors([*(s.node for s in symbols if s not in values), *targets], values):
        if node.op is PLACEHOLDER:
            if node.outputs[0] not in values:
                raise GraphError(
                    f"placeholder {node.name!r} ({node.outputs[0].spec!r}), made at {node.site}, needs a value: feed "
                    f"it, session.run(fetches, {{{node.name}: value}})"
                )
        elif node.op is READ:
            variable = node.attributes["variable"]
            key = id(variable)
            if key not in current:
                current[key] = node.outputs[0]
                states.append(node.outputs[0])
                reads.append(variable)
            values[node.outputs[0]] = current[key]
        elif node.op is ASSIGN:
            variable = node.attributes["variable"]
            (new,) = substituted(node.inputs, values)
            values[node.outputs[0]] = current[id(variable)] = new
            assigned[id(variable)] = variable
        elif node.op is not GROUP:
            inputs = substituted(node.inputs, values)
            if inputs == node.inputs:
                instructions.append(node)
            else:
                instructions.append(Instruction(node.op, inputs, node.attributes, node.outputs, node))
    outputs = [*substituted(tuple(symbols), values), *(current[key] for key in assigned)]
    return Program([*fed, *states], outputs, instructions), reads, list(assigned.values())


def _ancestors(roots: Sequence[GraphNode], fed: Mapping[Symbol, Any]) -> list[GraphNode]:
    """The nodes that some nodes need, themselves among them, in order; what is fed needs nothing."""
    found: dict[int, GraphNode] = {}
    stack = list(roots)
    while stack:
        while stack:
            node = stack.pop()
            if node.serial in found:
                continue
            found[node.serial] = node
            for x in node.inputs:
                if type(x) is Symbol and x not in fed:
                    stack.append(x.node)
            if node.controls or node.followers:
                stack.extend((*node.controls, *node.followers))
        stack.extend(node for node in _tellers(found.values(), fed) if node.serial not in found)
    return sorted(found.values(), key=_order)


def _tellers(nodes: Iterable[GraphNode], fed: Mapping[Symbol, Any]) -> Iterator[GraphNode]:
    """The nodes whose results tell the sizes that some nodes need, where neither a node before nor what is fed does."""
    if not any(map(_has_size, nodes)):
        return
    told = {n for symbol in fed for n in symbol.shape or () if type(n) is Dim}
    for node in sorted(nodes, key=_order):
        for value in (*node.inputs, *node.attributes.values()):
            if has_dim(value):
                for atom in atoms(value):
                    if atom not in told:
                        told.add(atom)
                        every = node.graph.nodes
                        teller = next((o for o in every if any(atom in (s.shape or ()) for s in o.outputs)), None)
                        if teller is None:
                            raise UnknownSizeError(
                                f"{node.op.name}, made at {node.site}, needs a size that is known inside of another "
                                "operation alone; give the placeholder a full shape"
                            )
                        yield teller
        told.update(n for symbol in node.outputs for n in symbol.shape or () if type(n) is Dim)


def _has_size(node: GraphNode) -> bool:
    """Whether a node needs a size that is not known yet."""
    return any(map(has_dim, node.inputs)) or any(map(has_dim, node.attributes.values()))


def _order(node: GraphNode) -> tuple[int, int]:
    """When a node runs: as nodes were made, but for a variable's initialisation, which comes before what was made after
    the variable, so that initial values can be computed from other variables.
    """
    if node.op is ASSIGN and node.attributes["variable"]._initializer is node:
        return node.inputs[0].node.serial, 1
    return node.serial, 0
