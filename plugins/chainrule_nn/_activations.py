"""Activations: elementwise functions between layers, each an operation of its own name.

Most are defined by what they are made of, in such a way that their derivatives, of any order, lose no digits. Where a
slope jumps it is that of the side nearer to 0, as for `relu`.
"""

from __future__ import annotations

import math
from typing import Any, Final

import chainrule as cr
from chainrule import ShapeError, Tensor, Unary, as_tensor, composite, elementwise, infer, ops

SELU_ALPHA: Final = 1.6732632423543772
SELU_SCALE: Final = 1.0507009873554805


def _below_zero(x: Any) -> Any:
    """`x` where it is not above 0, else 0: what the lower branch of a function is given, so that it stays finite."""
    return ops.where(x > 0, 0.0, x)


def _hard_tanh_gradient(g: Any, _y: Any, x: Any, low: float, high: float) -> Any:
    return ops.where((x > low) & (x < high), g, 0.0)


@composite(gradient=_hard_tanh_gradient, name="nn.hard_tanh")
def hard_tanh(x: Any, /, low: float = -1.0, high: float = 1.0) -> Any:
    """`x` held between `low` and `high`; its slope there is 0.

    Derivative: 1 between them, else 0.

    >>> import chainrule as cr
    >>> cr.nn.hard_tanh(cr.tensor([-3.0, 0.5, 3.0]))
    Tensor([-1. ,  0.5,  1. ], float64)
    """
    return ops.where(x <= low, low, ops.where(x >= high, high, x))


@composite(gradient=lambda g, _y, x: ops.where((x > 0) & (x < 6), g, 0.0), name="nn.relu6")
def relu6(x: Any, /) -> Any:
    """`min(max(x, 0), 6)`; its slope at 0 and at 6 is 0.

    Derivative: 1 between 0 and 6, else 0.

    >>> import chainrule as cr
    >>> cr.nn.relu6(cr.tensor([-1.0, 2.0, 7.0]))
    Tensor([0., 2., 6.], float64)
    """
    return ops.where(x <= 0, 0, ops.where(x >= 6, 6, x))


def _leaky_relu_gradient(g: Any, _y: Any, x: Any, slope: float) -> Any:
    return ops.where(x > 0, g, slope * g)


@composite(gradient=_leaky_relu_gradient, name="nn.leaky_relu")
def leaky_relu(x: Any, /, slope: float = 0.01) -> Any:
    """`x` where it is above 0, else `slope * x`.

    Derivative: 1 where x is above 0, else slope.

    >>> import chainrule as cr
    >>> cr.nn.leaky_relu(cr.tensor([-2.0, 3.0]), slope=0.1)
    Tensor([-0.2,  3. ], float64)
    """
    return ops.where(x > 0, x, slope * x)


@composite(name="nn.prelu", broadcasts=True)
def prelu(x: Any, slope: Any, /) -> Any:
    """`leaky_relu` with a slope that is learnt: `x` where it is above 0, else `slope * x`.

    Derivative: by `x`, 1 where it is above 0, else slope; by `slope`, 0 there, else x.

    Args:
        x: shape `(..., channels)`.
        slope: what broadcasts against it: a number, or one for each channel.

    >>> import chainrule as cr
    >>> cr.nn.prelu(cr.tensor([[-2.0, -2.0]]), cr.tensor([0.25, 0.5]))
    Tensor([[-0.5, -1. ]], float64)
    """
    return ops.where(x > 0, x, slope * x)


def rrelu(x: Any, low: float = 1 / 8, high: float = 1 / 3, training: bool = False, generator: Any = None) -> Tensor:
    """`leaky_relu` with slopes that are drawn while a network learns, and else are the mean of what is drawn.

    From https://arxiv.org/abs/1505.00853.

    Args:
        x: floating-point numbers of any shape.
        low, high: what slopes are drawn between, each element's by itself.
        training: whether they are drawn.
        generator: a `cr.random.Generator`; the default one of `cr.random` if it is left out.

    >>> import chainrule as cr
    >>> cr.nn.rrelu(cr.tensor([-2.0, 3.0]), 0.0, 0.5)
    Tensor([-0.5,  3. ], float64)
    """
    x = as_tensor(x)
    if not training:
        y: Tensor = leaky_relu(x, slope=(low + high) / 2)
    else:
        y = prelu(x, ops.astype((generator or cr.random).uniform(x.shape, low, high), dtype=x.dtype))
    return y


