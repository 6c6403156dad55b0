"""Calling an operation: find the backend and its kernel, run it, and leave behind what is attended to.

The functions of elementwise operations are the hot path: what `apply` does, with everything they need not do left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from chainrule._backend import Backend
from chainrule._context import RECORDING, current
from chainrule._convert import as_tensor, coerce, lifted, spec_of
from chainrule._dtypes import PYTHON_NUMBERS
from chainrule._errors import (
    ArgumentError,
    ChainruleError,
    DTypeError,
    IndexingError,
    KernelError,
    ShapeError,
    UnknownSizeError,
)
from chainrule._node import MADE, NO_ATTRIBUTES
from chainrule._op import Op
from chainrule._record import finish, record, record_elementwise
from chainrule._tensor import Tensor

_new = object.__new__


def apply(op: Op, inputs: tuple[Any, ...], attributes: Mapping[str, Any]) -> Any:
    """Run an operation on anything that can be a tensor; the general way, for any number of inputs and outputs."""
    inputs, backend = coerce(op, inputs)
    kernel = op.kernels[backend]
    try:
        value = kernel(*[x._value if type(x) is Tensor else x for x in inputs], **attributes)
    except UnknownSizeError as error:  # of a graph, which then has the operation on constants too
        symbolic = tuple(map(lifted, inputs))
        if all(a is b for a, b in zip(symbolic, inputs, strict=True)):
            raise failure(op, inputs, attributes, backend, error) from error
        return apply(op, symbolic, attributes)
    except Exception as error:
        raise failure(op, inputs, attributes, backend, error) from error
    context = current()
    if context.mode:
        return finish(op, inputs, attributes, value, backend, context)
    if op.multiple:
        return tuple(Tensor(part, backend) for part in value)
    y: Tensor = _new(Tensor)
    y._value = value
    y._backend = backend
    y._node = None
    y._index = 0
    return y


def unary(op: Op) -> Callable[[Any], Tensor]:
    """The function of an elementwise operation of one input: `apply`, with everything it need not do left out."""
    kernels = op.kernels

    def function(x: Any, /) -> Tensor:
        if type(x) is not Tensor:
            x = as_tensor(x)
        backend = x._backend
        kernel = kernels[backend]
        a = x._value
        try:
            value = kernel(a)
        except Exception as error:
            raise failure(op, (x,), NO_ATTRIBUTES, backend, error) from error
        context = current()
        origin = x._node
        if context.mode:
            if context.mode != RECORDING:
                return cast(Tensor, finish(op, (x,), NO_ATTRIBUTES, value, backend, context))
            if origin is not None and origin.live:
                if x._index:
                    origin = record(op, (x,), NO_ATTRIBUTES, value, 1, context)
                else:
                    origin = record_elementwise(op, a, None, origin, None, value, backend, 1, context)
            elif not origin:
                origin = MADE
        else:
            origin = None
        y: Tensor = _new(Tensor)
        y._value = value
        y._backend = backend
        y._node = origin
        y._index = 0
        return y

    return function


def binary(op: Op) -> Callable[[Any, Any], Tensor]:
    """The function of an elementwise operation of two inputs: `apply`, with everything it need not do left out."""
    kernels = op.kernels

    def function(a: Any, b: Any, /) -> Tensor:
        if type(a) is Tensor:
            backend = a._backend
            left, from_a = a._value, a._node
            if type(b) is Tensor and b._backend is backend:
                right, from_b = b._value, b._node
            elif type(b) in PYTHON_NUMBERS:
                right, from_b = b, None
            else:
                return cast(Tensor, apply(op, (a, b), NO_ATTRIBUTES))
        elif type(b) is Tensor and type(a) in PYTHON_NUMBERS and type(a) is not complex:
            backend = b._backend
            left, from_a = a, None
            right, from_b = b._value, b._node
        else:
            return cast(Tensor, apply(op, (a, b), NO_ATTRIBUTES))
        kernel = kernels[backend]
        try:
            value = kernel(left, right)
        except Exception as error:
            raise failure(op, (a, b), NO_ATTRIBUTES, backend, error) from error
        context = current()
        if context.mode:
            if context.mode != RECORDING:
                return cast(Tensor, finish(op, (a, b), NO_ATTRIBUTES, value, backend, context))
            tracked = 1 if from_a is not None and from_a.live else 0
            if from_b is not None and from_b.live:
                tracked += 2
            if not tracked:
                origin = from_a or from_b or MADE
            elif (from_a is not None and a._index) or (from_b is not None and b._index):
                origin = record(op, (a, b), NO_ATTRIBUTES, value, tracked, context)
            else:
                origin = record_elementwise(op, left, right, from_a, from_b, value, backend, tracked, context)
        else:
            origin = None
        y: Tensor = _new(Tensor)
        y._value = value
        y._backend = backend
        y._node = origin
        y._index = 0
        return y

    return function


_FAMILY: Final[Mapping[type[Exception], type[Exception]]] = {
    ValueError: ArgumentError,
    TypeError: DTypeError,
    IndexError: IndexingError,
}


def failure(
    op: Op, inputs: tuple[Any, ...], attributes: Mapping[str, Any], backend: Backend, error: Exception
) -> Exception:
    """Explain a kernel that failed: by the shape rule where that sees the fault, else in the library's words."""
    if isinstance(error, MemoryError | RecursionError):
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
