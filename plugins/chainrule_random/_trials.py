"""Outcomes of trials: whole numbers, which have no gradient by the parameters of their distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule import Tensor, as_dtype, as_tensor, bool_, int64, ops
from chainrule_random import _draws
from chainrule_random._parameters import Shape, arranged, result_shape, spread

if TYPE_CHECKING:
    from chainrule_random._generator import Generator


def bernoulli(generator: Generator, shape: Shape = None, p: Any = 0.5, dtype: Any = bool_) -> Tensor:
    """True with probability `p`: no gradient, since outcomes jump. `gumbel_softmax` is a smooth stand-in.

    Args:
        shape: the shape, which `p` broadcasts to; by default its own.
        p: the probability; of 0 it is never true, of 1 always.
        dtype: of the outcomes.

    >>> import chainrule as cr
    >>> x = cr.random.bernoulli((1000,), 0.25, dtype="float32")
    >>> bool(150.0 < cr.sum(x) < 350.0)
    True
    """
    shape, precision, p = arranged("bernoulli", shape, None, p=p)
    hit: Tensor = generator.draw(_draws.standard_uniform, shape=shape, dtype=precision) < p
    return hit if as_dtype(dtype) == bool_ else ops.astype(hit, dtype=dtype)


def _counted(generator: Generator, what: str, draw: Any, shape: Shape, dtype: Any, **parameters: Any) -> Tensor:
    """A draw whose parameters are floating-point numbers, but for `n`, which is a whole one."""
    given = {name: as_tensor(x) for name, x in parameters.items()}
    found = result_shape(what, shape, given)
    _, precision, *_ = arranged(what, None, None, **{name: x for name, x in given.items() if name != "n"})
    spreads = [spread(x, found, int64 if name == "n" else precision) for name, x in given.items()]
    counts: Tensor = generator.draw(draw, *spreads, shape=found, dtype=as_dtype(dtype))
    return counts


def binomial(generator: Generator, shape: Shape = None, n: Any = 1, p: Any = 0.5, dtype: Any = int64) -> Tensor:
    """How many of `n` trials succeed, each with probability `p`. No gradient: counts jump.

    Args:
        shape: the shape, which the parameters broadcast to; by default theirs.
        n: the number of trials.
        p: the probability of success.
        dtype: of the counts.

    Raises:
        ArgumentError: `n` is negative, or `p` no probability.

    >>> import chainrule as cr
    >>> bool(cr.all(cr.random.binomial((5,), 3, 0.5) <= 3))
    True
    """
    return _counted(generator, "binomial", _draws.binomial, shape, dtype, n=n, p=p)


def negative_binomial(
    generator: Generator, shape: Shape = None, n: Any = 1.0, p: Any = 0.5, dtype: Any = int64
) -> Tensor:
    """How many trials fail before the `n`-th succeeds, each with probability `p`. No gradient: counts jump.

    Args:
        shape, p, dtype: as for `binomial`.
        n: the number of successes.

    >>> import chainrule as cr
    >>> bool(cr.all(cr.random.negative_binomial((5,), 3, 0.5) >= 0))
    True
    """
    return _counted(generator, "negative_binomial", _draws.negative_binomial, shape, dtype, n=n, p=p)


def geometric(generator: Generator, shape: Shape = None, p: Any = 0.5, dtype: Any = int64) -> Tensor:
    """How many trials it takes until one succeeds, each with probability `p`. No gradient: counts jump.

    Args:
        shape, p, dtype: as for `binomial`.

    >>> import chainrule as cr
    >>> bool(cr.all(cr.random.geometric((5,), 0.5) >= 1))
    True
    """
    return _counted(generator, "geometric", _draws.geometric, shape, dtype, p=p)


def poisson(generator: Generator, shape: Shape = None, lam: Any = 1.0, dtype: Any = int64) -> Tensor:
    """How many of many rare events happen, `lam` in the mean. No gradient: counts jump.

    Args:
        shape, dtype: as for `binomial`.
        lam: the mean, 0 or above.

    Raises:
        ArgumentError: `lam` is negative, or larger than counts can be.

    >>> import chainrule as cr
    >>> bool(cr.all(cr.random.poisson((5,), [2.0] * 5) >= 0))
    True
    """
    return _counted(generator, "poisson", _draws.poisson, shape, dtype, lam=lam)


def integers(generator: Generator, low: Any, high: Any = None, shape: Shape = None, dtype: Any = int64) -> Tensor:
    """Integers from `low` up to, but without, `high`; from 0 up to `low` if there is no `high`. No gradient.

    Args:
        low, high: the bounds, which broadcast.
        shape, dtype: as for `binomial`.

    Raises:
        ArgumentError: there are none between the bounds.

    >>> import chainrule as cr
    >>> x = cr.random.integers(-2, 3, (100,))
    >>> int(cr.min(x)), int(cr.max(x))
    (-2, 2)
    """
    bounds = (0, low) if high is None else (low, high)
    given = dict(zip(("low", "high"), map(as_tensor, bounds), strict=True))
    found = result_shape("integers", shape, given)
    spreads = [spread(x, found, int64) for x in given.values()]
    drawn: Tensor = generator.draw(_draws.integers, *spreads, shape=found, dtype=as_dtype(dtype))
    return drawn
