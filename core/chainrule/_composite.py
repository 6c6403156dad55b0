"""Operations that are defined by what they are made of: one name for several others.

By its name such an operation is overridden, explained and replaced by a kernel; where nobody does, it is the others.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ParamSpec, TypeVar, overload

from chainrule import _context, _record, ops
from chainrule._backend import Backend, Kernel
from chainrule._convert import as_tensor
from chainrule._define import inputs_and_attributes, public_function
from chainrule._definition import Definition, Gradient, NoGradient
from chainrule._gradients import gradients_of
from chainrule._graph import Body
from chainrule._op import Infer, Op
from chainrule._program import Program
from chainrule._replay import building
from chainrule._tensor import Tensor
from chainrule.infer import Spec

P = ParamSpec("P")
R = TypeVar("R")


@overload
def composite(
    function: Callable[P, R],
    gradient: Gradient | NoGradient | None = None,
    *,
    infer: Infer | None = None,
    name: str | None = None,
    multiple: bool = False,
    broadcasts: bool = False,
) -> Callable[P, R]: ...


@overload
def composite(
    *,
    gradient: Gradient | NoGradient | None = None,
    infer: Infer | None = None,
    name: str | None = None,
    multiple: bool = False,
    broadcasts: bool = False,
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...


def composite(
    function: Callable[..., Any] | None = None,
    gradient: Gradient | NoGradient | None = None,
    *,
    infer: Infer | None = None,
    name: str | None = None,
    multiple: bool = False,
    broadcasts: bool = False,
) -> Any:
    """Define an operation from a function that is written in operations, which this decorates.

    The function's positional-only parameters are the arrays, the others are attributes, as for `cr.op`. From it come
    the operation's shape rule, its kernel on every backend and its gradient; a kernel or gradient that is registered
    under its name goes before. Compiled programs run what it is made of, unless the backend has a kernel of its own.

    Args:
        function: what it is made of.
        gradient: its definition, as for `cr.op`; by default that of what it is made of, which is then run once more.
        infer: its shape rule, as for `cr.op`; by default the function is traced, which has to know in a graph whatever
            lengths it asks for. With a rule it is traced once they are known.
        name: the operation's name, the function's by default.
        multiple: whether it gives a tuple of results.
        broadcasts: see `Op`: Python numbers among its inputs then take the dtype of the arrays.

    Returns:
        The public function, to be given to chainrule from a `chainrule_ops` hook.

    >>> import chainrule as cr
    >>> @cr.composite
    ... def mean_square(a, b, /, scale=1.0):
    ...     "scale * mean((a - b)**2)."
    ...     return scale * cr.mean(cr.square(a - b))
    >>> cr.grad(mean_square)(cr.tensor([1.0, 3.0]), cr.tensor([0.0, 0.0]))
    Tensor([1., 3.], float64)
    >>> with cr.override_gradients({mean_square: (lambda g, _y, a, _b, scale: g * cr.sign(a), None)}):
    ...     cr.grad(mean_square)(cr.tensor([1.0, 3.0]), cr.tensor([0.0, 0.0]))
    Tensor([1., 1.], float64)
    """
    if function is None:
        return partial(composite, gradient=gradient, infer=infer, name=name, multiple=multiple, broadcasts=broadcasts)
    written = function

    def traced(*specs: Spec, **attributes: Any) -> Any:
        found = program_of(operation, specs, attributes).specs
        return found if multiple else found[0]

    def through_parts(g: Any, _y: Any, *inputs: Any, **attributes: Any) -> Any:
        with _context.scope(recording=True):
            sources = [_record.source(x, ops.identity.op, {}) if _differs(x) else x for x in inputs]
            results = written(*sources, **attributes)
        ys = [as_tensor(y) for y in (results if multiple else (results,))]
        found = iter(gradients_of(ys, [x for x in sources if _differs(x)], list(g) if multiple else [g]))
        parts = [next(found) if _differs(x) else None for x in sources]
        return parts if n_inputs != 1 else parts[0]

    parameters = list(inspect.signature(written).parameters.values())
    n_inputs, attributes = inputs_and_attributes(parameters)
    operation = Op(
        name or written.__name__,
        n_inputs,
        traced if infer is None else infer,
        attributes=attributes,
        broadcasts=broadcasts,
        multiple=multiple,
        holomorphic=False,
        decomposition=written,
    )
    operation.definition = Definition(operation, through_parts if gradient is None else gradient)
    return public_function(operation, written, parameters)


def _differs(x: Any) -> bool:
    """Whether an input can have a gradient."""
    return type(x) is Tensor and x.dtype.is_inexact


def kernel_of(op: Op, backend: Backend) -> Kernel:
    """The kernel of such an operation on a backend: the others, run one after the other."""
    written: Any = op.decomposition

    def kernel(*arrays: Any, **attributes: Any) -> Any:
        tensors = [Tensor(x, backend) if hasattr(x, "dtype") else x for x in arrays]
        with _context.scope(recording=False, graph=None):
            found = written(*tensors, **attributes)
        return tuple(as_tensor(y)._value for y in found) if op.multiple else as_tensor(found)._value

    return kernel


def program_of(op: Op, specs: Sequence[Any], attributes: Mapping[str, Any]) -> Program:
    """What such an operation is made of, for inputs of these shapes and dtypes."""
    written: Any = op.decomposition
    body = Body(f"operation {op.name!r}")
    with building(body):
        found = written(*[None if spec is None else body.input(spec) for spec in specs], **attributes)
        outputs = [body.lifted(as_tensor(y))._value for y in (found if op.multiple else (found,))]
    return Program(body.inputs, outputs, body.nodes)
