"""The tables of what is registered: operations, gradients, kernels, override sets, public names.

Plain dictionaries, written under a lock while plugins load or a user registers something, read without one.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import partial, wraps
from importlib import import_module
from typing import Any, Generic, TypeVar

from chainrule import _context
from chainrule._backend import Backend, Kernel
from chainrule._contracts import Declared
from chainrule._definition import Definition, Gradient, NoGradient
from chainrule._errors import (
    ArgumentError,
    GradientDefinitionError,
    MissingGradientError,
    MissingKernelError,
    PluginError,
    SelectorError,
    nearest,
)
from chainrule._op import Op
from chainrule._owner import USER, Owner, location, same_function
from chainrule._tensor import Tensor, bind_operator

T = TypeVar("T")
lock = threading.RLock()


class Table(dict[str, T], Generic[T]):
    """What is registered under names, with who registered each; a second claim to a name is an error of both."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what
        self.owners: dict[str, Owner] = {}

    def register(self, name: str, value: T, owner: Owner, replace: bool = False) -> None:
        """Add an entry; the same object once more, or its owner's code run again, is no conflict.

        Raises:
            PluginError: somebody registered another thing under this name.
        """
        global generation
        with lock:
            if name in self and self[name] is value and not replace:
                return
            if name in self and not replace and not (self.owners[name] == owner and _same(self[name], value)):
                raise PluginError(
                    f"{self.what} {name!r} of {owner}{_place(value)} is already registered by "
                    f"{self.owners[name]}{_place(self[name])}"
                )
            self[name] = value
            self.owners[name] = owner
            generation += 1

    def discard(self, name: str) -> None:
        """Take an entry back, if it is there."""
        global generation
        with lock:
            if self.pop(name, None) is not None:
                del self.owners[name]
                generation += 1


class Functions(Table[Callable[..., Any] | str]):
    """Functions by name; in place of one, `"module:function"`, where to import it from at its first use.

    To import one changes nothing that was known before: neither the table nor its generation.
    """

    def find(self, name: str) -> Callable[..., Any] | None:
        """The function of a name; None if there is none.

        Raises:
            PluginError: it cannot be imported, which is then its plugin's failure.
        """
        found = self.get(name)
        return self._import(name, found) if isinstance(found, str) else found

    def _import(self, name: str, place: str) -> Callable[..., Any]:
        owner = self.owners[name]
        module, _, attribute = place.partition(":")
        try:
            function: Callable[..., Any] = getattr(import_module(module), attribute)
            self.check(name, function, owner)
        except (Exception, SystemExit) as error:
            from chainrule._plugins import fail_late, is_under_way

            if not is_under_way(module):
                fail_late(owner, error)
            raise PluginError(
                f"{self.what} {name!r} of {owner} cannot be had from {place}: {type(error).__name__}: {error}"
            ) from error
        return function

    def check(self, name: str, function: Any, owner: Owner) -> None:
        """Refuse a function that is not what its plugin says."""
        if not callable(function):
            raise PluginError(f"{function!r:.80} cannot be called")


class _Operations(Functions):
    """The public functions of operations."""

    def check(self, name: str, function: Any, owner: Owner) -> None:
        found = op_of(function, owner).name
        if found != name:
            raise PluginError(f"op {name!r} of {owner} is one that is called {found!r} itself")

    def imported(self, name: str) -> Op | None:
        """The operation of a name, if no module has to be imported for it."""
        found = self.get(name)
        if isinstance(found, str):
            module, _, attribute = found.partition(":")
            found = getattr(sys.modules.get(module), attribute, None)
        return getattr(found, "op", None)


def _same(a: Any, b: Any) -> bool:
    """Whether two entries come from one source; of operations, what makes them tells, not the public functions."""
    if isinstance(getattr(a, "op", None), Op) and isinstance(getattr(b, "op", None), Op):
        a, b = _identity(a), _identity(b)
    return same_function(a, b)


def _place(value: Any) -> str:
    """Where a function, or the first of several, was written; of an operation, its kernel or gradient."""
    if isinstance(value, str):
        return f" at {value}"
    parts = _identity(value) if isinstance(getattr(value, "op", None), Op) else value
    while isinstance(parts, tuple | Declared):
        if isinstance(parts, Declared):
            parts = parts.gradient
        else:
            parts = next((part for part in parts if callable(part) or (isinstance(part, tuple) and part)), None)
    return f" at {location(parts)}" if callable(parts) else ""


generation = 0
ops = _Operations("op")
functions = Functions("function")
numpy_functions = Functions("NumPy function")
tensor_methods: Table[Any] = Table("tensor method")
gradients: Table[Any] = Table("gradient")
override_sets: Table[Mapping[str, Any]] = Table("override set")
kernels: Table[Kernel] = Table("kernel")
namespaces: Table[str] = Table("namespace")
commands: Table[Any] = Table("command")
passes: Table[Callable[..., Any]] = Table("pass")


