"""`implicit_root` and `fixed_point`: gradients of what equations determine, whoever solves them.

With `f(x, p) = 0`, `dx = -(df/dx)^-1 (df/dp) dp`: the gradient solves a linear equation with the transposed Jacobian,
and does not go through the solver.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial, wraps
from typing import Any

import optree

from chainrule import _context, _record, ops
from chainrule._control_flow import while_loop
from chainrule._convert import as_tensor
from chainrule._custom_gradient import captured
from chainrule._dispatch import apply
from chainrule._errors import ArgumentError, DTypeError, ShapeError
from chainrule._flow._implicit import IMPLICIT, Implicit
from chainrule._functional import basis, each
from chainrule._gradients import gradients_of
from chainrule._graph import Body, Graph
from chainrule._indexed_slices import dense
from chainrule._node import NO_ATTRIBUTES, new_serial
from chainrule._op import REQUIRED, Op
from chainrule._owner import ENGINE
from chainrule._plugins import load_plugins
from chainrule._program import Program
from chainrule._replay import building, replay
from chainrule._tensor import Tensor
from chainrule._trees import any_tensor, arrays_out, is_array, library_of, path_of, untensor
from chainrule.infer import Spec

Vector = Callable[[Any], Any]
LinearSolve = str | Callable[[Vector, Any], Any]
_RTOL = 1e-10


def implicit_root(
    f: Callable[..., Any],
    solve: Callable[[Callable[[Any], Any], Any], Any],
    *,
    linear_solve: LinearSolve = "dense",
    traced: bool = False,
) -> Callable[..., Any]:
    """A function that gives the root of `f`, with derivatives of any order by the implicit function theorem.

    Args:
        f: a function of `x`, any pytree of real arrays, and parameters, to a pytree like `x`: zero at the root. What it
            uses besides its arguments is differentiated too.
        solve: `solve(g, x0)` gives `x` with `g(x) = 0`, from a start: any solver. `g` takes arrays and gives arrays, or
            tensors for tensors; nothing in it is recorded.
        linear_solve: how the gradient solves its equation: `"dense"` makes the whole Jacobian, `"matrix-free"` never
            does (BiCGSTAB, which gives NaN where it does not converge), a function `(matvec, b)` of vectors is yours.
        traced: whether `solve` is written in operations, so that compiled functions and `vmap` take it apart. Otherwise
            compiled functions call it as it is, and `vmap` in a loop.

    Returns:
        `root(x0, *parameters)`. The start has no gradient.

    Raises:
        ArgumentError: `linear_solve` is none of these.
        ShapeError: on call, if the solution or the residual is not like `x0`.
        DTypeError: on call, if `x0` is not real.

    >>> import chainrule as cr, numpy as np
    >>> from scipy.optimize import root
    >>> kepler = cr.implicit_root(lambda e, m: e - 0.5 * np.sin(e) - m, lambda g, e0: root(g, e0, tol=1e-12).x)
    >>> e = kepler(np.ones(1), np.ones(1))
    >>> de = cr.jacobian(kepler, 1)(np.ones(1), np.ones(1))
    >>> bool(np.allclose(de, 1.0 / (1.0 - 0.5 * np.cos(e))))
    True
    """
    if linear_solve not in ("dense", "matrix-free") and not callable(linear_solve):
        raise ArgumentError(
            f"implicit_root: linear_solve is 'dense', 'matrix-free' or a function of a matvec and a vector, got "
            f"{linear_solve!r}"
        )

    @wraps(f)
    def run(x0: Any, *parameters: Any) -> Any:
        load_plugins()
        problem = _Problem(f, solve, linear_solve, traced, x0, parameters)
        graph = _context.current().graph
        return problem.solved() if graph is None else problem.as_node(graph)

    return run


class _Problem:
    """One equation: a start, parameters, and what is to be solved."""

    def __init__(self, f: Any, solve: Any, linear_solve: LinearSolve, traced: bool, x0: Any, parameters: Any) -> None:
        self.name = f"implicit_root of {getattr(f, '__name__', repr(f))}"
        self.function, self.solve, self.linear_solve, self.traced = f, solve, linear_solve, traced
        self.start = x0
        self.parameters = parameters
        leaves, self.treedef = optree.tree_flatten(x0)
        self.library = library_of(leaves[0]) if leaves else None
        self.x0 = [as_tensor(leaf) for leaf in leaves]
        for i, x in enumerate(self.x0):
            if x.dtype.kind != "float":
                raise DTypeError(f"{self.name}: x0{path_of(self.treedef, i)} is {x.dtype}, expected real numbers")
        self.leaves, self.p_treedef = optree.tree_flatten(parameters)
        self.places = [i for i, leaf in enumerate(self.leaves) if is_array(leaf)]
        self.tensors = [as_tensor(self.leaves[i]) for i in self.places]
        self.outside: list[Tensor] = []

    def residual(self, xs: Sequence[Tensor], parameters: Sequence[Any]) -> list[Tensor]:
        """What is zero at the root."""
        whole = list(self.leaves)
        for i, p in zip(self.places, parameters, strict=True):
            whole[i] = p
        returned = self.function(self.treedef.unflatten(xs), *self.p_treedef.unflatten(whole))
        return self._like(returned, "the function gave")

    def _like(self, tree: Any, what: str) -> list[Tensor]:
        """The leaves of a tree that is like the start."""
        try:
            found = [as_tensor(leaf) for leaf in self.treedef.flatten_up_to(tree)]
        except ValueError as error:
            raise ShapeError(f"{self.name}: {what} another structure than that of x0: {error}") from None
        for i, (x, y) in enumerate(zip(self.x0, found, strict=True)):
            if x.shape != y.shape:
                raise ShapeError(f"{self.name}: {what} shape {y.shape} for x0{path_of(self.treedef, i)} of {x.shape}")
        return [y if y.dtype == x.dtype else ops.astype(y, dtype=x.dtype) for x, y in zip(self.x0, found, strict=True)]

    def solution(self, residual: Callable[[Sequence[Tensor]], list[Tensor]], start: Any) -> list[Tensor]:
        """What the solver finds."""

        def g(x: Any) -> Any:
            found = self.treedef.unflatten(residual(self._like(x, "the solver tries")))
            return found if any_tensor([x]) else arrays_out(found, self.library)

        return self._like(self.solve(g, start), "the solver gave")

    # At once

    def solved(self) -> Any:
        """The root, with a node that knows its gradient where something records."""
        context = _context.current()
        constants = [Tensor(p._value, p._backend) for p in self.tensors]
        with _context.scope(recording=False):
            start = optree.tree_map(lambda x: Tensor(x._value, x._backend) if type(x) is Tensor else x, self.start)
            xs = self.solution(lambda xs: self.residual(xs, constants), start)
        if context.recording:
            with _context.scope(recording=True):
                first = new_serial()
                fresh = [_record.source(p, ops.identity.op, NO_ATTRIBUTES) for p in (*xs, *self.tensors)]
                results = self.residual(fresh[: len(xs)], fresh[len(xs) :])
            self.outside = captured(results, first, {p._node for p in fresh})
            inputs = (*self.tensors, *self.outside)
            values = tuple(x._value for x in xs)
            made = _record.finish(ROOT, inputs, {"call": self}, values, xs[0]._backend, context)
            return self.treedef.unflatten(made)
        tree = self.treedef.unflatten(xs)
        return tree if any_tensor((self.start, *self.parameters)) else arrays_out(tree, self.library)

    def pull_back(self, g: Sequence[Tensor], y: Sequence[Tensor], inputs: Sequence[Tensor]) -> list[Any]:
        """The cotangents of the parameters, and of what comes from outside."""
        return cotangents(self.residual, self.linear_solve, g, y, inputs[: len(self.tensors)], self.outside)

    # In a graph

    def as_node(self, graph: Graph) -> Any:
        """The root as a node, which holds the program of the residual and, if it is traced, the solver's."""
        arguments = [graph.lifted(x) for x in (*self.x0, *self.tensors)]
        n = len(self.x0)
        body = Body(self.name, graph)
        with building(body):
            own = [body.input(Spec(x.shape, x.dtype)) for x in arguments]
            outputs = [body.lifted(y)._value for y in self.residual(own[:n], own[n:])]
        outside = list(body.captures.items())
        residual = Program([*(x._value for x in own), *(inner for _, inner in outside)], outputs, body.nodes)
        programs = (residual, self._solver(residual)) if self.traced else (residual,)
        flow = Implicit(programs, n, self._run, partial(cotangents, how=self.linear_solve))
        made = apply(IMPLICIT, (*arguments, *(outer.tensor for outer, _ in outside)), {"flow": flow})
        return self.treedef.unflatten(made)

    def _solver(self, residual: Program) -> Program:
        """The solver as a program, from the inputs of the residual's."""
        n = len(self.x0)
        body = Body(self.name)
        with building(body):
            own = [body.input(x.spec, x.node.name) for x in residual.inputs]
            start = self.treedef.unflatten(own[:n])
            xs = self.solution(lambda xs: [as_tensor(y) for y in replay(residual, [*xs, *own[n:]])], start)
            outputs = [body.lifted(x)._value for x in xs]
        return Program(body.inputs, outputs, body.nodes)

    def _run(self, residual: Callable[[Sequence[Tensor]], list[Tensor]], xs: Sequence[Tensor]) -> list[Tensor]:
        """The solver, called when a compiled program runs."""
        with _context.scope(graph=None, recording=False):
            return self.solution(residual, self.treedef.unflatten([untensor(x, self.library) for x in xs]))


