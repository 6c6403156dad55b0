"""Distribution functions that are incomplete gamma and beta functions, and their inverses; Student's t."""

from __future__ import annotations

from typing import Any

from chainrule import Binary, Tensor, as_tensor, ops
from chainrule_special._entropy import xlog1py
from chainrule_special._gamma import betaln, digamma
from chainrule_special._incomplete import (
    betainc,
    betaincc,
    betainccinv,
    betaincinv,
    gammainc,
    gammaincc,
    gammainccinv,
)
from chainrule_special._rows import special, tensors, zero_wins
from chainrule_special._slopes import beta_slope


def chdtr(v: Any, x: Any) -> Tensor:
    """The distribution function of chi-square: `gammainc(v/2, x/2)`, with its derivative.

    >>> import chainrule as cr
    >>> cr.special.chdtr(2.0, 0.0)
    Tensor(0.0, float64)
    """
    return gammainc(0.5 * as_tensor(v), 0.5 * as_tensor(x))


def chdtrc(v: Any, x: Any) -> Tensor:
    """The probability that a chi-square variable is above x: `gammaincc(v/2, x/2)`, with its derivative."""
    return gammaincc(0.5 * as_tensor(v), 0.5 * as_tensor(x))


def pdtr(k: Any, m: Any) -> Tensor:
    """The distribution function of Poisson: at most k of mean m, `gammaincc(floor(k) + 1, m)`, with its derivative."""
    return gammaincc(ops.floor(as_tensor(k)) + 1.0, m)


def pdtrc(k: Any, m: Any) -> Tensor:
    """The probability of more than k, of mean m: `gammainc(floor(k) + 1, m)`, with its derivative."""
    return gammainc(ops.floor(as_tensor(k)) + 1.0, m)


def gdtr(a: Any, b: Any, x: Any) -> Tensor:
    """The distribution function of a gamma variable of rate a and shape b: `gammainc(b, a*x)`, with its derivative."""
    return gammainc(b, as_tensor(a) * x)


def gdtrc(a: Any, b: Any, x: Any) -> Tensor:
    """The probability that a gamma variable of rate a and shape b is above x, with the derivative of `gammaincc`."""
    return gammaincc(b, as_tensor(a) * x)


def fdtr(dfn: Any, dfd: Any, x: Any) -> Tensor:
    """The distribution function of F: `betainc(dfn/2, dfd/2, dfn*x/(dfd + dfn*x))`, with its derivative."""
    dfn, dfd = as_tensor(dfn), as_tensor(dfd)
    result: Tensor = betainc(0.5 * dfn, 0.5 * dfd, dfn * x / (dfd + dfn * x))
    return result


def fdtrc(dfn: Any, dfd: Any, x: Any) -> Tensor:
    """The probability that F is above x: `betainc(dfd/2, dfn/2, dfd/(dfd + dfn*x))`, with its derivative."""
    dfn, dfd = as_tensor(dfn), as_tensor(dfd)
    result: Tensor = betainc(0.5 * dfd, 0.5 * dfn, dfd / (dfd + dfn * x))
    return result


def chdtri(v: Any, p: Any) -> Tensor:
    """The x with `chdtrc(v, x) = p`, with the derivative of `gammainccinv`."""
    x: Tensor = 2.0 * gammainccinv(0.5 * as_tensor(v), p)
    return x


def fdtri(dfn: Any, dfd: Any, p: Any) -> Tensor:
    """The x with `fdtr(dfn, dfd, x) = p`, with the derivatives of `betaincinv`."""
    dfn, dfd = as_tensor(dfn), as_tensor(dfd)
    share, rest = betaincinv(0.5 * dfn, 0.5 * dfd, p), betainccinv(0.5 * dfd, 0.5 * dfn, p)
    x: Tensor = dfd / dfn * (share / rest)
    return x


