"""`custom_jvp`: a function with a forward derivative of your own, of which the gradient is the transpose."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import update_wrapper, wraps
from typing import Any

import optree

from chainrule import _context, _record, ops
from chainrule._convert import as_tensor
from chainrule._custom_gradient import custom_gradient
from chainrule._dispatch import apply
from chainrule._errors import ChainruleError, GradientDefinitionError
from chainrule._flow._ruled import RULED, Ruled
from chainrule._gradients import gradients_of, zeros_like
from chainrule._graph import Body, Graph, alias
from chainrule._indexed_slices import dense
from chainrule._node import NO_ATTRIBUTES
from chainrule._owner import location
from chainrule._program import Program
from chainrule._replay import building
from chainrule._tensor import Tensor
from chainrule._trees import is_array, path_of

Rule = Callable[[tuple[Any, ...], tuple[Any, ...]], tuple[Any, Any]]


class custom_jvp:  # a decorator to those who use it
    """Give a function a forward derivative of its own.

    `@f.defjvp` marks the rule: `rule(primals, tangents)` returns the function's result and the tangent of it. Both
    arguments are tuples with an entry for each parameter, in the order of the signature, however the call passed them:
    its value, and its tangent, in the same structure with None where there is no array of floating-point numbers.
    The rule is linear in the tangents and written in operations; so gradients, which are its transpose, and second
    derivatives follow.

    Tensors and variables that the function uses without taking them as arguments get the gradient of its body.

    Raises:
        GradientDefinitionError: on call, if there is no rule; when a derivative is taken, if the rule returns no
            `(result, tangent)` or a tangent of another structure or shape. Names the function and its line.

    >>> import chainrule as cr
    >>> @cr.custom_jvp
    ... def log1pexp(x):
    ...     return cr.log(1.0 + cr.exp(x))
    >>> @log1pexp.defjvp
    ... def log1pexp_jvp(primals, tangents):
    ...     (x,), (dx,) = primals, tangents
    ...     return log1pexp(x), dx * cr.sigmoid(x)
    >>> cr.jvp(log1pexp, [0.0], [2.0])[1], cr.grad(log1pexp)(100.0)
    (np.float64(1.0), np.float64(1.0))
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        update_wrapper(self, function)
        self.function = function
        self.where = f"custom_jvp {getattr(function, '__qualname__', repr(function))!r} at {location(function)}"
        self._signature = inspect.signature(function)
        self._rule: Rule | None = None

        @wraps(function)
        def with_gradient(*args: Any, **kwargs: Any) -> Any:
            bound = self._signature.bind(*args, **kwargs)
            bound.apply_defaults()
            return function(*args, **kwargs), _Transpose(self, tuple(bound.arguments.values()))

        self._call = custom_gradient(with_gradient)

    def defjvp(self, rule: Rule) -> Rule:
        """Set the rule; a decorator."""
        self._rule = rule
        return rule

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._rule is None:
            raise GradientDefinitionError(f"{self.where} has no rule yet: put @{self.__name__}.defjvp above one")  # type: ignore[attr-defined]  # update_wrapper sets it
        graph = _context.current().graph
        return self._call(*args, **kwargs) if graph is None else self._as_node(graph, args, kwargs)

    def _as_node(self, graph: Graph, args: Any, kwargs: Any) -> Any:
        """The call as a node of the graph that is being built; its rule is asked when a derivative is taken."""
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        names = list(bound.arguments)
        arguments: Any = tuple(bound.arguments.values())
        leaves, treedef = optree.tree_flatten(arguments)
        places = [i for i, leaf in enumerate(leaves) if is_array(leaf)]

        def with_arrays(tensors: Sequence[Any]) -> tuple[Any, ...]:
            whole = list(leaves)
            for i, x in zip(places, tensors, strict=True):
                whole[i] = x
            return treedef.unflatten(whole)  # type: ignore[return-value]  # the arguments are a tuple

        tensors = [graph.lifted(as_tensor(leaves[i])) for i in places]
        body = Body(self.where, graph)
        with building(body):
            own = [body.input(x._value.spec) for x in tensors]
            bound.arguments.update(zip(names, with_arrays(own), strict=True))
            returned, result_treedef = optree.tree_flatten(self.function(*bound.args, **bound.kwargs))
            results = [alias(body.lifted(as_tensor(y)))._value for y in returned]
        outside = list(body.captures.items())
        program = Program([*(x._value for x in own), *(inner for _, inner in outside)], results, body.nodes)
        flow = Ruled((program,), len(own), lambda given: _Transpose(self, with_arrays(given)))
        made = apply(RULED, (*tensors, *(outer.tensor for outer, _ in outside)), {"flow": flow})
        return optree.tree_unflatten(result_treedef, made)

    def __repr__(self) -> str:
        return f"<{self.where}>"

    def tangents(self, primals: Any, tangents: Any) -> list[Tensor]:
        """The tangents of the results by the rule."""
        assert self._rule is not None
        try:
            returned: Any = self._rule(primals, tangents)
        except ChainruleError:
            raise
        except Exception as error:
            raise GradientDefinitionError(f"{self.where}: its rule raised {type(error).__name__}: {error}") from error
        if not isinstance(returned, tuple) or len(returned) != 2:
            raise GradientDefinitionError(
                f"{self.where}: expected its rule to return (result, tangent), got {type(returned).__name__}"
                + (f" of {len(returned)}" if isinstance(returned, tuple) else "")
            )
        leaves, treedef = optree.tree_flatten(returned[0])
        try:
            found = [as_tensor(part) for part in treedef.flatten_up_to(returned[1])]
        except ValueError as error:
            raise GradientDefinitionError(
                f"{self.where}: the tangent has not the result's structure: {error}"
            ) from None
        for i, (y, t) in enumerate(zip(map(as_tensor, leaves), found, strict=True)):
            if t.shape != y.shape:
                raise GradientDefinitionError(
                    f"{self.where}: the tangent of result{path_of(treedef, i)} has shape {t.shape}, expected {y.shape}"
                )
        return found


