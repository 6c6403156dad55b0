"""Polynomials, given by their coefficients from the highest power down, as `np.polyval` takes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule import ArgumentError, ShapeError, Tensor, as_tensor, composite, infer, ops


def _values(p: Any, x: Any) -> Any:
    return infer.Spec(x.shape, x.dtype if p.shape == (0,) else infer.result_dtype(p, x))


@composite(infer=_values)
def polyval(p: Any, x: Any, /) -> Any:
    """The value of a polynomial.

    Args:
        p: its coefficients, `(n,)`, the highest power's first.
        x: where, of any shape.

    Derivatives: the powers of `x`, and the polynomial's derivative.

    >>> import chainrule as cr
    >>> cr.polyval(cr.tensor([1.0, 0.0, -1.0]), cr.tensor([2.0, 3.0]))
    Tensor([3., 8.], float64)
    """
    if p.ndim != 1:
        raise ShapeError(f"polyval: p: expected a vector of coefficients, got shape {p.shape}")
    y = ops.zeros_like(x * p[0]) if p.shape[0] else ops.zeros_like(x)
    for i in range(p.shape[0]):
        y = y * x + p[i]
    return y


def polyder(p: Any, m: int = 1) -> Tensor:
    """The coefficients of a polynomial's derivative of order `m`.

    >>> import chainrule as cr
    >>> cr.polyder(cr.tensor([3.0, 2.0, 1.0]))
    Tensor([6., 2.], float64)
    """
    if m < 0:
        raise ArgumentError(f"polyder: m: expected an order that is not negative, got {m}; see polyint")
    p = as_tensor(p)
    for _ in range(m):
        n = p.shape[0] - 1
        p = p[:-1] * ops.flip(ops.arange(1, n + 1)) if n > 0 else p[:0]
    return p


def polyint(p: Any, m: int = 1, k: Any = None) -> Tensor:
    """The coefficients of a polynomial that has the given one as its derivative of order `m`.

    Args:
        p: coefficients, the highest power's first.
        m: the order.
        k: the constants of integration, one or `m`; 0 by default.

    >>> import chainrule as cr
    >>> cr.polyint(cr.tensor([6.0, 2.0]), k=1.0)
    Tensor([3., 2., 1.], float64)
    """
    if m < 0:
        raise ArgumentError(f"polyint: m: expected an order that is not negative, got {m}; see polyder")
    p = as_tensor(p)
    constants = ops.ravel(0.0 if k is None else k)
    if constants.shape[0] not in (1, m):
        raise ShapeError(f"polyint: k: expected one constant or {m}, got {constants.shape[0]}")
    for i in range(m):
        n = p.shape[0]
        constant = constants[min(i, constants.shape[0] - 1)]
        p = ops.concat([p / ops.flip(ops.arange(1, n + 1)), ops.reshape(constant, shape=(1,))])
    return p


def _padded(p: Any, n: int) -> Any:
    return p if p.shape[0] == n else ops.concat([ops.zeros_like(p, shape=(n - p.shape[0],)), p])


def polyadd(a: Any, b: Any) -> Tensor:
    """The coefficients of the sum of two polynomials.

    >>> import chainrule as cr
    >>> cr.polyadd(cr.tensor([1.0, 2.0]), cr.tensor([1.0]))
    Tensor([1., 3.], float64)
    """
    a, b = ops.atleast_1d(a), ops.atleast_1d(b)
    n = max(a.shape[0], b.shape[0])
    result: Tensor = _padded(a, n) + _padded(b, n)
    return result


def polysub(a: Any, b: Any) -> Tensor:
    """The coefficients of the difference of two polynomials."""
    return polyadd(a, -as_tensor(b))


def polymul(a: Any, b: Any) -> Tensor:
    """The coefficients of the product of two polynomials.

    >>> import chainrule as cr
    >>> cr.polymul(cr.tensor([1.0, 1.0]), cr.tensor([1.0, -1.0]))
    Tensor([ 1.,  0., -1.], float64)
    """
    result: Tensor = ops.convolve(ops.atleast_1d(a), ops.atleast_1d(b))
    return result


def polydiv(a: Any, b: Any) -> tuple[Tensor, Tensor]:
    """The coefficients of the quotient of two polynomials and of what is left, as long as the divisor less one.

    >>> import chainrule as cr
    >>> cr.polydiv(cr.tensor([1.0, 0.0, 0.0]), cr.tensor([1.0, -1.0]))
    (Tensor([1., 1.], float64), Tensor([1.], float64))
    """
    a, b = ops.atleast_1d(a), ops.atleast_1d(b)
    m = b.shape[0]
    if a.shape[0] < m:
        return ops.zeros_like(a / b[0], shape=(1,)), a
    quotient, rest = [], a
    while rest.shape[0] >= m:
        factor = rest[0] / b[0]
        quotient.append(factor)
        rest = ops.concat([rest[1:m] - factor * b[1:], rest[m:]])
    return ops.stack(quotient), rest if m > 1 else ops.zeros_like(quotient[0], shape=(1,))


def vander(x: Any, n: int | None = None, increasing: bool = False) -> Tensor:
    """The powers of a vector's elements as columns.

    Args:
        x: `(m,)`.
        n: how many powers, from 0 on; as many as elements by default.
        increasing: whether they grow from left to right.

    >>> import chainrule as cr
    >>> cr.vander(cr.tensor([2.0, 3.0]), 3)
    Tensor([[4., 2., 1.],
            [9., 3., 1.]], float64)
    """
    x = as_tensor(x)
    if x.ndim != 1:
        raise ShapeError(f"vander: expected a vector, got shape {x.shape}")
    columns = [ops.ones_like(x)]
    for _ in range((x.shape[0] if n is None else n) - 1):
        columns.append(columns[-1] * x)
    if n == 0 or (n is None and not x.shape[0]):
        return ops.zeros_like(x, shape=(x.shape[0], 0))
    result: Tensor = ops.stack(columns if increasing else columns[::-1], axis=1)
    return result


def polyfit(x: Any, y: Any, deg: int, w: Any = None) -> Tensor:
    """The coefficients of the polynomial of a degree that fits points with the least sum of squares.

    Args:
        x: where the points are, `(m,)`.
        y: their values, `(m,)`, or `(m, k)` for `k` polynomials.
        deg: the degree.
        w: by how much each difference counts, `(m,)`.

    Returns:
        `(deg + 1,)` or `(deg + 1, k)`, the highest power's first.

    >>> import chainrule as cr
    >>> cr.polyfit(cr.tensor([0.0, 1.0, 2.0]), cr.tensor([1.0, 3.0, 5.0]), 1)
    Tensor([2., 1.], float64)
    """
    import chainrule

    x, y = as_tensor(x), as_tensor(y)
    powers = vander(x, deg + 1)
    if w is not None:
        w = as_tensor(w)
        powers = powers * w[:, None]
        y = y * (w if y.ndim == 1 else w[:, None])
    scale = ops.vector_norm(powers, axis=0)
    found = chainrule.linalg.lstsq(powers / scale, y)
    result: Tensor = found / (scale if y.ndim == 1 else scale[:, None])
    return result


def poly(roots: Sequence[Any] | Any) -> Tensor:
    """The coefficients of the polynomial with these roots whose highest power has the coefficient 1.

    >>> import chainrule as cr
    >>> cr.poly(cr.tensor([1.0, -1.0]))
    Tensor([ 1.,  0., -1.], float64)
    """
    roots = ops.atleast_1d(roots)
    if roots.ndim != 1:
        raise ShapeError(
            f"poly: expected a vector of roots, got shape {roots.shape}; of a matrix, pass its eigenvalues"
        )
    p = ops.ones_like(roots, shape=(1,))
    for i in range(roots.shape[0]):
        p = ops.concat([p, ops.zeros_like(p[:1])]) - ops.concat([ops.zeros_like(p[:1]), p * roots[i]])
    return p
