"""`gradients(ys, xs)`: TensorFlow's question, on anything recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chainrule import _context, ops
from chainrule._backward import Spans, Subgraph, Sums, backpropagate
from chainrule._collector import recording_ends, recording_starts
from chainrule._convert import as_tensor
from chainrule._errors import (
    ArgumentError,
    ChainruleError,
    DTypeError,
    GradientDefinitionError,
    GraphError,
    ShapeError,
)
from chainrule._graph import Graph
from chainrule._graph_functions import checked_name
from chainrule._indexed_slices import add
from chainrule._overrides import resolve_overrides
from chainrule._record import Dropped
from chainrule._symbol import Symbol
from chainrule._tensor import Tensor
from chainrule._variable import Variable
from chainrule.infer import may_equal


def gradients(
    ys: Any,
    xs: Any,
    grad_ys: Any = None,
    stop_gradients: Any = None,
    unconnected_gradients: str = "none",
    aggregation: str | Callable[[list[Any]], Any] = "add_n",
    overrides: Mapping[Any, Any] | None = None,
    gate_gradients: bool = False,
    colocate_gradients_with_ops: bool = False,
    name: str = "gradients",
) -> list[Any]:
    """The gradient of the sum of `ys` with respect to each of `xs`, through whatever was recorded between them.

    Args:
        ys: a tensor or a sequence of them. All their elements are summed, weighted by `grad_ys`.
        xs: a tensor or variable, or a sequence of them; intermediate results too.
        grad_ys: the cotangents of `ys`, of their shapes; None, whole or for one of them, stands for ones.
        stop_gradients: tensors to hold constant, which makes the derivatives partial.
        unconnected_gradients: `"none"` gives None where no path leads from an x to the ys, `"zero"` gives zeros.
            `cr.why_no_gradient(y, x)` tells why there is none.
        aggregation: how cotangents that meet are summed: `"add_n"` as they come, `"tree"` in pairs (a smaller rounding
            error for many), or a function from the list of them to their sum.
        overrides: other gradient definitions for some nodes; see `cr.override_gradients` for the keys.
        gate_gradients: TensorFlow's: whether the cotangents of all inputs of a node of a graph are made before one of
            them is used. They are, whatever is said: nodes are built and run in that order.
        colocate_gradients_with_ops: TensorFlow's: whether gradients are computed on the device of their operations.
            They are, whatever is said: all of a program runs on one device.
        name: what the names of the nodes that gradients add to a graph begin with; made unique, `"gradients_1/..."`.

    Returns:
        One for each x, of its shape and dtype: a tensor, `IndexedSlices` where all of it comes from gathers, or None.

    Raises:
        ArgumentError: an option that there is not, or a wrong number of `grad_ys`.
        DTypeError: a `y` is no tensor or is complex without a seed, or a seed has the wrong kind of dtype.
        ShapeError: a seed has not its y's shape.
        SelectorError: an override matches nothing.
        GradientDefinitionError: a definition broke its contract.
        GraphError: something belongs to another graph than the one that is being built.

    >>> import chainrule as cr
    >>> with cr.GradientTape() as tape:
    ...     a = tape.watch(cr.tensor(0.0))
    ...     b = 2 * a
    ...     y = a + b
    >>> cr.gradients(y, [a, b])
    [Tensor(3.0, float64), Tensor(1.0, float64)]
    >>> cr.gradients(y, [a, b], stop_gradients=[a, b])
    [Tensor(1.0, float64), Tensor(1.0, float64)]
    """
    if unconnected_gradients not in ("none", "zero"):
        raise ArgumentError(f"unconnected_gradients: expected 'none' or 'zero', got {unconnected_gradients!r}")
    if aggregation not in ("add_n", "tree") and not callable(aggregation):
        raise ArgumentError(f"aggregation: expected 'add_n', 'tree' or a function, got {aggregation!r}")
    for option, flag in (
        ("gate_gradients", gate_gradients),
        ("colocate_gradients_with_ops", colocate_gradients_with_ops),
    ):
        if not isinstance(flag, bool):
            raise ArgumentError(f"{option}: expected True or False, got {flag!r:.60}")
    name = checked_name("gradients", name) or "gradients"
    ys = [_as_result(y, i) for i, y in enumerate(as_list(ys))]
    for what, things in (("ys", ys), ("xs", xs), ("grad_ys", grad_ys), ("stop_gradients", stop_gradients)):
        _check_graph(what, as_list(things))
    seeds = [_seed(y, seed, i) for i, (y, seed) in enumerate(_pairs(ys, grad_ys))]
    stops = [_as_source(stop, "stop_gradients") for stop in as_list(stop_gradients)]
    sources = [_as_source(x, "xs") for x in as_list(xs)]
    aggregate: Callable[[list[Any]], Any] | None = None
    if callable(aggregation):
        aggregate = _summing(aggregation)
    elif aggregation == "tree":
        aggregate = _tree
    zeros = unconnected_gradients == "zero"
    return gradients_of(ys, sources, seeds, stops, zeros, aggregate, overrides, name=name)


def gradients_of(
    ys: Sequence[Tensor],
    xs: Sequence[Tensor | Variable],
    seeds: Sequence[Any],
    stops: Sequence[Any] = (),
    zeros: bool = False,
    aggregate: Callable[[list[Any]], Any] | None = None,
    overrides: Mapping[Any, Any] | None = None,
    spans: Spans | None = None,
    name: str = "gradients",
    last: bool = False,
) -> list[Any]:
    """`gradients`, of arguments that are known to be right. The `last` of some `ys` lets them forget their nodes."""
    context = _context.current()
    changed = context
    if context.graph is not None:
        changed = context.replace(overrides=None, scope=context.graph.unique_scope(context.scope + name))
    elif context.overrides is not None:
        changed = context.replace(overrides=None)
    token = _context.enter(changed)
    if context.graph is not None:
        recording_starts()
    try:
        return _found(ys, xs, seeds, stops, zeros, aggregate, overrides, spans, last)
    finally:
        if context.graph is not None:
            recording_ends()
        _context.leave(token)


def _found(
    ys: Sequence[Tensor],
    xs: Sequence[Tensor | Variable],
    seeds: Sequence[Any],
    stops: Sequence[Any],
    zeros: bool,
    aggregate: Callable[[list[Any]], Any] | None,
    overrides: Mapping[Any, Any] | None,
    spans: Spans | None,
    last: bool,
) -> list[Any]:
    """The cotangents that reach the sources."""
    tensors = [x for x in xs if type(x) is Tensor]
    variables = [x for x in xs if isinstance(x, Variable)]
    graph = Subgraph(ys, tensors, variables, stops, spans)
    chosen = resolve_overrides(overrides, graph.nodes()) if overrides else None
    seeds = [ones_like(y) if seed is None else seed for y, seed in zip(ys, seeds, strict=True)]
    found = backpropagate(graph, ys, seeds, chosen, aggregate, last)
    of_variables: dict[int, Any] = {}
    if variables:
        sums = Sums()
        for node, g in found.items():
            if node.op.name == "read_variable":
                key = id(node.attributes["variable"])
                of_variables[key] = sums.add(key, of_variables[key], g) if key in of_variables else g
    results: list[Any] = []
    for x in xs:
        if isinstance(x, Variable):
            g = of_variables.get(id(x))
        elif x._node is None or not x._node.live:  # untracked: only a result itself can depend on it
            same = [seed for y, seed in zip(ys, seeds, strict=True) if y is x and x.dtype.is_inexact]
            g = same[0] if same else None
        else:
            g = found.get(x._node)  # type: ignore[arg-type]  # a live origin is a Node
            if x._node.op.multiple and g is not None:
                g = g[x._index]
        if g is None and zeros:
            g = zeros_like(x)
        results.append(g)
    return results


def ones_like(y: Tensor) -> Tensor:
    """Ones of a tensor's shape, dtype and device."""
    return _full_like(y, 1)


