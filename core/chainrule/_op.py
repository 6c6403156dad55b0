"""Operations: what one is, the two ways to write one, and what happens when one is called.

An elementwise operation is a row (`elementwise`); any other is a decorated generic kernel (`op`), with its shape rule
and its gradient beside it. Both give the public function, whose `op` attribute is the `Op`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Concatenate, Final, ParamSpec, Protocol, TypeVar, cast

from chainrule._backend import Backend, Kernel
from chainrule._context import RECORDING, current
from chainrule._convert import PYTHON_NUMBERS, as_tensor, coerce, spec_of
from chainrule._definition import Definition, Gradient, NoGradient
from chainrule._dtypes import as_dtype
from chainrule._errors import ArgumentError, ChainruleError, DTypeError, IndexingError, KernelError, ShapeError
from chainrule._node import NO_ATTRIBUTES
from chainrule._owner import USER, Owner
from chainrule._record import finish, record
from chainrule._tensor import Tensor

P = ParamSpec("P")
R = TypeVar("R")
Infer = Callable[..., Any]
_new = object.__new__


class Op:
    """An operation's identity.

    Attributes:
        name: unique among all operations.
        n_inputs: how many arrays it takes; None for any number.
        attributes: its metadata, name to default (`REQUIRED` where there is none).
        infer: the shape-and-dtype rule, `(*specs, **attributes) -> Spec`, or a tuple of them for several outputs.
        kernel: the generic kernel, `(xp, *arrays, **attributes)`; None for the namespace's function of the same name.
        definition: its gradient definition, None while it has none.
        broadcasts: whether inputs broadcast and promote, which the engine undoes for gradients.
        elementwise: whether each element of the result depends on the same element of each input alone.
        linear: `"joint"` if it is linear in its differentiable inputs together, `"each"` if in each one by itself.
        multiple: whether it has several outputs.
        holomorphic: whether the definition is the textbook formula of a complex-differentiable function, which the
            engine then conjugates for complex cotangents; False if the definition sees to complex numbers itself.
        cut: `(**attributes)` to the reason why no gradient passes with these attributes, or None.
        owner: who registered it.
        function: the public function.
    """

    __slots__ = (
        *("attributes", "broadcasts", "cut", "definition", "elementwise", "function", "holomorphic", "infer", "kernel"),
        *("kernels", "linear", "multiple", "n_inputs", "name", "owner"),
    )

    def __init__(
        self,
        name: str,
        n_inputs: int | None,
        infer: Infer,
        gradient: Gradient | NoGradient | None = None,
        *,
        kernel: Kernel | None = None,
        attributes: Mapping[str, Any] = NO_ATTRIBUTES,
        broadcasts: bool = False,
        elementwise: bool = False,
        linear: str | None = None,
        multiple: bool = False,
        holomorphic: bool = True,
        cut: Callable[..., str | None] | None = None,
    ) -> None:
        self.name = name
        self.n_inputs = n_inputs
        self.attributes = attributes
        self.infer = infer
        self.kernel = kernel
        self.broadcasts = broadcasts
        self.elementwise = elementwise
        self.linear = linear
        self.multiple = multiple
        self.holomorphic = holomorphic
        self.cut = cut
        self.owner: Owner = USER
        self.kernels = KernelTable(self)
        self.definition = None if gradient is None else Definition(self, gradient)
        self.function: Callable[..., Any] = lambda *inputs, **given: apply(self, inputs, given)

    def __repr__(self) -> str:
        return f"<Op {self.name} of {self.owner}>"

    def __reduce__(self) -> tuple[Any, ...]:
        from chainrule._registry import find_op

        return find_op, (self.name,)


class KernelTable(dict[Backend, Kernel]):
    """An operation's kernels by backend, each found at its first use."""

    def __init__(self, op: Op) -> None:
        super().__init__()
        self.op = op

    def __missing__(self, backend: Backend) -> Kernel:
        from chainrule._registry import find_kernel

        kernel = self[backend] = find_kernel(self.op, backend)
        return kernel


