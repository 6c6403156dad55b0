"""Functions of matrices: the exponential, the principal logarithm and the principal square root."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from chainrule import Tensor, fronts, op, ops
from chainrule_linalg._matrices import as_floating, function_of, matrices

_PADE = (
    *(64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0, 129060195264000.0),
    *(10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0, 40840800.0, 960960.0, 16380.0, 182.0, 1.0),
)
_WITHIN = 5.371920351148152  # up to this norm the approximant is right to the last bit


def _square(a: Any) -> Any:
    matrices("a", a, square=True)
    return a


def _derivative(function: Callable[[Any], Any], g: Any, a: Any) -> Any:
    """The cotangent of a function of matrices: a block of the function of `[[a^T, g], [0, a^T]]`."""
    n = a.shape[-1]
    turned = ops.matrix_transpose(a)
    above = ops.concat([turned, g], axis=-1)
    below = ops.concat([ops.zeros_like(turned), turned], axis=-1)
    return function(ops.concat([above, below], axis=-2))[..., :n, n:]


def _expm_gradient(g: Any, _y: Any, a: Any) -> Any:
    return _derivative(_expm, g, a)


@op(_square, _expm_gradient, name="linalg.expm", requires=("linalg.solve",))
def _expm(xp: Any, a: Any, /) -> Any:
    # Higham 2005: a Pade approximant of order 13 of the matrix halved so often, which is then squared as often.
    solve = function_of(xp, "solve", a)
    norm = float(xp.max(xp.sum(xp.abs(a), axis=-2))) if 0 not in a.shape else 0.0
    halvings = max(0, math.ceil(math.log2(norm / _WITHIN))) if norm > 0.0 and math.isfinite(norm) else 0
    a = a / 2.0**halvings
    one = xp.broadcast_to(xp.eye(a.shape[-1], dtype=a.dtype, device=getattr(a, "device", None)), a.shape)
    a2 = a @ a
    a4 = a2 @ a2
    a6 = a2 @ a4
    b = _PADE
    odd = a @ (a6 @ (b[13] * a6 + b[11] * a4 + b[9] * a2) + b[7] * a6 + b[5] * a4 + b[3] * a2 + b[1] * one)
    even = a6 @ (b[12] * a6 + b[10] * a4 + b[8] * a2) + b[6] * a6 + b[4] * a4 + b[2] * a2 + b[0] * one
    y = solve(even - odd, even + odd)
    for _ in range(halvings):
        y = y @ y
    return y


@fronts(_expm)
def expm(a: Any) -> Tensor:
    """The exponential of square matrices.

    Derivative: the upper right block of `expm([[a^T, g], [0, a^T]])` (Najfeld and Havel 1995; Mathias 1996).

    Raises:
        ShapeError: they are not square.

    >>> import chainrule as cr
    >>> cr.round(cr.linalg.expm([[0.0, cr.pi], [-cr.pi, 0.0]]), 12) + 0.0
    Tensor([[-1.,  0.],
            [ 0., -1.]], float64)
    """
    result: Tensor = _expm(as_floating(a))
    return result


def _logm_gradient(g: Any, _y: Any, a: Any) -> Any:
    return _derivative(_logm, g, a)


@op(_square, _logm_gradient, name="linalg.logm", requires=("linalg.logm",))
def _logm(xp: Any, a: Any, /) -> Any:
    return function_of(xp, "logm", a)(a)


@fronts(_logm)
def logm(a: Any) -> Tensor:
    """The principal logarithm of square matrices, on NumPy alone: other libraries have none.

    Derivative: the upper right block of `logm([[a^T, g], [0, a^T]])` (Mathias 1996).

    Raises:
        ShapeError: they are not square.
        ArgumentError: the logarithm of a real matrix is not real: it has eigenvalues of 0 or below, so ask for that of
            `cr.astype(a, "complex128")`.

    >>> import chainrule as cr
    >>> cr.round(cr.linalg.logm(cr.linalg.expm([[1.0, 2.0], [0.0, 3.0]])), 12)
    Tensor([[1., 2.],
            [0., 3.]], float64)
    """
    result: Tensor = _logm(as_floating(a))
    return result


def _sqrtm_gradient(g: Any, _y: Any, a: Any) -> Any:
    return _derivative(_sqrtm, g, a)


@op(_square, _sqrtm_gradient, name="linalg.sqrtm", requires=("linalg.sqrtm",))
def _sqrtm(xp: Any, a: Any, /) -> Any:
    return function_of(xp, "sqrtm", a)(a)


@fronts(_sqrtm)
def sqrtm(a: Any) -> Tensor:
    """The principal square root of square matrices, on NumPy alone: other libraries have none.

    Derivative: the upper right block of `sqrtm([[a^T, g], [0, a^T]])` (Mathias 1996).

    Raises:
        ShapeError: they are not square.
        ArgumentError: the root of a real matrix is not real, as for `logm`.

    >>> import chainrule as cr
    >>> cr.linalg.sqrtm([[4.0, 0.0], [0.0, 9.0]])
    Tensor([[2., 0.],
            [0., 3.]], float64)
    """
    result: Tensor = _sqrtm(as_floating(a))
    return result
