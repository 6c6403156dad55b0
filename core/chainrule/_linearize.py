"""`linearize`: a derivative at a point as a function. `linear_transpose`: the transpose of a linear function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import optree

from chainrule import _context, _record, ops
from chainrule._backends import get_backend
from chainrule._compiled import Compiled
from chainrule._convert import as_tensor
from chainrule._dtypes import as_dtype
from chainrule._errors import ArgumentError
from chainrule._functional import _Call, cast_like, matching
from chainrule._gradients import gradients_of, zeros_like
from chainrule._indexed_slices import dense
from chainrule._node import NO_ATTRIBUTES
from chainrule._passes.dead_code import dead_code
from chainrule._plugins import load_plugins
from chainrule._program import Program
from chainrule._symbolic import SYMBOLIC
from chainrule._tensor import Tensor
from chainrule._trace import Trace
from chainrule._trees import any_tensor, arrays_out, flatten, leaves_of, library_of
from chainrule.infer import Spec


def linearize(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """Run `f` and give its result with its derivative there, a linear function of tangents.

    What the derivative needs of `f` is computed once, and the rest compiled: for many directions at one point it does
    less than `jvp`, which runs `f` for each. It keeps that alive.

    Args:
        f: a function of arrays (or pytrees) to a pytree of arrays.
        primals: the arguments.

    Returns:
        `(result, derivative)`: `derivative(*tangents)`, with a direction for each primal, of its structure and shapes,
        gives the tangent of the result.

    >>> import chainrule as cr, numpy as np
    >>> y, derivative = cr.linearize(np.square, np.array([1.0, 3.0]))
    >>> y, derivative(np.array([1.0, 1.0])), derivative(np.array([0.0, 2.0]))
    (array([1., 9.]), array([2., 6.]), array([ 0., 12.]))
    """
    from chainrule._forward import push_forward

    call = _Call("linearize", f, tuple(range(len(primals))), primals, outlives_call=True)
    returned, treedef = flatten(call.run({}))
    ys = [as_tensor(y) for y in returned]
    trace = Trace(call.name)
    with trace.under_way(call.tensors):
        own = [trace.input(Spec(x.shape, x.dtype), "tangent") for x in call.tensors]
        pushed = push_forward(ys, call.sources, own) if ys else []
        moved = [cast_like(t, y) if t is not None else zeros_like(y) for t, y in zip(pushed, ys, strict=True)]
        outputs = [trace.lifted(t) for t in moved]
    compiled = Compiled(trace.program(outputs), _home(call.tensors), what=call.name)

    def derivative(*tangents: Any) -> Any:
        if len(tangents) != len(primals):
            raise ArgumentError(f"{call.name}: expected {len(primals)} tangents, one for each argument")
        given = [
            t
            for i, (tree, like) in enumerate(zip(tangents, call.trees(call.tensors), strict=True))
            for t in matching(call.name, f"tangents[{i}]", call.treedefs[i], leaves_of(like), tree)
        ]
        found = treedef.unflatten(compiled(trace.given(own, given)))
        as_tensors = call.as_tensors or _context.current().recording or any_tensor(tangents)
        return found if as_tensors else arrays_out(found, library_of(call.leaves[0]))

    return call.value(treedef.unflatten(ys)), derivative


def _home(tensors: list[Tensor]) -> Any:
    """The backend that concrete ones among some tensors are of."""
    return next((x._backend for x in tensors if x._backend is not SYMBOLIC), None) or get_backend()


def _spec(x: Any) -> Spec:
    like = x if isinstance(x, Spec) else as_tensor(x)
    return Spec(like.shape, as_dtype(like.dtype))


def linear_transpose(f: Callable[..., Any], *like: Any) -> Callable[[Any], tuple[Any, ...]]:
    """The transpose of a linear function: from a cotangent of its result to a cotangent for each argument.

    `f` is traced once, as in `vmap`, and does not run: the transpose of a matrix that is only known as a function.

    Args:
        f: a function that is linear in all of its arguments together.
        like: the arguments' shapes and dtypes: arrays, or `cr.Spec(shape, dtype)`, in any pytrees.

    Raises:
        ArgumentError: it is not linear; names an operation that makes it so.

    >>> import chainrule as cr, numpy as np
    >>> transposed = cr.linear_transpose(lambda x: x[1:] - x[:-1], np.zeros(3))
    >>> transposed(np.array([1.0, 10.0]))
    (array([-1., -9., 10.]),)
    """
    load_plugins()
    trees: list[Any] = [optree.tree_flatten(tree, is_leaf=lambda leaf: isinstance(leaf, Spec)) for tree in like]
    leaves = [leaf for found, _ in trees for leaf in found]
    specs = [_spec(x) for x in leaves]
    name = f"linear_transpose of {getattr(f, '__name__', repr(f))}"
    concrete = [as_tensor(x) for x in leaves if not isinstance(x, Spec)]
    trace = Trace(name)
    with trace.under_way(concrete):
        own = [trace.input(spec) for spec in specs]
        sources = [_record.source(x, ops.identity.op, NO_ATTRIBUTES) for x in own]
        rest = iter(sources)
        returned = f(*(treedef.unflatten([next(rest) for _ in found]) for found, treedef in trees))
        results, result_treedef = flatten(returned)
        ys = [as_tensor(y) for y in results]
        g = [trace.input(Spec(y.shape, y.dtype), "cotangent") for y in ys]
        found = gradients_of(ys, sources, g, zeros=True)
        outputs = [trace.lifted(dense(part)) for part in found]
    program = dead_code(trace.program(outputs), SYMBOLIC)
    arguments: set[Any] = {x._value for x in own}
    for instruction in program.instructions:
        if arguments.isdisjoint(instruction.inputs):
            continue
        arguments.update(instruction.outputs)
        if instruction.op is not ops.identity.op:
            raise ArgumentError(
                f"{name}: it is not linear: its gradient depends on its arguments, through {instruction.op.name}, made "
                f"at {instruction.node.site}"
            )
    inputs = [x for x in program.inputs if x not in arguments]
    compiled = Compiled(Program(inputs, program.outputs, program.instructions), _home(concrete), what=name)

    def transposed(cotangent: Any) -> tuple[Any, ...]:
        given = dict(zip(trace.inputs, trace.given([*own, *g], [*own, *_seeds(cotangent)]), strict=True))
        parts = iter(compiled([given[x] for x in inputs]))
        tree = tuple(treedef.unflatten([next(parts) for _ in found]) for found, treedef in trees)
        as_tensors = _context.current().recording or any_tensor((*like, cotangent))
        library = library_of(leaves[0]) if not isinstance(leaves[0], Spec) else None
        return tree if as_tensors else arrays_out(tree, library)

    def _seeds(cotangent: Any) -> list[Tensor]:
        return matching(name, "the cotangent", result_treedef, ys, cotangent)

    return transposed
