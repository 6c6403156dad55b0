"""Distributions that are shifted and scaled from a standard one, whose parameters so have gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule import Tensor
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
