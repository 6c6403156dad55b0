"""`vmap`: a function of single elements as one of batches of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from chainrule import _context, ops
from chainrule._batching import run_batched
from chainrule._convert import as_tensor
from chainrule._dim import Dim
from chainrule._errors import ArgumentError, DTypeError, ShapeError
from chainrule._indexed_slices import dense
from chainrule._plugins import load_plugins
from chainrule._symbol import Symbol
from chainrule._tensor import Tensor
from chainrule._trace import Trace
from chainrule._trees import Structure, any_tensor, arrays_out, flatten, is_number, is_tensor, library_of, path_of
from chainrule._variable import Variable
from chainrule.batching import spread
from chainrule.infer import Spec, may_equal


def vmap(f: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0) -> Callable[..., Any]:
    """A function of batches, which does to each element what `f` does, without a loop.

    `f` is written for one element. At each call it is traced, on tensors that have no value: it is written in
    operations and cannot look at values (`if x > 0:` says what to write instead). Each operation then runs once for
    the whole batch, by its batching rule; one that has none runs in a loop, which a `BatchingWarning` and
    `cr.batching_loops()` tell. Transformations nest in any order; a compiled function (`cr.function`) around it traces
    it once.

    Args:
        f: a function of any pytrees. Arrays that it closes over, and variables that it reads, are the same for all
            elements, and get gradients; one that it assigns is assigned once, what does not differ within the batch.
            Random draws are others for each element.
        in_axes: along which axis the batch of each positional argument lies, None for an argument that is the same for
            all elements: one for all arguments, or a tuple of one for each, which can be a pytree that the argument
            begins with. Arguments by keyword are the same for all.
        out_axes: along which axis the batch of results lies: one, or a pytree that the result begins with; None for
            what is the same for all.

    Returns:
        A function of batches. Arrays in, arrays out; tensors in, tensors out.

    Raises:
        ArgumentError: on call, if axes do not fit arguments or results, or `f` has an effect.
        ShapeError: on call, if batches differ in size, or a result differs within the batch whose `out_axes` is None.
        SymbolicValueError: on call, if `f` looks at a value.

    >>> import chainrule as cr, numpy as np
    >>> x = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> cr.vmap(lambda row: cr.sum(row * row))(x)
    array([ 5., 25.])
    >>> cr.vmap(cr.grad(lambda w, row: cr.sum(w * row) ** 2), in_axes=(None, 0))(np.array([1.0, 0.0]), x)
    array([[ 2.,  4.],
           [18., 24.]])
    """

    @wraps(f)
    def run(*args: Any, **kwargs: Any) -> Any:
        load_plugins()
        return _Call(f, in_axes, args).run(kwargs, out_axes)

    return run


class _Call:
    """One call: its arguments taken apart, batches with their axis in front."""

    def __init__(self, f: Callable[..., Any], in_axes: Any, args: tuple[Any, ...]) -> None:
        self.function = f
        self.name = f"vmap of {getattr(f, '__name__', repr(f))}"
        context = _context.current()
        self.as_tensors = context.recording or context.graph is not None or any_tensor(args)
        trees = [flatten(arg) for arg in args]
        self.treedefs = [treedef for _, treedef in trees]
        self.leaves = [leaf for leaves, _ in trees for leaf in leaves]
        self.axes = self._axes(in_axes, args)
        self.size: Any = None
        self.places = [n for n, axis in enumerate(self.axes) if axis is not None]
        if not self.places:
            raise ArgumentError(f"{self.name}: in_axes {in_axes!r} leaves no argument with a batch")
        self.batches = [self._batch(n) for n in self.places]

    def _axes(self, in_axes: Any, args: tuple[Any, ...]) -> list[int | None]:
        """The axis of each leaf."""
        several = isinstance(in_axes, list | tuple)
        if several and len(in_axes) != len(args):
            raise ArgumentError(f"{self.name}: in_axes has {len(in_axes)} entries for {len(args)} arguments")
        found: list[int | None] = []
        for i, arg in enumerate(args):
            found += _axis_of_each(in_axes[i] if several else in_axes, arg, f"{self.name}: in_axes of argument {i}")
        return found

    def _where(self, n: int) -> str:
        """Argument and path of leaf `n`."""
        for i, treedef in enumerate(self.treedefs):
            if n < treedef.num_leaves:
                return f"argument {i}{path_of(treedef, n) if treedef.num_leaves > 1 else ''}"
            n -= treedef.num_leaves
        raise AssertionError

    def _batch(self, n: int) -> Tensor:
        """Leaf `n` with the batch's axis in front."""
        leaf, axis = self.leaves[n], self.axes[n]
        if is_number(leaf):
            raise ArgumentError(
                f"{self.name}: {self._where(n)} is the number {leaf!r}, which has no axis {axis}; say None for it in "
                "in_axes, or pass an array"
            )
        try:
            x = as_tensor(leaf)
        except DTypeError as error:
            raise DTypeError(f"{self.name}: {self._where(n)}: {error}; say None for it in in_axes") from None
        x = _moved(x, axis, 0, f"{self.name}: {self._where(n)}", "in_axes")
        if self.size is not None and not may_equal((self.size,), x.shape[:1]):
            raise ShapeError(
                f"{self.name}: {self._where(n)} has a batch of {x.shape[0]} along axis {axis}, "
                f"{self._where(self.places[0])} one of {self.size}"
            )
        if self.size is None or type(self.size) is Dim:
            self.size = x.shape[0]
        return x

    def run(self, kwargs: dict[str, Any], out_axes: Any) -> Any:
        """Trace the function, and run what it computes over the batch."""
        trace = Trace(self.name)
        with trace.under_way(self.batches):
            own = [trace.input(Spec(x.shape[1:], x.dtype), "element") for x in self.batches]
            leaves = [as_tensor(leaf) if _is_array(leaf) else leaf for leaf in self.leaves]
            for n, x in zip(self.places, own, strict=True):
                leaves[n] = x
            rest = iter(leaves)
            args = [treedef.unflatten([next(rest) for _ in range(treedef.num_leaves)]) for treedef in self.treedefs]
            returned, treedef = flatten(self.function(*args, **kwargs))
            returned = [dense(leaf) for leaf in returned]
            symbolic = [i for i, y in enumerate(returned) if type(y) is Tensor and type(y._value) is Symbol]
            outputs = [trace.lifted(returned[i]) for i in symbolic]
        results, has = run_batched(
            trace.program([*outputs, *map(trace.state, trace.assigned)]),
            trace.given(own, self.batches),
            [any(x is y._value for y in own) for x in trace.inputs],
            self.size,
        )
        self._assign(trace.assigned, results[len(symbolic) :], has[len(symbolic) :], results[: len(symbolic)])
        trace.end()
        batched = dict.fromkeys(range(len(returned)), False)
        for i, y, h in zip(symbolic, results, has, strict=False):
            returned[i], batched[i] = y, h
        axes = _axis_of_each(out_axes, treedef.unflatten(returned), f"{self.name}: out_axes")
        whole = [self._result(y, batched[i], axes[i], i, treedef) for i, y in enumerate(returned)]
        tree = treedef.unflatten(whole)
        return tree if self.as_tensors else arrays_out(tree, library_of(self.leaves[self.places[0]]))

    def _assign(
        self, variables: Sequence[Variable], values: Sequence[Any], has: Sequence[bool], results: Sequence[Any]
    ) -> None:
        """Give variables their new values, whenever the results are computed."""
        for variable, h in zip(variables, has, strict=True):
            if h:
                raise ArgumentError(
                    f"{self.name} assigns variable {variable.name!r} a value that differs within the batch; return it, "
                    "and assign what you make of all of them"
                )
        made = [variable.assign(value) for variable, value in zip(variables, values, strict=True)]
        if made and _context.current().graph is not None:
            for y in results:
                y._value.node.followers += tuple(x._value.node for x in made)

    def _result(self, y: Any, has: bool, axis: int | None, i: int, treedef: Structure) -> Any:
        """A result with the batch's axis at its place."""
        if axis is None:
            if has:
                raise ShapeError(
                    f"{self.name}: out_axes is None for result{path_of(treedef, i)}, which differs within the batch; "
                    "say along which axis it is to lie, or reduce it outside"
                )
            return y
        if not has and not _is_array(y) and not is_number(y):
            return y
        where = f"{self.name}: result{path_of(treedef, i)}"
        return _moved(y if has else spread(y, self.size), 0, axis, where, "out_axes")


