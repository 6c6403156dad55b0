"""`function`: trace a Python function once for each kind of arguments, and run the compiled program from then on."""

from __future__ import annotations

import copy
import inspect
import threading
import warnings
from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import Any, Final

import optree

from chainrule import _backends, _context, _registry, ops
from chainrule._backend import Backend
from chainrule._compiled import Compiled
from chainrule._context import is_plain
from chainrule._convert import as_tensor
from chainrule._dtypes import default_dtype, scalar_dtype
from chainrule._errors import ArgumentError, BackendError, DTypeError, GraphError
from chainrule._graph import Body
from chainrule._graph_ops import STRONG
from chainrule._indexed_slices import IndexedSlices
from chainrule._plugins import load_plugins
from chainrule._program import Program
from chainrule._replay import building
from chainrule._same import Same
from chainrule._settings import plan_settings
from chainrule._shortcut import Shortcut, plain, shortcut
from chainrule._symbol import Symbol
from chainrule._tensor import Tensor
from chainrule._trees import is_tensor, path_of
from chainrule._variable import Variable
from chainrule.infer import Spec

_MANY: Final = 8


class RetraceWarning(UserWarning):
    """A compiled function is traced again and again, which costs more than it saves."""


def function(f: Callable[..., Any] | None = None, *, static: str | Sequence[str] = ()) -> Any:
    """Compile a function: it is traced once for each kind of arguments, and runs as one plan from then on.

    Inside, arrays and Python floats are symbolic tensors: the function is written in operations, as always, and cannot
    look at values (`if x > 0:` says what to write instead). Integers, booleans, strings and other hashable objects are
    static: another value is another trace. Arrays that it closes over are constants; variables are read and assigned
    anew at each call, all assignments taking effect together when everything has been computed. What Python code does
    besides (appending to a list, `print`) happens while tracing, once; `cr.print` and `cr.callback` happen each time.

    Gradients can be taken inside and outside, to any order. Arrays in, arrays out; tensors in, tensors out.

    Args:
        f: the function; any pytree of arguments and result.
        static: names of parameters that are static though they are floats or pytrees of them.

    Returns:
        The compiled function, a `Function`; without `f` a decorator that makes one.

    Raises:
        DTypeError: on call, if an argument is neither an array nor hashable.
        SymbolicValueError: on call, if the function looks at a value.
        GraphError: on call, if it calls itself without end, or makes variables.

    >>> import chainrule as cr, numpy as np
    >>> @cr.function
    ... def f(x, n):
    ...     return cr.sum(x**n)
    >>> f(np.array([1.0, 2.0]), 3), cr.grad(f)(np.array([1.0, 2.0]), 3)
    (np.float64(9.0), array([ 3., 12.]))
    >>> f.traces
    1
    """
    names = (static,) if isinstance(static, str) else tuple(static)
    if f is None:
        return lambda f: Function(f, names)
    return Function(f, names)