REQUIRED: Final = inspect.Parameter.empty


def apply(op: Op, inputs: tuple[Any, ...], attributes: Mapping[str, Any]) -> Any:
    """Run an operation on anything that can be a tensor; the general way, for any number of inputs and outputs."""
    inputs, backend = coerce(op, inputs)
    kernel = op.kernels[backend]
    try:
        value = kernel(*[x._value if type(x) is Tensor else x for x in inputs], **attributes)
    except Exception as error:
        raise _failure(op, inputs, attributes, backend, error) from error
    context = current()
    if context.mode:
        return finish(op, inputs, attributes, value, backend, context)
    if op.multiple:
        return tuple(Tensor(part, backend) for part in value)
    return Tensor(value, backend)


def _unary(op: Op) -> Callable[[Any], Tensor]:
    """The function of an elementwise operation of one input: `apply`, with everything it need not do left out."""
    kernels = op.kernels

    def function(x: Any, /) -> Tensor:
        if type(x) is not Tensor:
            x = as_tensor(x)
        backend = x._backend
        kernel = kernels[backend]
        try:
            value = kernel(x._value)
        except Exception as error:
            raise _failure(op, (x,), NO_ATTRIBUTES, backend, error) from error
        context = current()
        origin = x._node
        if context.mode:
            if context.mode != RECORDING:
                return cast(Tensor, finish(op, (x,), NO_ATTRIBUTES, value, backend, context))
            if origin is not None:
                origin = record(op, (x,), NO_ATTRIBUTES, value, 1, context) if origin.live else origin
        else:
            origin = None
        y: Tensor = _new(Tensor)
        y._value = value
        y._backend = backend
        y._node = origin
        y._index = 0
        return y

    return function


def _binary(op: Op) -> Callable[[Any, Any], Tensor]:
    """The function of an elementwise operation of two inputs: `apply`, with everything it need not do left out."""
    kernels = op.kernels

    def function(a: Any, b: Any, /) -> Tensor:
        if type(a) is Tensor:
            backend = a._backend
            if type(b) is Tensor and b._backend is backend:
                left, right = a._value, b._value
                tracked = (a._node is not None and a._node.live) | (b._node is not None and b._node.live) << 1
                cut = a._node or b._node
            elif type(b) in PYTHON_NUMBERS:
                left, right = a._value, b
                cut = a._node
                tracked = cut is not None and cut.live
            else:
                return cast(Tensor, apply(op, (a, b), NO_ATTRIBUTES))
        elif type(b) is Tensor and type(a) in PYTHON_NUMBERS:
            backend = b._backend
            left, right = a, b._value
            cut = b._node
            tracked = (cut is not None and cut.live) << 1
        else:
            return cast(Tensor, apply(op, (a, b), NO_ATTRIBUTES))
        kernel = kernels[backend]
        try:
            value = kernel(left, right)
        except Exception as error:
            raise _failure(op, (a, b), NO_ATTRIBUTES, backend, error) from error
        context = current()
        if context.mode:
            if context.mode != RECORDING:
                return cast(Tensor, finish(op, (a, b), NO_ATTRIBUTES, value, backend, context))
            origin = record(op, (a, b), NO_ATTRIBUTES, value, tracked, context) if tracked else cut
        else:
            origin = None
        y: Tensor = _new(Tensor)
        y._value = value
        y._backend = backend
        y._node = origin
        y._index = 0
        return y

    return function


class Unary(Protocol):
    """A public function of an elementwise operation of one input."""

    op: Op
    __name__: str

    def __call__(self, x: Any, /) -> Tensor: ...


class Binary(Protocol):
    """A public function of an elementwise operation of two inputs."""

    op: Op
    __name__: str

    def __call__(self, a: Any, b: Any, /) -> Tensor: ...