def _elu_gradient(g: Any, _y: Any, x: Any, alpha: float) -> Any:
    return ops.where(x > 0, g, g * (alpha * ops.exp(_below_zero(x))))


@composite(gradient=_elu_gradient, name="nn.elu")
def elu(x: Any, /, alpha: float = 1.0) -> Any:
    """`x` where it is above 0, else `alpha * (exp(x) - 1)` (https://arxiv.org/abs/1511.07289).

    Derivative: 1 where x is above 0, else alpha * exp(x).

    >>> import chainrule as cr
    >>> cr.nn.elu(cr.tensor([-1000.0, 2.0]))
    Tensor([-1.,  2.], float64)
    """
    return ops.where(x > 0, x, alpha * ops.expm1(_below_zero(x)))


@composite(name="nn.selu")
def selu(x: Any, /) -> Any:
    """`elu`, scaled so that layers keep mean 0 and variance 1 (https://arxiv.org/abs/1706.02515).

    Derivative: the scale times that of `elu`.

    >>> import chainrule as cr
    >>> cr.nn.selu(cr.tensor([0.0, 1.0]))
    Tensor([0.        , 1.05070099], float64)
    """
    return SELU_SCALE * elu(x, alpha=SELU_ALPHA)


@composite(name="nn.celu")
def celu(x: Any, /, alpha: float = 1.0) -> Any:
    """`x` where it is above 0, else `alpha * (exp(x / alpha) - 1)`, whose slope is continuous.

    Derivative: 1 where x is above 0, else exp(x / alpha).

    From https://arxiv.org/abs/1704.07483.

    >>> import chainrule as cr
    >>> cr.nn.celu(cr.tensor([-1000.0, 2.0]), alpha=0.5)
    Tensor([-0.5,  2. ], float64)
    """
    return ops.where(x > 0, x, alpha * ops.expm1(_below_zero(x) / alpha))


def _gelu_gradient(g: Any, _y: Any, x: Any, approximate: bool) -> Any:
    if approximate:
        s = ops.sigmoid(_gelu_gate(x))
        return g * (s + x * (s * (1.0 - s)) * (math.sqrt(8 / math.pi) * (1.0 + 3 * 0.044715 * ops.square(x))))
    density = math.sqrt(0.5 / math.pi) * ops.exp(-0.5 * ops.square(x))
    return g * (0.5 * ops.erfc(-math.sqrt(0.5) * x) + x * density)


def _gelu_gate(x: Any) -> Any:
    return math.sqrt(8 / math.pi) * (x * (1.0 + (0.044715 * x) * x))


@composite(gradient=_gelu_gradient, name="nn.gelu")
def gelu(x: Any, /, approximate: bool = False) -> Any:
    """`x * Phi(x)` with the distribution function of the normal distribution (https://arxiv.org/abs/1606.08415).

    Derivative: Phi(x) + x * exp(-x**2 / 2) / sqrt(2 * pi).

    Args:
        x: an array of any shape, or a number.
        approximate: whether to take `0.5 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))` for `Phi(x)`.

    >>> import chainrule as cr
    >>> cr.nn.gelu(cr.tensor([0.0, 1.0]))
    Tensor([0.        , 0.84134475], float64)
    """
    if approximate:
        return x * ops.sigmoid(_gelu_gate(x))
    return 0.5 * x * ops.erfc(-math.sqrt(0.5) * x)


def _silu_gradient(g: Any, _y: Any, x: Any, beta: float) -> Any:
    x = x if beta == 1.0 else beta * x
    s = ops.sigmoid(x)
    return g * (s * (1.0 + x * (1.0 - s)))


