"""Effects while a program runs: `cr.print` shows values, `cr.callback` hands them to Python."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import optree

from chainrule import _context
from chainrule._backend import Backend, Kernel
from chainrule._backends import get_backend
from chainrule._convert import as_tensor
from chainrule._definition import NoGradient
from chainrule._dispatch import apply
from chainrule._dtypes import as_dtype
from chainrule._errors import ArgumentError, DTypeError, ShapeError
from chainrule._graph import wrap
from chainrule._op import REQUIRED, Op
from chainrule._owner import ENGINE
from chainrule._record import finish
from chainrule._symbol import Symbol
from chainrule._tensor import Tensor
from chainrule._trees import path_of
from chainrule.infer import Spec


@dataclass(frozen=True, eq=False, repr=False)
class _Call:
    """A Python function to be called with arrays, and what it gives.

    Attributes:
        function: what is called, with the arguments in their structure.
        treedef: their structure.
        rest: the arguments that are no arrays, by position.
        like: the shapes and dtypes of the results.
        name: the function's name, for errors.
    """

    function: Callable[..., Any]
    treedef: optree.PyTreeSpec
    rest: tuple[tuple[int, Any], ...]
    like: tuple[Spec, ...]
    result_treedef: optree.PyTreeSpec
    name: str

    def __repr__(self) -> str:
        return self.name

    def kernel(self, backend: Backend) -> Kernel:
        """What a plan runs."""

        def run(*arrays: Any, **_: Any) -> Any:
            given = iter(arrays)
            rest = dict(self.rest)
            leaves = [rest[i] if i in rest else next(given) for i in range(self.treedef.num_leaves)]
            returned = self.function(*optree.tree_unflatten(self.treedef, leaves))
            return tuple(self._checked(returned, backend))

        return run

    def _checked(self, returned: Any, backend: Backend) -> Sequence[Any]:
        """The results as arrays, once they are what was announced."""
        if not self.like:
            return ()
        try:
            found = self.result_treedef.flatten_up_to(returned)
        except ValueError as error:
            raise DTypeError(f"callback {self.name}: its result has not the structure of like=: {error}") from None
        arrays = []
        for i, (leaf, spec) in enumerate(zip(found, self.like, strict=True)):
            value: Any = getattr(leaf, "_value", leaf)
            array = backend.asarray(value, backend.native(spec.dtype), None)
            if tuple(array.shape) != tuple(spec.shape or ()):
                raise ShapeError(
                    f"callback {self.name}: result{path_of(self.result_treedef, i)} has shape {tuple(array.shape)}, "
                    f"like= says {spec.shape}"
                )
            arrays.append(array)
        return arrays


CALLBACK = Op(
    "callback",
    None,
    lambda *specs, call: call.like,
    NoGradient("what a callback gives comes from outside; give it a gradient with cr.custom_gradient"),
    attributes={"call": REQUIRED},
    multiple=True,
    effect=True,
    build=lambda instruction, backend: instruction.attributes["call"].kernel(backend),
    owner=ENGINE,
)


def callback(function: Callable[..., Any], *args: Any, like: Any = None) -> Any:
    """Call a Python function with the arrays behind tensors, each time this runs: in a compiled function or graph too.

    Callbacks keep their order. No gradient passes them; around one put `cr.custom_gradient`. One whose result is used
    runs again where a gradient computes a part of the program again, in loops, branches and checkpoints: it must give
    the same then.

    Args:
        function: takes the arguments with the backend's arrays for tensors.
        args: tensors, and anything else that is handed on as it is, in any pytrees.
        like: what it returns, as a pytree of tensors or arrays of the same shapes and dtypes, or of pairs
            `(shape, dtype)` in `cr.Spec`; None if its result is not used.

    Returns:
        Tensors in the structure of `like`; None without it.

    Raises:
        ShapeError, DTypeError: when it runs, if the result is not as `like` says.

    >>> import chainrule as cr
    >>> seen = []
    >>> @cr.function
    ... def f(x):
    ...     cr.callback(lambda a: seen.append(float(a)), x)
    ...     return x * x
    >>> f(2.0), f(3.0), seen
    (np.float64(4.0), np.float64(9.0), [2.0, 3.0])
    """
    if not callable(function):
        raise ArgumentError(f"callback: expected a function, got {function!r:.60}")
    arguments: Any = args
    leaves, treedef = optree.tree_flatten(arguments)
    tensors = [leaf for leaf in leaves if _is_tensor(leaf)]
    rest = tuple((i, leaf) for i, leaf in enumerate(leaves) if not _is_tensor(leaf))
    specs, result_treedef = optree.tree_flatten(like, is_leaf=lambda leaf: isinstance(leaf, Spec))
    call = _Call(
        function,
        treedef,
        rest,
        tuple(map(_spec, specs)),
        result_treedef,
        getattr(function, "__qualname__", repr(function)),
    )
    outputs = _run(call, [as_tensor(x) for x in tensors])
    return None if like is None else optree.tree_unflatten(result_treedef, outputs)


def _run(call: _Call, tensors: list[Tensor]) -> Sequence[Tensor]:
    """Now, or as a node of the graph that is being built."""
    context = _context.current()
    graph = context.graph
    if graph is not None:
        if not tensors:
            return [wrap(symbol) for symbol in graph.add(CALLBACK, (), {"call": call}).outputs]
        found: Sequence[Tensor] = apply(CALLBACK, tuple([graph.lifted(x) for x in tensors]), {"call": call})
        return found
    backend = tensors[0]._backend if tensors else get_backend()
    values = tuple(call.kernel(backend)(*[x._value for x in tensors]))
    outputs: Sequence[Tensor] = finish(CALLBACK, tuple(tensors), {"call": call}, values, backend, context)
    return outputs


def print(*things: Any, sep: str = " ", end: str = "\n") -> None:
    """Print tensors' values and anything else, each time this runs: in a compiled function or graph too.

    >>> import chainrule as cr
    >>> @cr.function
    ... def f(x):
    ...     cr.print("x is", x)
    ...     return x + 1.0
    >>> f(2.0)
    x is 2.0
    np.float64(3.0)
    """
    callback(lambda *shown: builtins.print(*shown, sep=sep, end=end), *things)


def _is_tensor(leaf: Any) -> bool:
    return type(leaf) is Tensor or hasattr(type(leaf), "__chainrule_tensor__")


def _spec(leaf: Any) -> Spec:
    if isinstance(leaf, Spec):
        return Spec(leaf.shape, as_dtype(leaf.dtype))
    x = as_tensor(leaf)
    return x._value.spec if type(x._value) is Symbol else Spec(x.shape, x.dtype)
