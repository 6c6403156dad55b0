"""The error function and its complement, for real numbers.

The generic kernels are the rational approximations of W. J. Cody, "Rational Chebyshev approximations for the error
function" (Mathematics of Computation 23, 1969): exact to a few units in the last place of float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

from chainrule import DTypeError, Unary, elementwise, infer, ops

# Numerator and denominator by falling powers: of x*x below _NEAR, of |x| from there to _FAR, of 1/(x*x) above.
_NEAR: Final = 0.46875
_NEAR_P: Final = (
    *(1.85777706184603153e-1, 3.16112374387056560e0, 1.13864154151050156e2, 3.77485237685302021e2),
    3.20937758913846947e3,
)
_NEAR_Q: Final = (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3)
_MIDDLE_P: Final = (
    *(2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e1),
    *(2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3),
    1.23033935479799725e3,
)
_MIDDLE_Q: Final = (
    *(1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3),
    *(3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3),
)
_FAR: Final = 4.0
_NOTHING: Final = 28.0  # erfc is 0 from here on, in float64 too
_FAR_P: Final = (
    *(1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1),
    *(1.60837851487422766e-2, 6.58749161529837803e-4),
)
_FAR_Q: Final = (
    *(1.0, 2.56852019228982242e0, 1.87295284992346725e0, 5.27905102951428412e-1, 6.05183413124413191e-2),
    2.33520497626869185e-3,
)


def _ratio(x: Any, numerator: Sequence[float], denominator: Sequence[float]) -> Any:
    """The quotient of two polynomials of the same degree."""
    p, q = numerator[0] * x + numerator[1], denominator[0] * x + denominator[1]
    for a, b in zip(numerator[2:], denominator[2:], strict=True):
        p, q = p * x + a, q * x + b
    return p / q


def _near(xp: Any, x: Any) -> Any:
    """erf(x) for small |x|, of x held there."""
    x = xp.where(xp.abs(x) < _NEAR, x, xp.zeros_like(x))
    return x * _ratio(x * x, _NEAR_P, _NEAR_Q)


def _tail(xp: Any, x: Any) -> Any:
    """erfc(|x|), for |x| that is not small."""
    given = x
    x = xp.where(xp.abs(x) < _NOTHING, xp.abs(x), xp.zeros_like(x) + _NOTHING)
    # exp(-x*x) in two factors, the first one of a square without rounding
    coarse = xp.floor(x * 16.0) / 16.0
    gaussian = xp.exp(-coarse * coarse) * xp.exp((coarse - x) * (coarse + x))
    held = xp.where(x < _FAR, x, xp.ones_like(x))
    inverse = xp.where(x < _FAR, xp.zeros_like(x) + 1 / _FAR, 1.0 / xp.where(x < _FAR, xp.ones_like(x), x))
    square = inverse * inverse
    far = inverse * (1 / math.sqrt(math.pi) - square * _ratio(square, _FAR_P, _FAR_Q))
    tail = gaussian * xp.where(x < _FAR, _ratio(held, _MIDDLE_P, _MIDDLE_Q), far)
    return xp.where(xp.isnan(given), given, tail)


def _real(x: Any) -> Any:
    spec = infer.floating(x)
    if spec.dtype.kind == "complex":
        raise DTypeError(f"takes real numbers, got {spec.dtype}; take cr.real of it, or its absolute value")
    return spec


_SLOPE: Final = 2 / math.sqrt(math.pi)


def _in_single(kernel: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """A kernel that computes numbers of 16 bits in 32: the polynomials overflow in `float16`."""

    def compute(xp: Any, x: Any) -> Any:
        if not str(x.dtype).endswith("float16"):
            return kernel(xp, x)
        return xp.astype(kernel(xp, xp.astype(x, xp.float32)), x.dtype)

    return compute


@_in_single
def _erf(xp: Any, x: Any) -> Any:
    return xp.where(xp.abs(x) < _NEAR, _near(xp, x), xp.sign(x) * (1.0 - _tail(xp, x)))


@_in_single
def _erfc(xp: Any, x: Any) -> Any:
    tail = _tail(xp, x)
    return xp.where(xp.abs(x) < _NEAR, 1.0 - _near(xp, x), xp.where(x < 0, 2.0 - tail, tail))


erf: Unary = elementwise(
    "erf",
    _real,
    lambda g, _y, x: g * (_SLOPE * ops.exp(-(x * x))),
    """The error function, `2/sqrt(pi)` times the integral of `exp(-t*t)` from 0 to x.

    The distribution function of the standard normal distribution is `0.5 * (1 + erf(x / sqrt(2)))`.

    Args:
        x: an array of real numbers, of any shape, or a number.

    Returns:
        A tensor of the same shape.

    Raises:
        DTypeError: x is complex.

    Derivative: 2/sqrt(pi) * exp(-x**2).

    >>> import chainrule as cr
    >>> cr.erf(cr.tensor([0.0, 0.5, float("inf")]))
    Tensor([0.        , 0.52049988, 1.        ], float64)
    """,
    kernel=_erf,
)

erfc: Unary = elementwise(
    "erfc",
    _real,
    lambda g, _y, x: g * (-_SLOPE * ops.exp(-(x * x))),
    """The complementary error function, `1 - erf(x)`, exact where that is nearly 0.

    Args:
        x: an array of real numbers, of any shape, or a number.

    Returns:
        A tensor of the same shape.

    Raises:
        DTypeError: x is complex.

    Derivative: -2/sqrt(pi) * exp(-x**2).

    >>> import chainrule as cr
    >>> cr.erfc(cr.tensor([0.0, 10.0]))
    Tensor([1.00000000e+00, 2.08848758e-45], float64)
    """,
    kernel=_erfc,
)