def register_op(function: Callable[..., Any], owner: Owner = USER) -> None:
    """Make an operation known, by the public function that `op` or `elementwise` gave.

    Raises:
        ArgumentError: it is no such function.
        PluginError: there is another operation of that name.
    """
    name = op_of(function, owner).name
    have = ops.get(name)
    if have is None or ops.owners[name] != owner or not _same(have, function):
        ops.register(name, function, owner)
        bind_operator(name, function)


def owner_of(op: Op) -> Owner:
    """Who registered an operation; the user, if nobody did."""
    return ops.owners[op.name] if ops.imported(op.name) is op else USER


def op_of(function: Any, owner: Owner) -> Op:
    """The operation behind a public function.

    Raises:
        ArgumentError: there is none.
    """
    operation = getattr(function, "op", None)
    if not isinstance(operation, Op):
        raise ArgumentError(f"{function!r:.80} of {owner} is no operation: define it with cr.op or cr.elementwise")
    return operation


def _identity(function: Any) -> tuple[Any, ...]:
    """What makes an operation what it is, to recognise one that is defined again: kernel, gradient, shape rule."""
    operation: Op = function.op
    definition = operation.definition
    return (operation.kernel, None if definition is None else definition.gradient, operation.infer)


def find_op(name: str) -> Op:
    """The operation of a name.

    Raises:
        SelectorError: there is none; suggests the nearest name.
    """
    from chainrule._plugins import load_plugins

    load_plugins()
    function: Any = ops.find(check_name(name))
    operation: Op = function.op
    return operation


def check_name(name: str) -> str:
    """The name, if it is that of an operation, which need not be imported for this.

    Raises:
        SelectorError: as `find_op`.
    """
    from chainrule._plugins import absent

    if name not in ops:
        near = namesakes(name) or nearest(name, ops, 0.5) or [n for n in ops if n.lower() == name.lower()]
        reason = f"did you mean {near[0]!r}? {absent()}" if near else absent()
        raise SelectorError(f"no op is called {name!r}" + (f"; {reason.strip()}" if reason else ""))
    return name


def namesakes(name: str) -> list[str]:
    """The operations of that name in a namespace: `linalg.det` of `det`."""
    return [other for other in ops if other.endswith(f".{name}")]


def find_kernel(op: Op, backend: Backend) -> Kernel:
    """The kernel of an operation on a backend: registered for it, else the generic one on its namespace.

    Raises:
        MissingKernelError: there is none, naming the operation, its plugin and the backend.
        PluginError: the backend and a plugin both have one.
    """
    key = f"{backend.name}:{op.name}"
    registered = kernels.get(key)
    own = backend.kernels.get(op.name)
    if registered is not None and own is not None:
        raise PluginError(
            f"kernel of op {op.name!r} on backend {backend.name!r}: both the backend itself and {kernels.owners[key]} "
            "have one"
        )
    kernel = registered or own
    if kernel is None:
        kernel = backend.wrap_generic(op, _generic_kernel(op, backend))
    kernel = backend.on_device(kernel)
    return _native_dtypes(kernel, backend) if "dtype" in op.attributes else kernel


def _generic_kernel(op: Op, backend: Backend) -> Kernel:
    """The kernel that is written for any namespace, what the operation is made of, or the namespace's function."""
    if op.kernel is None and op.decomposition is not None:
        from chainrule._composite import kernel_of

        return kernel_of(op, backend)
    for name in op.requires if op.kernel is not None else (op.name,):
        found: Any = backend.xp
        for part in name.split("."):  # "fft.rfft" is in a namespace within
            found = getattr(found, part, None)
        if found is None:
            raise MissingKernelError(
                f"op {op.name!r} of {op.owner} has no kernel on backend {backend.name!r}, whose namespace has no "
                f"{name!r} either; register one from a plugin's chainrule_kernels hook"
            )
    return found if op.kernel is None else partial(op.kernel, backend.xp)


def has_own_kernel(op: Op, backend: Backend) -> bool:
    """Whether a kernel of an operation is registered for a backend, by the backend itself or by a plugin."""
    return op.name in backend.kernels or f"{backend.name}:{op.name}" in kernels


def _native_dtypes(kernel: Kernel, backend: Backend) -> Kernel:
    """A kernel that is given the library's dtype where the operation has chainrule's."""

    @wraps(kernel)
    def with_native(*arrays: Any, dtype: Any, **attributes: Any) -> Any:
        return kernel(*arrays, dtype=None if dtype is None else backend.native(dtype), **attributes)

    return with_native