ROOT = Op(
    "implicit_root",
    None,
    lambda *specs, call: tuple(Spec(x.shape, x.dtype) for x in call.x0),
    lambda g, y, *inputs, call: call.pull_back(g, y, inputs),
    attributes={"call": REQUIRED},
    multiple=True,
    holomorphic=False,
    owner=ENGINE,
)


# The gradient


def cotangents(
    residual: Callable[[Sequence[Tensor], Sequence[Any]], list[Tensor]],
    how: LinearSolve,
    g: Sequence[Tensor],
    y: Sequence[Tensor],
    parameters: Sequence[Any],
    outside: Sequence[Tensor] = (),
) -> list[Any]:
    """The cotangents of what determines a root: solve `J^T u = g`, and pull `-u` back through the residual."""
    with _context.scope(recording=True):
        xs = [_record.source(x, ops.identity.op, NO_ATTRIBUTES) for x in y]
        ps = [_record.source(p, ops.identity.op, NO_ATTRIBUTES) for p in parameters]
        r = residual(xs, ps)
    stops = [*xs, *ps, *outside]

    def pull(u: Tensor, to: Sequence[Tensor] = xs) -> list[Tensor]:
        found = gradients_of(r, to, _parted(u, r), zeros=True, stops=stops)
        return [dense(part) for part in found]

    u = _solved(lambda u: _flat(pull(u)), _flat(g), how)
    wanted = [p for p in (*ps, *outside) if p.dtype.is_inexact]
    found = iter(pull(-u, wanted))
    return [next(found) if p.dtype.is_inexact else None for p in (*ps, *outside)]