def bdtr(k: Any, n: Any, p: Any) -> Tensor:
    """The distribution function of binomial: at most k of n succeed, `betaincc(floor(k) + 1, n - floor(k), p)`."""
    return _binomial(k, n, p, betaincc, 1.0)


def bdtrc(k: Any, n: Any, p: Any) -> Tensor:
    """The probability that more than k of n succeed, `betainc(floor(k) + 1, n - floor(k), p)`."""
    return _binomial(k, n, p, betainc, 0.0)


def _binomial(k: Any, n: Any, p: Any, function: Any, of_all: float) -> Tensor:
    below = ops.floor(as_tensor(k))
    rest = n - below
    every = ops.equal(rest, 0)
    probability: Tensor = ops.where(every, of_all, function(below + 1.0, ops.where(every, 1.0, rest), p))
    return probability


def nbdtr(k: Any, n: Any, p: Any) -> Tensor:
    """The distribution function of negative binomial: at most k fail before n succeed, `betainc(n, k + 1, p)`."""
    probability: Tensor = betainc(n, as_tensor(k) + 1, p)
    return probability


def nbdtrc(k: Any, n: Any, p: Any) -> Tensor:
    """The probability that more than k fail before n succeed, `betaincc(n, k + 1, p)`."""
    probability: Tensor = betaincc(n, as_tensor(k) + 1, p)
    return probability


# Student's t


def stdtr_density(df: Any, t: Any) -> Any:
    """The density of Student's t."""
    half = 0.5 * df
    return ops.exp(xlog1py(-half - 0.5, t * t / df) - betaln(half, ops.full_like(half, 0.5))) / ops.sqrt(df)


def _stdtr_slope(df: Any, t: Any) -> Any:
    """How a quantile of Student's t moves with its degrees of freedom: `t**2/(df + t**2)` is a beta variable."""
    near = t * t < 1e-16 * df  # what is left there is in proportion to t
    far = ops.where(near, 1.0, t)
    both = far * far + df
    half, freedom = ops.full_like(df, 0.5), 0.5 * df
    inner = beta_slope(half, freedom, far * far / both, orders=(0, 1))
    outer = -beta_slope(freedom, half, df / both, orders=(1, 0))  # the same, where the other is rounded to 1
    slope = ops.where(far * far < df, inner, outer)
    at_0 = t * (digamma(freedom) - digamma(freedom + 0.5) + 1.0 / df) * 0.5
    return ops.where(near, at_0, 0.5 * far / df + both / (4.0 * df) * (both / far) * slope)


def _stdtr_by_freedom(g: Any, _y: Any, df: Any, t: Any) -> Any:
    df, t = tensors(g, df, t)
    return -g * stdtr_density(df, t) * _stdtr_slope(df, t)


def _stdtr(g: Any, _y: Any, df: Any, t: Any) -> Any:
    df, t = tensors(g, df, t)
    return g * stdtr_density(df, t)


stdtr: Binary = special(
    "stdtr",
    "df t",
    (_stdtr_by_freedom, _stdtr),
    "The distribution function of Student's t, of df degrees of freedom.",
    "-f * s and f = (1 + t**2/df)**(-(df + 1)/2)/(sqrt(df) * beta(df/2, 1/2)), the density, with the slope of the "
    "quantile s = t/(2*df) + (df + t**2)**2/(4*df*t) * special.beta_slope(1/2, df/2, t**2/(df + t**2), orders=(0, 1))",
)


def _stdtrit_by_freedom(g: Any, y: Any, df: Any, _p: Any) -> Any:
    (df,) = tensors(g, df)
    return g * _stdtr_slope(df, y)


def _stdtrit(g: Any, y: Any, df: Any, _p: Any) -> Any:
    (df,) = tensors(g, df)
    return zero_wins(g, 1.0 / stdtr_density(df, y))


stdtrit: Binary = special(
    "stdtrit",
    "df p",
    (_stdtrit_by_freedom, _stdtrit),
    "The t with `stdtr(df, t) = p`.",
    "s and 1/f of stdtr, at t",
)