def _is_array(leaf: Any) -> bool:
    return is_tensor(leaf) or library_of(leaf) is not None


def _axis_of_each(axes: Any, tree: Any, where: str) -> list[int | None]:
    """The axis of each leaf of a tree, of which `axes` has one for all or for parts of it."""
    if axes is None or type(axes) is int:
        return [axes] * len(flatten(tree)[0])
    import optree

    given, treedef = optree.tree_flatten(axes, none_is_leaf=True)
    if wrong := [axis for axis in given if axis is not None and type(axis) is not int]:
        raise ArgumentError(f"{where}: an axis is an integer or None, got {wrong[0]!r}")
    try:
        parts = treedef.flatten_up_to(tree)
    except ValueError as error:
        raise ArgumentError(f"{where}, {axes!r}, has not the structure of what it is for: {error}") from None
    return [axis for axis, part in zip(given, parts, strict=True) for _ in flatten(part)[0]]


def _moved(x: Any, source: Any, target: Any, where: str, what: str) -> Tensor:
    """`x` with one axis at another place.

    Raises:
        ShapeError: it has no such axis.
    """
    for axis in (source, target):
        if not -x.ndim <= axis < x.ndim:
            raise ShapeError(f"{where} of shape {x.shape} has no axis {axis}, which {what} says")
    moved: Tensor = x if source % x.ndim == target % x.ndim else ops.moveaxis(x, source, target)
    return moved
