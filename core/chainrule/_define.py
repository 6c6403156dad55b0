"""Writing an operation: the row of an elementwise one (`elementwise`), and the decorated kernel of any other (`op`).

Shape rule, gradient and generic kernel stand together. Both ways give the public function, whose `op` attribute is the
`Op`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Concatenate, Final, ParamSpec, Protocol, TypeVar, cast

from chainrule._backend import Kernel
from chainrule._definition import Gradient, NoGradient
from chainrule._dim import Dim
from chainrule._dispatch import apply, binary, unary
from chainrule._dtypes import as_dtype
from chainrule._errors import ArgumentError, DTypeError
from chainrule._op import REQUIRED, Infer, Op
from chainrule._tensor import Tensor

P = ParamSpec("P")
R = TypeVar("R")


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
    on_missing: str | Callable[[Op], Any] | None = None,
) -> Any:
    """Define an elementwise operation of one or two inputs without attributes: its row.

    Args:
        name: its name; with no `kernel` also that of the namespace's function that computes it. One with a dot,
            `"special.entr"`, is that of a namespace's operation, which does not become `cr.<name>`.
        infer: a rule of `chainrule.infer`, such as `floating`.
        gradient: a definition or `NoGradient(reason)`.
        doc: the docstring.
        n_inputs: how many inputs it has.
        kernel: a generic kernel, `(xp, *arrays)`.
        holomorphic, linear: see `Op`.
        on_missing: what stands in while it has no gradient, as for `cr.on_missing`; what users say counts more.

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
    _state_policy(operation, on_missing)
    function: Any = unary(operation) if n_inputs == 1 else binary(operation)
    function.__doc__ = doc
    return _named(function, operation, name.rpartition(".")[2], "plugin")


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
    requires: Collection[str] = (),
    holomorphic: bool = True,
    cut: Callable[..., str | None] | None = None,
    on_missing: str | Callable[[Op], Any] | None = None,
) -> Callable[[Callable[Concatenate[Any, P], R]], Callable[P, Any]]:
    """Define an operation from its generic kernel, which this decorates.

    The kernel takes the backend's array API namespace first. Its positional-only parameters are the arrays (`*arrays`
    for any number), the others are attributes: metadata such as `axis`, which must be hashable. Attributes called
    `axis`, `shape` or `dtype` reach kernels, rules and gradients as tuples, integers and dtypes, whatever was given.

    Args:
        infer: the shape-and-dtype rule.
        gradient: a definition, `NoGradient(reason)`, or None if it is registered elsewhere.
        name: the operation's name, the kernel's by default; one with a dot as for `elementwise`.
        sequence: whether the public function takes its arrays as one sequence, as `concat` does.
        broadcasts, elementwise, linear, multiple, requires, holomorphic, cut: see `Op`.
        on_missing: what stands in while it has no gradient, as for `cr.on_missing`; what users say counts more.

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
        n_inputs, attributes = inputs_and_attributes(parameters)
        operation = Op(
            name or kernel.__name__,
            n_inputs,
            infer,
            gradient,
            kernel=kernel,
            requires=requires,
            attributes=attributes,
            broadcasts=broadcasts,
            elementwise=elementwise,
            linear=linear,
            multiple=multiple,
            holomorphic=holomorphic,
            cut=cut,
        )
        _state_policy(operation, on_missing)
        return cast("Callable[P, Any]", public_function(operation, kernel, parameters, sequence))

    return decorate


def inputs_and_attributes(parameters: Sequence[inspect.Parameter]) -> tuple[int | None, dict[str, Any]]:
    """How many arrays a function takes, None for any number, and its attributes with their defaults."""
    variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    n_inputs = sum(p.kind is p.POSITIONAL_ONLY for p in parameters)
    rest = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    return None if variadic else n_inputs, {p.name: p.default for p in rest}


def public_function(
    operation: Op,
    written: Callable[..., Any],
    parameters: list[inspect.Parameter],
    sequence: bool = False,
    wider: Callable[..., Any] | None = None,
) -> Any:
    """The public function of an operation, with the name, signature and docstring of the one that defines it."""
    function = _general(operation, sequence, wider)
    function.__doc__ = written.__doc__
    if sequence:
        parameters[0] = parameters[0].replace(kind=inspect.Parameter.POSITIONAL_ONLY)
        parameters[1:] = [p.replace(kind=p.POSITIONAL_OR_KEYWORD) for p in parameters[1:]]
    function.__signature__ = inspect.Signature(parameters)
    function.__wrapped__ = written
    return _named(function, operation, written.__name__, written.__module__)


def _state_policy(operation: Op, on_missing: str | Callable[[Op], Any] | None) -> None:
    """Keep what an operation's author says of its missing gradient."""
    if on_missing is not None:
        from chainrule._missing import state

        state(operation, on_missing)


def fronts(operation: Any) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function the public one of an operation, whose arguments it puts in order first."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        function.op = operation.op  # type: ignore[attr-defined]  # what marks the public function of an operation
        return function

    return decorate


def widens(operation: Any) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function with more arguments than an operation the public one.

    It is called where arguments are given that the operation does not have; without them nothing lies between. Its
    first parameters are those of the operation, in their order.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        parameters = list(inspect.signature(function).parameters.values())
        return cast("Callable[P, R]", public_function(operation.op, function, parameters, wider=function))

    return decorate


def _general(op: Op, sequence: bool, wider: Callable[..., Any] | None) -> Any:
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
            rest = args[len(inputs) :]
            given = dict(zip(names, rest, strict=False)) if rest else {}
            attributes = {**defaults, **given, **kwargs}
            if len(rest) > len(names) or len(attributes) > len(names) or not given.keys().isdisjoint(kwargs):
                if wider is not None:
                    return wider(*args, **kwargs)
                raise TypeError(f"{op.name}{inspect.signature(function)} called with arguments that do not fit it")
            for name in required:
                if attributes[name] is REQUIRED:
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
        return tuple(map(_length, shape)) if isinstance(shape, tuple | list) else (_length(shape),)
    except AttributeError:
        raise DTypeError(f"{op.name}: shape must be an integer or a tuple of integers, got {shape!r}") from None


def _length(n: Any) -> Any:
    return n if type(n) is Dim else int(n.__index__())


_CANONICAL: Final[Mapping[str, Callable[[Op, Any], Any]]] = {
    "axes": _axis,
    "axis": _axis,
    "shape": _shape,
    "dtype": lambda op, dtype: None if dtype is None else as_dtype(dtype),
}