class Function:
    """A compiled function; see `function`.

    Attributes:
        python_function: the function as it was written.
        traces: how often it has been traced.
    """

    def __init__(self, python_function: Callable[..., Any], static: tuple[str, ...] = ()) -> None:
        if isinstance(python_function, Function):  # as a method that is unpickled comes
            python_function = python_function.python_function
        if not callable(python_function):
            raise ArgumentError(f"function: expected a function, got {python_function!r:.60}")
        update_wrapper(self, python_function)
        self.python_function: Callable[..., Any] = python_function
        self.static = static
        self.traces = 0
        self._signature = inspect.signature(python_function) if static else None
        unknown = [] if self._signature is None else [n for n in static if n not in self._signature.parameters]
        if unknown:
            raise ArgumentError(f"function: {self._name} has no parameter {', '.join(map(repr, unknown))}")
        self._attribute = ""
        self._cache: dict[Any, _Trace] = {}
        self._shortcuts: dict[Any, Shortcut] = {}
        self._tracing: set[Any] = set()
        self._lock = threading.RLock()

    @property
    def _name(self) -> str:
        return getattr(self.python_function, "__qualname__", repr(self.python_function))

    def __set_name__(self, owner: type, name: str) -> None:
        self._attribute = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """As a method, a compiled function of each instance, which lives as long as that does."""
        if instance is None:
            return self
        try:
            kept = vars(instance)
            bound = kept.get(self._attribute)  # of `__call__` and the like Python asks again each time
            if bound is None:
                bound = kept[self._attribute] = Function(self.python_function.__get__(instance, owner), self.static)
        except (AttributeError, TypeError):
            raise GraphError(
                f"compiled function {self._name}: instances of {type(instance).__name__} have no __dict__ to keep it "
                "in; write it as a function that takes the instance's arrays and variables"
            ) from None
        return bound

    def __deepcopy__(self, memo: dict[int, Any]) -> Function:
        return Function(copy.deepcopy(self.python_function, memo), self.static)

    def __reduce__(self) -> tuple[Any, ...]:
        return Function, (self.python_function, self.static)

    def __repr__(self) -> str:
        return f"<compiled function {self._name}, traced {self.traces} time{'s' * (self.traces != 1)}>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        context = _context.current()
        may_be_plain = is_plain(context) and not kwargs and not self.static
        if may_be_plain:
            found = plain(args, context)
            if found is not None:
                way = self._shortcuts.get(found[0])
                if way is not None:
                    return way(found[1])
        if context.debugging:  # every operation is looked at, so each runs by itself
            return self.python_function(*args, **kwargs)
        load_plugins()
        call = _Arguments(self, args, kwargs, context)
        trace = self._cache.get(call.key)
        if trace is None:
            trace = self._traced(call)
        result = trace.run(call)
        if may_be_plain and not trace.captured:
            new = shortcut(args, context, call.arrays, trace.compiled, trace.assembled, trace.single, call.as_tensors)
            if new is not None:
                self._shortcuts[new[0]] = new[1]
        return result

    def trace(self, *args: Any, **kwargs: Any) -> Program:
        """The program for these arguments, before any pass."""
        return self._trace_of(args, kwargs).compiled.program

    def _trace_of(self, args: Any, kwargs: Any) -> _Trace:
        call = _Arguments(self, args, kwargs, _context.current())
        return self._cache.get(call.key) or self._traced(call)

    def _traced(self, call: _Arguments) -> _Trace:
        with self._lock:
            trace = self._cache.get(call.key)
            if trace is None:
                if call.key in self._tracing:
                    raise GraphError(
                        f"compiled function {self._name} calls itself with arguments of the same kind, so tracing it "
                        "would never end; repeat with cr.while_loop, cr.fori_loop or cr.scan, or let an integer "
                        "argument say how deep it goes"
                    )
                self._tracing.add(call.key)
                try:
                    trace = _Trace(self, call)
                finally:
                    self._tracing.discard(call.key)
                if trace.captured:  # it is for the graph that is being built here alone
                    return trace
                self.traces += 1
                if self.traces >= _MANY and self.traces & (self.traces - 1) == 0:  # at 8, 16, 32, ...
                    self._warn(call)
                self._cache[call.key] = trace
        return trace

    def _warn(self, call: _Arguments) -> None:
        last = next(reversed(self._cache.values()))
        warnings.warn(
            f"compiled function {self._name} has been traced {self.traces} times; since the last trace "
            f"{call.difference(last)}. Pass arrays of few shapes, and numbers that change as floats or arrays",
            RetraceWarning,
            stacklevel=5,
        )


