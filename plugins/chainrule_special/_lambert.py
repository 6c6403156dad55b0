"""Solutions of `w * exp(w) = z`: Lambert's W on each branch, and Wright's omega."""

from __future__ import annotations

from typing import Any

from chainrule import ArgumentError, Spec, Tensor, Unary, fronts, infer, op, ops
from chainrule_special._rows import complex_of, special, zero_wins


def complex_result(z: Spec, k: int) -> Spec:
    return Spec(z.shape, complex_of(infer.floating(z).dtype))


def _lambertw_gradient(g: Any, y: Any, _z: Any, k: int) -> Any:
    return zero_wins(g, ops.exp(-y) / (1.0 + y))


@op(complex_result, _lambertw_gradient, name="special.lambertw", elementwise=True, requires=("special.lambertw",))
def _lambertw(xp: Any, z: Any, /, k: int) -> Any:
    return xp.special.lambertw(z, k)


@fronts(_lambertw)
def lambertw(z: Any, k: int = 0) -> Tensor:
    """Lambert's W: the w with `w * exp(w) = z` on branch k.

    Args:
        z: an array of real or complex numbers, or a number.
        k: the branch: 0, the principal one, is real above `-1/e`, -1 between that and 0.

    Returns:
        Complex numbers, also of real ones; `cr.real` gives their real part.

    Derivative: exp(-w)/(1 + w), infinite at -1/e.

    >>> import chainrule as cr
    >>> cr.grad(lambda z: cr.real(cr.special.lambertw(z)))(cr.tensor(0.0))
    Tensor(1.0, float64)
    """
    try:
        branch = int(k.__index__())
    except AttributeError:
        raise ArgumentError(f"lambertw: k: expected an integer, the branch, got {k!r}") from None
    result: Tensor = _lambertw(z, k=branch)
    return result


def ufunc(z: Any, k: Any, tol: float) -> Tensor:
    """What answers to the ufunc inside of `scipy.special.lambertw`; the tolerance is SciPy's own."""
    return lambertw(z, k)


wrightomega: Unary = special(
    "wrightomega",
    "z",
    lambda g, y, _z: g * (y / (1.0 + y)),
    "Wright's omega: the solution of `y + log(y) = z`.",
    "y/(1 + y)",
    takes_complex=True,
)