def _solved(matvec: Callable[[Tensor], Tensor], b: Tensor, how: LinearSolve) -> Tensor:
    """The solution of a linear equation, itself with derivatives."""
    if how == "dense":
        (rows,) = each(lambda e: [matvec(e)], basis(b))
        solution: Tensor = getattr(ops, "linalg.solve")(ops.matrix_transpose(rows), b)
        return solution
    solver = _bicgstab if how == "matrix-free" else how

    def solve(residual: Callable[[Any], Any], start: Any) -> Any:
        offset = residual(start)
        return solver(lambda v: residual(v) - offset, -offset)  # type: ignore[operator]  # a function then

    root = implicit_root(lambda u: matvec(u) - b, solve, linear_solve=how, traced=how == "matrix-free")
    start = ops.zeros_like(b)
    found: Tensor = as_tensor(root(start if how == "matrix-free" or start.name else untensor(start)))
    return found


def _flat(parts: Sequence[Tensor]) -> Tensor:
    """Arrays as one vector."""
    vectors = [ops.reshape(x, shape=(x.size,)) for x in parts]
    vector: Tensor = vectors[0] if len(vectors) == 1 else ops.concat(vectors)
    return vector


def _parted(u: Tensor, like: Sequence[Tensor]) -> list[Tensor]:
    """A vector as arrays like these."""
    parts, start = [], 0
    for x in like:
        part = ops.reshape(u[start : start + x.size], shape=x.shape)
        parts.append(part if part.dtype == x.dtype else ops.astype(part, dtype=x.dtype))
        start += x.size
    return parts


