"""The few operations the engine itself is made of; registered like any plugin's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule import _backends, _record, infer, ops
from chainrule._context import current
from chainrule._convert import as_tensor
from chainrule._define import Binary, Unary, elementwise, op
from chainrule._definition import NoGradient
from chainrule._errors import MissingGradientError
from chainrule._graph_ops import READ
from chainrule._op import Op
from chainrule._tensor import Tensor
from chainrule.hookspecs import hookimpl
from chainrule.infer import Spec

identity: Unary = elementwise(
    "identity",
    infer.same,
    lambda g, _y, _x: g,
    "The same value, as another tensor. Gradients pass unchanged.",
    kernel=lambda xp, x: x,
)

stop_gradient: Unary = elementwise(
    "stop_gradient",
    infer.same,
    NoGradient("stopped by stop_gradient"),
    """The same value as a constant: no gradient flows back through it.

    >>> import chainrule as cr
    >>> cr.grad(lambda x: x * cr.stop_gradient(x))(3.0)
    np.float64(3.0)
    """,
    kernel=lambda xp, x: x,
)


def _prevented(g: Any, _y: Any, _x: Any, message: str) -> Any:
    raise MissingGradientError(f"gradient explicitly prevented: {message}")


@op(infer=lambda x, message: x, gradient=_prevented, elementwise=True)
def prevent_gradient(xp: Any, x: Any, /, message: str) -> Any:
    """The same value; a gradient that would flow back through it is an error with your message.

    Derivative: none: the error.

    >>> import chainrule as cr
    >>> cr.grad(lambda x: cr.prevent_gradient(x, "use the other branch"))(1.0)
    Traceback (most recent call last):
    chainrule._errors.MissingGradientError: gradient explicitly prevented: use the other branch; in the gradient of ...
    """
    return x


@op(
    infer=lambda x, shape: Spec(shape, x.dtype),
    gradient=lambda g, _y, _x, shape: ops.broadcast_to(g, _x.shape),
    linear="joint",
)
def sum_to(xp: Any, x: Any, /, shape: tuple[int, ...]) -> Any:
    """Sum over the axes along which an array of `shape` was broadcast to `x`: the transpose of `broadcast_to`.

    >>> from chainrule import ops
    >>> ops.sum_to([[1.0, 2.0], [3.0, 4.0]], shape=(2,))
    Tensor([4., 6.], float64)
    """
    lead = len(x.shape) - len(shape)
    axes = (*range(lead), *(i + lead for i, n in enumerate(shape) if n == 1 and x.shape[i + lead] != 1))
    if axes:
        x = xp.sum(x, axis=axes, keepdims=False, dtype=x.dtype)
    return x if x.shape == shape else xp.reshape(x, shape)


def _zero_wins(xp: Any, g: Any, d: Any) -> Any:
    product = g * d
    zero = g == 0
    if isinstance(zero, bool):  # of a Python number
        return xp.zeros_like(product) if zero else product
    return xp.where(zero, xp.zeros_like(product), product)


multiply_zero_wins: Binary = elementwise(
    "multiply_zero_wins",
    infer.same,
    (
        lambda h, _y, _g, d: multiply_zero_wins(h, d),
        lambda h, _y, g, _d: multiply_zero_wins(g, h),
    ),
    """`g * d`, and 0 where `g` is 0, even if `d` is infinite or NaN there. Bilinear.

    Gradients of functions with infinite slopes are written with it, so that a branch that was not taken, whose
    cotangent is 0, contributes nothing.

    >>> from chainrule import ops
    >>> ops.multiply_zero_wins([0.0, 2.0], [float("nan"), 3.0])
    Tensor([0., 6.], float64)
    """,
    n_inputs=2,
    kernel=_zero_wins,
)

_move = Op(
    "to_backend",
    1,
    lambda x, backend, origin: x,
    lambda g, _y, _x, backend, origin: to_backend(g, origin),
    attributes={"backend": "", "origin": ""},
    linear="joint",
)


def to_backend(x: Any, backend: str) -> Tensor:
    """Move a tensor to another backend or device; gradients move back.

    Args:
        x: a tensor or anything that can be one.
        backend: a choice as for `use_backend`, `"cupy"` or `"cupy:1"`.

    Raises:
        BackendError, BackendUnavailableError: see `use_backend`.

    >>> import chainrule as cr
    >>> cr.to_backend(cr.tensor(1.0), "numpy")
    Tensor(1.0, float64)
    """
    t = as_tensor(x)
    target, device = _backends.parse(backend, "to_backend")
    if target is t.backend and device in (None, t.device):
        return t
    data = t.value if target is t.backend else t.backend.to_numpy(t.value)
    value = target.asarray(data, target.native(t.dtype), device)
    context = current()
    if not context.mode:
        return Tensor(value, target)
    attributes = {"backend": backend, "origin": f"{t.backend.name}:{t.device}"}
    moved: Tensor = _record.finish(_move, (t,), attributes, value, target, context)
    return moved


to_backend.op = _move  # type: ignore[attr-defined]  # the public function of an operation has it


def read_variable(variable: Any) -> Tensor:
    """The value of a variable now, as a tensor that gradients with respect to the variable pass to.

    Derivative: `g`, to the variable.
    """
    value: Tensor = variable.read()
    return value


read_variable.op = READ  # type: ignore[attr-defined]  # the public function of an operation has it


@hookimpl
def chainrule_ops() -> list[Callable[..., Any]]:
    """The engine's operations."""
    return [identity, stop_gradient, prevent_gradient, sum_to, multiply_zero_wins, to_backend, read_variable]
