"""Orthogonal polynomials at points; the derivative of one is another of the degree below."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule import Binary, NoGradient, Tensor, ops
from chainrule_special._rows import special

_DEGREE = NoGradient("the derivative of a polynomial with respect to its degree has no closed form")
_PARAMETER = NoGradient("the derivative of a polynomial with respect to its parameters has no closed form")


def _below(n: Any, slope: Callable[[Any], Any], g: Any) -> Any:
    """`g` times a slope by the degree below `n`; 0 where `n` is 0."""
    if type(n) is not Tensor:
        return g * slope(n - 1) if n else ops.zeros_like(g)
    constant = ops.equal(n, 0)
    return ops.where(constant, 0.0, g * slope(ops.where(constant, 1, n) - 1))


eval_jacobi: Any = special(
    "eval_jacobi",
    "n alpha beta x",
    (
        *(_DEGREE, _PARAMETER, _PARAMETER),
        lambda g, _y, n, alpha, beta, x: _below(
            n, lambda m: 0.5 * (n + alpha + beta + 1) * eval_jacobi(m, alpha + 1, beta + 1, x), g
        ),
    ),
    "Jacobi polynomials.",
    "(n + alpha + beta + 1)/2 * eval_jacobi(n - 1, alpha + 1, beta + 1, x) with respect to x",
    takes_complex=True,
)
eval_gegenbauer: Any = special(
    "eval_gegenbauer",
    "n alpha x",
    (
        *(_DEGREE, _PARAMETER),
        lambda g, _y, n, alpha, x: _below(n, lambda m: 2 * alpha * eval_gegenbauer(m, alpha + 1, x), g),
    ),
    "Gegenbauer polynomials.",
    "2*alpha * eval_gegenbauer(n - 1, alpha + 1, x) with respect to x",
    takes_complex=True,
)
eval_legendre: Binary = special(
    "eval_legendre",
    "n x",
    (_DEGREE, lambda g, _y, n, x: _below(n, lambda m: eval_gegenbauer(m, 1.5, x), g)),
    "Legendre polynomials.",
    "eval_gegenbauer(n - 1, 3/2, x) with respect to x",
    takes_complex=True,
)
eval_chebyt: Binary = special(
    "eval_chebyt",
    "n x",
    (_DEGREE, lambda g, _y, n, x: _below(n, lambda m: n * eval_chebyu(m, x), g)),
    "Chebyshev polynomials of the first kind.",
    "n * eval_chebyu(n - 1, x) with respect to x",
    takes_complex=True,
)
eval_chebyu: Binary = special(
    "eval_chebyu",
    "n x",
    (_DEGREE, lambda g, _y, n, x: _below(n, lambda m: 2 * eval_gegenbauer(m, 2.0, x), g)),
    "Chebyshev polynomials of the second kind.",
    "2 * eval_gegenbauer(n - 1, 2, x) with respect to x",
    takes_complex=True,
)
eval_genlaguerre: Any = special(
    "eval_genlaguerre",
    "n alpha x",
    (
        *(_DEGREE, _PARAMETER),
        lambda g, _y, n, alpha, x: _below(n, lambda m: -eval_genlaguerre(m, alpha + 1, x), g),
    ),
    "Generalised Laguerre polynomials.",
    "-eval_genlaguerre(n - 1, alpha + 1, x) with respect to x",
    takes_complex=True,
)
eval_laguerre: Binary = special(
    "eval_laguerre",
    "n x",
    (_DEGREE, lambda g, _y, n, x: _below(n, lambda m: -eval_genlaguerre(m, 1.0, x), g)),
    "Laguerre polynomials.",
    "-eval_genlaguerre(n - 1, 1, x) with respect to x",
    takes_complex=True,
)
eval_hermite: Binary = special(
    "eval_hermite",
    "n x",
    (None, lambda g, _y, n, x: _below(n, lambda m: 2 * n * eval_hermite(m, x), g)),
    "Hermite polynomials, of the physicists.",
    "2*n * eval_hermite(n - 1, x)",
)
eval_hermitenorm: Binary = special(
    "eval_hermitenorm",
    "n x",
    (None, lambda g, _y, n, x: _below(n, lambda m: n * eval_hermitenorm(m, x), g)),
    "Hermite polynomials, of the probabilists.",
    "n * eval_hermitenorm(n - 1, x)",
)
