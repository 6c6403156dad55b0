"""What graphs are built from besides operations: placeholders, constants, control dependencies, groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from chainrule import _context, ops
from chainrule._convert import as_tensor, tensor
from chainrule._dim import Dim
from chainrule._dtypes import as_dtype
from chainrule._errors import DTypeError, GraphError, ShapeError
from chainrule._graph import Body, Graph, GraphNode
from chainrule._graph_ops import CONSTANT, GROUP, PLACEHOLDER
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
    _context.set_default_graph(graph)


def _graph(what: str) -> Graph:
    graph = _context.current().graph
    if graph is None or isinstance(graph, Body):
        where = "while a compiled function or control flow is" if graph is not None else "while no graph is"
        raise GraphError(
            f"{what} {where} being built; call it inside `with cr.Graph().as_default():`, or after "
            "cr.set_default_graph(cr.Graph())"
        )
    return graph


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

    >>> import chainrule as cr
    >>> with cr.Graph().as_default():
    ...     cr.placeholder("float32", (None, 784), name="images")
    Tensor('images:0', shape=(None, 784), float32)
    """
    graph = _graph("placeholder")
    if shape is not None:
        lengths: list[Any] = []
        for n in shape:
            if n is None or type(n) is Dim:
                lengths.append(n if type(n) is Dim else Dim())
            elif not hasattr(n, "__index__") or isinstance(n, bool) or n.__index__() < 0:
                raise ShapeError(f"placeholder: a shape is a sequence of lengths, None where one is open, got {shape!r}")
            else:
                lengths.append(n.__index__())
        shape = tuple(lengths)
    return graph.tensor(PLACEHOLDER, (), {"spec": Spec(shape, as_dtype(dtype))}, name, source=ops.identity.op)


def constant(value: Any, dtype: Any = None, shape: Sequence[int] | None = None, name: str | None = None) -> Tensor:
    """A tensor of a value; in a graph a node, that gradients can be taken with respect to.

    Args:
        value: what `cr.tensor` takes.
        dtype: its dtype.
        shape: a shape to bring it to; one number fills it.
        name: the node's name.

    >>> import chainrule as cr
    >>> cr.constant(7.0, shape=(2,))
    Tensor([7., 7.], float64)
    """
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
    """
    graph = _context.current().graph
    if graph is None or isinstance(graph, Body):
        return None
    with control_dependencies(things):
        return graph.add(GROUP, (), name=name)


@contextmanager
def control_dependencies(things: Sequence[Any] | None) -> Iterator[None]:
    """What is built in this block runs after some nodes and tensors. None forgets those of the blocks around.

    Eagerly, where everything runs in order, it changes nothing.
    """
    context = _context.current()
    if context.graph is None or things is None:
        controls: tuple[GraphNode, ...] = ()
    else:
        controls = (*context.controls, *(as_node(thing, "control_dependencies") for thing in things if thing is not None))
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
