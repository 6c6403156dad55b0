"""`custom_gradient`: a function with a gradient of your own."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import optree

from chainrule import _context, _engine_ops, _record, ops
from chainrule._contracts import UNDECLARED, undeclared
from chainrule._convert import as_tensor
from chainrule._definition import Definition
from chainrule._dispatch import apply
from chainrule._errors import ChainruleError, GradientDefinitionError
from chainrule._flow import custom_flow, custom_op
from chainrule._gradients import gradients_of
from chainrule._graph import Body, alias
from chainrule._indexed_slices import dense
from chainrule._node import NO_ATTRIBUTES, Node, new_serial
from chainrule._op import Op
from chainrule._owner import USER, location
from chainrule._replay import building
from chainrule._tensor import Tensor
from chainrule._trees import is_array, path_of


def custom_gradient(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a function a gradient of its own.

    The function returns its result and a function `grad_fn` that takes the result's cotangent (one argument for each
    result, if the result is a tuple) and returns the cotangents of its arguments, in the order of the signature,
    however they were passed: one for each argument that holds arrays, or one for each argument with None for the
    others. A cotangent has its argument's structure.

    Tensors and variables that the function uses without taking them as arguments get the gradient of its body.
    `grad_fn` is written in operations and differentiates again; forward mode uses its transpose.

    Raises:
        GradientDefinitionError: on call, if there is no `(result, grad_fn)`; at gradient time, if a cotangent has the
            wrong structure, shape or dtype. Names the function and its line.

    >>> import chainrule as cr
    >>> @cr.custom_gradient
    ... def log1pexp(x):
    ...     e = cr.exp(x)
    ...     return cr.log(1.0 + e), lambda g: g * (1.0 - 1.0 / (1.0 + e))
    >>> float(cr.grad(log1pexp)(0.0))
    0.5
    """
    function, contract = undeclared(function)
    signature = inspect.signature(function)
    name = getattr(function, "__qualname__", repr(function))
    where = f"custom gradient {name!r} at {location(function)}"
    op = Op(
        name,
        None,
        lambda *specs, call: call.specs,
        multiple=True,
        holomorphic=False,
        attributes={"call": None},
    )

    def gradient(g: Any, _y: Any, *_inputs: Any, call: _Call) -> Any:
        return call.pull_back(g)

    op.definition = Definition(op, (contract or UNDECLARED)(gradient), USER, name)
    symbolic = custom_op(name, contract or UNDECLARED)

    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        call = _Call(function, where, bound)
        if _context.current().graph is not None:
            return _as_node(call, symbolic)
        if call.tensors:
            with _context.scope(recording=True):
                call.run()
        else:
            call.run()
        context = _context.current()
        inputs = (*call.tensors, *call.captured)
        backend = call.results[0]._backend if call.results else None
        if backend is None:
            raise GradientDefinitionError(f"{where}: the result holds no tensor")
        values = tuple(result._value for result in call.results)
        if context.mode:
            outputs = _record.finish(op, inputs, {"call": call}, values, backend, context)
        else:
            outputs = tuple(Tensor(value, backend) for value in values)
        return optree.tree_unflatten(call.treedef, outputs)

    wrapper.op = op  # type: ignore[attr-defined]  # what marks the public function of an operation
    return wrapper