def zeros_like(x: Tensor | Variable) -> Tensor:
    """Zeros of a tensor's shape, dtype and device."""
    return _full_like(x.read() if isinstance(x, Variable) else x, 0)


def _full_like(x: Tensor, value: int) -> Tensor:
    backend, array = x._backend, x._value
    if array.shape is None:  # not even the rank of a symbolic tensor is known
        filled: Tensor = ops.full_like(x, value)
        return filled
    device = None if type(array) is Dropped else backend.device_of(array)
    return Tensor(backend.full(tuple(array.shape), value, array.dtype, device), backend)


def _check_graph(what: str, things: Sequence[Any]) -> None:
    """Refuse what belongs to another graph than the one being built: no path leads there, and None would say so."""
    graph = _context.current().graph
    for i, x in enumerate(things):
        if type(x) is Tensor and type(x._value) is Symbol:
            of, name = x._value.node.graph, f"symbolic tensor {x.name!r}, made at {x._value.node.site},"
        elif isinstance(x, Variable) and x.graph is not None and (graph is None or type(graph) is Graph):
            of, name = x.graph, f"variable {x.name!r}"
        else:
            continue
        if graph is None or not graph.sees(of):
            instead = "no graph is being built" if graph is None else f"{graph.what} is being built which is another"
            raise GraphError(
                f"gradients: {what}[{i}], {name} belongs to {of.what}, and {instead}; call it inside "
                "`with graph.as_default():` of the graph that everything is of"
            )