@composite(gradient=_silu_gradient, name="nn.silu")
def silu(x: Any, /, beta: float = 1.0) -> Any:
    """`x * sigmoid(beta * x)`, also called swish (https://arxiv.org/abs/1710.05941).

    Derivative: s * (1 + beta * x * (1 - s)) with s = sigmoid(beta * x).

    >>> import chainrule as cr
    >>> cr.nn.silu(cr.tensor([0.0, 1.0]))
    Tensor([0.        , 0.73105858], float64)
    """
    return x * ops.sigmoid(x if beta == 1.0 else beta * x)


@composite(name="nn.mish")
def mish(x: Any, /) -> Any:
    """`x * tanh(softplus(x))` (https://arxiv.org/abs/1908.08681).

    Derivative: t + x * (1 - t**2) * sigmoid(x) with t = tanh(softplus(x)).

    >>> import chainrule as cr
    >>> cr.nn.mish(cr.tensor([0.0, 1.0]))
    Tensor([0.        , 0.86509839], float64)
    """
    return x * ops.tanh(ops.softplus(x))


def _softsign_gradient(g: Any, _y: Any, x: Any) -> Any:
    share = ops.reciprocal(1.0 + ops.abs(x))
    if x.dtype.kind != "complex":
        return g * ops.square(share)
    along = ops.real(ops.conj(g) * x)
    return g * share - along * ops.square(share) * ops.sign(x)


softsign: Unary = elementwise(
    "nn.softsign",
    infer.floating,
    _softsign_gradient,
    """`x / (1 + |x|)`.

    Derivative: 1 / (1 + |x|)**2; of complex numbers, that along their direction, and 1 / (1 + |x|) across it.

    >>> import chainrule as cr
    >>> cr.nn.softsign(cr.tensor([-1.0, 3.0]))
    Tensor([-0.5 ,  0.75], float64)
    """,
    kernel=lambda xp, x: x / (1 + xp.abs(x)),
    holomorphic=False,
)

tanh_shrink: Unary = elementwise(
    "nn.tanh_shrink",
    infer.floating,
    lambda g, _y, x: g * ops.square(ops.tanh(x)),
    """`x - tanh(x)`.

    Derivative: tanh(x)**2.

    >>> import chainrule as cr
    >>> cr.nn.tanh_shrink(cr.tensor([0.0, 1000.0]))
    Tensor([  0., 999.], float64)
    """,
    kernel=lambda xp, x: x - xp.tanh(x),
)


@composite(name="nn.hard_sigmoid")
def hard_sigmoid(x: Any, /) -> Any:
    """`relu6(x + 3) / 6`: a sigmoid of three straight lines.

    Derivative: 1 / 6 between -3 and 3, else 0.

    >>> import chainrule as cr
    >>> cr.nn.hard_sigmoid(cr.tensor([-4.0, 0.0, 4.0]))
    Tensor([0. , 0.5, 1. ], float64)
    """
    return relu6(x + 3.0) / 6.0


@composite(name="nn.hard_swish")
def hard_swish(x: Any, /) -> Any:
    """`x * hard_sigmoid(x)` (https://arxiv.org/abs/1905.02244).

    Derivative: 0 below -3, (2 * x + 3) / 6 between -3 and 3, 1 above.

    >>> import chainrule as cr
    >>> cr.nn.hard_swish(cr.tensor([-4.0, 0.0, 4.0]))
    Tensor([-0.,  0.,  4.], float64)
    """
    return x * hard_sigmoid(x)


@composite(gradient=lambda g, _y, x: g * ops.sigmoid(-x), name="nn.log_sigmoid")
def log_sigmoid(x: Any, /) -> Any:
    """`log(sigmoid(x))`, accurate where the sigmoid underflows.

    Derivative: sigmoid(-x).

    >>> import chainrule as cr
    >>> cr.nn.log_sigmoid(cr.tensor([-1000.0, 0.0]))
    Tensor([-1.00000000e+03, -6.93147181e-01], float64)
    """
    return -ops.softplus(-1.0 * x)