class _Arguments:
    """One call's arguments: the arrays among them, and the key of the trace that fits the rest."""

    __slots__ = (
        "arrays",
        "as_tensors",
        "backend",
        "device",
        "given",
        "key",
        "kinds",
        "leaves",
        "of_data",
        "static",
        "treedef",
    )

    def __init__(self, function: Function, args: Any, kwargs: Any, context: _context.Context) -> None:
        self.static: tuple[Any, ...] = ()
        self.given: dict[str, Any] = {}
        if function._signature is not None:
            args, kwargs = self._without_static(function, args, kwargs)
        arguments: Any = (args, kwargs)
        self.leaves, self.treedef = optree.tree_flatten(arguments)
        self.arrays: list[Any] = []
        self.as_tensors = context.recording or context.graph is not None
        backend: Backend | None = None
        home = _backends.get_backend()
        kinds: list[Any] = []
        only_static, mixed = True, False
        for i, leaf in enumerate(self.leaves):
            kind = type(leaf)
            if kind is Tensor:
                self.as_tensors = True
                x = leaf
            elif kind is float or kind is complex:
                only_static = False
                self.arrays.append(leaf)
                kinds.append(kind)
                continue
            elif kind in _STATIC:
                kinds.append((kind, leaf))
                continue
            elif kind is Variable:
                kinds.append(Same(leaf))
                continue
            elif (owner := _backends.backend_of(leaf)) is not None and (
                owner is home or owner.name != _backends.DEFAULT
            ):
                owner.admit(leaf)
                x = Tensor(leaf, owner)  # whose dtype is looked at when it is traced
            elif owner is not None or hasattr(kind, "__array__"):
                x = as_tensor(leaf, owner if owner is not None and owner.name != _backends.DEFAULT else None)
            elif hasattr(kind, "__chainrule_tensor__"):
                self.as_tensors = True
                x = as_tensor(leaf)
            else:
                kinds.append(self._static_key(function, leaf, i))
                continue
            only_static = False
            if type(x._value) is not Symbol and backend is not x._backend:
                mixed = backend is not None
                backend = backend or x._backend
            self.arrays.append(x)
            value = x._value
            kinds.append((tuple(value.shape), value.dtype))
        self.as_tensors = self.as_tensors or only_static
        self.of_data = backend is not None
        self.backend = backend or home
        self.device = (
            next(x.device for x in self.arrays if type(x) is Tensor and x._backend is backend)
            if backend is not None
            else _backends.get_device()
        )
        if mixed:
            self._on_one_backend(function)
        self.kinds = tuple(kinds)
        overrides = context.overrides
        self.key = (
            self.treedef,
            self.kinds,
            self.static,
            self.backend,
            self.device,
            None if overrides is None else tuple((name, d.gradient) for name, d in overrides.items()),
            None if context.missing is None else tuple(context.missing.items()),
            _registry.generation,
            default_dtype(),
            plan_settings(),
        )

    def _without_static(self, function: Function, args: Any, kwargs: Any) -> tuple[Any, Any]:
        """The arguments without the ones that are declared static, which become part of the key."""
        assert function._signature is not None
        bound = function._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        chosen = []
        for name in function.static:
            value = bound.arguments[name]
            key = _exact(value)
            try:
                hash(key)
            except TypeError:
                raise DTypeError(
                    f"compiled function {function._name}: static argument {name!r} must be hashable, got "
                    f"{type(value).__name__} {value!r:.60}"
                ) from None
            chosen.append((name, key))
            self.given[name] = value
            bound.arguments[name] = None
        self.static = tuple(chosen)
        return bound.args, bound.kwargs

    def _on_one_backend(self, function: Function) -> None:
        """Move arrays to the tensors' backend, as an operation does.

        Raises:
            BackendError: tensors of two backends.
        """
        own = [leaf for leaf in self.leaves if is_tensor(leaf) and type(leaf) is not Variable]
        concrete = [x for x in map(as_tensor, own) if type(x._value) is not Symbol]
        if concrete:
            self.backend = concrete[0]._backend
        for x in concrete:
            if x._backend is not self.backend:
                raise BackendError(
                    f"compiled function {function._name}: arguments are tensors of backends {self.backend.name!r} and "
                    f"{x._backend.name!r}; move one: cr.to_backend(x, {self.backend.name!r})"
                )
        self.arrays = [
            as_tensor(x._backend.to_numpy(x._value), self.backend)
            if type(x) is Tensor and x._backend is not self.backend and type(x._value) is not Symbol
            else x
            for x in self.arrays
        ]

    def _static_key(self, function: Function, leaf: Any, i: int) -> Any:
        key = _exact(leaf)
        try:
            hash(key)
        except TypeError:
            raise DTypeError(
                f"compiled function {function._name}: argument {path_of(self.treedef, i)} is a {type(leaf).__name__}, "
                f"neither an array nor hashable: {leaf!r:.60}; pass arrays, numbers, hashable objects or pytrees of "
                "these"
            ) from None
        return key

    def difference(self, other: _Trace) -> str:
        """What of the key differs from another trace's, in words."""
        if self.treedef != other.treedef or len(self.kinds) != len(other.kinds):
            return "the structure of the arguments changed"
        changes = [
            f"argument {path_of(self.treedef, i)} went from {_shown(b)} to {_shown(a)}"
            for i, (a, b) in enumerate(zip(self.kinds, other.kinds, strict=True))
            if a != b
        ]
        if self.static != other.static:
            changes.append("a static argument changed")
        return "; ".join(changes) or "gradient overrides, the backend, a setting or what plugins registered changed"


_STATIC: Final = frozenset({int, bool, str, bytes, type(None)})


def _exact(value: Any) -> Any:
    """A static value in a key, where 1, 1.0 and True differ, and so do 0.0 and -0.0, in tuples too."""
    kind = type(value)
    if kind is tuple:
        return kind, tuple(map(_exact, value))
    if kind is slice:  # not hashable before Python 3.12
        return kind, _exact((value.start, value.stop, value.step))
    return kind, repr(value) if kind in (float, complex) else value


def _shown(kind: Any) -> str:
    if isinstance(kind, Same):
        return f"variable {kind.thing.name!r}"
    if not isinstance(kind, tuple):
        return f"a Python {kind.__name__}"
    a, b = kind
    return f"{b}{list(a)}" if isinstance(a, tuple) else f"{b!r:.40}"