def as_list(value: Any) -> list[Any]:
    """One thing, a sequence of them or None as a list."""
    return list(value) if isinstance(value, list | tuple) else [] if value is None else [value]


def _as_result(y: Any, i: int) -> Tensor:
    if type(y) is Tensor:
        return y
    if isinstance(y, Variable):
        return y.read()
    raise DTypeError(f"ys[{i}]: expected a tensor that was computed while something records, got {type(y).__name__}")


def _as_source(x: Any, what: str) -> Any:
    if type(x) is Tensor or isinstance(x, Variable):
        return x
    raise DTypeError(
        f"{what}: expected tensors or variables, got {type(x).__name__} {x!r:.60}; "
        "watch a tensor with GradientTape, or use cr.grad for functions of arrays"
    )


def _pairs(ys: list[Tensor], grad_ys: Any) -> list[tuple[Tensor, Any]]:
    seeds = [None] * len(ys) if grad_ys is None else as_list(grad_ys)
    if len(seeds) != len(ys):
        raise ArgumentError(f"grad_ys: got {len(seeds)} cotangents for {len(ys)} ys")
    return list(zip(ys, seeds, strict=True))


def _seed(y: Tensor, seed: Any, i: int) -> Any:
    """A checked cotangent for a result, None for ones."""
    if seed is None and y.dtype.kind == "complex":
        raise DTypeError(
            f"ys[{i}] is complex ({y.dtype}): say in which direction by grad_ys, or take cr.real or cr.abs of it"
        )
    return None if seed is None else fitting(y, seed, f"grad_ys[{i}]")


def fitting(y: Tensor, seed: Any, what: str) -> Tensor:
    """A cotangent for a result, in its shape and dtype.

    Raises:
        ShapeError: another shape.
        DTypeError: a complex cotangent for a result that is not.
    """
    symbolic = type(y._value) is Symbol
    seed = as_tensor(seed, None if symbolic else y._backend)
    if seed.shape != y.shape and not may_equal(seed.shape, y.shape):
        raise ShapeError(f"{what}: expected the shape of its y, {y.shape}, got {seed.shape}")
    if seed.dtype.kind == "complex" and y.dtype.kind != "complex":
        raise DTypeError(f"{what}: a {seed.dtype} cotangent for a y of dtype {y.dtype}")
    if seed.dtype != y.dtype and y.dtype.is_inexact:
        seed = ops.astype(seed, dtype=y.dtype)
    graph = _context.current().graph
    tensor: Tensor = graph.lifted(seed) if symbolic and graph is not None else seed
    return tensor


def _summing(aggregation: Callable[[list[Any]], Any]) -> Callable[[list[Any]], Any]:
    """An aggregation of the user's, named if it fails."""

    def aggregate(parts: list[Any]) -> Any:
        try:
            return aggregation(parts)
        except ChainruleError:
            raise
        except Exception as error:
            raise GradientDefinitionError(
                f"aggregation {aggregation!r} of {len(parts)} cotangents raised {type(error).__name__}: {error}"
            ) from error

    return aggregate


def _tree(parts: list[Any]) -> Any:
    """The sum of cotangents in pairs of neighbours."""
    while len(parts) > 1:
        parts = [add(a, b) for a, b in zip(parts[::2], parts[1::2], strict=False)] + parts[len(parts) & ~1 :]
    return parts[0]
