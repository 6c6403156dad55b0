"""Elliptic integrals and Jacobi's elliptic functions, of the parameter m; the arithmetic-geometric mean."""

from __future__ import annotations

import math
from typing import Any

from chainrule import Binary, Unary, ops
from chainrule_special._hypergeometric import hyp2f1
from chainrule_special._rows import held, several, special, tensors, zero_wins

_NEAR = 0.1  # from 0 up to here, derivatives with respect to m are no difference of what is nearly equal


def _by_parameter(m: Any, near: Any, far: Any) -> Any:
    """A derivative with respect to m, by a function for small m and one for others."""
    small = ops.abs(m) < _NEAR
    return ops.where(small, near(held(small, m, 0.0)), far(ops.where(small, 0.5, m)))


def _k_slope(m: Any) -> Any:
    return _by_parameter(
        m,
        lambda m: math.pi / 8 * hyp2f1(1.5, 1.5, 2.0, m),
        lambda m: (ellipe(m) - (1.0 - m) * ellipk(m)) / (2.0 * m * (1.0 - m)),
    )


def _km1_slope(p: Any) -> Any:
    return -_by_parameter(
        1.0 - p,
        lambda m: math.pi / 8 * hyp2f1(1.5, 1.5, 2.0, m),
        lambda m: _km1_far(ops.where(ops.abs(1.0 - p) < _NEAR, 0.5, p)),
    )


def _km1_far(p: Any) -> Any:
    return (ellipe(1.0 - p) - p * ellipkm1(p)) / (2.0 * p * (1.0 - p))


def _e_slope(m: Any) -> Any:
    return _by_parameter(
        m, lambda m: -math.pi / 8 * hyp2f1(0.5, 1.5, 2.0, m), lambda m: (ellipe(m) - ellipk(m)) / (2.0 * m)
    )


ellipk: Unary = special(
    "ellipk",
    "m",
    lambda g, _y, m: g * _k_slope(m),
    "The complete elliptic integral of the first kind.",
    "(ellipe(m) - (1 - m)*ellipk(m))/(2*m*(1 - m)); pi/8 * hyp2f1(3/2, 3/2, 2, m) for small m",
)
ellipkm1: Unary = special(
    "ellipkm1",
    "p",
    lambda g, _y, p: g * _km1_slope(p),
    "`ellipk(1 - p)`, exact for small p.",
    "that of ellipk at 1 - p, negated",
)
ellipe: Unary = special(
    "ellipe",
    "m",
    lambda g, _y, m: g * _e_slope(m),
    "The complete elliptic integral of the second kind.",
    "(ellipe(m) - ellipk(m))/(2*m); -pi/8 * hyp2f1(1/2, 3/2, 2, m) for small m",
)


def _sine_series(phi: Any, m: Any, power: float) -> Any:
    """The integral of `sin(t)**2 * (1 - m sin(t)**2)**-power` up to phi, for small m, by powers of m."""
    sine, cosine = ops.sin(phi), ops.cos(phi)
    integral, odd = phi, sine * cosine  # of sin**0; sin**(2k - 1) * cos
    total, factor = 0.0, 1.0
    for k in range(1, 10):
        integral = ((2 * k - 1) * integral - odd) / (2 * k)  # of sin**(2k)
        odd = odd * (sine * sine)
        total = total + factor * m ** (k - 1) * integral
        factor *= (power + k - 1) / k
    return total


_SMALL = 0.01


def _incomplete(phi: Any, m: Any, power: float, far: Any) -> Any:
    small = ops.abs(m) < _SMALL
    return ops.where(small, _sine_series(phi, held(small, m, 0.0), power), far(phi, ops.where(small, 0.5, m)))


def _f_far(phi: Any, m: Any) -> Any:
    sine, cosine = ops.sin(phi), ops.cos(phi)
    root = ops.sqrt(1.0 - m * sine * sine)
    return ((ellipeinc(phi, m) - (1.0 - m) * ellipkinc(phi, m)) / m - sine * cosine / root) / (1.0 - m)