class _Trace:
    """A function traced for one kind of arguments: its program, and how results are put together."""

    def __init__(self, function: Function, call: _Arguments) -> None:
        load_plugins()
        self.treedef = call.treedef
        self.kinds = call.kinds
        self.static = call.static
        body = Body(f"compiled function {function._name}", outer=_context.current().graph)
        with building(body), _backends.use(call.backend, call.device):
            returned = self._call(function, call, body)
            leaves, self.result_treedef = optree.tree_flatten(returned)
            self.results: list[Any] = []
            outputs = [self._result(leaf, body) for leaf in leaves]
        symbols = [y for leaf in outputs for y in leaf]
        states = [body.state(variable)._value for variable in body.assigned]
        # What it uses of a graph or function around it comes in after the arguments.
        self.captured = [symbol.tensor for symbol in body.captures]
        inner = list(body.captures.values())
        n = len(call.arrays)
        inputs = [*body.inputs[:n], *inner, *(x for x in body.inputs[n:] if x not in inner)]
        program = Program(inputs, [*symbols, *states], body.nodes)
        backend = call.backend
        if not call.of_data:
            backend = next((variable.backend for variable in body.reads if variable.graph is None), backend)
        self.compiled = Compiled(
            program, backend, body.reads, body.assigned, body.what, call.device if backend is call.backend else None
        )

    def _call(self, function: Function, call: _Arguments, body: Body) -> Any:
        arrays = iter(call.arrays)
        leaves = []
        names = _argument_names(function.python_function, call.treedef)
        for leaf, kind, name in zip(call.leaves, call.kinds, names, strict=True):
            if kind is float or kind is complex:
                next(arrays)
                leaves.append(body.input(Spec((), scalar_dtype(leaf), weak=True), name, ops.identity.op))
            elif type(kind) is tuple and type(kind[0]) is tuple:
                x = next(arrays)
                leaves.append(body.input(Spec(x.shape, x.dtype), name, ops.identity.op))
            else:
                leaves.append(leaf)
        args, kwargs = optree.tree_unflatten(call.treedef, leaves)
        if function._signature is not None:
            bound = function._signature.bind(*args, **kwargs)
            bound.arguments.update(call.given)
            args, kwargs = bound.args, bound.kwargs
        return function.python_function(*args, **kwargs)

    def _result(self, leaf: Any, body: Body) -> list[Symbol]:
        """The symbols behind a leaf of the result, and how to make the leaf of them."""
        if isinstance(leaf, IndexedSlices):
            self.results.append(leaf.dense_shape)
            return [self._output(leaf.values, body), self._output(leaf.indices, body)]
        if type(leaf) is Tensor or hasattr(type(leaf), "__chainrule_tensor__") or type(leaf) in (float, complex):
            self.results.append(Tensor)
            return [self._output(leaf, body)]
        if _backends.backend_of(leaf) is not None:
            self.results.append(Tensor)
            return [self._output(leaf, body)]
        self.results.append(Same(leaf))
        return []

    def _output(self, leaf: Any, body: Body) -> Symbol:
        x = body.lifted(as_tensor(leaf))
        if x._value.weak:
            x = body.tensor(STRONG, (x._value,), {"dtype": x.dtype})
        if x._value in body.inputs:  # so that what is done to a result is not done to an argument
            x = ops.identity(x)
        symbol: Symbol = x._value
        return symbol

    @property
    def single(self) -> bool:
        """Whether the function's result is the program's only one."""
        return self.result_treedef.is_leaf() and self.results == [Tensor]

    def run(self, call: _Arguments) -> Any:
        """The result for these arguments."""
        return self.assembled(self.compiled([*call.arrays, *self.captured]), call.as_tensors)

    def assembled(self, results: Sequence[Tensor], as_tensors: bool) -> Any:
        """The function's result, of the program's."""
        outputs = iter(results)
        leaves: list[Any] = []
        for how in self.results:
            if how is Tensor:
                leaves.append(next(outputs) if as_tensors else next(outputs)._value)
            elif type(how) is Same:
                leaves.append(how.thing)
            else:
                leaves.append(IndexedSlices(next(outputs), next(outputs), how))
        return optree.tree_unflatten(self.result_treedef, leaves)


def _argument_names(function: Callable[..., Any], treedef: optree.PyTreeSpec) -> list[str]:
    """Names for the leaves of `(args, kwargs)`: the parameter's, and the way to the leaf in it."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # some builtins have no signature
        parameters = []
    positional = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    names = []
    for part, argument, *rest in optree.treespec_paths(treedef):
        by_position = part == 0 and argument < len(positional)
        first = positional[argument] if by_position else argument if part == 1 else f"argument_{argument}"
        text = "_".join(map(str, (first, *rest)))
        names.append("".join(c if c.isalnum() else "_" for c in text).strip("_") or "argument")
    return names