def elementwise(
    name: str,
    infer: Infer,
    gradient: Gradient | NoGradient | None,
    doc: str,
    *,
    n_inputs: int = 1,
    kernel: Kernel | None = None,
    holomorphic: bool = True,
    linear: str | None = None,
) -> Any:
    """Define an elementwise operation of one or two inputs without attributes: its row.

    Args:
        name: its name; with no `kernel` also that of the namespace's function that computes it.
        infer: a rule of `chainrule.infer`, such as `floating`.
        gradient: a definition or `NoGradient(reason)`.
        doc: the docstring.
        n_inputs: how many inputs it has.
        kernel: a generic kernel, `(xp, *arrays)`.
        holomorphic, linear: see `Op`.

    Returns:
        The public function. A plugin gives it to chainrule from its `chainrule_ops` hook.
    """
    operation = Op(
        name,
        n_inputs,
        infer,
        gradient,
        kernel=kernel,
        broadcasts=n_inputs > 1,
        elementwise=True,
        holomorphic=holomorphic,
        linear=linear,
    )
    function: Any = _unary(operation) if n_inputs == 1 else _binary(operation)
    function.__doc__ = doc
    return _named(function, operation, name, "plugin")


def op(
    infer: Infer,
    gradient: Gradient | NoGradient | None = None,
    *,
    name: str | None = None,
    broadcasts: bool = False,
    elementwise: bool = False,
    linear: str | None = None,
    multiple: bool = False,
    sequence: bool = False,
    holomorphic: bool = True,
    cut: Callable[..., str | None] | None = None,
) -> Callable[[Callable[Concatenate[Any, P], R]], Callable[P, Any]]:
    """Define an operation from its generic kernel, which this decorates.

    The kernel takes the backend's array API namespace first. Its positional-only parameters are the arrays (`*arrays`
    for any number), the others are attributes: metadata such as `axis`, which must be hashable. Attributes called
    `axis`, `shape` or `dtype` reach kernels, rules and gradients as tuples, integers and dtypes, whatever was given.

    Args:
        infer: the shape-and-dtype rule.
        gradient: a definition, `NoGradient(reason)`, or None if it is registered elsewhere.
        name: the operation's name, the kernel's by default.
        sequence: whether the public function takes its arrays as one sequence, as `concat` does.
        broadcasts, elementwise, linear, multiple, holomorphic, cut: see `Op`.

    Returns:
        A decorator that gives the public function: the kernel's signature and docstring without the namespace.

    >>> import chainrule as cr
    >>> from chainrule import infer, ops
    >>> @cr.op(infer.same, lambda g, _y, x, factor: g * (2 * factor) * x)
    ... def scaled_square(xp, x, /, factor=1.0):
    ...     "factor * x**2, element by element."
    ...     return factor * x * x
    >>> float(cr.grad(scaled_square)(3.0))
    6.0
    """

    def decorate(kernel: Callable[Concatenate[Any, P], R]) -> Callable[P, Any]:
        parameters = list(inspect.signature(kernel).parameters.values())[1:]
        variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        n_inputs = sum(p.kind is p.POSITIONAL_ONLY for p in parameters)
        rest = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        operation = Op(
            name or kernel.__name__,
            None if variadic else n_inputs,
            infer,
            gradient,
            kernel=kernel,
            attributes={p.name: p.default for p in rest},
            broadcasts=broadcasts,
            elementwise=elementwise,
            linear=linear,
            multiple=multiple,
            holomorphic=holomorphic,
            cut=cut,
        )
        function = _general(operation, sequence)
        function.__doc__ = kernel.__doc__
        if sequence:
            parameters[0] = parameters[0].replace(kind=inspect.Parameter.POSITIONAL_ONLY)
            parameters[1:] = [p.replace(kind=p.POSITIONAL_OR_KEYWORD) for p in parameters[1:]]
        function.__signature__ = inspect.Signature(parameters)
        function.__wrapped__ = kernel
        return cast("Callable[P, Any]", _named(function, operation, kernel.__name__, kernel.__module__))

    return decorate


def fronts(operation: Any) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function the public one of an operation, whose arguments it puts in order first."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        function.op = operation.op  # type: ignore[attr-defined]  # what marks the public function of an operation
        operation.op.function = function
        return function

    return decorate


