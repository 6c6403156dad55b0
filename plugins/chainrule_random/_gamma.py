"""The gamma distribution and those made of it, with gradients by their shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule import Tensor, ops
from chainrule_random import _draws
from chainrule_random._parameters import Shape, arranged, spread

if TYPE_CHECKING:
    from chainrule_random._generator import Generator


def gamma(generator: Generator, shape: Shape = None, a: Any = 1.0, scale: Any = 1.0, dtype: Any = None) -> Tensor:
    """Gamma variables of shape `a`, times `scale`.

    The derivative by `a` is that of the quantile, minus the derivative of the distribution function by `a` over the
    density: an unbiased gradient of expectations (Figurnov, Mohamed and Mnih, 2018, https://arxiv.org/abs/1805.08498),
    though with another `a` the same state may give a number of another quantile.

    Args:
        shape, dtype: as for `normal`.
        a: the shape of the distribution, above 0: its mean.
        scale: what it is multiplied by.

    >>> import chainrule as cr
    >>> cr.random.seed(0)
    >>> slope = cr.grad(lambda a: cr.mean(cr.random.gamma((2000,), a)))(3.0)
    >>> round(float(slope), 1)  # of the mean, which is `a`
    1.0
    """
    shape, dtype, a, scale = arranged("gamma", shape, dtype, a=a, scale=scale)
    variable: Tensor = _standard(generator, shape, a, dtype) * scale
    return variable


def _standard(generator: Generator, shape: Any, a: Any, dtype: Any) -> Tensor:
    drawn: Tensor = generator.draw(_draws.standard_gamma, spread(a, shape, dtype), shape=shape, dtype=dtype)
    return drawn


def _logarithm(generator: Generator, shape: Any, a: Any, dtype: Any) -> Tensor:
    """The logarithm of a gamma variable, also of shapes so small that the variable itself is 0 in this dtype.

    A variable of shape `a + 1` times `u^(1/a)`, with a uniform `u`, is one of shape `a`.
    """
    a = spread(a, shape, dtype)
    larger = _standard(generator, shape, a + 1.0, dtype)
    logarithm: Tensor = ops.log(larger) - generator.draw(_draws.standard_exponential, shape=shape, dtype=dtype) / a
    return logarithm


def beta(generator: Generator, shape: Shape = None, a: Any = 1.0, b: Any = 1.0, dtype: Any = None) -> Tensor:
    """Beta variables, `x / (x + y)` of gamma variables with shapes `a` and `b`, and their derivatives.

    Args:
        shape, dtype: as for `normal`.
        a, b: the shapes of the distribution, above 0.

    >>> import chainrule as cr
    >>> cr.random.beta((2, 3), 0.5, 2.0).shape
    (2, 3)
    """
    shape, dtype, a, b = arranged("beta", shape, dtype, a=a, b=b)
    difference = _logarithm(generator, shape, a, dtype) - _logarithm(generator, shape, b, dtype)
    ratio: Tensor = ops.sigmoid(difference)
    return ratio


def dirichlet(generator: Generator, alpha: Any, shape: Shape = None, dtype: Any = None) -> Tensor:
    """Probabilities, `x / sum(x)` of gamma variables with shapes `alpha`, and their derivatives.

    Args:
        alpha: the concentrations, above 0, along the last axis.
        shape: that of the result, `alpha`'s by default.
        dtype: as for `normal`.

    >>> import chainrule as cr
    >>> x = cr.random.dirichlet([1.0, 2.0, 3.0], (4, 3))
    >>> bool(cr.all(cr.abs(cr.sum(x, axis=-1) - 1.0) < 1e-12))
    True
    """
    shape, dtype, alpha = arranged("dirichlet", shape, dtype, alpha=alpha)
    shares: Tensor = ops.softmax(_logarithm(generator, shape, alpha, dtype), axis=-1)
    return shares


def chi2(generator: Generator, shape: Shape = None, df: Any = 1.0, dtype: Any = None) -> Tensor:
    """Chi-squared variables, twice gamma variables of shape `df / 2`, and their derivatives.

    Args:
        shape, dtype: as for `normal`.
        df: the degrees of freedom, above 0.

    >>> import chainrule as cr
    >>> bool(cr.all(cr.random.chi2((5,), 3.0) > 0.0))
    True
    """
    shape, dtype, df = arranged("chi2", shape, dtype, df=df)
    return 2.0 * _standard(generator, shape, 0.5 * df, dtype)


def student_t(
    generator: Generator, shape: Shape = None, df: Any = 1.0, loc: Any = 0.0, scale: Any = 1.0, dtype: Any = None
) -> Tensor:
    """Student's t, a normal variable over the root of a chi-squared one by its degrees of freedom, and its derivatives.

    Args:
        shape, dtype: as for `normal`.
        df: the degrees of freedom, above 0.
        loc: where its centre is.
        scale: what it is multiplied by before.

    >>> import chainrule as cr
    >>> cr.random.student_t((2,), df=[3.0, 30.0]).shape
    (2,)
    """
    shape, dtype, df, loc, scale = arranged("student_t", shape, dtype, df=df, loc=loc, scale=scale)
    z = generator.draw(_draws.standard_normal, shape=shape, dtype=dtype)
    half = 0.5 * df
    variable: Tensor = loc + scale * z * ops.exp(0.5 * (ops.log(half) - _logarithm(generator, shape, half, dtype)))
    return variable


def f(generator: Generator, shape: Shape = None, dfn: Any = 1.0, dfd: Any = 1.0, dtype: Any = None) -> Tensor:
    """Fisher's F, a chi-squared variable over another, each by its degrees of freedom, and its derivatives.

    Args:
        shape, dtype: as for `normal`.
        dfn, dfd: the degrees of freedom, above 0.

    >>> import chainrule as cr
    >>> bool(cr.all(cr.random.f((5,), 3.0, 4.0) > 0.0))
    True
    """
    shape, dtype, dfn, dfd = arranged("f", shape, dtype, dfn=dfn, dfd=dfd)
    above, below = (_logarithm(generator, shape, 0.5 * df, dtype) for df in (dfn, dfd))
    variable: Tensor = ops.exp(above - below) * (dfd / dfn)
    return variable
