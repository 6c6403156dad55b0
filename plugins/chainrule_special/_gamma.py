"""The gamma function and its relatives: its logarithms, the beta function, binomial coefficients, zeta."""

from __future__ import annotations

import math
from typing import Any

from chainrule import Binary, NoGradient, Tensor, Unary, as_tensor, fronts, ops
from chainrule_special._polygamma import polygamma as polygamma_kernel
from chainrule_special._rows import held, special, tensors

gamma: Unary = special(
    "gamma",
    "x",
    lambda g, y, x: g * (y * digamma(x)),
    "The gamma function: `(n - 1)!` at positive integers.",
    "y * digamma(x)",
    takes_complex=True,
)
gammaln: Unary = special(
    "gammaln",
    "x",
    lambda g, _y, x: g * digamma(x),
    "The logarithm of `|gamma(x)|`.",
    "digamma(x)",
)
loggamma: Unary = special(
    "loggamma",
    "z",
    lambda g, _y, z: g * digamma(z),
    "The principal branch of the logarithm of `gamma(z)`; of negative real numbers NaN, unlike `gammaln`.",
    "digamma(z)",
    takes_complex=True,
)


def _rgamma_slope(x: Any, y: Any) -> Any:
    """By reflection on the left, where at the poles of gamma it is finite."""
    left = x < 0.5
    a = held(left, x, 0.0)
    reflected = gamma(1.0 - a) * ops.cos(math.pi * a) - y * digamma(1.0 - a)
    return ops.where(left, reflected, -y * digamma(ops.where(left, 1.0, x)))


rgamma: Unary = special(
    "rgamma",
    "x",
    lambda g, y, x: g * _rgamma_slope(x, y),
    "`1 / gamma(x)`, 0 at 0 and the negative integers.",
    "-y * digamma(x); by reflection for x < 1/2",
)
digamma: Unary = special(
    "digamma",
    "x",
    lambda g, _y, x: g * polygamma(1, x),
    "The derivative of `loggamma`.",
    "polygamma(1, x)",
    kernel=lambda xp, x: polygamma_kernel(xp, 0, x),
    takes_complex=True,
)
psi = digamma
polygamma: Binary = special(
    "polygamma",
    "n x",
    (None, lambda g, _y, n, x: g * polygamma(n + 1, x)),
    "The derivative of `digamma` of order n.",
    "polygamma(n + 1, x)",
    kernel=polygamma_kernel,
    takes_complex=True,
)
_zeta: Binary = special(
    "zeta",
    "x q",
    (
        NoGradient("the derivative of the zeta function with respect to its exponent has no closed form"),
        lambda g, _y, x, q: g * (-x * _zeta(x + 1, q)),
    ),
    "Hurwitz's zeta function.",
    "-x * zeta(x + 1, q) with respect to q",
)
riemann_zeta: Unary = special(
    "riemann_zeta",
    "x",
    NoGradient("the derivative of the zeta function has no closed form"),
    "Riemann's zeta function.",
)


@fronts(_zeta)
def zeta(x: Any, q: Any = None) -> Tensor:
    """The zeta function: Hurwitz's, the sum of `(q + k)**-x` over all k from 0 on; Riemann's, with `q = 1`, without q.

    Args:
        x: an array of real numbers, or a number.
        q: one that broadcasts with it.

    Returns:
        A tensor of the shape that they broadcast to.

    Derivative: -x * zeta(x + 1, q) with respect to q. With respect to x there is no closed form.

    >>> import chainrule as cr
    >>> cr.special.zeta(2.0)  # pi**2 / 6
    Tensor(1.6449340668482264, float64)
    """
    return riemann_zeta(x) if q is None else _zeta(x, q)


# The beta function, and what counts


def _beta(g: Any, y: Any, a: Any, b: Any) -> Any:
    a, b = tensors(g, a, b)
    return g * (y * (digamma(a) - digamma(a + b)))


def _betaln(g: Any, _y: Any, a: Any, b: Any) -> Any:
    a, b = tensors(g, a, b)
    return g * (digamma(a) - digamma(a + b))


