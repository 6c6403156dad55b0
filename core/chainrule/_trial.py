"""What a function's call and its gradients compute, as one program that is looked at or run by parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optree

from chainrule import _context
from chainrule._convert import as_tensor
from chainrule._errors import ArgumentError, DTypeError
from chainrule._gradients import gradients, ones_like
from chainrule._graph import Graph
from chainrule._graph_functions import placeholder, trainable_variables
from chainrule._graph_ops import READ
from chainrule._indexed_slices import dense
from chainrule._plugins import load_plugins
from chainrule._program import Program
from chainrule._session import closed
from chainrule._symbol import Symbol
from chainrule._tensor import Tensor
from chainrule._trees import is_array, is_tensor
from chainrule._variable import Variable
from chainrule.infer import Spec


@dataclass(frozen=True)
class Trial:
    """A call of a function, traced.

    Attributes:
        name: the function's.
        program: from `arguments` and the values of `variables` to `results`, the results first, then the gradients.
        arguments: what was given for the program's first inputs: arrays, or specs.
        variables: whose values it takes after these.
        results: what the program's outputs are, such as `"result"`, `"result 1"` and `"gradient of x"`.
    """

    name: str
    program: Program
    arguments: tuple[Any, ...]
    variables: tuple[Variable, ...]
    results: tuple[str, ...]


def trial(f: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], with_gradients: bool) -> Trial:
    """Trace a call of a function and, if that is asked for, the gradients of the sum of what it gives.

    Args:
        f: a function of arrays (or pytrees) to a pytree of arrays, or a compiled one.
        args, kwargs: what it is called with; `cr.Spec` stands for an array of which only shape and dtype are known.
        with_gradients: whether to take the gradients by all floating-point arrays in the arguments, and by the
            trainable variables that it reads.

    Raises:
        DTypeError: the result holds no array.
        ArgumentError: it makes variables, or changes some.
        ChainruleError: what tracing it raises.
    """
    load_plugins()
    f = getattr(f, "python_function", f)
    name = getattr(f, "__qualname__", repr(f))
    everything: Any = (tuple(args), dict(kwargs))
    paths, leaves, treedef = optree.tree_flatten_with_path(everything, none_is_leaf=True)
    given: dict[int, tuple[str, Any]] = {
        i: (_path(path), leaf)
        for i, (path, leaf) in enumerate(zip(paths, leaves, strict=True))
        if isinstance(leaf, Spec) or is_array(leaf) or hasattr(leaf, "dtype")
    }
    with _context.init_scope():
        arguments = [leaf if isinstance(leaf, Spec) else as_tensor(leaf) for _, leaf in given.values()]
    with Graph().as_default() as graph, _context.scope(recording=True):
        inputs = [placeholder(x.dtype, x.shape) for x in arguments]
        replaced = dict(zip(given, inputs, strict=True))
        call: Any = optree.tree_unflatten(treedef, [replaced.get(i, leaf) for i, leaf in enumerate(leaves)])
        returned = optree.tree_leaves(f(*call[0], **call[1]))
        outputs = [dense(y) for y in returned if is_tensor(y) or hasattr(y, "dtype")]
        if not outputs:
            raise DTypeError(f"{name}: the result holds no array, got {returned!r:.60}")
        ys = [graph.lifted(as_tensor(y)) for y in outputs]
        if any(variable.graph is graph for variable in trainable_variables()):
            raise ArgumentError(f"{name} makes variables: make them before, and let it read them")
        results = ["result" if len(ys) == 1 else f"result {i}" for i in range(len(ys))]
        if with_gradients:
            read = {id(v): v for v in (node.attributes["variable"] for node in graph if node.op is READ)}
            xs = {path: x for (path, _), x in zip(given.values(), inputs, strict=True) if x.dtype.is_inexact}
            xs |= {f"variable {v.name}": v for v in read.values() if v.trainable}
            slopes = _slopes(ys, list(xs.values()))
            results += [f"gradient of {path}" for path, g in zip(xs, slopes, strict=True) if g is not None]
            ys += [g for g in slopes if g is not None]
    program, variables, assigned = closed([_symbol(y) for y in ys], [], [_symbol(x) for x in inputs])
    if assigned:
        raise ArgumentError(f"{name} changes variable {assigned[0].name!r}: give what computes, not what trains")
    return Trial(name, program, tuple(arguments), tuple(variables), tuple(results))


def _slopes(ys: Sequence[Tensor], xs: list[Any]) -> list[Any]:
    """Gradients of the sum of all that has some, complex numbers weighted by 1."""
    ys = [y for y in ys if y.dtype.is_inexact]
    if not ys or not xs:
        return [None] * len(xs)
    found = gradients(ys, xs, [ones_like(y) for y in ys])
    return [None if g is None else dense(g) for g in found]


def _symbol(x: Tensor) -> Symbol:
    value = x._value
    assert type(value) is Symbol
    return value


def _path(path: tuple[Any, ...]) -> str:
    """Where in the arguments a leaf is: `argument 0`, `argument 1['w']`, `argument x`."""
    _, first, *rest = path
    return f"argument {first}{''.join(f'[{part!r}]' for part in rest)}"
