"""Distributions whose variables move with a parameter as their quantiles do: von Mises' and Wald's.

Where a distribution function `F(y; a)` keeps its value, `y` moves with `a` by `-F_a / F_y` (Figurnov, Mohamed and Mnih,
2018, https://arxiv.org/abs/1805.08498).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from chainrule import MissingGradientError, Tensor, infer, op, ops
from chainrule_random import _draws
from chainrule_random._parameters import Shape, arranged, spread

if TYPE_CHECKING:
    from chainrule_random._generator import Generator

_POINTS: Final = 40
_FALLEN: Final = 40.0  # where the exponential of minus it is nothing beside 1


def _centred(kappa: Any, theta: Any) -> Any:
    """The cosine without its mean."""
    from chainrule_special._bessel import i0e, i1e

    return ops.cos(theta) - i1e(kappa) / i0e(kappa)


def _by_angle(g: Any, y: Any, kappa: Any, theta: Any, order: int) -> Any:
    _check_order(order)
    return g * (y * kappa * ops.sin(theta) - _centred(kappa, theta))


def _by_kappa(g: Any, y: Any, kappa: Any, theta: Any, order: int) -> Any:
    _check_order(order)
    return g * (von_mises_slope(kappa, theta, order=2) - y * _centred(kappa, theta))


def _check_order(order: int) -> None:
    if order > 1:
        raise MissingGradientError(
            "random.von_mises has no third derivatives by kappa: the second is an integral that is not derived again; "
            "hold kappa constant with cr.stop_gradient(kappa)"
        )


@op(
    infer=lambda kappa, theta, order: infer.floating(kappa, theta),
    gradient=(_by_kappa, _by_angle),
    name="random.von_mises_slope",
    broadcasts=True,
    elementwise=True,
)
def von_mises_slope(xp: Any, kappa: Any, theta: Any, /, order: int = 1) -> Any:
    """The derivative of a von Mises variable by its concentration, at a fixed quantile.

    With the density `f` in proportion to `exp(kappa cos(t))` and the mean `A` of `cos(t)` it is minus the integral of
    `f (cos(t) - A)` from 0 to theta, over `f`, or that from theta to pi: the one whose integrand keeps its sign.
    Gauss's rule with 40 points gives it, over where the exponential is above 4e-18 of its largest value.

    Derivative: by `kappa`, `g * (h - y * (cos(theta) - A))` with `h` of order 2; by `theta`, `g * (A - cos(theta) + y *
    kappa * sin(theta))`; of order 2 they are refused.

    Args:
        kappa: concentrations, 0 or above.
        theta: angles from -pi to pi.
        order: how often the distribution function is derived by kappa, 1 or 2.
    """
    import numpy as np

    abscissas, weights = np.polynomial.legendre.leggauss(_POINTS)
    device, dtype = getattr(kappa + theta, "device", None), (kappa + theta).dtype
    x = xp.astype(xp.asarray(abscissas, device=device), dtype)
    w = xp.astype(xp.asarray(weights, device=device), dtype)

    def fallen(start: Any) -> Any:
        """Where the exponential has fallen to nothing from an angle on, pi at most."""
        level = xp.cos(start) - _FALLEN / xp.where(kappa > 1.0, kappa, 1.0 + 0.0 * kappa)
        return xp.acos(xp.where(level > -1.0, level, 0.0 * level - 1.0))

    def summed(low: Any, high: Any, reference: Any, factor: Any) -> Any:
        """The integral of the exponential, 1 at the reference, times a function of `1 - cos`."""
        half = 0.5 * (high - low)[..., None]
        t = low[..., None] + half * (x + 1.0)
        far = 2.0 * xp.sin(0.5 * (t + reference[..., None])) * xp.sin(0.5 * (t - reference[..., None]))
        return xp.sum(w * half * xp.exp(-kappa[..., None] * far) * factor(2.0 * xp.sin(0.5 * t) ** 2), axis=-1)

    zero = 0.0 * (kappa + theta)
    kappa, size = kappa + zero, xp.abs(theta) + zero
    end = fallen(zero)
    whole = summed(zero, end, zero, lambda v: 1.0 + 0.0 * v)
    below = summed(zero, end, zero, lambda v: v) / whole  # 1 - A
    variance = summed(zero, end, zero, lambda v: (v - below[..., None]) ** 2) / whole
    inner = 2.0 * xp.sin(0.5 * size) ** 2 < below
    low, high = xp.where(inner, zero, size), xp.where(inner, size, fallen(size))
    if order == 1:
        moved = summed(low, high, size, lambda v: below[..., None] - v)
    else:
        moved = summed(low, high, size, lambda v: (below[..., None] - v) ** 2 - variance[..., None])
    return xp.sign(theta) * xp.where(inner, -moved, moved)


def wald_slope(ratio: Any, y: Any) -> Any:
    """The derivative by `ratio` of an inverse Gaussian variable of mean 1 and shape `ratio`, at a fixed quantile."""
    from chainrule_special._error import erfcx

    tail = erfcx(ops.sqrt(0.5 * ratio / y) * (y + 1.0))
    return y / ratio - ops.sqrt(2.0 * math.pi / ratio * y * y * y) * tail


def von_mises(generator: Generator, shape: Shape = None, loc: Any = 0.0, kappa: Any = 1.0, dtype: Any = None) -> Tensor:
    """Angles of von Mises' distribution, from -pi to pi: derivative 1 by `loc`, that of the quantile by `kappa`.

    A third derivative by `kappa` is refused.

    Args:
        shape, dtype: as for `normal`.
        loc: the angle where the density is largest.
        kappa: the concentration, 0 or above.

    >>> import chainrule as cr
    >>> bool(cr.all(cr.abs(cr.random.von_mises((5,), 3.0, 2.0)) < 3.1416))
    True
    """
    shape, dtype, loc, kappa = arranged("von_mises", shape, dtype, loc=loc, kappa=kappa)
    angle = generator.draw(_draws.standard_von_mises, spread(kappa, shape, dtype), shape=shape, dtype=dtype)
    turned: Tensor = ops.remainder(angle + loc + math.pi, 2.0 * math.pi) - math.pi
    return turned


def wald(generator: Generator, shape: Shape = None, mean: Any = 1.0, scale: Any = 1.0, dtype: Any = None) -> Tensor:
    """Wald's distribution, the inverse Gaussian one, and its derivatives: those of the quantile.

    Args:
        shape, dtype: as for `normal`.
        mean: the mean, above 0.
        scale: the shape of the distribution, above 0: the variance is `mean**3 / scale`.

    >>> import chainrule as cr
    >>> bool(cr.all(cr.random.wald((5,), 2.0, 3.0) > 0.0))
    True
    """
    shape, dtype, mean, scale = arranged("wald", shape, dtype, mean=mean, scale=scale)
    ratio = spread(scale / mean, shape, dtype)
    variable: Tensor = generator.draw(_draws.standard_wald, ratio, shape=shape, dtype=dtype) * mean
    return variable
