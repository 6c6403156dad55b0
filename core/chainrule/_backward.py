"""The one reverse walk: from results back to what they were computed from, in falling serial number.

Definitions are written in operations. On concrete tensors running them computes the gradient, and while something
records it also extends the graph, which is all that second derivatives need.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chainrule import _context, _hooks, ops
from chainrule._convert import as_tensor
from chainrule._dtypes import PYTHON_NUMBERS
from chainrule._elementwise_node import ElementwiseNode
from chainrule._errors import ChainruleError, DTypeError, GradientDefinitionError, NumericsError, ShapeError
from chainrule._indexed_slices import IndexedSlices, add, dense
from chainrule._node import Node
from chainrule._parts import counted, described, fitted_to, symbolic_parts
from chainrule._record import Dropped
from chainrule._symbol import Symbol
from chainrule._tensor import Tensor
from chainrule.infer import may_equal

if TYPE_CHECKING:
    from chainrule._backend import Backend
    from chainrule._definition import Definition

_new = object.__new__
Spans = Sequence[tuple[int, float]]
Aggregate = Callable[[list[Any]], Any]


class Subgraph:
    """The part of the recorded graph that lies between some results and some sources.

    Attributes:
        found: the nodes that lead to the results, by serial number.
        sources: the nodes that gradients are wanted at.
        inner: the nodes that a gradient passes through on its way to a source, in rising serial number, each with
            the inputs it passes to.
        stops: the outputs of each node that are constants in this walk.
    """

    __slots__ = ("found", "inner", "sources", "stops")

    def __init__(
        self,
        ys: Iterable[Tensor],
        xs: Iterable[Tensor],
        variables: Iterable[Any] = (),
        stops: Iterable[Tensor] = (),
        spans: Spans | None = None,
    ) -> None:
        """Find what lies between.

        Args:
            ys: the results.
            xs: tensors to differentiate with respect to.
            variables: variables to differentiate with respect to, wherever they were read.
            stops: tensors to hold constant.
            spans: if given, only nodes whose serials lie in one of these half-open intervals are followed.
        """
        self.sources: set[Node] = {x._node for x in xs if isinstance(x._node, Node)}
        self.stops: dict[Node, set[int]] = {}
        for stop in stops:
            if isinstance(stop._node, Node):
                self.stops.setdefault(stop._node, set()).add(stop._index)
        watched = {id(v) for v in variables}
        lowest = 0 if watched else min((node.serial for node in self.sources), default=0)
        self.found = self._discover(ys, lowest, spans)
        if watched:
            self.sources.update(
                node
                for node in self.found.values()
                if node.op.name == "read_variable" and id(node.attributes["variable"]) in watched
            )
        self.inner = self._mark()

    def _discover(self, ys: Iterable[Tensor], lowest: int, spans: Spans | None) -> dict[int, Node]:
        found: dict[int, Node] = {}
        stack: list[Any] = [y._node for y in ys if y._node is not None and y._node.live]
        stops, sources = self.stops, self.sources
        while stack:
            node = stack.pop()
            serial = node.serial
            if serial in found or serial < lowest:
                continue
            if spans is not None and node not in sources and not _is_within(node, spans):
                continue
            found[serial] = node
            if stops and node in stops and not node.op.multiple:
                continue
            if type(node) is ElementwiseNode:
                origin = node.from_a
                if origin is not None and origin.live:
                    stack.append(origin)
                origin = node.from_b
                if origin is not None and origin.live:
                    stack.append(origin)
                continue
            for x in node.inputs:
                if type(x) is Tensor:
                    origin = x._node
                    if origin is not None and origin.live:
                        stack.append(origin)
        return found

    def _mark(self) -> dict[Node, tuple[int, ...]]:
        inner: dict[Any, tuple[int, ...]] = {}
        found, sources, stops = self.found, self.sources, self.stops
        wanted: tuple[int, ...]
        for serial in sorted(found):
            node = found[serial]
            if type(node) is ElementwiseNode:
                a, b = node.from_a, node.from_b
                in_a = a in inner or a in sources
                wanted = _WANTED[in_a + 2 * (b is not None and (b in inner or b in sources))]
            else:
                wanted = tuple(
                    [
                        i
                        for i, x in enumerate(node.inputs)
                        if type(x) is Tensor and (x._node in inner or x._node in sources)
                    ]
                )
            if wanted and not (stops and node in stops and not node.op.multiple):
                inner[node] = wanted
        return inner

    def nodes(self) -> list[Node]:
        """The nodes a gradient passes through, in the order it does."""
        return list(reversed(self.inner))


def _is_within(node: Node, spans: Spans) -> bool:
    """Whether a node was made in some spans. A graph reads a variable once, for every tape that is started in it."""
    if any(a <= node.serial < b for a, b in spans):
        return True
    return node.op.name == "read_variable" and type(node.output) is Symbol


_WANTED: tuple[tuple[int, ...], ...] = ((), (0,), (1,), (0, 1))  # by bit mask, so that nodes share them


def backpropagate(
    graph: Subgraph,
    ys: Sequence[Tensor],
    seeds: Sequence[Any],
    overrides: Mapping[Node, Definition] | None = None,
    aggregate: Aggregate | None = None,
    last: bool = False,
) -> dict[Node, Any]:
    """Walk back from `ys` with cotangents `seeds`.

    It uses the subgraph up: what nodes keep is freed on the way, where nobody else holds them; on the `last` walk from
    some `ys` not even these do.

    Returns:
        The cotangent of each source that one reached; for a node with several outputs, a list of them.
    """
    cotangents: dict[Node, Any] = {}
    sums = Sums()
    for y, seed in zip(ys, seeds, strict=True):
        if isinstance(y._node, Node):
            _accumulate(cotangents, y._node, y._index, seed, aggregate, sums)
    results: dict[Node, Any] = {}
    if not cotangents:
        return results
    graph.found = {}
    if last:
        for y in ys:
            y._node = None
    with ys[0]._backend.quiet():
        _walk(graph, cotangents, results, overrides or {}, aggregate, sums, bool(_context.current().debugging))
    for node in graph.sources:
        if node in cotangents:  # where the walk ends
            results[node] = _arrived(node, cotangents[node], aggregate)
    return results


def _walk(
    graph: Subgraph,
    cotangents: dict[Node, Any],
    results: dict[Node, Any],
    overrides: Mapping[Node, Definition],
    aggregate: Aggregate | None,
    sums: Sums,
    debugging: bool,
) -> None:
    """Take cotangents through the inner nodes; those of sources on the way go to `results`."""
    inner, sources, stops = graph.inner, graph.sources, graph.stops
    building = _context.current().graph is not None
    special = bool(overrides or aggregate or debugging or stops or _hooks.hooks)
    plain = not special and not building
    unread: Any = None
    node: Any = None
    definition: Any = None
    parts: Any
    try:
        while inner:
            node, wanted = inner.popitem()  # and with it goes what it kept, unless somebody else holds it
            g = cotangents.pop(node, None)
            if g is None:
                continue
            if plain and type(node) is ElementwiseNode and type(g) is Tensor:
                # Numbers, with everything left out that they need not.
                backend = node.backend
                scalar_type = backend.scalar_type
                a, b = node.a, node.b
                kind_a, kind_b = type(a), type(b)
                definition = node.definition
                functions = definition.functions
                if (
                    type(g._value) is scalar_type
                    and functions
                    and (kind_a is scalar_type or kind_a in PYTHON_NUMBERS)
                    and (kind_b is scalar_type or b is None or kind_b in PYTHON_NUMBERS)
                ):
                    if node in sources:
                        results[node] = g
                    if definition.reads_output:
                        y = _new(Tensor)
                        y._value, y._backend, y._node, y._index = node.output, backend, node, 0
                    else:
                        y = None
                    if unread is None or unread._backend is not backend:
                        unread = Tensor(Dropped(g._value), backend)
                    reads_a, reads_b = definition.reads(wanted)
                    if kind_a is scalar_type:
                        value, a = a, unread
                        if reads_a:
                            a = _new(Tensor)
                            a._value, a._backend, a._node, a._index = value, backend, node.from_a, 0
                    if kind_b is scalar_type:
                        value, b = b, unread
                        if reads_b:
                            b = _new(Tensor)
                            b._value, b._backend, b._node, b._index = value, backend, node.from_b, 0
                    for i in wanted:
                        function = functions[i]
                        if function is None:
                            continue
                        part = function(g, y, a) if b is None else function(g, y, a, b)
                        if type(part) is not Tensor or type(part._value) is not scalar_type:
                            if part is None:
                                continue
                            part = _fitted(part, b if i else a, i, node, definition)
                        origin: Any = node.from_b if i else node.from_a
                        if origin in cotangents or origin.op.multiple:
                            _accumulate(cotangents, origin, 0, part, None, sums)
                        else:
                            cotangents[origin] = part
                    continue
            definition = node.definition
            op = node.op
            if special:
                g = _arrived(node, g, aggregate)
            if node in sources:
                results[node] = g
            if special:
                definition = overrides.get(node, definition)
                if node in stops:
                    g = [None if i in stops[node] else part for i, part in enumerate(g)]
            if op.multiple:
                g, y = _several(node, g, definition)
                if g is None:
                    continue
                backend = g[0]._backend
                conjugate = op.holomorphic and g[0]._value.dtype in backend.complex_dtypes
            else:
                if type(g) is not Tensor:
                    g = dense(g)
                backend = g._backend
                y = None
                if definition.reads_output and node.output is not None:
                    y = Tensor(node.output, _home(node, node.output, backend) if building else backend, node)
                conjugate = (
                    type(g._value) is not backend.scalar_type
                    and op.holomorphic
                    and g._value.dtype in backend.complex_dtypes
                )
            if conjugate:
                g = tuple(map(ops.conj, g)) if op.multiple else ops.conj(g)
            functions = definition.functions
            inputs = node.inputs
            attributes = node.attributes
            token = _context.enter(_attended(node, definition, debugging)) if debugging or building else None
            try:
                if building:
                    parts = symbolic_parts(g, y, node, definition, wanted)
                elif functions:
                    parts = None
                elif attributes:
                    parts = counted(definition.joint(g, y, *inputs, **attributes), node, definition)
                else:
                    parts = counted(definition.joint(g, y, *inputs), node, definition)
                for i in wanted:
                    if parts is not None:
                        part = parts[i]
                    elif functions[i] is None:
                        continue
                    elif attributes:
                        part = functions[i](g, y, *inputs, **attributes)
                    else:
                        part = functions[i](g, y, *inputs)
                    if part is None:
                        continue
                    if conjugate:
                        part = ops.conj(part)
                    x = inputs[i]
                    value = part._value if type(part) is Tensor else None
                    if type(value) is not backend.scalar_type or type(x._value) is not backend.scalar_type:
                        part = _fitted(part, x, i, node, definition)
                    origin = x._node
                    if origin in cotangents or origin.op.multiple or aggregate is not None:
                        _accumulate(cotangents, origin, x._index, part, aggregate, sums)
                    else:
                        cotangents[origin] = part
            finally:
                if token is not None:
                    _context.leave(token)
    except (GradientDefinitionError, NumericsError):
        raise  # they name the definition already
    except ChainruleError as error:
        raise type(error)(f"{error}; in the gradient of {_step(node, definition)}") from error
    except Exception as error:
        raise GradientDefinitionError(
            f"the gradient of {_step(node, definition)} raised {type(error).__name__}: {error}"
        ) from error


def _arrived(node: Node, g: Any, aggregate: Aggregate | None) -> Any:
    """The whole cotangent of a node: its parts summed, and what hooks make of it."""
    if aggregate is not None:
        g = [_combined(parts, aggregate) for parts in g] if node.op.multiple else _combined(g, aggregate)
    return _hooks.run(node, g) if _hooks.hooks else g


def _attended(node: Node, definition: Definition, debugging: bool) -> _context.Context:
    """The context in force with what is known of where operations come from: for errors, and for names in graphs."""
    context = _context.current()
    if debugging:
        context = context.replace(debugging=f"in the gradient of {node!r}, by {definition!r}")
    forward = node.output[0] if node.op.multiple and node.output else node.output
    if type(forward) is Symbol:
        scope = f"{context.scope}{forward.node.name}_grad/"
        context = context.replace(scope=scope, derives=(forward.node, definition))
    return context


class Sums:
    """Sums of cotangents, the parts after the second added in place: the first addition made an array of its own."""

    __slots__ = ("_own",)

    def __init__(self) -> None:
        self._own: set[Any] | None = set() if not _context.current().mode else None  # what is recorded never changes

    def add(self, key: Any, have: Any, part: Any) -> Any:
        """The sum of what there is under a key and one more part."""
        if type(have) is not Tensor or type(part) is not Tensor:
            return add(have, part)
        own = self._own
        if own is not None:
            if key in own:
                total, more = have._value, part._value
                add_into = have._backend.add_into
                if add_into is not None and total.shape and total.shape == more.shape and total.dtype == more.dtype:
                    add_into(total, more)
                    return have
            own.add(key)
        return have + part


def _accumulate(
    cotangents: dict[Node, Any], node: Node, index: int, part: Any, aggregate: Aggregate | None, sums: Sums
) -> None:
    """Add a part to the cotangent of an output of a node."""
    have = cotangents.get(node)
    if node.op.multiple:
        if have is None:
            have = cotangents[node] = [None] * len(node.output)
        at: Any = index
        slot, have = have, have[at]
    else:
        slot, at = cotangents, node
    if aggregate is not None:
        slot[at] = [part] if have is None else [*have, part]
    elif have is None:
        slot[at] = part
    else:
        slot[at] = sums.add((id(node), index), have, part)  # which keeps no node


def _combined(parts: Any, aggregate: Aggregate) -> Any:
    return None if parts is None else parts[0] if len(parts) == 1 else aggregate(parts)


def _several(node: Node, g: list[Any], definition: Definition) -> tuple[Any, Any]:
    """The cotangents and results of a node with several outputs: zeros for outputs that nobody used."""
    some = next((part for part in g if part is not None), None)
    if some is None:
        return None, None
    backend = _home(node, node.output[0], dense(some)._backend)
    cotangents = tuple(
        dense(part) if part is not None else ops.zeros_like(Tensor(out, backend))
        for part, out in zip(g, node.output, strict=True)
    )
    if not definition.reads_output:
        return cotangents, None
    return cotangents, tuple(Tensor(out, backend, node, i) for i, out in enumerate(node.output))


def _home(node: Node, output: Any, backend: Backend) -> Backend:
    """The backend of what a node gave: not that of the cotangent where a graph is built of what was computed before."""
    if type(output) is Symbol or Symbol not in backend.array_types:
        return backend
    return next(x._backend for x in node.inputs if type(x) is Tensor)


def _fitted(part: Any, x: Tensor, i: int, node: Node, definition: Definition) -> Any:
    """A cotangent in the shape and dtype of the input it belongs to.

    What the operation did by broadcasting and promotion is undone here; any other misfit is the definition's fault.
    """
    if type(part) is not Tensor:
        if type(part) is IndexedSlices and part.dense_shape == x.shape:
            return part
        part = _as_cotangent(part, x, i, node, definition)
    want = x._value
    have = part._value
    if have.shape != want.shape:
        if Symbol in (type(want), type(have)) and not node.op.broadcasts and may_equal(want.shape, have.shape):
            return part
        if type(want) is Symbol and want.shape is None and may_equal(want.shape, have.shape):
            return part  # an opaque one, which sees to it when it runs
        if not node.op.broadcasts or not _broadcasts_from(want.shape, have.shape):
            raise GradientDefinitionError(_misfit("shape", i, tuple(want.shape), tuple(have.shape), node, definition))
        part = fitted_to(part, want.shape)
        have = part._value
    if have.dtype != want.dtype and part.dtype != x.dtype:  # a symbol's is chainrule's, an array's its library's
        part = _cast(part, x, i, node, definition)
    return part


def _broadcasts_from(small: tuple[int, ...], large: tuple[int, ...]) -> bool:
    """Whether one of two shapes can broadcast to the other."""
    return all(a == b or a == 1 or b == 1 or None in (a, b) for a, b in zip(small[::-1], large[::-1], strict=False))


def _cast(part: Tensor, x: Tensor, i: int, node: Node, definition: Definition) -> Tensor:
    have, want = part.dtype, x.dtype
    promotes = node.op.broadcasts or node.op.n_inputs != 1 or "dtype" in node.op.attributes
    if not have.is_inexact or not (promotes or have.kind != want.kind):
        raise GradientDefinitionError(_misfit("dtype", i, want, have, node, definition))
    if have.kind == "complex" and want.kind == "float":
        part = ops.real(part)
    cast: Tensor = part if part.dtype == want else ops.astype(part, dtype=want)
    return cast


def _as_cotangent(part: Any, x: Tensor, i: int, node: Node, definition: Definition) -> Tensor:
    """A number or array that a definition returned, as a tensor."""
    try:
        if type(part) in PYTHON_NUMBERS:
            backend = x._backend
            return Tensor(backend.full(tuple(x._value.shape), part, x._value.dtype, x.device), backend)
        return as_tensor(part, x._backend, x.device)
    except (DTypeError, ShapeError):
        came = f"IndexedSlices of {part.shape}" if type(part) is IndexedSlices else repr(part)[:60]
        raise GradientDefinitionError(_misfit("value", i, f"a tensor of {x.shape}", came, node, definition)) from None


def _misfit(what: str, i: int, expected: Any, got: Any, node: Node, definition: Definition) -> str:
    return (
        f"gradient of op {node.op.name!r} ({described(definition)}): wrong {what} for input {i}: expected {expected}, "
        f"got {got}; the op was called at {node.site}"
    )


def _step(node: Node, definition: Definition) -> str:
    return f"op {node.op.name!r} ({described(definition)}), called at {node.site}"