beta: Binary = special(
    "beta",
    "a b",
    (_beta, lambda g, y, a, b: _beta(g, y, b, a)),
    "The beta function, `gamma(a) * gamma(b) / gamma(a + b)`.",
    "y * (digamma(a) - digamma(a + b)), and with a and b exchanged",
)
betaln: Binary = special(
    "betaln",
    "a b",
    (_betaln, lambda g, y, a, b: _betaln(g, y, b, a)),
    "The logarithm of `|beta(a, b)|`.",
    "digamma(a) - digamma(a + b), and with a and b exchanged",
)


def _binom_of(g: Any, y: Any, n: Any, k: Any) -> Any:
    n, k = tensors(g, n, k)
    return g * (y * (digamma(n + 1.0) - digamma(n - k + 1.0)))


def _binom_chosen(g: Any, y: Any, n: Any, k: Any) -> Any:
    n, k = tensors(g, n, k)
    return g * (y * (digamma(n - k + 1.0) - digamma(k + 1.0)))


binom: Binary = special(
    "binom",
    "n k",
    (_binom_of, _binom_chosen),
    "Binomial coefficients, of real numbers too.",
    "y * (digamma(n + 1) - digamma(n - k + 1)) and y * (digamma(n - k + 1) - digamma(k + 1))",
)


def comb(N: Any, k: Any, *, repetition: bool = False) -> Tensor:
    """How many ways there are to choose k of N things: `binom`, and 0 where there is none.

    Args:
        N: an array of numbers.
        k: one that broadcasts with it.
        repetition: whether a thing can be chosen again.

    Derivative: that of `binom`.

    >>> import chainrule as cr
    >>> cr.special.comb(5, 2), cr.special.comb(5, 2, repetition=True)
    (Tensor(10.0, float64), Tensor(15.0, float64))
    """
    N, k = as_tensor(N), as_tensor(k)
    if repetition:
        return comb(N + k - 1, k)
    some = ops.logical_and(ops.logical_and(k <= N, N >= 0), k >= 0)
    counted: Tensor = ops.where(some, binom(held(some, N, 1), held(some, k, 1)), 0.0)
    return counted


def perm(N: Any, k: Any) -> Tensor:
    """In how many orders k of N things can be: `poch(N - k + 1, k)`, and 0 where there is none.

    Derivative: that of `poch`.

    >>> import chainrule as cr
    >>> cr.special.perm(5, 2)
    Tensor(20.0, float64)
    """
    N, k = as_tensor(N), as_tensor(k)
    some = ops.logical_and(ops.logical_and(k <= N, N >= 0), k >= 0)
    counted: Tensor = ops.where(some, poch(held(some, N - k + 1, 1), held(some, k, 1)), 0.0)
    return counted


def _poch_start(g: Any, y: Any, x: Any, m: Any) -> Any:
    x, m = tensors(g, x, m)
    return g * (y * (digamma(x + m) - digamma(x)))


def _poch_steps(g: Any, y: Any, x: Any, m: Any) -> Any:
    x, m = tensors(g, x, m)
    return g * (y * digamma(x + m))


poch: Binary = special(
    "poch",
    "x m",
    (_poch_start, _poch_steps),
    "The rising factorial, `gamma(x + m) / gamma(x)`.",
    "y * (digamma(x + m) - digamma(x)) and y * digamma(x + m)",
)


def multigammaln(a: Any, d: int) -> Tensor:
    """The logarithm of the multivariate gamma function of dimension d.

    Args:
        a: an array of real numbers above `(d - 1) / 2`.
        d: the dimension.

    Derivative: the sum of `digamma(a - j/2)` over j below d.

    >>> import chainrule as cr
    >>> cr.special.multigammaln(2.0, 1)  # gammaln
    Tensor(0.0, float64)
    """
    a = as_tensor(a)
    total: Tensor = d * (d - 1) / 4 * math.log(math.pi) + gammaln(a)
    for j in range(1, d):
        total = total + gammaln(a - 0.5 * j)
    return total


def factorial(n: Any) -> Tensor:
    """`gamma(n + 1)`, and 0 for negative numbers.

    Derivative: y * digamma(n + 1).

    >>> import chainrule as cr
    >>> cr.special.factorial([0, 3, -1])
    Tensor([1., 6., 0.], float64)
    """
    n = as_tensor(n)
    counts = n >= 0
    product: Tensor = ops.where(counts, gamma(held(counts, n, 0) + 1), 0.0)
    return product