def _f_angle(g: Any, _y: Any, phi: Any, m: Any) -> Any:
    phi, m = tensors(g, phi, m)
    return g / ops.sqrt(1.0 - m * ops.square(ops.sin(phi)))


def _f_parameter(g: Any, _y: Any, phi: Any, m: Any) -> Any:
    phi, m = tensors(g, phi, m)
    return g * (0.5 * _incomplete(phi, m, 1.5, _f_far))


def _e_angle(g: Any, _y: Any, phi: Any, m: Any) -> Any:
    phi, m = tensors(g, phi, m)
    return g * ops.sqrt(1.0 - m * ops.square(ops.sin(phi)))


def _e_parameter(g: Any, _y: Any, phi: Any, m: Any) -> Any:
    phi, m = tensors(g, phi, m)
    return g * (-0.5 * _incomplete(phi, m, 0.5, lambda phi, m: (ellipkinc(phi, m) - ellipeinc(phi, m)) / m))


ellipkinc: Binary = special(
    "ellipkinc",
    "phi m",
    (_f_angle, _f_parameter),
    "The incomplete elliptic integral of the first kind, up to the angle phi.",
    "1/d and (E - (1 - m)*y)/(2*m*(1 - m)) - sin(phi)*cos(phi)/(2*(1 - m)*d), where d = sqrt(1 - m*sin(phi)**2) and "
    "E = ellipeinc(phi, m); by its series for small m",
)
ellipeinc: Binary = special(
    "ellipeinc",
    "phi m",
    (_e_angle, _e_parameter),
    "The incomplete elliptic integral of the second kind, up to the angle phi.",
    "sqrt(1 - m*sin(phi)**2) and (y - ellipkinc(phi, m))/(2*m); by its series for small m",
)


def _jacobi_argument(g: Any, y: Any, _u: Any, m: Any) -> Any:
    sn, cn, dn, _ = y
    return (g[0] * cn - g[1] * sn + g[3]) * dn - g[2] * (m * sn * cn)


def _jacobi_parameter(g: Any, y: Any, _u: Any, m: Any) -> Any:
    sn, cn, dn, phi = y
    (m,) = tensors(g[0], m)
    turned = -0.5 * dn * _incomplete(phi, m, 1.5, _f_far)
    return (g[0] * cn - g[1] * sn + g[3]) * turned - g[2] * (sn * (0.5 * sn + m * cn * turned) / dn)


ellipj: Any = several(
    "ellipj",
    "u m",
    "sn cn dn ph",
    (_jacobi_argument, _jacobi_parameter),
    "Jacobi's elliptic functions and the amplitude, the angle phi with `ellipkinc(phi, m) = u`.",
    "cn*dn, -sn*dn, -m*sn*cn and dn; with respect to m, below 1, cn*p, -sn*p, -sn*(sn/2 + m*cn*p)/dn and p, that of "
    "ellipkinc times -dn",
)


def _mean_first(g: Any, y: Any, a: Any, b: Any) -> Any:
    """By the mean's complete integral, `y = pi/4 * (a + b)/ellipk(((a - b)/(a + b))**2)`."""
    a, b = tensors(g, a, b)
    total = a + b
    moved = 16.0 / math.pi * (y / total) * (y / total) * (b / total) * ((a - b) / total)
    return zero_wins(g, y / total + moved * _km1_slope(4.0 * (a / total) * (b / total)))


agm: Binary = special(
    "agm",
    "a b",
    (_mean_first, lambda g, y, a, b: _mean_first(g, y, b, a)),
    "The arithmetic-geometric mean, of numbers of one sign.",
    "y/s + 16/pi * y**2*b*(a - b)/s**4 * d, where s = a + b and d is the derivative of ellipkm1 at 4*a*b/s**2; and "
    "with a and b exchanged",
)
