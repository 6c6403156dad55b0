"""Transformations of functions: `grad`, `value_and_grad`, `vjp`, `jvp`, `jacobian`, `hessian`, `hvp`.

Arrays in, arrays out; tensors in, tensors out: called with arrays or numbers they give that library's arrays, so they
fit code that never heard of chainrule. Inside the function the arguments are tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial, wraps
from itertools import islice
from typing import Any

from chainrule import _context, ops
from chainrule._backward import Subgraph
from chainrule._collector import recording_ends, recording_starts
from chainrule._convert import as_tensor, tensor
from chainrule._engine_ops import identity
from chainrule._errors import ArgumentError, DTypeError, ShapeError, SymbolicValueError
from chainrule._gradients import gradients_of, zeros_like
from chainrule._indexed_slices import dense
from chainrule._node import NO_ATTRIBUTES
from chainrule._overrides import resolve_overrides
from chainrule._plugins import load_plugins
from chainrule._record import source
from chainrule._symbol import Symbol
from chainrule._tensor import Tensor
from chainrule._trees import (
    Structure,
    any_tensor,
    arrays_out,
    flatten,
    is_number,
    is_tensor,
    leaves_of,
    library_of,
    path_of,
    untensor,
)

ArgNums = int | Sequence[int]


class _Call:
    """A function being differentiated: its arguments as sources, its result, and the way back to arrays."""

    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        argnums: ArgNums,
        args: tuple[Any, ...],
        outlives_call: bool = False,
    ) -> None:
        """Take the arguments apart; copy arrays if the graph is used after the caller can write to them again."""
        load_plugins()
        self.name = f"{name} of {getattr(function, '__name__', repr(function))}"
        self.function = function
        self.argnums = self._positions(argnums, len(args))
        self.single = isinstance(argnums, int)
        self.args = args
        context = _context.current()
        self.nested = context.recording
        self.as_tensors = self.nested or any_tensor(args)
        self.recording = context if context.recording else context.replace(recording=True)
        trees = [flatten(args[i]) for i in self.argnums]
        self.treedefs = [treedef for _, treedef in trees]
        self.leaves = [leaf for leaves, _ in trees for leaf in leaves]
        convert = tensor if outlives_call else as_tensor
        self.tensors = self._checked([as_tensor(x) if is_tensor(x) else convert(x) for x in self.leaves])
        self.sources = [source(t, identity.op, NO_ATTRIBUTES) for t in self.tensors]

    def _positions(self, argnums: ArgNums, count: int) -> tuple[int, ...]:
        given: tuple[Any, ...] = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        if not given or any(not isinstance(i, int) or not -count <= i < count for i in given):
            raise ArgumentError(f"{self.name}: argnums {argnums!r} do not fit a call with {count} positional arguments")
        return tuple(i % count for i in given)

    def _checked(self, tensors: list[Tensor]) -> list[Tensor]:
        for n, x in enumerate(tensors):
            if not x.dtype.is_inexact:
                fix = (
                    f"pass {float(self.leaves[n])!r}" if is_number(self.leaves[n]) else "convert it with astype(float)"
                )
                raise DTypeError(
                    f"{self.name}: argument {self._where(n)} is of dtype {x.dtype}, which has no gradient; {fix}"
                )
        return tensors

    def _where(self, n: int) -> str:
        """Argument and path of leaf `n`."""
        for position, treedef in zip(self.argnums, self.treedefs, strict=True):
            if n < treedef.num_leaves:
                return f"{position}{path_of(treedef, n) if treedef.num_leaves > 1 else ''}"
            n -= treedef.num_leaves
        raise AssertionError

    def run(self, kwargs: Mapping[str, Any]) -> Any:
        """Call the function, recording."""
        args = list(self.args)
        for position, tree in zip(self.argnums, self.trees(self.sources), strict=True):
            args[position] = tree
        token = _context.enter(self.recording)
        recording_starts()
        try:
            return self.function(*args, **kwargs)
        finally:
            recording_ends()
            _context.leave(token)

    def scalar(self, y: Any, sum_result: bool) -> Tensor:
        """The result as one real number."""
        if not is_tensor(y) and not hasattr(y, "__array__") and not is_number(y):
            raise DTypeError(f"{self.name}: expected the function to return a number, got {type(y).__name__}")
        y = as_tensor(y)
        if sum_result and y.shape:
            token = _context.enter(self.recording)
            try:
                y = ops.sum(y)
            finally:
                _context.leave(token)
        if y.shape:
            raise ShapeError(
                f"{self.name}: the function returned shape {y.shape}, and a gradient is of one number; sum it, pass "
                "sum=True, or use cr.vjp (your own cotangent) or cr.jacobian"
            )
        if y.dtype.kind != "float":
            hint = "; take cr.real or cr.abs of it" if y.dtype.kind == "complex" else ""
            raise DTypeError(
                f"{self.name}: the function returned {y.dtype}, expected a real floating-point number{hint}"
            )
        result: Tensor = y
        return result

    def pull_back(
        self, ys: Sequence[Tensor], seeds: Sequence[Any], overrides: Mapping[Any, Any] | None, last: bool = False
    ) -> list[Tensor]:
        """The cotangents of the sources, dense, zero where nothing connects."""
        found = gradients_of(ys, self.sources, seeds, zeros=True, overrides=overrides, last=last)
        return [dense(g) for g in found]

    def result(self, cotangents: Sequence[Any]) -> Any:
        """One result for each leaf, in the arguments' structure and library."""
        if not self.as_tensors:
            cotangents = [untensor(g, library_of(leaf)) for g, leaf in zip(cotangents, self.leaves, strict=True)]
        trees = self.trees(cotangents)
        return trees[0] if self.single else tuple(trees)

    def value(self, tree: Any) -> Any:
        """The function's own result, or its auxiliary part: arrays where arrays went in."""
        if self.nested:
            return tree
        if self.as_tensors:
            leaves, treedef = flatten(tree)
            return treedef.unflatten(map(_without_history, leaves))
        return arrays_out(tree, library_of(self.leaves[0]) if self.leaves else None)

    def trees(self, leaves: Sequence[Any]) -> list[Any]:
        rest = iter(leaves)
        return [t.unflatten(islice(rest, t.num_leaves)) for t in self.treedefs]


