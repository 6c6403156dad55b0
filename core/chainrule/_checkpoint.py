"""`checkpoint`: a function whose intermediate results are computed again for its gradient, not kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

import optree

from chainrule import _context, _record, ops
from chainrule._backends import get_backend
from chainrule._compiled import Compiled
from chainrule._convert import as_tensor
from chainrule._custom_gradient import captured
from chainrule._errors import ArgumentError, GradientDefinitionError
from chainrule._flow import REMAT, Remat
from chainrule._gradients import gradients_of
from chainrule._graph import Body, Graph, GraphNode
from chainrule._node import new_serial
from chainrule._op import REQUIRED, Op
from chainrule._overrides import op_of_key
from chainrule._owner import ENGINE
from chainrule._program import Program
from chainrule._replay import building
from chainrule._tensor import Tensor
from chainrule._trace import Trace
from chainrule._trees import is_array
from chainrule.infer import Spec

if TYPE_CHECKING:
    from chainrule._variable import Variable


Saved = str | Sequence[Any] | Callable[[GraphNode], bool]


def checkpoint(f: Callable[..., Any] | None = None, *, save: Saved = "nothing") -> Any:
    """A function that keeps nothing but its arguments for its gradient, and runs again when that is taken.

    It saves memory for a second run of `f`: a chain of n layers, each or each few of them in a checkpoint, keeps what
    goes into the layers alone. `f` must compute the same both times; variables that it assigns, and random generators,
    are put back for that. It runs in graphs and compiled functions too, inside of loops and around them.

    Args:
        f: a function of any pytrees to a pytree of tensors. What it uses besides its arguments is differentiated too.
        save: what is kept all the same, and not computed again:

            - `"nothing"`, or `"everything"`, as if there was no checkpoint;
            - `"dots"`: the results of operations that are linear in each of two arrays: products of matrices, `einsum`,
              convolutions. They take long to compute, and what follows them does not;
            - operations, by name or function, in a list;
            - a function that says of each node of `f` whether: by its `op`, its `name` in name scopes, and the specs of
              its `outputs`.

            With one of the last three `f` is traced while something records, as compiled functions are, and cannot look
            at values.

    Returns:
        The function; without `f` a decorator that makes one.

    Raises:
        ArgumentError, SelectorError: `save` is none of these, or names an operation that there is not.
        GradientDefinitionError: at gradient time, if a variable that it reads has been assigned elsewhere since, or it
            did not use the same tensors again.

    >>> import chainrule as cr
    >>> layer = cr.checkpoint(lambda x: cr.sin(cr.exp(x)))
    >>> cr.grad(layer)(0.0) == cr.grad(lambda x: cr.sin(cr.exp(x)))(0.0)
    np.True_
    >>> wide = cr.checkpoint(lambda x, w: cr.tanh(cr.tanh(x @ w)), save="dots")
    >>> cr.grad(wide)(cr.tensor([1.0]), cr.tensor([2.0]))
    Tensor([0.06265...], float64)
    """
    selects = _selection(save)
    if f is None:
        return lambda f: checkpoint(f, save=save)
    if save == "everything":
        return f

    @wraps(f)
    def run(*args: Any, **kwargs: Any) -> Any:
        context = _context.current()
        if context.graph is None and not context.recording:
            return f(*args, **kwargs)
        arguments: Any = (args, kwargs)
        leaves, treedef = optree.tree_flatten(arguments)
        places = [i for i, leaf in enumerate(leaves) if is_array(leaf)]
        tensors = [as_tensor(leaves[i]) for i in places]

        def call(given: Sequence[Tensor]) -> tuple[list[Tensor], optree.PyTreeSpec]:
            whole = list(leaves)
            for i, x in zip(places, given, strict=True):
                whole[i] = x
            given_args, given_kwargs = optree.tree_unflatten(treedef, whole)
            found, result_treedef = optree.tree_flatten(f(*given_args, **given_kwargs))
            return [as_tensor(y) for y in found], result_treedef

        if context.graph is not None:
            return _as_node(call, tensors, context.graph, selects)
        if selects is not None:
            return _traced(call, tensors, selects)
        return _recorded(_Call(f, call, context), tensors, context)

    return run


Selection = Callable[[GraphNode], bool]


def _selection(save: Saved) -> Selection | None:
    """Which nodes' results are kept; None for those of none, which takes no trace."""
    if callable(save):
        return save
    if save in ("nothing", "everything"):
        return None
    if save == "dots":
        return lambda node: node.op.linear == "each"
    if isinstance(save, str) or not isinstance(save, Sequence):
        raise ArgumentError(
            f"checkpoint: save= is 'nothing', 'everything', 'dots', a list of operations or a function, got {save!r}"
        )
    chosen = {op_of_key(key) for key in save}
    if None in chosen:
        raise ArgumentError(f"checkpoint: save= lists operations by name or function, got {save!r}")
    return lambda node: node.op in chosen