class _Transpose:
    """The gradient of one call: its rule, transposed."""

    def __init__(self, of: custom_jvp, primals: Any) -> None:
        self.of = of
        self.primals = primals
        self.leaves, self.treedef = optree.tree_flatten(primals)

    def _tangents(self, given: Sequence[Tensor | None]) -> tuple[Any, ...]:
        """Tangents in the structure of the arguments, zero where there is an array and none is given."""
        rest = iter(given)
        found = [_or_zero(next(rest), leaf) if is_array(leaf) else None for leaf in self.leaves]
        return self.treedef.unflatten(found)  # type: ignore[return-value]  # the arguments are a tuple

    def push_forward(self, tangents: Sequence[Tensor | None]) -> list[Tensor]:
        """The tangents of the results, given those of the arguments' arrays."""
        return self.of.tangents(self.primals, self._tangents(tangents))

    def pull_back(self, gs: Sequence[Tensor]) -> list[Tensor]:
        """The cotangents of the arguments' arrays, given those of the results."""
        with _context.scope(recording=True):
            zeros = [zeros_like(as_tensor(leaf)) for leaf in self.leaves if is_array(leaf)]
            sources = [_record.source(zero, ops.identity.op, NO_ATTRIBUTES) for zero in zeros]
            results = self.push_forward(sources)
        pairs = [(t, g) for t, g in zip(results, gs, strict=True) if t.dtype.is_inexact]
        found = gradients_of([t for t, _ in pairs], sources, [g for _, g in pairs], zeros=True)
        return [dense(g) for g in found]

    def __call__(self, *cotangents: Any) -> tuple[Any, ...]:
        given: Any = cotangents
        found = iter(self.pull_back([as_tensor(g) for g in optree.tree_leaves(given)]))
        tree: Any = self.treedef.unflatten([next(found) if is_array(leaf) else None for leaf in self.leaves])
        return tree  # type: ignore[no-any-return]  # as the arguments


def _or_zero(tangent: Tensor | None, leaf: Any) -> Tensor:
    return zeros_like(as_tensor(leaf)) if tangent is None else tangent
