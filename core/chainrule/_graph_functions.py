"""What graphs are built from besides operations: placeholders, constants, control dependencies, groups, overrides."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from chainrule import _context, _registry, ops
from chainrule._convert import as_tensor, tensor
from chainrule._dim import Dim
from chainrule._dtypes import as_dtype
from chainrule._errors import ArgumentError, DTypeError, GraphError, SelectorError, ShapeError, nearest
from chainrule._graph import Body, Graph, GraphNode
from chainrule._graph_ops import CONSTANT, GROUP, PLACEHOLDER
from chainrule._overrides import override_gradients
from chainrule._plugins import load_plugins
from chainrule._symbol import Symbol
from chainrule._tensor import Tensor
from chainrule._variable import Variable
from chainrule.infer import Spec


def get_default_graph() -> Graph | None:
    """The graph that is being built here; None while operations run eagerly."""
    return _context.current().graph


def set_default_graph(graph: Graph | None) -> None:
    """Make a graph the one that is built in the whole process, as TensorFlow 1 does; None goes back to eager.

    `with graph.as_default():` blocks go before it.

    Raises:
        DTypeError: it is no graph.
    """
    if graph is not None and type(graph) is not Graph:
        raise DTypeError(f"set_default_graph: expected a Graph or None, got {graph!r:.60}")
    load_plugins()
    before = _context.default_graph()
    _context.set_default_graph(graph)
    context = _context.current()
    if context.graph is before and context.graph is not graph:  # scopes that lie over the defaults hold copies of them
        _context.enter(context.replace(graph=graph, recording=context.recording or graph is not None))


def _graph(what: str) -> Graph:
    graph = _context.current().graph
    if graph is None or isinstance(graph, Body):
        where = "while a compiled function or control flow is" if graph is not None else "while no graph is"
        raise GraphError(
            f"{what} {where} being built; call it inside `with cr.Graph().as_default():`, or after "
            "cr.set_default_graph(cr.Graph())"
        )
    return graph


def checked_name(what: str, name: Any) -> str | None:
    """A name for a node: what `graph.get_tensor` can look up."""
    if name is not None and (not isinstance(name, str) or not name or ":" in name):
        raise ArgumentError(f"{what}: a name is a non-empty string without a colon, got {name!r:.60}")
    return name


def placeholder(dtype: Any, shape: Sequence[int | None] | None = None, name: str | None = None) -> Tensor:
    """A symbolic tensor that is given a value when the graph runs.

    Args:
        dtype: its dtype.
        shape: its shape, None where a length may be any; None altogether for any shape.
        name: the node's name, `"placeholder"` by default.

    Returns:
        A symbolic tensor. Gradients with respect to it can be taken, if it is floating-point.

    Raises:
        GraphError: no graph is being built.
        ShapeError: the shape is none.
        ArgumentError: the name is none.

    >>> import chainrule as cr
    >>> with cr.Graph().as_default():
    ...     cr.placeholder("float32", (None, 784), name="images")
    Tensor('images:0', shape=(None, 784), float32)
    """
    graph = _graph("placeholder")
    name = checked_name("placeholder", name)
    spec = Spec(None if shape is None else _open_shape(shape), as_dtype(dtype))
    return graph.tensor(PLACEHOLDER, (), {"spec": spec}, name, source=ops.identity.op)


def _open_shape(shape: Any) -> tuple[Any, ...]:
    """A shape with an unknown length for each None."""
    lengths: list[Any] = []
    for n in shape if isinstance(shape, Sequence) else [-1]:
        if n is None or type(n) is Dim:
            lengths.append(n if type(n) is Dim else Dim())
        elif not hasattr(n, "__index__") or isinstance(n, bool) or n.__index__() < 0:
            raise ShapeError(f"placeholder: a shape is a sequence of lengths, None where one is open, got {shape!r}")
        else:
            lengths.append(n.__index__())
    return tuple(lengths)


def constant(value: Any, dtype: Any = None, shape: Sequence[int] | None = None, name: str | None = None) -> Tensor:
    """A tensor of a value; in a graph a node, that gradients can be taken with respect to.

    Args:
        value: what `cr.tensor` takes.
        dtype: its dtype.
        shape: a shape to bring it to; one number fills it.
        name: the node's name.

    Raises:
        DTypeError, ShapeError: as for `cr.tensor`, and for a shape that the value cannot have.
        ArgumentError: the name is none.

    >>> import chainrule as cr
    >>> cr.constant(7.0, shape=(2,))
    Tensor([7., 7.], float64)
    """
    name = checked_name("constant", name)
    graph = _context.current().graph
    if graph is None:
        return _shaped(tensor(value, dtype), shape)
    with _context.init_scope():
        x = _shaped(tensor(value, dtype), shape)
    return graph.tensor(CONSTANT, (), {"value": x}, name, source=ops.identity.op)


def _shaped(x: Tensor, shape: Sequence[int] | None) -> Tensor:
    if shape is None:
        return x
    how = ops.broadcast_to if x.size == 1 else ops.reshape
    shaped: Tensor = how(x, shape=tuple(shape))
    return shaped


def group(*things: Any, name: str | None = None) -> GraphNode | None:
    """One node that runs all of some nodes, tensors and variables' initialisers.

    None where everything runs by itself: eagerly, and in compiled functions, branches and loops.

    Raises:
        DTypeError: something is no part of a graph.
        ArgumentError: the name is none.
    """
    name = checked_name("group", name)
    graph = _context.current().graph
    if graph is None or isinstance(graph, Body):
        return None
    with control_dependencies(things):
        return graph.add(GROUP, (), name=name)


@contextmanager
def control_dependencies(things: Sequence[Any] | None) -> Iterator[None]:
    """What is built in this block runs after some nodes and tensors. None forgets those of the blocks around.

    Eagerly, where everything runs in order, it changes nothing.

    Raises:
        DTypeError: something is no part of a graph.
    """
    context = _context.current()
    if context.graph is None or things is None:
        controls: tuple[GraphNode, ...] = ()
    else:
        chosen = things if isinstance(things, list | tuple) else [things]
        controls = (
            *context.controls,
            *(as_node(thing, "control_dependencies") for thing in chosen if thing is not None),
        )
    with _context.scope(controls=controls):
        yield


def as_node(thing: Any, what: str) -> GraphNode:
    """The node behind a node, a symbolic tensor, or a variable as it is read.

    Raises:
        DTypeError: there is none.
    """
    if isinstance(thing, GraphNode):
        return thing
    if isinstance(thing, Variable):
        thing = as_tensor(thing)
    if type(thing) is Tensor and type(thing._value) is Symbol:
        return thing._value.node
    raise DTypeError(f"{what}: expected nodes or symbolic tensors of a graph, got {type(thing).__name__} {thing!r:.60}")


def global_variables_initializer() -> GraphNode:
    """The node that initialises all variables made in the graph that is being built."""
    graph = _graph("global_variables_initializer")
    return variables_initializer([v for v in graph.variables if v.graph is graph], name="init")


def variables_initializer(variables: Sequence[Variable], name: str = "init") -> GraphNode:
    """The node that initialises some variables."""
    _graph("variables_initializer")
    node = group(*(variable.initializer for variable in variables), name=name)
    assert node is not None
    return node


def global_variables() -> list[Variable]:
    """The variables that the graph being built has made or used."""
    return list(_graph("global_variables").variables)


def trainable_variables() -> list[Variable]:
    """Those of `global_variables` that are trainable."""
    return [variable for variable in global_variables() if variable.trainable]


# Overrides, for those who come from TensorFlow

_RENAMED: Final = {
    "AddV2": "add",
    "AvgPool": "nn.avg_pool",
    "Cast": "astype",
    "Cholesky": "linalg.cholesky",
    "ConcatV2": "concat",
    "Conv2D": "nn.conv",
    "Cumsum": "cumulative_sum",
    "Elu": "nn.elu",
    "FloorDiv": "floor_divide",
    "FloorMod": "remainder",
    "LeakyRelu": "nn.leaky_relu",
    "LogMatrixDeterminant": "linalg.slogdet",
    "MatrixDeterminant": "linalg.det",
    "MatrixInverse": "linalg.inv",
    "MatrixSolve": "linalg.solve",
    "MatrixTriangularSolve": "linalg.solve_triangular",
    "MaxPool": "nn.max_pool",
    "Mul": "multiply",
    "Neg": "negative",
    "Pack": "stack",
    "Qr": "linalg.qr",
    "RealDiv": "divide",
    "Relu6": "nn.relu6",
    "Select": "where",
    "SelectV2": "where",
    "Selu": "nn.selu",
    "SoftmaxCrossEntropyWithLogits": "softmax_cross_entropy",
    "SparseSoftmaxCrossEntropyWithLogits": "sparse_softmax_cross_entropy",
    "Softsign": "nn.softsign",
    "Sub": "subtract",
    "Svd": "linalg.svd",
    "Transpose": "permute_dims",
}


@contextmanager
def override_map(graph: Graph, op_type_map: Mapping[Any, Any]) -> Iterator[None]:
    """See `Graph.gradient_override_map`."""
    current = _context.current().graph
    if current is None or not current.sees(graph):
        raise GraphError(
            "gradient_override_map: this graph is not being built here, so it would change nothing; call it inside "
            "`with graph.as_default():`"
        )
    if not isinstance(op_type_map, Mapping):
        raise DTypeError(
            f"gradient_override_map: expected a mapping from operations to gradients, got {op_type_map!r:.60}"
        )
    with override_gradients({_named_op(key): gradient for key, gradient in op_type_map.items()}):
        yield


def _named_op(key: Any) -> Any:
    """An operation by our name, by TensorFlow's, or as itself."""
    load_plugins()
    if not isinstance(key, str) or key in _registry.ops:
        return key
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower()
    for name in (_RENAMED.get(key), snake, key.lower()):
        if name in _registry.ops:
            return name
    near = nearest(snake, _registry.ops, 0.5)
    raise SelectorError(
        f"gradient_override_map: no op is called {key!r}" + (f"; did you mean {near[0]!r}?" if near else "")
    )