def _traced(call: Callable[..., Any], tensors: Sequence[Tensor], selects: Selection) -> Any:
    """The call as one of a compiled program that holds the node."""
    trace = Trace("a checkpoint")
    with trace.under_way(tensors):
        own = [trace.input(Spec(x.shape, x.dtype)) for x in tensors]
        leaves, treedef = optree.tree_flatten(_as_node(call, own, trace, selects))
    if trace.assigned:
        raise ArgumentError(
            f"checkpoint: the function assigns variable {trace.assigned[0].name!r}; with save= assign it outside, from "
            "what the function returns"
        )
    compiled = Compiled(trace.program(leaves), tensors[0]._backend if tensors else get_backend(), what="a checkpoint")
    return optree.tree_unflatten(treedef, compiled(trace.given(own, tensors)))


def _as_node(
    call: Callable[..., Any], tensors: Sequence[Tensor], graph: Graph, selects: Selection | None = None
) -> Any:
    """The call as a node that holds the program of the function."""
    from chainrule._dispatch import apply

    arguments = [graph.lifted(x) for x in tensors]
    body = Body("a checkpoint", graph)
    with building(body), _context.scope(scope=_context.current().scope):
        found, treedef = call([body.input(x._value.spec) for x in arguments])
        outputs = [body.lifted(y) for y in found]
    assigned = [body.state(variable)._value for variable in body.assigned]
    results = [*(y._value for y in outputs), *assigned]
    saved = [y for node in body.nodes if selects and node.inputs and selects(node) for y in node.outputs]
    program = Program(body.inputs, [*results, *saved], body.nodes)
    outside = [outer.tensor for outer in body.captures]
    made = apply(REMAT, (*arguments, *outside), {"flow": Remat((_ordered(program, body),), n_saved=len(saved))})
    for variable, value in zip(body.assigned, made[len(outputs) : len(results)], strict=True):
        made[0]._value.node.followers += (variable.assign(value)._value.node,)
    return optree.tree_unflatten(treedef, made[: len(outputs)])


def _ordered(program: Program, body: Body) -> Program:
    """The program with what comes from outside after the arguments."""
    outside = list(body.captures.values())
    own = [x for x in program.inputs if x not in outside]
    return Program([*own, *outside], program.outputs, program.instructions)


class _Call:
    """A function and how to call it on tensors, for the run at gradient time, with what was in force at the first."""

    def __init__(self, f: Callable[..., Any], call: Callable[..., Any], context: _context.Context) -> None:
        self.name = getattr(f, "__qualname__", repr(f))
        self.call = call
        self.scopes = {name: getattr(context, name) for name in ("backend", "device", "missing", "overrides", "scope")}
        self.outside: list[Tensor] = []
        self.before: dict[Variable, Tensor] = {}  # what it assigned

    def first(self, tensors: Sequence[Tensor]) -> Any:
        """The results, noting what comes from outside and what variables held that are assigned."""
        around = _context.current().assigned
        with _context.scope(assigned=self.before):
            _, results, self.outside, treedef = self.run(tensors)
        if around is not None:
            for variable, value in self.before.items():
                around.setdefault(variable, value)
        return results, treedef

    def again(self, tensors: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """What `run` gives once more, with variables as they were at the first run, and then as they are now."""
        after = {variable: variable._value for variable in self.before}
        for variable, value in self.before.items():
            variable._value = value
        try:
            with _context.scope(assigned={}):
                return self.run(tensors)[:3]
        finally:
            for variable, value in after.items():
                variable._value = value

    def run(self, tensors: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor], list[Tensor], Any]:
        """The arguments as fresh tensors, the results, and the tracked tensors from outside that these come from."""
        with _context.scope(recording=True, graph=None, **self.scopes):
            start = new_serial()
            fresh = [_record.source(x, ops.identity.op, {}) for x in tensors]
            results, treedef = self.call(fresh)
        return fresh, results, captured(results, start, {x._node for x in fresh}), treedef

    def pull_back(self, g: Sequence[Tensor], inputs: Sequence[Tensor]) -> list[Any]:
        """The cotangents of the arguments and of what comes from outside."""
        n = len(inputs) - len(self.outside)
        fresh, results, outside = self.again(inputs[:n])
        same = len(outside) == len(self.outside) and all(
            a._value is b._value for a, b in zip(outside, self.outside, strict=True)
        )
        if not same:
            raise GradientDefinitionError(
                f"checkpoint of {self.name}: run again for its gradient it used other values than the first time; take "
                "the gradient before variables are assigned, and let the function depend on nothing else that changes"
            )
        stops = [*fresh, *outside]
        return gradients_of(results, stops, list(g), stops=stops)


def _recorded(call: _Call, tensors: list[Tensor], context: _context.Context) -> Any:
    """Run it now, and leave behind a node that runs it again."""
    results, treedef = call.first(tensors)
    if not results:
        return optree.tree_unflatten(treedef, ())
    values = tuple(y._value for y in results)
    outputs = _record.finish(
        CHECKPOINT, (*tensors, *call.outside), {"call": call}, values, results[0]._backend, context
    )
    return optree.tree_unflatten(treedef, outputs)


CHECKPOINT = Op(
    "checkpoint",
    None,
    lambda *specs, call: specs,
    lambda g, _y, *inputs, call: call.pull_back(g, inputs),
    attributes={"call": REQUIRED},
    multiple=True,
    holomorphic=False,
    owner=ENGINE,
)