def _general(op: Op, sequence: bool) -> Any:
    """The function of an operation with attributes: sorts arguments into arrays and metadata."""
    names = tuple(op.attributes)
    defaults = dict(op.attributes)
    required = [name for name, default in defaults.items() if default is REQUIRED]
    count = 1 if sequence else op.n_inputs
    canonical = {name: _CANONICAL[name] for name in names if name in _CANONICAL}

    def function(*args: Any, **kwargs: Any) -> Any:
        inputs = args[:count]
        if count is not None and len(inputs) < count:
            raise ArgumentError(f"{op.name}: takes {count} array argument{'s' * (count != 1)}, got {len(args)}")
        if len(args) == len(inputs) and not kwargs and not required:
            attributes = defaults
        else:
            given = dict(zip(names, args[len(inputs) :], strict=False))
            if len(args) - len(inputs) > len(names) or given.keys() & kwargs.keys() or not kwargs.keys() <= set(names):
                raise TypeError(f"{op.name}{inspect.signature(function)} called with arguments that do not fit it")
            attributes = {**defaults, **given, **kwargs}
            if any(attributes[name] is REQUIRED for name in required):
                raise TypeError(f"{op.name}{inspect.signature(function)}: an argument is missing")
            for name, convert in canonical.items():
                attributes[name] = convert(op, attributes[name])
        return apply(op, tuple(inputs[0]) if sequence else inputs, attributes)

    return function


def _named(function: Any, op: Op, name: str, module: str) -> Any:
    """Give a public function its names and tie it to its operation."""
    function.__name__ = function.__qualname__ = name
    function.__module__ = module
    function.op = op
    op.function = function
    return function


def _axis(op: Op, axis: Any) -> int | tuple[int, ...] | None:
    try:
        if axis is None:
            return None
        return tuple(int(a.__index__()) for a in axis) if isinstance(axis, tuple | list) else int(axis.__index__())
    except AttributeError:
        raise DTypeError(f"{op.name}: axis must be an integer, a tuple of integers or None, got {axis!r}") from None


def _shape(op: Op, shape: Any) -> tuple[int, ...]:
    try:
        return tuple(int(n.__index__()) for n in shape) if isinstance(shape, tuple | list) else (shape.__index__(),)
    except AttributeError:
        raise DTypeError(f"{op.name}: shape must be an integer or a tuple of integers, got {shape!r}") from None


_CANONICAL: Final[Mapping[str, Callable[[Op, Any], Any]]] = {
    "axes": _axis,
    "axis": _axis,
    "shape": _shape,
    "dtype": lambda op, dtype: None if dtype is None else as_dtype(dtype),
}

_FAMILY: Final[Mapping[type[Exception], type[Exception]]] = {
    ValueError: ArgumentError,
    TypeError: DTypeError,
    IndexError: IndexingError,
}


def _failure(
    op: Op, inputs: tuple[Any, ...], attributes: Mapping[str, Any], backend: Backend, error: Exception
) -> Exception:
    """Explain a kernel that failed: by the shape rule where that sees the fault, else in the library's words."""
    if isinstance(error, MemoryError):
        return error
    got = ", ".join(repr(spec_of(x)) for x in inputs)
    given = "".join(f", {name}={value!r}" for name, value in attributes.items())
    call = f"{op.name}({got}{given})"
    try:
        op.infer(*map(spec_of, inputs), **attributes)
    except (ShapeError, DTypeError, IndexingError) as reason:
        return type(reason)(f"{call}: {reason}")
    except Exception:  # the rule saw no fault of the shapes; the kernel's own words follow
        pass
    if isinstance(error, ChainruleError):
        return type(error)(f"{call}: {error}")
    family = next((ours for theirs, ours in _FAMILY.items() if isinstance(error, theirs)), KernelError)
    return family(f"{call}: the {backend.name} kernel raised {type(error).__name__}: {error}")