class _Call:
    """One call of a function with a custom gradient."""

    def __init__(self, function: Callable[..., Any], where: str, bound: inspect.BoundArguments) -> None:
        self.function = function
        self.where = where
        self.bound = bound
        self.names = list(bound.arguments)
        self.trees = {name: optree.tree_flatten(value) for name, value in bound.arguments.items()}
        self.array_names = [n for n, (leaves, _) in self.trees.items() if any(map(is_array, leaves))]
        self.tensors = [as_tensor(leaf) for n in self.array_names for leaf in self.trees[n][0] if is_array(leaf)]
        self.fresh: list[Tensor] = []
        self.captured: list[Tensor] = []
        self.results: list[Tensor] = []

    def run(self) -> None:
        """Run the body on fresh tensors, so that what it computes from the arguments can be told from the rest."""
        start = new_serial()
        self.fresh = [_record.source(t, _engine_ops.identity.op, NO_ATTRIBUTES) for t in self.tensors]
        self.call(self.fresh)
        self.captured = captured(self.results, start, {t._node for t in self.fresh})
        del self.bound

    def call(self, tensors: Sequence[Tensor]) -> None:
        """Call the function on tensors in place of its arguments' arrays."""
        fresh = iter(tensors)
        for name in self.array_names:
            leaves, treedef = self.trees[name]
            arguments = [next(fresh) if is_array(leaf) else leaf for leaf in leaves]
            self.bound.arguments[name] = optree.tree_unflatten(treedef, arguments)
        returned = self.function(*self.bound.args, **self.bound.kwargs)
        if not isinstance(returned, tuple) or len(returned) != 2 or not callable(returned[1]):
            raise GradientDefinitionError(
                f"{self.where}: expected it to return (result, grad_fn), got {type(returned).__name__}"
                + (f" of {len(returned)}" if isinstance(returned, tuple) else "")
            )
        result, self.grad_fn = returned
        self.is_tuple = isinstance(result, tuple | list)
        leaves, self.treedef = optree.tree_flatten(result)
        self.results = [as_tensor(leaf) for leaf in leaves]

    def pull_back(self, g: tuple[Tensor, ...]) -> tuple[Any, ...]:
        """The cotangents of the arguments by the custom rule, and of what the body captured by differentiating it."""
        parts = self.own_parts(g)
        if not self.captured:
            return tuple(parts)
        # What was captured may have been computed from the arguments or from each other: only direct uses count here.
        return (*parts, *gradients_of(self.results, self.captured, g, stops=[*self.captured, *self.fresh]))

    def push_forward(self, tangents: Sequence[Tensor | None], inputs: Sequence[Any]) -> Sequence[Tensor] | None:
        """The tangents of the results by the rule itself, if it has a way forward and only arguments move."""
        rule = getattr(self.grad_fn, "push_forward", None)
        n = len(self.tensors)
        if rule is None or any(t is not None for t in tangents[n:]):
            return None
        found: Sequence[Tensor] = rule(tangents[:n])
        return found

    def own_parts(self, g: Sequence[Tensor]) -> list[Any]:
        """The cotangents of the arguments' arrays by the custom rule."""
        cotangent = optree.tree_unflatten(self.treedef, g)
        try:
            returned = self.grad_fn(*cotangent) if self.is_tuple else self.grad_fn(cotangent)
        except ChainruleError:
            raise
        except Exception as error:
            raise GradientDefinitionError(
                f"{self.where}: its grad_fn raised {type(error).__name__}: {error}"
            ) from error
        return [part for name, tree in self._by_name(returned) for part in self._checked(name, tree)]

    def _by_name(self, returned: Any) -> list[tuple[str, Any]]:
        """Which cotangent is whose, of the arguments that hold arrays."""
        arrays = self.array_names
        several = isinstance(returned, tuple | list)
        if len(arrays) == 1 and (not several or len(returned) not in (1, len(self.names))):
            return [(arrays[0], returned)]
        if several and len(returned) == len(arrays):
            return list(zip(arrays, returned, strict=True))
        if several and len(returned) == len(self.names):
            return [(name, part) for name, part in zip(self.names, returned, strict=True) if name in arrays]
        count = f"{len(returned)} cotangents" if several else f"a {type(returned).__name__}"
        raise GradientDefinitionError(
            f"{self.where}: its grad_fn returned {count}; expected one for each of {', '.join(arrays)}"
        )

    def _checked(self, name: str, returned: Any) -> list[Any]:
        """The cotangents of one argument's arrays, in its structure, shapes and dtypes."""
        leaves, treedef = self.trees[name]
        if returned is None:
            return [None for leaf in leaves if is_array(leaf)]
        try:
            found: list[Any] = treedef.flatten_up_to(returned)
        except ValueError as error:
            raise GradientDefinitionError(
                f"{self.where}: the cotangent of argument {name!r} has not its structure: {error}"
            ) from None
        parts = []
        for i, (leaf, part) in enumerate(zip(leaves, found, strict=True)):
            if not is_array(leaf):
                continue
            want = as_tensor(leaf)
            part = None if part is None else as_tensor(part, want._backend)
            if part is not None and (part.shape != want.shape or part.dtype.kind != want.dtype.kind):
                raise GradientDefinitionError(
                    f"{self.where}: the cotangent of argument {name}{path_of(treedef, i)} is "
                    f"{part.dtype}{list(part.shape)}, expected {want.dtype}{list(want.shape)}"
                )
            if part is not None and part.dtype != want.dtype:
                part = ops.astype(part, dtype=want.dtype)
            parts.append(part)
        return parts


def _as_node(call: _Call, op: Op) -> Any:
    """The call as a node of the graph that is being built: the function and its rule are traced together, once."""
    graph = _context.current().graph
    assert graph is not None
    arguments = [graph.lifted(t) for t in call.tensors]
    body = Body(call.where, graph)
    with building(body):
        call.call([body.input(t._value.spec) for t in arguments])
        if not call.results:
            raise GradientDefinitionError(f"{call.where}: the result holds no tensor")
        results = [alias(body.lifted(result)) for result in call.results]
        forward_nodes = tuple(body.nodes)
        g = [body.input(result._value.spec, "cotangent") for result in results]
        parts = call.own_parts(g)
        cotangents = [None if part is None else body.lifted(dense(part)) for part in parts]
    flow = custom_flow(body, forward_nodes, results, g, cotangents)
    outputs = apply(op, (*arguments, *(outer.tensor for outer in body.captures)), {"flow": flow})
    return optree.tree_unflatten(call.treedef, outputs)


def captured(results: list[Tensor], start: int, arguments: set[Any]) -> list[Tensor]:
    """The tracked tensors from outside that results were computed from since serial number `start`."""
    captured: dict[tuple[Node, int], Tensor] = {}
    stack = list(results)
    seen: set[Node] = set(arguments)
    while stack:
        t = stack.pop()
        node = t._node
        if not isinstance(node, Node):
            continue
        if node.serial < start or node.op.name == "read_variable":
            captured[node, t._index] = t
        elif node not in seen:
            seen.add(node)
            stack.extend(x for x in node.inputs if type(x) is Tensor)
    return list(captured.values())
