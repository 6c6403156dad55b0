"""Distributions that are shifted and scaled from a standard one, whose parameters so have gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule import Tensor, ops
from chainrule_random import _draws
from chainrule_random._parameters import Shape, arranged

if TYPE_CHECKING:
    from chainrule_random._generator import Generator


def _drawn(generator: Generator, what: str, standard: Any, shape: Shape, loc: Any, scale: Any, dtype: Any) -> Tensor:
    shape, dtype, loc, scale = arranged(what, shape, dtype, loc=loc, scale=scale)
    z: Tensor = generator.draw(standard, shape=shape, dtype=dtype)
    if type(scale) is not float or scale != 1.0:
        z = z * scale
    if type(loc) is not float or loc != 0.0:
        z = z + loc
    return z


def normal(generator: Generator, shape: Shape = None, loc: Any = 0.0, scale: Any = 1.0, dtype: Any = None) -> Tensor:
    """Normal numbers, `loc + scale * z`: derivatives 1 by `loc` and `z` by `scale`.

    Args:
        shape: the shape, which the parameters broadcast to; by default theirs.
        loc: the mean.
        scale: the standard deviation.
        dtype: by default that of the parameters, else the default dtype. Complex numbers have half of the variance in
            their real part.

    Raises:
        ShapeError, DTypeError: the parameters do not broadcast to the shape, or the dtype is no floating-point one.

    >>> import chainrule as cr
    >>> cr.grad(lambda m: cr.sum(cr.random.normal((3,), m)))(0.5)
    np.float64(3.0)
    """
    return _drawn(generator, "normal", _draws.standard_normal, shape, loc, scale, dtype)


def uniform(generator: Generator, shape: Shape = None, low: Any = 0.0, high: Any = 1.0, dtype: Any = None) -> Tensor:
    """Numbers from an interval, `low + (high - low) * u`: derivatives `1 - u` by `low` and `u` by `high`.

    Args:
        shape, dtype: as for `normal`.
        low: where it begins, which is drawn too.
        high: where it ends, which is not, but for rounding.

    >>> import chainrule as cr
    >>> x = cr.random.uniform((100,), -1.0, 1.0)
    >>> bool(cr.all((x >= -1.0) & (x <= 1.0)))
    True
    """
    shape, dtype, low, high = arranged("uniform", shape, dtype, low=low, high=high)
    u: Tensor = generator.draw(_draws.standard_uniform, shape=shape, dtype=dtype)
    return u if (type(low), low, type(high), high) == (float, 0.0, float, 1.0) else low + (high - low) * u


def exponential(generator: Generator, shape: Shape = None, scale: Any = 1.0, dtype: Any = None) -> Tensor:
    """Exponential numbers, `scale * e`: derivative `e` by `scale`, the mean.

    Args:
        shape, dtype: as for `normal`.
        scale: the mean.

    >>> import chainrule as cr
    >>> bool(cr.all(cr.random.exponential((100,), 2.0) >= 0.0))
    True
    """
    return _drawn(generator, "exponential", _draws.standard_exponential, shape, 0.0, scale, dtype)


def laplace(generator: Generator, shape: Shape = None, loc: Any = 0.0, scale: Any = 1.0, dtype: Any = None) -> Tensor:
    """Laplace's double exponential distribution, `loc + scale * z`, with the derivatives of `normal`.

    >>> import chainrule as cr
    >>> cr.random.laplace((2, 3)).shape
    (2, 3)
    """
    return _drawn(generator, "laplace", _draws.standard_laplace, shape, loc, scale, dtype)


def logistic(generator: Generator, shape: Shape = None, loc: Any = 0.0, scale: Any = 1.0, dtype: Any = None) -> Tensor:
    """The logistic distribution, `loc + scale * z`, with the derivatives of `normal`.

    >>> import chainrule as cr
    >>> cr.random.logistic((2, 3)).shape
    (2, 3)
    """
    return _drawn(generator, "logistic", _draws.standard_logistic, shape, loc, scale, dtype)


def gumbel(generator: Generator, shape: Shape = None, loc: Any = 0.0, scale: Any = 1.0, dtype: Any = None) -> Tensor:
    """Gumbel's distribution of largest values, `loc + scale * z`, with the derivatives of `normal`.

    >>> import chainrule as cr
    >>> cr.random.gumbel((2, 3)).shape
    (2, 3)
    """
    return _drawn(generator, "gumbel", _draws.standard_gumbel, shape, loc, scale, dtype)


def cauchy(generator: Generator, shape: Shape = None, loc: Any = 0.0, scale: Any = 1.0, dtype: Any = None) -> Tensor:
    """Cauchy's distribution, `loc + scale * z`, with the derivatives of `normal`. It has no mean.

    >>> import chainrule as cr
    >>> cr.random.cauchy((2, 3)).shape
    (2, 3)
    """
    return _drawn(generator, "cauchy", _draws.standard_cauchy, shape, loc, scale, dtype)


def lognormal(
    generator: Generator, shape: Shape = None, mean: Any = 0.0, sigma: Any = 1.0, dtype: Any = None
) -> Tensor:
    """Numbers whose logarithm is normal, `exp(mean + sigma * z)`: derivatives `y` by `mean` and `y * z` by `sigma`.

    >>> import chainrule as cr
    >>> bool(cr.all(cr.random.lognormal((5,), 1.0, 2.0) > 0.0))
    True
    """
    power: Tensor = ops.exp(_drawn(generator, "lognormal", _draws.standard_normal, shape, mean, sigma, dtype))
    return power


def rayleigh(generator: Generator, shape: Shape = None, scale: Any = 1.0, dtype: Any = None) -> Tensor:
    """Rayleigh's distribution, `scale * sqrt(2 e)` of exponential `e`: derivative `y / scale`.

    >>> import chainrule as cr
    >>> bool(cr.all(cr.random.rayleigh((5,), 2.0) >= 0.0))
    True
    """
    shape, dtype, scale = arranged("rayleigh", shape, dtype, scale=scale)
    e = generator.draw(_draws.standard_exponential, shape=shape, dtype=dtype)
    scaled: Tensor = scale * ops.sqrt(2.0 * e)
    return scaled


def weibull(generator: Generator, shape: Shape = None, a: Any = 1.0, scale: Any = 1.0, dtype: Any = None) -> Tensor:
    """Weibull's distribution, `scale * e^(1/a)` of exponential `e`, and its derivatives.

    Args:
        shape, dtype: as for `normal`.
        a: the shape of the distribution, above 0.
        scale: what it is multiplied by.

    >>> import chainrule as cr
    >>> bool(cr.all(cr.random.weibull((5,), 1.5) >= 0.0))
    True
    """
    shape, dtype, a, scale = arranged("weibull", shape, dtype, a=a, scale=scale)
    e = generator.draw(_draws.standard_exponential, shape=shape, dtype=dtype)
    scaled: Tensor = scale * e ** (1.0 / a)
    return scaled


def pareto(generator: Generator, shape: Shape = None, a: Any = 1.0, scale: Any = 1.0, dtype: Any = None) -> Tensor:
    """Pareto's distribution of numbers above `scale`, `scale * exp(e / a)` of exponential `e`, and its derivatives.

    NumPy's function of this name draws what this is above 1.

    Args:
        shape, dtype: as for `normal`.
        a: the shape of the distribution, above 0.
        scale: the smallest number.

    >>> import chainrule as cr
    >>> bool(cr.all(cr.random.pareto((5,), 3.0, 2.0) >= 2.0))
    True
    """
    shape, dtype, a, scale = arranged("pareto", shape, dtype, a=a, scale=scale)
    e = generator.draw(_draws.standard_exponential, shape=shape, dtype=dtype)
    scaled: Tensor = scale * ops.exp(e / a)
    return scaled


def power(generator: Generator, shape: Shape = None, a: Any = 1.0, dtype: Any = None) -> Tensor:
    """Numbers between 0 and 1 of density `a * x^(a - 1)`, `exp(-e / a)` of exponential `e`, and their derivative.

    Args:
        shape, dtype: as for `normal`.
        a: the shape of the distribution, above 0.

    >>> import chainrule as cr
    >>> bool(cr.all(cr.random.power((5,), 3.0) <= 1.0))
    True
    """
    shape, dtype, a = arranged("power", shape, dtype, a=a)
    e = generator.draw(_draws.standard_exponential, shape=shape, dtype=dtype)
    drawn: Tensor = ops.exp(-e / a)
    return drawn


def triangular(
    generator: Generator,
    shape: Shape = None,
    left: Any = 0.0,
    mode: Any = 0.5,
    right: Any = 1.0,
    dtype: Any = None,
) -> Tensor:
    """Numbers from an interval whose density rises to `mode` and falls from there, by the quantiles' derivatives.

    Args:
        shape, dtype: as for `normal`.
        left, right: where the interval begins and ends.
        mode: where the density is largest, between them.

    >>> import chainrule as cr
    >>> x = cr.random.triangular((100,), -1.0, 0.0, 1.0)
    >>> bool(cr.all((x >= -1.0) & (x <= 1.0)))
    True
    """
    shape, dtype, left, mode, right = arranged("triangular", shape, dtype, left=left, mode=mode, right=right)
    u = generator.draw(_draws.standard_uniform, shape=shape, dtype=dtype)
    width, rise = right - left, mode - left
    before = u * width < rise
    # Roots of the branch that is taken alone: those of the other may be of negative numbers.
    up = left + ops.sqrt(ops.where(before, u * width * rise, 1.0))
    down = right - ops.sqrt(ops.where(before, 1.0, (1.0 - u) * width * (right - mode)))
    drawn: Tensor = ops.where(before, up, down)
    return drawn