def _bicgstab(matvec: Callable[[Tensor], Tensor], b: Tensor) -> Tensor:
    """van der Vorst's stabilised bi-conjugate gradients (1992), from zero; NaN if they do not converge."""
    goal = _RTOL * ops.vector_norm(b)
    most = 20 * b.size + 20

    def ratio(a: Tensor, b: Tensor) -> Tensor:
        return ops.where(ops.equal(b, 0), 0.0, a / ops.where(ops.equal(b, 0), 1.0, b))  # type: ignore[no-any-return]

    def step(carried: Any) -> Any:
        k, x, r, p, rho = carried
        v = matvec(p)
        alpha = ratio(rho, ops.sum(b * v))
        s = r - alpha * v
        t = matvec(s)
        omega = ratio(ops.sum(t * s), ops.sum(t * t))
        r = s - omega * t
        then = ops.sum(b * r)
        beta = ratio(then, rho) * ratio(alpha, omega)
        return k + 1, x + alpha * p + omega * s, r, r + beta * (p - omega * v), then

    def goes_on(carried: Any) -> Any:
        return ops.logical_and(ops.vector_norm(carried[2]) > goal, carried[0] < most)

    zero = ops.zeros_like(b)
    _, x, r, _, _ = while_loop(goes_on, step, (0, zero, b, b, ops.sum(b * b)))
    return ops.where(ops.vector_norm(r) <= goal, x, math.nan)  # type: ignore[no-any-return]  # a tensor


def fixed_point(
    f: Callable[..., Any],
    x0: Any,
    *parameters: Any,
    rtol: float = _RTOL,
    max_iterations: int = 1000,
    linear_solve: LinearSolve = "dense",
) -> Any:
    """Repeat `x = f(x, *parameters)` until it stays; derivatives of any order of where it ends, not of the way there.

    Args:
        f: a function of `x`, any pytree of real arrays, and parameters, to a pytree like `x`.
        x0: where to begin.
        parameters: what else `f` takes. What it uses besides is differentiated too.
        rtol: how small the largest change has to be against the largest element, or 1.
        max_iterations: after how many repetitions the result is NaN.
        linear_solve: as for `implicit_root`.

    >>> import chainrule as cr
    >>> root = lambda a: cr.fixed_point(lambda x, a: 0.5 * (x + a / x), 1.0, a)  # Heron's
    >>> round(root(2.0), 6), round(cr.grad(root)(2.0), 6), round(cr.grad(cr.grad(root))(2.0), 6)
    (np.float64(1.414214), np.float64(0.353553), np.float64(-0.088388))
    """

    def change(x: Any, *parameters: Any) -> Any:
        return optree.tree_map(lambda new, old: new - old, f(x, *parameters), x)

    def largest(tree: Any) -> Tensor:
        found = [ops.max(ops.abs(ops.reshape(x, shape=(-1,)))) for x in optree.tree_leaves(tree)]
        most: Tensor = ops.max(ops.stack(found))
        return most

    def solve(g: Callable[[Any], Any], start: Any) -> Any:
        def step(carried: Any) -> Any:
            k, x, by = carried
            x = optree.tree_map(lambda a, b: a + b, x, by)
            return k + 1, x, g(x)

        def goes_on(carried: Any) -> Any:
            k, x, by = carried
            return ops.logical_and(largest(by) > rtol * ops.maximum(largest(x), 1.0), k < max_iterations)

        start = optree.tree_map(as_tensor, start)
        _, x, by = while_loop(goes_on, step, (0, start, g(start)))
        ends = largest(by) <= rtol * ops.maximum(largest(x), 1.0)
        return optree.tree_map(lambda a: ops.where(ends, a, math.nan), x)

    return implicit_root(change, solve, linear_solve=linear_solve, traced=True)(x0, *parameters)