def _without_history(x: Any) -> Any:
    """A result that does not keep the graph it came from alive."""
    return Tensor(x._value, x._backend) if type(x) is Tensor else x


def _split(call: _Call, returned: Any, has_aux: bool) -> tuple[Any, Any]:
    """A function's result and its auxiliary part."""
    if not has_aux:
        return returned, None
    if not isinstance(returned, tuple) or len(returned) != 2:
        raise DTypeError(
            f"{call.name}: with has_aux=True the function returns (result, aux), got {type(returned).__name__}"
        )
    return returned


def value_and_grad(
    f: Callable[..., Any],
    argnums: ArgNums = 0,
    has_aux: bool = False,
    sum: bool = False,
    overrides: Mapping[Any, Any] | None = None,
) -> Callable[..., tuple[Any, Any]]:
    """A function that gives `f`'s value and its gradient, from one run.

    Args:
        f: a function to one real number, of arrays, numbers or pytrees of them.
        argnums: which positional arguments to differentiate with respect to: one, or a sequence for a tuple of them.
        has_aux: whether `f` returns `(value, aux)`; then so does the result: `((value, aux), gradient)`.
        sum: whether to take the gradient of the sum of an array that `f` returns.
        overrides: gradient-time overrides; see `gradients`.

    Returns:
        A function of `f`'s arguments to `(value, gradient)`; the gradient has the structure, shapes and dtypes of the
        arguments, zeros where they do not matter.

    Raises:
        ShapeError: on call, if `f` returns an array and `sum` is not set.
        DTypeError: on call, if an argument is of integers or `f` returns no real number.

    >>> import chainrule as cr, numpy as np
    >>> value, gradient = cr.value_and_grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    >>> float(value), gradient
    (5.0, array([2., 4.]))
    """

    @wraps(f)
    def run(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        call = _Call("grad", f, argnums, args)
        returned, aux = _split(call, call.run(kwargs), has_aux)
        y = call.scalar(returned, sum)
        value = call.value(returned)
        if has_aux:
            value = (value, call.value(aux))
        if not call.nested:  # then the graph is ours alone, and goes while the walk passes
            y = Tensor(y._value, y._backend, y._node, y._index)
            del returned, aux
        gradient = call.result(call.pull_back([y], [None], overrides, last=not call.nested))
        return value, gradient

    return run


def grad(
    f: Callable[..., Any],
    argnums: ArgNums = 0,
    has_aux: bool = False,
    sum: bool = False,
    overrides: Mapping[Any, Any] | None = None,
) -> Callable[..., Any]:
    """A function that gives the gradient of `f`; takes what `value_and_grad` takes.

    With `has_aux` it gives `(gradient, aux)`.

    >>> import chainrule as cr, numpy as np
    >>> cr.grad(lambda x: np.sin(x) * x)(2.0) == np.sin(2.0) + 2.0 * np.cos(2.0)
    np.True_
    >>> cr.grad(cr.grad(lambda x: x**3))(2.0)
    np.float64(12.0)
    >>> cr.grad(lambda p: p["a"] * p["b"])({"a": 2.0, "b": 3.0})
    {'a': np.float64(3.0), 'b': np.float64(2.0)}
    """
    both = value_and_grad(f, argnums, has_aux, sum, overrides)

    @wraps(f)
    def run(*args: Any, **kwargs: Any) -> Any:
        value, gradient = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return run


def vjp(
    f: Callable[..., Any], *primals: Any, has_aux: bool = False, overrides: Mapping[Any, Any] | None = None
) -> tuple[Any, ...]:
    """Run `f` and give its result with the function that pulls cotangents back through it.

    Args:
        f: a function of arrays (or pytrees) to a pytree of arrays.
        primals: the arguments.
        has_aux: whether `f` returns `(result, aux)`; then aux comes third.
        overrides: gradient-time overrides; see `gradients`.

    Returns:
        `(result, pullback)`: `pullback(cotangent)`, as often as you like, gives a tuple with a cotangent for each
        primal. The cotangent has the result's structure, shapes and kind of dtype.

    >>> import chainrule as cr, numpy as np
    >>> y, pullback = cr.vjp(lambda x: x**2, np.array([1.0, 2.0]))
    >>> pullback(np.array([1.0, 10.0]))
    (array([ 2., 40.]),)
    """
    call = _Call("vjp", f, tuple(range(len(primals))), primals, outlives_call=True)
    returned, aux = _split(call, call.run({}), has_aux)
    leaves, treedef = flatten(returned)
    ys = [as_tensor(leaf) for leaf in leaves]

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        seeds = matching(call.name, "pullback", treedef, ys, cotangent)
        tensors = call.as_tensors or _context.current().recording or any_tensor([cotangent])
        found = call.pull_back(ys, seeds, overrides)
        if not tensors:
            found = [untensor(g, library_of(leaf)) for g, leaf in zip(found, call.leaves, strict=True)]
        return tuple(call.trees(found))

    result = call.value(treedef.unflatten(ys))
    return (result, pullback, call.value(aux)) if has_aux else (result, pullback)


def matching(name: str, what: str, treedef: Structure, like: Sequence[Tensor], tree: Any) -> list[Tensor]:
    """The leaves of cotangents or tangents, once they fit what they belong to."""
    try:
        found = [as_tensor(leaf) for leaf in treedef.flatten_up_to(tree)]
    except ValueError as error:
        raise ArgumentError(f"{name}: the argument of {what} has not the structure {treedef}: {error}") from None
    fitted = []
    for i, (x, t) in enumerate(zip(like, found, strict=True)):
        where = f"{what}{path_of(treedef, i) if treedef.num_leaves > 1 else ''}"
        if t.shape != x.shape:
            raise ShapeError(f"{name}: {where}: expected shape {x.shape}, got {t.shape}")
        if t.dtype != x.dtype:
            if t.dtype.kind == "complex" and x.dtype.kind != "complex":
                raise DTypeError(f"{name}: {where}: expected dtype {x.dtype}, got {t.dtype}")
            t = ops.astype(t, dtype=x.dtype)
        fitted.append(t)
    return fitted


def jvp(
    f: Callable[..., Any],
    primals: Sequence[Any],
    tangents: Sequence[Any],
    has_aux: bool = False,
    overrides: Mapping[Any, Any] | None = None,
) -> tuple[Any, ...]:
    """Run `f` and push tangents forward through it.

    Args:
        f: a function of arrays (or pytrees) to a pytree of arrays.
        primals: the arguments.
        tangents: a direction for each, of its structure and shapes.
        has_aux: whether `f` returns `(result, aux)`; then aux comes third.
        overrides: gradient-time overrides; see `gradients`.

    Returns:
        `(result, tangent of the result)`.

    >>> import chainrule as cr, numpy as np
    >>> cr.jvp(np.square, [3.0], [2.0])
    (np.float64(9.0), np.float64(12.0))
    """
    from chainrule._forward import push_forward

    if not isinstance(primals, list | tuple) or not isinstance(tangents, list | tuple) or len(primals) != len(tangents):
        raise ArgumentError(
            "jvp: primals and tangents are two sequences with an entry for each argument of the function"
        )
    call = _Call("jvp", f, tuple(range(len(primals))), tuple(primals))
    call.as_tensors = call.as_tensors or any_tensor(tangents)
    returned, aux = _split(call, call.run({}), has_aux)
    leaves, treedef = flatten(returned)
    ys = [as_tensor(leaf) for leaf in leaves]
    directions = [
        t
        for i, (tree, like) in enumerate(zip(tangents, call.trees(call.tensors), strict=True))
        for t in matching(call.name, f"tangents[{i}]", call.treedefs[i], leaves_of(like), tree)
    ]
    graph = Subgraph(ys, call.sources)
    chosen = resolve_overrides(overrides, graph.nodes()) if overrides else None
    pushed = push_forward(ys, call.sources, directions, chosen, graph) if ys else []
    moved = [cast_like(t, y) if t is not None else zeros_like(y) for t, y in zip(pushed, ys, strict=True)]
    results = tuple(call.value(treedef.unflatten(part)) for part in (ys, moved))
    return (*results, call.value(aux)) if has_aux else results


def cast_like(t: Tensor, y: Tensor) -> Tensor:
    if t.shape != y.shape:
        t = ops.broadcast_to(t, shape=y.shape)
    return t if t.dtype == y.dtype else ops.astype(t, dtype=y.dtype)


def jacobian(
    f: Callable[..., Any],
    argnums: ArgNums = 0,
    mode: str = "auto",
    overrides: Mapping[Any, Any] | None = None,
) -> Callable[..., Any]:
    """A function that gives the Jacobian of `f`.

    Args:
        f: a function to an array, or a pytree of arrays.
        argnums: which positional arguments to differentiate with respect to.
        mode: `"reverse"` walks back from all elements of the result, `"forward"` pushes all elements of the arguments
            forward, `"auto"` does whichever are fewer. They go together, as a batch of `vmap`.
        overrides: gradient-time overrides; see `gradients`.

    Returns:
        A function of `f`'s arguments. For each leaf of the result it gives, in the arguments' structure, arrays of
        shape `result.shape + argument.shape`.

    >>> import chainrule as cr, numpy as np
    >>> cr.jacobian(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    if mode not in ("auto", "reverse", "forward"):
        raise ArgumentError(f"jacobian: mode must be 'auto', 'reverse' or 'forward', got {mode!r}")

    @wraps(f)
    def run(*args: Any, **kwargs: Any) -> Any:
        call = _Call("jacobian", f, argnums, args)
        leaves, treedef = flatten(call.run(kwargs))
        ys = [as_tensor(leaf) for leaf in leaves]
        n_in = _total(call.tensors)
        forward = mode == "forward" or (mode == "auto" and n_in < _total(ys))
        graph = Subgraph(ys, call.sources)
        chosen = resolve_overrides(overrides, graph.nodes()) if overrides else None
        columns = _by_columns if forward else _by_rows
        table = columns(call, ys, graph, chosen, overrides)
        return treedef.unflatten(map(call.result, table))

    return run


def jacfwd(
    f: Callable[..., Any], argnums: ArgNums = 0, overrides: Mapping[Any, Any] | None = None
) -> Callable[..., Any]:
    """`jacobian` in forward mode: for functions of few numbers to many."""
    return jacobian(f, argnums, "forward", overrides)


def jacrev(
    f: Callable[..., Any], argnums: ArgNums = 0, overrides: Mapping[Any, Any] | None = None
) -> Callable[..., Any]:
    """`jacobian` in reverse mode: for functions of many numbers to few."""
    return jacobian(f, argnums, "reverse", overrides)


def _total(tensors: Sequence[Tensor]) -> int:
    return sum_(x.size for x in tensors)


sum_ = sum  # the transformations have an argument called sum


def _by_rows(
    call: _Call, ys: Sequence[Tensor], graph: Subgraph, chosen: Any, overrides: Mapping[Any, Any] | None
) -> list[list[Tensor]]:
    """Blocks of the Jacobian, for each result one for each source, by walking back from all its elements at once."""
    table = []
    for y in ys:
        rows = each(partial(_pulled, call, y, overrides), basis(y))
        table.append([ops.reshape(row, shape=y.shape + x.shape) for row, x in zip(rows, call.tensors, strict=True)])
    return table


def _pulled(call: _Call, y: Tensor, overrides: Mapping[Any, Any] | None, seed: Tensor) -> list[Tensor]:
    return call.pull_back([y], [seed], overrides)


def _by_columns(
    call: _Call, ys: Sequence[Tensor], graph: Subgraph, chosen: Any, overrides: Mapping[Any, Any] | None
) -> list[list[Tensor]]:
    """The same, by pushing all elements of each argument forward at once."""
    from chainrule._forward import push_forward

    blocks: list[list[Tensor]] = [[] for _ in ys]
    for x, start in zip(call.tensors, call.sources, strict=True):

        def pushed(direction: Tensor, start: Tensor = start) -> list[Tensor]:
            found = push_forward(ys, [start], [direction], chosen, graph)
            return [cast_like(t, y) if t is not None else zeros_like(y) for t, y in zip(found, ys, strict=True)]

        for block, y, columns in zip(blocks, ys, each(pushed, basis(x)), strict=True):
            block.append(ops.reshape(ops.moveaxis(columns, 0, -1), shape=y.shape + x.shape))
    return blocks


def basis(x: Tensor) -> Tensor:
    """The unit vectors of a tensor's space, in its shape."""
    unit: Tensor = ops.eye(x.size, dtype=x.dtype)
    if type(x._value) is not Symbol and unit._backend is not x._backend:
        unit = ops.to_backend(unit, f"{x._backend.name}:{x.device}")
    shaped: Tensor = ops.reshape(unit, shape=(x.size, *x.shape))
    return shaped


def each(f: Callable[[Tensor], list[Any]], vectors: Tensor) -> list[Any]:
    """What a linear function gives for each of some vectors, stacked; one by one if it looks at their values."""
    from chainrule._vmap import vmap

    try:
        together: list[Any] = vmap(f)(vectors)
    except SymbolicValueError:
        if type(vectors._value) is Symbol or not len(vectors):
            raise
        rows = zip(*map(f, vectors), strict=True)
        return [None if parts[0] is None else ops.stack(parts) for parts in rows]
    return together


def hessian(
    f: Callable[..., Any], argnums: ArgNums = 0, overrides: Mapping[Any, Any] | None = None
) -> Callable[..., Any]:
    """A function that gives the matrix of second derivatives of a function to one real number.

    Returns:
        A function of `f`'s arguments: for each leaf of the arguments, in their structure, for each leaf again, an
        array of shape `leaf.shape + other.shape`.

    >>> import chainrule as cr, numpy as np
    >>> cr.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """
    return jacobian(grad(f, argnums, overrides=overrides), argnums, "reverse")


def hvp(f: Callable[..., Any], overrides: Mapping[Any, Any] | None = None) -> Callable[..., Any]:
    """A function `(x, v, *args)` that gives the Hessian of `f(x, *args)` in `x` times `v`, without the Hessian.

    It costs a few runs of `f`, whatever the size; it is what `scipy.optimize.minimize` takes as `hessp`.

    >>> import chainrule as cr, numpy as np
    >>> cr.hvp(lambda x: np.sum(x**3))(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    gradient = grad(f, overrides=overrides)

    @wraps(f)
    def run(x: Any, v: Any, *args: Any, **kwargs: Any) -> Any:
        # The Hessian is symmetric: a vector-Jacobian product of the gradient is a Hessian-vector product.
        (product,) = vjp(lambda x: gradient(x, *args, **kwargs), x)[1](v)
        return product

    return run