@composite(name="nn.soft_shrink")
def soft_shrink(x: Any, /, limit: float = 0.5) -> Any:
    """`x` moved by `limit` towards 0, and 0 where it is nearer: the `y` of least `(y - x)**2 / 2 + limit * |y|`.

    Derivative: 1 where x is more than limit from 0, else 0.

    >>> import chainrule as cr
    >>> cr.nn.soft_shrink(cr.tensor([-2.0, 0.25, 2.0]))
    Tensor([-1.5,  0. ,  1.5], float64)
    """
    return ops.where(x > limit, x - limit, ops.where(x < -limit, x + limit, 0.0 * x))


@composite(name="nn.hard_shrink")
def hard_shrink(x: Any, /, limit: float = 0.5) -> Any:
    """`x`, and 0 where it is `limit` from 0 or nearer.

    Derivative: 1 where x is more than limit from 0, else 0.

    >>> import chainrule as cr
    >>> cr.nn.hard_shrink(cr.tensor([-2.0, 0.25, 2.0]))
    Tensor([-2.,  0.,  2.], float64)
    """
    return ops.where(ops.abs(x) <= limit, 0.0, x)


@composite(name="nn.threshold")
def threshold(x: Any, /, limit: float = 0.0, value: float = 0.0) -> Any:
    """`x` where it is above `limit`, else `value`.

    Derivative: 1 where x is above limit, else 0.

    >>> import chainrule as cr
    >>> cr.nn.threshold(cr.tensor([0.5, 2.0]), limit=1.0, value=-1.0)
    Tensor([-1.,  2.], float64)
    """
    return ops.where(x <= limit, value, x)


@composite(name="nn.glu")
def glu(x: Any, /, axis: int = -1) -> Any:
    """A gated linear unit: the first half along an axis times the sigmoid of the second.

    Derivative: by the first half, s * g; by the second, y * (1 - s) * g; with s the sigmoid of the second.

    From https://arxiv.org/abs/1612.08083.

    Raises:
        ShapeError: the axis has an odd length.

    >>> import chainrule as cr
    >>> cr.nn.glu(cr.tensor([3.0, 5.0, 0.0, 1000.0]))
    Tensor([1.5, 5. ], float64)
    """
    (at,) = infer.as_axes(axis, x.ndim)
    length = x.shape[at]
    if isinstance(length, int) and length % 2:
        raise ShapeError(f"x: expected an even length along axis {axis}, got shape {x.shape}")
    halves = ops.reshape(x, shape=(*x.shape[:at], 2, length // 2, *x.shape[at + 1 :]))
    value, gate = (halves[(*[slice(None)] * at, i)] for i in (0, 1))
    return value * ops.sigmoid(gate)


@composite(name="nn.softmin")
def softmin(x: Any, /, axis: int = -1) -> Any:
    """`softmax(-x)` along an axis.

    Derivative: `y * (sum(g * y) - g)`.

    >>> import chainrule as cr
    >>> cr.nn.softmin(cr.tensor([0.0, 1000.0]))
    Tensor([1., 0.], float64)
    """
    return ops.softmax(-1.0 * x, axis=axis)


@composite(name="nn.sparsemax")
def sparsemax(x: Any, /, axis: int = -1) -> Any:
    """The nearest probabilities to `x` along an axis, many of which are 0 (https://arxiv.org/abs/1602.02068).

    They are `relu(x - t)` with the one `t` that makes their sum 1. Derivative: where they are above 0, the cotangent
    less its mean there; elsewhere 0.

    >>> import chainrule as cr
    >>> cr.nn.sparsemax(cr.tensor([0.5, 1.0, -2.0]))
    Tensor([0.25, 0.75, 0.  ], float64)
    """
    falling = ops.flip(ops.sort(ops.stop_gradient(x), axis=axis), axis=axis)
    counts = ops.cumulative_sum(ops.ones_like(falling), axis=axis)
    limit = ops.max((ops.cumulative_sum(falling, axis=axis) - 1.0) / counts, axis=axis, keepdims=True)
    above = ops.astype(x > limit, dtype=limit.dtype)
    shift = (ops.sum(x * above, axis=axis, keepdims=True) - 1.0) / ops.sum(above, axis=axis, keepdims=True)
    return ops.where(x > limit, x - shift, 0.0)
