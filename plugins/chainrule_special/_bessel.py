"""Bessel functions, and Airy's. The derivative with respect to the order has no closed form."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from chainrule import Binary, NoGradient, Tensor, Unary, as_tensor, fronts, ops
from chainrule_special._rows import held, polynomial, several, special, zero_wins

_ORDER = NoGradient("the derivative of a Bessel function with respect to its order has no closed form")


# Of any order

jv: Binary = special(
    "jv",
    "v x",
    (_ORDER, lambda g, _y, v, x: g * (0.5 * (jv(v - 1, x) - jv(v + 1, x)))),
    "The Bessel function of the first kind.",
    "(jv(v - 1, x) - jv(v + 1, x))/2 with respect to x",
    takes_complex=True,
)
jn = jv
yv: Binary = special(
    "yv",
    "v x",
    (_ORDER, lambda g, _y, v, x: g * (0.5 * (yv(v - 1, x) - yv(v + 1, x)))),
    "The Bessel function of the second kind.",
    "(yv(v - 1, x) - yv(v + 1, x))/2 with respect to x",
    takes_complex=True,
)
yn: Binary = special(
    "yn",
    "n x",
    (None, lambda g, _y, n, x: g * (0.5 * (yn(n - 1, x) - yn(n + 1, x)))),
    "The Bessel function of the second kind, of integer order.",
    "(yn(n - 1, x) - yn(n + 1, x))/2",
)
iv: Binary = special(
    "iv",
    "v x",
    (_ORDER, lambda g, _y, v, x: g * (0.5 * (iv(v - 1, x) + iv(v + 1, x)))),
    "The modified Bessel function of the first kind.",
    "(iv(v - 1, x) + iv(v + 1, x))/2 with respect to x",
    takes_complex=True,
)
kv: Binary = special(
    "kv",
    "v x",
    (_ORDER, lambda g, _y, v, x: g * (-0.5 * (kv(v - 1, x) + kv(v + 1, x)))),
    "The modified Bessel function of the second kind.",
    "-(kv(v - 1, x) + kv(v + 1, x))/2 with respect to x",
    takes_complex=True,
)
kn: Binary = special(
    "kn",
    "n x",
    (None, lambda g, _y, n, x: g * (-0.5 * (kn(n - 1, x) + kn(n + 1, x)))),
    "The modified Bessel function of the second kind, of integer order.",
    "-(kn(n - 1, x) + kn(n + 1, x))/2",
)
kve: Binary = special(
    "kve",
    "v x",
    (_ORDER, lambda g, y, v, x: g * (y - 0.5 * (kve(v - 1, x) + kve(v + 1, x)))),
    "`kv(v, x) * exp(x)`.",
    "y - (kve(v - 1, x) + kve(v + 1, x))/2 with respect to x",
    takes_complex=True,
)

hankel1: Binary = special(
    "hankel1",
    "v z",
    (_ORDER, lambda g, _y, v, z: g * (0.5 * (hankel1(v - 1, z) - hankel1(v + 1, z)))),
    "Hankel's function of the first kind, `jv(v, z) + i yv(v, z)`.",
    "(hankel1(v - 1, z) - hankel1(v + 1, z))/2 with respect to z",
    takes_complex=True,
    gives_complex=True,
)
hankel2: Binary = special(
    "hankel2",
    "v z",
    (_ORDER, lambda g, _y, v, z: g * (0.5 * (hankel2(v - 1, z) - hankel2(v + 1, z)))),
    "Hankel's function of the second kind, `jv(v, z) - i yv(v, z)`.",
    "(hankel2(v - 1, z) - hankel2(v + 1, z))/2 with respect to z",
    takes_complex=True,
    gives_complex=True,
)
hankel1e: Binary = special(
    "hankel1e",
    "v z",
    (_ORDER, lambda g, y, v, z: g * (0.5 * (hankel1e(v - 1, z) - hankel1e(v + 1, z)) - 1j * y)),
    "`hankel1(v, z) * exp(-i z)`.",
    "(hankel1e(v - 1, z) - hankel1e(v + 1, z))/2 - i*y with respect to z",
    takes_complex=True,
    gives_complex=True,
)
hankel2e: Binary = special(
    "hankel2e",
    "v z",
    (_ORDER, lambda g, y, v, z: g * (0.5 * (hankel2e(v - 1, z) - hankel2e(v + 1, z)) + 1j * y)),
    "`hankel2(v, z) * exp(i z)`.",
    "(hankel2e(v - 1, z) - hankel2e(v + 1, z))/2 + i*y with respect to z",
    takes_complex=True,
    gives_complex=True,
)


# Scaled by an exponential of a part of z, which is not complex-differentiable: a third input, so that the function of z
# is. What computes it is SciPy's function times `exp(part of z - scale)`, which is 1.


def _scaled_by(name: str, sign: float, summary: str, formula: str) -> Any:
    def slope(g: Any, _y: Any, v: Any, z: Any, scale: Any) -> Any:
        return g * (0.5 * (scaled(v - 1, z, scale) + sign * scaled(v + 1, z, scale)))

    definitions = (_ORDER, slope, lambda g, y, _v, _z, _scale: -g * y)
    scaled: Any = special(name, "v z scale", definitions, summary, formula, takes_complex=True)
    return scaled


_jve = _scaled_by("jve", -1.0, "`jv(v, z) * exp(-scale)`.", "(jve(v - 1, z) - jve(v + 1, z))/2 and -y")
_yve = _scaled_by("yve", -1.0, "`yv(v, z) * exp(-scale)`.", "(yve(v - 1, z) - yve(v + 1, z))/2 and -y")
_ive = _scaled_by("ive", 1.0, "`iv(v, z) * exp(-scale)`.", "(ive(v - 1, z) + ive(v + 1, z))/2 and -y")


@fronts(_jve)
def jve(v: Any, z: Any) -> Tensor:
    """`jv(v, z) * exp(-|y|)`, where y is the imaginary part of z.

    Derivative: (jve(v - 1, z) - jve(v + 1, z))/2 with respect to z, and that of the factor.
    """
    return _with_imaginary(_jve, v, z)


@fronts(_yve)
def yve(v: Any, z: Any) -> Tensor:
    """`yv(v, z) * exp(-|y|)`, where y is the imaginary part of z.

    Derivative: (yve(v - 1, z) - yve(v + 1, z))/2 with respect to z, and that of the factor.
    """
    return _with_imaginary(_yve, v, z)


@fronts(_ive)
def ive(v: Any, z: Any) -> Tensor:
    """`iv(v, z) * exp(-|x|)`, where x is the real part of z.

    Derivative: (ive(v - 1, z) + ive(v + 1, z))/2 with respect to z, and that of the factor.
    """
    z = as_tensor(z)
    scaled: Tensor = _ive(v, z, ops.abs(ops.real(z)))
    return scaled


def _with_imaginary(function: Any, v: Any, z: Any) -> Tensor:
    z = as_tensor(z)
    scaled: Tensor = function(v, z, ops.abs(ops.imag(z)) if z.dtype.kind == "complex" else 0.0)
    return scaled


struve: Binary = special(
    "struve",
    "v x",
    (_ORDER, lambda g, y, v, x: g * (struve(v - 1, x) - v / x * y)),
    "Struve's function.",
    "struve(v - 1, x) - v/x * y with respect to x",
)

# Spherical ones, of integer orders


def _below(f: Any, n: Any, x: Any) -> Any:
    """`n * f(n - 1, x)`, and 0 of order 0."""
    if type(n) is not Tensor:
        return n * f(n - 1, x) if n else 0.0
    return n * f(ops.maximum(n - 1, 0), x)


def _spherical(name: str, below: float, above: float, summary: str, formula: str) -> Binary:
    def gradient(g: Any, _y: Any, n: Any, x: Any) -> Any:
        return g * (below * _below(function, n, x) + above * (n + 1) * function(n + 1, x)) / (2 * n + 1)

    function: Binary = special(name, "n z", (None, gradient), summary, formula, takes_complex=True)
    return function


spherical_jn = _spherical(
    *("spherical_jn", 1.0, -1.0, "The spherical Bessel function of the first kind."),
    "(n*spherical_jn(n - 1, z) - (n + 1)*spherical_jn(n + 1, z))/(2*n + 1)",
)
spherical_yn = _spherical(
    *("spherical_yn", 1.0, -1.0, "The spherical Bessel function of the second kind."),
    "(n*spherical_yn(n - 1, z) - (n + 1)*spherical_yn(n + 1, z))/(2*n + 1)",
)
spherical_in = _spherical(
    *("spherical_in", 1.0, 1.0, "The modified spherical Bessel function of the first kind."),
    "(n*spherical_in(n - 1, z) + (n + 1)*spherical_in(n + 1, z))/(2*n + 1)",
)
spherical_kn = _spherical(
    *("spherical_kn", -1.0, -1.0, "The modified spherical Bessel function of the second kind."),
    "-(n*spherical_kn(n - 1, z) + (n + 1)*spherical_kn(n + 1, z))/(2*n + 1)",
)

# Of orders 0 and 1


def _by_x(y: Any, x: Any, sign: float) -> Any:
    """`y / x` of a function `y` of order 1, of the first kind, by its series near 0."""
    near = ops.abs(x) < 0.1
    q = 0.25 * sign * ops.square(held(near, x, 0.0))
    series = polynomial(q, *(0.5 / (math.factorial(k) * math.factorial(k + 1)) for k in range(7)))
    return ops.where(near, series, ops.where(near, 0.0, y) / ops.where(near, 1.0, x))


_FAR = 50.0


def _slope_far(x: Any, order: int, sign: float) -> Any:
    """The derivative of `ive` or `kve` without its constant factor, for large x, term by term of its series."""
    c, coefficients = 1.0, []
    for k in range(11):
        coefficients.append(-(k + 0.5) * c)
        c *= -sign * (4 * order**2 - (2 * k + 1) ** 2) / (8 * (k + 1))
    return polynomial(1.0 / x, *coefficients) * x**-1.5


def _scaled(order: int, sign: float, factor: float, near: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """The definition of a scaled function, whose derivative is a difference of what is nearly equal for large x."""

    def gradient(g: Any, y: Any, x: Any) -> Any:
        far = ops.abs(x) > _FAR
        size = held(far, ops.abs(x), _FAR)
        tail = factor * _slope_far(size, order, sign)
        if order == 0 and sign > 0:  # even, so that its derivative is odd
            tail = ops.sign(x) * tail
        return g * ops.where(far, tail, near(ops.where(far, 1.0, x), ops.where(far, 1.0, y)))

    return gradient


_GROWING, _FALLING = 1 / math.sqrt(2 * math.pi), math.sqrt(math.pi / 2)
j0: Unary = special(
    "j0", "x", lambda g, _y, x: g * -j1(x), "The Bessel function of the first kind of order 0.", "-j1(x)"
)
j1: Unary = special(
    "j1",
    "x",
    lambda g, y, x: g * (j0(x) - _by_x(y, x, -1.0)),
    "The Bessel function of the first kind of order 1.",
    "j0(x) - j1(x)/x",
)
y0: Unary = special(
    "y0", "x", lambda g, _y, x: g * -y1(x), "The Bessel function of the second kind of order 0.", "-y1(x)"
)
y1: Unary = special(
    "y1",
    "x",
    lambda g, y, x: g * (y0(x) - y / x),
    "The Bessel function of the second kind of order 1.",
    "y0(x) - y1(x)/x",
)
i0: Unary = special(
    "i0", "x", lambda g, _y, x: g * i1(x), "The modified Bessel function of the first kind of order 0.", "i1(x)"
)
i1: Unary = special(
    "i1",
    "x",
    lambda g, y, x: g * (i0(x) - _by_x(y, x, 1.0)),
    "The modified Bessel function of the first kind of order 1.",
    "i0(x) - i1(x)/x",
)
i0e: Unary = special(
    "i0e",
    "x",
    _scaled(0, 1.0, _GROWING, lambda x, y: i1e(x) - ops.sign(x) * y),
    "`i0(x) * exp(-|x|)`.",
    "i1e(x) - sign(x) * y, by its series for large x",
)
i1e: Unary = special(
    "i1e",
    "x",
    _scaled(1, 1.0, _GROWING, lambda x, y: i0e(x) - ops.sign(x) * y - _by_x(y, x, 1.0)),
    "`i1(x) * exp(-|x|)`.",
    "i0e(x) - sign(x) * y - y/x, by its series for large x",
)
k0: Unary = special(
    "k0", "x", lambda g, _y, x: g * -k1(x), "The modified Bessel function of the second kind of order 0.", "-k1(x)"
)
k1: Unary = special(
    "k1",
    "x",
    lambda g, y, x: g * (-k0(x) - y / x),
    "The modified Bessel function of the second kind of order 1.",
    "-k0(x) - k1(x)/x",
)
k0e: Unary = special(
    "k0e",
    "x",
    _scaled(0, -1.0, _FALLING, lambda x, y: y - k1e(x)),
    "`k0(x) * exp(x)`.",
    "y - k1e(x), by its series for large x",
)
k1e: Unary = special(
    "k1e",
    "x",
    _scaled(1, -1.0, _FALLING, lambda x, y: y - k0e(x) - y / x),
    "`k1(x) * exp(x)`.",
    "y - k0e(x) - y/x, by its series for large x",
)


def _airy(g: Any, y: Any, x: Any) -> Any:
    ai, aip, bi, bip = y
    return g[0] * aip + g[1] * (x * ai) + g[2] * bip + g[3] * (x * bi)


airy: Any = several(
    "airy",
    "x",
    "Ai Aip Bi Bip",
    _airy,
    "Airy's functions and their derivatives.",
    "Aip, x*Ai, Bip and x*Bi",
    takes_complex=True,
)


def _airye(g: Any, y: Any, z: Any, _scale: Any) -> Any:
    ai, aip, bi, bip = y
    root = ops.sqrt(z if z.dtype.kind == "complex" else ops.maximum(z, 0.0))
    first = zero_wins(g[0], aip + root * ai) + zero_wins(g[1], z * ai + root * aip)
    return first + g[2] * bip + g[3] * (z * bi)


_scaled_airy: Any = several(
    "airye",
    "z scale",
    "eAi eAip eBi eBip",
    (_airye, lambda g, y, _z, _scale: -(g[2] * y[2] + g[3] * y[3])),
    "Airy's functions and their derivatives: of the first kind times `exp(2/3 z**1.5)`, of the second `exp(-scale)`.",
    "by z eAip + sqrt(z)*eAi, z*eAi + sqrt(z)*eAip, eBip and z*eBi",
    takes_complex=True,
)


@fronts(_scaled_airy)
def airye(z: Any) -> Any:
    """Airy's functions and their derivatives: Ai's times `exp(2/3 z**1.5)`, Bi's times `exp(-|x|)`, x its real part.

    Returns:
        The tuple `(eAi, eAip, eBi, eBip)`. Of negative real numbers the first two are NaN.

    Derivative: eAip + sqrt(z)*eAi, z*eAi + sqrt(z)*eAip, eBip and z*eBi, and that of the factor of the last two.

    >>> import chainrule as cr
    >>> cr.special.airye(100.0)[0] < cr.special.airye(1.0)[0]
    Tensor(True, bool)
    """
    z = as_tensor(z)
    if z.dtype.kind == "complex":
        scale = ops.abs(ops.real(z * ops.sqrt(z)))
    else:
        right = ops.maximum(z, 0.0)
        scale = right * ops.sqrt(right)
    return _scaled_airy(z, 2.0 / 3.0 * scale)
