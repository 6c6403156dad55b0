"""How a gamma variable moves with its shape: the derivatives of its quantiles, to any order.

Where the distribution function `F(z; a)` keeps its value, `z` moves with `a` by `-F_a / F_z`. With the density `f`, let
`G_k = -(1/f) d^k F / da^k`. The k-th derivative of `f` by `a` is `f p_k`, with the complete Bell polynomial `p_k` of
`L = log(z) - digamma(a)` and of minus the polygamma functions of `a`, so that for k > 0

    G_k = -(1/f) int_0^z f p_k = (1/f) int_z^inf f p_k
    d G_k / da = G_{k+1} - G_k L        d G_k / dz = -p_k - G_k ((a - 1) / z - 1)

The integral over the shorter side, `t = z exp(-s)` below and `t = z + s` above, has an integrand that falls off from
`s = 0`, and is computed by the double exponential rule (Takahasi and Mori, 1974,
https://doi.org/10.2977/prims/1195192451) with 61 points.
"""

from __future__ import annotations

import math
from typing import Any, Final

from chainrule import infer, op, ops
from chainrule_random._polygamma import polygamma

_POINTS: Final = 61
_FIRST: Final = -3.8
_STEP: Final = 8.6 / 60
_MOST: Final = 1 << 18  # numbers that are computed at once


def _bell(order: int, first: Any, rest: list[Any]) -> Any:
    """The complete Bell polynomial of some order."""
    values: list[Any] = [1.0]
    parts = [first, *rest]
    for n in range(order):
        values.append(sum(math.comb(n, i) * values[n - i] * parts[i] for i in range(n + 1)))
    return values[order]


def _rest(xp: Any, order: int, a: Any) -> list[Any]:
    return [-polygamma(xp, n, a) for n in range(1, order)]


def _summed(
    xp: Any,
    order: int,
    points: range,
    a: Any,
    below: Any,
    first: Any,
    low: Any,
    high: Any,
    spread: Any,
    reach: Any,
    *rest: Any,
) -> Any:
    """What some points of the rule, along a last axis, contribute to the integral."""
    counted = xp.arange(points.start, points.stop, device=getattr(a, "device", None))
    t = xp.astype(counted, a.dtype) * _STEP + _FIRST
    nodes = xp.exp(t - xp.exp(-t))
    weights = _STEP * nodes * (1.0 + xp.exp(-t))
    s = spread * nodes
    down = -low * spread * _bell(order, first - s, [*rest]) * xp.exp(-a * s - low * xp.expm1(-s))
    s = reach * nodes
    more = xp.log1p(s / high)
    up = reach * _bell(order, first + more, [*rest]) * xp.exp((a - 1.0) * more - s)
    return xp.sum(weights * xp.where(below, down, up), axis=-1)


def _by_shape(g: Any, y: Any, a: Any, z: Any, order: int) -> Any:
    return g * (gamma_slope(a, z, order=order + 1) - y * (ops.log(z) - polygamma(ops, 0, a)))


def _by_value(g: Any, y: Any, a: Any, z: Any, order: int) -> Any:
    first = ops.log(z) - polygamma(ops, 0, a)
    return -g * (_bell(order, first, _rest(ops, order, a)) + y * ((a - 1.0) / z - 1.0))


@op(
    infer=lambda a, z, order: infer.floating(a, z),
    gradient=(_by_shape, _by_value),
    name="random.gamma_slope",
    broadcasts=True,
    elementwise=True,
)
def gamma_slope(xp: Any, a: Any, z: Any, /, order: int = 1) -> Any:
    """The derivative of a gamma variable by its shape, at a fixed quantile; of higher orders, what its own needs.

    Derivative: by `a`, `g * (gamma_slope(a, z, order + 1) - y * (log(z) - digamma(a)))`; by `z`, `-g * (b + y * ((a -
    1) / z - 1))`, where `b` is what the density is multiplied by if the distribution function is derived `order` times
    by `a`.

    In double precision within 4e-12 of it for shapes from 1e-3 to 1e6.

    Args:
        a: shapes, above 0.
        z: values of the variable. At 0 the derivative is 0.
        order: how often the distribution function is derived by the shape.
    """
    known = z > 0
    z = xp.where(known, z, a)
    below = z <= a
    first = xp.log(z) - polygamma(xp, 0, a)
    rest = _rest(xp, order, a)
    # On the other side of the one that counts, numbers that do no harm.
    low, high = xp.where(below, z, a), xp.where(below, a, z)
    spread = 1.0 / (a - low + xp.where(low < 1.0, low, xp.sqrt(low)))
    slope = 1.0 - (a - 1.0) / high
    reach = 1.0 / (xp.where(slope > 0.0, slope, 0.0 * slope) + xp.sqrt(a) / high)
    parts = [x[..., None] for x in (a, below, first, low, high, spread, reach, *rest)]
    at_once = max(1, min(_POINTS, _MOST // max(1, math.prod(first.shape))))
    total = 0.0 * first
    for start in range(0, _POINTS, at_once):
        total = total + _summed(xp, order, range(start, min(start + at_once, _POINTS)), *parts)
    return xp.where(known, total, 0.0 * total)