def register_kernels(table: Mapping[str, Mapping[str, Kernel]], owner: Owner = USER) -> None:
    """Register kernels by backend and operation."""
    for backend, by_op in table.items():
        for name, kernel in by_op.items():
            kernels.register(f"{backend}:{name}", kernel, owner)
            forget_kernels(name)


def forget_kernels(name: str) -> None:
    """Have an operation look its kernels up again."""
    op = ops.imported(name)
    if op is not None:
        op.kernels.clear()


def register_gradient(
    name: str, gradient: Gradient | None = None, *, replace: bool = False, owner: Owner = USER
) -> Any:
    """Register a gradient definition under a name; also a decorator.

    The name of an operation gives that operation its gradient, if it has none or with `replace=True`. Any other name
    is for overrides: `cr.override_gradients({"sign": name})`.

    Args:
        name: an operation's name, or one of your own.
        gradient: `f(g, y, *inputs, **attributes)`, giving the cotangent of the input, or a tuple of one for each input;
            or a tuple with such a function, or None, for each input. A parameter that starts with `_` is not read. With
            a contract around it (`cr.surrogate(f)`) it says what it promises.
        replace: whether to take the place of what is registered under this name.

    Raises:
        PluginError: the name is taken; names both places.
        GradientDefinitionError: the definition cannot be called for this operation.

    >>> import chainrule as cr
    >>> @cr.register_gradient("doctest_straight_through")
    ... def straight_through(g, _y, _x):
    ...     return g
    >>> with cr.override_gradients({"sign": "doctest_straight_through"}):
    ...     float(cr.grad(cr.sign)(3.0))
    1.0
    """
    if not isinstance(name, str):
        raise ArgumentError(f"register_gradient: a gradient's name is a string, got {name!r}")
    if gradient is None:

        def decorator(function: Gradient) -> Gradient:
            register_gradient(name, function, replace=replace, owner=owner)
            return function

        return decorator
    if owner is USER:
        from chainrule._plugins import load_plugins

        load_plugins()
    if not callable(gradient) and not isinstance(gradient, tuple):
        raise GradientDefinitionError(f"gradient {name!r} of {owner}: expected a function or a tuple, got {gradient!r}")
    function: Any = ops.find(name)
    with lock:
        if function is not None:
            _define(function.op, gradient, owner, replace)
        gradients.register(name, gradient, owner, replace)
    return gradient


def _define(op: Op, gradient: Gradient | NoGradient, owner: Owner, replace: bool) -> None:
    """Give an operation its definition."""
    definition = Definition(op, gradient, owner)
    have = op.definition
    if have is not None and not replace and not same_function(have.gradient, definition.gradient):
        raise PluginError(
            f"gradient of op {op.name!r} by {owner}{_place(gradient)} is already defined by {have.owner} at "
            f"{have.location or 'its registration'}; to put yours in force use cr.override_gradients, or replace=True"
        )
    op.definition = definition


def no_gradient(name: str, reason: str = "declared so by cr.no_gradient", *, owner: Owner = USER) -> None:
    """Declare that no gradient passes an operation that has no definition.

    Raises:
        SelectorError: there is no such operation.
        PluginError: it has a gradient.
    """
    _define(find_op(name), NoGradient(reason), owner, replace=False)


def find_definition(op: Op) -> Definition:
    """The definition an operation got by a registration under its name, or by policy, or the error that it has none."""
    if op.name in gradients:
        op.definition = Definition(op, gradients[op.name], gradients.owners[op.name])
        return op.definition
    from chainrule._missing import stand_in

    definition = stand_in(op)
    if definition is not None:
        return definition
    error = MissingGradientError(
        f"op {op.name!r} of {op.owner} has no gradient definition, and one of its inputs is tracked; register one with "
        f"cr.register_gradient({op.name!r}, f), declare cr.no_gradient({op.name!r}), pass cr.stop_gradient(x), or "
        "choose a policy, cr.on_missing('finite-difference')"
    )
    if _context.current().graph is None:
        raise error

    def missing(g: Any, _y: Any, *_inputs: Any, **_attributes: Any) -> Any:
        raise error

    return Definition(op, missing)  # in a graph all is recorded: the error is for gradients that have to pass it


def register_methods(methods: Mapping[str, Any], owner: Owner) -> None:
    """Add methods to tensors."""
    for name, method in methods.items():
        if name in Tensor.__dict__ and name not in tensor_methods:
            raise PluginError(f"tensor method {name!r} of {owner} would replace one of chainrule's own")
        tensor_methods.register(name, method, owner)
        setattr(Tensor, name, method)


def public_names() -> Iterable[str]:
    """Every name that plugins give `cr`."""
    return {*(name for name in ops if "." not in name), *functions, *namespaces}
