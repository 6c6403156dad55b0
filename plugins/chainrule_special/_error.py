"""The error function's relatives, and the normal distribution."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from chainrule import Binary, Unary, ops
from chainrule_arrays import erfc
from chainrule_special._rows import held, polynomial, special, tensors, zero_wins

_SLOPE = 2 / math.sqrt(math.pi)
_FAR = 30.0  # from here on the derivatives, differences of what is nearly equal, are computed by their series


def _tail(x: Any, sign: float) -> Any:
    """The sum of `(2k + 1)!! / (sign * 2 x**2)**k / (2 x**2)`, for large x."""
    u = 0.5 / (x * x)
    return u * polynomial(sign * u, 1.0, 3.0, 15.0, 105.0, 945.0, 10395.0, 135135.0)


def _erfcx_slope(x: Any, y: Any) -> Any:
    far = x > _FAR
    return ops.where(far, -_SLOPE * _tail(held(far, x, _FAR), -1.0), 2.0 * ops.where(far, 0.0, x) * y - _SLOPE)


def _dawsn_slope(x: Any, y: Any) -> Any:
    far = ops.abs(x) > _FAR
    return ops.where(far, -_tail(held(far, x, _FAR), 1.0), 1.0 - 2.0 * ops.where(far, 0.0, x) * y)


erfcx: Unary = special(
    "erfcx",
    "x",
    lambda g, y, x: g * _erfcx_slope(x, y),
    "The scaled complementary error function, `exp(x**2) * erfc(x)`.",
    "2*x*y - 2/sqrt(pi), by its series for large x",
)
erfi: Unary = special(
    "erfi",
    "x",
    lambda g, _y, x: g * (_SLOPE * ops.exp(x * x)),
    "The imaginary error function, `-i * erf(i x)`.",
    "2/sqrt(pi) * exp(x**2)",
    takes_complex=True,
)
dawsn: Unary = special(
    "dawsn",
    "x",
    lambda g, y, x: g * _dawsn_slope(x, y),
    "Dawson's integral, `sqrt(pi)/2 * exp(-x**2) * erfi(x)`.",
    "1 - 2*x*y, by its series for large x",
)
erfinv: Unary = special(
    "erfinv",
    "y",
    lambda g, y, _x: zero_wins(g, ops.exp(y * y) / _SLOPE),
    "The inverse of `erf`.",
    "sqrt(pi)/2 * exp(erfinv(y)**2)",
)
erfcinv: Unary = special(
    "erfcinv",
    "y",
    lambda g, y, _x: zero_wins(g, ops.exp(y * y) / -_SLOPE),
    "The inverse of `erfc`.",
    "-sqrt(pi)/2 * exp(erfcinv(y)**2)",
)

# The Faddeeva function, of which these are parts, and Voigt's profile, its real part


def _settled(z: Any) -> Any:
    """Where the series of `wofz` for large numbers has all digits: not below the axis, but far right and left."""
    x, y = ops.real(z), ops.imag(z)
    return ops.logical_and(ops.abs(z) > _FAR, ops.logical_or(y >= 0, ops.square(x) - ops.square(y) > 45.0))


def _wofz_slope(z: Any, w: Any) -> Any:
    far = _settled(z)
    return ops.where(far, -1j * _SLOPE * _tail(held(far, z, _FAR), 1.0), 1j * _SLOPE - 2.0 * ops.where(far, 0.0, z) * w)


def _wofz_curvature(z: Any, w: Any) -> Any:
    """The second derivative."""
    far = _settled(z)
    z_far = held(far, z, _FAR)
    coefficients = (1.0, 6.0, 45.0, 420.0, 4725.0, 62370.0, 945945.0)  # (k + 1) * (2k + 1)!!
    series = 1j * _SLOPE * polynomial(0.5 / (z_far * z_far), *coefficients) / (z_far * z_far * z_far)
    z, w = ops.where(far, 0.0, z), ops.where(far, 0.0, w)
    return ops.where(far, series, -2.0 * (w + z * (1j * _SLOPE - 2.0 * z * w)))


wofz: Unary = special(
    "wofz",
    "z",
    lambda g, y, z: g * _wofz_slope(ops.astype(z, dtype=y.dtype), y),
    "The Faddeeva function, `exp(-z**2) * erfc(-i z)`: complex numbers, also of real ones.",
    "2i/sqrt(pi) - 2*z*y, by its series far out",
    takes_complex=True,
    gives_complex=True,
)


def _profile(name: str) -> Callable[..., Any]:
    """A derivative of Voigt's profile: by x, or sigma, or gamma.

    With `c = 1/(sigma sqrt(2 pi))` and `z = (x + i gamma)/(sigma sqrt 2)` the profile is the real part of `c wofz(z)`.
    Made of a heat kernel, it has the derivative by sigma of sigma times the second one by x.
    """

    def gradient(g: Any, _y: Any, x: Any, sigma: Any, gamma: Any) -> Any:
        x, sigma, gamma = tensors(g, x, sigma, gamma)
        lorentzian = ops.equal(sigma, 0)
        line = x + 1j * gamma
        width = math.sqrt(2.0) * ops.where(lorentzian, 1.0, sigma)
        z = line / width
        w = wofz(z)
        pole = ops.where(lorentzian, line, 1.0)  # of the profile without sigma, the real part of i/(pi line)
        if name == "sigma":
            curved = ops.where(
                lorentzian,
                2j / math.pi / (pole * pole * pole),
                _wofz_curvature(z, w) / (math.sqrt(math.pi) * width * width * width),
            )
            return g * sigma * ops.real(curved)
        slope = ops.where(
            lorentzian, -1j / math.pi / (pole * pole), _wofz_slope(z, w) / (math.sqrt(math.pi) * width * width)
        )
        return g * (ops.real(slope) if name == "x" else -ops.imag(slope))

    return gradient


voigt_profile: Any = special(
    "voigt_profile",
    "x sigma gamma",
    (_profile("x"), _profile("sigma"), _profile("gamma")),
    "Voigt's profile: the density of the sum of a normal variable and a Cauchy one, of these scales.",
    "the real part of s, sigma times the second derivative by x, and minus the imaginary part of s, where s = "
    "w'(z)/(2 sqrt(pi) sigma**2), w is wofz and z = (x + i*gamma)/(sigma*sqrt(2))",
)

# The normal distribution

_DENSITY = 1 / math.sqrt(2 * math.pi)
_ROOT_HALF = math.sqrt(0.5)


def normal_density(x: Any) -> Any:
    """The density of the standard normal distribution."""
    return _DENSITY * ops.exp(-0.5 * (x * x))


def _log_ndtr_slope(x: Any, y: Any) -> Any:
    """The density by the distribution function; by `erfcx` where both are tiny."""
    low = x < 0
    below = (2 * _DENSITY) / erfcx(held(low, x, 0.0) * -_ROOT_HALF)
    return ops.where(low, below, normal_density(x) * ops.exp(-ops.where(low, 0.0, y)))


def _ndtri_exp_slope(x: Any, y: Any) -> Any:
    """The reciprocal of that, at the result `x`."""
    low = x < 0
    above = ops.exp(0.5 * ops.square(ops.where(low, 0.0, x)) + y) / _DENSITY
    return ops.where(low, erfcx(held(low, x, 0.0) * -_ROOT_HALF) / (2 * _DENSITY), above)


def _owens_t_height(g: Any, _y: Any, h: Any, a: Any) -> Any:
    h, a = tensors(g, h, a)
    return g * (-0.5 * normal_density(h) * ops.erf(a * h * _ROOT_HALF))


def _owens_t_slope(g: Any, _y: Any, h: Any, a: Any) -> Any:
    h, a = tensors(g, h, a)
    s = 1.0 + a * a
    return g * ops.exp(-0.5 * (h * h) * s) / (2 * math.pi * s)


ndtr: Unary = special(
    "ndtr",
    "x",
    lambda g, _y, x: g * normal_density(x),
    "The distribution function of the standard normal distribution.",
    "exp(-x**2/2)/sqrt(2 pi)",
    kernel=lambda xp, x: 0.5 * erfc.op.kernel(xp, x * -_ROOT_HALF),  # type: ignore[misc]  # it has one
)
log_ndtr: Unary = special(
    "log_ndtr",
    "x",
    lambda g, y, x: g * _log_ndtr_slope(x, y),
    "The logarithm of `ndtr`, exact where that underflows.",
    "exp(-x**2/2)/sqrt(2 pi)/ndtr(x), by erfcx for negative x",
)
ndtri: Unary = special(
    "ndtri",
    "p",
    lambda g, y, _x: zero_wins(g, ops.exp(0.5 * (y * y)) / _DENSITY),
    "The inverse of `ndtr`: quantiles of the standard normal distribution.",
    "sqrt(2 pi) * exp(ndtri(p)**2/2)",
)
ndtri_exp: Unary = special(
    "ndtri_exp",
    "y",
    lambda g, y, x: zero_wins(g, _ndtri_exp_slope(y, x)),
    "The inverse of `log_ndtr`.",
    "the reciprocal of that of log_ndtr, at ndtri_exp(y)",
)
owens_t: Binary = special(
    "owens_t",
    "h a",
    (_owens_t_height, _owens_t_slope),
    "Owen's T function: the probability that `X > h` and `0 < Y < a X`, of independent standard normal X and Y.",
    "-exp(-h**2/2) * erf(a*h/sqrt(2))/sqrt(8 pi) and exp(-h**2*(1 + a**2)/2)/(2 pi (1 + a**2))",
)
